"""From where an order is taken, and why: pure decisions over a book of what may be promised."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import combinations
from typing import Final, NamedTuple, Protocol

from weili.kit.context import PartyId
from weili.modules import regions
from weili.modules.goods import SkuId
from weili.modules.inventory.model import (
    Calendar,
    Part,
    Place,
    ShareId,
    Verdict,
    WarehouseId,
    WarehouseNote,
)
from weili.modules.inventory.rules.distance import distance
from weili.modules.inventory.rules.promise import ships_on, working_day_from

COVER_WAREHOUSES_MAX: Final = 12
COVER_PARCELS_MAX: Final = 3
"""Bounds within which the fewest parcels are looked for one by one: at most 220 choices of three
warehouses. Beyond them the greedy cover is near enough."""

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

Bundles = Mapping[SkuId, Sequence[tuple[SkuId, int]]]
"""Which SKUs are bundles: their parts, with how many of each make one."""

_Line = tuple[SkuId, int]
_Share = tuple[int, ShareId, frozenset[PartyId]]
_Shelves = dict[SkuId, dict[int, int]]
_EMPTY: Final[Mapping[int, int]] = {}
_NO_BUNDLES: Final[Bundles] = {}


@dataclass(slots=True)
class Sourced:
    """Every line can be taken; the parts sum to the lines."""

    parts: list[Part]


@dataclass(slots=True)
class Shortage:
    """A line can't be taken: all warehouses that serve the area hold too little together."""

    line_index: int
    sku_id: SkuId
    wanted: int
    available: int


@dataclass(slots=True)
class NotServed:
    """No warehouse serves the area."""

    area_code: str


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


def source(
    book: Shelves,
    *,
    area_code: str,
    lines: Sequence[_Line],
    partner_id: PartyId | None = None,
    bundles: Bundles = _NO_BUNDLES,
) -> Sourced | Shortage | NotServed:
    """Decide from where an order's lines are taken, in as few parcels as is easily found.

    The first warehouse, in the area's order of (priority, distance, lead days, id), that can take
    the whole order takes it. Else the fewest that can take every line whole do, if three or fewer
    can; else the one that can take most of the lines whole takes those, and so on (the greedy
    cover: never more parcels than line by line). Only a line that nobody can take whole is
    divided, over warehouses that send a parcel anyway first. Lines of the same SKU share one
    count. A bundle's parts come from one warehouse for each bundle, and bundles choose first.
    What is kept for the partner is used before what is anyone's. Quantities are positive; nothing
    is changed: see ``SourcingBook.take``.
    """
    candidates = book.candidates(area_code)
    if not candidates:
        return NotServed(area_code)
    if len(lines) == 1 and not bundles:
        needs = [(book.shelf(lines[0][0], partner_id), lines[0][1])]
    else:
        wanted: dict[SkuId, int] = {}
        for sku_id, quantity in lines:
            for piece_id, each in bundles.get(sku_id) or ((sku_id, 1),):
                wanted[piece_id] = wanted.get(piece_id, 0) + quantity * each
        needs = [(book.shelf(sku_id, partner_id), quantity) for sku_id, quantity in wanted.items()]
    for candidate in candidates:
        slot = candidate[0]
        for shelf, quantity in needs:
            if shelf.get(slot, 0) < quantity:
                break
        else:
            there = book.ships_on(slot)
            _, warehouse_id, supplier_id, lead_days, _, _ = candidate
            sourced = Sourced(
                [
                    Part(
                        i,
                        sku_id,
                        warehouse_id,
                        supplier_id,
                        quantity,
                        lead_days,
                        there,
                        bundles.get(sku_id, ()),
                    )
                    for i, (sku_id, quantity) in enumerate(lines)
                ]
            )
            break
    else:
        spread = _Spread(book, candidates, lines, partner_id, bundles).parts()
        if isinstance(spread, Shortage):
            return spread
        sourced = Sourced(spread)
    if book.has_shares:
        _shares_use(book, sourced.parts, partner_id)
    return sourced


