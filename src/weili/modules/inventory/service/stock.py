"""The verbs on places: what lies there, every change of it, and the proof that it adds up."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from uuid import UUID

from weili.kit.context import Ctx, PartyId
from weili.kit.findings import Finding
from weili.kit.ids import id_text
from weili.kit.pages import LIMIT_DEFAULT, Page, cursor_id, cursor_parse, limit_bounded, page_of
from weili.kit.partitions import Cut
from weili.kit.problems import CursorInvalid, NotFound, Problem
from weili.modules import goods, regions
from weili.modules.goods import SKU_PREFIX, SkuId
from weili.modules.inventory.model import (
    TRANSFER_PREFIX,
    WAREHOUSE_PREFIX,
    Booking,
    Changed,
    ChangeOutcome,
    Damage,
    Move,
    MoveKind,
    OpeningStock,
    Place,
    ShareId,
    StockChange,
    StockLevel,
    StockNeed,
    StockRow,
    Warehouse,
    WarehouseId,
)
from weili.modules.inventory.problems import WAREHOUSE_WORD
from weili.modules.inventory.rules import stock as rules
from weili.modules.inventory.service import access
from weili.modules.inventory.service.sourcing import low_announce
from weili.modules.inventory.store import incoming, months, shares
from weili.modules.inventory.store import stock as store
from weili.modules.inventory.store import warehouses as houses


def stock_change(ctx: Ctx, *, changes: Sequence[StockChange]) -> list[StockLevel]:
    """Change what lies in places, all of the changes or none; gives the places as they are then.

    A supplier may change its own SKUs in its own warehouses, staff any. Several changes of one
    place count one after another.

    Raises: Forbidden; InputInvalid; NotFound, when there is no such warehouse for the one who
    asks; SkuUnknown, likewise; StockBelowReserved; VersionStale.
    """
    access.require(ctx, "supply:write")
    rules.changes_check(changes)
    if not changes:
        return []
    warehouses = access.warehouses_check(ctx, [change.warehouse_id for change in changes])
    access.skus_check(ctx, [change.sku_id for change in changes])
    before = places_locked(ctx, {(change.sku_id, change.warehouse_id) for change in changes})
    after, outcomes, bookings = rules.changes_decided(before, changes)
    for outcome in outcomes:
        if outcome.problem:
            raise outcome.problem
    levels_save(ctx, before=before, after=after, bookings=bookings, warehouses=warehouses)
    return list(after.values())


def stock_open(ctx: Ctx, *, rows: Sequence[OpeningStock], subject: str) -> None:
    """Say what lies of SKUs that this very transaction has made, of each in one place.

    Nobody else knows them, so that a place is neither looked for nor locked: made empty, locked and
    written to, it would cost four times as much, and a sheet of new goods has nothing else. Staff
    only. ``subject`` is what the movements name as their reason.

    Raises: Forbidden; InputInvalid; NotFound, when there is no such warehouse; the database's own
    refusal where a place is there already, or no such SKU: that is a bug of the caller's.
    """
    ctx.require("admin:stock")
    rules.openings_check(rows)
    if rows:
        access.warehouses_check(ctx, list({row.warehouse_id for row in rows}))
        store.places_open(ctx, rows=rows, subject=subject)


def stock_update(ctx: Ctx, *, changes: Sequence[StockChange]) -> list[Changed]:
    """Change what lies in places, each row with an outcome of its own, in the order given.

    A row that is refused (an unknown SKU or warehouse, a stale version, less than is promised)
    stops none of the others. However many rows: one lock, one write, one set of movements.

    Raises: Forbidden; InputInvalid.
    """
    access.require(ctx, "supply:write")
    rules.changes_check(changes)
    warehouses = access.warehouses_seen(ctx, [change.warehouse_id for change in changes])
    skus = access.skus_seen(ctx, [change.sku_id for change in changes])
    unknown = [_unknown(change, warehouses, skus) for change in changes]
    known = [change for change, problem in zip(changes, unknown, strict=True) if problem is None]
    before = places_locked(ctx, {(change.sku_id, change.warehouse_id) for change in known})
    after, decided, bookings = rules.changes_decided(before, known)
    levels_save(ctx, before=before, after=after, bookings=bookings, warehouses=warehouses)
    outcomes = iter(decided)
    return [
        next(outcomes) if problem is None else Changed(ChangeOutcome.REFUSED, None, problem)
        for problem in unknown
    ]


def damage_write_off(ctx: Ctx, *, damages: Sequence[Damage], reference: str) -> list[StockLevel]:
    """Take pieces that can no longer be sold out of stock, all of them or none.

    Raises: Forbidden; InputInvalid; NotFound; SkuUnknown; StockBelowReserved.
    """
    access.require(ctx, "supply:write")
    warehouses = access.warehouses_check(ctx, [damage.warehouse_id for damage in damages])
    access.skus_check(ctx, [damage.sku_id for damage in damages])
    return stock_book(
        ctx,
        bookings=[
            Booking(
                MoveKind.DAMAGE,
                damage.sku_id,
                damage.warehouse_id,
                -damage.quantity,
                f"{reference}: {damage.reason}",
            )
            for damage in damages
        ],
        warehouses=warehouses,
    )


def stock_book(
    ctx: Ctx, *, bookings: Sequence[Booking], warehouses: Mapping[WarehouseId, Warehouse]
) -> list[StockLevel]:
    """Book movements into locked places; the caller has checked who may.

    Raises: StockBelowReserved; then nothing has moved.
    """
    if not bookings:
        return []
    before = places_locked(ctx, {(booking.sku_id, booking.warehouse_id) for booking in bookings})
    after = rules.bookings_applied(before, bookings)
    levels_save(ctx, before=before, after=after, bookings=bookings, warehouses=warehouses)
    return list(after.values())


def places_locked(ctx: Ctx, places: set[Place]) -> dict[Place, StockLevel]:
    """Lock places in their one order, made empty where there was none, and give them in it."""
    if not places:
        return {}
    ordered = _in_order(places)
    store.places_make(ctx, ordered)
    return store.places_lock(ctx, ordered)


def _in_order(places: Iterable[Place]) -> list[Place]:
    """Sort places as they are locked: by SKU, then by warehouse."""
    return sorted(places, key=lambda place: (place[0].int, place[1].int))


def skus_locked(ctx: Ctx, *, sku_ids: Sequence[SkuId]) -> None:
    """Lock every place where SKUs, or the parts of bundles among them, lie.

    For a verb that takes pieces from some places and gives back to others: ``sourcing_book`` locks
    those alone that have something to give, and the rest could only be locked after them.
    """
    bundles = goods.bundle_parts(ctx, sku_ids=list(set(sku_ids)))
    parts = [part.sku_id for of_bundle in bundles.values() for part in of_bundle]
    store.skus_lock(ctx, sorted({*sku_ids, *parts}))


def levels_save(
    ctx: Ctx,
    *,
    before: Mapping[Place, StockLevel],
    after: Mapping[Place, StockLevel],
    bookings: Sequence[Booking],
    warehouses: Mapping[WarehouseId, Warehouse],
) -> None:
    """Write locked places and their movements, and tell suppliers what runs low now."""
    changed = [level for place, level in after.items() if level != before[place]]
    if changed:
        store.levels_write(ctx, levels=changed)
        store.bookings_write(ctx, bookings=bookings)
    _lows_tell(ctx, before, after, warehouses)


def _lows_tell(
    ctx: Ctx,
    before: Mapping[Place, StockLevel],
    after: Mapping[Place, StockLevel],
    warehouses: Mapping[WarehouseId, Warehouse],
) -> None:
    for level in rules.lows_crossed(before, after):
        low_announce(
            ctx,
            supplier_id=warehouses[level.warehouse_id].supplier_id,
            sku_id=level.sku_id,
            warehouse_id=level.warehouse_id,
            unpromised=level.unpromised,
            low_below=level.low_below,
        )


def stock_of(ctx: Ctx, *, sku_ids: Sequence[SkuId]) -> list[StockLevel]:
    """Give what lies where of these SKUs; a supplier sees its own warehouses alone.

    Raises: Forbidden.
    """
    access.require(ctx, "supply:read")
    levels = store.levels_read(ctx, sku_ids=list(set(sku_ids)))
    seen = access.warehouses_seen(ctx, [level.warehouse_id for level in levels])
    return [level for level in levels if level.warehouse_id in seen]


def stock_page(
    ctx: Ctx, *, warehouse_id: WarehouseId, cursor: str | None = None, limit: int = LIMIT_DEFAULT
) -> Page[StockLevel]:
    """Give what lies in a warehouse, by SKU; for a supplier another's warehouse is not there.

    Raises: Forbidden; NotFound; CursorInvalid.
    """
    access.require(ctx, "supply:read")
    access.warehouses_check(ctx, [warehouse_id])
    limit = limit_bounded(limit)
    rows = store.levels_in(ctx, warehouse_id=warehouse_id, after=cursor_id(cursor), limit=limit + 1)
    return page_of(rows, limit=limit, key=lambda level: level.sku_id.hex)


def stock_rows(
    ctx: Ctx,
    *,
    supplier_id: PartyId | None = None,
    warehouse_id: WarehouseId | None = None,
    sku_ids: Sequence[SkuId] | None = None,
    need: StockNeed | None = None,
    cursor: str | None = None,
    limit: int = LIMIT_DEFAULT,
) -> Page[StockRow]:
    """List places by SKU and warehouse; a supplier sees its own warehouses alone.

    ``sku_ids`` None is all of them.

    Raises: Forbidden; CursorInvalid; NotFound, when there is no such warehouse for the actor.
    """
    supplier_id = access.require(ctx, "supply:read") or supplier_id
    if warehouse_id is not None:
        access.warehouses_check(ctx, [warehouse_id])
    limit = limit_bounded(limit)
    rows = store.rows_page(
        ctx,
        supplier_id=supplier_id,
        warehouse_id=warehouse_id,
        sku_ids=None if sku_ids is None else list(sku_ids),
        need=need,
        after=_after_place(cursor_parse(cursor)),
        limit=limit + 1,
    )
    return page_of(
        rows, limit=limit, key=lambda row: f"{row.level.sku_id.hex}/{row.level.warehouse_id.hex}"
    )


def _after_place(key: str | None) -> Place | None:
    if key is None:
        return None
    try:
        sku_id, warehouse_id = map(UUID, key.split("/"))
    except ValueError:
        raise CursorInvalid from None
    return SkuId(sku_id), WarehouseId(warehouse_id)


def movements_write(ctx: Ctx, *, moves: Sequence[Move], is_locked: bool = False) -> None:
    """Reserve, release, issue and take back stock, and write each movement down.

    ``is_locked`` says that the transaction holds the places already (``sourcing_book`` with
    ``lock``) and that the moves name what lies there (``reservations``). Then nothing is fetched,
    so that it may stand in ``with ctx.db.pipeline()``; else a bundle is moved as its parts.
    What is released goes back to the shares that its subject took it from, while they last.

    Raises: the database's own refusal (a CHECK) when a place would hold less than is promised
    from it, or does not exist: the caller decided wrongly, which is a bug and no refusal.
    """
    if not moves:
        return
    if not is_locked:
        moves = _in_pieces(ctx, moves)
    store.moves_write(ctx, moves=moves, sums=rules.moves_summed(moves), is_locked=is_locked)
    takes: dict[tuple[str, ShareId], int] = {}
    releases: dict[tuple[str, Place], int] = {}
    for kind, sku_id, warehouse_id, quantity, subject, taken in moves:
        for share_id, count in taken:
            takes[subject, share_id] = takes.get((subject, share_id), 0) + count
        if kind is MoveKind.RELEASE:
            key = subject, (sku_id, warehouse_id)
            releases[key] = releases.get(key, 0) + quantity
    if takes:
        shares.shares_take(ctx, takes)
    if releases:
        shares.shares_back(ctx, releases)


def _in_pieces(ctx: Ctx, moves: Sequence[Move]) -> Sequence[Move]:
    """Write the moves of bundles as moves of their parts, which are what lies in places."""
    bundles = goods.bundle_parts(ctx, sku_ids=list({move.sku_id for move in moves}))
    if not bundles:
        return moves
    return [
        move
        if part is None
        else move._replace(sku_id=part.sku_id, quantity=move.quantity * part.quantity)
        for move in moves
        for part in bundles.get(move.sku_id, (None,))
    ]


def movements_cut() -> Cut:
    """Say what is taken out of old months of movements, and what is left for it."""
    return months.MOVEMENTS


def stock_low_count(ctx: Ctx) -> int:
    """Count the places that run low, for a workflow that has asked for its own scope.

    They have a mark, and fewer pieces that no order has taken.
    """
    return store.low_count(ctx)


def reserved_by_place(ctx: Ctx) -> Iterator[tuple[SkuId, WarehouseId, int]]:
    """Give how much is promised where, to be held against the open orders."""
    return store.reserved_by_place(ctx)


def verify(ctx: Ctx) -> Iterator[Finding]:
    """Find places, shares, transfers and promises that their own rows don't explain."""
    yield from _places_verify(ctx)
    yield from _promises_verify(ctx)
    yield from _shares_verify(ctx)
    yield from _transfers_verify(ctx)


