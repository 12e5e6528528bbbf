"""Where the link in a mail leads: for nobody in particular, the token is all that counts. Looking changes nothing.

Mail programs and their scanners open links: only a POST ends the mail (RFC 8058).
"""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from jobs.notification.mailboxes import Mailbox
from service.deps import Parts
from service.pages import html
from service.rules.mail_preferences import unsubscribe

router = APIRouter(prefix="/unsubscribe/{token}", include_in_schema=False)


@router.get("")
async def show_unsubscribe(token: str, parts: Parts) -> Response:
    return _page(await parts.mailboxes.by_token(token))


@router.post("")
async def end_mail(token: str, parts: Parts) -> Response:
    """Of the button, and of mail programs. What the body says does not matter."""
    return _page(await unsubscribe(token, parts))


@router.post("/undo")
async def have_mail_again(token: str, parts: Parts) -> Response:
    return _page(await unsubscribe(token, parts, again=True))


def _page(mailbox: Mailbox) -> Response:
    here = f"/unsubscribe/{mailbox.token}"
    ended = mailbox.unsubscribed_at is not None
    shown = html.page("unsubscribe.html", None, address=mailbox.address, here=here, ended=ended)
    shown.headers["Referrer-Policy"] = "no-referrer"
    return shown
