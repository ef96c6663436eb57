"""What a change, a movement, a count does to stock: pure decisions."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from weili.kit.ids import id_text
from weili.kit.problems import FieldProblem, InputInvalid, Problem, Said
from weili.modules.goods import SKU_PREFIX
from weili.modules.inventory.model import (
    QUANTITY_MAX,
    WAREHOUSE_PREFIX,
    Booking,
    Changed,
    ChangeOutcome,
    CoverageRow,
    Move,
    MoveKind,
    OpeningStock,
    Place,
    StockChange,
    StockLevel,
)
from weili.modules.inventory.problems import StockBelowReserved, VersionStale

RANK_MAX: Final = 10_000
"""Bound on a priority and on lead days."""

_ONE_COUNT: Final = Said(
    "on_hand or on_hand_delta, not both", "on_hand 与 on_hand_delta 只填其中一项"
)
_ONE_ROW: Final = Said("one row for each region", "每个地区一行")

_EFFECT: Final = {
    MoveKind.RESERVE: (0, 1),
    MoveKind.RELEASE: (0, -1),
    MoveKind.ISSUE: (-1, -1),
    MoveKind.RETURN: (1, 0),
    MoveKind.DAMAGE: (-1, 0),
}
"""What a piece moved does to (on_hand, reserved)."""


def moves_summed(moves: Iterable[Move]) -> list[tuple[Place, int, int, int]]:
    """Sum moves to (place, on_hand, reserved, shared delta), in the order in which to lock."""
    sums: dict[Place, list[int]] = {}
    for kind, sku_id, warehouse_id, quantity, _, shares in moves:
        on_hand, reserved = _EFFECT[kind]
        total = sums.setdefault((sku_id, warehouse_id), [0, 0, 0])
        total[0] += on_hand * quantity
        total[1] += reserved * quantity
        for _, count in shares:
            total[2] -= count
    return [(place, *_three(sums[place])) for place in sorted(sums)]


def move_deltas(move: Move) -> tuple[int, int]:
    """Say what one move does to (on_hand, reserved)."""
    on_hand, reserved = _EFFECT[move.kind]
    return on_hand * move.quantity, reserved * move.quantity


def changes_decided(
    levels: Mapping[Place, StockLevel], changes: Sequence[StockChange]
) -> tuple[dict[Place, StockLevel], list[Changed], list[Booking]]:
    """Decide changes one after another, each on what the ones before it left.

    Gives the levels after all that were done, in the order in which they were given; the outcome
    of each change; and what moved.
    """
    after = dict(levels)
    outcomes: list[Changed] = []
    bookings: list[Booking] = []
    for change in changes:
        place = change.sku_id, change.warehouse_id
        level = after[place]
        there = _level_after(level, change)
        problem = _problem(level, there, change)
        if problem is not None:
            outcomes.append(Changed(ChangeOutcome.REFUSED, level, problem))
        elif there[:-1] == level[:-1]:
            outcomes.append(Changed(ChangeOutcome.UNCHANGED, level))
        else:
            after[place] = there
            outcomes.append(Changed(ChangeOutcome.DONE, there))
            delta = there.on_hand - level.on_hand
            if delta:
                bookings.append(Booking(change_kind(change), *place, delta, change.subject))
    return after, outcomes, bookings


def bookings_applied(
    levels: Mapping[Place, StockLevel], bookings: Sequence[Booking]
) -> dict[Place, StockLevel]:
    """Apply bookings one after another; gives the levels after them, in the order given.

    Raises: StockBelowReserved, for the first that would leave less than is promised.
    """
    after = dict(levels)
    for booking in bookings:
        place = booking.sku_id, booking.warehouse_id
        level = after[place]
        there = level._replace(on_hand=level.on_hand + booking.delta, version=level.version + 1)
        if problem := _below(level, there):
            raise problem
        after[place] = there
    return after


def change_kind(change: StockChange) -> MoveKind:
    """Name the movement of a change: goods that came in, or a count that was put right."""
    if change.on_hand_delta is not None and change.on_hand_delta > 0:
        return MoveKind.RECEIPT
    return MoveKind.ADJUST


def lows_crossed(
    before: Mapping[Place, StockLevel], after: Mapping[Place, StockLevel]
) -> list[StockLevel]:
    """Give the places that are low now and were not, in the order in which they are given."""
    return [
        level
        for place, level in after.items()
        if is_low(level.unpromised, level.low_below)
        and not is_low(before[place].unpromised, before[place].low_below)
    ]


def is_low(unpromised: int, low_below: int) -> bool:
    """Say whether a place has less left than its supplier wants to be told of."""
    return unpromised < low_below


def lows_of_moves(
    marks: Mapping[Place, tuple[int, int]], moves: Sequence[Move]
) -> list[tuple[Place, int, int]]:
    """Give the places that reserving brings below their mark: (place, unpromised, low_below).

    ``marks`` say how it stood under the same lock, so that each crossing is found exactly once.
    """
    if not marks:
        return []
    crossed = []
    for place, on_hand, reserved, _ in moves_summed(moves):
        if place in marks:
            before, low_below = marks[place]
            after = before + on_hand - reserved
            if is_low(after, low_below) and not is_low(before, low_below):
                crossed.append((place, after, low_below))
    return crossed


def changes_check(changes: Sequence[StockChange]) -> None:
    """Refuse changes outside their bounds, or both absolute and relative.

    Raises: InputInvalid, naming each change at fault.
    """
    wrong: list[FieldProblem] = []
    for i, change in enumerate(changes):
        if change.on_hand is not None and change.on_hand_delta is not None:
            wrong.append(FieldProblem(f"/{i}", "both", _ONE_COUNT))
        for name, value in (
            ("on_hand", change.on_hand),
            ("safety", change.safety),
            ("low_below", change.low_below),
        ):
            if value is not None:
                wrong += out_of_range(f"/{i}/{name}", value, 0, QUANTITY_MAX)
        if change.on_hand_delta is not None:
            wrong += out_of_range(
                f"/{i}/on_hand_delta", change.on_hand_delta, -QUANTITY_MAX, QUANTITY_MAX
            )
    if wrong:
        raise InputInvalid(fields=tuple(wrong))


def openings_check(rows: Sequence[OpeningStock]) -> None:
    """Refuse counts outside their bounds.

    Raises: InputInvalid, naming each row at fault.
    """
    wrong: list[FieldProblem] = []
    for i, row in enumerate(rows):
        if not 0 <= row.on_hand <= QUANTITY_MAX:
            wrong += out_of_range(f"/{i}/on_hand", row.on_hand, 0, QUANTITY_MAX)
    if wrong:
        raise InputInvalid(fields=tuple(wrong))


def coverage_check(rows: Sequence[CoverageRow]) -> None:
    """Refuse rows outside their bounds, or two for the same region.

    Raises: InputInvalid, naming each row at fault.
    """
    wrong: list[FieldProblem] = []
    seen: set[str] = set()
    for i, row in enumerate(rows):
        wrong += out_of_range(f"/{i}/priority", row.priority, 0, RANK_MAX)
        wrong += out_of_range(f"/{i}/lead_days", row.lead_days, 0, RANK_MAX)
        if row.region_code in seen:
            wrong.append(FieldProblem(f"/{i}", "twice", _ONE_ROW))
        seen.add(row.region_code)
    if wrong:
        raise InputInvalid(fields=tuple(wrong))


def out_of_range(path: str, value: int, low: int, high: int) -> list[FieldProblem]:
    """Give what is wrong with a number that must lie between two others; nothing if it does."""
    if low <= value <= high:
        return []
    return [FieldProblem(path, "out_of_range", Said(f"{low} to {high}", f"{low} 至 {high}"))]


def _three(values: Sequence[int]) -> tuple[int, int, int]:
    return values[0], values[1], values[2]


def _level_after(level: StockLevel, change: StockChange) -> StockLevel:
    on_hand = change.on_hand
    if on_hand is None:
        on_hand = level.on_hand + (change.on_hand_delta or 0)
    return StockLevel(
        level.sku_id,
        level.warehouse_id,
        on_hand,
        level.reserved,
        level.safety if change.safety is None else change.safety,
        level.shared,
        level.low_below if change.low_below is None else change.low_below,
        level.version + 1,
    )


def _problem(level: StockLevel, there: StockLevel, change: StockChange) -> Problem | None:
    if change.version is not None and change.version != level.version:
        return VersionStale(
            sku_id=id_text(SKU_PREFIX, level.sku_id),
            warehouse_id=id_text(WAREHOUSE_PREFIX, level.warehouse_id),
            version=level.version,
            asked=change.version,
        )
    return _below(level, there)


def _below(level: StockLevel, there: StockLevel) -> Problem | None:
    if there.on_hand >= level.reserved + level.shared:
        return None
    return StockBelowReserved(
        sku_id=id_text(SKU_PREFIX, level.sku_id),
        warehouse_id=id_text(WAREHOUSE_PREFIX, level.warehouse_id),
        on_hand=level.on_hand,
        reserved=level.reserved,
        shared=level.shared,
        asked=there.on_hand,
    )
