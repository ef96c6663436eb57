"""What tests of prices and stock begin with: suppliers, partners, goods in a granted pool."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from weili import sample
from weili.kit.context import Actor, Ctx, PartyId
from weili.kit.world import World
from weili.modules import goods, parties
from weili.modules.goods import GoodsRow, SkuId, SkuState
from weili.modules.parties import PartyKind


class RollBack(Exception):
    """Ends a transaction that keeps nothing."""


@contextmanager
def rolled_back(world: World) -> Iterator[Ctx]:
    """Open a transaction that keeps nothing, for one example of a property."""
    with suppress(RollBack), world.begin() as ctx:
        yield ctx
        raise RollBack


def supplier_open(ctx: Ctx, n: int = 0) -> PartyId:
    """Open the nth supplier of the sample world."""
    given = sample.suppliers()[n]
    return parties.party_open(
        ctx,
        kind=PartyKind.SUPPLIER,
        name=given.short_name,
        legal_name=given.legal_name,
        uscc=given.uscc,
    ).id


def partner_open(ctx: Ctx, n: int = 0) -> PartyId:
    """Open the nth partner of the sample world."""
    given = sample.partners()[n]
    return parties.party_open(
        ctx,
        kind=PartyKind.PARTNER,
        name=given.name,
        legal_name=given.legal_name,
        uscc=given.uscc,
    ).id


def skus_open(ctx: Ctx, *, supplier_id: PartyId, count: int) -> list[SkuId]:
    """Put goods on the shelf, in the order of their ids."""
    put = goods.goods_put(
        ctx,
        rows=[
            GoodsRow(supplier_id, f"S{n}", f"东北大米 {n + 1} 公斤", ("粮油", "米"))
            for n in range(count)
        ],
    )
    sku_ids = sorted(put.sku_ids.values())
    goods.sku_shelve(ctx, sku_ids=sku_ids, state=SkuState.ON_SHELF)
    return sku_ids


def pool_of(ctx: Ctx, *, sku_ids: Sequence[SkuId], partner_ids: Sequence[PartyId]) -> None:
    """Let partners see goods."""
    pool_id = goods.pool_open(ctx, name="全部商品")
    goods.pool_put(ctx, pool_id=pool_id, sku_ids=sku_ids)
    for partner_id in partner_ids:
        goods.pool_grant(ctx, pool_id=pool_id, partner_id=partner_id)


def acting(ctx: Ctx, party_id: PartyId, *scopes: str) -> Ctx:
    """Give the same transaction to someone else."""
    actor = Actor("test", party_id, "key_test", frozenset(scopes))
    return Ctx(ctx.db, actor, ctx.now, ctx.world, ctx.is_sandbox, ctx.keyring, ctx.announced)
