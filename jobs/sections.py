"""What a section of the settings is, and those about requests and mail to elsewhere; the others: `jobs/settings.py`.

Nothing is read here. Whether a URL may be asked is judged by the guard, when it is put together and at each use.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, model_validator

from jobs.mail_address import DOMAIN, read_sender
from jobs.mail_server import parse_mail_server
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


def _server(url: SecretStr) -> SecretStr:
    parse_mail_server(url.get_secret_value())
    return url


def _sender(text: str) -> str:
    return str(read_sender(text))


def _domain(text: str) -> str:
    if not DOMAIN.fullmatch(text):
        raise ValueError("must be a domain such as example.com")
    return text.lower()


class Smtp(Section):
    """The mail server. Without `url` no mail is sent. `sender` is whom it is from, and `ca_file` whom the server's
    certificate is from, where no public authority has issued it."""

    url: Annotated[SecretStr, AfterValidator(_server)] | None = None
    sender: Annotated[str, AfterValidator(_sender)] | None = None
    starttls: Literal["auto", "required", "off"] = "auto"
    ca_file: Path | None = None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.url is not None and self.sender is None:
            raise ValueError("has a server, so PRESSRUN_SMTP__SENDER must be set too")
        return self


class Mail(Section):
    """`domains`: to whose addresses anybody may have mail sent. `templates`: the folder of a team's own."""

    domains: tuple[Annotated[str, AfterValidator(_domain)], ...] = ()
    templates: Path | None = None
    digest_hour: int = Field(7, ge=0, le=23)
