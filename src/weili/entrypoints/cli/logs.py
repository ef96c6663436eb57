"""Logs of the processes that run on: one JSON object a line, on standard error."""

import logging
import sys

import structlog

from weili.kit.tracing import request_id_now, trace_id_now

_QUIET = ("alembic", "httpx2", "httpcore2", "procrastinate", "psycopg.pool", "sqlalchemy")
"""They speak of each step; what goes wrong in them is still heard."""


def logs_to_stderr() -> None:
    """Write every record as JSON: time, level, what is bound to the context, whose request it is.

    The text of a request's body, headers or parameters is never logged, here or by the callers.
    """
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        _marks_add,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def _marks_add(
    _logger: object, _method: str, event: structlog.types.EventDict
) -> structlog.types.EventDict:
    """Say which request, and which trace, a line is about; a thread that works for it knows too."""
    if request_id := request_id_now.get():
        event["request_id"] = request_id
    if trace_id := trace_id_now.get():
        event["trace_id"] = trace_id
    return event
