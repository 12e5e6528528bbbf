"""The bulk that `pressrun dev --demo` submits at start, like any client would, and shows in the terminal."""

from __future__ import annotations

import threading
from typing import Any

from jobs.errors import PressrunError
from pressrun.progress_view import watch
from pressrun.remote import Remote
from pressrun.screen import open_console

TOPICS = (
    "How to choose running shoes for wide feet",
    "Caring for a wool coat through the winter",
    "What makes a good espresso at home",
    "Indoor plants that forgive forgetful owners",
    "Packing light for a week in the mountains",
    "Five ways to make a small kitchen feel larger",
    "Linen or cotton: which sheets suit you",
    "A beginner's guide to bread without a machine",
    "How to read the label of a skin cream",
    "Setting up a desk that your back will thank you for",
)


def bulk() -> dict[str, Any]:
    items = [{"topic": topic, "word_count": 400, "tone": "friendly"} for topic in TOPICS]
    return {"mode": "topic", "name": "Demonstration", "items": items, "delay_seconds": 0}


def begin(address: str) -> None:
    """In a thread of its own, so that the event loop serves the requests it makes."""
    threading.Thread(target=_submit_and_watch, args=(address,), name="demonstration", daemon=True).start()


def _submit_and_watch(address: str) -> None:
    console = open_console()
    try:
        with Remote(address) as remote:
            bulk_id = str(remote.submit(bulk())["bulk_job_id"])
            console.print(f"Demonstration: bulk {bulk_id}, {len(TOPICS)} articles one after the other.")
            watch(remote, bulk_id, console=console)
    except PressrunError as error:
        console.print(f"The demonstration ended early: {error}")
