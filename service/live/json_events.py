"""Events as the API tells them: named by their kind, with JSON as every answer of the API has it."""

from __future__ import annotations

from service.live.events import Event, Message
from service.wire.json_text import dumps


class JsonEvents:
    name = "json"

    def render(self, event: Event) -> Message:
        return Message(dumps(event.model.model_dump(mode="json", by_alias=True)), event.kind.value)
