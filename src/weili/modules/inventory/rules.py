"""From where an order is taken, and what a change does to stock: pure decisions."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from weili.kit.context import PartyId
from weili.kit.ids import id_text
from weili.kit.problems import FieldProblem, InputInvalid, Said
from weili.modules import regions
from weili.modules.goods import SKU_PREFIX, SkuId
from weili.modules.inventory.model import (
    FUZZY_MAX,
    QUANTITY_MAX,
    WAREHOUSE_PREFIX,
    Availability,
    AvailabilityAsk,
    CoverageRow,
    Move,
    MoveKind,
    Part,
    Place,
    StockChange,
    StockLevel,
    StockState,
    WarehouseId,
)
from weili.modules.inventory.problems import StockBelowReserved

RANK_MAX: Final = 10_000
"""Bound on a priority and on lead days."""

_ONE_COUNT: Final = Said(
    "on_hand or on_hand_delta, not both", "on_hand 与 on_hand_delta 只填其中一项"
)
_ONE_ROW: Final = Said("one row for each region", "每个地区一行")

_Candidate = tuple[int, WarehouseId, PartyId, int]
"""A warehouse that serves an area: its slot in the book, id, supplier, lead days."""

_Line = tuple[SkuId, int]
_EMPTY: Final[Mapping[int, int]] = {}

_EFFECT: Final = {
    MoveKind.RESERVE: (0, 1),
    MoveKind.RELEASE: (0, -1),
    MoveKind.ISSUE: (-1, -1),
}
"""What a piece moved does to (on_hand, reserved)."""


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


class SourcingBook:
    """What may still be promised from which warehouse, at one moment, for a batch of orders.

    ``take`` lowers the counts, so that a batch is decided order by order in its own order, and
    no order sees what an earlier one took.
    """

    __slots__ = ("_by_area", "_by_region", "_shelves", "_slots")

    def __init__(
        self,
        *,
        coverage: Iterable[tuple[str, WarehouseId, PartyId, int, int]],
        stock: Iterable[tuple[SkuId, WarehouseId, int]],
    ) -> None:
        """Take (region, warehouse, supplier, priority, lead days) and (SKU, warehouse, available).

        Warehouses are numbered, since a plain number is found in a dict many times faster than
        a UUID is.
        """
        self._slots: dict[WarehouseId, int] = {}
        self._by_region: dict[str, list[tuple[int, int, _Candidate]]] = {}
        self._by_area: dict[str, tuple[_Candidate, ...]] = {}
        self._shelves: dict[SkuId, dict[int, int]] = {}
        for region_code, warehouse_id, supplier_id, priority, lead_days in coverage:
            slot = self._slots.setdefault(warehouse_id, len(self._slots))
            candidate = (slot, warehouse_id, supplier_id, lead_days)
            self._by_region.setdefault(region_code, []).append((priority, lead_days, candidate))
        for sku_id, warehouse_id, available in stock:
            slot = self._slots.setdefault(warehouse_id, len(self._slots))
            self._shelves.setdefault(sku_id, {})[slot] = available

    def candidates(self, area_code: str) -> tuple[_Candidate, ...]:
        """Give the warehouses that serve an area, best first; sorted once for each area.

        A warehouse that serves several regions around the area counts with the narrowest.
        """
        known = self._by_area.get(area_code)
        if known is None:
            known = self._by_area[area_code] = self._candidates_sorted(area_code)
        return known

    def shelf(self, sku_id: SkuId) -> Mapping[int, int]:
        """Give what may be promised of a SKU, by the warehouse's slot."""
        return self._shelves.get(sku_id, _EMPTY)

    def take(self, parts: Iterable[Part]) -> None:
        """Lower the counts by parts that were decided.

        Raises: ValueError when a part is not there (a bug: it was decided on other counts).
        """
        for part in parts:
            shelf, slot = self._shelves[part.sku_id], self._slots[part.warehouse_id]
            left = shelf.get(slot, 0) - part.quantity
            if left < 0:
                raise ValueError(part)
            shelf[slot] = left

    def _candidates_sorted(self, area_code: str) -> tuple[_Candidate, ...]:
        narrowest: dict[int, tuple[int, int, _Candidate]] = {}
        for code in regions.codes_above([area_code]):
            for row in self._by_region.get(code, ()):
                narrowest.setdefault(row[2][0], row)
        ranked = sorted(narrowest.values(), key=lambda row: (row[0], row[1], row[2][1]))
        return tuple(candidate for _, _, candidate in ranked)


