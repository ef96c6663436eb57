"""Money is held, posted a package at a time, given back, paid in once, and told in a statement."""

import base64
import dataclasses
import json
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from msgspec.structs import replace
from psycopg import errors as pg

from weili.kit.context import SYSTEM, SYSTEM_PARTY, Actor, Begin, Ctx, PartyId
from weili.kit.ids import id_text, new_id
from weili.kit.pages import cursor_text
from weili.kit.problems import CursorInvalid, Forbidden, InputInvalid, NotFound
from weili.modules import ledger
from weili.modules.ledger import AccountKind, NewTransfer, Settlement, TransferKind

START = datetime(2026, 1, 1, tzinfo=UTC)
END = datetime(2100, 1, 1, tzinfo=UTC)
BANK = ledger.account_id(AccountKind.PLATFORM_BANK, SYSTEM_PARTY)
REVENUE = ledger.account_id(AccountKind.PLATFORM_REVENUE, SYSTEM_PARTY)
FREIGHT = ledger.account_id(AccountKind.PLATFORM_FREIGHT, SYSTEM_PARTY)
COST = ledger.account_id(AccountKind.PLATFORM_COST, SYSTEM_PARTY)


def partner_with(ctx: Ctx, amount_minor: int) -> PartyId:
    partner_id = PartyId(uuid4())
    ledger.platform_accounts_open(ctx)
    ledger.account_open(ctx, kind=AccountKind.PARTNER_PREPAID, party_id=partner_id)
    if amount_minor:
        ledger.top_up(ctx, partner_id=partner_id, amount_minor=amount_minor, reference="first")
    return partner_id


def prepaid(partner_id: PartyId) -> ledger.AccountId:
    return ledger.account_id(AccountKind.PARTNER_PREPAID, partner_id)


def new_hold(ctx: Ctx, partner_id: PartyId, amount_minor: int, **more: object) -> NewTransfer:
    base = NewTransfer(
        id=ledger.TransferId(new_id(ctx.now)),
        party_id=partner_id,
        kind=TransferKind.HOLD,
        debit=prepaid(partner_id),
        credit=REVENUE,
        amount_minor=amount_minor,
        purpose="goods",
        subject="ord_1",
    )
    return replace(base, **more)


def held(ctx: Ctx, partner_id: PartyId, amount_minor: int, **more: object) -> NewTransfer:
    transfer = new_hold(ctx, partner_id, amount_minor, **more)
    ledger.balances_lock(ctx, account_ids=[prepaid(partner_id)])
    ledger.transfers_write(ctx, transfers=[transfer])
    return transfer


def step(hold: NewTransfer, post_minor: int, *, void_rest: bool = False) -> Settlement:
    return Settlement(hold.id, hold.party_id, post_minor, void_rest, "pkg_1", "goods")


def standing(ctx: Ctx, account_id: ledger.AccountId) -> tuple[int, int]:
    balance = ledger.balances_read(ctx, account_ids=[account_id])[account_id]
    return balance.posted_minor, balance.held_minor


def test_a_hold_leaves_the_balance_and_lowers_what_is_available(ctx: Ctx) -> None:
    partner_id = partner_with(ctx, 10_000)

    held(ctx, partner_id, 3_000)

    balance = ledger.balances_read(ctx, account_ids=[prepaid(partner_id)])[prepaid(partner_id)]
    assert (balance.posted_minor, balance.held_minor) == (10_000, 3_000)
    assert balance.available_minor == 10_000 - 3_000


def test_a_hold_is_posted_a_package_at_a_time_and_its_rest_given_back(ctx: Ctx) -> None:
    partner_id = partner_with(ctx, 10_000)
    hold = held(ctx, partner_id, 3_000)

    ledger.holds_settle(ctx, settlements=[step(hold, 1_200)])
    assert standing(ctx, prepaid(partner_id)) == (10_000 - 1_200, 3_000 - 1_200)

    ledger.holds_settle(ctx, settlements=[step(hold, 800, void_rest=True)])
    assert standing(ctx, prepaid(partner_id)) == (10_000 - 1_200 - 800, 0)
    assert standing(ctx, REVENUE)[0] == 1_200 + 800
    assert ledger.holds_open(ctx, subjects=["ord_1"]) == []


