"""The OpenAPI document: what a TypeScript client is generated from."""

from __future__ import annotations

import json
import re
from typing import Any

import httpx2
import pytest

from tests.service.operations import OPERATIONS
from tests.service.requesting import get, on_embedded

pytestmark = on_embedded

ERRORS = {"400", "401", "403", "404", "405", "409", "413", "415", "429", "500", "503", "default"}
ANSWERS = {
    "submitBulk": "BulkCreated", "validateBulk": "BulkValidated", "listBulks": "BulkPage", "getBulk": "BulkDetail",
    "changeBulk": "BulkChanged", "pauseBulk": "Controlled", "resumeBulk": "Controlled", "cancelBulk": "Controlled",
    "retryBulk": "Retried", "submitJob": "JobCreated", "listJobs": "JobPage", "getJob": "JobDetail",
    "retryJob": "JobControlled", "cancelJob": "JobControlled", "getQueue": "QueueState", "getThroughput": "Throughput",
    "getSystem": "SystemState", "listWorkers": "WorkerList",
    "getLimits": "LimitsAnswer", "changeLimits": "LimitsAnswer", "getHealth": "Health", "getReadiness": "Health",
    "registerTarget": "TargetSecret", "rotateTarget": "TargetSecret", "listTargets": "TargetList",
    "removeTarget": "TargetRemoved", "listNotices": "NoticeList", "readNotices": "NoticesMarked",
    "getPreferences": "PreferencesState", "changePreferences": "PreferencesChanged",
    "selectForJob": "JobControlled", "listSelections": "SelectionPage", "approveSelections": "Approved",
    "listPipelines": "PipelineList", "getTenantLimits": "TenantLimitsAnswer",
    "changeTenantLimits": "TenantLimitsAnswer", "submitAgain": "BulkCreated", "submitTemplate": "BulkCreated",
    "keepTemplate": "TemplateChanged", "changeTemplate": "TemplateChanged", "listTemplates": "TemplateList",
    "getTemplate": "TemplateAnswer", "removeTemplate": "TemplateRemoved",
    "listEndpoints": "EndpointList", "createEndpoint": "EndpointSecret", "getEndpoint": "EndpointAnswer",
    "changeEndpoint": "EndpointChanged", "removeEndpoint": "EndpointRemoved", "rotateEndpoint": "EndpointSecret",
    "testEndpoint": "DeliveryQueued", "listDeliveries": "DeliveryPage", "replayDeliveries": "Replayed",
    "getDelivery": "DeliveryDetail", "replayDelivery": "DeliveryQueued",
}  # fmt: skip
STREAMS = {"streamBulk": "BulkEvent", "streamJob": "JobUpdate", "streamQueue": "QueueUpdate"}
BODIES = {
    "submitBulk": "BulkCreate", "validateBulk": "BulkCreate", "changeBulk": "BulkChange", "submitJob": "JobCreate",
    "changeLimits": "LimitsChange", "changeTenantLimits": "TenantLimitsChange", "selectForJob": "JobSelect",
    "approveSelections": "SelectionsApprove", "registerTarget": "TargetRegister",
    "readNotices": "NoticesRead", "changePreferences": "PreferencesGiven",
    "createEndpoint": "EndpointCreate", "changeEndpoint": "EndpointChange",
    "replayDeliveries": "ReplayRange",
    "keepTemplate": "TemplateCreate", "changeTemplate": "TemplateChange",
}  # fmt: skip


@pytest.fixture
async def document(api: httpx2.AsyncClient) -> dict[str, Any]:
    found: dict[str, Any] = await get(api, "/openapi.json")
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


def test_every_error_has_the_one_error_body(operations: dict[str, dict[str, Any]]) -> None:
    for name, operation in operations.items():
        assert operation["responses"].keys() == {"200", *ERRORS}, name
        for code in ERRORS:
            content = operation["responses"][code]["content"]
            assert content == {"application/json": {"schema": {"$ref": reference("ErrorBody")}}}, (name, code)


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
    formats = {"application/json", "application/x-ndjson", "text/csv", "application/zip"}
    assert operations["getResults"]["responses"]["200"]["content"].keys() == formats


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
    for name in {*ANSWERS.values(), *parts}:
        assert set(schemas[name]["required"]) == schemas[name]["properties"].keys(), name
    either = [{"required": ["mode", "items"]}, {"required": ["pipeline", "source", "templates"]}]
    assert schemas["BulkCreate"]["anyOf"] == either
    assert schemas["ErrorBody"]["properties"].keys() == {"error", "details"}


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    referred = set(re.findall(r'"\$ref": "#/components/schemas/([^"]+)"', json.dumps(document)))
    assert referred == document["components"]["schemas"].keys()


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
