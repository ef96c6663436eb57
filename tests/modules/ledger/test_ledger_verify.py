"""Each broken book is found, named, and comes with a repair; sound books give no finding."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest
from msgspec.structs import replace

from weili.kit.context import SYSTEM_PARTY, Ctx, PartyId
from weili.kit.ids import id_text, new_id
from weili.kit.zone import day_of
from weili.modules import ledger
from weili.modules.ledger import AccountKind, NewTransfer, Settlement, TransferKind

BANK = ledger.account_id(AccountKind.PLATFORM_BANK, SYSTEM_PARTY)
REVENUE = ledger.account_id(AccountKind.PLATFORM_REVENUE, SYSTEM_PARTY)


@dataclass(frozen=True)
class Books:
    """A partner with 1,000 fen, of which 300 are held and 100 of these posted."""

    partner_id: PartyId
    prepaid: ledger.AccountId
    hold: NewTransfer


@pytest.fixture
def books(ctx: Ctx) -> Books:
    ledger.platform_accounts_open(ctx)
    partner_id = PartyId(uuid4())
    prepaid = ledger.account_open(ctx, kind=AccountKind.PARTNER_PREPAID, party_id=partner_id)
    ledger.top_up(ctx, partner_id=partner_id, amount_minor=1_000, reference="slip")
    hold = NewTransfer(
        id=ledger.TransferId(new_id(ctx.now)),
        party_id=partner_id,
        kind=TransferKind.HOLD,
        debit=prepaid,
        credit=REVENUE,
        amount_minor=300,
        purpose="goods",
        subject="ord_1",
        expires_at=ctx.now,
    )
    ledger.transfers_write(ctx, transfers=[hold])
    ledger.holds_settle(
        ctx, settlements=[Settlement(hold.id, partner_id, 100, False, "pkg_1", "goods")]
    )
    assert list(ledger.verify(ctx)) == []
    return Books(partner_id, prepaid, hold)


def as_owner(ctx: Ctx) -> None:
    """Do what the application's role can't, until the transaction is rolled back."""
    ctx.db.run("SET LOCAL ROLE none")


def smuggle(
    ctx: Ctx,
    books: Books,
    kind: str,
    accounts: tuple[UUID, UUID],
    amount_minor: int,
    *,
    hold_id: UUID | None = None,
    purpose: str = "goods",
) -> str:
    """Write a transfer past the ledger's verbs."""
    transfer_id = new_id(ctx.now)
    ctx.db.run(
        "INSERT INTO ledger.transfer VALUES"
        " (%b, %b, %b, %b, %b, %b, %b, 'CNY', %b, 'ord_1', %b, NULL)",
        transfer_id,
        books.partner_id,
        kind,
        hold_id,
        *accounts,
        amount_minor,
        purpose,
        ctx.now,
    )
    return f"transfer {id_text('trf', transfer_id)}"


def checks(ctx: Ctx) -> dict[str, str]:
    findings = list(ledger.verify(ctx))
    assert all(finding.repair for finding in findings)
    return {finding.check: finding.where for finding in findings}


def test_a_running_balance_that_is_not_the_sum_of_its_transfers(ctx: Ctx, books: Books) -> None:
    ctx.db.run("UPDATE ledger.balance SET posted_minor = posted_minor + 1")

    [finding] = ledger.verify(ctx)

    assert finding.check == "ledger_balance_drifted"
    assert finding.where == f"account {books.prepaid}"
    assert finding.what == (
        "the running balance says 901 posted and 200 held; its transfers sum to 900 and 200"
    )


def test_a_balance_below_its_floor(ctx: Ctx, books: Books) -> None:
    as_owner(ctx)
    ctx.db.run("ALTER TABLE ledger.balance DROP CONSTRAINT ck_balance_floor")
    ctx.db.run("UPDATE ledger.balance SET floor_minor = 701")

    assert checks(ctx) == {"ledger_balance_below_floor": f"account {books.prepaid}"}


def test_an_account_with_a_limit_but_no_running_balance(ctx: Ctx, books: Books) -> None:
    as_owner(ctx)
    ctx.db.run("DELETE FROM ledger.balance")

    assert checks(ctx) == {"ledger_balance_missing": f"account {books.prepaid}"}


