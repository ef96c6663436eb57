"""Checks a whole world: every module's own invariants, and those that hold between modules.

Run it on a snapshot (``world.begin(snapshot=True)``): all of it is then about one moment, and
trade goes on meanwhile. With several of the same moment (``world.snapshots``) that many checks run
side by side.
"""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, nullcontext
from datetime import date
from typing import Final, TypeVar
from uuid import UUID

from weili.adapters.search import SearchIndex
from weili.kit import outbox, partitions
from weili.kit.context import SYSTEM_PARTY, Ctx
from weili.kit.findings import Finding
from weili.kit.ids import id_text
from weili.kit.tallies import differing, room_make
from weili.modules import (
    catalogue,
    dropship,
    goods,
    identity,
    inventory,
    ledger,
    onboarding,
    parties,
    pricing,
    regions,
)
from weili.workflows.index_goods import index_verify

Check = tuple[str, Callable[[Ctx], Iterable[Finding]]]
"""A check, by the name that is shown while it runs."""
Running = Callable[[str], AbstractContextManager[object]]

K = TypeVar("K", UUID, tuple[UUID, UUID], tuple[str, UUID])

ORDER_STORY: Final = ("order.%", "order.placed")
"""The events that tell an order's story, and the one that it begins with."""
CHILD_EVENTS: Final = tuple(sorted({event.name for event in dropship.CHILD_MOVED.values()}))
"""The events that tell the way of a child order."""
COST_PURPOSE: Final = "cost"
"""What a supplier is credited for when a package leaves."""
READERS: Final = 2
"""Snapshots to verify a world on: so many processors of the database's are kept from trade."""
_ASK_AGAIN_S: Final = 1.0
FINDINGS_MAX: Final = 100
"""Findings of one sort; beyond that the first hundred tell what there is to know."""


def verify_world(
    ctx: Ctx,
    *beside: Ctx,
    running: Running = nullcontext,
    index: SearchIndex | None = None,
) -> list[Finding]:
    """Give everything that is found broken; nothing, in a sound world.

    ``beside`` are more snapshots of the same moment: each works on what the others have not begun.
    Each check runs inside what ``running`` gives for its name. ``index`` is the search index of
    this machine, to be compared as well.

    Raises: Forbidden.
    """
    ctx.require("admin:verify")
    checks = list(CHECKS)
    if index is not None:
        checks.append(("search index", lambda ctx: index_verify(ctx, index)))
    counts: Counter[str] = Counter()
    found = _checked(checks, (ctx, *beside), running)
    return [finding for findings in found for finding in _first(findings, counts)]


def _checked(
    checks: Sequence[Check], readers: Sequence[Ctx], running: Running
) -> list[list[Finding]]:
    """Run checks, as many at a time as there are readers; the first one is this thread's.

    When one reader fails no other begins anything more, and the failure is raised.
    """
    ahead = deque(enumerate(checks))
    found: list[list[Finding]] = [[] for _ in checks]

    def work(ctx: Ctx) -> None:
        try:
            room_make(ctx)
            while ahead:
                try:
                    place, (name, check) = ahead.popleft()
                except IndexError:  # Another reader took the last one in between.
                    return
                with running(name):
                    found[place] = list(_first(check(ctx), Counter()))
        except BaseException:
            ahead.clear()
            raise

    with ThreadPoolExecutor(len(readers)) as pool:
        others = {pool.submit(work, reader): reader for reader in readers[1:]}
        try:
            work(readers[0])
            for other in others:
                other.result()
        except BaseException:
            _break_off(others)
            raise
    return found


def _break_off(others: Mapping[Future[None], Ctx]) -> None:
    """Have readers end that nobody waits for any more; asked again, should one be between two."""
    while running := [other for other in others if not other.done()]:
        for other in running:
            others[other].db.interrupt()
        wait(running, timeout=_ASK_AGAIN_S)


def _first(found: Iterable[Finding], counts: Counter[str]) -> Iterator[Finding]:
    """Give the first findings of each sort."""
    for finding in found:
        counts[finding.check] += 1
        if counts[finding.check] <= FINDINGS_MAX:
            yield finding


