"""The book of what may be promised from which warehouse: what sourcing decides by."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Final, NamedTuple, Protocol

from weili.kit.context import PartyId
from weili.modules import regions
from weili.modules.goods import SkuId
from weili.modules.inventory.model import (
    Calendar,
    Part,
    Place,
    ShareId,
    WarehouseId,
)
from weili.modules.inventory.rules.distance import distance
from weili.modules.inventory.rules.promise import ships_on, working_day_from

Candidate = tuple[int, WarehouseId, PartyId, int, int, int]
"""A warehouse that serves an area: its slot in the book, id, supplier, lead days, priority and
distance."""

CoverageOf = tuple[
    str,
    WarehouseId,
    PartyId,
    int,
    int,
    str,
    int,
    int,
    Sequence[date] | None,
    Sequence[date] | None,
]
"""Region, warehouse, supplier, priority, lead days; and of the warehouse its own region, cut-off
minute, working days of the week, days closed and days open."""

StockOf = tuple[
    SkuId, WarehouseId, int, int | None, int | None, ShareId | None, Sequence[PartyId] | None
]
"""SKU, warehouse, available; unpromised and low_below where a low place is to be told; or of a
share what is unsold of it, its id and its holders."""

_Share = tuple[int, ShareId, frozenset[PartyId]]
_Shelves = dict[SkuId, dict[int, int]]
_EMPTY: Final[Mapping[int, int]] = {}


class _House(NamedTuple):
    warehouse_id: WarehouseId
    supplier_id: PartyId
    region_code: str
    calendar: tuple[int, int, Sequence[date] | None, Sequence[date] | None]


class Shelves(Protocol):
    """What a decision looks at: who serves an area, and what may be promised from there."""

    has_shares: bool

    def candidates(self, area_code: str) -> tuple[Candidate, ...]:
        """Give the warehouses that serve an area, best first."""

    def shelf(self, sku_id: SkuId, partner_id: PartyId | None = None) -> Mapping[int, int]:
        """Give what may be promised of a SKU to a partner, by the warehouse's slot."""

    def shares(self, sku_id: SkuId, slot: int, partner_id: PartyId | None) -> list[ShareId]:
        """Give a partner's shares of a SKU in a warehouse, in the order of use."""

    def unsold(self, share_id: ShareId) -> int:
        """Say what is left of a share."""

    def slot(self, warehouse_id: WarehouseId) -> int:
        """Give a warehouse's number."""

    def ships_on(self, slot: int) -> date | None:
        """Say on which day an order that comes now leaves a warehouse."""


class WithMore:
    """A book as it would be with more on its shelves; nothing can be taken from it."""

    def __init__(self, book: Shelves, more: Iterable[tuple[SkuId, WarehouseId, int]]) -> None:
        """Take a book and what is added to places of its warehouses."""
        self._book = book
        self._more: dict[SkuId, dict[int, int]] = {}
        for sku_id, warehouse_id, count in more:
            shelf, slot = self._more.setdefault(sku_id, {}), book.slot(warehouse_id)
            shelf[slot] = shelf.get(slot, 0) + count
        self.has_shares = False
        """What is kept is on the shelves, but none of it is named: nothing is taken."""
        self.candidates = book.candidates
        self.shares = book.shares
        self.unsold = book.unsold
        self.slot = book.slot
        self.ships_on = book.ships_on

    def shelf(self, sku_id: SkuId, partner_id: PartyId | None = None) -> Mapping[int, int]:
        """Give what might be promised of a SKU to a partner, by the warehouse's slot."""
        seen = dict(self._book.shelf(sku_id, partner_id))
        for slot, count in self._more.get(sku_id, _EMPTY).items():
            seen[slot] = seen.get(slot, 0) + count
        return seen


