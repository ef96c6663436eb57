"""What may be promised from where, and whether a quantity can be had."""

from collections.abc import Mapping, Sequence

from weili.kit import zone
from weili.kit.context import Ctx, PartyId
from weili.kit.db import Asked
from weili.kit.ids import id_text
from weili.modules import goods, regions
from weili.modules.goods import SKU_PREFIX, SkuId
from weili.modules.inventory.events import STOCK_LOW
from weili.modules.inventory.model import (
    WAREHOUSE_PREFIX,
    Availability,
    AvailabilityAsk,
    Move,
    MoveKind,
    Part,
    WarehouseId,
)
from weili.modules.inventory.rules.availability import Prospects, availability_of, unseen
from weili.modules.inventory.rules.sourcing import Bundles, SourcingBook
from weili.modules.inventory.rules.stock import lows_of_moves
from weili.modules.inventory.service import access
from weili.modules.inventory.store import warehouses as store


def availability(ctx: Ctx, *, asks: Sequence[AvailabilityAsk]) -> list[Availability]:
    """Say whether quantities can be had in areas, in the order of the asks, and when.

    Quantities are exact below 50 and then stand for "50 or more". A SKU that the asking partner
    does not see is answered as one that nobody has. Promises nothing: only an order reserves.
    Everything is asked for in one journey.

    Raises: Forbidden.
    """
    return availability_asked(ctx, asks=asks)()


def availability_asked(ctx: Ctx, *, asks: Sequence[AvailabilityAsk]) -> Asked[list[Availability]]:
    """Ask what ``availability`` gives, without waiting for it.

    Raises: Forbidden.
    """
    partner_id = access.require(ctx, "stock:read")
    sku_ids = list({ask.sku_id for ask in asks})
    with ctx.db.pipeline():
        seen = None
        if partner_id is not None:
            pairs = [(partner_id, sku_id) for sku_id in sku_ids]
            seen = goods.skus_visible_asked(ctx, pairs=pairs)
        book_asked = sourcing_book_asked(
            ctx, area_codes=[ask.area_code for ask in asks], sku_ids=sku_ids, lock=False
        )
        prospects_asked = store.prospects_of(ctx, sku_ids=sku_ids)

    def answer() -> list[Availability]:
        offers = None if seen is None else seen()
        if offers is None:
            parts = goods.bundle_parts(ctx, sku_ids=sku_ids)
        else:
            parts = {offer.sku_id: offer.parts for offer in offers.values() if offer.parts}
        bundles: Bundles = {
            sku_id: [(part.sku_id, part.quantity) for part in made_of]
            for sku_id, made_of in parts.items()
        }
        book = book_asked()
        prospects = Prospects(prospects_asked(), today=zone.day_of(ctx.now))
        return [
            unseen(book, ask)
            if offers is not None
            and partner_id is not None
            and (partner_id, ask.sku_id) not in offers
            else availability_of(book, prospects, ask, partner_id=partner_id, bundles=bundles)
            for ask in asks
        ]

    return answer


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
    return lambda: SourcingBook(now=ctx.now, coverage=coverage(), stock=stock())


def reservations(parts: Sequence[Part], *, subjects: Mapping[WarehouseId, str]) -> list[Move]:
    """Give the moves that reserve what was sourced, each in the name of its warehouse's child."""
    moves = []
    for part in parts:
        subject = subjects[part.warehouse_id]
        if not part.pieces and not part.shares:
            moves.append(
                Move(MoveKind.RESERVE, part.sku_id, part.warehouse_id, part.quantity, subject)
            )
            continue
        for sku_id, each in part.pieces or ((part.sku_id, 1),):
            shares = [(share_id, n) for of_sku, share_id, n in part.shares if of_sku == sku_id]
            quantity = part.quantity * each
            moves.append(
                Move(MoveKind.RESERVE, sku_id, part.warehouse_id, quantity, subject, shares)
            )
    return moves


def lows_announce(ctx: Ctx, *, book: SourcingBook, moves: Sequence[Move]) -> None:
    """Tell suppliers which places these moves have brought below their mark.

    ``book`` was read under the lock that the transaction still holds, so a crossing is told once.
    """
    for (sku_id, warehouse_id), unpromised, low_below in lows_of_moves(book.marks, moves):
        low_announce(
            ctx,
            supplier_id=book.supplier(warehouse_id),
            sku_id=sku_id,
            warehouse_id=warehouse_id,
            unpromised=unpromised,
            low_below=low_below,
        )


def low_announce(
    ctx: Ctx,
    *,
    supplier_id: PartyId,
    sku_id: SkuId,
    warehouse_id: WarehouseId,
    unpromised: int,
    low_below: int,
) -> None:
    """Tell a supplier that a place has fallen below its mark."""
    ctx.announce(
        STOCK_LOW,
        party_id=supplier_id,
        subject=id_text(SKU_PREFIX, sku_id),
        data={
            "sku_id": id_text(SKU_PREFIX, sku_id),
            "warehouse_id": id_text(WAREHOUSE_PREFIX, warehouse_id),
            "unpromised": unpromised,
            "low_below": low_below,
        },
    )