def explain(
    book: Shelves,
    *,
    area_code: str,
    lines: Sequence[_Line],
    outcome: Sourced | Shortage | NotServed,
    partner_id: PartyId | None = None,
    bundles: Bundles = _NO_BUNDLES,
) -> list[WarehouseNote]:
    """Say of each warehouse that serves an area why it is to send something, or is not."""
    parts = outcome.parts if isinstance(outcome, Sourced) else []
    senders = {part.warehouse_id for part in parts}
    spread = _Spread(book, book.candidates(area_code), lines, partner_id, bundles)
    notes = []
    for rank, candidate in enumerate(book.candidates(area_code), 1):
        slot, warehouse_id, _, lead_days, priority, steps = candidate
        mine = [part for part in parts if part.warehouse_id == warehouse_id]
        indexes = sorted({part.line_index for part in mine})
        if not mine:
            whole = spread.whole_lines(slot, range(len(lines)))
            indexes = [i for i in range(len(lines)) if i not in whole]
            if len(indexes) == len(lines) and not any(spread.capacity(i, slot) for i in indexes):
                verdict = Verdict.HAS_NONE
            else:
                verdict = Verdict.TOO_LITTLE if indexes else Verdict.NOT_NEEDED
        elif len(senders) == 1:
            verdict = Verdict.TAKES_ALL
        elif all(part.quantity == lines[part.line_index][1] for part in mine):
            verdict = Verdict.TAKES_LINES
        else:
            verdict = Verdict.TAKES_REST
        notes.append(
            WarehouseNote(
                warehouse_id,
                rank,
                priority,
                steps,
                lead_days,
                book.ships_on(slot),
                verdict,
                indexes,
            )
        )
    return notes


