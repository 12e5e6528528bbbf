"""What clients may say of targets, and what they are answered. None is made here."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints

from jobs.notification.targets import NAME
from outbound.urls import LONGEST_URL
from service.schemas.answers import Model, Moment

TargetName = Annotated[str, StringConstraints(strict=True, pattern=f"^{NAME.pattern}$")]


class TargetRegister(BaseModel):
    """`url`: https; it is checked at once, and again whenever something is published there."""

    model_config = ConfigDict(extra="forbid")

    name: TargetName
    url: Annotated[str, StringConstraints(strict=True, min_length=1, max_length=LONGEST_URL)]


class TargetState(Model):
    """`old_secret_valid_until`: until then what is published is signed with an older secret too."""

    name: str
    url: str
    created_at: Moment
    rotated_at: Moment | None
    old_secret_valid_until: Moment | None


class TargetList(Model):
    targets: list[TargetState]


class TargetSecret(Model):
    """`secret` is shown this once."""

    success: Literal[True] = True
    target: TargetState
    secret: str


class TargetRemoved(Model):
    success: Literal[True] = True
    message: str = "Target removed"
