"""What goods were sold for, and the prices that may be shown struck out beside it."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final
from uuid import UUID

from weili.kit.context import Ctx, PartyId
from weili.kit.ids import id_text
from weili.kit.pages import LIMIT_DEFAULT, Page, cursor_id, limit_bounded, page_of
from weili.kit.zone import day_of
from weili.modules import goods
from weili.modules.goods import SKU_PREFIX, SkuId
from weili.modules.pricing import rules
from weili.modules.pricing.changes import sku_texts, skus_check
from weili.modules.pricing.model import (
    CHANGED_MAX,
    COMPARE_AT_EVERY,
    COMPARE_AT_LAPSED,
    LOWEST_DAYS,
    CompareAt,
    CompareAtRow,
    CompareAtState,
    PutCount,
    TradedDay,
    TradedRow,
)
from weili.modules.pricing.problems import CompareAtTooHigh
from weili.modules.pricing.store import compare as store

_SWEEP_MAX: Final = 500
_DAYS_MAX: Final = 366


def traded_note(ctx: Ctx, *, rows: Sequence[TradedRow]) -> None:
    """Keep what goods were sold for, day by day; noted again it changes nothing."""
    if rows:
        store.traded_upsert(
            ctx,
            [
                (
                    row.sku_id,
                    day_of(row.traded_at),
                    row.traded_at,
                    row.unit_price_minor,
                )
                for row in rows
            ],
        )


def traded_days(ctx: Ctx, *, sku_id: SkuId) -> list[TradedDay]:
    """Give the last days on which an SKU was sold, the last first.

    Raises: Forbidden.
    """
    ctx.require("admin:prices")
    return store.traded_days(ctx, sku_id=sku_id, limit=_DAYS_MAX)


def traded_all(ctx: Ctx) -> dict[tuple[UUID, date], TradedDay]:
    """Give all days of trade by SKU and day, to be held against the orders. Run on a snapshot."""
    return {(day.sku_id, day.traded_on): day for day in store.traded_all(ctx)}


def compare_at_put(ctx: Ctx, *, rows: Sequence[CompareAtRow]) -> PutCount:
    """Let prices be shown struck out beside what is paid.

    Each is at most the lowest transaction price of the last 7 days (the very last transaction
    price, where those days had none), or says in words what it is compared with. What was never
    sold can't be compared with anything, so it needs the words.

    Raises: Forbidden; InputInvalid; SkuUnknown; CompareAtTooHigh.

    Source: 明码标价和禁止价格欺诈规定 (2022) art. 16, 17.
    """
    ctx.require("admin:prices")
    rules.compare_at_rows_check(rows)
    sku_ids = [row.sku_id for row in rows]
    skus_check(ctx, sku_ids)
    lowest = store.lowest_since(ctx, sku_ids=sku_ids, since=_since(ctx))
    high = [
        row.sku_id
        for row in rows
        if row.explanation is None and not rules.is_held(row.compare_at_minor, lowest[row.sku_id])
    ]
    if high:
        raise CompareAtTooHigh(days=LOWEST_DAYS, sku_ids=sku_texts(high))
    changed = store.compare_at_put(
        ctx,
        [(row.sku_id, row.compare_at_minor, row.explanation) for row in rows],
        state=CompareAtState.STANDING,
        due_at=ctx.now + COMPARE_AT_EVERY,
        lowest=lowest,
    )
    return PutCount(changed, len(rows) - changed)


def compare_at_page(
    ctx: Ctx,
    *,
    state: CompareAtState | None = None,
    cursor: str | None = None,
    limit: int = LIMIT_DEFAULT,
) -> Page[CompareAt]:
    """List compare-at prices by SKU.

    Raises: Forbidden; CursorInvalid.
    """
    ctx.require("admin:prices")
    limit = limit_bounded(limit)
    after = cursor_id(cursor)
    rows = store.compare_at_page(
        ctx, state=state, after=None if after is None else SkuId(after), limit=limit + 1
    )
    return page_of(rows, limit=limit, key=lambda row: row.sku_id.hex)


def compare_at_of(ctx: Ctx, *, sku_ids: Sequence[SkuId]) -> dict[SkuId, CompareAt]:
    """Give the compare-at prices that may be shown; an SKU without one is absent.

    Raises: Forbidden.
    """
    ctx.require("admin:prices")
    return store.compare_at_standing(ctx, sku_ids=sku_ids)()


def compare_at_sweep(ctx: Ctx) -> int:
    """Hold compare-at prices that nobody explained to the trade of late again, once a day.

    One that is above it lapses: it is no longer given out, and the partners who see the SKU are
    told. Says how many were looked at, a bounded number.
    """
    due = store.compare_at_due(ctx, limit=_SWEEP_MAX)
    if not due:
        return 0
    lowest = store.lowest_since(ctx, sku_ids=[row.sku_id for row in due], since=_since(ctx))
    lapsed = [row for row in due if not rules.is_held(row.compare_at_minor, lowest[row.sku_id])]
    gone = {row.sku_id for row in lapsed}
    kept = [row.sku_id for row in due if row.sku_id not in gone]
    store.compare_at_again(ctx, sku_ids=kept, due_at=ctx.now + COMPARE_AT_EVERY)
    if lapsed:
        store.compare_at_put(
            ctx,
            [(row.sku_id, row.compare_at_minor, row.explanation) for row in lapsed],
            state=CompareAtState.LAPSED,
            due_at=None,
            lowest=lowest,
        )
        _lapsed_tell(ctx, sorted(gone))
    return len(due)


def _since(ctx: Ctx) -> date:
    """Give the first of the days that count: today's trade is known only as far as it went."""
    return day_of(ctx.now) - timedelta(days=LOWEST_DAYS)


def _lapsed_tell(ctx: Ctx, sku_ids: Sequence[SkuId]) -> None:
    seen: dict[PartyId, list[str]] = {}
    seeing = goods.partners_seeing(ctx, sku_ids=list(sku_ids))
    for sku_id in sku_ids:
        for partner_id in seeing.get(sku_id, frozenset()):
            seen.setdefault(partner_id, []).append(id_text(SKU_PREFIX, sku_id))
    for partner_id in sorted(seen):
        texts = seen[partner_id]
        for start in range(0, len(texts), CHANGED_MAX):
            part = texts[start : start + CHANGED_MAX]
            ctx.announce(
                COMPARE_AT_LAPSED, party_id=partner_id, subject=part[0], data={"sku_ids": part}
            )