def test_several_steps_of_one_hold_in_one_call_count_one_after_the_other(ctx: Ctx) -> None:
    partner_id = partner_with(ctx, 10_000)
    hold = held(ctx, partner_id, 3_000)

    written = ledger.holds_settle(
        ctx, settlements=[step(hold, 1_000), step(hold, 500, void_rest=True)]
    )

    assert [(t.kind, t.amount_minor) for t in written] == [
        (TransferKind.POST, 1_000),
        (TransferKind.POST, 500),
        (TransferKind.VOID, 1_500),
    ]
    assert standing(ctx, prepaid(partner_id)) == (8_500, 0)


def test_giving_back_twice_is_giving_back_once(ctx: Ctx) -> None:
    partner_id = partner_with(ctx, 10_000)
    hold = held(ctx, partner_id, 3_000)
    ledger.holds_settle(ctx, settlements=[step(hold, 0, void_rest=True)])

    again = ledger.holds_settle(ctx, settlements=[step(hold, 0, void_rest=True)])

    assert again == []
    assert standing(ctx, prepaid(partner_id)) == (10_000, 0)


def test_no_more_is_taken_than_is_left_and_then_no_neighbour_is_settled(ctx: Ctx) -> None:
    partner_id = partner_with(ctx, 10_000)
    good = held(ctx, partner_id, 1_000)
    hold = held(ctx, partner_id, 3_000)
    ledger.holds_settle(ctx, settlements=[step(hold, 2_500)])

    with pytest.raises(ledger.HoldExhausted) as refused:
        ledger.holds_settle(ctx, settlements=[step(good, 1_000), step(hold, 501)])

    assert refused.value.members == {
        "hold_id": id_text("trf", hold.id),
        "remaining_minor": 3_000 - 2_500,
        "asked_minor": 501,
    }
    assert standing(ctx, prepaid(partner_id)) == (10_000 - 2_500, 4_000 - 2_500)


def test_another_partner_s_hold_is_unknown(ctx: Ctx) -> None:
    hold = held(ctx, partner_with(ctx, 10_000), 3_000)
    stranger_id = partner_with(ctx, 10_000)

    with pytest.raises(ledger.HoldUnknown):
        ledger.holds_settle(
            ctx, settlements=[dataclasses.replace(step(hold, 1), party_id=stranger_id)]
        )


def test_a_hold_past_its_expiry_binds_until_it_is_voided(ctx: Ctx) -> None:
    partner_id = partner_with(ctx, 10_000)
    hold = held(ctx, partner_id, 3_000, expires_at=ctx.now - timedelta(days=1))

    assert [h.remaining_minor for h in ledger.holds_open(ctx, subjects=["ord_1"])] == [3_000]
    ledger.holds_settle(ctx, settlements=[step(hold, 3_000)])

    assert standing(ctx, prepaid(partner_id)) == (7_000, 0)


def test_open_holds_are_found_by_subject_with_what_is_left(ctx: Ctx) -> None:
    partner_id = partner_with(ctx, 10_000)
    goods = held(ctx, partner_id, 3_000, subject="ord_a")
    freight = held(ctx, partner_id, 600, subject="ord_a", credit=FREIGHT, purpose="freight")
    held(ctx, partner_id, 50, subject="ord_b")
    ledger.holds_settle(ctx, settlements=[step(goods, 1_000)])

    holds = ledger.holds_open(ctx, subjects=["ord_a", "ord_none"])

    assert [(h.id, h.remaining_minor, h.purpose) for h in holds] == [
        (goods.id, 2_000, "goods"),
        (freight.id, 600, "freight"),
    ]


