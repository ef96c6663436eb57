"""Import a price list from the rows of a sheet: all of them or none.

Every row is looked at first, with what it would do to whom, so that a sheet with a mistake in it
touches nothing. Of a row that is good some bytes are kept. They are written in the order of time
and SKU in one transaction: prices from now on as they are put by hand, others as price changes.
"""

import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import groupby, islice
from typing import Final
from uuid import UUID

from weili.kit import outbox
from weili.kit.context import Begin, Ctx, PartyId
from weili.kit.ids import id_text
from weili.kit.money import yuan_from_fen
from weili.kit.problems import Said, either
from weili.kit.world import in_transaction
from weili.modules import goods, pricing
from weili.modules.goods import RowProblem, SkuId
from weili.modules.pricing import (
    ChangeDraft,
    ChangeLine,
    ListId,
    PriceLine,
    PriceRow,
    TierKey,
    Window,
)
from weili.workflows.import_goods import (
    CHUNK_ROWS,
    OUR_HEADINGS,
    PROBLEMS_SHOWN_MAX,
    ROWS_MAX,
    ImportRefused,
    ImportReport,
    ImportTooLarge,
    Row,
)

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_US: Final = timedelta(microseconds=1)
_PACKED: Final = struct.Struct(">qq16sIq")
"""When it begins and ends in microseconds (0: now, never), the SKU, from how many, the price."""

_SPAN_BYTES: Final = 16
_KNOWN_CODE: Final = Said("a code of this supplier's goods", "该供应商已有商品的编码")
_KNOWN_SKU: Final = Said("the id of an SKU", "已有的 SKU 编号")
_SAME_SKU: Final = Said("the SKU that sku_id names", "与该行 SKU 编号为同一 SKU")
_LATER: Final = Said("now or later, or the begin of a price as it stands", "不早于当前时间")
_NOT_OVER: Final = Said("a moment to come", "晚于当前时间")


@dataclass(frozen=True, slots=True)
class PricesReport:
    """What a sheet of prices did, or would do.

    Rows are counted by what is asked now at that quantity: ``first`` where the list asks nothing,
    ``dearer``, ``cheaper`` or ``same``. ``partners`` pay one of the prices. ``prices_changed``
    hold from now on, ``prices_planned`` for a time or later; a preview leaves both at none.
    """

    rows: int = 0
    first: int = 0
    dearer: int = 0
    cheaper: int = 0
    same: int = 0
    partners: int = 0
    prices_changed: int = 0
    prices_planned: int = 0
    bad_rows: int = 0
    bad_count: int = 0
    bad: Sequence[RowProblem] = ()


@dataclass(slots=True)
class _Look:
    """What is found out as the rows go by."""

    list_id: ListId
    suppliers: Mapping[str, PartyId]
    default_supplier: PartyId | None
    seen: dict[int, int] = field(default_factory=dict)
    packed: list[bytes] = field(default_factory=list)
    partners: set[PartyId] = field(default_factory=set)
    report: PricesReport = field(default_factory=PricesReport)


def import_prices(
    begin: Begin,
    *,
    rows: Iterable[Row],
    headings: Mapping[str, str] = OUR_HEADINGS,
    list_id: ListId,
    suppliers: Mapping[str, PartyId],
    note: str,
    default_supplier: PartyId | None = None,
    skip_bad: bool = False,
    preview: bool = False,
) -> PricesReport:
    """Set prices of a list from a sheet, all of them or none; the same sheet changes nothing.

    Tiers that the sheet does not name stay. A begin that is past, without an end, is now. With
    ``skip_bad`` rows that are wrong are left out, and listed; a ``preview`` changes nothing.
    ``headings`` says what the file calls our columns, for what is reported.

    Raises: Forbidden; ImportRefused, listing what is wrong; ImportTooLarge; NotFound, when there
    is no such list; WindowsOverlap; WindowsTooMany; BelowCost, of a cost that rose meanwhile.
    """
    look = _Look(list_id, suppliers, default_supplier)
    coming = iter(rows)
    while chunk := list(islice(coming, CHUNK_ROWS)):
        if look.report.rows + len(chunk) > ROWS_MAX:
            raise ImportTooLarge(rows_max=ROWS_MAX)
        lines, wrong = _read(chunk)
        found = in_transaction(begin, partial(_found, look=look, lines=lines))
        _tally(look, len(chunk), found, [*wrong, *found.wrong])
    bad = goods.problems_headed(look.report.bad, headings)
    report = replace(look.report, partners=len(look.partners), bad=bad)
    if report.bad_count and not skip_bad:
        raise ImportRefused(
            ImportReport(
                report.rows, bad_rows=report.bad_rows, bad_count=report.bad_count, bad=report.bad
            )
        )
    if preview:
        return report
    look.packed.sort()
    changed, planned = in_transaction(begin, partial(_write, look=look, note=note))
    return replace(report, prices_changed=changed, prices_planned=planned)


