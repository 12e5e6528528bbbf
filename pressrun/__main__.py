"""Runs the command line, and turns every way it can fail into a sentence and an exit code.

No command stands here.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
import traceback
from collections.abc import Iterator

from jobs.errors import InvalidInput, PressrunError
from pressrun.plain_text import clean
from pressrun.refusals import Refused

REFUSED = 2
OUR_FAULT = 70
INTERRUPTED = 130


def main() -> None:
    """Exits 0, 1 or what the command chose; 2 for a user's mistake, 70 for ours, 130 for Ctrl-C."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    code = _run()
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _drop_what_is_left_to_print()
    sys.exit(code)


def _run() -> int | str | None:
    try:
        from pressrun.cli import app

        app(prog_name="pressrun")
    except SystemExit as ended:
        return ended.code
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        _drop_what_is_left_to_print()
        return 1
    except Exception as error:
        return _tell(error)
    return 0


def _tell(error: Exception) -> int:
    causes = list(_causes(error))
    mistakes = [cause for cause in causes if isinstance(cause, PressrunError)]
    with contextlib.suppress(BrokenPipeError):
        if len(mistakes) == len(causes):
            for mistake in mistakes:
                _print_mistake(mistake)
            return REFUSED
        if os.environ.get("PRESSRUN_DEBUG"):
            traceback.print_exception(error)
        else:
            print(
                f"Pressrun failed: {type(error).__name__}: {error}; run with PRESSRUN_DEBUG=1 for the trace",
                file=sys.stderr,
            )
    return OUR_FAULT


def _print_mistake(mistake: PressrunError) -> None:
    lines = [clean(line) for line in str(mistake).splitlines()]
    if isinstance(mistake, InvalidInput | Refused):
        lines += [f"  {clean(': '.join(filter(None, (fault.path, fault.message))))}" for fault in mistake.faults]
    print(*lines, sep="\n", file=sys.stderr)


def _causes(error: Exception) -> Iterator[Exception]:
    """A task group wraps what its tasks raised."""
    if isinstance(error, ExceptionGroup):
        for each in error.exceptions:
            yield from _causes(each)
    else:
        yield error


def _drop_what_is_left_to_print() -> None:
    """Python flushes again on its way out, and would complain there."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()
