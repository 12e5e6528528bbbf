"""The embedded mode's own promises: nothing acknowledged is lost over kill -9, and one process a folder."""

from __future__ import annotations

from pathlib import Path

import httpx2
import pytest

from tests.acceptance.conftest import FAST
from tests.acceptance.test_journey import assert_counted, finished, look, submit
from tests.support.deployment import embedded
from tests.support.eventually import eventually
from tests.support.processes import run


async def test_a_bulk_goes_on_after_kill_9(tmp_path: Path) -> None:
    async with embedded(FAST, tmp_path) as first, httpx2.AsyncClient(base_url=first.url, trust_env=False) as api:
        bulk_id = await submit(api)
        seen = await eventually(lambda: look(api, bulk_id), lambda seen: seen["progress"]["completed"] >= 3)
        await first.workers[0].kill()
    async with embedded(FAST, tmp_path) as again, httpx2.AsyncClient(base_url=again.url, trust_env=False) as api:
        assert (await look(api, bulk_id))["progress"]["completed"] >= seen["progress"]["completed"]
        done = await finished(api, bulk_id)
        assert done["progress"]["completed"] == 10
        assert_counted(done)


async def test_a_second_process_on_the_same_folder_is_refused(tmp_path: Path) -> None:
    async with embedded(FAST, tmp_path):
        code, said = await run("dev", "--port", "0", environment=FAST, folder=tmp_path)
    assert code == 2
    assert "is in use by another Pressrun" in said
    assert "Traceback" not in said


async def test_a_port_in_use_is_a_sentence(tmp_path: Path) -> None:
    async with embedded(FAST, tmp_path) as running:
        port = running.url.rpartition(":")[2]
        arguments = ("dev", "--port", port, "--data", "elsewhere")
        code, said = await run(*arguments, environment=FAST, folder=tmp_path)
    assert code == 2
    assert f"127.0.0.1:{port} is in use" in said


async def test_where_the_application_signs_people_in_nobody_else_is_let_in(tmp_path: Path) -> None:
    sessions = {"PRESSRUN_AUTH__MODE": "sessions", "PRESSRUN_AUTH__SECRETS": "a secret of the tests", **FAST}
    proxied = {"X-Forwarded-Host": "127.0.0.1:3000"}
    client = httpx2.AsyncClient(headers=proxied, trust_env=False)
    async with embedded({**sessions, "PRESSRUN_SERVICE__HOST": "0.0.0.0"}, tmp_path) as running, client as api:
        answer = await api.get(f"{running.url}/api/bulk-generate")
        assert (answer.status_code, answer.json()) == (401, {"error": "Unauthorized"})
        assert "this machine only" in running.service.output
        assert "0.0.0.0" not in running.service.output


async def test_where_nobody_could_make_a_key_keys_are_refused(tmp_path: Path) -> None:
    environment = {**FAST, "PRESSRUN_AUTH__MODE": "keys"}
    code, said = await run("dev", "--port", "0", environment=environment, folder=tmp_path)
    assert code == 2
    assert "PRESSRUN_AUTH__MODE: must be off or sessions" in said


async def test_a_blog_goes_from_ideas_to_its_image_without_any_setting(tmp_path: Path) -> None:
    async with embedded(FAST, tmp_path) as running, httpx2.AsyncClient(base_url=running.url, trust_env=False) as api:
        blog = {"mode": "topic", "pipeline": "blog", "topic": "How to wax a canvas jacket"}
        made = (await api.post("/api/jobs", json=blog)).json()
        address = f"/api/jobs/{made['job_id']}"

        async def status() -> str:
            return str((await api.get(address)).json()["job"]["status"])

        await eventually(status, lambda seen: seen == "awaiting_selection")
        assert (await api.post(f"{address}/select", json={"choice": 1})).status_code == 200
        await eventually(status, lambda seen: seen == "completed")
        meta = (await api.get(address)).json()["job"]["result_meta"]
        image = await api.get(meta["image"]["url"])
    assert image.headers["content-type"] == "image/png"


async def test_components_are_written_without_any_setting(tmp_path: Path) -> None:
    async with embedded(FAST, tmp_path) as running, httpx2.AsyncClient(base_url=running.url, trust_env=False) as api:
        article = {"mode": "topic", "topic": "Wax", "components": ["title", "intro"]}
        assert (await api.post("/api/jobs", json=article)).status_code == 200


@pytest.mark.parametrize(
    ("setting", "value", "sentence"),
    [
        ("PRESSRUN_PIPELINES", "nowhere", "The pipelines of nowhere cannot be used: ModuleNotFoundError"),
        ("PRESSRUN_TEMPLATES", "nowhere", "PRESSRUN_TEMPLATES: The template nowhere cannot be used: the folder"),
    ],
)
async def test_what_cannot_start_does_not_say_that_it_serves(
    tmp_path: Path, setting: str, value: str, sentence: str
) -> None:
    code, said = await run("dev", "--port", "0", environment={**FAST, setting: value}, folder=tmp_path)
    assert code == 2
    assert sentence in said
    assert "serves" not in said
    assert "Traceback" not in said