@dataclass(slots=True)
class _Found:
    """What one chunk of rows came to."""

    wrong: list[RowProblem] = field(default_factory=list)
    lines: list[tuple[bytes, ChangeLine]] = field(default_factory=list)
    standing: int = 0


def _read(chunk: Sequence[Row]) -> tuple[list[PriceLine], list[RowProblem]]:
    lines: list[PriceLine] = []
    wrong: list[RowProblem] = []
    for number, cells in chunk:
        line = pricing.price_line(number, cells)
        if isinstance(line, list):
            wrong += line
        else:
            lines.append(line)
    return lines, wrong


def _tally(look: _Look, rows: int, found: _Found, wrong: Sequence[RowProblem]) -> None:
    before = look.report
    first = dearer = cheaper = 0
    for packed, line in found.lines:
        look.packed.append(packed)
        look.partners.update(line.partner_ids)
        first += line.old_minor is None
        dearer += line.old_minor is not None and line.row.unit_price_minor > line.old_minor
        cheaper += line.old_minor is not None and line.row.unit_price_minor < line.old_minor
    look.report = PricesReport(
        before.rows + rows,
        before.first + first,
        before.dearer + dearer,
        before.cheaper + cheaper,
        before.same + found.standing + len(found.lines) - first - dearer - cheaper,
        bad_rows=before.bad_rows + len({one.row for one in wrong}),
        bad_count=before.bad_count + len(wrong),
        bad=[*before.bad, *wrong][:PROBLEMS_SHOWN_MAX],
    )


def _found(ctx: Ctx, *, look: _Look, lines: Sequence[PriceLine]) -> _Found:
    """Look at rows beside what stands: what is wrong with them, and what the others would do."""
    found = _Found()
    known = list(_resolved(ctx, look, lines, found))
    windows = pricing.windows_get(
        ctx, list_id=look.list_id, sku_ids=[sku_id for _, sku_id in known]
    )
    spans: dict[tuple[datetime | None, datetime | None], list[tuple[PriceLine, PriceRow]]] = {}
    for read, sku_id in known:
        past = read.valid_from is None or read.valid_from <= ctx.now
        line = read._replace(valid_from=None) if past and read.valid_to is None else read
        there = windows.get(TierKey(look.list_id, sku_id, line.quantity_min), [])
        # A second try of the transaction meets its own rows again, and knows them by number.
        tier = hash((sku_id, line.quantity_min, line.valid_from, line.valid_to))
        first = look.seen.setdefault(tier, line.row)
        if first != line.row:
            expected = Said(f"each once; row {first} has it", f"不重复；第 {first} 行已有")
            found.wrong.append(_problem(line, "quantity_min", str(line.quantity_min), expected))
        elif _is_standing(line, there, ctx.now):
            found.standing += 1
        elif (problem := _time_wrong(line, there, ctx.now)) is not None:
            found.wrong.append(problem)
        else:
            row = PriceRow(sku_id, line.quantity_min, line.unit_price_minor)
            spans.setdefault((line.valid_from, line.valid_to), []).append((line, row))
    for (valid_from, valid_to), members in spans.items():
        draft = ChangeDraft(look.list_id, [row for _, row in members], valid_from, valid_to)
        effects = pricing.change_preview(ctx, draft=draft)
        for (line, _), effect in zip(members, effects, strict=True):
            if effect.unit_cost_minor is not None and effect.is_below_cost:
                found.wrong.append(_below(line, effect.unit_cost_minor))
            else:
                found.lines.append((_pack(line, effect.row), effect))
    return found


