"""Reads, once for a whole batch of orders, everything that deciding them needs."""

from collections.abc import Sequence
from functools import partial

from weili.kit.context import Ctx, PartyId
from weili.kit.db import Asked
from weili.modules import dropship, goods, inventory, ledger, pricing, regions

Wanted = tuple[PartyId, dropship.OrderDraft]


def order_snapshot(ctx: Ctx, *, wanted: Sequence[Wanted], lock: bool) -> dropship.Snapshot:
    """Read goods, prices, freight, stock and balances for orders that are asked for.

    With ``lock``, stock and then balances stay locked until the transaction ends: the one order
    in which every verb takes them (orders, stock, accounts; each sorted by id).
    """
    return order_snapshot_asked(ctx, wanted=wanted, lock=lock)()


def order_snapshot_asked(
    ctx: Ctx, *, wanted: Sequence[Wanted], lock: bool
) -> Asked[dropship.Snapshot]:
    """Ask what ``order_snapshot`` gives, without waiting for it.

    What is asked after it is read under its locks, in the same journey.
    """
    pairs = list({(partner, line.sku_id) for partner, draft in wanted for line in draft.lines})
    partner_ids = list({partner for partner, _ in pairs})
    sku_ids = list({sku_id for _, sku_id in pairs})
    area_codes = list({draft.area_code for _, draft in wanted})
    accounts = {
        ledger.account_id(ledger.AccountKind.PARTNER_PREPAID, partner): partner
        for partner in partner_ids
    }
    # All of it is asked before the first answer is waited for: one journey instead of seven.
    areas = regions.regions_addressable_asked(ctx, codes=area_codes)
    offers = goods.skus_visible_asked(ctx, pairs=pairs)
    prices = pricing.price_book_asked(ctx, partner_ids=partner_ids, sku_ids=sku_ids)
    freight = pricing.freight_book_asked(ctx, area_codes=area_codes, sku_ids=sku_ids)
    stock = inventory.sourcing_book_asked(ctx, area_codes=area_codes, sku_ids=sku_ids, lock=lock)
    balances = (
        ledger.balances_lock_asked(ctx, account_ids=accounts)
        if lock
        else partial(ledger.balances_read, ctx, account_ids=list(accounts))
    )

    def snapshot() -> dropship.Snapshot:
        found = balances()
        return dropship.Snapshot(
            now=ctx.now,
            areas=areas(),
            offers=offers(),
            prices=prices(),
            freight=freight(),
            stock=stock(),
            available={
                partner: found[account].available_minor
                for account, partner in accounts.items()
                if account in found
            },
            alarms={
                partner: found[account]
                for account, partner in accounts.items()
                if account in found and found[account].alarm_minor is not None
            },
        )

    return snapshot
