"""The courier's sender of mail: a delivery's event as a message, to the mailbox, if that still takes any.

How the message looks and how it is handed over is known elsewhere.
"""

from __future__ import annotations

from email.headerregistry import Address

from jobs.clock import Clock
from jobs.notification.deliveries import Delivery
from jobs.notification.mailboxes import Mailboxes
from worker.notify.mail import compose
from worker.notify.mail_rendering import MailTemplates
from worker.notify.mail_view import Links, template_of, view
from worker.notify.sending import SendFailed, Sent
from worker.notify.smtp import MailRoute

UNSUBSCRIBED = "This address wants no more mail: its owner has unsubscribed."


class MailSender:
    def __init__(
        self,
        route: MailRoute,
        templates: MailTemplates,
        mailboxes: Mailboxes,
        clock: Clock,
        *,
        sender: Address,
        links: Links,
    ) -> None:
        self._route = route
        self._templates = templates
        self._mailboxes = mailboxes
        self._clock = clock
        self._sender = sender
        self._links = links

    async def send(self, delivery: Delivery) -> Sent:
        """Raises `SendFailed`."""
        if delivery.address is None:
            raise SendFailed("This delivery names no mail address.", permanent=True)
        mailbox = await self._mailboxes.find(delivery.owner, delivery.address)
        if mailbox is not None and mailbox.unsubscribed_at is not None:
            raise SendFailed(UNSUBSCRIBED, permanent=True)
        unsubscribe = self._links.unsubscribe(mailbox.token) if mailbox is not None else None
        shown = view(delivery.body, delivery.bulk_job_id, delivery.job_id, self._links)
        told = {**shown, "address": delivery.address, "unsubscribe": unsubscribe}
        written = self._templates.write(template_of(delivery.body["type"]), told)
        event_id = delivery.body["id"]
        message = compose(written, self._sender, delivery.address, event_id, self._clock.now(), unsubscribe)
        return await self._route.send(self._sender.addr_spec, delivery.address, message)
