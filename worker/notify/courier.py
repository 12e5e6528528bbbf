"""Sends what is due, to each recipient over its channel, and settles what came of it. What is sent is the senders'.

It takes no job's slot. At least once: who dies while sending leaves a delivery that falls due again by itself.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta

import structlog

from jobs.clock import Clock
from jobs.errors import PressrunError, StoreUnavailable
from jobs.notification.addressed import Channel
from jobs.notification.deliveries import Attempt, Deliveries, Delivery, Due
from jobs.notification.redelivery import MOST_TRIES, wait_after
from jobs.tracing import Span, SpanKind, Tracer, Untraced
from worker.cancellation import heed_cancellation
from worker.metrics import Metrics, NoticeEnd
from worker.notify.places import Places
from worker.notify.sending import WITHIN, Sender, SendFailed, Sent
from worker.shutdown import Shutdown

log = structlog.get_logger()
LOOK_EVERY = timedelta(seconds=15)
AGAIN_AFTER_OUTAGE = timedelta(seconds=2)
LOOKED_AT = 64
ENDING_TIME = timedelta(seconds=3)
"""Less than the five seconds in which a worker that is told urgently has ended (I8)."""

PATIENCE = WITHIN + timedelta(seconds=5)
SETTLE_AGAIN_SECONDS = 0.5
SENDER_BROKE = "It could not be sent, for a fault on our side; it was noted."
DIED_EACH_TIME = "It was given up: the worker that sent it stopped each time."


class Courier:
    """`senders`: the channels of which it takes deliveries. `within` stops a sender that does not keep its time; it is
    shorter than a delivery's lease. `look_every`: how often it looks though nobody woke it."""

    def __init__(
        self,
        deliveries: Deliveries,
        senders: Mapping[Channel, Sender],
        clock: Clock,
        shutdown: Shutdown,
        *,
        worker_id: str,
        roll: Callable[[], float],
        within: timedelta = PATIENCE,
        look_every: timedelta = LOOK_EVERY,
        places: Places | None = None,
        metrics: Metrics | None = None,
        tracer: Tracer | None = None,
    ) -> None:
        self._deliveries = deliveries
        self._senders = senders
        self._clock = clock
        self._shutdown = shutdown
        self._worker_id = worker_id
        self._roll = roll
        self._within = within
        self._look_every = look_every
        self._places = places or Places()
        self._metrics = metrics or Metrics()
        self._tracer = tracer or Untraced()
        self._sending: dict[asyncio.Task[None], Due] = {}
        self._seen: dict[str, list[Due]] = {}
        """Of each recipient: what was due at a look, and found no place yet. Others may have sent it since."""
        self._has_to_look = True
        self._look_by = 0.0
        self._timers: set[asyncio.TimerHandle] = set()
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """There may be something due."""
        self._has_to_look = True
        self._woken.set()

    async def run(self) -> None:
        """Until shutdown is asked for; what is being sent then may end for a moment, and else is left to its lease."""
        try:
            while not self._shutdown.asked.is_set():
                self._woken.clear()
                await self._fill()
                heed_cancellation()
                await self._woken_in_time()
            if self._sending:
                await asyncio.wait(set(self._sending), timeout=ENDING_TIME.total_seconds())
        finally:
            for timer in self._timers:
                timer.cancel()
            for task in set(self._sending):
                task.cancel()

    async def _woken_in_time(self) -> None:
        """Until somebody wakes it, or it is time for a look."""
        left = max(0.0, self._look_by - asyncio.get_running_loop().time())
        waits = [asyncio.ensure_future(event.wait()) for event in (self._woken, self._shutdown.asked)]
        try:
            await asyncio.wait(waits, timeout=left, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        self._has_to_look |= asyncio.get_running_loop().time() >= self._look_by

    async def _fill(self) -> None:
        try:
            self._begin_seen()
            while self._has_to_look and not self._places.full and not self._shutdown.asked.is_set():
                self._has_to_look = False
                self._look_by = asyncio.get_running_loop().time() + self._look_every.total_seconds()
                due = await self._deliveries.due(list(self._senders), self._places.closed, LOOKED_AT)
                new = self._not_in_hand(due)
                self._has_to_look |= len(due) == LOOKED_AT and bool(new)
                for one in random.sample(new, len(new)):  # other couriers look at the same
                    self._seen.setdefault(one.recipient, []).append(one)
                self._begin_seen()
        except StoreUnavailable as error:
            log.warning("courier_database_away", reason=error.reason)
            self._wake_in(AGAIN_AFTER_OUTAGE)
        except PressrunError as error:
            log.warning("courier_failed", reason=str(error))

    def _not_in_hand(self, due: Sequence[Due]) -> list[Due]:
        in_hand = {one.id for one in self._sending.values()}.union(
            one.id for seen in self._seen.values() for one in seen
        )
        return [one for one in due if one.id not in in_hand]

    def _begin_seen(self) -> None:
        """As much of it as finds a place."""
        for recipient, seen in list(self._seen.items()):
            while seen and self._places.take(recipient):
                one = seen.pop()
                task = asyncio.create_task(self._take_and_deliver(one), name="delivery")
                self._sending[task] = one
                task.add_done_callback(self._ended)
            if not seen:
                del self._seen[recipient]

    def _ended(self, task: asyncio.Task[None]) -> None:
        del self._sending[task]
        if not task.cancelled() and task.exception() is not None:
            # Its lease is left to expire: it falls due again.
            log.error("delivery_crashed", exc_info=task.exception())

    def _has_place(self, recipient: str) -> None:
        """The last look left out a recipient that had none."""
        self._has_to_look |= recipient not in self._seen
        self._woken.set()

    def _wake_in(self, wait: timedelta) -> None:
        """What is due later than the next look is found by that."""
        if wait > self._look_every:
            return
        loop = asyncio.get_running_loop()
        self._timers = {timer for timer in self._timers if timer.when() > loop.time() and not timer.cancelled()}
        self._timers.add(loop.call_later(wait.total_seconds(), self.wake))

    async def _take_and_deliver(self, due: Due) -> None:
        """If it is still to be had. Its place was taken before, and is given back."""
        try:
            delivery = await self._deliveries.take(self._worker_id, due)
        except BaseException as error:
            self._places.give_back(due.recipient)
            if not isinstance(error, PressrunError):
                raise
            log.warning("courier_failed", reason=str(error))
            self._wake_in(AGAIN_AFTER_OUTAGE)
            return
        if delivery is None:
            self._places.give_back(due.recipient)
            self._has_place(due.recipient)
            return
        bound = {"delivery_id": delivery.id, "event_type": delivery.body["type"], "attempt": delivery.tries}
        of = {"bulk_id": delivery.bulk_job_id, "job_id": delivery.job_id}
        bound |= {name: str(one) for name, one in of.items() if one is not None}
        follows = delivery.body.get("trace")
        facts = {"channel": delivery.channel.value, **bound}
        with (
            structlog.contextvars.bound_contextvars(**bound),
            self._tracer.span("pressrun.notice", kind=SpanKind.CLIENT, follows=follows, facts=facts) as span,
        ):
            await self._try(delivery, span)

    async def _try(self, delivery: Delivery, span: Span) -> None:
        at, began = self._clock.now(), asyncio.get_running_loop().time()
        try:
            sent = await self._sent_from_its_place(delivery)
        except StoreUnavailable as error:
            log.warning("courier_database_away", reason=error.reason)
            return  # nothing was sent, and nothing can be written: it falls due again
        except SendFailed as failed:
            span.fail("not delivered")
            seconds = asyncio.get_running_loop().time() - began
            attempt = Attempt(at, seconds, failed.status, failed.answer, str(failed))
            await self._settle_failed(delivery, attempt, failed)
            return
        seconds = asyncio.get_running_loop().time() - began
        attempt = Attempt(at, seconds, sent.status, sent.answer)
        if await self._settled(delivery, lambda: self._deliveries.delivered(delivery, attempt)):
            self._metrics.noticed(delivery.channel, NoticeEnd.DELIVERED)
            log.info("delivered", channel=delivery.channel.value, status=sent.status)

    async def _sent_from_its_place(self, delivery: Delivery) -> Sent:
        """The next may be sent while this one is settled."""
        went_well = None
        try:
            sent = await self._sent(delivery)
            went_well = True
        except SendFailed:
            went_well = False
            raise
        finally:
            self._places.give_back(delivery.recipient, went_well=went_well)
            self._has_place(delivery.recipient)
        return sent

    async def _sent(self, delivery: Delivery) -> Sent:
        if delivery.tries > MOST_TRIES:
            raise SendFailed(DIED_EACH_TIME, permanent=True)
        try:
            async with asyncio.timeout(self._within.total_seconds()):
                return await self._senders[delivery.channel].send(delivery)
        except TimeoutError:
            raise SendFailed(f"It was not taken within {self._within.total_seconds():g} s.") from None
        except (SendFailed, StoreUnavailable):
            raise
        except Exception as error:
            log.exception("sender_broke", channel=delivery.channel.value)
            raise SendFailed(SENDER_BROKE) from error

    async def _settle_failed(self, delivery: Delivery, attempt: Attempt, failed: SendFailed) -> None:
        wait = None if failed.permanent else wait_after(delivery.tries, failed.retry_after, self._roll)
        if wait is None:
            if await self._settled(delivery, lambda: self._deliveries.dead(delivery, attempt)):
                self._metrics.noticed(delivery.channel, NoticeEnd.DEAD)
                log.warning("delivery_dead", channel=delivery.channel.value, status=attempt.status)
        elif await self._settled(delivery, lambda: self._deliveries.failed(delivery, attempt, wait)):
            self._metrics.noticed(delivery.channel, NoticeEnd.FAILED)
            log.info("delivery_failed", channel=delivery.channel.value, status=attempt.status)
            self._wake_in(wait)

    async def _settled(self, delivery: Delivery, write: Callable[[], Awaitable[bool]]) -> bool:
        """Whether the claim still stood. While the database is away it is tried for as long as the lease lasts."""
        while True:
            try:
                stood = await write()
            except StoreUnavailable as error:
                if self._clock.now() >= delivery.until:
                    log.warning("delivery_not_settled", reason=error.reason)
                    return False
                heed_cancellation()
                await asyncio.sleep(SETTLE_AGAIN_SECONDS)
                continue
            if not stood:
                log.warning("delivery_lease_lost")
            return stood
