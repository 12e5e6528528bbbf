"""What a section of the settings is, and those about requests and mail to elsewhere; the others: `settings.py`.

Nothing is read here. Whether a URL may be asked is judged by the guard, when it is put together and at each use.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    AnyHttpUrl,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    model_validator,
)

from jobs.notification.mail_address import DOMAIN, read_sender
from jobs.notification.mail_server import parse_mail_server
from jobs.notification.url_template import UrlTemplate

SHORTEST_KEY = 32
MOST_PROVIDERS = 20

ContextSlot = Literal["competitor", "product", "seo", "other"]


class Section(BaseModel):
    """A field's docstring is what the reference of settings says of it."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


def _cap(value: object) -> object:
    return None if value == "off" else value


OrOff = BeforeValidator(_cap)
"""`off` is no limit."""


class Outbound(Section):
    allow: tuple[str, ...] = ()
    """The origins that users may name although the guard would refuse them, as a JSON list."""
    timeout_seconds: float = Field(20, gt=0, le=120)
    """Seconds for a source that is fetched, and for a target, as a whole."""


def _long_enough(key: SecretStr) -> SecretStr:
    if len(key.get_secret_value()) < SHORTEST_KEY:
        raise ValueError(f"must have at least {SHORTEST_KEY} characters, which should be random")
    return key


class Encryption(Section):
    keys: tuple[Annotated[SecretStr, AfterValidator(_long_enough)], ...] = ()
    """Random texts of at least 32 characters, as a JSON list. The first encrypts users' secrets, all decrypt."""


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
    """Whom to ask about an item before it is written, as a JSON list."""


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
    url: Annotated[SecretStr, AfterValidator(_server)] | None = None
    """The mail server: smtp://user:password@host:port or smtps://... Without it no mail is sent."""
    sender: Annotated[str, AfterValidator(_sender)] | None = None
    """Whom mail is from; required with a server."""
    starttls: Literal["auto", "required", "off"] = "auto"
    """`auto`: where the server offers it, and always where a password goes to another machine."""
    ca_file: Path | None = None
    """Certificates (PEM) of whom the server's is from, where no public authority has issued it."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.url is not None and self.sender is None:
            raise ValueError("has a server, so PRESSRUN_SMTP__SENDER must be set too")
        return self


class Retention(Section):
    completed_days: Annotated[float | None, OrOff] = Field(None, gt=0, le=36_500)
    """Days after its end at which a completed bulk is removed; none: never."""
    cancelled_days: Annotated[float | None, OrOff] = Field(None, gt=0, le=36_500)
    """Days after its end at which a cancelled bulk is removed; none: never."""
    results_days: Annotated[float | None, OrOff] = Field(None, gt=0, le=36_500)
    """Days after its end at which a bulk that is kept loses its articles; none: never."""
    archive: Path | None = None
    """The folder that bulks are written to before they are removed by age."""

    @model_validator(mode="after")
    def _of_use(self) -> Self:
        days = (self.completed_days, self.cancelled_days, self.results_days)
        if self.archive is not None and not any(days):
            raise ValueError("has an archive, so __COMPLETED_DAYS, __CANCELLED_DAYS or __RESULTS_DAYS must be set too")
        return self


class Mail(Section):
    domains: tuple[Annotated[str, AfterValidator(_domain)], ...] = ()
    """To whose addresses any user may have mail sent, as a JSON list."""
    templates: Path | None = None
    """The folder of a team's own mail templates."""
    digest_hour: int = Field(7, ge=0, le=23)
    """The hour at which the daily mail goes out (UTC)."""


class Metrics(Section):
    host: str = "127.0.0.1"
    """The address on which each process serves its metrics; 0.0.0.0 in a container that only Prometheus may reach."""


class Otel(Section):
    endpoint: AnyHttpUrl | None = None
    """The collector of traces, to which `/v1/traces` is added; none: no traces."""
    headers: dict[str, SecretStr] = {}
    """Sent to the collector (credentials), as a JSON object."""
    sample: float = Field(1, ge=0, le=1)
    """The share of requests that are traced."""