def test_a_hold_of_which_more_was_settled_than_held(ctx: Ctx, books: Books) -> None:
    smuggle(ctx, books, "post", (books.prepaid, REVENUE), 201, hold_id=books.hold.id)
    ctx.db.run("UPDATE ledger.balance SET posted_minor = posted_minor - 201, held_minor = 0")

    found = checks(ctx)

    assert found["ledger_hold_overrun"] == f"transfer {id_text('trf', books.hold.id)}"
    assert found["ledger_balance_drifted"] == f"account {books.prepaid}"  # -1 held can't be kept


@pytest.mark.parametrize(("later", "found"), [(59, 0), (60, 0), (61, 1)])
def test_a_hold_that_is_open_an_hour_past_its_expiry(
    ctx: Ctx, books: Books, later: int, found: int
) -> None:
    ctx.now = _later(ctx.now, later)

    findings = list(ledger.verify(ctx))

    assert len(findings) == found
    assert all(f.check == "ledger_hold_overdue" and "200 are" in f.what for f in findings)


def _later(now: datetime, minutes: int) -> datetime:
    return now + timedelta(minutes=minutes)


def test_a_hold_that_was_settled_in_full_is_never_overdue(ctx: Ctx, books: Books) -> None:
    ledger.holds_settle(
        ctx, settlements=[Settlement(books.hold.id, books.partner_id, 0, True, "ord_1", "goods")]
    )
    ctx.now = _later(ctx.now, 600)

    assert checks(ctx) == {}


def test_a_post_that_names_other_accounts_than_its_hold(ctx: Ctx, books: Books) -> None:
    where = smuggle(ctx, books, "post", (books.prepaid, BANK), 50, hold_id=books.hold.id)
    ctx.db.run("UPDATE ledger.balance SET posted_minor = 850, held_minor = 150")

    assert checks(ctx) == {"ledger_settlement_mismatched": where}


def test_a_transfer_with_an_account_that_was_never_opened(ctx: Ctx, books: Books) -> None:
    where = smuggle(ctx, books, "direct", (books.prepaid, uuid4()), 50)
    ctx.db.run("UPDATE ledger.balance SET posted_minor = 850")

    assert checks(ctx) == {
        "ledger_transfer_misplaced": where,
        "ledger_sum_not_zero": "all accounts",
    }


def test_a_transfer_that_is_not_its_party_s(ctx: Ctx, books: Books) -> None:
    where = smuggle(ctx, books, "direct", (BANK, REVENUE), 50)

    assert checks(ctx) == {"ledger_transfer_misplaced": where}


def test_a_top_up_without_its_reference(ctx: Ctx, books: Books) -> None:
    where = smuggle(ctx, books, "direct", (BANK, books.prepaid), 50, purpose="top_up")
    ctx.db.run("UPDATE ledger.balance SET posted_minor = 950")

    assert checks(ctx) == {"ledger_top_up_unmatched": where}


def test_books_of_several_parties_that_were_kept_by_the_verbs_are_sound(
    ctx: Ctx, books: Books
) -> None:
    supplier_id = PartyId(uuid4())
    payable = ledger.account_open(ctx, kind=AccountKind.SUPPLIER_PAYABLE, party_id=supplier_id)
    cost = ledger.account_id(AccountKind.PLATFORM_COST, SYSTEM_PARTY)
    owed = replace(
        books.hold,
        id=ledger.TransferId(new_id(ctx.now)),
        party_id=supplier_id,
        kind=TransferKind.DIRECT,
        debit=cost,
        credit=payable,
        expires_at=None,
    )

    ledger.transfers_write(ctx, transfers=[owed])

    assert checks(ctx) == {}


def test_a_closed_month_that_its_entries_do_not_come_to_is_found(ctx: Ctx, books: Books) -> None:
    # Given a month that was closed with 1,000 paid in and 100 taken, and says 901 now
    now = ctx.now
    ctx.now = now + timedelta(days=32)
    assert ledger.month_close(ctx, month_on=day_of(now)).left == 0
    ctx.now = now
    assert list(ledger.verify(ctx)) == []
    as_owner(ctx)
    ctx.db.run(
        "UPDATE ledger.month_close SET closing_posted_minor = closing_posted_minor + 1,"
        " moved_posted_minor = moved_posted_minor + 1 WHERE account_id = %b",
        books.prepaid,
    )
    # Then it is found, with both sums
    [finding] = ledger.verify(ctx)
    assert finding.check == "ledger_month_drifted"
    assert "was closed at 901; its entries until then sum to 900" in finding.what
