"""The machine's own resolver, without the event loop's threads: a slow name server that a user names must not hold up
the database's client, which resolves there. Nothing is judged here."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Sequence

MOST_AT_ONCE = 16

Lookup = Callable[[str, int], Sequence[str]]


def look_up(host: str, port: int) -> Sequence[str]:
    """Blocks. Raises OSError if there is no such name."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise OSError(f"no name for a resolver: {error}") from None
    return [str(address[0]) for *_, address in found]


class SystemResolver:
    """A `Resolver`. Of one event loop; at most `MOST_AT_ONCE` names are looked up at once, the others wait.

    Threads are daemons: a lookup that hangs does not hold up the end of the process.
    """

    def __init__(self, lookup: Lookup = look_up) -> None:
        self._lookup = lookup
        self._free = asyncio.Semaphore(MOST_AT_ONCE)

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        await self._free.acquire()
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Sequence[str]] = loop.create_future()

        def settle(found: Sequence[str] | Exception) -> None:
            # The place is free when the thread ends, not when its caller stops waiting.
            self._free.release()
            if answer.done():
                return
            if isinstance(found, Exception):
                answer.set_exception(found)
            else:
                answer.set_result(found)

        def work() -> None:
            found: Sequence[str] | Exception
            try:
                found = self._lookup(host, port)
            except Exception as error:
                found = error
            try:
                loop.call_soon_threadsafe(settle, found)
            except RuntimeError:
                pass  # the loop is closed, and nobody waits

        threading.Thread(target=work, name=f"resolve {host}", daemon=True).start()
        return await answer
