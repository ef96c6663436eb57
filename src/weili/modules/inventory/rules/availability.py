"""Whether a quantity can be had in an area: now, when more has come, or after a transfer."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date

from weili.kit.context import PartyId
from weili.modules.goods import SkuId
from weili.modules.inventory.model import (
    FUZZY_MAX,
    Availability,
    AvailabilityAsk,
    Part,
    StockState,
    WarehouseId,
)
from weili.modules.inventory.rules.book import Shelves, SourcingBook, WithMore
from weili.modules.inventory.rules.promise import arrives_on
from weili.modules.inventory.rules.sourcing import Bundles, Sourced, source

Prospect = tuple[SkuId, WarehouseId, PartyId, int, date | None]
"""SKU, warehouse, supplier, pieces; with the day on which they are expected, or None for what
lies there already."""


class Prospects:
    """What is on its way to warehouses, and what lies in those that do not serve an area.

    What should have come by now and has not is left out: nobody knows when it will.
    """

    def __init__(self, rows: Iterable[Prospect], *, today: date) -> None:
        """Take the rows, sorted by SKU."""
        self._by_sku: dict[SkuId, list[Prospect]] = {}
        for row in rows:
            if row[4] is None or row[4] >= today:
                self._by_sku.setdefault(row[0], []).append(row)

    def of(self, sku_ids: Iterable[SkuId]) -> list[Prospect]:
        """Give the rows of some SKUs."""
        return [row for sku_id in sku_ids for row in self._by_sku.get(sku_id, ())]


def availability_of(
    book: SourcingBook,
    prospects: Prospects,
    ask: AvailabilityAsk,
    *,
    partner_id: PartyId | None,
    bundles: Bundles,
) -> Availability:
    """Say whether a quantity can be had in an area, and when it would leave and arrive."""
    pieces = bundles.get(ask.sku_id) or ((ask.sku_id, 1),)
    serving = {candidate[1]: candidate for candidate in book.candidates(ask.area_code)}
    shelves = [(book.shelf(sku_id, partner_id), each) for sku_id, each in pieces]
    total = sum(
        max(0, min(shelf.get(candidate[0], 0) // each for shelf, each in shelves))
        for candidate in serving.values()
    )
    if not serving:
        return Availability(StockState.NOT_SERVED, 0)
    none = Availability(StockState.SHORT if total else StockState.NONE, min(total, FUZZY_MAX))

    def sourced(there: Shelves) -> list[Part]:
        found = source(
            there,
            area_code=ask.area_code,
            lines=[(ask.sku_id, ask.quantity)],
            partner_id=partner_id,
            bundles={ask.sku_id: pieces} if ask.sku_id in bundles else {},
        )
        return found.parts if isinstance(found, Sourced) else []

    if parts := sourced(book):
        return _promised(none, StockState.IN_STOCK, book, parts, None)
    rows = prospects.of(sku_id for sku_id, _ in pieces)
    coming = [row for row in rows if row[1] in serving and row[4] is not None]
    for day in _days(coming, ask.on):
        more = [(row[0], row[1], row[3]) for row in coming if row[4] is not None and row[4] <= day]
        if parts := sourced(WithMore(book, more)):
            return _promised(none, StockState.IN_TRANSIT, book, parts, day)
    first = {candidate[2]: candidate[1] for candidate in reversed(list(serving.values()))}
    elsewhere = [
        (row[0], first[row[2]], row[3])
        for row in rows
        if row[4] is None and row[1] not in serving and row[2] in first
    ]
    if elsewhere and sourced(WithMore(book, elsewhere)):
        return none._replace(state=StockState.TRANSFERABLE)
    return none


def unseen(book: SourcingBook, ask: AvailabilityAsk) -> Availability:
    """Answer for goods that the asker does not see as for goods that nobody has."""
    state = StockState.NONE if book.candidates(ask.area_code) else StockState.NOT_SERVED
    return Availability(state, 0)


class AreaServed:
    """Who serves an area, best first, and what each of them promises from its shelf."""

    def __init__(self, book: SourcingBook, area_code: str) -> None:
        """Work out once what many goods are then held to."""
        self._promises: list[tuple[int, date | None, date | None]] = []
        self._ranks: dict[bytes, int] = {}
        for slot, warehouse_id, _, lead_days, _, _ in book.candidates(area_code):
            self._ranks[warehouse_id.bytes] = len(self._promises)
            there = book.ships_on(slot)
            self._promises.append((lead_days, there, arrives_on(there, lead_days)))
        self._best = next(iter(self._ranks), b"")
        self._plenty = self._in_stock(0, FUZZY_MAX) if self._ranks else None
        self.nothing = Availability(StockState.NONE if self._ranks else StockState.NOT_SERVED, 0)

    def at_once(
        self, shelf: Mapping[bytes, int], quantity: int, *, is_coming: bool
    ) -> Availability | None:
        """Say what ``availability_of`` would of goods that are no bundle and kept for nobody.

        ``shelf`` is what may be promised of them, by warehouse, wherever they lie. None where that
        does not decide: where several warehouses could send it together, some of it is on its way
        (``is_coming``), or it lies in a warehouse that does not serve the area.
        """
        # As a rule the best warehouse holds enough, and more than is told.
        if FUZZY_MAX <= shelf.get(self._best, 0) >= quantity:
            return self._plenty
        first, total, is_elsewhere = len(self._promises), 0, False
        for warehouse, count in shelf.items():
            rank = self._ranks.get(warehouse)
            if rank is None:
                is_elsewhere = True
                continue
            total += count
            if count >= quantity and rank < first:
                first = rank
        if first < len(self._promises):
            return self._in_stock(first, min(total, FUZZY_MAX))
        if is_coming or is_elsewhere or total >= quantity:
            return None
        return Availability(StockState.SHORT, min(total, FUZZY_MAX)) if total else self.nothing

    def _in_stock(self, rank: int, quantity_fuzzy: int) -> Availability:
        return Availability(StockState.IN_STOCK, quantity_fuzzy, *self._promises[rank])


def _days(coming: Iterable[Prospect], on: date | None) -> Iterator[date]:
    days = {row[4] for row in coming if row[4] is not None}
    yield from sorted(day for day in days if on is None or day <= on)


def _promised(
    none: Availability,
    state: StockState,
    book: SourcingBook,
    parts: Iterable[Part],
    expected_on: date | None,
) -> Availability:
    leaving = [
        (
            part.ships_on
            if expected_on is None
            else book.ships_after(book.slot(part.warehouse_id), expected_on),
            part.lead_days,
        )
        for part in parts
    ]
    arriving = [arrives_on(day, lead_days) for day, lead_days in leaving]
    return none._replace(
        state=state,
        lead_days=max(lead_days for _, lead_days in leaving),
        ships_on=latest([day for day, _ in leaving]),
        arrives_on=latest(arriving),
        expected_on=expected_on,
    )


def latest(days: Sequence[date | None]) -> date | None:
    """Give the last of some days; None when any of them can't be told."""
    told = [day for day in days if day is not None]
    return max(told) if told and len(told) == len(days) else None
