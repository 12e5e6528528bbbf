"""Hands one message to the mail server, and says what came of it in a sentence that an owner may see.

What the message says is not known here, and neither is whether it is tried again. No credential leaves this file.
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from aiosmtplib import SMTP
from aiosmtplib.errors import (
    SMTPAuthenticationError,
    SMTPConnectError,
    SMTPException,
    SMTPRecipientRefused,
    SMTPRecipientsRefused,
    SMTPResponseException,
    SMTPSenderRefused,
    SMTPServerDisconnected,
)

from jobs.notification.mail_address import read_address
from jobs.notification.mail_server import MailServer
from worker.notify.sending import WITHIN, SendFailed, Sent

TAKEN = 250
LEAVING_SECONDS = 1.0
NO_TIME = WITHIN - timedelta(seconds=1)
"""Less than the courier gives: so it is this file that says what took so long."""


class MailRoute:
    """`starttls`: whether the connection must be encrypted (True), may not be (False), or is where the server offers
    it (None). `within` bounds all of one message."""

    def __init__(
        self, server: MailServer, starttls: bool | None, tls: ssl.SSLContext, within: timedelta = NO_TIME
    ) -> None:
        self._server = server
        self.starttls = _as_safe_as_its_password(server, starttls)
        self._tls = tls
        self._within = within

    async def send(self, sender: str, recipient: str, message: bytes) -> Sent:
        """Raises `SendFailed`."""
        try:
            to = read_address(recipient)
        except ValueError:
            raise SendFailed("No mail can be sent to this address: it is not one.", permanent=True) from None
        async with self._connected("take the message") as smtp:
            refused, answer = await smtp.sendmail(sender, [to], message)
            assert not refused, "one recipient is taken, or an error"
            return Sent(TAKEN, answer)

    async def look(self) -> None:
        """Connect and sign in, and no more. Raises `SendFailed`."""
        async with self._connected("answer"):
            return

    @asynccontextmanager
    async def _connected(self, doing: str) -> AsyncIterator[SMTP]:
        smtp = SMTP(
            hostname=self._server.host,
            port=self._server.port,
            username=self._server.user,
            password=self._server.password,
            local_hostname=_own_name(),
            timeout=self._within.total_seconds(),
            use_tls=self._server.tls,
            start_tls=False if self._server.tls else self.starttls,
            tls_context=self._tls,
        )
        try:
            async with asyncio.timeout(self._within.total_seconds()):
                await smtp.connect()
                yield smtp
        except TimeoutError:
            seconds = f"{self._within.total_seconds():g}"
            raise SendFailed(f"The mail server did not {doing} within {seconds} seconds.") from None
        except (SMTPException, OSError) as error:
            raise _failure(error) from None
        else:
            await _leave(smtp)
        finally:
            smtp.close()


async def _leave(smtp: SMTP) -> None:
    """Whether the server says goodbye changes nothing: it has taken the message."""
    try:
        async with asyncio.timeout(LEAVING_SECONDS):
            await smtp.quit()
    except (SMTPException, OSError):
        return


def _as_safe_as_its_password(server: MailServer, starttls: bool | None) -> bool | None:
    """A password goes to no other machine in the clear because somebody between has taken the offer of TLS away."""
    return True if starttls is None and server.password is not None and not server.is_this_machine else starttls


def _own_name() -> str:
    """RFC 5321, 4.1.1.1: a full name, else an address in brackets."""
    name = socket.gethostname()
    return name if "." in name and name.isascii() else "[127.0.0.1]"


def _failure(error: SMTPException | OSError) -> SendFailed:
    if isinstance(untrusted := _root(error), ssl.SSLCertVerificationError):
        return SendFailed(f"The mail server's certificate is not to be trusted: {untrusted.verify_message}.")
    match error:
        case SMTPRecipientsRefused():
            return _failure(error.recipients[0])
        case SMTPRecipientRefused():
            return _answered("The mail server does not take mail for this address", error, permanent=error.code >= 500)
        case SMTPAuthenticationError():
            return _answered("The mail server does not take Pressrun's credentials", error)
        case SMTPSenderRefused():
            return _answered("The mail server does not take mail from Pressrun's address", error)
        case SMTPResponseException() if not isinstance(error, SMTPConnectError):
            return _answered("The mail server did not take the message", error, permanent=error.code >= 500)
        case SMTPResponseException():
            return _answered("The mail server takes no connections now", error)
        case SMTPServerDisconnected():
            return SendFailed("The mail server ended the connection before it had taken the message.")
        case OSError() | SMTPConnectError():
            return SendFailed(f"The mail server cannot be reached ({_reason(error)}).")
    return SendFailed(f"The mail server cannot be used: {error}")


def _answered(what: str, error: SMTPResponseException, *, permanent: bool = False) -> SendFailed:
    return SendFailed(f"{what} ({error.code}).", error.code, error.message, permanent=permanent)


def _reason(error: BaseException) -> str:
    """Without the address, which is the operator's affair."""
    root = _root(error)
    if isinstance(root, ssl.SSLError):
        return root.reason or "no encrypted connection"
    errno = root.errno if isinstance(root, OSError) else None
    return os.strerror(errno) if errno and errno > 0 else type(root).__name__


def _root(error: BaseException) -> BaseException:
    return error if error.__cause__ is None else _root(error.__cause__)
