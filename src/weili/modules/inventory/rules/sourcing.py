"""From where an order is taken, and why: pure decisions over a book of what may be promised."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

from weili.kit.context import PartyId
from weili.modules.goods import SkuId
from weili.modules.inventory.model import Part, ShareId, Verdict, WarehouseNote
from weili.modules.inventory.rules.book import Candidate, Shelves

COVER_WAREHOUSES_MAX: Final = 12
COVER_PARCELS_MAX: Final = 3
"""Bounds within which the fewest parcels are looked for one by one: at most 220 choices of three
warehouses. Beyond them the greedy cover is near enough."""

Bundles = Mapping[SkuId, Sequence[tuple[SkuId, int]]]
"""Which SKUs are bundles: their parts, with how many of each make one."""

_Line = tuple[SkuId, int]
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
        self._shelves: dict[SkuId, dict[int, int]] = {
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
