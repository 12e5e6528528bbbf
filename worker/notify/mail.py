"""Composes a mail: headers that nothing can be smuggled into, the text, and the same as HTML. Nothing is sent here."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP

from worker.notify.mail_rendering import Written

LONGEST_SUBJECT = 200
PLAIN_ID = re.compile(r"[A-Za-z0-9-]{1,200}")
UNSEEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
"""Categories of characters that nobody sees, or that turn what follows them around."""


def compose(
    written: Written, sender: Address, recipient: str, event_id: str, now: datetime, unsubscribe: str | None = None
) -> bytes:
    """A message as it goes over the wire. Its Message-ID is the same whenever the same is told to the same address:
    what arrives twice can be known by it. `unsubscribe` is a URL that a POST to ends these mails (RFC 8058)."""
    message = EmailMessage(policy=SMTP)
    message["From"] = Address(subject_line(sender.display_name), addr_spec=sender.addr_spec)
    message["To"] = Address(addr_spec=recipient)
    message["Subject"] = subject_line(written.subject)
    message["Date"] = now
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no absence notes
    message["X-Auto-Response-Suppress"] = "All"
    message.set_content(_text(written.text), cte="quoted-printable")
    message.add_alternative(_text(written.html), subtype="html", cte="quoted-printable")
    # Before the others, since the library would fold them: not every program finds a URL in the second line.
    unfolded = [f"Message-ID: {message_id(event_id, recipient, sender.domain)}", *_unsubscribing(unsubscribe)]
    return "".join(f"{line}\r\n" for line in unfolded).encode("ascii") + message.as_bytes()


def _unsubscribing(url: str | None) -> list[str]:
    """One click is only for https (RFC 8058, 3.1)."""
    link = [f"List-Unsubscribe: <{url}>"] if url is not None else []
    return [*link, "List-Unsubscribe-Post: List-Unsubscribe=One-Click"] if url and url.startswith("https://") else link


def message_id(event_id: str, recipient: str, domain: str) -> str:
    """Of the event's id where it is plain, else of its hash; the address is in it as a hash."""
    event = event_id if PLAIN_ID.fullmatch(event_id) else hashlib.sha256(event_id.encode()).hexdigest()
    to = hashlib.sha256(recipient.lower().encode()).hexdigest()[:16]
    return f"<{event}.{to}@{domain}>"


def subject_line(text: str) -> str:
    """On one line, of bounded length, without what cannot be seen."""
    seen = "".join(" " if letter.isspace() else letter for letter in text if _is_seen(letter))
    line = " ".join(seen.split())
    return line if len(line) <= LONGEST_SUBJECT else line[: LONGEST_SUBJECT - 1].rstrip() + "…"


def _is_seen(letter: str) -> bool:
    return letter.isspace() or letter == "\u200d" or unicodedata.category(letter) not in UNSEEN


def _text(text: str) -> str:
    """Half of a surrogate pair is no text that can be sent; neither are control characters."""
    whole = text.encode("utf-8", "replace").decode()
    return "".join(letter for letter in whole if letter in "\n\t" or unicodedata.category(letter) != "Cc")
