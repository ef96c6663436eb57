"""The ledger's verbs."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final
from uuid import UUID

from msgspec.structs import replace

from weili.kit.context import SYSTEM_PARTY, Ctx, PartyId
from weili.kit.db import Asked
from weili.kit.ids import id_text, new_id
from weili.kit.money import AMOUNT_MINOR_MAX, CURRENCY
from weili.kit.problems import FieldProblem, InputInvalid, NotFound, Said, SandboxOnly
from weili.kit.tallies import Parts
from weili.modules.ledger import rules
from weili.modules.ledger.events import ACCOUNT_TOPPED_UP, BALANCE_LOW, BALANCE_SHORT
from weili.modules.ledger.model import (
    KIND_RULES,
    PURPOSE_TOP_UP,
    PURPOSE_WITHDRAWAL,
    REFERENCE_LENGTH_MAX,
    TOP_UP_MINOR_MAX,
    TRANSFER_PREFIX,
    Account,
    AccountId,
    AccountKind,
    Balance,
    Hold,
    NewTransfer,
    Settlement,
    Shortage,
    TopUp,
    TransferId,
    TransferKind,
    account_id,
)
from weili.modules.ledger.problems import ACCOUNT_WORD, TopUpReferenceReused
from weili.modules.ledger.store import books as store
from weili.modules.parties import PARTY_PREFIX

FLOOR_MINOR: Final = 0


def account_open(ctx: Ctx, *, kind: AccountKind, party_id: PartyId) -> AccountId:
    """Open a party's account of a kind; opening it again changes nothing.

    Raises: ValueError (a bug) when a party is to get a platform's account, or the reverse.
    """
    rule = KIND_RULES[kind]
    if rule.is_platform != (party_id == SYSTEM_PARTY):
        raise ValueError((kind, party_id))
    account = Account(
        account_id(kind, party_id), kind, party_id, rule.normal_side, CURRENCY, ctx.now
    )
    store.account_insert(ctx, account, floor_minor=FLOOR_MINOR if rule.is_limited else None)
    return account.id


def platform_accounts_open(ctx: Ctx) -> None:
    """Open the platform's own accounts; opening them again changes nothing."""
    for kind, rule in KIND_RULES.items():
        if rule.is_platform:
            account_open(ctx, kind=kind, party_id=SYSTEM_PARTY)


def balances_lock(ctx: Ctx, *, account_ids: Iterable[AccountId]) -> dict[AccountId, Balance]:
    """Lock running balances, in the order of their ids, until the transaction ends.

    An account without a limit, or not opened, has no running balance and is not in the answer.
    """
    return balances_lock_asked(ctx, account_ids=account_ids)()


def balances_lock_asked(
    ctx: Ctx, *, account_ids: Iterable[AccountId]
) -> Asked[dict[AccountId, Balance]]:
    """Asks what ``balances_lock`` gives, without waiting for it."""
    balances = store.balances_lock(ctx, list(account_ids))
    return lambda: {balance.account_id: balance for balance in balances()}


def balances_read(ctx: Ctx, *, account_ids: Sequence[AccountId]) -> dict[AccountId, Balance]:
    """Read balances without locking; those without a running row are summed from transfers.

    An account that was never opened is not in the answer.
    """
    balances = {balance.account_id: balance for balance in store.balances_read(ctx, account_ids)}
    summed = store.accounts_read(ctx, [i for i in account_ids if i not in balances])
    if summed:
        for balance in store.sums_read(ctx, summed):
            balances[balance.account_id] = balance
    return balances


def transfers_write(ctx: Ctx, *, transfers: Sequence[NewTransfer]) -> None:
    """Write transfers and move the running balances they touch: two statements for any number.

    The caller has locked those balances and decided; the floor's constraint is the last guard.
    Nothing is fetched, so it may stand in a pipeline.

    Raises: ValueError (a bug) for a transfer that ``rules.balance_moves`` does not understand.
    """
    if not transfers:
        return
    moves = rules.balance_moves(transfers)
    store.transfers_insert(ctx, transfers)
    if moves:
        store.balances_move(ctx, moves)


