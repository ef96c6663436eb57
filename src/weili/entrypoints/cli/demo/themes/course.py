"""Tries one theme after another at the desk; one that fails is told, and the next is tried."""

from collections.abc import Awaitable, Callable
from typing import Final

from weili.adapters.suppliers.platform_api import NoAnswerError
from weili.entrypoints.cli.demo.reading import Books, messages_read, pages_read
from weili.entrypoints.cli.demo.themes import goods, money, parcels
from weili.entrypoints.cli.demo.themes.desk import Desk, RefusedError
from weili.entrypoints.cli.demo.themes.lists import compared, partner_lists, supplier_lists
from weili.entrypoints.cli.demo.themes.opening import open_parties

THEMES: Final[tuple[Callable[[Desk], Awaitable[None]], ...]] = (
    goods.proposed_and_published,
    goods.searched_and_followed,
    goods.addresses_resolved,
    money.funds_waited_for,
    goods.price_changed_ahead,
    goods.bundles_sold,
    parcels.all_placed,
    parcels.papers_printed,
    parcels.refused_by_supplier,
    parcels.shipped_and_told,
    parcels.all_over,
    money.money_held,
)


async def themes_tried(desk: Desk, *, operator_id: str, report: Callable[[int, int], None]) -> None:
    """Try all themes; what is off is written down at the desk."""
    try:
        await open_parties(desk, operator_id=operator_id)
        for done, theme in enumerate(THEMES):
            report(done, len(THEMES))
            await theme(desk)
        await _lists_held(desk)
    except (RefusedError, NoAnswerError) as error:
        # Each theme stands on the one before it, so there is no going on.
        desk.off.append(str(error))
    report(len(THEMES), len(THEMES))


async def _lists_held(desk: Desk) -> None:
    books = Books()
    books.orders = await pages_read(desk.partner, "/v1/orders?limit=100")
    await messages_read(desk.partner, books)
    for api, lists in (
        (desk.partner, partner_lists(books)),
        (desk.supplier, supplier_lists(desk.shipped.items())),
    ):
        count, orders, off = await compared(api, lists)
        desk.count("lists", parties=1, lists=count, orders=orders, differences=len(off))
        desk.off += off
