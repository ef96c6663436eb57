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

__all__ = [
    "EmbeddedPostgresError",
    "Server",
    "ToolOptions",
    "down",
    "remove",
    "status",
    "tool",
    "tool_options",
    "up",
]