class SourcingBook:
    """What may still be promised from which warehouse, at one moment, for a batch of orders.

    ``take`` lowers the counts, so that a batch is decided order by order in its own order, and
    no order sees what an earlier one took. What is kept for a partner is on the shelves that this
    partner sees, and on nobody else's.
    """

    __slots__ = (
        "_by_area",
        "_by_region",
        "_houses",
        "_now",
        "_shares",
        "_shelves",
        "_ships_on",
        "_slots",
        "_unsold",
        "has_shares",
        "marks",
    )

    def __init__(
        self, *, now: datetime, coverage: Iterable[CoverageOf], stock: Iterable[StockOf]
    ) -> None:
        """Take the rows of coverage and stock.

        Warehouses are numbered, since a plain number is found in a dict many times faster than
        a UUID is.
        """
        self._now = now
        self._slots: dict[WarehouseId, int] = {}
        self._houses: list[_House | None] = []
        self._by_region: dict[str, list[tuple[int, int, int]]] = {}
        self._by_area: dict[str, tuple[Candidate, ...]] = {}
        self._shelves: _Shelves = {}
        self._shares: dict[SkuId, list[_Share]] = {}
        self._unsold: dict[ShareId, int] = {}
        self._ships_on: dict[int, date | None] = {}
        self.marks: dict[Place, tuple[int, int]] = {}
        """Places whose supplier wants to be told when they run low: unpromised, and below what."""
        self.has_shares = False
        """Whether any stock here is kept for somebody."""
        for row in coverage:
            code, warehouse_id, supplier_id, priority, lead_days = row[:5]
            slot = self._slot(warehouse_id)
            if self._houses[slot] is None:
                self._houses[slot] = _House(warehouse_id, supplier_id, row[5], row[6:])
            self._by_region.setdefault(code, []).append((slot, priority, lead_days))
        for sku_id, warehouse_id, count, unpromised, low_below, share_id, holders in stock:
            slot = self._slot(warehouse_id)
            if share_id is None:
                self._shelves.setdefault(sku_id, {})[slot] = count
                if low_below is not None and unpromised is not None:
                    self.marks[sku_id, warehouse_id] = unpromised, low_below
            else:
                share = slot, share_id, frozenset(holders or ())
                self._shares.setdefault(sku_id, []).append(share)
                self._unsold[share_id] = count
                self.has_shares = True

    def lead_days(self, area_code: str, warehouse_id: WarehouseId) -> int | None:
        """Say how many days a warehouse takes to an area; None when it does not serve it."""
        found = (row[3] for row in self.candidates(area_code) if row[1] == warehouse_id)
        return next(found, None)

    def close(self, warehouse_id: WarehouseId) -> None:
        """Promise nothing from a warehouse, whatever lies there and for whomever."""
        slot = self._slots.get(warehouse_id)
        for shelf in self._shelves.values():
            if slot in shelf:
                shelf[slot] = 0
        for shares in self._shares.values():
            for at, share_id, _ in shares:
                if at == slot:
                    self._unsold[share_id] = 0

    def candidates(self, area_code: str) -> tuple[Candidate, ...]:
        """Give the warehouses that serve an area, best first; sorted once for each area.

        A warehouse that serves several regions around the area counts with the narrowest.
        """
        known = self._by_area.get(area_code)
        if known is None:
            known = self._by_area[area_code] = self._candidates_sorted(area_code)
        return known

    def shelf(self, sku_id: SkuId, partner_id: PartyId | None = None) -> Mapping[int, int]:
        """Give what may be promised of a SKU to a partner, by the warehouse's slot."""
        shelf = self._shelves.get(sku_id, _EMPTY)
        if sku_id not in self._shares:
            return shelf
        seen = dict(shelf)
        for slot, share_id, holders in self._shares[sku_id]:
            if partner_id in holders:
                seen[slot] = seen.get(slot, 0) + self._unsold[share_id]
        return seen

    def shares(self, sku_id: SkuId, slot: int, partner_id: PartyId | None) -> list[ShareId]:
        """Give a partner's shares of a SKU in a warehouse, the one that ends first before all."""
        return [
            share_id
            for there, share_id, holders in self._shares.get(sku_id, ())
            if there == slot and partner_id in holders
        ]

    def unsold(self, share_id: ShareId) -> int:
        """Say what is left of a share."""
        return self._unsold[share_id]

    def slot(self, warehouse_id: WarehouseId) -> int:
        """Give a warehouse's number."""
        return self._slots[warehouse_id]

    def ships_on(self, slot: int) -> date | None:
        """Say on which day an order that comes now leaves a warehouse; worked out once."""
        if slot not in self._ships_on:
            self._ships_on[slot] = ships_on(self._calendar(slot), self._now)
        return self._ships_on[slot]

    def ships_after(self, slot: int, day: date) -> date | None:
        """Say on which day a warehouse sends what comes in on a day."""
        now = self.ships_on(slot)
        return None if now is None else working_day_from(self._calendar(slot), max(now, day))

    def supplier(self, warehouse_id: WarehouseId) -> PartyId:
        """Say whose a warehouse is."""
        return self._house(self._slots[warehouse_id]).supplier_id

    def take(self, parts: Iterable[Part]) -> None:
        """Lower the counts by parts that were decided.

        Raises: ValueError when a part is not there (a bug: it was decided on other counts).
        """
        for part in parts:
            slot = self._slots[part.warehouse_id]
            for sku_id, each in part.pieces or ((part.sku_id, 1),):
                shelf = self._shelves.get(sku_id, {})
                rest = part.quantity * each
                for of_sku, share_id, count in part.shares:
                    if of_sku == sku_id:
                        self._unsold[share_id] -= count
                        rest -= count
                left = shelf.get(slot, 0) - rest
                if left < 0:
                    raise ValueError(part)
                if rest:
                    shelf[slot] = left

    def _slot(self, warehouse_id: WarehouseId) -> int:
        slot = self._slots.get(warehouse_id)
        if slot is None:
            slot = self._slots[warehouse_id] = len(self._houses)
            self._houses.append(None)
        return slot

    def _house(self, slot: int) -> _House:
        house = self._houses[slot]
        if house is None:
            raise ValueError(slot)
        return house

    def _calendar(self, slot: int) -> Calendar:
        cutoff, days, closed, opened = self._house(slot).calendar
        return Calendar(cutoff, days, closed or (), opened or ())

    def _candidates_sorted(self, area_code: str) -> tuple[Candidate, ...]:
        narrowest: dict[int, tuple[int, int, int]] = {}
        for code in regions.lineage(area_code):
            for row in self._by_region.get(code, ()):
                narrowest.setdefault(row[0], row)
        ranked = []
        for slot, priority, lead_days in narrowest.values():
            house = self._house(slot)
            steps = distance(area_code, house.region_code)
            ranked.append((priority, steps, lead_days, house.warehouse_id.int, slot, house))
        ranked.sort()
        return tuple(
            (slot, house.warehouse_id, house.supplier_id, lead_days, priority, steps)
            for priority, steps, lead_days, _, slot, house in ranked
        )
