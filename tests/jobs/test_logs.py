"""What is left out of the logs, and what is not."""

from __future__ import annotations

import asyncio
import logging

import pytest

from jobs.logs import TIMER, Stopped


@pytest.mark.parametrize(("error", "is_logged"), [(asyncio.CancelledError(), False), (KeyError("lease"), True)])
async def test_a_timed_task_that_is_cancelled_is_no_error_and_one_that_crashes_is(
    error: BaseException, is_logged: bool
) -> None:
    record = logging.LogRecord(TIMER, logging.ERROR, __file__, 1, "raised", (), (type(error), error, None))
    assert Stopped().filter(record) == is_logged
