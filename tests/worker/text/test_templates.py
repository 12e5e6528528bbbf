"""Articles put together by templates: which is taken, what faults are told, and that none leaves its bounds."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from worker.text.components import PAGE_TYPES
from worker.text.sandbox import MAX_CHARACTERS
from worker.text.template_files import MAX_FILE_BYTES, TemplateFault
from worker.text.templates import Templates

COMPONENTS = {
    "title": "# A\n title ",
    "intro": "Intro.\n",
    "sections": "## Part\n\nText with {{ braces }} & <signs>.",
    "conclusion": "End.",
    "faq": "## Why?\n\nSo.",
    "meta_description": "Beside the article.",
}


def own(folder: Path, source: str, name: str = "default.md.j2") -> Templates:
    (folder / name).write_text(source)
    return Templates(folder)


def made(folder: Path, source: str) -> str:
    return own(folder, source).assemble("product", COMPONENTS, {"topic": "hoses", "metadata": {"sku_count": 3}})


def fault(folder: Path, source: str) -> TemplateFault:
    with pytest.raises(TemplateFault) as caught:
        made(folder, source)
    return caught.value


def test_the_built_in_templates_have_no_faults() -> None:
    assert Templates().check() == []


@pytest.mark.parametrize("page_type", [*PAGE_TYPES, None, "unknown", "../../etc/passwd", "default"])
def test_every_page_type_has_each_component_once_and_no_meta_description(page_type: str | None) -> None:
    text = Templates().assemble(page_type, COMPONENTS, {})
    assert text.startswith("# A title\n\nIntro.\n\n## Part\n\nText with {{ braces }} & <signs>.\n\n")
    assert text.count("## Why?") == text.count("End.") == 1
    assert "Beside" not in text


def test_the_order_is_the_page_types() -> None:
    product, category = (Templates().assemble(each, COMPONENTS, {}) for each in ("product", "category"))
    assert product.index("## Why?") < product.index("End.")
    assert category.index("End.") < category.index("## Why?")


def test_components_that_are_not_there_leave_no_trace() -> None:
    assert Templates().assemble("product", {"sections": "Text."}, {}).strip() == "Text."
    assert Templates().assemble(None, {}, {}).strip() == ""


def test_a_teams_template_wins_before_its_default_before_the_built_in(tmp_path: Path) -> None:
    assert own(tmp_path, "mine", "brand.md.j2").assemble("brand", {}, {}) == "mine"
    assert Templates(tmp_path).assemble("product", {"intro": "built in"}, {}).strip() == "built in"
    assert own(tmp_path, "my default").assemble("product", {}, {}) == "my default"
    assert Templates(tmp_path).assemble("brand", {}, {}) == "mine"


def test_a_team_can_extend_a_built_in_and_include_its_own(tmp_path: Path) -> None:
    (tmp_path / "sign.md.j2").write_text("Yours, {{ item.topic }}")
    source = (
        '{% extends "built-in/product.md.j2" %}{% block article %}{{ super() }}{% include "sign.md.j2" %}{% endblock %}'
    )
    assert made(tmp_path, source).endswith("End.\n\nYours, hoses")


def test_a_template_can_loop_join_and_reckon(tmp_path: Path) -> None:
    source = (
        "{% for n in range(3) %}{{ loop.index }}/{{ loop.length }}{% if not loop.last %}, {% endif %}{% endfor %} "
        "{{ item.metadata.sku_count * 2 + 1 }} {{ item.topic ~ '!' ~ 1 }} {{ item.get('tone', 'plain') | upper }} "
        "{{ ['b', 'a'] | sort | join('+') }} {{ components.keys() | join(' ') | length > 10 }}"
    )
    assert made(tmp_path, source) == "1/3, 2/3, 3/3 7 hoses!1 PLAIN a+b True"


@pytest.mark.parametrize(
    ("source", "line", "reason"),
    [
        ("a\n{{ 1 +", 2, "unexpected"),
        ("{% for x in y %}", 1, "Unexpected end of template"),
        ("a\nb\n{{ components.nothing }}", 3, "has no attribute 'nothing'"),
        ("{{ unknown }}", 1, "'unknown' is undefined"),
        ("a\n{{ 1 / 0 }}", 2, "ZeroDivisionError"),
        ("{{ 1 | nofilter }}", 1, "No filter named 'nofilter'"),
        ('{% include "../secret.md.j2" %}', 1, "secret.md.j2"),
        ('{% include "/etc/passwd" %}', 1, "/etc/passwd"),
        ("{{ components }}", 1, "it prints a list or an object"),
        ("{{ 'x'.foo() }}", 1, "foo"),
        ("{{ " + "(" * 300 + ")" * 300 + " }}", None, ""),
    ],
)
def test_a_fault_is_one_sentence_with_the_line(tmp_path: Path, source: str, line: int | None, reason: str) -> None:
    told = fault(tmp_path, source)
    assert told.name == "default.md.j2"
    assert line is None or told.line == line
    assert reason in told.reason
    assert str(told).startswith("The template default.md.j2")
    assert str(told).endswith(".")
    assert "\n" not in str(told)


def test_a_fault_in_an_included_template_names_that_one(tmp_path: Path) -> None:
    (tmp_path / "part.md.j2").write_text("fine\n{{ missing }}")
    told = fault(tmp_path, '{% include "part.md.j2" %}')
    assert (told.name, told.line) == ("part.md.j2", 2)


def test_the_check_tells_all_faults_at_once(tmp_path: Path) -> None:
    (tmp_path / "brand.md.j2").write_text("{{")
    (tmp_path / "engage.md.j2").write_text("{% endif %}")
    assert [each.name for each in own(tmp_path, "fine").check()] == ["brand.md.j2", "engage.md.j2"]


DOUBLING = "{% set x = item.topic %}" + "{% set x = x OPERATOR x %}" * 40 + "{{ x }}"
HOSTILE = [
    "{{ ''.__class__.__mro__ }}",
    "{{ item.topic.__init__.__globals__ }}",
    "{{ self.__init__.__globals__ }}",
    "{{ components.__class__ }}",
    "{{ components.pop('title') }}",
    "{{ components.update({}) }}",
    "{{ range.__self__ }}",
    "{{ lipsum() }}",
    "{{ cycler.__init__ }}",
    "{{ '{0.__class__}'.format(1) }}",
    "{{ '{:>999999999}'.format(1) }}",
    "{{ '%999999999d' % 1 }}",
    "{{ '%999999999d' | format(1) }}",
    "{{ 'a' * 999999999 }}",
    "{{ [1] * 999999999 }}",
    "{{ 'a'.center(999999999) }}",
    "{{ 'a' | center(999999999) }}",
    "{{ 'a'.zfill(999999999) }}",
    "{{ 'a' | indent(999999999) }}",
    "{{ 9 ** 9 ** 9 }}",
    "{% set n = 9 %}" + "{% set n = n * n %}" * 40 + "{{ n }}",
    "{{ (1).to_bytes(999999999) }}",
    "{% for a in range(999999999) %}{% endfor %}",
    "{% for a in range(1000) %}{% for b in range(1000) %}{% endfor %}{% endfor %}",
    "{% for a in range(1000) %}" + "x" * 5000 + "{% endfor %}",
    "{% set y %}{% for a in range(1000) %}" + "x" * 50_000 + "{% endfor %}{% endset %}",
    "{% for a in [1] recursive %}{{ loop([1]) }}{% endfor %}",
    "{% macro f(n) %}{{ f(n - 1) }}{{ f(n - 1) }}{% endmacro %}{{ f(50) }}",
    "{% macro f(n) %}{% if n %}{{ f(n - 1) }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(40) }}",
    "{% macro f(x) %}{{ x }}{{ x }}{% endmacro %}{% set x = 'abc' %}" + "{% set x = f(x) %}" * 40,
    "{% set x = 'abc' %}" + "{% set x %}{{ x }}{{ x }}{% endset %}" * 40,
    '{% include "default.md.j2" %}',
    "{% set n = (n | default(30)) - 1 %}{% if n %}" + '{% include "default.md.j2" %}' * 2 + "{% endif %}",
    '{% extends "default.md.j2" %}',
    DOUBLING.replace("OPERATOR", "~"),
    DOUBLING.replace("OPERATOR", "+"),
    "{% set x = item.topic %}" + "{% set x = [x, x] | join(x) %}" * 40,
    "{% set x = [1] %}" + "{% set x = x + x %}" * 40,
    "{% set x = [1] %}" + "{% set x = [x, x] %}" * 40 + "{{ x }}",
    "{% set x = [1] %}" + "{% set x = [x, x] %}" * 40 + "{{ x | upper }}",
    "{% set x = [1] %}" + "{% set x = [x, x] %}" * 40 + "{{ x ~ '' }}",
    "{% set x = [1] %}" + "{% set x = [x, x] %}" * 40 + "{{ x | join }}",
    "{% set ns = namespace(x='abc') %}{% for a in range(100) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}",
    "{% for a in range(1000) %}{% set z = components.sections ~ components.sections %}{{ z }}{% endfor %}" * 20,
]


@pytest.mark.parametrize("source", HOSTILE)
def test_a_template_that_asks_for_too_much_is_stopped(tmp_path: Path, source: str) -> None:
    begun = time.process_time()
    with pytest.raises(TemplateFault):
        made(tmp_path, source)
    assert time.process_time() - begun < 5


def test_components_are_never_run_as_templates() -> None:
    text = Templates().assemble(None, {"sections": "{{ 9 ** 9 ** 9 }}{% include 'x' %}"}, {})
    assert text.strip() == "{{ 9 ** 9 ** 9 }}{% include 'x' %}"


def test_an_article_of_more_than_a_megabyte_is_refused() -> None:
    with pytest.raises(TemplateFault, match="longer than 1 MB"):
        Templates().assemble(None, {"intro": "x" * MAX_CHARACTERS, "sections": "y" * MAX_CHARACTERS}, {})


def test_a_stopped_template_leaves_the_next_its_whole_budget(tmp_path: Path) -> None:
    templates = own(tmp_path, "{% for a in range(item.n) %}{% for b in range(10) %}{% endfor %}{% endfor %}fine")
    with pytest.raises(TemplateFault, match="more than 5000 steps"):
        templates.assemble(None, {}, {"n": 900})
    assert templates.assemble(None, {}, {"n": 400}) == "fine"


def test_what_was_read_at_the_start_is_used_to_the_end(tmp_path: Path) -> None:
    templates = own(tmp_path, "first")
    (tmp_path / "default.md.j2").write_text("second")
    assert templates.assemble(None, {}, {}) == "first"


@pytest.mark.parametrize(
    ("content", "reason"), [(b"\xff\xfe", "it is not UTF-8"), (b"x" * (MAX_FILE_BYTES + 1), "it has more than 64 KB")]
)
def test_a_file_that_cannot_be_a_template_is_named(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "brand.md.j2").write_bytes(content)
    with pytest.raises(TemplateFault, match=f"The template brand.md.j2 cannot be used: {reason}"):
        Templates(tmp_path)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        TemplateFault, match=r"The template folder|templates.* cannot be used: the folder cannot be read"
    ):
        Templates(tmp_path / "templates")


def test_other_files_in_the_folder_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("{{ broken")
    assert own(tmp_path, "fine").check() == []
