"""Targets over the API: registered, listed, rotated, removed; whose they are, and what is refused."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from structlog.typing import EventDict

from jobs.configuration.settings import WrongSettings
from jobs.storage.store import Store
from jobs.system import Rules, System, assemble
from outbound.allowed import parse_allowed
from service.app import create_app
from service.url_check import UrlCheck
from tests.outbound.asking import PUBLIC, Names
from tests.service.conftest import As
from tests.service.requesting import OWNER, TARGET_URL, faults, get, on_embedded, post, refused, settings
from tests.support.clock import MovableClock

TARGETS = "/api/targets"
NAMES = {"cms.example": [[PUBLIC]], "inside.example": [[PUBLIC, "10.0.0.7"]], "changing.example": [[PUBLIC], ["::1"]]}


@pytest.fixture
def app(system: System) -> FastAPI:
    """Without authentication, and with names of its own."""
    app = create_app(settings(), system)
    app.state.url_check = UrlCheck(parse_allowed(["http://127.0.0.1:9"]), Names(NAMES))
    return app


def target(name: Any = "site", url: Any = "https://cms.example/publish") -> dict[str, Any]:
    return {"name": name, "url": url}


async def test_a_target_is_registered_listed_rotated_and_removed(
    api: httpx2.AsyncClient, system: System, clock: MovableClock
) -> None:
    made = await post(api, TARGETS, target())
    at = clock.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
    state = {
        "name": "site",
        "url": "https://cms.example/publish",
        "created_at": at,
        "rotated_at": None,
        "old_secret_valid_until": None,
    }
    assert made == {"success": True, "target": state, "secret": made["secret"]}
    assert await get(api, TARGETS) == {"targets": [state]}
    rotated = await post(api, f"{TARGETS}/site/rotate")
    assert rotated["target"]["rotated_at"] == at
    assert rotated["target"]["old_secret_valid_until"] > at
    signing = await system.targets.signing(OWNER, "site")
    assert list(signing.secrets) == [rotated["secret"], made["secret"]]
    removed = await api.delete(f"{TARGETS}/site")
    assert (removed.status_code, removed.json()) == (200, {"success": True, "message": "Target removed"})
    assert await get(api, TARGETS) == {"targets": []}
    assert refused(await api.delete(f"{TARGETS}/site"), 404) == "There is no such target."


async def test_a_secret_is_told_once_and_never_logged(api: httpx2.AsyncClient, logs: list[EventDict]) -> None:
    secrets = [(await post(api, TARGETS, target()))["secret"], (await post(api, f"{TARGETS}/site/rotate"))["secret"]]
    told = (await api.get(TARGETS)).text + repr(logs)
    assert not [secret for secret in secrets if secret in told]


async def test_what_is_somebody_elses_is_not_there(as_user: As) -> None:
    mine, other = as_user(OWNER), as_user("other")
    secret = (await post(mine, TARGETS, target()))["secret"]
    assert await get(other, TARGETS) == {"targets": []}
    for method, path in (("DELETE", "site"), ("POST", "site/rotate")):
        assert refused(await other.request(method, f"{TARGETS}/{path}"), 404) == "There is no such target."
    assert (await post(other, TARGETS, target()))["secret"] != secret
    assert (await get(mine, TARGETS))["targets"][0]["rotated_at"] is None


async def test_of_ten_who_register_a_name_at_once_one_does(api: httpx2.AsyncClient) -> None:
    answers = await asyncio.gather(*(api.post(TARGETS, json=target()) for _ in range(10)))
    assert sorted(answer.status_code for answer in answers) == [200, *[409] * 9]
    sentence = "There is a target of the name site already: choose another name, or remove that one first."
    assert {refused(answer, 409) for answer in answers if answer.status_code == 409} == {sentence}


async def test_a_fifty_first_target_is_refused(api: httpx2.AsyncClient, system: System) -> None:
    for number in range(50):
        await system.targets.register(OWNER, f"t{number}", TARGET_URL)
    answer = await api.post(TARGETS, json=target())
    assert refused(answer, 409) == "You have as many targets as there can be: 50 are allowed."


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://cms.example/publish", "must begin with https://"),
        ("https://cms.example:8443/", "must not name port 8443"),
        ("https://user:pw@cms.example/", "must not hold a user name or a password"),
        ("https://127.0.0.1/", "No request may be sent to 127.0.0.1"),
        ("https://0x7f000001/", "unusual notation"),
        ("https://[::ffff:10.0.0.1]/", "No request may be sent to"),
        ("https://169.254.169.254/latest/meta-data", "No request may be sent to"),
        ("https://localhost/", "is a name without a domain"),
        ("https://inside.example/", "No request may be sent to inside.example"),
        ("https://nowhere.example/", "cannot be resolved"),
        ("ftp://cms.example/", "must begin with https://"),
        ("no URL", "has spaces"),
        ("", "at least 1 character"),
        ("https://cms.example/" + "x" * 2048, "at most 2048 characters"),
        (7, "must be a valid string"),
        (None, "must be a valid string"),
    ],
)
@on_embedded
async def test_a_url_that_the_guard_refuses_is_refused_with_its_sentence(
    api: httpx2.AsyncClient, url: Any, said: str
) -> None:
    found = faults(await api.post(TARGETS, json=target(url=url)))
    assert found.keys() == {"url"}
    assert said in found["url"]
    assert "10.0.0.7" not in found["url"]
    assert await get(api, TARGETS) == {"targets": []}


@pytest.mark.parametrize("name", ["", "Site", "a b", "a/b", "..", "-a", "é", "x" * 61, "a\n", 7, None])
@on_embedded
async def test_a_name_is_of_small_letters_digits_hyphens_and_underscores(api: httpx2.AsyncClient, name: Any) -> None:
    assert faults(await api.post(TARGETS, json=target(name=name))).keys() == {"name"}


@on_embedded
async def test_other_bad_bodies_are_refused(api: httpx2.AsyncClient) -> None:
    assert faults(await api.post(TARGETS, json={})) == {"name": "is required", "url": "is required"}
    found = faults(await api.post(TARGETS, json={**target(), "secret": "mine"}))
    assert found == {"secret": "is not a field of this request"}
    refused(await api.post(TARGETS, content=b"name=site"), 415)
    refused(await api.post(TARGETS, json=[]), 400)
    for name in ("no-such", "%00", "A%20b", "x" * 3000):
        assert refused(await api.post(f"{TARGETS}/{name}/rotate"), 404) == "There is no such target."


async def test_an_exception_of_the_operators_may_be_registered(api: httpx2.AsyncClient) -> None:
    assert (await post(api, TARGETS, target(url=TARGET_URL)))["target"]["url"] == TARGET_URL


async def test_a_url_is_stored_as_it_was_judged(api: httpx2.AsyncClient) -> None:
    made = await post(api, TARGETS, target(url="HTTPS://CMS.example:443/a b".replace(" ", "%20") + "#part"))
    assert made["target"]["url"] == "https://cms.example/a%20b"


async def test_a_name_that_resolves_to_itself_at_first_is_registered_and_judged_again_at_each_use(
    api: httpx2.AsyncClient,
) -> None:
    await post(api, TARGETS, target(url="https://changing.example/"))
    assert faults(await api.post(TARGETS, json=target("again", "https://changing.example/"))).keys() == {"url"}


@on_embedded
async def test_without_an_encryption_key_none_is_registered_and_the_setting_is_named(
    store: Store, clock: MovableClock, open_client: As
) -> None:
    client = open_client(create_app(settings(), assemble(store, clock, Rules())), {"X-Pressrun-User": OWNER})
    answer = await client.post(TARGETS, json=target(url=TARGET_URL))
    assert refused(answer, 409) == (
        "No secret can be kept here: the operator has to set PRESSRUN_ENCRYPTION__KEYS first."
    )
    assert await get(client, TARGETS) == {"targets": []}


@on_embedded
def test_an_exception_that_cannot_be_read_stops_the_start(system: System) -> None:
    with pytest.raises(WrongSettings) as refusal:
        create_app(settings(outbound={"allow": ["cms.internal", "http://"]}), system)
    (fault,) = refusal.value.faults
    assert fault.path == "PRESSRUN_OUTBOUND__ALLOW"
    assert "'http://'" in fault.message