def _places_verify(ctx: Ctx) -> Iterator[Finding]:
    for warehouse_id, count in houses.warehouses_missing(ctx):
        yield Finding(
            "warehouse_there",
            id_text(WAREHOUSE_PREFIX, warehouse_id),
            f"there is no such warehouse, but stock of {count} SKU(s) in it",
            "bring the warehouse back from a back-up",
        )
    for sku_id, warehouse_id, on_hand, reserved, on_hand_moved, reserved_moved in store.places_off(
        ctx
    ):
        where = f"{id_text(SKU_PREFIX, sku_id)} in {id_text(WAREHOUSE_PREFIX, warehouse_id)}"
        if on_hand is None:
            what = f"there is no stock row, but movements of {on_hand_moved} and {reserved_moved}"
        else:
            what = (
                f"on hand {on_hand}, movements sum to {on_hand_moved};"
                f" reserved {reserved}, movements sum to {reserved_moved}"
            )
        repair = "count the place, set the row to what the movements say, then adjust to the count"
        yield Finding("stock_equals_movements", where, what, repair)


def _promises_verify(ctx: Ctx) -> Iterator[Finding]:
    served = houses.coverage_all(ctx)
    ended = regions.regions_ended(ctx, codes={code for _, _, code in served})
    for _, warehouse_id, code in served:
        if code in ended:
            yield Finding(
                "coverage_region_in_force",
                f"{id_text(WAREHOUSE_PREFIX, warehouse_id)} to {code}",
                "the region is no longer in force, so nothing is promised to anybody there",
                "cover the regions that took its place",
            )
    for warehouse_id, day in houses.days_twofold(ctx):
        yield Finding(
            "calendar_days_apart",
            id_text(WAREHOUSE_PREFIX, warehouse_id),
            f"{day} is a day off and a day on; it counts as a day off",
            "put the calendar again, with the day in one of the two",
        )