def holds_settle(ctx: Ctx, *, settlements: Sequence[Settlement]) -> list[NewTransfer]:
    """Post and void parts of holds, in order; gives what was written.

    A hold may be posted several times, a package at a time. It binds until it is voided: its
    ``expires_at`` is its owner's deadline to do so, and does not end it by itself.

    Raises: HoldUnknown, HoldExhausted; then nothing of the whole call is written.
    """
    parties = {settlement.party_id for settlement in settlements}
    # Two settlements of one hold meet at the lock on its account; what was posted of it is read
    # after, so the later one sees the earlier one's rows.
    balances_lock(
        ctx,
        account_ids=[
            account_id(kind, party_id)
            for kind, rule in KIND_RULES.items()
            if rule.is_limited
            for party_id in parties
        ],
    )
    hold_ids = {settlement.hold_id for settlement in settlements}
    holds = store.holds_read(ctx, list(hold_ids), list(parties))
    transfers = rules.settle(
        {hold.id: hold for hold in holds},
        settlements,
        make_id=lambda: TransferId(new_id(ctx.now)),
    )
    transfers_write(ctx, transfers=transfers)
    return transfers


def holds_open(ctx: Ctx, *, subjects: Sequence[str]) -> list[Hold]:
    """Give the holds of some subjects of which something is still set aside, oldest first."""
    return [hold for hold in store.holds_of(ctx, subjects) if hold.remaining_minor > 0]


def holds_remaining(ctx: Ctx) -> Parts[UUID]:
    """Say what every open hold of trade still sets aside, to be held against the open orders."""
    return store.holds_remaining(ctx, besides=PURPOSE_WITHDRAWAL)


def holds_posted(ctx: Ctx) -> Parts[UUID]:
    """Say what was taken of every hold of trade, to be held against what has shipped."""
    return store.holds_posted(ctx, besides=PURPOSE_WITHDRAWAL)


def credits_of(ctx: Ctx, *, purpose: str, kind: AccountKind) -> Parts[str]:
    """Say what was credited outright for a purpose: subject, of whose account of a kind, fen."""
    return store.credits_of(ctx, purpose, kind)


def credits_for(ctx: Ctx, *, purpose: str) -> dict[tuple[str, AccountId], int]:
    """Give what was credited outright for a purpose, by subject and account."""
    return {
        (subject, account): amount_minor
        for subject, account, amount_minor in store.credits_for(ctx, purpose)
    }


def alarm_set(ctx: Ctx, *, partner_id: PartyId, alarm_minor: int | None) -> Balance:
    """Set below what a partner wants to be told that its balance is low; None for never.

    Where it is lower already, that is told at once: the alarm has come to the balance.

    Raises: Forbidden; InputInvalid; NotFound (no such account).
    """
    ctx.require("account:write" if partner_id == ctx.actor.party_id else "admin:money")
    if alarm_minor is not None and not 0 <= alarm_minor <= AMOUNT_MINOR_MAX:
        expected = Said(
            f"a whole number of fen from 0 to {AMOUNT_MINOR_MAX}",
            f"0 至 {AMOUNT_MINOR_MAX} 的整数（分）",
        )
        raise InputInvalid(fields=(FieldProblem("/alarm_minor", "out_of_bounds", expected),))
    prepaid = account_id(AccountKind.PARTNER_PREPAID, partner_id)
    before = balances_lock(ctx, account_ids=[prepaid]).get(prepaid)
    if before is None:
        raise NotFound(what=ACCOUNT_WORD, id=AccountKind.PARTNER_PREPAID.value)
    store.alarm_set(ctx, prepaid, alarm_minor)
    after = replace(before, alarm_minor=alarm_minor)
    if after.is_low and not before.is_low:
        low_announce(ctx, after)
    return after


def alarm_ring(ctx: Ctx, *, before: Balance, after: Balance) -> None:
    """Tell a partner whose balance a transaction has brought below the alarm from above it.

    Both are balances of rows that are locked, before the transaction's first change and after
    its last: so each fall is told once, and one that is undone on the way is none. The alarm
    comes with the lock and the message leaves with the transaction's others; neither costs a
    statement, which is why this is not the work of a job.
    """
    if after.is_low and not before.is_low:
        low_announce(ctx, after)


def low_announce(ctx: Ctx, balance: Balance) -> None:
    """Announce that a balance is low; for whoever has seen it cross its alarm."""
    ctx.announce(
        BALANCE_LOW,
        party_id=balance.party_id,
        subject=id_text(PARTY_PREFIX, balance.party_id),
        data={
            "available_minor": balance.available_minor,
            "alarm_minor": balance.alarm_minor,
            "currency": CURRENCY,
        },
    )


