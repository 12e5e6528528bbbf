"""What is shown of the deliveries of an endpoint, and of one of them: on load, and when it is asked again. Nothing is
sent or changed here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from jobs.documents import UserId
from jobs.notification.addressed import DeliveryState
from jobs.notification.endpoints import Endpoint, EndpointKind
from jobs.system import System
from service.pages import html
from service.rendering.webhooks import attempts_of, delivery_summary, endpoint_state
from service.rules.webhook_rules import OF_BULKS
from service.schemas.webhook_models import AttemptState, DeliverySummary, EndpointState

SHOWN = 20
POLL_SECONDS = 2
IDLE_POLL_SECONDS = 10
"""Where nothing that is shown is on its way."""

HEAD, LOG, POLL = "endpoint-head", "deliveries", "poll"
STATES = tuple(state.value for state in DeliveryState)


@dataclass(frozen=True)
class Wanted:
    """Which deliveries, as the address of the page says it. A state that is none is as if it were not there."""

    state: str = ""
    cursor: str | None = None

    @property
    def of_state(self) -> DeliveryState | None:
        return DeliveryState(self.state) if self.state else None

    def url(self, path: str, cursor: str | None = None) -> str:
        said = {name: value for name, value in {"state": self.state, "cursor": cursor}.items() if value}
        return f"{path}?{urlencode(said)}" if said else path


@dataclass(frozen=True)
class Log:
    """`state` is the same as long as nothing that is shown has changed."""

    endpoint: EndpointState
    url: str
    wanted: Wanted
    deliveries: Sequence[DeliverySummary]
    newer_url: str | None
    older_url: str | None

    @property
    def state(self) -> str:
        return repr((self.endpoint, self.deliveries, self.newer_url, self.older_url))

    def parts(self) -> dict[str, str]:
        again = self.wanted.url(f"{self.url}/live", self.wanted.cursor)
        return {
            HEAD: html.part("webhook_parts.html", "head", self.endpoint, self.url),
            LOG: html.part("webhook_parts.html", "log", self),
            POLL: html.part("polling.html", "poll", again, _seconds(self.deliveries)),
        }


@dataclass(frozen=True)
class Told:
    """One delivery, with its attempts, the newest first."""

    delivery: DeliverySummary
    attempts: Sequence[AttemptState]

    @property
    def url(self) -> str:
        return f"/webhooks/deliveries/{self.delivery.id}"

    @property
    def endpoint_url(self) -> str:
        return f"/webhooks/{self.delivery.endpoint_id or OF_BULKS}"

    @property
    def state(self) -> str:
        return repr((self.delivery, len(self.attempts)))

    def parts(self) -> Mapping[str, str]:
        again = _seconds([self.delivery])
        return {
            "delivery": html.part("delivery_parts.html", "delivery", self),
            POLL: html.part("polling.html", "poll", f"{self.url}/live", again),
        }


async def log_of(parts: System, owner: UserId, endpoint: Endpoint, wanted: Wanted) -> Log:
    """Newest first. Raises `InvalidInput` for a cursor that is none."""
    page = await parts.delivery_log.page(owner, endpoint, limit=SHOWN, state=wanted.of_state, cursor=wanted.cursor)
    url = url_of(str(endpoint.id), endpoint.kind)
    newer, older = (wanted.url(url, one) if one else None for one in (page.previous_cursor, page.next_cursor))
    deliveries = [delivery_summary(one) for one in page.deliveries]
    return Log(endpoint_state(endpoint), url, wanted, deliveries, newer, older)


async def told_of(parts: System, owner: UserId, delivery_id: str) -> Told:
    """Raises `NotFound`."""
    logged = await parts.delivery_log.find(owner, delivery_id)
    return Told(delivery_summary(logged), attempts_of(logged)[::-1])


def row_of(told: Told) -> dict[str, str]:
    """As it stands in the list of its endpoint."""
    return {element_id(told.delivery.id): html.part("webhook_parts.html", "row", told.delivery)}


def element_id(delivery_id: str) -> str:
    """That of its row: a dot would name a class to whoever looks for the element."""
    return f"delivery-{delivery_id.replace('.', '-')}"


def url_of(endpoint_id: str, kind: EndpointKind) -> str:
    return f"/webhooks/{OF_BULKS if kind is EndpointKind.BULKS else endpoint_id}"


def _seconds(deliveries: Sequence[DeliverySummary]) -> int:
    moving = any(one.state is DeliveryState.PENDING for one in deliveries)
    return POLL_SECONDS if moving else IDLE_POLL_SECONDS
