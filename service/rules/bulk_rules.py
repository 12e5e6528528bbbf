"""What the settings say of the requests that the service takes. Nothing is judged here."""

from __future__ import annotations

from dataclasses import dataclass

from jobs.documents import BulkRequest
from jobs.pipelines import CONTENT
from outbound.allowed import NOTHING, Allowed
from service.schemas.notify_rules import NotifyRules


@dataclass(frozen=True)
class BulkRules:
    """The settings' limits and defaults for a bulk.

    `endpoints` are the generators that there are, by name; `components`: that of contents can also write an article
    in parts; `allowed` are the operator's exceptions among the URLs that users give; `notify` judges whom to tell.
    """

    min_items: int
    max_items: int
    defaults: BulkRequest
    notify: NotifyRules
    priority_changes: bool = True
    endpoints: frozenset[str] = frozenset({CONTENT})
    components: bool = False
    allowed: Allowed = NOTHING