def test_four_hundred_holds_are_two_statements_that_fit_in_a_pipeline(ctx: Ctx) -> None:
    partners = [partner_with(ctx, 100_000) for _ in range(4)]
    holds = [
        new_hold(ctx, partners[n % 4], 100 + n % 2, credit=(REVENUE, FREIGHT)[n % 2])
        for n in range(400)
    ]
    ledger.balances_lock(ctx, account_ids=[prepaid(p) for p in partners])

    with ctx.db.pipeline():
        ledger.transfers_write(ctx, transfers=holds)

    assert [standing(ctx, prepaid(p)) for p in partners] == [
        (100_000, 100 * 100),
        (100_000, 100 * 101),
        (100_000, 100 * 100),
        (100_000, 100 * 101),
    ]


def test_locking_answers_for_limited_accounts_only_in_the_order_of_their_ids(ctx: Ctx) -> None:
    accounts = [prepaid(partner_with(ctx, 100)) for _ in range(5)]

    balances = ledger.balances_lock(ctx, account_ids=[*reversed(accounts), REVENUE])

    assert list(balances) == sorted(accounts)


@pytest.mark.parametrize("in_pipeline", [False, True])
def test_the_floor_holds_when_a_caller_decides_badly(begin: Begin, in_pipeline: bool) -> None:
    with begin() as ctx:
        partner_id = partner_with(ctx, 1_000)

    def hold_both(ctx: Ctx) -> None:
        transfers = [new_hold(ctx, partner_id, 600), new_hold(ctx, partner_id, 401)]
        with ctx.db.pipeline() if in_pipeline else nullcontext():
            ledger.transfers_write(ctx, transfers=transfers)

    with pytest.raises(pg.CheckViolation), begin() as ctx:
        hold_both(ctx)

    with begin() as ctx:
        assert standing(ctx, prepaid(partner_id)) == (1_000, 0)


def test_money_can_t_be_held_on_an_account_that_was_not_opened(begin: Begin) -> None:
    with pytest.raises(pg.DivisionByZero), begin() as ctx, ctx.db.pipeline():
        ledger.transfers_write(ctx, transfers=[new_hold(ctx, PartyId(uuid4()), 1)])


@pytest.mark.parametrize(
    "wrong",
    [
        {"amount_minor": 0},
        {"amount_minor": -1},
        {"amount_minor": 10**15 + 1},
        {"debit": REVENUE},
        {"debit": BANK},
        {"credit": prepaid(PartyId(uuid4()))},
        {"party_id": PartyId(uuid4())},
    ],
)
def test_a_transfer_that_makes_no_sense_is_a_bug_and_is_not_written(
    ctx: Ctx, wrong: dict[str, object]
) -> None:
    partner_id = partner_with(ctx, 1_000)

    with pytest.raises(ValueError, match="NewTransfer"):
        held(ctx, partner_id, **{"amount_minor": 100, **wrong})

    assert standing(ctx, prepaid(partner_id)) == (1_000, 0)


def test_what_has_no_limit_can_t_be_held(ctx: Ctx) -> None:
    supplier_id = PartyId(uuid4())
    payable = ledger.account_open(ctx, kind=AccountKind.SUPPLIER_PAYABLE, party_id=supplier_id)

    with pytest.raises(ValueError, match="NewTransfer"):
        ledger.transfers_write(
            ctx, transfers=[new_hold(ctx, supplier_id, 1, debit=payable, credit=BANK)]
        )


def test_accounts_without_a_limit_are_summed_from_their_transfers(ctx: Ctx) -> None:
    supplier_id = PartyId(uuid4())
    ledger.platform_accounts_open(ctx)
    payable = ledger.account_open(ctx, kind=AccountKind.SUPPLIER_PAYABLE, party_id=supplier_id)
    owed = replace(
        new_hold(ctx, supplier_id, 700), kind=TransferKind.DIRECT, debit=COST, credit=payable
    )
    paid = replace(
        new_hold(ctx, supplier_id, 250), kind=TransferKind.DIRECT, debit=payable, credit=BANK
    )

    ledger.transfers_write(ctx, transfers=[owed, paid])

    assert standing(ctx, payable) == (700 - 250, 0)
    assert standing(ctx, COST) == (700, 0)
    assert standing(ctx, BANK) == (-250, 0)


