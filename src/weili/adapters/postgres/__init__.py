"""PostgreSQL as the outside world gives it: today the embedded server under our own supervisor."""

from weili.adapters.postgres.embedded import (
    EmbeddedPostgresError,
    Server,
    ToolOptions,
    down,
    remove,
    status,
    tool,
    tool_options,
    up,
)
from weili.adapters.postgres.leftovers import Leftover, leftover_remove, leftovers

__all__ = [
    "EmbeddedPostgresError",
    "Leftover",
    "Server",
    "ToolOptions",
    "down",
    "leftover_remove",
    "leftovers",
    "remove",
    "status",
    "tool",
    "tool_options",
    "up",
]
