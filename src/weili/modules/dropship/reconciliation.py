"""What both sides compare each day: lists of what became of orders, and the differences."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from weili.kit.context import Ctx, PartyId
from weili.kit.ids import id_parse, id_text
from weili.kit.pages import LIMIT_DEFAULT, cursor_parse, cursor_text, limit_bounded
from weili.kit.problems import CursorInvalid, IdMalformed
from weili.kit.zone import day_begins_at
from weili.modules.dropship.lists import (
    Differences,
    Listed,
    ListName,
    ListTotals,
    Traced,
    differences,
)
from weili.modules.dropship.model import CHILD_PREFIX, ORDER_PREFIX, PACKAGE_PREFIX
from weili.modules.dropship.problems import ListTooLong
from weili.modules.dropship.store import reconciliation as store

COMPARE_MAX: Final = 5_000
"""Orders that the other side may send in one comparison."""
OURS_MAX: Final = 100_000
"""Orders of a day that are held against them."""
EXPORT_PAGE: Final = 2_000


@dataclass(frozen=True, slots=True)
class ListPage:
    """A page of a day's list, with the totals of the whole list."""

    name: ListName
    on: date
    totals: ListTotals
    items: Sequence[Listed]
    next_cursor: str | None


def day_list(
    ctx: Ctx,
    *,
    side: store.Side,
    name: ListName,
    on: date,
    cursor: str | None = None,
    limit: int = LIMIT_DEFAULT,
) -> ListPage:
    """List the child orders that came to something on a business day, in the order they did.

    A child order is in a list on the day that it came there as a whole: shipped with its last
    package, delivered when the last one arrived.

    Raises: Forbidden; CursorInvalid.
    """
    _require(ctx, side)
    size = limit_bounded(limit)
    totals, rows = _rows(ctx, side, name, on, after=_place(cursor), limit=size + 1)
    next_cursor = None
    if len(rows) > size:
        last = rows[size - 1]
        next_cursor = cursor_text(f"{last.at.isoformat()} {last.child_id}")
    return ListPage(name, on, totals, rows[:size], next_cursor)


def day_list_whole(ctx: Ctx, *, side: store.Side, name: ListName, on: date) -> Iterator[Listed]:
    """Give a day's whole list in turn, a few thousand read at a time.

    Raises: Forbidden.
    """
    _require(ctx, side)
    after: store.Place | None = None
    while True:
        _, rows = _rows(ctx, side, name, on, after=after, limit=EXPORT_PAGE)
        yield from rows
        if len(rows) < EXPORT_PAGE:
            return
        after = rows[-1].at, rows[-1].child_id


def day_compare(
    ctx: Ctx,
    *,
    side: store.Side,
    name: ListName,
    on: date,
    theirs: Sequence[tuple[str, int]],
) -> Differences:
    """Hold the other side's list of a day against ours.

    A partner names orders by its own numbers and what they cost it; a supplier names child orders
    by their ids and what it is owed for them.

    Raises: Forbidden; ListTooLong, when our list is longer than can be compared at once.
    """
    _require(ctx, side)
    begins_at = day_begins_at(on)
    rows = store.amounts(
        ctx,
        side=side,
        name=name,
        period=(begins_at, begins_at + timedelta(days=1)),
        limit=OURS_MAX + 1,
    )
    if len(rows) > OURS_MAX:
        raise ListTooLong(rows_max=OURS_MAX)
    if side.is_supplier:
        ours = {id_text(CHILD_PREFIX, child_id): amount for child_id, amount in rows}
    else:
        ours = dict(rows)
    return differences(ours, dict(theirs))


def subjects_traced(ctx: Ctx, *, subjects: Sequence[str]) -> dict[str, Traced]:
    """Say to which order and child order the subjects of ledger entries belong.

    Subjects are written ids of orders, child orders and packages; others have no answer.
    """
    ids: dict[str, dict[UUID, str]] = {p: {} for p in (ORDER_PREFIX, CHILD_PREFIX, PACKAGE_PREFIX)}
    for subject in subjects:
        prefix = subject.partition("_")[0]
        if prefix in ids:
            try:
                ids[prefix][id_parse(prefix, subject)] = subject
            except IdMalformed:
                continue
    traced: dict[str, Traced] = {}
    for prefix, read in (
        (ORDER_PREFIX, store.orders_traced),
        (CHILD_PREFIX, store.children_traced),
        (PACKAGE_PREFIX, store.packages_traced),
    ):
        if ids[prefix]:
            for subject_id, order_id, number, child_id in read(ctx, list(ids[prefix])):
                traced[ids[prefix][subject_id]] = Traced(order_id, number, child_id)
    return traced


def package_lines_costed(ctx: Ctx, *, subjects: Sequence[str]) -> dict[str, list[store.CostLine]]:
    """Give the order lines in packages with what each costs, by the packages' written ids."""
    ids = {}
    for subject in subjects:
        if subject.startswith(f"{PACKAGE_PREFIX}_"):
            ids[id_parse(PACKAGE_PREFIX, subject)] = subject
    lines: dict[str, list[store.CostLine]] = {}
    for package_id, line in store.lines_costed(ctx, list(ids)):
        lines.setdefault(ids[package_id], []).append(line)
    return lines


def _require(ctx: Ctx, side: store.Side) -> None:
    if side.party_id != ctx.actor.party_id:
        ctx.require("admin:money")
    else:
        ctx.require("account:read")


def _rows(
    ctx: Ctx,
    side: store.Side,
    name: ListName,
    on: date,
    *,
    after: store.Place | None,
    limit: int,
) -> tuple[ListTotals, list[Listed]]:
    begins_at = day_begins_at(on)
    return store.listed(
        ctx,
        side=side,
        name=name,
        period=(begins_at, begins_at + timedelta(days=1)),
        after=after,
        limit=limit,
    )


def _place(cursor: str | None) -> store.Place | None:
    key = cursor_parse(cursor)
    if key is None:
        return None
    at, _, last_id = key.partition(" ")
    try:
        place = datetime.fromisoformat(at), UUID(last_id)
    except ValueError:
        raise CursorInvalid from None
    if place[0].tzinfo is None:
        raise CursorInvalid
    return place


def supplier_side(party_id: PartyId) -> store.Side:
    """Compare as a supplier."""
    return store.Side(party_id, is_supplier=True)


def partner_side(party_id: PartyId) -> store.Side:
    """Compare as a partner."""
    return store.Side(party_id, is_supplier=False)