def _resolved(
    ctx: Ctx, look: _Look, lines: Sequence[PriceLine], found: _Found
) -> Iterator[tuple[PriceLine, SkuId]]:
    """Find the SKUs that rows mean, by id or by the supplier's code."""
    owners = [
        look.suppliers.get(line.supplier) if line.supplier else look.default_supplier
        for line in lines
    ]
    keys = [
        (owner, line.supplier_code)
        for owner, line in zip(owners, lines, strict=True)
        if owner is not None and line.supplier_code
    ]
    by_code = goods.skus_by_code(ctx, keys=keys)
    ids = goods.skus_known(ctx, sku_ids=[line.sku_id for line in lines if line.sku_id])
    for owner, line in zip(owners, lines, strict=True):
        by_name = None if owner is None else by_code.get((owner, line.supplier_code))
        sku_id = line.sku_id or by_name
        if line.sku_id is not None and line.sku_id not in ids:
            got = id_text(goods.SKU_PREFIX, line.sku_id)
            found.wrong.append(_problem(line, "sku_id", got, _KNOWN_SKU))
        elif line.sku_id is not None and by_name not in {None, line.sku_id}:
            found.wrong.append(_problem(line, "supplier_code", line.supplier_code, _SAME_SKU))
        elif sku_id is not None:
            yield line, sku_id
        elif owner is None:
            expected = either(list(look.suppliers))
            found.wrong.append(_problem(line, "supplier", line.supplier, expected))
        else:
            found.wrong.append(_problem(line, "supplier_code", line.supplier_code, _KNOWN_CODE))


def _is_standing(line: PriceLine, there: Iterable[Window], now: datetime) -> bool:
    """Say whether a price for a time, or one to come, is written as the row has it."""
    begins_now = line.valid_from is None or line.valid_from <= now
    if begins_now and line.valid_to is None:
        return False
    return any(
        window.unit_price_minor == line.unit_price_minor
        and window.valid_to == line.valid_to
        and (
            window.valid_from == line.valid_from
            or (line.valid_from is None and window.valid_from <= now)
        )
        for window in there
    )


def _time_wrong(line: PriceLine, there: Iterable[Window], now: datetime) -> RowProblem | None:
    if line.valid_to is not None and line.valid_to <= now:
        return _problem(line, "valid_to", line.valid_to.isoformat(), _NOT_OVER)
    if line.valid_from is not None and line.valid_from < now:
        return _problem(line, "valid_from", line.valid_from.isoformat(), _LATER)
    if line.valid_from is None and line.valid_to is None:
        return None
    begins_at = line.valid_from or now
    clash = pricing.window_overlapping(there, valid_from=begins_at, valid_to=line.valid_to)
    if clash is None:
        return None
    since = clash.valid_from.isoformat()
    expected = Said(
        f"another time than that of the price from {since} on, or cancel that change",
        f"与自 {since} 起的价格时间不重叠，或先撤销该调价单",
    )
    return _problem(line, "valid_from", begins_at.isoformat(), expected)


def _below(line: PriceLine, cost_minor: int) -> RowProblem:
    cost = yuan_from_fen(cost_minor)
    expected = Said(
        f"at least the cost, {cost}: a sale below cost takes a price change that says why",
        f"不低于成本 {cost}（低于成本须以调价单提交并说明原因）",
    )
    return _problem(line, "price", yuan_from_fen(line.unit_price_minor), expected)


def _problem(line: PriceLine, column: str, got: str, expected: Said) -> RowProblem:
    return RowProblem(line.row, column, got[: goods.GOT_MAX], expected)


def _pack(line: PriceLine, row: PriceRow) -> bytes:
    begins, ends = (
        0 if moment is None else (moment - _EPOCH) // _US
        for moment in (line.valid_from, line.valid_to)
    )
    return _PACKED.pack(begins, ends, row.sku_id.bytes, row.quantity_min, row.unit_price_minor)


def _write(ctx: Ctx, *, look: _Look, note: str) -> tuple[int, int]:
    changed = planned = 0
    for _, same_span in groupby(look.packed, key=lambda packed: packed[:_SPAN_BYTES]):
        while chunk := [_PACKED.unpack(packed) for packed in islice(same_span, CHUNK_ROWS)]:
            rows = [
                PriceRow(SkuId(UUID(bytes=sku)), count, price) for _, _, sku, count, price in chunk
            ]
            valid_from, valid_to = (
                _EPOCH + us * _US if us else None for us in (chunk[0][0], chunk[0][1])
            )
            if valid_from is None and valid_to is None:
                changed += pricing.prices_put(ctx, list_id=look.list_id, rows=rows).changed
            else:
                draft = ChangeDraft(look.list_id, rows, valid_from, valid_to)
                pricing.change_put(ctx, draft=draft, note=note)
                planned += len(rows)
            # What was announced so far need not wait in memory for the transaction's end.
            outbox.flush(ctx.db, ctx.announced)
            ctx.announced.clear()
    return changed, planned
