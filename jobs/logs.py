"""Structured logs: a JSON object a line, or coloured lines on a terminal. No secret may be put in."""

from __future__ import annotations

import asyncio
import logging
import sys

import structlog

from jobs import tracing

TIMER = "apscheduler.executors.default"


class Stopped(logging.Filter):
    """Leaves out what the timer calls an error: that a task was cancelled. A worker that stops does so."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not (record.exc_info and isinstance(record.exc_info[1], asyncio.CancelledError))


def _with_trace(logger: object, method: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
    trace_id = tracing.trace_id()
    if trace_id is not None:
        event.setdefault("trace_id", trace_id)
    return event


def configure_logs(level: str = "INFO") -> None:
    """Send structlog and the standard library's loggers through one formatter to stderr."""
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        _with_trace,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    on_terminal = sys.stderr.isatty()
    renderer: structlog.types.Processor = (
        structlog.dev.ConsoleRenderer() if on_terminal else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for chatty in ("httpx2", "httpcore2", "pymongo", "apscheduler"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    logging.getLogger(TIMER).addFilter(Stopped())
