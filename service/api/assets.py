"""The route of assets: bytes that a stage made, such as an image. Whoever looks at them runs nothing of them."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path
from fastapi.responses import Response

from service.auth.callers import Reader
from service.deps import Parts

router = APIRouter(prefix="/api/assets", tags=["assets"])
SHOWN = ("image/png", "image/jpeg", "image/webp", "image/gif")
ANY_BYTES = "application/octet-stream"
BYTES: Any = {"schema": {"type": "string", "format": "binary"}}
HARMLESS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cache-Control": "private, max-age=3600",
}
"""Of what a third party made: it is never taken for anything else, runs nothing, and stays in the caller's cache."""


@router.get(
    "/{asset_id}",
    response_class=Response,
    responses={200: {"description": "The bytes", "content": dict.fromkeys((*SHOWN, ANY_BYTES), BYTES)}},
)
async def get_asset(
    asset_id: Annotated[str, Path(min_length=1, max_length=100)], caller: Reader, parts: Parts
) -> Response:
    """An image is shown; anything else is a file to be kept."""
    data, kind = await parts.materials.asset(caller.user, asset_id)
    media, disposition = (kind, "inline") if kind in SHOWN else (ANY_BYTES, "attachment")
    return Response(data, media_type=media, headers={**HARMLESS, "Content-Disposition": disposition})