def source(
    book: SourcingBook, *, area_code: str, lines: Sequence[_Line]
) -> Sourced | Shortage | NotServed:
    """Decide from where an order's lines are taken, in as few parcels as is easily found.

    The first warehouse, in the area's order of (priority, lead days, id), that can take the whole
    order takes it. Else the one that can take most of the lines whole takes those, and so on (the
    greedy cover: never more parcels than line by line, though not always the fewest there are).
    Only a line that nobody can take whole is divided, over warehouses that send a parcel anyway
    first. Lines of the same SKU share one count. Quantities are positive; nothing is changed: see
    ``SourcingBook.take``.
    """
    candidates = book.candidates(area_code)
    if not candidates:
        return NotServed(area_code)
    if len(lines) == 1:
        needs = [(book.shelf(lines[0][0]), lines[0][1])]
    else:
        wanted: dict[SkuId, int] = {}
        for sku_id, quantity in lines:
            wanted[sku_id] = wanted.get(sku_id, 0) + quantity
        needs = [(book.shelf(sku_id), quantity) for sku_id, quantity in wanted.items()]
    for candidate in candidates:
        slot = candidate[0]
        for shelf, quantity in needs:
            if shelf.get(slot, 0) < quantity:
                break
        else:
            return Sourced(
                [
                    _part(i, sku_id, candidate, quantity)
                    for i, (sku_id, quantity) in enumerate(lines)
                ]
            )
    shelves = {
        sku_id: {c[0]: n for c in candidates if (n := book.shelf(sku_id).get(c[0], 0)) > 0}
        for sku_id, _ in lines
    }
    return _shortage(shelves, lines) or _spread(candidates, shelves, lines)


def availability_of(book: SourcingBook, ask: AvailabilityAsk) -> Availability:
    """Say whether a quantity can be had in an area, and within how many days."""
    slots = [candidate[0] for candidate in book.candidates(ask.area_code)]
    shelf = book.shelf(ask.sku_id)
    total = sum(max(0, shelf.get(slot, 0)) for slot in slots)
    lead_days: int | None = None
    if not slots:
        state = StockState.NOT_SERVED
    elif total == 0:
        state = StockState.NONE
    else:
        state = StockState.SHORT
        found = source(book, area_code=ask.area_code, lines=[(ask.sku_id, ask.quantity)])
        if isinstance(found, Sourced):
            state = StockState.IN_STOCK
            lead_days = max(part.lead_days for part in found.parts)
    return Availability(
        ask.sku_id, ask.quantity, ask.area_code, state, min(total, FUZZY_MAX), lead_days
    )


def moves_summed(moves: Iterable[Move]) -> list[tuple[Place, int, int]]:
    """Sum moves to (place, on_hand delta, reserved delta), in the order in which to lock."""
    sums: dict[Place, list[int]] = {}
    for kind, sku_id, warehouse_id, quantity, _ in moves:
        on_hand, reserved = _EFFECT[kind]
        total = sums.setdefault((sku_id, warehouse_id), [0, 0])
        total[0] += on_hand * quantity
        total[1] += reserved * quantity
    return [(place, sums[place][0], sums[place][1]) for place in sorted(sums)]


def move_deltas(move: Move) -> tuple[int, int]:
    """Say what one move does to (on_hand, reserved)."""
    on_hand, reserved = _EFFECT[move.kind]
    return on_hand * move.quantity, reserved * move.quantity


def changes_applied(
    levels: Mapping[Place, StockLevel], changes: Sequence[StockChange]
) -> tuple[dict[Place, StockLevel], list[tuple[StockChange, int]]]:
    """Apply changes one after another; gives the levels after, and each change's real delta.

    Raises: StockBelowReserved, for the first change that would leave less than is promised.
    """
    after = dict(levels)
    deltas: list[tuple[StockChange, int]] = []
    for change in changes:
        place = change.sku_id, change.warehouse_id
        level = after[place]
        on_hand = change.on_hand
        if on_hand is None:
            on_hand = level.on_hand + (change.on_hand_delta or 0)
        if on_hand < level.reserved:
            raise StockBelowReserved(
                sku_id=id_text(SKU_PREFIX, change.sku_id),
                warehouse_id=id_text(WAREHOUSE_PREFIX, change.warehouse_id),
                on_hand=level.on_hand,
                reserved=level.reserved,
                asked=on_hand,
            )
        deltas.append((change, on_hand - level.on_hand))
        safety = level.safety if change.safety is None else change.safety
        after[place] = replace(level, on_hand=on_hand, safety=safety)
    return after, deltas


def change_kind(change: StockChange) -> MoveKind:
    """Name the movement of a change: goods that came in, or a count that was put right."""
    if change.on_hand_delta is not None and change.on_hand_delta > 0:
        return MoveKind.RECEIPT
    return MoveKind.ADJUST


