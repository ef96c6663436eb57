"""What may be promised from where."""

from collections.abc import Mapping, Sequence

from weili.kit.context import Ctx, PartyId
from weili.kit.db import Asked
from weili.kit.ids import id_text
from weili.modules import regions
from weili.modules.goods import SKU_PREFIX, SkuId
from weili.modules.inventory.events import STOCK_LOW
from weili.modules.inventory.model import (
    WAREHOUSE_PREFIX,
    Move,
    MoveKind,
    Part,
    WarehouseId,
)
from weili.modules.inventory.rules.book import SourcingBook
from weili.modules.inventory.rules.stock import lows_of_moves
from weili.modules.inventory.store import warehouses as store


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