def test_a_kind_of_account_belongs_to_the_platform_or_to_a_party(ctx: Ctx) -> None:
    with pytest.raises(ValueError, match="partner_prepaid"):
        ledger.account_open(ctx, kind=AccountKind.PARTNER_PREPAID, party_id=SYSTEM_PARTY)
    with pytest.raises(ValueError, match="platform_bank"):
        ledger.account_open(ctx, kind=AccountKind.PLATFORM_BANK, party_id=PartyId(uuid4()))


def test_opening_an_account_again_keeps_what_stands_on_it(ctx: Ctx) -> None:
    partner_id = partner_with(ctx, 1_000)

    again = ledger.account_open(ctx, kind=AccountKind.PARTNER_PREPAID, party_id=partner_id)

    assert again == prepaid(partner_id)
    assert standing(ctx, again) == (1_000, 0)


def test_a_reference_pays_in_once_and_is_announced_once(ctx: Ctx) -> None:
    partner_id = partner_with(ctx, 0)

    first = ledger.top_up(ctx, partner_id=partner_id, amount_minor=5_000, reference="slip 7")
    again = ledger.top_up(ctx, partner_id=partner_id, amount_minor=5_000, reference="slip 7")

    assert (first.is_replay, again.is_replay) == (False, True)
    assert again == dataclasses.replace(first, is_replay=True)
    assert standing(ctx, prepaid(partner_id)) == (5_000, 0)
    assert standing(ctx, BANK)[0] == 5_000
    [event] = ctx.announced
    assert (event.type, event.party_id) == ("account.topped_up", partner_id)
    assert event.data == {
        "transfer_id": id_text("trf", first.transfer_id),
        "amount_minor": 5_000,
        "currency": "CNY",
        "reference": "slip 7",
        "posted_minor": 5_000,
        "available_minor": 5_000,
    }


def test_a_reference_with_another_amount_is_refused(ctx: Ctx) -> None:
    partner_id = partner_with(ctx, 5_000)

    with pytest.raises(ledger.TopUpReferenceReused) as refused:
        ledger.top_up(ctx, partner_id=partner_id, amount_minor=5_001, reference="first")

    assert refused.value.members["amount_minor"] == 5_000
    assert standing(ctx, prepaid(partner_id)) == (5_000, 0)


def test_two_partners_may_use_one_reference(ctx: Ctx) -> None:
    one, other = partner_with(ctx, 100), partner_with(ctx, 200)

    assert (standing(ctx, prepaid(one)), standing(ctx, prepaid(other))) == ((100, 0), (200, 0))


@pytest.mark.parametrize(
    ("amount_minor", "reference", "paths"),
    [
        (0, "x", ["/amount_minor"]),
        (-5, "x", ["/amount_minor"]),
        (ledger.TOP_UP_MINOR_MAX + 1, "x", ["/amount_minor"]),
        (1, "", ["/reference"]),
        (1, "x" * 101, ["/reference"]),
        (0, "a\x00b", ["/amount_minor", "/reference"]),
    ],
)
def test_a_top_up_out_of_bounds_names_each_field(
    ctx: Ctx, amount_minor: int, reference: str, paths: list[str]
) -> None:
    partner_id = partner_with(ctx, 0)

    with pytest.raises(InputInvalid) as refused:
        ledger.top_up(ctx, partner_id=partner_id, amount_minor=amount_minor, reference=reference)

    assert [field.path for field in refused.value.fields] == paths


def test_money_is_paid_in_only_to_an_account_and_only_by_the_operator(ctx: Ctx) -> None:
    with pytest.raises(NotFound):
        ledger.top_up(ctx, partner_id=PartyId(uuid4()), amount_minor=1, reference="x")
    partner_id = partner_with(ctx, 0)
    ctx.actor = Actor("partner", partner_id, "key_1", frozenset({"account:read"}))
    with pytest.raises(Forbidden):
        ledger.top_up(ctx, partner_id=partner_id, amount_minor=1, reference="x")