def changes_check(changes: Sequence[StockChange]) -> None:
    """Refuse changes outside their bounds, or both absolute and relative.

    Raises: InputInvalid, naming each change at fault.
    """
    wrong: list[FieldProblem] = []
    for i, change in enumerate(changes):
        if change.on_hand is not None and change.on_hand_delta is not None:
            wrong.append(FieldProblem(f"/{i}", "both", _ONE_COUNT))
        for name, value in (("on_hand", change.on_hand), ("safety", change.safety)):
            if value is not None:
                wrong += _out_of_range(f"/{i}/{name}", value, 0, QUANTITY_MAX)
        if change.on_hand_delta is not None:
            wrong += _out_of_range(
                f"/{i}/on_hand_delta", change.on_hand_delta, -QUANTITY_MAX, QUANTITY_MAX
            )
    if wrong:
        raise InputInvalid(fields=tuple(wrong))


def coverage_check(rows: Sequence[CoverageRow]) -> None:
    """Refuse rows outside their bounds, or two for the same region.

    Raises: InputInvalid, naming each row at fault.
    """
    wrong: list[FieldProblem] = []
    seen: set[str] = set()
    for i, row in enumerate(rows):
        wrong += _out_of_range(f"/{i}/priority", row.priority, 0, RANK_MAX)
        wrong += _out_of_range(f"/{i}/lead_days", row.lead_days, 0, RANK_MAX)
        if row.region_code in seen:
            wrong.append(FieldProblem(f"/{i}", "twice", _ONE_ROW))
        seen.add(row.region_code)
    if wrong:
        raise InputInvalid(fields=tuple(wrong))


def _out_of_range(path: str, value: int, low: int, high: int) -> list[FieldProblem]:
    if low <= value <= high:
        return []
    return [FieldProblem(path, "out_of_range", Said(f"{low} to {high}", f"{low} 至 {high}"))]


def _part(line_index: int, sku_id: SkuId, candidate: _Candidate, quantity: int) -> Part:
    _, warehouse_id, supplier_id, lead_days = candidate
    return Part(line_index, sku_id, warehouse_id, supplier_id, quantity, lead_days)


def _shortage(
    shelves: Mapping[SkuId, Mapping[int, int]], lines: Sequence[_Line]
) -> Shortage | None:
    """Find the first line that all warehouses together can't take after the lines before it."""
    left = {sku_id: sum(shelf.values()) for sku_id, shelf in shelves.items()}
    for i, (sku_id, quantity) in enumerate(lines):
        if left[sku_id] < quantity:
            return Shortage(i, sku_id, quantity, left[sku_id])
        left[sku_id] -= quantity
    return None


def _spread(
    candidates: Sequence[_Candidate],
    shelves: dict[SkuId, dict[int, int]],
    lines: Sequence[_Line],
) -> Sourced:
    """Take an order that several warehouses must send; there is enough. Uses ``shelves`` up."""
    parts: list[Part] = []
    used: set[int] = set()
    open_lines = list(range(len(lines)))
    while open_lines:
        best = max(candidates, key=lambda c: len(_whole_lines(c[0], shelves, lines, open_lines)))
        whole = _whole_lines(best[0], shelves, lines, open_lines)
        if not whole:
            break
        used.add(best[0])
        for i in whole:
            sku_id, quantity = lines[i]
            shelves[sku_id][best[0]] -= quantity
            parts.append(_part(i, sku_id, best, quantity))
        open_lines = [i for i in open_lines if i not in whole]
    for i in open_lines:
        sku_id, quantity = lines[i]
        shelf = shelves[sku_id]
        for candidate in sorted(candidates, key=lambda c: c[0] not in used):
            taken = min(quantity, shelf.get(candidate[0], 0))
            if taken > 0:
                used.add(candidate[0])
                shelf[candidate[0]] -= taken
                quantity -= taken
                parts.append(_part(i, sku_id, candidate, taken))
    parts.sort(key=lambda part: part.line_index)
    return Sourced(parts)


def _whole_lines(
    slot: int,
    shelves: Mapping[SkuId, Mapping[int, int]],
    lines: Sequence[_Line],
    open_lines: Sequence[int],
) -> list[int]:
    """Give the open lines that one warehouse can take whole, one after another."""
    taken: dict[SkuId, int] = {}
    whole: list[int] = []
    for i in open_lines:
        sku_id, quantity = lines[i]
        so_far = taken.get(sku_id, 0) + quantity
        if shelves[sku_id].get(slot, 0) >= so_far:
            taken[sku_id] = so_far
            whole.append(i)
    return whole
