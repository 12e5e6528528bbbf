"""Mail from end to end: a bulk ends, its owner reads of it on a real mail server, and unsubscribes by the link."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.acceptance.conftest import FAST
from tests.acceptance.test_journey import finished, submit
from tests.support.deployment import Deployment, embedded, on_mongodb
from tests.support.eventually import eventually
from tests.support.mail_server import PASSWORD, Postbox, authority_of, mail_server
from tests.support.processes import run

OWN, BOSS = "ada@shop.example", "boss@shop.example"
QUOTED = "ada%40shop.example:p%40ss%2Fw%C3%B6rd%3A1"


@pytest.fixture
async def postbox(tmp_path: Path) -> AsyncIterator[Postbox]:
    """By STARTTLS and with a password; whose certificates are in the file `authority.pem`."""
    theirs, authority = authority_of()
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    async with mail_server(Postbox(), starttls=theirs, password=PASSWORD) as box:
        yield box


def mailing(postbox: Postbox, folder: Path, credentials: str = QUOTED) -> dict[str, str]:
    return {
        **FAST,
        "PRESSRUN_SMTP__URL": f"smtp://{credentials}@127.0.0.1:{postbox.port}",
        "PRESSRUN_SMTP__SENDER": "Pressrun <pressrun@shop.example>",
        "PRESSRUN_SMTP__STARTTLS": "required",
        "PRESSRUN_SMTP__CA_FILE": str(folder / "authority.pem"),
        "PRESSRUN_PUBLIC_URL": "https://press.example/",
    }


@pytest.fixture
async def embedded_deployment(postbox: Postbox, tmp_path: Path) -> AsyncIterator[Deployment]:
    async with embedded(mailing(postbox, tmp_path), tmp_path) as running:
        yield running


@pytest.fixture
async def mongodb_deployment(
    postbox: Postbox, mongodb_uri: str, mongodb_database: str, tmp_path: Path
) -> AsyncIterator[Deployment]:
    settings = mailing(postbox, tmp_path)
    async with on_mongodb(settings, tmp_path, mongodb_uri, mongodb_database, workers=2) as running:
        yield running


async def arrived(postbox: Postbox, count: int) -> None:
    async def there() -> int:
        return len(postbox.messages)

    await eventually(there, lambda seen: seen >= count)


async def test_a_bulks_end_is_mailed_once_to_each_until_they_unsubscribe(
    api: httpx2.AsyncClient, postbox: Postbox
) -> None:
    assert (await api.put("/api/notifications/preferences", json={"email": OWN})).status_code == 200
    notify: dict[str, Any] = {"email": BOSS}
    bulk_id = await submit(api, name="Schuhe & Größen", notify=notify)
    await finished(api, bulk_id)
    await arrived(postbox, 2)
    assert sorted(postbox.recipients) == [OWN, BOSS]
    assert {message["Subject"] for message in postbox.messages} == {"Done: Schuhe & Größen"}
    assert postbox.encrypted == [True, True]
    mail = next(message for message in postbox.messages if message["To"] == OWN)
    body = mail.get_body(("html",))
    assert body is not None
    assert f"https://press.example/bulks/{bulk_id}" in body.get_content()
    assert "Schuhe &amp; Größen" in body.get_content()
    link = str(mail["List-Unsubscribe"]).strip("<>").removeprefix("https://press.example")
    ended = await api.post(link, content="List-Unsubscribe=One-Click")
    assert (ended.status_code, "gets no more mail" in ended.text) == (200, True)
    await finished(api, await submit(api, name="Hats", notify=notify))
    await arrived(postbox, 3)
    assert sorted(postbox.recipients) == [OWN, BOSS, BOSS]


@pytest.mark.parametrize(
    ("credentials", "said"),
    [(QUOTED, "ok   mail: the server answers"), ("ada:no-secret", "WRONG mail: The mail server does not take")],
)
async def test_check_signs_in_to_the_mail_server(
    postbox: Postbox, tmp_path: Path, mongodb_uri: str, mongodb_database: str, credentials: str, said: str
) -> None:
    environment = {
        **mailing(postbox, tmp_path, credentials),
        "PRESSRUN_MONGODB__URI": mongodb_uri,
        "PRESSRUN_MONGODB__DATABASE": mongodb_database,
        "PRESSRUN_AUTH__MODE": "keys",
    }
    _, output = await run("check", environment=environment, folder=tmp_path)
    assert said in output
    assert "no-secret" not in output
    assert postbox.messages == []
