"""The OpenAPI document: what a TypeScript client is generated from."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from jobs.system import System
from tests.service.operations import OPERATIONS
from tests.service.requesting import DONE, FAILED, end_jobs, get, on_embedded, submit_quick

ERRORS = {"400", "401", "403", "404", "409", "413", "415", "429", "500", "503", "default"}
ANSWERS = {
    "submitBulk": "BulkCreated", "validateBulk": "BulkValidated", "listBulks": "BulkPage", "getBulk": "BulkDetail",
    "changeBulk": "BulkChanged", "pauseBulk": "Controlled", "resumeBulk": "Controlled", "cancelBulk": "Controlled",
    "retryBulk": "Retried", "removeBulk": "BulkRemoved",
    "submitJob": "JobCreated", "listJobs": "JobPage", "getJob": "JobDetail",
    "retryJob": "JobControlled", "cancelJob": "JobControlled", "getQueue": "QueueState", "getThroughput": "Throughput",
    "getSystem": "SystemState", "listWorkers": "WorkerList",
    "getLimits": "LimitsAnswer", "changeLimits": "LimitsAnswer", "getHealth": "Health", "getReadiness": "Health",
    "registerTarget": "TargetSecret", "rotateTarget": "TargetSecret", "listTargets": "TargetList",
    "removeTarget": "TargetRemoved", "listNotices": "NoticeList", "readNotices": "NoticesMarked",
    "getPreferences": "PreferencesState", "changePreferences": "PreferencesChanged",
    "listUndeliveredMail": "UndeliveredMails",
    "replayMail": "MailQueued",
    "selectForJob": "JobControlled", "listSelections": "SelectionPage", "approveSelections": "Approved",
    "listPipelines": "PipelineList", "getTenantLimits": "TenantLimitsAnswer",
    "changeTenantLimits": "TenantLimitsAnswer", "submitAgain": "BulkCreated", "submitTemplate": "BulkCreated",
    "keepTemplate": "TemplateChanged", "changeTemplate": "TemplateChanged", "listTemplates": "TemplateList",
    "getTemplate": "TemplateAnswer", "removeTemplate": "TemplateRemoved",
    "createSchedule": "ScheduleChanged", "listSchedules": "ScheduleList", "getSchedule": "ScheduleAnswer",
    "changeSchedule": "ScheduleChanged", "removeSchedule": "ScheduleRemoved", "pauseSchedule": "ScheduleChanged",
    "resumeSchedule": "ScheduleChanged", "runSchedule": "ScheduleFired", "listFirings": "FiringList",
    "listEndpoints": "EndpointList", "createEndpoint": "EndpointSecret", "getEndpoint": "EndpointAnswer",
    "changeEndpoint": "EndpointChanged", "removeEndpoint": "EndpointRemoved", "rotateEndpoint": "EndpointSecret",
    "testEndpoint": "DeliveryQueued", "listDeliveries": "DeliveryPage", "replayDeliveries": "Replayed",
    "getDelivery": "DeliveryDetail", "replayDelivery": "DeliveryQueued",
    "listKeys": "KeyList", "createKey": "KeyMade", "revokeKey": "KeyRevoked",
}  # fmt: skip
RETRIED = {"Conflict", "TooMany", "Unavailable"}
OF_FORMATS = ("source", "templates", "processing_mode")
STREAMS = {"streamBulk": "BulkEvent", "streamJob": "JobUpdate", "streamQueue": "QueueUpdate"}
BODIES = {
    "submitBulk": "BulkCreate", "validateBulk": "BulkCreate", "changeBulk": "BulkChange", "submitJob": "JobCreate",
    "changeLimits": "LimitsChange", "changeTenantLimits": "TenantLimitsChange", "selectForJob": "JobSelect",
    "approveSelections": "SelectionsApprove", "registerTarget": "TargetRegister",
    "readNotices": "NoticesRead", "changePreferences": "PreferencesGiven",
    "createEndpoint": "EndpointCreate", "changeEndpoint": "EndpointChange",
    "replayDeliveries": "ReplayRange",
    "createSchedule": "ScheduleCreate", "changeSchedule": "ScheduleChange",
    "keepTemplate": "TemplateCreate", "changeTemplate": "TemplateChange", "createKey": "KeyCreate",
}  # fmt: skip


@pytest.fixture(scope="session")
async def document(refusing: httpx2.AsyncClient) -> dict[str, Any]:
    found: dict[str, Any] = await get(refusing, "/openapi.json")
    return found


@pytest.fixture
def operations(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        operation["operationId"]: operation for methods in document["paths"].values() for operation in methods.values()
    }


def reference(name: str) -> str:
    return f"#/components/schemas/{name}"


def test_every_operation_has_a_name_of_its_own_and_is_one_we_test(document: dict[str, Any]) -> None:
    found = [
        (operation["operationId"], method.upper(), path)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    assert all(re.fullmatch("[a-z]+([A-Z][a-z]+)+", name) for name, _, _ in found)
    assert len({name for name, _, _ in found}) == len(found)
    assert sorted(found) == sorted((operation.name, operation.method, operation.path) for operation in OPERATIONS)


def test_every_error_has_the_one_error_body(document: dict[str, Any], operations: dict[str, dict[str, Any]]) -> None:
    responses = document["components"]["responses"]
    for response in responses.values():
        assert response["content"] == {"application/json": {"schema": {"$ref": reference("ErrorBody")}}}
    assert {name for name, response in responses.items() if "headers" in response} == RETRIED
    for operation in OPERATIONS:
        codes = operations[operation.name]["responses"]
        no_body = {"409", "413", "415"} if operation.method == "GET" else set()
        no_caller = {"401", "403"} if operation.needs == "nobody" else set()
        assert codes.keys() == {"200", *ERRORS} - no_body - no_caller, operation.name
        named = {found["$ref"].rpartition("/")[2] for code, found in codes.items() if code != "200"}
        assert len(named) == len(codes) - 1
        assert named <= responses.keys()


def test_every_answer_has_its_own_shape(operations: dict[str, dict[str, Any]]) -> None:
    of_bytes = {"getResults", "getAsset", *STREAMS}
    answers = {name: found["responses"]["200"]["content"] for name, found in operations.items() if name not in of_bytes}
    expected = {name: {"application/json": {"schema": {"$ref": reference(model)}}} for name, model in ANSWERS.items()}
    either = answers.pop("uploadBulk")["application/json"]["schema"]["anyOf"]
    assert either == [{"$ref": reference("UploadRead")}, {"$ref": reference("BulkCreated")}]
    assert answers == expected


def test_streams_declare_the_data_of_their_events(
    document: dict[str, Any], operations: dict[str, dict[str, Any]]
) -> None:
    for name, model in STREAMS.items():
        content = operations[name]["responses"]["200"]["content"]
        assert content == {"text/event-stream": {"schema": {"$ref": reference(model)}}}, name
    of_bulk = {option["$ref"] for option in document["components"]["schemas"]["BulkEvent"]["anyOf"]}
    assert of_bulk == {reference(model) for model in ("BulkSnapshot", "BulkUpdate", "RowUpdate")}


def test_results_declare_their_formats(operations: dict[str, dict[str, Any]]) -> None:
    text, file = {"schema": {"type": "string"}}, {"schema": {"type": "string", "format": "binary"}}
    assert operations["getResults"]["responses"]["200"]["content"] == {
        "application/json": {"schema": {"$ref": reference("BulkResults")}},
        "application/x-ndjson": text,
        "text/csv": text,
        "application/zip": file,
    }


def test_an_asset_declares_what_it_may_be(operations: dict[str, dict[str, Any]]) -> None:
    kinds = {"image/png", "image/jpeg", "image/webp", "image/gif", "application/octet-stream"}
    assert operations["getAsset"]["responses"]["200"]["content"].keys() == kinds


def test_every_body_is_named(operations: dict[str, dict[str, Any]]) -> None:
    for name, model in BODIES.items():
        schema = operations[name]["requestBody"]["content"]["application/json"]["schema"]
        assert schema["$ref"] == reference(model), name
        assert operations[name]["requestBody"]["required"] is True
    with_body = {operation.name for operation in OPERATIONS if operation.body is not None}
    assert {name for name, operation in operations.items() if "requestBody" in operation} == with_body


def test_no_model_has_an_input_and_an_output_twin(document: dict[str, Any]) -> None:
    names = document["components"]["schemas"].keys()
    assert not [name for name in names if re.search(r"(Input|Output)$|[-_]", name)]
    assert not names & {"HTTPValidationError", "ValidationError"}


def test_what_an_answer_always_has_is_required(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    parts = ("BulkJob", "JobRow", "Progress", "Stage", "Attempt", "Selection", "OpenSelection", "Forecast")
    for name in {*ANSWERS.values(), *parts, "BulkResults", "FinishedJob"}:
        assert set(schemas[name]["required"]) == schemas[name]["properties"].keys(), name
    assert schemas["ErrorBody"]["properties"].keys() == {"error", "details"}
    assert schemas["ErrorBody"]["required"] == ["error"]


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    referred = set(re.findall(r'"\$ref": "#/components/(\w+/[^"]+)"', json.dumps(document)))
    components = document["components"]
    assert referred == {f"{kind}/{name}" for kind in ("schemas", "responses") for name in components[kind]}


@on_embedded
async def test_an_answer_has_exactly_the_properties_that_its_schema_declares(
    api: httpx2.AsyncClient, document: dict[str, Any]
) -> None:
    for operation in OPERATIONS:
        asks_for_nothing = operation.about is None and operation.needs in ("read", "nobody")
        if operation.method == "GET" and asks_for_nothing and not operation.streams:
            response = await api.get(operation.path)
            if response.status_code == 200:
                schema = document["components"]["schemas"][ANSWERS[operation.name]]
                assert response.json().keys() == schema["properties"].keys(), operation.name


def test_a_request_for_a_bulk_has_one_of_two_closed_forms(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    items, formats = schemas["BulkCreate"]["anyOf"]
    assert (items["required"], formats["required"]) == (["mode", "items"], ["pipeline", "source", "templates"])
    assert formats["properties"]["pipeline"]["const"] == "formats"
    for form, left_out in ((items, {*OF_FORMATS}), (formats, {"mode", "items"})):
        assert form["properties"].keys() == schemas["BulkDraft"]["properties"].keys() - left_out
        assert form["additionalProperties"] is False
        assert all("anyOf" not in form["properties"][name] for name in form["required"])


@pytest.mark.parametrize(
    "name", ["Mode", "PriorityName", "PageType", "ContentStatus", "Component", "Verbosity", "StageStatus", "FileFormat"]
)
def test_a_choice_of_words_has_a_name(document: dict[str, Any], name: str) -> None:
    assert document["components"]["schemas"][name]["enum"]


def test_no_list_of_words_stands_twice(document: dict[str, Any]) -> None:
    lists = [tuple(words) for words in _enums(document["components"]["schemas"])]
    assert sorted({*lists}) == sorted(lists)


def _enums(part: Any) -> Iterator[list[str]]:
    if isinstance(part, dict):
        yield from [part["enum"]] if isinstance(part.get("enum"), list) else []
    for one in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        yield from _enums(one)


def test_every_operation_says_what_it_is_and_where_it_belongs(
    document: dict[str, Any], operations: dict[str, dict[str, Any]]
) -> None:
    tags = {tag["name"] for tag in document["tags"] if tag["description"]}
    assert {tag for operation in operations.values() for tag in operation["tags"]} == tags
    for name, operation in operations.items():
        assert operation["summary"], name
        assert operation["description"], name


def test_who_may_call_is_declared(document: dict[str, Any], operations: dict[str, dict[str, Any]]) -> None:
    assert document["components"]["securitySchemes"].keys() == {"apiKey", "session"}
    assert document["security"] == [{"apiKey": []}, {"session": []}]
    for operation in OPERATIONS:
        assert operations[operation.name].get("security") == ([] if operation.needs == "nobody" else None)


def test_nothing_has_a_title_that_is_made_of_its_name(document: dict[str, Any]) -> None:
    assert document["info"]["title"] == "Pressrun"
    assert not re.search(r'"title": "', json.dumps({**document, "info": {}}))


@on_embedded
async def test_results_are_as_their_schema_says(
    api: httpx2.AsyncClient, system: System, document: dict[str, Any]
) -> None:
    bulk_id = await submit_quick(api)
    await end_jobs(system, DONE, FAILED)
    results = await get(api, f"/api/bulk-generate/{bulk_id}/results")
    schemas = document["components"]["schemas"]
    assert results.keys() == schemas["BulkResults"]["properties"].keys()
    assert [result["status"] for result in results["results"]] == ["completed", "failed"]
    for result in results["results"]:
        assert result.keys() >= schemas["FinishedJob"]["properties"].keys()
