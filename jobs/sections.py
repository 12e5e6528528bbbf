"""What a section of the settings is, and those about requests to elsewhere; the others stand in `jobs/settings.py`.

Nothing is read here. Whether a URL may be asked is judged by the guard, when it is put together and at each use.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from jobs.url_template import UrlTemplate

SHORTEST_KEY = 32
MOST_PROVIDERS = 20

ContextSlot = Literal["competitor", "product", "seo", "other"]


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Outbound(Section):
    """`allow`: the origins that users may name although the guard would refuse them."""

    allow: tuple[str, ...] = ()
    timeout_seconds: float = Field(20, gt=0, le=120)


def _long_enough(key: SecretStr) -> SecretStr:
    if len(key.get_secret_value()) < SHORTEST_KEY:
        raise ValueError(f"must have at least {SHORTEST_KEY} characters, which should be random")
    return key


class Encryption(Section):
    """The first of `keys` encrypts, all decrypt."""

    keys: tuple[Annotated[SecretStr, AfterValidator(_long_enough)], ...] = ()


def _readable(text: str) -> str:
    UrlTemplate(text)
    return text


class ContextProvider(Section):
    """`url` holds the item's values as `{topic}`."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,59}$")
    url: Annotated[str, AfterValidator(_readable)]
    headers: dict[str, SecretStr] = {}
    slot: ContextSlot = "other"
    timeout_seconds: float = Field(5, gt=0, le=60)
    cache_seconds: float = Field(600, ge=0, le=86_400)
    most_bytes: int = Field(256 * 1024, ge=1, le=8 * 2**20)


def _named_apart(providers: tuple[ContextProvider, ...]) -> tuple[ContextProvider, ...]:
    names = [provider.name for provider in providers]
    if len(set(names)) != len(names):
        raise ValueError("must have names that differ")
    return providers


class ContextProviders(Section):
    providers: Annotated[
        tuple[ContextProvider, ...], Field(max_length=MOST_PROVIDERS), AfterValidator(_named_apart)
    ] = ()
