"""How a party reads what the platform has of it: statement, orders, messages."""

from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote

from weili.adapters.suppliers.platform_api import PlatformApi
from weili.entrypoints.cli.demo.trade import Document

PAGE: Final = 100


@dataclass(slots=True)
class Books:
    """What one partner or supplier reads of itself at the end."""

    opening: Document = field(default_factory=dict)
    closing: Document = field(default_factory=dict)
    entries: list[Document] = field(default_factory=list)
    orders: list[Document] = field(default_factory=list)
    messages: list[Document] = field(default_factory=list)
    messages_again: int = 0


async def books_read(api: PlatformApi) -> Books:
    """Read a whole statement, page by page."""
    first = (await api.insist("GET", f"/v1/account/statement?limit={PAGE}")).document
    books = Books(opening=first["opening"], closing=first["closing"])
    books.entries += first["items"]
    page = first
    period = f"from={quote(first['from_at'])}&to={quote(first['to_at'])}"
    while page["next_cursor"] is not None:
        cursor = quote(page["next_cursor"])
        path = f"/v1/account/statement?{period}&limit={PAGE}&cursor={cursor}"
        page = (await api.insist("GET", path)).document
        books.entries += page["items"]
    return books


async def pages_read(api: PlatformApi, path: str) -> list[Document]:
    """Read all pages of a list; the path has a query already."""
    items: list[Document] = []
    cursor = ""
    while True:
        page = (await api.insist("GET", path + cursor)).document
        items += page["items"]
        if page["next_cursor"] is None:
            return items
        cursor = f"&cursor={quote(page['next_cursor'])}"


async def messages_read(api: PlatformApi, books: Books) -> None:
    """Empty the message pool; the first page is read twice, since it was not acknowledged."""
    while True:
        items = (await api.insist("GET", "/v1/messages")).document["items"]
        if not books.messages:
            again = (await api.insist("GET", "/v1/messages")).document["items"]
            books.messages_again = sum(
                one == other for one, other in zip(items, again, strict=True)
            )
        if not items:
            return
        books.messages += items
        ids = [item["id"] for item in items]
        await api.insist("POST", "/v1/messages:ack", {"ids": ids})