def shortages_tell(ctx: Ctx, *, shortages: Mapping[PartyId, Shortage]) -> None:
    """Tell partners of what was refused to them for want of funds, once for each fall.

    The balances are locked by whoever decided. That a partner was told is kept beside its balance
    until that covers what was needed: the update that moves it sees to that, and so orders that
    are paid cost nothing more.
    """
    needed = {
        account_id(AccountKind.PARTNER_PREPAID, partner_id): shortage.needed_minor
        for partner_id, shortage in shortages.items()
    }
    for partner_id in sorted(store.shortages_mark(ctx, needed)):
        shortage = shortages[partner_id]
        ctx.announce(
            BALANCE_SHORT,
            party_id=partner_id,
            subject=id_text(PARTY_PREFIX, partner_id),
            data={
                "number": shortage.number,
                "needed_minor": shortage.needed_minor,
                "available_minor": shortage.available_minor,
                "currency": CURRENCY,
            },
        )


def top_up(ctx: Ctx, *, partner_id: PartyId, amount_minor: int, reference: str) -> TopUp:
    """Pay money into a partner's prepaid account at once, once for each reference.

    A sandbox's short way: in the live world money comes in by a deposit, which a second person
    approves.

    Raises: SandboxOnly, in the live world; InputInvalid (bounds); NotFound (no such account);
    TopUpReferenceReused (the reference came before with another amount).
    """
    ctx.require("admin:money")
    if not ctx.is_sandbox:
        raise SandboxOnly
    return top_up_write(ctx, partner_id=partner_id, amount_minor=amount_minor, reference=reference)


def top_up_write(ctx: Ctx, *, partner_id: PartyId, amount_minor: int, reference: str) -> TopUp:
    """Pay in what somebody has approved, once for each reference; stays inside the ledger.

    Raises: InputInvalid; NotFound; TopUpReferenceReused.
    """
    _check_top_up(amount_minor, reference)
    prepaid = account_id(AccountKind.PARTNER_PREPAID, partner_id)
    # The balance's lock comes first: two requests with one reference then follow each other, and
    # the second finds what the first wrote.
    balance = balances_lock(ctx, account_ids=[prepaid]).get(prepaid)
    if balance is None:
        raise NotFound(what=ACCOUNT_WORD, id=AccountKind.PARTNER_PREPAID.value)
    before = store.top_up_find(ctx, partner_id, reference)
    if before is not None:
        if before.amount_minor != amount_minor:
            raise TopUpReferenceReused(
                reference=reference,
                amount_minor=before.amount_minor,
                asked_minor=amount_minor,
            )
        return before
    made = TopUp(
        TransferId(new_id(ctx.now)), partner_id, amount_minor, reference, ctx.now, is_replay=False
    )
    transfer = NewTransfer(
        id=made.transfer_id,
        party_id=partner_id,
        kind=TransferKind.DIRECT,
        debit=account_id(AccountKind.PLATFORM_BANK, SYSTEM_PARTY),
        credit=prepaid,
        amount_minor=amount_minor,
        purpose=PURPOSE_TOP_UP,
        subject=reference,
    )
    transfers_write(ctx, transfers=[transfer])
    store.top_up_insert(ctx, made)
    _announce_top_up(ctx, made, balance.moved(posted_minor=amount_minor))
    return made


def _check_top_up(amount_minor: int, reference: str) -> None:
    fields = []
    if not 1 <= amount_minor <= TOP_UP_MINOR_MAX:
        expected = Said(
            f"a whole number of fen from 1 to {TOP_UP_MINOR_MAX}",
            f"1 至 {TOP_UP_MINOR_MAX} 的整数（分）",
        )
        fields.append(FieldProblem("/amount_minor", "out_of_bounds", expected))
    if not 1 <= len(reference) <= REFERENCE_LENGTH_MAX or not reference.isprintable():
        expected = Said(
            f"1 to {REFERENCE_LENGTH_MAX} printable characters",
            f"1 至 {REFERENCE_LENGTH_MAX} 个可见字符",
        )
        fields.append(FieldProblem("/reference", "malformed", expected))
    if fields:
        raise InputInvalid(fields=tuple(fields))


def _announce_top_up(ctx: Ctx, made: TopUp, after: Balance) -> None:
    written_id = id_text(TRANSFER_PREFIX, made.transfer_id)
    ctx.announce(
        ACCOUNT_TOPPED_UP,
        party_id=made.partner_id,
        subject=written_id,
        data={
            "transfer_id": written_id,
            "amount_minor": made.amount_minor,
            "currency": CURRENCY,
            "reference": made.reference,
            "posted_minor": after.posted_minor,
            "available_minor": after.available_minor,
        },
    )
