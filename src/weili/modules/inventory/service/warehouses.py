"""The verbs on warehouses: where they are, what they serve, when they ship."""

from collections.abc import Sequence
from dataclasses import replace

from weili.kit.context import Ctx, PartyId
from weili.kit.ids import new_id
from weili.kit.pages import LIMIT_DEFAULT, Page, cursor_id, limit_bounded, page_of
from weili.modules.inventory.model import Calendar, CoverageRow, Warehouse, WarehouseId
from weili.modules.inventory.problems import WarehouseCodeTaken
from weili.modules.inventory.rules.promise import calendar_check, days_kept
from weili.modules.inventory.rules.stock import coverage_check
from weili.modules.inventory.service import access
from weili.modules.inventory.store import warehouses as store


def warehouse_open(
    ctx: Ctx, *, code: str, supplier_id: PartyId, name: str, region_code: str
) -> Warehouse:
    """Open a warehouse of a supplier; it serves nobody until it is given coverage.

    Raises: Forbidden; NotFound, when there is no such party; RegionUnknown; WarehouseCodeTaken.
    """
    ctx.require("admin:stock")
    access.parties_check(ctx, [supplier_id])
    access.regions_check(ctx, [region_code])
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
    supplier_id = access.require(ctx, "supply:read") or supplier_id
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


def warehouses_by_code(
    ctx: Ctx, *, supplier_id: PartyId, codes: Sequence[str]
) -> dict[str, WarehouseId]:
    """Give a supplier's warehouses by its own codes; one that does not exist is absent.

    Raises: Forbidden.
    """
    supplier_id = access.require(ctx, "supply:read") or supplier_id
    return store.warehouses_by_code(ctx, supplier_id=supplier_id, codes=list(set(codes)))


def calendar_put(ctx: Ctx, *, warehouse_id: WarehouseId, calendar: Calendar) -> Warehouse:
    """Say when a warehouse ships: its cut-off, its working days, and the days that differ.

    Days that are past are not kept. What was promised before stays promised.

    Raises: Forbidden; InputInvalid; NotFound, when there is no such warehouse for the actor.
    """
    access.require(ctx, "supply:write")
    calendar_check(calendar)
    warehouse = access.warehouses_check(ctx, [warehouse_id])[warehouse_id]
    calendar = replace(
        calendar,
        closed_on=days_kept(calendar.closed_on, now=ctx.now),
        open_on=days_kept(calendar.open_on, now=ctx.now),
    )
    store.calendar_write(ctx, warehouse_id=warehouse_id, calendar=calendar)
    return replace(warehouse, calendar=calendar)


def coverage_put(ctx: Ctx, *, warehouse_id: WarehouseId, rows: Sequence[CoverageRow]) -> None:
    """Let a warehouse serve regions; those that are not named stay as they are.

    Raises: Forbidden; InputInvalid; NotFound, when there is no such warehouse; RegionUnknown.
    """
    ctx.require("admin:stock")
    coverage_check(rows)
    access.warehouses_check(ctx, [warehouse_id])
    access.regions_check(ctx, [row.region_code for row in rows])
    store.coverage_upsert(ctx, warehouse_id=warehouse_id, rows=rows)


def coverage_get(
    ctx: Ctx, *, warehouse_ids: Sequence[WarehouseId]
) -> dict[WarehouseId, list[CoverageRow]]:
    """Give the regions that warehouses serve, by their codes.

    Raises: Forbidden; NotFound, when there is no such warehouse for the actor.
    """
    access.require(ctx, "supply:read")
    served: dict[WarehouseId, list[CoverageRow]] = {
        warehouse_id: [] for warehouse_id in access.warehouses_check(ctx, warehouse_ids)
    }
    for warehouse_id, row in store.coverage_read(ctx, warehouse_ids=list(served)):
        served[warehouse_id].append(row)
    return served


def regions_served(ctx: Ctx) -> dict[PartyId, set[str]]:
    """Give the regions that each supplier's warehouses serve."""
    served: dict[PartyId, set[str]] = {}
    for supplier_id, _, code in store.coverage_all(ctx):
        served.setdefault(supplier_id, set()).add(code)
    return served


def coverage_take(ctx: Ctx, *, warehouse_id: WarehouseId, region_codes: Sequence[str]) -> int:
    """Let a warehouse no longer serve regions; says how many of them it did serve.

    Orders that it was to ship before stay its own.

    Raises: Forbidden; NotFound, when there is no such warehouse.
    """
    ctx.require("admin:stock")
    access.warehouses_check(ctx, [warehouse_id])
    return store.coverage_delete(ctx, warehouse_id=warehouse_id, region_codes=list(region_codes))
