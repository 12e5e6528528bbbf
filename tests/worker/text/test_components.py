"""Which components an article is made of."""

from __future__ import annotations

import pytest

from worker.text.components import COMPONENTS, PAGE_TYPES, chosen


@pytest.mark.parametrize("page_type", [*PAGE_TYPES, None, "", "unknown"])
def test_every_page_type_has_components_in_the_order_of_an_article(page_type: str | None) -> None:
    names = chosen(page_type)
    assert {"title", "intro", "sections"} <= set(names)
    assert list(names) == [name for name in COMPONENTS if name in names]


def test_a_product_page_has_questions_and_an_article_has_a_conclusion() -> None:
    assert "faq" in chosen("product")
    assert "conclusion" in chosen(None)
    assert set(chosen("engage")) == set(COMPONENTS)


def test_what_is_wanted_is_put_in_order_once_each() -> None:
    assert chosen("product", ["faq", "title", "faq"]) == ("title", "faq")
    assert chosen("product", []) == chosen("product")


def test_an_unknown_component_is_named_with_those_there_are() -> None:
    with pytest.raises(
        ValueError, match=r"^There is no component 'hero': choose from title, intro, .*meta_description\.$"
    ):
        chosen(None, ["title", "hero"])
