"""How small things are written in every answer."""

from datetime import datetime
from typing import Any

from weili.kit.pages import Page


def moment(at: datetime | None) -> str | None:
    """Write a moment as RFC 3339 in UTC."""
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ") if at else None


def page(rows: Page[Any]) -> dict[str, Any]:
    """Write a page."""
    return {"items": list(rows.items), "next_cursor": rows.next_cursor}
