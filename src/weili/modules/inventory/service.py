"""The verbs of ``inventory``."""

from collections.abc import Iterator, Sequence

from weili.kit.context import Ctx, PartyId
from weili.kit.db import Asked
from weili.kit.findings import Finding
from weili.kit.ids import id_text, new_id
from weili.kit.pages import LIMIT_DEFAULT, Page, cursor_id, limit_bounded, page_of
from weili.kit.problems import NotFound
from weili.modules import goods, parties, regions
from weili.modules.goods import SKU_PREFIX, SkuId
from weili.modules.inventory import rules, store
from weili.modules.inventory.model import (
    WAREHOUSE_PREFIX,
    Availability,
    AvailabilityAsk,
    CoverageRow,
    Move,
    StockChange,
    StockLevel,
    Warehouse,
    WarehouseId,
)
from weili.modules.inventory.problems import WAREHOUSE_WORD, WarehouseCodeTaken
from weili.modules.inventory.rules import SourcingBook
from weili.modules.parties import PARTY_PREFIX, PARTY_WORD


def warehouse_open(
    ctx: Ctx, *, code: str, supplier_id: PartyId, name: str, region_code: str
) -> Warehouse:
    """Open a warehouse of a supplier; it serves nobody until it is given coverage.

    Raises: Forbidden; NotFound, when there is no such party; RegionUnknown; WarehouseCodeTaken.
    """
    ctx.require("admin:stock")
    _party_check(ctx, supplier_id)
    _regions_check(ctx, [region_code])
    warehouse = Warehouse(WarehouseId(new_id(ctx.now)), code, supplier_id, name, region_code)
    if not store.warehouse_insert(ctx, warehouse):
        raise WarehouseCodeTaken(warehouse_code=code)
    return warehouse


def warehouse_page(
    ctx: Ctx,
    *,
    supplier_id: PartyId | None = None,
    cursor: str | None = None,
    limit: int = LIMIT_DEFAULT,
) -> Page[Warehouse]:
    """Give warehouses in the order they were opened; a supplier is given its own alone.

    Raises: Forbidden; CursorInvalid.
    """
    if not _is_staff(ctx):
        ctx.require("supply:read")
        supplier_id = ctx.actor.party_id
    limit = limit_bounded(limit)
    after = cursor_id(cursor)
    rows = store.warehouse_page(
        ctx,
        supplier_id=supplier_id,
        after=None if after is None else WarehouseId(after),
        limit=limit + 1,
    )
    return page_of(rows, limit=limit, key=lambda row: row.id.hex)


def warehouses_get(
    ctx: Ctx, *, warehouse_ids: Sequence[WarehouseId]
) -> dict[WarehouseId, Warehouse]:
    """Give warehouses by id; one that does not exist is absent."""
    return store.warehouses_get(ctx, ids=list(set(warehouse_ids)))


def coverage_put(ctx: Ctx, *, warehouse_id: WarehouseId, rows: Sequence[CoverageRow]) -> None:
    """Let a warehouse serve regions; those that are not named stay as they are.

    Raises: Forbidden; InputInvalid; NotFound, when there is no such warehouse; RegionUnknown.
    """
    ctx.require("admin:stock")
    rules.coverage_check(rows)
    _warehouses_check(ctx, [warehouse_id])
    _regions_check(ctx, [row.region_code for row in rows])
    store.coverage_upsert(ctx, warehouse_id=warehouse_id, rows=rows)


def coverage_take(ctx: Ctx, *, warehouse_id: WarehouseId, region_codes: Sequence[str]) -> int:
    """Let a warehouse no longer serve regions; says how many of them it did serve.

    Orders that it was to ship before stay its own.

    Raises: Forbidden; NotFound, when there is no such warehouse.
    """
    ctx.require("admin:stock")
    _warehouses_check(ctx, [warehouse_id])
    return store.coverage_delete(ctx, warehouse_id=warehouse_id, region_codes=list(region_codes))


def stock_change(ctx: Ctx, *, changes: Sequence[StockChange]) -> list[StockLevel]:
    """Change what lies in places, all of the changes or none; gives the places as they are then.

    A supplier may change its own SKUs in its own warehouses, staff any. Several changes of one
    place count one after another.

    Raises: Forbidden; InputInvalid; NotFound, when there is no such warehouse for the one who
    asks; SkuUnknown, likewise; StockBelowReserved.
    """
    if not _is_staff(ctx):
        ctx.require("supply:write")
    rules.changes_check(changes)
    if not changes:
        return []
    _warehouses_check(ctx, [change.warehouse_id for change in changes])
    _skus_check(ctx, [change.sku_id for change in changes])
    places = sorted({(change.sku_id, change.warehouse_id) for change in changes})
    store.places_make(ctx, places)
    levels, deltas = rules.changes_applied(store.places_lock(ctx, places), changes)
    store.levels_write(ctx, levels=levels, deltas=deltas)
    return [levels[place] for place in places]


