"""Imports a daily file: what listings of a shop cost, and had sold, day by day.

Each day is imported by itself, in the order of the days: its goods and prices as any sheet's, its
counts as sightings, in one transaction. So a file may be imported again, or with days more than
before, and nothing is counted twice.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from typing import Final

from weili.adapters.files.days import DAYS_MAX, Day, DaysTooManyError, cut_by_day
from weili.kit.context import Begin, Ctx, PartyId
from weili.kit.problems import Kind, Problem, Said
from weili.kit.world import in_transaction
from weili.modules import goods, imports
from weili.modules.goods import CategoryNames, PoolId, RowProblem, SkuId
from weili.modules.pricing import ListId
from weili.workflows.import_goods import (
    CHUNK_ROWS,
    OUR_HEADINGS,
    PROBLEMS_SHOWN_MAX,
    ImportRefused,
    ImportReport,
    Row,
    import_goods,
)

COUNT_DIGITS_MAX: Final = 12
_COLUMNS: Final = (*goods.SHEET_COLUMNS, *imports.DAILY_COLUMNS)
_A_DAY: Final = Said("a day such as 2016-11-05", "日期，如 2016-11-05")
_A_COUNT: Final = Said("a whole number, or nothing", "非负整数，或留空")


class DaysTooMany(Problem):
    """The file has more days than one import takes."""

    kind = Kind.TOO_LARGE
    code = "days_too_many"
    en = "The file has more than {days_max} days; split it."
    zh = "文件超过 {days_max} 天；请拆分后再导入。"


@dataclass(frozen=True, slots=True)
class DayReport:
    """What one day of the file came to.

    ``repeated`` rows were in the day before, word for word; ``contradicted`` ones were followed by
    another row of the same listing, and that one counts. ``stale`` listings were seen on a later
    day already, so this day changes nothing of them. ``fallen`` counts those whose running count
    of sales is less than it was; it is kept as it was seen.
    """

    on: date
    goods: ImportReport
    repeated: int = 0
    contradicted: int = 0
    stale: int = 0
    sightings: int = 0
    fallen: int = 0


@dataclass(slots=True)
class _Tally:
    """What is counted while a day is written; begun anew when the database undoes it."""

    sightings: int = 0
    fallen: int = 0


@dataclass(frozen=True, slots=True)
class _Plan:
    """The rows of a day that count: by number, with their counts."""

    counts: Mapping[int, tuple[int | None, int | None]]
    repeated: int
    contradicted: int
    stale: int
    bad: Sequence[RowProblem] = field(default=())


def import_daily(
    begin: Begin,
    *,
    rows: Iterable[Row],
    headings: Mapping[str, str] = OUR_HEADINGS,
    supplier_id: PartyId,
    price_list_id: ListId,
    pool_id: PoolId,
    categories: Collection[CategoryNames] | None = None,
    skip_bad: bool = False,
    told: Callable[[DayReport], None] = lambda _: None,
) -> list[DayReport]:
    """Import a daily file of one supplier's listings, day by day; ``told`` hears of each.

    Rows are those of a sheet of goods with ``day``, ``sale_count`` and ``comment_count``. A file
    with anything wrong in it imports nothing, unless ``skip_bad`` leaves those rows out; that is
    found before the first day is written. Of ``categories``, if given, rows may name no other.
    ``headings`` says what the file calls our columns, for what is reported.

    Raises: ImportRefused; DaysTooMany; what ``import_goods`` raises. The days told of stay.
    """
    undated: list[RowProblem] = []
    try:
        with cut_by_day(rows, columns=_COLUMNS, day_of=partial(_day_of, undated)) as days:
            if not skip_bad:
                _refuse_bad(days, undated, supplier_id, categories, headings=headings)
            reports = []
            for day in days:
                report = _day_import(
                    begin, day, supplier_id, price_list_id, pool_id, categories=categories
                )
                bad = goods.problems_headed(report.goods.bad, headings)
                report = replace(report, goods=replace(report.goods, bad=bad))
                told(report)
                reports.append(report)
            return reports
    except DaysTooManyError:
        raise DaysTooMany(days_max=DAYS_MAX) from None


def _day_of(undated: list[RowProblem], row: Row) -> date | None:
    number, cells = row
    text = cells.get("day", "")
    on = imports.day_read(text)
    if on is None and len(undated) < PROBLEMS_SHOWN_MAX:
        undated.append(RowProblem(number, "day", text[: goods.GOT_MAX], _A_DAY))
    return on


def _refuse_bad(
    days: Sequence[Day],
    undated: Sequence[RowProblem],
    supplier_id: PartyId,
    categories: Collection[CategoryNames] | None,
    *,
    headings: Mapping[str, str],
) -> None:
    """Look through all days before the first is written.

    Raises: ImportRefused.
    """
    bad, count, bad_rows = list(undated), 0, len(undated)
    bad_count = len(undated)
    for day in days:
        sheet = goods.SheetCheck(suppliers={}, default_supplier=supplier_id, categories=categories)
        for number, cells in day.rows():
            count += 1
            found = sheet.read(number, cells)
            wrong = [*(found if isinstance(found, list) else ()), *_counts_wrong(number, cells)]
            bad_rows += bool(wrong)
            bad_count += len(wrong)
            bad += wrong[: max(0, PROBLEMS_SHOWN_MAX - len(bad))]
    if bad:
        bad = goods.problems_headed(bad, headings)
        report = ImportReport(count + len(undated), bad_rows=bad_rows, bad_count=bad_count, bad=bad)
        raise ImportRefused(report)


def _counts_wrong(number: int, cells: Mapping[str, str]) -> Iterator[RowProblem]:
    for name in ("sale_count", "comment_count"):
        text = cells.get(name, "")
        if _count(text) is None and text:
            yield RowProblem(number, name, text[: goods.GOT_MAX], _A_COUNT)


def _count(text: str) -> int | None:
    """Read a count; a spreadsheet writes 584 as 584.0."""
    text = text.removesuffix(".0")
    is_count = text.isascii() and text.isdigit() and len(text) <= COUNT_DIGITS_MAX
    return int(text) if is_count else None


def _day_import(
    begin: Begin,
    day: Day,
    supplier_id: PartyId,
    price_list_id: ListId,
    pool_id: PoolId,
    *,
    categories: Collection[CategoryNames] | None,
) -> DayReport:
    plan = _planned(begin, day, supplier_id)
    prices: dict[int, int] = {}

    def read() -> Iterator[Row]:
        for number, cells in day.rows():
            if number in plan.counts:
                yield number, {name: cells[name] for name in goods.SHEET_COLUMNS}

    tally = _Tally()

    def also(ctx: Ctx, numbers: Sequence[int], sku_ids: Sequence[SkuId]) -> None:
        if numbers and numbers[0] == first:
            tally.sightings = tally.fallen = 0
        before = imports.last_seen(ctx, sku_ids=sku_ids)
        seen = [
            imports.Sighting(sku_id, day.on, prices[number], *plan.counts[number])
            for number, sku_id in zip(numbers, sku_ids, strict=True)
        ]
        tally.fallen += sum(
            (last := before.get(one.sku_id, (day.on, None))[1]) is not None
            and one.sale_count is not None
            and one.sale_count < last
            for one in seen
        )
        tally.sightings += imports.sightings_add(ctx, sightings=seen)

    sheet = goods.SheetCheck(suppliers={}, default_supplier=supplier_id, categories=categories)
    first = 0
    for number, cells in read():
        found = sheet.read(number, cells)
        if not isinstance(found, list):
            first = first or number
            prices[number] = found[1].price_minor
    report = import_goods(
        begin,
        rows=read(),
        suppliers={},
        warehouses={},
        price_list_id=price_list_id,
        pool_id=pool_id,
        default_supplier=supplier_id,
        categories=categories,
        skip_bad=True,
        also=also,
    )
    return DayReport(
        day.on,
        replace(
            report,
            bad_rows=report.bad_rows + len(plan.bad),
            bad_count=report.bad_count + len(plan.bad),
            bad=[*plan.bad, *report.bad][:PROBLEMS_SHOWN_MAX],
        ),
        plan.repeated,
        plan.contradicted,
        plan.stale,
        tally.sightings,
        tally.fallen,
    )


def _planned(begin: Begin, day: Day, supplier_id: PartyId) -> _Plan:
    """Choose the rows of a day that count: the last of each listing, unless it is known better."""
    last: dict[str, tuple[int, int, tuple[int | None, int | None]]] = {}
    bad: list[RowProblem] = []
    repeated = contradicted = 0
    for number, cells in day.rows():
        if wrong := list(_counts_wrong(number, cells)):
            bad += wrong
            continue
        code, content = cells["supplier_code"], hash(tuple(cells.values()))
        if code in last:
            repeated += last[code][1] == content
            contradicted += last[code][1] != content
        counts = _count(cells["sale_count"]), _count(cells["comment_count"])
        last[code] = number, content, counts
    stale = in_transaction(begin, partial(_stale, on=day.on, codes=list(last), party=supplier_id))
    counts_by_number = {
        number: counts for code, (number, _, counts) in last.items() if code not in stale
    }
    return _Plan(counts_by_number, repeated, contradicted, len(stale), bad)


def _stale(ctx: Ctx, *, on: date, codes: Sequence[str], party: PartyId) -> frozenset[str]:
    """Give the listings that were seen on a later day; this one's news is old."""
    found: set[str] = set()
    for start in range(0, len(codes), CHUNK_ROWS):
        keys = [(party, code) for code in codes[start : start + CHUNK_ROWS]]
        known = goods.skus_by_code(ctx, keys=keys)
        seen = imports.last_seen(ctx, sku_ids=list(known.values()))
        found |= {
            code for (_, code), sku_id in known.items() if sku_id in seen and seen[sku_id][0] > on
        }
    return frozenset(found)
