"""JSON answers, byte for byte as the Next.js application's `NextResponse.json` gives them."""

from __future__ import annotations

from typing import Any

from starlette.responses import JSONResponse

from service.wire.json_text import dumps


class JsonResponse(JSONResponse):
    """A subclass, or FastAPI takes what it renders for text, and the OpenAPI document says so."""

    def render(self, content: Any) -> bytes:
        return dumps(content).encode()
