"""What a page shows once, after what was pressed: a new secret. To load that page again makes no second one.

It goes by way of the browser, encrypted, to the page that shows it: it may stand in no address, and is stored nowhere.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from typing import Annotated

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from fastapi import Depends, Request
from starlette.responses import RedirectResponse, Response

from jobs.clock import Clock
from service.auth.caller import Caller
from service.auth.cookie import is_secure
from service.auth.derivation import derived
from service.pages import html

COOKIE = "pressrun_shown_once"
PURPOSE = "Pressrun shown once"
SECONDS = 60


class ShownOnce:
    """Without `secrets`, which several replicas would share, by a key of this process."""

    def __init__(self, clock: Clock, secrets: Sequence[str]) -> None:
        keys = [urlsafe_b64encode(derived(secret, PURPOSE)) for secret in secrets] or [Fernet.generate_key()]
        self._fernet = MultiFernet([Fernet(key) for key in keys])
        self._clock = clock

    def lead_to(self, path: str, request: Request, caller: Caller, shown: Mapping[str, str]) -> Response:
        """The answer to a form: the page at this path, which takes what is to be shown within a minute."""
        told = json.dumps([str(caller.user), path, dict(shown)])
        answer = RedirectResponse(path, status_code=303, headers=html.HEADERS)
        answer.set_cookie(
            COOKIE,
            self._fernet.encrypt_at_time(told.encode(), self._seconds).decode(),
            max_age=SECONDS,
            path=path,
            httponly=True,
            samesite="strict",
            secure=is_secure(request),
        )
        return answer

    def take(self, request: Request, caller: Caller) -> Mapping[str, str]:
        """Empty where there is nothing to be shown here to this caller."""
        kept = request.cookies.get(COOKIE, "")
        try:
            told = self._fernet.decrypt_at_time(kept.encode(), SECONDS, self._seconds)
        except InvalidToken:
            return {}
        user, path, shown = json.loads(told)
        return dict(shown) if (user, path) == (str(caller.user), request.url.path) else {}

    @property
    def _seconds(self) -> int:
        return int(self._clock.now().timestamp())


def forgotten(answer: Response, request: Request) -> Response:
    """By the browser, which has shown it."""
    if COOKIE in request.cookies:
        answer.delete_cookie(COOKIE, path=request.url.path, httponly=True, samesite="strict")
    return answer


def _shown_once(request: Request) -> ShownOnce:
    shown: ShownOnce = request.app.state.shown_once
    return shown


Once = Annotated[ShownOnce, Depends(_shown_once)]
