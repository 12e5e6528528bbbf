"""Somebody whose request this is, and what they may. Who it is is found out elsewhere, with no web framework here."""

from __future__ import annotations

from dataclasses import dataclass

from jobs.callers.keys import KeyOwner, Scope
from jobs.documents import UserId


@dataclass(frozen=True)
class Caller:
    """`scope` is the most that this caller may do; `admin` sees what is everybody's.

    `by_cookie`: a browser that has signed in, here or at the application in front, says who it is with every request.
    `email`: an address that is known to be the user's own. `key`: the API key that the caller has shown, now or when
    signing in on the page; None for who has shown none.
    """

    user: UserId
    scope: Scope
    by_cookie: bool = False
    email: str | None = None
    key: KeyOwner | None = None

    @property
    def signed_in_here(self) -> bool:
        """On the sign-in page, so that there is a way to sign out again."""
        return self.by_cookie and self.key is not None

    @property
    def is_admin(self) -> bool:
        return self.scope is Scope.ADMIN

    @property
    def may_write(self) -> bool:
        return self.scope is not Scope.READ
