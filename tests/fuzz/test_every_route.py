"""Every operation of the OpenAPI document, asked what its own schema allows and what it does not: each answer is one
that is declared, has the declared form, and is never our fault."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest
import schemathesis
from hypothesis import given
from hypothesis import strategies as st
from schemathesis import Case as AnyCase
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from schemathesis.specs.openapi.schemas import OpenApiSchema

from tests.fuzz.budget import tried
from tests.fuzz.world import World
from tests.service.operations import OPERATIONS, Operation

CHECKS = [
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
MODES = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
Case = AnyCase[Any]


ANSWERED = [each for each in OPERATIONS if not each.streams]


def named(operation: Operation) -> str:
    return operation.name


@pytest.fixture(scope="session")
def schema(shared_world: World) -> OpenApiSchema:
    return schemathesis.openapi.from_dict(shared_world.app.openapi())


def cases(world: World, schema: OpenApiSchema, operation: Operation) -> st.SearchStrategy[Case]:
    """Made from the document alone; half of them lead to something that exists."""
    described = schema[operation.path][operation.method]
    made = st.one_of(*(described.as_strategy(mode) for mode in MODES))
    there = {name: st.sampled_from(values) for name, values in world.known.items()}

    @st.composite
    def led(draw: st.DrawFn) -> Case:
        case: Case = draw(made)
        for name in case.path_parameters or {}:
            if name in there and draw(st.booleans()):
                case.path_parameters[name] = draw(there[name])
        if isinstance(case.body, dict) and "bulk_job_id" in case.body and draw(st.booleans()):
            case.body["bulk_job_id"] = draw(there["bulk_id"])
        return case

    return led()


async def sent(client: httpx2.AsyncClient, case: Case) -> httpx2.Response:
    asked: dict[str, Any] = case.as_transport_kwargs(base_url="http://127.0.0.1")
    asked.pop("cookies", None)
    if isinstance(asked.get("data"), bytes | str):
        asked["content"] = asked.pop("data")
    headers = {name: value for name, value in asked.pop("headers", {}).items() if name.lower() != "authorization"}
    answer = await client.request(**asked, headers=headers)
    await answer.request.aread()
    return answer


def check(case: Case, answer: httpx2.Response, operation: Operation) -> None:
    assert answer.status_code < 500 or answer.status_code == 503, answer.text
    declared = case.operation.definition.raw["responses"]
    assert str(answer.status_code) in declared, answer.status_code
    case.validate_response(answer, checks=CHECKS)
    if answer.status_code >= 400:
        assert answer.json()["error"], operation.name


@pytest.fixture
def asked(world: World, schema: OpenApiSchema, operation: Operation) -> st.SearchStrategy[Case]:
    return cases(world, schema, operation)


@pytest.mark.parametrize("operation", [one for one in ANSWERED if one.method == "GET"], ids=named)
async def test_what_the_made_up_requests_are_led_to_is_there(world: World, operation: Operation) -> None:
    there = {name: values[0] for name, values in world.known.items()}
    answer = await world.admin.get(operation.path.format(**there))
    assert answer.status_code == (503 if operation.name == "getReadiness" else 200), answer.text


@pytest.mark.parametrize("operation", ANSWERED, ids=named)
@tried(20)
@given(data=st.data())
async def test_each_answer_to_an_admin_is_as_it_is_declared(
    world: World, asked: st.SearchStrategy[Case], operation: Operation, data: st.DataObject
) -> None:
    case = data.draw(asked)
    check(case, await sent(world.admin, case), operation)


@pytest.mark.parametrize("operation", ANSWERED, ids=named)
@tried(5)
@given(data=st.data())
async def test_nobody_is_told_anything(
    world: World, asked: st.SearchStrategy[Case], operation: Operation, data: st.DataObject
) -> None:
    case = data.draw(asked)
    answer = await sent(world.nobody, case)
    check(case, answer, operation)
    assert operation.needs == "nobody" or answer.status_code >= 400
