"""The rules for requests put together from settings: for the service, and for who makes requests of templates."""

from __future__ import annotations

from jobs.configuration.access import AuthMode
from jobs.configuration.settings import Settings, wrong_setting
from outbound.allowed import Allowed, parse_allowed
from outbound.errors import AllowedMalformed
from outbound.system_resolver import SystemResolver
from service.rules.bulk_rules import BulkRules
from service.schemas.notify_rules import NotifyRules
from service.url_check import UrlCheck


def bulk_rules(settings: Settings, urls: UrlCheck | None = None) -> BulkRules:
    """Raises `WrongSettings` for an exception from the guard that cannot be read."""
    allowed = allowed_of(settings)
    return BulkRules(
        min_items=settings.bulk.min_items,
        max_items=settings.bulk.max_items,
        defaults=settings.bulk_defaults,
        priority_changes=settings.queue.priority_changes == "on",
        endpoints=frozenset(settings.endpoints),
        components=settings.generator.components != "off",
        allowed=allowed,
        notify=NotifyRules(
            urls or UrlCheck(allowed, SystemResolver()),
            domains=settings.mail.domains,
            any_address=settings.auth.mode is AuthMode.OFF,
            mails=settings.smtp.url is not None,
        ),
    )


def allowed_of(settings: Settings) -> Allowed:
    """Raises `WrongSettings` for an exception from the guard that cannot be read."""
    try:
        return parse_allowed(settings.outbound.allow)
    except AllowedMalformed as error:
        raise wrong_setting("OUTBOUND__ALLOW", str(error)) from None