def test_a_statement_shows_both_columns_and_where_they_stood_after_each_entry(ctx: Ctx) -> None:
    partner_id = partner_with(ctx, 10_000)
    hold = held(ctx, partner_id, 3_000)
    ledger.holds_settle(ctx, settlements=[step(hold, 1_200), step(hold, 800, void_rest=True)])

    page = ledger.statement(
        ctx,
        party_id=partner_id,
        kind=AccountKind.PARTNER_PREPAID,
        from_at=START,
        to_at=END,
    )

    assert [(e.transfer.kind.value, e.posted_minor, e.held_minor) for e in page.entries] == [
        ("direct", 10_000, 0),
        ("hold", 0, 3_000),
        ("post", -1_200, -1_200),
        ("post", -800, -800),
        ("void", 0, -1_000),
    ]
    assert [(e.posted_after_minor, e.held_after_minor) for e in page.entries] == [
        (10_000, 0),
        (10_000, 3_000),
        (8_800, 1_800),
        (8_000, 1_000),
        (8_000, 0),
    ]
    assert page.opening == ledger.Standing(0, 0)
    assert page.closing == ledger.Standing(*standing(ctx, prepaid(partner_id)))
    assert page.next_cursor is None


def test_a_statement_of_the_platform_leaves_out_what_is_only_held_for_it(ctx: Ctx) -> None:
    for amount_minor in (1_000, 2_000):
        partner_id = partner_with(ctx, 10_000)
        hold = held(ctx, partner_id, amount_minor)
        ledger.holds_settle(ctx, settlements=[step(hold, 600, void_rest=True)])

    page = ledger.statement(
        ctx,
        party_id=SYSTEM_PARTY,
        kind=AccountKind.PLATFORM_REVENUE,
        from_at=START,
        to_at=END,
    )

    assert [(e.transfer.kind.value, e.posted_minor, e.held_minor) for e in page.entries] == [
        ("post", 600, 0),
        ("post", 600, 0),
    ]
    assert page.closing == ledger.Standing(1_200, 0)


def test_the_pages_of_a_statement_join_without_a_gap(begin: Begin) -> None:
    times = []
    with begin() as ctx:
        partner_id = partner_with(ctx, 10_000)
        times.append(ctx.now)
    for amount_minor in (100, 200, 300):
        with begin() as ctx:
            held(ctx, partner_id, amount_minor)
            held(ctx, partner_id, amount_minor)
            times.append(ctx.now)

    seen, cursor = [], None
    with begin() as ctx:
        for _ in range(3):
            page = ledger.statement(
                ctx,
                party_id=partner_id,
                kind=AccountKind.PARTNER_PREPAID,
                from_at=times[1],
                to_at=times[3],
                cursor=cursor,
                limit=3,
            )
            assert (page.opening, page.closing) == (
                ledger.Standing(10_000, 0),
                ledger.Standing(10_000, 2 * 100 + 2 * 200),
            )
            seen.append([(e.held_minor, e.held_after_minor) for e in page.entries])
            cursor = page.next_cursor
            if cursor is None:
                break

    assert seen == [[(100, 100), (100, 200), (200, 400)], [(200, 600)]]


