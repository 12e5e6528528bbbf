"""The command line as a process that Ctrl-C ends, whoever started the tests. No tests here."""

from __future__ import annotations

import sys

HEARING = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler);from pressrun.__main__ import main; main()"
)


def hearing_ctrl_c(*arguments: str) -> list[str]:
    """A shell without job control starts background programs deaf to SIGINT, and so what these start."""
    return [sys.executable, "-c", HEARING, *arguments]
