"""Settings: read once from the environment (`PRESSRUN_`, `__` for nesting) and `pressrun.toml`, and checked whole.

Nothing else reads the environment, and nothing is read at import.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    AnyHttpUrl,
    BaseModel,
    BeforeValidator,
    Field,
    ValidationError,
)
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from jobs.capacity.limits import Limits
from jobs.configuration.access import Auth, User
from jobs.configuration.process_sections import (
    Bulk,
    Endpoint,
    Generator,
    LimitsAtFirst,
    MongoDB,
    OtherGenerator,
    Queue,
    Service,
    Stream,
    Tenant,
    Worker,
)
from jobs.configuration.sections import ContextProviders, Encryption, Mail, Metrics, Otel, Outbound, Retention, Smtp
from jobs.documents import BulkRequest
from jobs.errors import Fault, InvalidInput
from jobs.pipelines import CONTENT, IDEAS, IMAGES

PREFIX = "PRESSRUN_"
SUMMARY = "Pressrun was not started, its settings are wrong:"
FILE = Path("pressrun.toml")
OTHERS = (
    "PRESSRUN_DEMO__",
    "PRESSRUN_OPENAI__",
    "PRESSRUN_TEST_",
    "PRESSRUN_URL",
    "PRESSRUN_API_KEY",
    "PRESSRUN_DEBUG",
    "PRESSRUN_ORIGIN",
)
"""Names with our prefix that are read elsewhere: the reference generator, tests, the command line's client, an
application in front."""


def _percent(value: object) -> object:
    return {"off": 0, "on": 100}.get(value, value) if isinstance(value, str) else value


def _names(value: object) -> object:
    return tuple(filter(None, (name.strip() for name in value.split(",")))) if isinstance(value, str) else value


class Settings(BaseSettings):
    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        toml_file=FILE,
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
    )

    mongodb: MongoDB = MongoDB()
    service: Service = Service()
    stream: Stream = Stream()
    generator: Generator = Generator()
    ideas: OtherGenerator = OtherGenerator()
    images: OtherGenerator = OtherGenerator()
    worker: Worker = Worker()
    limits: LimitsAtFirst = LimitsAtFirst()
    tenant: Tenant = Tenant()
    user: User = User()
    queue: Queue = Queue()
    bulk: Bulk = Bulk()
    pipelines: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_names)] = ()
    """Modules of a team's own pipelines, with commas between them."""
    templates: Path | None = None
    """The folder of a team's own templates (`*.md.j2`), read when the worker starts."""
    outbound: Outbound = Outbound()
    encryption: Encryption = Encryption()
    context: ContextProviders = ContextProviders()
    smtp: Smtp = Smtp()
    mail: Mail = Mail()
    retention: Retention = Retention()
    metrics: Metrics = Metrics()
    otel: Otel = Otel()
    public_url: AnyHttpUrl | None = None
    """Where people reach the service's pages, as https://pressrun.example; without it mail has no links."""
    parallel: Annotated[int, BeforeValidator(_percent)] = Field(100, ge=0, le=100)
    """The percentage of tenants whose bulks this process runs several jobs of; `on` is 100, `off` is 0."""
    auth: Auth

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)

    @property
    def lease(self) -> timedelta:
        return timedelta(seconds=self.worker.lease_seconds)

    @property
    def endpoints(self) -> dict[str, tuple[AnyHttpUrl, Endpoint]]:
        """The generators that there are, by name."""
        named = {CONTENT: self.generator, IDEAS: self.ideas, IMAGES: self.images}
        return {name: (one.url, one) for name, one in named.items() if one.url is not None}

    @property
    def bulk_defaults(self) -> BulkRequest:
        return BulkRequest(
            mode="",
            items=(),
            max_retries=self.bulk.max_retries,
            delay=timedelta(seconds=self.bulk.delay_seconds),
            stagger=timedelta(milliseconds=self.bulk.stagger_ms),
            cost_per_job=self.bulk.cost_per_job,
        )

    @property
    def limits_at_first(self) -> Limits:
        return Limits(
            max_running=self.limits.max_running,
            requests_per_minute=self.generator.requests_per_minute,
            ideas_requests_per_minute=self.ideas.requests_per_minute,
            images_requests_per_minute=self.images.requests_per_minute,
            jobs_per_day=self.limits.jobs_per_day,
            cost_per_day=self.limits.cost_per_day,
            tenant_max_running=self.tenant.max_running,
            tenant_requests_per_minute=self.tenant.requests_per_minute,
            tenant_jobs_per_day=self.tenant.jobs_per_day,
            tenant_cost_per_day=self.tenant.cost_per_day,
        )


@dataclass(eq=False)
class WrongSettings(InvalidInput):
    """{summary}"""


def wrong_setting(name: str, *sentences: str) -> WrongSettings:
    """For what only a composition root can judge; `name` as in `OUTBOUND__ALLOW`."""
    return WrongSettings(SUMMARY, tuple(Fault(PREFIX + name, sentence) for sentence in sentences))


def load_settings(
    given: Mapping[str, Any] | None = None,
    environment: Mapping[str, str] = os.environ,
    kind: type[Settings] = Settings,
) -> Settings:
    """Raises `WrongSettings` with every fault named, and no value: it may be a secret. `given` wins over all else."""
    faults = [Fault(name, "is no setting of Pressrun") for name in sorted(environment) if _is_unknown(name)]
    try:
        settings = kind(**(given or {}))
    except ValidationError as error:
        faults += [Fault(_name(item["loc"]), _sentence(item)) for item in error.errors()]
    except SettingsError as error:
        faults.append(Fault(_section(error), "holds what is not valid JSON"))
    except tomllib.TOMLDecodeError as error:
        faults.append(Fault(str(FILE), f"is not valid TOML: {error}"))
    else:
        if settings.bulk.min_items > settings.bulk.max_items:
            faults.append(Fault("PRESSRUN_BULK__MIN_ITEMS", "must not be more than PRESSRUN_BULK__MAX_ITEMS"))
        if not faults:
            return settings
    raise WrongSettings(SUMMARY, tuple(faults))


def _is_unknown(name: str) -> bool:
    if not name.startswith(PREFIX) or name.startswith(OTHERS):
        return False
    section, _, field = name.removeprefix(PREFIX).lower().partition("__")
    info = Settings.model_fields.get(section)
    if info is None:
        return True
    if not isinstance(info.annotation, type) or not issubclass(info.annotation, BaseModel):
        return bool(field)
    return field.partition("__")[0] not in info.annotation.model_fields


def _section(error: SettingsError) -> str:
    """Neither the library's sentence nor its cause is shown: the cause holds the value."""
    named = re.search(r'field "(\w+)"', str(error))
    return PREFIX + (named[1].upper() if named else "")


def _name(location: tuple[int | str, ...]) -> str:
    return PREFIX + "__".join(str(part) for part in location).upper()


def _sentence(item: Mapping[str, Any]) -> str:
    match item["type"]:
        case "missing":
            return "must be set"
        case "extra_forbidden":
            return "is no setting of Pressrun"
        case _:
            return str(item["msg"]).removeprefix("Value error, ").replace("Input should be", "must be")