def test_a_statement_that_is_turned_goes_on_with_what_it_began_with(begin: Begin) -> None:
    # Given two holds, a top-up and two holds; and a page of the holds alone that shows one
    with begin() as ctx:
        partner_id = partner_with(ctx, 10_000)
    for amount_minor in (100, 200, None, 300, 400):
        with begin() as ctx:
            if amount_minor is None:
                ledger.top_up(ctx, partner_id=partner_id, amount_minor=5_000, reference="more")
            else:
                held(ctx, partner_id, amount_minor)

    def page(cursor: str | None, limit: int) -> ledger.Statement:
        with begin() as ctx:
            return ledger.statement(
                ctx,
                party_id=partner_id,
                kind=AccountKind.PARTNER_PREPAID,
                from_at=START if cursor is None else END,
                to_at=END,
                purposes=["goods"],
                cursor=cursor,
                limit=limit,
            )

    first = page(None, 1)
    # When another hold comes, and the rest is read by pages of two whose period was left out
    with begin() as ctx:
        held(ctx, partner_id, 500)
    second = page(first.next_cursor, 2)
    third = page(second.next_cursor, 2)

    # Then each entry stands on all before it, the top-up included, which is not shown
    assert [
        (e.held_minor, e.posted_after_minor, e.held_after_minor)
        for shown in (first, second, third)
        for e in shown.entries
    ] == [
        (100, 10_000, 100),
        (200, 10_000, 300),
        (300, 15_000, 600),
        (400, 15_000, 1_000),
        (500, 15_000, 1_500),
    ]
    # And every page says what the first one summed
    assert first.closing == ledger.Standing(15_000, 1_000)
    for later in (second, third):
        assert (later.from_at, later.opening, later.totals, later.closing) == (
            first.from_at,
            first.opening,
            first.totals,
            first.closing,
        )
    assert third.next_cursor is None


MADE_UP = (
    (0, "0193c0de-0000-7000-8000-000000000001"),  # Another account.
    (1, ["2026-01-01T00:00:00"] * 2),
    (1, ["0001-01-01T00:00:00+23:59"] * 2),
    (2, [2**60, 0]),
    (2, [0]),
    (3, [["\ud800", 1, 1, 1]]),
    (4, [1, 2]),
    (5, None),
)


def test_a_cursor_that_was_made_up_is_refused(ctx: Ctx) -> None:
    partner_id = partner_with(ctx, 100)

    def read(cursor: str) -> ledger.Statement:
        return ledger.statement(
            ctx,
            party_id=partner_id,
            kind=AccountKind.PARTNER_PREPAID,
            from_at=START,
            to_at=END,
            cursor=cursor,
        )

    at = START.isoformat()
    key: list[object] = [
        str(prepaid(partner_id)),
        [at, END.isoformat()],
        [0, 0],
        [],
        [at, "0193c0de-0000-7000-8000-000000000002"],
        [0, 0],
    ]
    assert len(read(cursor_text(json.dumps(key))).entries) == 1
    wrong = [json.dumps([*key[:place], value, *key[place + 1 :]]) for place, value in MADE_UP]
    for text in (*wrong, "x", "[" * 2_000):
        with pytest.raises(CursorInvalid):
            read(cursor_text(text))
    with pytest.raises(CursorInvalid):
        read(base64.urlsafe_b64encode(b"[" * 3_000).decode())


def test_a_party_reads_its_own_statement_and_no_other(ctx: Ctx) -> None:
    own, other = partner_with(ctx, 100), partner_with(ctx, 200)
    ctx.actor = Actor("partner", own, "key_1", frozenset({"account:read"}))

    def read(party_id: PartyId) -> ledger.Statement:
        return ledger.statement(
            ctx,
            party_id=party_id,
            kind=AccountKind.PARTNER_PREPAID,
            from_at=START,
            to_at=END,
        )

    assert read(own).closing.posted_minor == 100
    with pytest.raises(Forbidden):
        read(other)
    ctx.actor = SYSTEM
    assert read(other).closing.posted_minor == 200
    with pytest.raises(NotFound):
        read(PartyId(uuid4()))


@pytest.mark.parametrize("table", ["transfer", "account", "top_up"])
@pytest.mark.parametrize(
    "statement", ["DELETE FROM ledger.{}", "UPDATE ledger.{} SET party_id = %b"]
)
def test_the_application_can_t_rewrite_the_books(begin: Begin, table: str, statement: str) -> None:
    with pytest.raises(pg.InsufficientPrivilege), begin() as ctx:
        ctx.db.run(statement.format(table), *([uuid4()] if "%b" in statement else []))
