"""JSON answers, byte for byte as the Next.js application's `NextResponse.json` gives them."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from service.json_text import dumps


class JsonResponse(Response):
    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        return dumps(content).encode()