def _stock_promised(ctx: Ctx) -> Iterator[Finding]:
    """Hold what stock says is promised against what open orders wait for."""
    promised: dict[tuple[UUID, UUID], int] = {
        (sku_id, warehouse_id): count
        for sku_id, warehouse_id, count in inventory.reserved_by_place(ctx)
        if count
    }
    awaited = _in_pieces(ctx, dropship.open_quantities(ctx))
    for sku_id, warehouse_id in _differing(promised, awaited):
        place = (sku_id, warehouse_id)
        yield Finding(
            "stock_promised_equals_open_orders",
            f"{id_text(goods.SKU_PREFIX, sku_id)} in "
            f"{id_text(inventory.WAREHOUSE_PREFIX, warehouse_id)}",
            f"stock promises {promised.get(place, 0)}, open orders wait for "
            f"{awaited.get(place, 0)}",
            "release or reserve the difference with a movement that names this finding",
        )


def _in_pieces(ctx: Ctx, awaited: Mapping[tuple[UUID, UUID], int]) -> dict[tuple[UUID, UUID], int]:
    """Count bundles as their parts, which are what stock promises."""
    skus = [goods.SkuId(sku_id) for sku_id, _ in awaited]
    bundles = goods.bundle_parts(ctx, sku_ids=list(set(skus)))
    pieces: dict[tuple[UUID, UUID], int] = {}
    for (sku_id, warehouse_id), count in awaited.items():
        parts = bundles.get(goods.SkuId(sku_id))
        made_of = [(part.sku_id, part.quantity) for part in parts] if parts else [(sku_id, 1)]
        for piece_id, each in made_of:
            place = piece_id, warehouse_id
            pieces[place] = pieces.get(place, 0) + count * each
    return pieces


def _areas_charged(ctx: Ctx) -> Iterator[Finding]:
    """Hold the areas that warehouses serve against the freight that is set for their goods.

    An area without any would be refused for every order that could be sent there. One that is
    excluded is so on purpose.
    """
    served = inventory.regions_served(ctx)
    for supplier_id, template_id, ruled in pricing.freight_ways(ctx):
        for code in sorted(served.get(supplier_id, ())):
            if not ruled.isdisjoint(regions.lineage(code)):
                continue
            below = regions.areas_below(ctx, code=code)
            bare = [area for area in below if ruled.isdisjoint(regions.lineage(area))]
            if bare:
                yield Finding(
                    "served_areas_have_freight",
                    f"{id_text(pricing.TEMPLATE_PREFIX, template_id)} to {code}",
                    f"{id_text(parties.PARTY_PREFIX, supplier_id)} serves {len(bare)} area(s) there"
                    f" without freight, the first is {bare[0]}",
                    "set freight to the region, or exclude it",
                )


def _hold(hold_id: UUID | None) -> str:
    return "no hold" if hold_id is None else id_text(ledger.TRANSFER_PREFIX, hold_id)


def _money_held(ctx: Ctx) -> Iterator[Finding]:
    """Hold what the ledger still sets aside against what open orders are still to pay."""
    odd = differing(ledger.holds_remaining(ctx), dropship.open_amounts(ctx))
    for hold_id, _, held_minor, awaited_minor in odd:
        yield Finding(
            "money_held_equals_open_orders",
            _hold(hold_id),
            f"the hold has {held_minor or 0} fen left, its order is still to pay "
            f"{awaited_minor or 0}",
            "void what is held too much, or cancel the pieces that nothing is held for",
        )


def _money_taken(ctx: Ctx) -> Iterator[Finding]:
    """Hold what the ledger took from partners against the pieces that have shipped."""
    odd = differing(ledger.holds_posted(ctx), dropship.amounts_taken(ctx))
    for hold_id, _, taken_minor, owed_minor in odd:
        yield Finding(
            "money_taken_equals_shipped_pieces",
            _hold(hold_id),
            f"{taken_minor or 0} fen were taken of the hold, what has shipped comes to "
            f"{owed_minor or 0}",
            "correct the difference with a transfer that names this finding",
        )


