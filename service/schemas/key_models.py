"""What clients may say of API keys, and what they are answered. None is made here."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StrictInt, StringConstraints

from jobs.callers.keys import Scope
from service.schemas.answers import Identifier, Model, Moment
from service.schemas.values import Body

LONGEST_NAME = 100
MOST_DAYS = 3_650


class KeyCreate(Body):
    """Without `expires_days` it lasts until it is revoked; made with a key that expires, as long as that."""

    name: Annotated[str, StringConstraints(strict=True, strip_whitespace=True, min_length=1, max_length=LONGEST_NAME)]
    scope: Scope
    expires_days: Annotated[StrictInt, Field(ge=1, le=MOST_DAYS)] | None = None


class KeyState(Model):
    """`hint`: how the key begins, behind `pressrun_`. `current`: this request was made with it. `last_used_at` is told
    to the minute."""

    id: Identifier
    name: str | None
    scope: Scope
    hint: str
    created_at: Moment
    expires_at: Moment | None
    last_used_at: Moment | None
    revoked_at: Moment | None
    current: bool


class KeyList(Model):
    keys: list[KeyState]


class KeyMade(Model):
    """`text` is the key itself, shown this once."""

    success: Literal[True] = True
    key: KeyState
    text: str


class KeyRevoked(Model):
    success: Literal[True] = True
    message: str = "API key revoked"
