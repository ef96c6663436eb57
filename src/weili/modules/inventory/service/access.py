"""Who may touch what: staff anything, a supplier its own, and another's is not there for it."""

from collections.abc import Sequence

from weili.kit.context import Ctx, PartyId
from weili.kit.ids import id_text
from weili.kit.problems import NotFound
from weili.modules import goods, parties, regions
from weili.modules.goods import SKU_PREFIX, SkuId
from weili.modules.inventory.model import WAREHOUSE_PREFIX, Warehouse, WarehouseId
from weili.modules.inventory.problems import WAREHOUSE_WORD
from weili.modules.inventory.store import warehouses as store
from weili.modules.parties import PARTY_PREFIX, PARTY_WORD


def is_staff(ctx: Ctx) -> bool:
    """Say whether the actor may do anything to any stock."""
    return not ctx.actor.scopes.isdisjoint({"admin:stock", "*"})


def require(ctx: Ctx, scope: str) -> PartyId | None:
    """Give whose stock alone the actor may touch, None for staff.

    Raises: Forbidden, for who is neither staff nor has the scope.
    """
    if is_staff(ctx):
        return None
    ctx.require(scope)
    return ctx.actor.party_id


def regions_check(ctx: Ctx, codes: Sequence[str]) -> None:
    """Refuse codes that name no region."""
    known = regions.regions_known(ctx, codes=codes)
    for code in codes:
        if code not in known:
            raise regions.RegionUnknown(region=code)


def warehouses_check(
    ctx: Ctx, warehouse_ids: Sequence[WarehouseId]
) -> dict[WarehouseId, Warehouse]:
    """Refuse warehouses that are not there for the actor; gives them."""
    known = warehouses_seen(ctx, warehouse_ids)
    for warehouse_id in warehouse_ids:
        if warehouse_id not in known:
            raise NotFound(what=WAREHOUSE_WORD, id=id_text(WAREHOUSE_PREFIX, warehouse_id))
    return known


def warehouses_seen(ctx: Ctx, warehouse_ids: Sequence[WarehouseId]) -> dict[WarehouseId, Warehouse]:
    """Give those of the warehouses that are there for the actor."""
    known = store.warehouses_get(ctx, ids=list(set(warehouse_ids)))
    if is_staff(ctx):
        return known
    own = ctx.actor.party_id
    return {key: warehouse for key, warehouse in known.items() if warehouse.supplier_id == own}


def parties_check(ctx: Ctx, party_ids: Sequence[PartyId]) -> None:
    """Refuse parties that are not there."""
    known = parties.parties_get(ctx, party_ids=list(set(party_ids)))
    for party_id in party_ids:
        if party_id not in known:
            raise NotFound(what=PARTY_WORD, id=id_text(PARTY_PREFIX, party_id))


def skus_check(ctx: Ctx, sku_ids: Sequence[SkuId]) -> None:
    """Refuse SKUs that are not there for the actor."""
    known = skus_seen(ctx, sku_ids)
    for sku_id in sku_ids:
        if sku_id not in known:
            raise goods.SkuUnknown(sku_id=id_text(SKU_PREFIX, sku_id))


def skus_seen(ctx: Ctx, sku_ids: Sequence[SkuId]) -> frozenset[SkuId]:
    """Give those of the SKUs that are there for the actor."""
    asked = list(set(sku_ids))
    if is_staff(ctx):
        return goods.skus_known(ctx, sku_ids=asked)
    own = ctx.actor.party_id
    skus = goods.skus_get(ctx, sku_ids=asked)
    return frozenset(sku_id for sku_id, sku in skus.items() if sku.supplier_id == own)