def stock_of(ctx: Ctx, *, sku_ids: Sequence[SkuId]) -> list[StockLevel]:
    """Give what lies where of these SKUs; a supplier sees its own warehouses alone.

    Raises: Forbidden.
    """
    is_staff = _is_staff(ctx)
    if not is_staff:
        ctx.require("supply:read")
    levels = store.levels_read(ctx, sku_ids=list(set(sku_ids)))
    if is_staff:
        return levels
    warehouses = store.warehouses_get(ctx, ids=list({level.warehouse_id for level in levels}))
    return [
        level
        for level in levels
        if warehouses[level.warehouse_id].supplier_id == ctx.actor.party_id
    ]


def availability(ctx: Ctx, *, asks: Sequence[AvailabilityAsk]) -> list[Availability]:
    """Say whether quantities can be had in areas, in the order of the asks.

    Quantities are exact below 50 and then stand for "50 or more". A SKU that the asking partner
    does not see is answered as one that nobody has. Promises nothing: only an order reserves.

    Raises: Forbidden.
    """
    is_staff = _is_staff(ctx)
    if not is_staff:
        ctx.require("stock:read")
    sku_ids = {ask.sku_id for ask in asks}
    if not is_staff:
        asker = ctx.actor.party_id
        visible = goods.skus_visible(ctx, pairs=[(asker, sku_id) for sku_id in sku_ids])
        sku_ids = {sku_id for _, sku_id in visible}
    book = sourcing_book(
        ctx,
        area_codes=[ask.area_code for ask in asks],
        sku_ids=list(sku_ids),
        lock=False,
    )
    return [rules.availability_of(book, ask) for ask in asks]


def sourcing_book(
    ctx: Ctx, *, area_codes: Sequence[str], sku_ids: Sequence[SkuId], lock: bool
) -> SourcingBook:
    """Read what may be promised of SKUs in areas, for a batch of orders, in two statements.

    With ``lock`` the places stay locked until the transaction ends, taken in their one order.
    """
    return sourcing_book_asked(ctx, area_codes=area_codes, sku_ids=sku_ids, lock=lock)()


def sourcing_book_asked(
    ctx: Ctx, *, area_codes: Sequence[str], sku_ids: Sequence[SkuId], lock: bool
) -> Asked[SourcingBook]:
    """Ask what ``sourcing_book`` gives, without waiting for it; locks are taken in turn."""
    codes = regions.codes_above(area_codes)
    coverage = store.coverage_of(ctx, region_codes=codes)
    stock = store.stock_of(ctx, sku_ids=list(set(sku_ids)), region_codes=codes, lock=lock)
    return lambda: SourcingBook(coverage=coverage(), stock=stock())


def movements_write(ctx: Ctx, *, moves: Sequence[Move], is_locked: bool = False) -> None:
    """Reserve, release and issue stock, and write each movement down.

    Fetches nothing, so it may stand in ``with ctx.db.pipeline()``. ``is_locked`` says that the
    transaction holds the places already (``sourcing_book`` with ``lock``) and spares a statement.

    Raises: the database's own refusal (a CHECK) when a place would hold less than is promised
    from it, or does not exist: the caller decided wrongly, which is a bug and no refusal.
    """
    if moves:
        sums = rules.moves_summed(moves)
        store.moves_write(ctx, moves=moves, sums=sums, is_locked=is_locked)


def reserved_by_place(ctx: Ctx) -> Iterator[tuple[SkuId, WarehouseId, int]]:
    """Give how much is promised where, to be held against the open orders."""
    return store.reserved_by_place(ctx)


def verify(ctx: Ctx) -> Iterator[Finding]:
    """Find places that are not the sum of their movements, or promise more than they hold."""
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


def _is_staff(ctx: Ctx) -> bool:
    return not ctx.actor.scopes.isdisjoint({"admin:stock", "*"})


def _regions_check(ctx: Ctx, codes: Sequence[str]) -> None:
    known = regions.regions_known(ctx, codes=codes)
    for code in codes:
        if code not in known:
            raise regions.RegionUnknown(region=code)


def _warehouses_check(ctx: Ctx, warehouse_ids: Sequence[WarehouseId]) -> None:
    """Refuse warehouses that are not there; another supplier's is not there either."""
    is_staff = _is_staff(ctx)
    known = store.warehouses_get(ctx, ids=list(set(warehouse_ids)))
    for warehouse_id in warehouse_ids:
        warehouse = known.get(warehouse_id)
        if warehouse is None or not (is_staff or warehouse.supplier_id == ctx.actor.party_id):
            raise NotFound(what=WAREHOUSE_WORD, id=id_text(WAREHOUSE_PREFIX, warehouse_id))


def _party_check(ctx: Ctx, party_id: PartyId) -> None:
    if party_id not in parties.parties_get(ctx, party_ids=[party_id]):
        raise NotFound(what=PARTY_WORD, id=id_text(PARTY_PREFIX, party_id))


def _skus_check(ctx: Ctx, sku_ids: Sequence[SkuId]) -> None:
    """Refuse SKUs that are not there; another supplier's is not there either."""
    asked = list(set(sku_ids))
    if _is_staff(ctx):
        known = goods.skus_known(ctx, sku_ids=asked)
    else:
        own = ctx.actor.party_id
        skus = goods.skus_get(ctx, sku_ids=asked)
        known = frozenset(sku_id for sku_id, sku in skus.items() if sku.supplier_id == own)
    for sku_id in sku_ids:
        if sku_id not in known:
            raise goods.SkuUnknown(sku_id=id_text(SKU_PREFIX, sku_id))
