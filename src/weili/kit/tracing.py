"""Which request and which trace the work under way belongs to.

Every log line says it, every answer and refusal names the request, and what is asked of others
carries the trace on. Nothing is recorded here: the marks join the lines of several logs, ours and
those of whoever stands before or behind us (W3C Trace Context).
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from hashlib import blake2b
from typing import Final
from uuid import UUID

TRACEPARENT: Final = "traceparent"

request_id_now: Final = ContextVar("request_id", default="")
"""The id of the request under way; empty where there is none."""
trace_id_now: Final = ContextVar("trace_id", default="")
"""The trace that the work under way is part of; empty where nobody named one."""

_REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-.{2,}")


def request_id_given(text: str | None) -> str:
    """Give an id that a caller chose for its request; empty when it is none that we repeat."""
    return text if text is not None and _REQUEST_ID.fullmatch(text) else ""


def trace_id_given(traceparent: str) -> str:
    """Give the trace that a ``traceparent`` names; empty when it is not well formed.

    Source: W3C Trace Context, section 3.2: a version yet unknown is read as far as it is known.
    """
    match = _TRACEPARENT.fullmatch(traceparent)
    return match[1] if match else ""


@contextmanager
def traced(trace: UUID) -> Iterator[None]:
    """Let the block be part of a trace: what it logs and what it asks of others says so."""
    before = trace_id_now.set(trace.hex)
    try:
        yield
    finally:
        trace_id_now.reset(before)


def traceparent_now(call: str) -> dict[str, str]:
    """Give the header that carries the trace under way on, if there is one.

    ``call`` tells one call of a trace from the others. None is marked as sampled: we keep no spans
    of our own, so nobody need look for this one.
    """
    trace_id = trace_id_now.get()
    if not trace_id:
        return {}
    return {TRACEPARENT: f"00-{trace_id}-{blake2b(call.encode(), digest_size=8).hexdigest()}-00"}