class _Spread:
    """Takes an order that several warehouses must send, on counts of its own."""

    def __init__(
        self,
        book: Shelves,
        candidates: Sequence[Candidate],
        lines: Sequence[_Line],
        partner_id: PartyId | None,
        bundles: Bundles,
    ) -> None:
        self._book = book
        self._candidates = candidates
        self._lines = lines
        self._pieces = [bundles.get(sku_id, ()) for sku_id, _ in lines]
        skus = {
            piece
            for (sku_id, _), pieces in zip(lines, self._pieces, strict=True)
            for piece, _ in pieces or ((sku_id, 1),)
        }
        shelves = {sku_id: book.shelf(sku_id, partner_id) for sku_id in skus}
        self._shelves: _Shelves = {
            sku_id: {c[0]: n for c in candidates if (n := shelf.get(c[0], 0)) > 0}
            for sku_id, shelf in shelves.items()
        }
        self._used: set[int] = set()
        self._parts: list[Part] = []

    def parts(self) -> list[Part] | Shortage:
        """Give the parts, or the first line for which there is too little."""
        plain = [i for i, pieces in enumerate(self._pieces) if not pieces]
        for i, pieces in enumerate(self._pieces):
            if pieces and (short := self._bundle_take(i)):
                return short
        if short := self._shortage(plain):
            return short
        for i in self._cover(plain):
            self._divide(i, self._lines[i][1])
        self._parts.sort(key=lambda part: part.line_index)
        return self._parts

    def capacity(self, i: int, slot: int) -> int:
        """Say how many of a line a warehouse could take by itself."""
        pieces = self._pieces[i] or ((self._lines[i][0], 1),)
        return min(self._shelves[sku_id].get(slot, 0) // each for sku_id, each in pieces)

    def whole_lines(self, slot: int, open_lines: Iterable[int]) -> list[int]:
        """Give the open lines that one warehouse can take whole, one after another."""
        taken: dict[SkuId, int] = {}
        whole: list[int] = []
        for i in open_lines:
            sku_id, quantity = self._lines[i]
            needs = [
                (piece, taken.get(piece, 0) + quantity * each)
                for piece, each in self._pieces[i] or ((sku_id, 1),)
            ]
            if all(self._shelves[piece].get(slot, 0) >= count for piece, count in needs):
                taken.update(needs)
                whole.append(i)
        return whole

    def _bundle_take(self, i: int) -> Shortage | None:
        sku_id, quantity = self._lines[i]
        able = [c for c in self._by_use() if self.capacity(i, c[0]) >= quantity]
        if able:
            self._take(i, able[0], quantity)
            return None
        total = sum(self.capacity(i, c[0]) for c in self._candidates)
        if total < quantity:
            return Shortage(i, sku_id, quantity, total)
        self._divide(i, quantity)
        return None

    def _shortage(self, indexes: Sequence[int]) -> Shortage | None:
        """Find the first line that all warehouses together can't take after the lines before it."""
        left: dict[SkuId, int] = {}
        for i in indexes:
            sku_id, quantity = self._lines[i]
            there = left.get(sku_id, sum(self._shelves[sku_id].values()))
            if there < quantity:
                return Shortage(i, sku_id, quantity, there)
            left[sku_id] = there - quantity
        return None

    def _cover(self, indexes: Sequence[int]) -> list[int]:
        """Take whole lines in few parcels; gives the lines that nobody can take whole."""
        chosen = self._fewest(indexes)
        if chosen:
            return self._cover_by(chosen, indexes)
        left = list(indexes)
        while left:
            best = max(self._candidates, key=lambda c: len(self.whole_lines(c[0], left)))
            whole = self.whole_lines(best[0], left)
            if not whole:
                break
            for i in whole:
                self._take(i, best, self._lines[i][1])
            left = [i for i in left if i not in whole]
        return left

    def _fewest(self, indexes: Sequence[int]) -> Sequence[Candidate]:
        """Find the fewest warehouses that take every line that anybody can take whole.

        None where lines share a count, so that a line's warehouse depends on the others'.
        """
        if len({self._lines[i][0] for i in indexes}) < len(indexes):
            return ()
        masks = [
            (candidate, sum(1 << i for i in indexes if self._is_able(candidate, i)))
            for candidate in self._candidates
        ]
        masks = [row for row in masks if row[1]]
        goal = 0
        for _, mask in masks:
            goal |= mask
        if not goal or len(masks) > COVER_WAREHOUSES_MAX:
            return ()
        for size in range(1, COVER_PARCELS_MAX + 1):
            for chosen in combinations(masks, size):
                covered = 0
                for _, mask in chosen:
                    covered |= mask
                if covered == goal:
                    return [candidate for candidate, _ in chosen]
        return ()

    def _is_able(self, candidate: Candidate, i: int) -> bool:
        sku_id, quantity = self._lines[i]
        return self._shelves[sku_id].get(candidate[0], 0) >= quantity

    def _cover_by(self, chosen: Sequence[Candidate], indexes: Sequence[int]) -> list[int]:
        left = []
        for i in indexes:
            able = [candidate for candidate in chosen if self._is_able(candidate, i)]
            if able:
                self._take(i, able[0], self._lines[i][1])
            else:
                left.append(i)
        return left

    def _divide(self, i: int, quantity: int) -> None:
        for candidate in self._by_use():
            taken = min(quantity, self.capacity(i, candidate[0]))
            if taken > 0:
                quantity -= taken
                self._take(i, candidate, taken)

    def _by_use(self) -> list[Candidate]:
        return sorted(self._candidates, key=lambda c: c[0] not in self._used)

    def _take(self, i: int, candidate: Candidate, quantity: int) -> None:
        slot, warehouse_id, supplier_id, lead_days, _, _ = candidate
        sku_id, pieces = self._lines[i][0], self._pieces[i]
        for piece_id, each in pieces or ((sku_id, 1),):
            self._shelves[piece_id][slot] -= quantity * each
        self._used.add(slot)
        there = self._book.ships_on(slot)
        part = Part(i, sku_id, warehouse_id, supplier_id, quantity, lead_days, there, pieces)
        self._parts.append(part)


def _shares_use(book: Shelves, parts: Sequence[Part], partner_id: PartyId | None) -> None:
    """Let parts take what is kept for the partner first, the share that ends first before all."""
    left: dict[ShareId, int] = {}
    for part in parts:
        slot = book.slot(part.warehouse_id)
        used: list[tuple[SkuId, ShareId, int]] = []
        for sku_id, each in part.pieces or ((part.sku_id, 1),):
            need = part.quantity * each
            for share_id in book.shares(sku_id, slot, partner_id):
                count = min(need, left.setdefault(share_id, book.unsold(share_id)))
                if count > 0:
                    left[share_id] -= count
                    need -= count
                    used.append((sku_id, share_id, count))
        part.shares = used
