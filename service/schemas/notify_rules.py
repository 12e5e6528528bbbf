"""What a request may say of whom to tell: `notify` of a bulk, and an address of a user's preferences (spec §9, §10).

It is judged here, and by the guard for URLs. Nothing is stored or sent.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field, StrictInt, StringConstraints

from jobs.documents import Notify
from jobs.errors import Fault, InvalidInput
from jobs.notification.mail_address import LONGEST, domain_of, mailbox_key, read_address
from outbound.urls import LONGEST_URL
from service.schemas.values import Body
from service.url_check import UrlCheck

MOST_PERCENTAGES = 10

Email = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=LONGEST)]
Percentage = Annotated[StrictInt, Field(ge=1, le=99)]


class NotifyGiven(Body):
    """Whom to tell of this bulk beside the owner's own endpoints and address; `progress`: at which percentages."""

    webhook_url: Annotated[str, StringConstraints(strict=True, min_length=1, max_length=LONGEST_URL)] | None = None
    email: Email | None = None
    progress: Annotated[list[Percentage], Field(max_length=MOST_PERCENTAGES)] | None = None


@dataclass(frozen=True)
class NotifyRules:
    """`domains`: to whose addresses anybody may have mail sent; `any_address`: for development, on this machine only.
    `mails`: there is a mail server."""

    urls: UrlCheck
    domains: Collection[str] = ()
    any_address: bool = False
    mails: bool = False

    async def of_bulk(self, given: NotifyGiven | None, own_address: str | None) -> Notify | None:
        """As it is stored; None where nobody is to be told. Raises `InvalidInput`."""
        if given is None or not (given.webhook_url or given.email or given.progress):
            return None
        url = await self.urls.registered(given.webhook_url, "notify.webhook_url") if given.webhook_url else None
        email = self.address(given.email, own_address, "notify.email") if given.email else None
        return Notify(url, email, tuple(sorted(set(given.progress or ()))))

    def address(self, text: str, own_address: str | None, path: str) -> str:
        """As it is to be stored. Raises `InvalidInput` about the field at `path`."""
        try:
            address = read_address(text)
        except ValueError as error:
            raise _wrong(path, str(error)) from None
        if not self.mails:
            raise _wrong(path, "no mail is sent here: the operator has to set PRESSRUN_SMTP__URL first")
        if self.any_address or domain_of(address) in self.domains or self.is_own(address, own_address):
            return address
        raise _wrong(path, self._refusal(own_address))

    def is_own(self, address: str, own_address: str | None) -> bool:
        """Whether the address is known to be the caller's: nobody else is asked whether they want its mail."""
        return self.any_address or (own_address is not None and mailbox_key(own_address) == mailbox_key(address))

    def _refusal(self, own_address: str | None) -> str:
        own = "your own address" if own_address is not None else "your own address, and none is known of you"
        elsewhere = f", or an address at {', '.join(sorted(self.domains))}" if self.domains else ""
        return f"must be {own}{elsewhere}"


def _wrong(path: str, sentence: str) -> InvalidInput:
    return InvalidInput("The request is not valid.", (Fault(path, sentence),))