def _suppliers_owed(ctx: Ctx) -> Iterator[Finding]:
    """Hold what suppliers were credited against the cost of what their packages held."""
    payable = ledger.AccountKind.SUPPLIER_PAYABLE
    credited = ledger.credits_of(ctx, purpose=COST_PURPOSE, kind=payable)
    for package, supplier_id, credited_minor, earned_minor in differing(
        credited, dropship.package_costs(ctx)
    ):
        yield Finding(
            "suppliers_owed_for_packages",
            package,
            f"{id_text(parties.PARTY_PREFIX, supplier_id)} was credited {credited_minor or 0} fen "
            f"for it, it earned {earned_minor or 0}",
            "correct the difference with a transfer that names this finding",
        )


def _money_back(ctx: Ctx) -> Iterator[Finding]:
    """Hold what went back for packages against what those back or lost were worth."""
    cost = ledger.account_id(ledger.AccountKind.PLATFORM_COST, SYSTEM_PARTY)
    for purpose in (
        dropship.PURPOSE_GOODS_BACK,
        dropship.PURPOSE_FREIGHT_BACK,
        dropship.PURPOSE_COST_BACK,
    ):
        given: dict[tuple[str, UUID], int] = dict(ledger.credits_for(ctx, purpose=purpose).items())
        owed: dict[tuple[str, UUID], int] = {}
        for (package, partner_id), worth in dropship.packages_worth_back(ctx).items():
            prepaid = ledger.account_id(ledger.AccountKind.PARTNER_PREPAID, partner_id)
            into, amount_minor = {
                dropship.PURPOSE_GOODS_BACK: (prepaid, worth.goods_minor),
                dropship.PURPOSE_FREIGHT_BACK: (prepaid, worth.freight_minor),
                dropship.PURPOSE_COST_BACK: (cost, worth.cost_minor),
            }[purpose]
            owed[package, into] = amount_minor
        for package, account in _differing(given, owed):
            yield Finding(
                "money_back_for_packages",
                package,
                f"{given.get((package, account), 0)} fen went back as {purpose}, it was worth "
                f"{owed.get((package, account), 0)}",
                "correct the difference with a transfer that names this finding",
            )


def _prices_traded(ctx: Ctx) -> Iterator[Finding]:
    """Hold what is kept of transaction prices against the order lines.

    A child order that was cancelled may or may not have been with its supplier first, and so may
    or may not have been noted; all others leave one answer.
    """
    kept = pricing.traded_all(ctx)
    sold = dropship.traded_lines(ctx, zone="Asia/Shanghai")
    odd = sorted(key for key in kept.keys() | sold.keys() if not _agree(kept, sold, key))
    for sku_id, on in odd:
        day, lines = kept.get((sku_id, on)), sold.get((sku_id, on))
        noted = "nothing is noted"
        if day is not None:
            noted = (
                f"noted are {day.lowest_minor} to {day.highest_minor} fen, {day.last_minor} last"
            )
        said = (
            "no order has it"
            if lines is None
            else "its orders have {} to {} fen".format(*(lines.sure or lines.any))
        )
        yield Finding(
            "transaction_prices_equal_lines",
            f"{id_text(goods.SKU_PREFIX, sku_id)} on {on}",
            f"{noted}, {said}",
            "set the day's row to what its order lines say; look at the SKU's compare-at price",
        )


def _agree(
    kept: Mapping[tuple[UUID, date], pricing.TradedDay],
    sold: Mapping[tuple[UUID, date], dropship.TradedLines],
    key: tuple[UUID, date],
) -> bool:
    day, lines = kept.get(key), sold.get(key)
    if day is None or lines is None:
        return day is None and (lines is None or lines.sure is None)
    lowest, highest, last_at = lines.any
    sure_lowest, sure_highest, sure_at = lines.sure or (day.lowest_minor, day.highest_minor, None)
    last_lowest, last_highest = lines.last if day.last_at == last_at else (lowest, highest)
    return (
        lowest <= day.lowest_minor <= sure_lowest
        and sure_highest <= day.highest_minor <= highest
        and (sure_at or day.last_at) <= day.last_at <= last_at
        and last_lowest <= day.last_minor <= last_highest
    )


