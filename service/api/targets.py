"""The routes about targets: where articles may be published to. All need the scope write, as a URL may be a secret."""

from __future__ import annotations

from dataclasses import asdict

from fastapi import APIRouter

from jobs.notification.targets import Target
from jobs.storage.bson_json import plain
from service.auth.callers import Writer
from service.deps import CheckUrl, Parts
from service.schemas.target_models import TargetList, TargetRegister, TargetRemoved, TargetSecret, TargetState

router = APIRouter(prefix="/api/targets", tags=["targets"])


@router.post("")
async def register_target(body: TargetRegister, caller: Writer, parts: Parts, check: CheckUrl) -> TargetSecret:
    """What is published there is signed with the secret, as Standard Webhooks has it."""
    url = await check.registered(body.url, "url")
    target, secret = await parts.targets.register(caller.user, body.name, url)
    return TargetSecret(target=_state(target), secret=secret)


@router.get("")
async def list_targets(caller: Writer, parts: Parts) -> TargetList:
    """By name, without their secrets."""
    return TargetList(targets=[_state(target) for target in await parts.targets.list(caller.user)])


@router.delete("/{name}")
async def remove_target(name: str, caller: Writer, parts: Parts) -> TargetRemoved:
    """What is still to be published there fails."""
    await parts.targets.remove(caller.user, name)
    return TargetRemoved()


@router.post("/{name}/rotate")
async def rotate_target(name: str, caller: Writer, parts: Parts) -> TargetSecret:
    """A new secret. For 24 hours each message is signed with both."""
    target, secret = await parts.targets.rotate(caller.user, name)
    return TargetSecret(target=_state(target), secret=secret)


def _state(target: Target) -> TargetState:
    return TargetState.model_validate(plain(asdict(target)))
