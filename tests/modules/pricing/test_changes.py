"""Price changes: by channel, scheduled, for a time, previewed, cancelled, announced once."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.market import CUP_COST_FEN, CUP_FEN, CUP_TIER_FEN, TEA_COST_FEN, TEA_FEN, Market
from tests.modules.pricing.trade import acting
from weili.kit.context import SYSTEM, Ctx, Event, PartyId
from weili.kit.ids import id_text
from weili.kit.problems import Forbidden, InputInvalid, StateConflict
from weili.modules import dropship, pricing
from weili.modules.goods import SkuId
from weili.modules.pricing import (
    ChangeDraft,
    ChangeState,
    Channel,
    ListId,
    Price,
    PriceChange,
    PriceRow,
    Window,
)
from weili.modules.pricing.model import TierKey
from weili.modules.pricing.rules import price_book_of, window_overlapping
from weili.workflows.place_dropship_orders import place_dropship_orders

HOUR = timedelta(hours=1)


@dataclass
class Clock:
    """A market whose clock the test turns."""

    market: Market
    offset: timedelta = timedelta(0)

    @contextmanager
    def begin(self) -> Iterator[Ctx]:
        with self.market.world.begin(SYSTEM) as ctx:
            ctx.now += self.offset
            yield ctx

    def later(self, by: timedelta) -> None:
        self.offset += by

    def put(
        self,
        *rows: PriceRow,
        begins: timedelta | None = None,
        lasts: timedelta | None = None,
        **more: str,
    ) -> PriceChange:
        with self.begin() as ctx:
            valid_from = None if begins is None else ctx.now + begins
            valid_to = None if lasts is None else (valid_from or ctx.now) + lasts
            draft = ChangeDraft(self.market.price_list, rows, valid_from, valid_to)
            return pricing.change_put(ctx, draft=draft, note="test", **more)

    def pays(self, sku_id: SkuId | None = None, quantity: int = 1) -> Price | None:
        with self.begin() as ctx:
            sku_id = sku_id or self.market.tea
            book = pricing.price_book(ctx, partner_ids=[self.market.street], sku_ids=[sku_id])
            # What a search shows is what the book says, at every moment of every test here
            shown = shown_prices(ctx, self.market.street, [sku_id]).get(sku_id)
            one = book.unit_price(self.market.street, sku_id, 1)
            assert shown == (one and (one.unit_price_minor, one.version))
            return book.unit_price(self.market.street, sku_id, quantity)

    def swept(self) -> list[tuple[int | None, int | None]]:
        """Sweep until nothing is due; give (price, version) of what the street was told."""
        told: list[Event] = []
        while True:
            with self.begin() as ctx:
                count = pricing.changes_sweep(ctx)
                told += [e for e in ctx.announced if e.party_id == self.market.street]
            if not count:
                break
        return [
            (price["unit_price_minor"], price["version"])
            for event in told
            for price in event.data["prices"]
        ]

    def verified(self) -> list[str]:
        with self.begin() as ctx:
            return [finding.check for finding in pricing.verify(ctx)]


def shown_prices(
    ctx: Ctx, partner: PartyId, sku_ids: Sequence[SkuId]
) -> dict[SkuId, tuple[int, int]]:
    prices = pricing.unit_prices_asked(ctx, partner_id=partner, sku_ids=sku_ids)()
    shown = zip(sku_ids, prices, strict=True)
    return {sku_id: (price.amount_minor, price.version) for sku_id, price in shown if price}


def paid_fen(book: pricing.PriceBook, partner: PartyId, sku_id: SkuId, quantity: int) -> int:
    price = book.unit_price(partner, sku_id, quantity)
    return price.unit_price_minor if price else -1


@pytest.fixture
def clock(market: Market) -> Clock:
    return Clock(market)


def test_a_price_for_a_time_begins_and_ends_by_itself_and_is_told_once_each(clock: Clock) -> None:
    tea = clock.market.tea
    change = clock.put(PriceRow(tea, 1, 3_900), begins=HOUR, lasts=2 * HOUR)

    assert change.state is ChangeState.SCHEDULED
    assert clock.pays() == Price(TEA_FEN, 1, 1)
    assert clock.swept() == []
    clock.later(HOUR)
    assert clock.pays() == Price(3_900, 2, 1)  # before any sweep
    assert clock.swept() == [(3_900, 2)]
    assert clock.swept() == []
    clock.later(2 * HOUR)
    assert clock.pays() == Price(TEA_FEN, 1, 1)
    assert clock.swept() == [(TEA_FEN, 1)]
    assert clock.swept() == []
    with clock.begin() as ctx:
        [done] = pricing.change_page(ctx, state=ChangeState.DONE).items
        assert done.id == change.id
    assert clock.verified() == []


def test_a_search_shows_the_price_of_the_first_list_that_has_one_for_a_piece(
    clock: Clock,
) -> None:
    market = clock.market
    street, tea, rice, cup = market.street, market.tea, market.rice, market.cup
    with clock.begin() as ctx:
        own, channels = (pricing.list_open(ctx, name=name).id for name in ("own", "channels"))
        costs = [pricing.CostRow(sku_id, 1) for sku_id in (tea, rice, cup)]
        pricing.costs_put(ctx, rows=costs)
        pricing.list_assign(ctx, partner_id=street, list_id=own)
        pricing.channel_assign(ctx, partner_id=street, channel=Channel.COMMUNITY)
        pricing.channel_list(ctx, channel=Channel.COMMUNITY, list_id=channels)
        # Of its own a price for one piece of tea, and of rice only from ten pieces on
        pricing.prices_put(ctx, list_id=own, rows=[PriceRow(tea, 1, 101), PriceRow(rice, 10, 102)])
        rows = [PriceRow(tea, 1, 201), PriceRow(rice, 1, 202)]
        pricing.prices_put(ctx, list_id=channels, rows=rows)
        draft = ChangeDraft(channels, [PriceRow(tea, 1, 211)], None, ctx.now + HOUR)
        pricing.change_put(ctx, draft=draft, note="test")
        draft = ChangeDraft(own, [PriceRow(rice, 1, 112)], ctx.now + HOUR, ctx.now + 2 * HOUR)
        pricing.change_put(ctx, draft=draft, note="test")

    def shown() -> list[int | None]:
        with clock.begin() as ctx:
            sku_ids = [cup, tea, rice]
            found = shown_prices(ctx, street, sku_ids)
            book = pricing.price_book(ctx, partner_ids=[street], sku_ids=sku_ids)
            return [
                (found[sku_id][0] if found[sku_id][0] == paid_fen(book, street, sku_id, 1) else -1)
                for sku_id in sku_ids
            ]

    # The channel's price for a time goes before the channel's own, not before the partner's
    assert shown() == [CUP_FEN, 101, 202]
    clock.later(HOUR)
    assert shown() == [CUP_FEN, 101, 112]
    clock.later(HOUR)
    assert shown() == [CUP_FEN, 101, 202]


def test_a_lasting_change_stands_from_its_time_and_later_puts_come_after_it(clock: Clock) -> None:
    tea, price_list = clock.market.tea, clock.market.price_list
    clock.put(PriceRow(tea, 1, 4_400), begins=HOUR)
    clock.put(PriceRow(tea, 1, 4_300), begins=2 * HOUR)
    with clock.begin() as ctx:
        pricing.prices_put(ctx, list_id=price_list, rows=[PriceRow(tea, 1, 4_600)])
    assert clock.pays() == Price(4_600, 4, 1)
    clock.later(90 * timedelta(minutes=1))
    assert clock.pays() == Price(4_400, 2, 1)
    with clock.begin() as ctx:  # not swept yet: the change comes first all the same
        pricing.prices_put(ctx, list_id=price_list, rows=[PriceRow(tea, 1, 4_500)])
        assert [
            e.data["prices"][0]["version"]
            for e in ctx.announced
            if e.party_id == clock.market.street
        ] == [2, 5]
    assert clock.pays() == Price(4_500, 5, 1)
    assert clock.swept() == []
    clock.later(HOUR)
    assert clock.pays() == Price(4_300, 3, 1)
    assert clock.swept() == [(4_300, 3)]
    assert clock.pays() == Price(4_300, 3, 1)
    assert clock.verified() == []


def test_under_a_price_for_a_time_a_put_is_told_when_it_is_felt(clock: Clock) -> None:
    tea, price_list = clock.market.tea, clock.market.price_list
    clock.put(PriceRow(tea, 1, 3_900), lasts=HOUR)
    assert clock.pays() == Price(3_900, 2, 1)

    with clock.begin() as ctx:
        pricing.prices_put(ctx, list_id=price_list, rows=[PriceRow(tea, 1, 4_700)])
        assert ctx.announced == []
    assert clock.pays() == Price(3_900, 2, 1)
    clock.later(HOUR)
    assert clock.swept() == [(4_700, 3)]


def test_one_price_after_another_without_a_gap_is_told_as_what_it_becomes(clock: Clock) -> None:
    tea = clock.market.tea
    clock.put(PriceRow(tea, 1, 3_900), begins=HOUR, lasts=HOUR)
    clock.put(PriceRow(tea, 1, 3_800), begins=2 * HOUR, lasts=HOUR)
    clock.later(HOUR)
    assert clock.swept() == [(3_900, 2)]
    clock.later(HOUR)
    assert clock.swept() == [(3_800, 3)]
    clock.later(3 * HOUR)
    assert clock.swept() == [(TEA_FEN, 1)]


def test_what_began_and_was_over_between_two_sweeps_is_not_told(clock: Clock) -> None:
    clock.put(PriceRow(clock.market.tea, 1, 3_900), begins=HOUR, lasts=HOUR)
    clock.later(5 * HOUR)

    assert clock.swept() == []
    assert clock.verified() == []


def test_a_sweep_that_is_killed_has_done_nothing_and_the_next_does_it_once(clock: Clock) -> None:
    clock.put(PriceRow(clock.market.tea, 1, 3_900), begins=HOUR)
    clock.later(HOUR)

    def killed() -> None:
        with clock.begin() as ctx:
            assert pricing.changes_sweep(ctx) == 1
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        killed()

    assert clock.swept() == [(3_900, 2)]
    assert clock.swept() == []


def test_overlapping_prices_of_one_tier_are_refused_by_name_and_nothing_is_written(
    clock: Clock,
) -> None:
    tea, cup = clock.market.tea, clock.market.cup
    first = clock.put(PriceRow(tea, 1, 3_900), begins=HOUR, lasts=2 * HOUR)

    with pytest.raises(pricing.WindowsOverlap) as refused:
        clock.put(PriceRow(cup, 1, 1_200), PriceRow(tea, 1, 3_800), begins=2 * HOUR, lasts=HOUR)
    assert refused.value.members["change_id"] == id_text("chg", first.id)

    clock.put(PriceRow(tea, 5, 3_800), begins=2 * HOUR, lasts=HOUR)  # another tier
    clock.put(PriceRow(tea, 1, 3_800), begins=3 * HOUR, lasts=HOUR)  # right after it
    with clock.begin() as ctx:
        assert len(pricing.change_page(ctx).items) == 3
    clock.later(2 * HOUR)
    assert clock.pays(cup) == Price(CUP_FEN, 1, 1)
    assert clock.verified() == []


def test_a_scheduled_change_is_cancelled_and_one_that_has_begun_is_not(clock: Clock) -> None:
    tea = clock.market.tea
    never = clock.put(PriceRow(tea, 1, 3_900), begins=HOUR, lasts=HOUR)
    begun = clock.put(PriceRow(tea, 1, 3_800), begins=3 * HOUR)
    with clock.begin() as ctx:
        assert pricing.change_cancel(ctx, change_id=never.id).state is ChangeState.CANCELLED
    clock.later(HOUR)
    assert clock.pays() == Price(TEA_FEN, 1, 1)
    assert clock.swept() == []
    clock.later(2 * HOUR)
    with pytest.raises(StateConflict), clock.begin() as ctx:  # though no sweep has come by
        pricing.change_cancel(ctx, change_id=begun.id)
    with pytest.raises(StateConflict), clock.begin() as ctx:
        pricing.change_cancel(ctx, change_id=never.id)
    assert clock.pays() == Price(3_800, 3, 1)
    with clock.begin() as ctx:
        change, versions = pricing.change_get(ctx, change_id=never.id)
    assert (change.state, [row.unit_price_minor for row in versions]) == (
        ChangeState.CANCELLED,
        [3_900],
    )


def test_the_preview_shows_whom_and_what_it_touches_and_changes_nothing(clock: Clock) -> None:
    market = clock.market
    rows = [PriceRow(market.tea, 1, TEA_COST_FEN - 1), PriceRow(market.cup, 6, 1_000)]
    with clock.begin() as ctx:
        own = pricing.list_open(ctx, name="own")
        pricing.prices_put(ctx, list_id=own.id, rows=[PriceRow(market.tea, 1, 4_000)])
        pricing.list_assign(ctx, partner_id=market.creator, list_id=own.id)
    with clock.begin() as ctx:
        draft = ChangeDraft(market.price_list, rows, ctx.now + HOUR)
        tea, cup = pricing.change_preview(ctx, draft=draft)
        assert ctx.announced == []
        assert pricing.change_page(ctx).items == []

    assert (tea.old_minor, tea.margin_minor, tea.is_below_cost) == (TEA_FEN, -1, True)
    assert tea.partner_ids == [market.street]  # the creator pays by its own list
    assert (cup.old_minor, cup.margin_minor) == (CUP_TIER_FEN, 1_000 - CUP_COST_FEN)
    assert list(cup.partner_ids) == sorted([market.street, market.creator])


def test_below_cost_needs_a_reason_which_is_kept(clock: Clock) -> None:
    row = PriceRow(clock.market.tea, 1, TEA_COST_FEN - 1)

    with pytest.raises(pricing.BelowCost):
        clock.put(row)
    with pytest.raises(pricing.BelowCost), clock.begin() as ctx:
        pricing.prices_put(ctx, list_id=clock.market.price_list, rows=[row])
    assert clock.pays() == Price(TEA_FEN, 1, 1)

    change = clock.put(row, below_cost_reason="临期清仓")
    assert (change.state, change.below_cost_reason) == (ChangeState.DONE, "临期清仓")
    assert clock.pays() == Price(TEA_COST_FEN - 1, 2, 1)


def test_an_order_pays_the_price_of_its_moment(clock: Clock) -> None:
    market = clock.market
    clock.put(PriceRow(market.tea, 1, 3_900), begins=HOUR, lasts=HOUR)
    for number, total in (("before", TEA_FEN), ("during", 3_900), ("after", TEA_FEN)):
        with clock.begin() as ctx:
            command = market.command(market.draft(number, (market.tea, 1), prices=(total,)))
            [outcome] = place_dropship_orders(ctx, commands=[command])
            assert isinstance(outcome, dropship.Placed), outcome
        clock.later(HOUR)


def test_a_channels_list_lies_between_the_own_one_and_the_default(clock: Clock) -> None:
    market = clock.market
    with clock.begin() as ctx:
        creators = pricing.list_open(ctx, name="creators")
        pricing.channel_list(ctx, channel=Channel.CREATOR, list_id=creators.id)
        pricing.channel_assign(ctx, partner_id=market.creator, channel=Channel.CREATOR)
        pricing.channel_assign(ctx, partner_id=market.street, channel=Channel.COMMUNITY)
        own = pricing.list_open(ctx, name="own")
        pricing.list_assign(ctx, partner_id=market.creator, list_id=own.id)
        pricing.prices_put(ctx, list_id=own.id, rows=[PriceRow(market.tea, 10, 4_000)])
    with clock.begin() as ctx:
        rows = [PriceRow(market.tea, 5, 4_200), PriceRow(market.tea, 20, 4_100)]
        pricing.prices_put(ctx, list_id=creators.id, rows=rows)
        # From 20 on the creator pays by its own list, and does not feel that tier.
        assert [
            (event.party_id, [price["quantity_min"] for price in event.data["prices"]])
            for event in ctx.announced
        ] == [(market.creator, [5])]

    with clock.begin() as ctx:
        partners = [market.street, market.creator]
        book = pricing.price_book(ctx, partner_ids=partners, sku_ids=[market.tea])
    paid = [[paid_fen(book, p, market.tea, n) for n in (1, 5, 10, 20)] for p in partners]
    assert paid == [[TEA_FEN] * 4, [TEA_FEN, 4_200, 4_000, 4_000]]
    assert [tier.quantity_min for tier in book.tiers(market.creator, market.tea)] == [1, 5, 10]


def test_a_change_that_makes_no_sense_is_refused(clock: Clock) -> None:
    with pytest.raises(InputInvalid) as refused:
        clock.put(PriceRow(clock.market.tea, 1, 1), begins=-HOUR, lasts=-HOUR)
    assert [field.path for field in refused.value.fields] == ["/valid_from", "/valid_to"]
    for n in range(20):
        clock.put(PriceRow(clock.market.tea, 1, 4_000 + n), begins=HOUR * (n + 1))
    with pytest.raises(pricing.WindowsTooMany):
        clock.put(PriceRow(clock.market.tea, 1, 4_000), begins=30 * HOUR)


def test_a_partners_key_may_not_change_prices(clock: Clock) -> None:
    draft = ChangeDraft(clock.market.price_list, [PriceRow(clock.market.tea, 1, 1)])
    with clock.begin() as ctx:
        asking = acting(ctx, clock.market.street, "prices:read")
        for refused in (
            lambda: pricing.change_put(asking, draft=draft, note=""),
            lambda: pricing.change_preview(asking, draft=draft),
            lambda: pricing.change_page(asking),
            lambda: pricing.channel_list(
                asking, channel=Channel.CREATOR, list_id=clock.market.price_list
            ),
            lambda: pricing.channel_assign(
                asking, partner_id=clock.market.street, channel=Channel.CREATOR
            ),
        ):
            with pytest.raises(Forbidden):
                refused()


@pytest.mark.parametrize(
    ("harm", "check"),
    [
        ("UPDATE pricing.price_window SET unit_price_minor = 1", "price_window"),
        (
            "UPDATE pricing.price_window SET valid_to = valid_to + interval '3 h'",
            "price_windows_apart",
        ),
        ("UPDATE pricing.price_change SET state = 'cancelled', due_at = NULL", "price_window"),
    ],
)
def test_verify_finds_prices_to_come_that_were_tampered_with(
    clock: Clock, harm: str, check: str
) -> None:
    clock.put(PriceRow(clock.market.tea, 1, 3_900), begins=HOUR, lasts=HOUR)
    clock.put(PriceRow(clock.market.tea, 1, 3_800), begins=3 * HOUR, lasts=HOUR)
    assert clock.verified() == []
    with clock.begin() as ctx:
        ctx.db.run(harm)

    assert check in clock.verified()


NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
SKU, LIST, PARTNER = SkuId(UUID(int=1)), ListId(UUID(int=2)), PartyId(UUID(int=3))
MOMENTS = st.integers(-5, 10).map(lambda hours: NOON + hours * HOUR)


@st.composite
def timelines(draw: st.DrawFn) -> list[Window]:
    """Draw prices as a list would take them: each is refused if it may not stand by the others."""
    windows: list[Window] = []
    for version in range(2, 2 + draw(st.integers(0, 6))):
        begins, lasts = draw(MOMENTS), draw(st.none() | st.integers(1, 6))
        ends = None if lasts is None else begins + lasts * HOUR
        if window_overlapping(windows, valid_from=begins, valid_to=ends) is None:
            windows.append(Window(100 * version, version, begins, ends))
    return windows


def paid_at(windows: list[Window], at: datetime) -> int:
    """Say what is paid, as one who walks through the hours and writes on a slate would."""
    slate, for_now = 100, None
    for window in sorted(windows, key=lambda w: w.valid_from):
        if window.valid_from <= at:
            if window.valid_to is None:
                slate = window.unit_price_minor
            elif at < window.valid_to:
                for_now = window.unit_price_minor
    return slate if for_now is None else for_now


@given(windows=timelines(), at=MOMENTS)
def test_at_any_moment_one_price_holds_and_until_when_is_said_truly(
    windows: list[Window], at: datetime
) -> None:
    book = price_book_of(
        now=at,
        lists=[(None, 2, LIST)],
        prices=[(LIST, SKU, 1, 100, 1)],
        windows=[(TierKey(LIST, SKU, 1), window) for window in windows],
    )

    price = book.unit_price(PARTNER, SKU, 1)
    assert price is not None
    assert price.unit_price_minor == paid_at(windows, at)
    until = book.valid_until(PARTNER, SKU, 1)
    hours = [at + n * HOUR for n in range(1, 30)]
    changes = [hour for hour in hours if paid_at(windows, hour) != price.unit_price_minor]
    assert until == (changes[0] if changes else None)