def _shares_verify(ctx: Ctx) -> Iterator[Finding]:
    for kind, sku_id, warehouse_id, stated, summed in shares.shares_off(ctx):
        where = f"{id_text(SKU_PREFIX, sku_id)} in {id_text(WAREHOUSE_PREFIX, warehouse_id)}"
        if kind == "place":
            what = f"{stated} pieces are kept for partners, its open shares have {summed} left"
        else:
            what = f"a share has {stated} pieces left, {summed} by what was taken out of it"
        yield Finding(
            "shares_within_stock", where, what, "end the shares of the place and open them again"
        )


def _transfers_verify(ctx: Ctx) -> Iterator[Finding]:
    moved = {subject: (out, into) for subject, out, into in incoming.transfers_moved(ctx)}
    for transfer_id, sent, received in incoming.transfers_summed(ctx):
        subject = id_text(TRANSFER_PREFIX, transfer_id)
        out, into = moved.pop(subject, (0, 0))
        if (out, into) != (sent, received):
            what = f"{sent} sent and {out} moved out; {received} received and {into} moved in"
            yield Finding(
                "transfers_balance", subject, what, "count both warehouses, then adjust to that"
            )
    for subject in moved:
        what = "there are movements, but no such transfer"
        yield Finding("transfers_balance", subject, what, "count both warehouses")


def _unknown(
    change: StockChange,
    warehouses: Mapping[WarehouseId, Warehouse],
    skus: frozenset[SkuId],
) -> Problem | None:
    if change.warehouse_id not in warehouses:
        return NotFound(what=WAREHOUSE_WORD, id=id_text(WAREHOUSE_PREFIX, change.warehouse_id))
    if change.sku_id not in skus:
        return goods.SkuUnknown(sku_id=id_text(SKU_PREFIX, change.sku_id))
    return None