def _log_whole(ctx: Ctx) -> Iterator[Finding]:
    for position, what in outbox.event_gaps(ctx):
        yield Finding(
            "event_log_without_gaps",
            f"position {position}",
            what,
            "restore the missing events from the back-up; readers wait at their own places",
        )


def _feeds_within(ctx: Ctx) -> Iterator[Finding]:
    for party_id, what in outbox.feeds_beyond(ctx):
        yield Finding(
            "feed_within_log",
            id_text(parties.PARTY_PREFIX, party_id),
            what,
            "set the feed back to the newest message that the party says it has",
        )


def _jobs_done(ctx: Ctx) -> Iterator[Finding]:
    for job_id, what in outbox.jobs_failed(ctx):
        yield Finding(
            "job_given_up",
            f"job {job_id}",
            what,
            "see why in the worker's log; once that is cured set the job's status to todo again: "
            "doing it twice does no harm",
        )


def _orders_told(ctx: Ctx) -> Iterator[Finding]:
    story, first = ORDER_STORY
    due = outbox.story_told(firsts=1, begins=first)
    none = outbox.story_told(firsts=0, begins="nothing")
    since = partitions.told_since(ctx)
    subjects = id_text(dropship.ORDER_PREFIX, since)
    told = outbox.stories_told(ctx, story=story, first=first, since=subjects)
    known_all = dropship.order_stories(ctx, story=due, since=since)
    for subject, _, heard, known in differing(told, known_all):
        yield Finding(
            "order_announced_once_first",
            subject,
            f"{'' if known else 'unknown, '}{first} {heard or none}",
            "announce the order again if no event tells of it; two are told to the partner",
        )


def _children_told(ctx: Ctx) -> Iterator[Finding]:
    """Hold what partners were told of child orders against the way these have gone."""
    since = partitions.told_since(ctx)
    children = id_text(dropship.CHILD_PREFIX, since)
    told = outbox.parts_told(ctx, part="child_id", types=CHILD_EVENTS, since=children)
    for child, partner_id, heard, went in differing(told, dropship.child_stories(ctx, since=since)):
        yield Finding(
            "steps_announced_once_in_order",
            child,
            f"{id_text(parties.PARTY_PREFIX, partner_id)} was told {heard or 'nothing'}; "
            f"it went {went or 'nothing'}",
            "announce what is missing; what was told twice or too early is told to the partner",
        )


def _differing(left: Mapping[K, int], right: Mapping[K, int]) -> list[K]:
    keys = [key for key in left.keys() | right.keys() if left.get(key, 0) != right.get(key, 0)]
    return sorted(keys)


CHECKS: Final[tuple[Check, ...]] = (
    ("events against children", _children_told),
    ("ledger", ledger.verify),
    ("histories of orders", dropship.verify_histories),
    ("suppliers against packages", _suppliers_owed),
    ("sums of orders", dropship.verify_sums),
    ("transaction prices against orders", _prices_traded),
    ("recipients", dropship.verify_recipients),
    ("money against packages", _money_taken),
    ("events against orders", _orders_told),
    ("states of orders", dropship.verify_states),
    ("money against orders", _money_held),
    ("orders", dropship.verify),
    ("inventory", inventory.verify),
    ("money back for packages", _money_back),
    ("event log", _log_whole),
    ("stock against orders", _stock_promised),
    ("parties", parties.verify),
    ("identity", identity.verify),
    ("onboarding", onboarding.verify),
    ("regions", regions.verify),
    ("goods", goods.verify),
    ("pricing", pricing.verify),
    ("catalogue", catalogue.verify),
    ("areas against freight", _areas_charged),
    ("feeds", _feeds_within),
    ("months", partitions.verify),
    ("background jobs", _jobs_done),
)
"""Every check there is; what takes longest among many orders comes first, or it would end alone."""
