"""SQL of the books. The first part is hot and prepared; the second is read now and then."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pgt

from weili.kit.context import SYSTEM_PARTY, Ctx, PartyId
from weili.kit.db import Asked
from weili.kit.money import CURRENCY
from weili.kit.tallies import Hashed, Parts
from weili.modules.ledger import tables
from weili.modules.ledger.model import (
    Account,
    AccountId,
    AccountKind,
    Balance,
    Hold,
    NewTransfer,
    Side,
    Standing,
    TopUp,
    Transfer,
    TransferId,
    TransferKind,
)
from weili.modules.ledger.rules import HELD_SIGN, POSTED_SIGN

FINDINGS_MAX: Final = 100
"""Of one sort: who has more than this broken looks at the first ones and asks again."""

_t: Final = tables.transfer.c
_SIGN_BY_KIND: Final = {kind.value: sign for kind, sign in POSTED_SIGN.items()}
_HELD_BY_KIND: Final = {kind.value: sign for kind, sign in HELD_SIGN.items()}


def transfers_insert(ctx: Ctx, transfers: Sequence[NewTransfer]) -> None:
    """Write transfers, as one statement that fetches nothing."""
    ctx.db.run(
        "INSERT INTO ledger.transfer (id, party_id, kind, hold_id, debit_account_id,"
        "  credit_account_id, amount_minor, currency, purpose, subject, occurred_at, expires_at)"
        " SELECT i, p, k, h, d, c, a, %b, u, s, %b, e FROM unnest(%b::uuid[], %b::uuid[],"
        "  %b::text[], %b::uuid[], %b::uuid[], %b::uuid[], %b::bigint[], %b::text[],"
        "  %b::text[], %b::timestamptz[]) AS x (i, p, k, h, d, c, a, u, s, e)",
        CURRENCY,
        ctx.now,
        [t.id for t in transfers],
        [t.party_id for t in transfers],
        [t.kind.value for t in transfers],
        [t.hold_id for t in transfers],
        [t.debit for t in transfers],
        [t.credit for t in transfers],
        [t.amount_minor for t in transfers],
        [t.purpose for t in transfers],
        [t.subject for t in transfers],
        [t.expires_at for t in transfers],
    )


def balances_move(ctx: Ctx, moves: Mapping[AccountId, tuple[int, int]]) -> None:
    """Change running balances, as one statement whose result nobody waits for.

    An account with a limit but without its row would let money move unseen. In a pipeline there
    is no row count to look at, so the statement itself fails then, by dividing by zero.

    A balance that covers what it was short of is no longer marked as told of.
    """
    ctx.db.run(
        "WITH moved AS (UPDATE ledger.balance b SET posted_minor = b.posted_minor + m.posted,"
        "  held_minor = b.held_minor + m.held, short_minor = CASE WHEN b.short_minor"
        "   > b.posted_minor + m.posted - b.held_minor - m.held - b.floor_minor"
        "   THEN b.short_minor END"
        "  FROM unnest(%b::uuid[], %b::bigint[], %b::bigint[]) AS m (account_id, posted, held)"
        "  WHERE b.account_id = m.account_id RETURNING 1)"
        " SELECT 1 / (count(*) = %b)::int FROM moved",
        list(moves),
        [posted for posted, _ in moves.values()],
        [held for _, held in moves.values()],
        len(moves),
    )


def balances_lock(ctx: Ctx, account_ids: Sequence[AccountId]) -> Asked[list[Balance]]:
    """Lock running balances in the order of their ids."""
    rows = ctx.db.ask(
        "SELECT account_id, party_id, posted_minor, held_minor, floor_minor, alarm_minor"
        " FROM ledger.balance WHERE account_id = ANY (%b::uuid[])"
        " ORDER BY account_id FOR UPDATE",
        sorted(account_ids),
    )
    return lambda: [Balance(*row) for row in rows()]


def shortages_mark(ctx: Ctx, needed: Mapping[AccountId, int]) -> set[PartyId]:
    """Mark balances as told of being short, by what was needed; gives the parties not told yet.

    The least that was refused marks the fall, or one order that is far too large would keep the
    partner from being told of the next.
    """
    rows = ctx.db.rows(
        "WITH m AS (SELECT * FROM unnest(%b::uuid[], %b::bigint[]) AS m (account_id, needed)),"
        " lowered AS (UPDATE ledger.balance b SET short_minor = m.needed FROM m"
        "  WHERE b.account_id = m.account_id AND b.short_minor > m.needed)"
        " UPDATE ledger.balance b SET short_minor = m.needed FROM m"
        "  WHERE b.account_id = m.account_id AND b.short_minor IS NULL RETURNING b.party_id",
        list(needed),
        list(needed.values()),
    )
    return {party_id for (party_id,) in rows}


def holds_read(
    ctx: Ctx, hold_ids: Sequence[TransferId], party_ids: Sequence[PartyId]
) -> list[Hold]:
    """Read holds with what was posted and voided of each; an id of another kind has no answer.

    The kind is looked at here and not in the statement: on stale statistics the planner would
    rather walk the whole partial index of holds than the primary key.
    """
    rows = ctx.db.rows(
        "SELECT h.kind, h.id, h.party_id, h.debit_account_id, h.credit_account_id, h.amount_minor,"
        "  coalesce(sum(s.amount_minor) FILTER (WHERE s.kind = 'post'), 0)::bigint,"
        "  coalesce(sum(s.amount_minor) FILTER (WHERE s.kind = 'void'), 0)::bigint,"
        "  h.purpose, h.subject, h.expires_at"
        " FROM ledger.transfer h"
        " LEFT JOIN ledger.transfer s ON s.hold_id = h.id AND s.party_id = h.party_id"
        " WHERE h.id = ANY (%b::uuid[]) AND h.party_id = ANY (%b::uuid[])"
        " GROUP BY h.id, h.party_id",
        list(hold_ids),
        list(party_ids),
    )
    return [Hold(*row[1:]) for row in rows if row[0] == TransferKind.HOLD]


def holds_of(ctx: Ctx, subjects: Sequence[str]) -> list[Hold]:
    """Read the holds of some subjects, oldest first."""
    rows = ctx.db.rows(
        "SELECT id, party_id FROM ledger.transfer"
        " WHERE kind = 'hold' AND subject = ANY (%b::text[])",
        list(subjects),
    )
    holds = holds_read(ctx, [row[0] for row in rows], list({row[1] for row in rows}))
    return sorted(holds, key=lambda hold: hold.id)


def holds_remaining(ctx: Ctx, *, besides: str) -> Parts[UUID]:
    """Say of which holds something is left: hold, of its party, left; but for one purpose's."""
    return Parts(
        ctx,
        "SELECT coalesce(hold_id, id) AS key, party_id AS of,"
        " CASE kind WHEN 'hold' THEN amount_minor ELSE -amount_minor END AS value"
        " FROM ledger.transfer WHERE kind <> 'direct' AND purpose <> %b",
        (besides,),
    )


def holds_posted(ctx: Ctx, *, besides: str) -> Parts[UUID]:
    """Say what was taken of holds: hold, of its party, posted; but for one purpose's."""
    return Parts(
        ctx,
        "SELECT hold_id AS key, party_id AS of, amount_minor AS value"
        " FROM ledger.transfer WHERE kind = 'post' AND purpose <> %b",
        (besides,),
    )


def credits_of(ctx: Ctx, purpose: str, kind: AccountKind) -> Parts[str]:
    """Sum what was credited for a purpose: subject, of the party whose account it is, fen.

    What another kind of account was credited is of the account itself, which is no party.
    """
    return Parts(
        ctx,
        "SELECT t.subject AS key, CASE WHEN a.kind = %b THEN a.party_id"
        "  ELSE t.credit_account_id END AS of, t.amount_minor AS value"
        " FROM ledger.transfer t LEFT JOIN ledger.account a ON a.id = t.credit_account_id"
        " WHERE t.kind = 'direct' AND t.purpose = %b",
        (kind.value, purpose),
        Hashed.TEXT,
    )


def credits_for(ctx: Ctx, purpose: str) -> list[tuple[str, AccountId, int]]:
    """Sum what was credited for a purpose: (subject, account, fen). Reads the whole ledger."""
    return ctx.db.rows(
        "SELECT subject, credit_account_id, sum(amount_minor)::bigint FROM ledger.transfer"
        " WHERE kind = 'direct' AND purpose = %b GROUP BY subject, credit_account_id",
        purpose,
    )


def account_insert(ctx: Ctx, account: Account, *, floor_minor: int | None) -> None:
    """Open an account, and its running balance where it has a limit; once."""
    ctx.db.sa.execute(
        pgt.insert(tables.account)
        .values(
            id=account.id,
            party_id=account.party_id,
            kind=account.kind.value,
            normal_side=account.normal_side.value,
            currency=account.currency,
            created_at=account.created_at,
        )
        .on_conflict_do_nothing()
    )
    if floor_minor is not None:
        ctx.db.sa.execute(
            pgt.insert(tables.balance)
            .values(
                account_id=account.id,
                party_id=account.party_id,
                posted_minor=0,
                held_minor=0,
                floor_minor=floor_minor,
            )
            .on_conflict_do_nothing()
        )


def accounts_read(ctx: Ctx, account_ids: Sequence[AccountId]) -> list[Account]:
    """Read accounts in the order of their ids."""
    a = tables.account.c
    rows = ctx.db.sa.execute(
        sa.select(a.id, a.kind, a.party_id, a.normal_side, a.currency, a.created_at)
        .where(a.id.in_(account_ids))
        .order_by(a.id)
    )
    return [
        Account(row.id, AccountKind(row.kind), row.party_id, Side(row.normal_side), *row[4:])
        for row in rows
    ]


def balances_read(ctx: Ctx, account_ids: Sequence[AccountId]) -> list[Balance]:
    """Read running balances without locking them."""
    b = tables.balance.c
    rows = ctx.db.sa.execute(
        sa.select(
            b.account_id,
            b.party_id,
            b.posted_minor,
            b.held_minor,
            b.floor_minor,
            b.alarm_minor,
        ).where(b.account_id.in_(account_ids))
    )
    return [Balance(*row) for row in rows]


def sums_read(ctx: Ctx, accounts: Sequence[Account]) -> list[Balance]:
    """Sum accounts' balances from their transfers.

    A party's account is summed over the party's own transfers; a platform's over everybody's.
    """
    parties = {account.party_id for account in accounts}
    found = ctx.db.sa.execute(
        _sums(_pairs(None if SYSTEM_PARTY in parties else parties)).where(
            tables.account.c.id.in_([account.id for account in accounts])
        )
    )
    return [Balance(*row) for row in found]


def _pairs(parties: set[PartyId] | None) -> sa.CTE:
    """Sum all transfers of some parties between the same two accounts.

    There are few pairs of accounts and millions of transfers: these are gone over once.
    """
    by = _t.party_id, _t.debit_account_id, _t.credit_account_id, _t.currency, _t.kind
    summed = sa.select(*by, total(_t.amount_minor).label("amount_minor"))
    if parties is not None:
        summed = summed.where(_t.party_id.in_(parties))
    return summed.group_by(*by).cte("pair")


def _sums(pairs: sa.CTE) -> sa.Select[Any]:
    """Select (account id, party id, posted, held) of every account, from transfers."""
    legs = sa.union_all(*(_leg(side, pairs) for side in Side)).subquery("leg")
    account = tables.account
    raises = legs.c.side == account.c.normal_side
    posted, held = effects(raises, legs.c.kind, legs.c.amount_minor)
    return (
        sa.select(
            account.c.id,
            account.c.party_id,
            total(posted).label("posted_minor"),
            total(held).label("held_minor"),
        )
        .select_from(account.outerjoin(legs, legs.c.account_id == account.c.id))
        .group_by(account.c.id, account.c.party_id)
    )


def _leg(side: Side, pairs: sa.CTE) -> sa.Select[Any]:
    """Select one side of the pairs."""
    pair = pairs.c
    account_id = pair.debit_account_id if side is Side.DEBIT else pair.credit_account_id
    return sa.select(
        account_id.label("account_id"),
        sa.literal(side.value, sa.Text).label("side"),
        pair.kind,
        pair.amount_minor,
    )


def effects(
    raises: sa.ColumnElement[bool],
    kind: sa.ColumnElement[str],
    amount_minor: sa.ColumnElement[int],
) -> tuple[sa.ColumnElement[int], sa.ColumnElement[int]]:
    """Say ``rules.effect`` in SQL, from the same two tables of signs."""
    posted = amount_minor * sa.case(_SIGN_BY_KIND, value=kind)
    held = amount_minor * sa.case(_HELD_BY_KIND, value=kind)
    return sa.case((raises, posted), else_=-posted), sa.case((raises, 0), else_=held)


def total(amount: sa.ColumnElement[int]) -> sa.ColumnElement[int]:
    """Sum as a bigint: PostgreSQL sums those as numeric."""
    return sa.cast(sa.func.coalesce(sa.func.sum(amount), 0), sa.BigInteger)


def transfer_find(ctx: Ctx, party_id: PartyId, transfer_id: TransferId) -> Transfer | None:
    """Find a transfer of a party's."""
    row = ctx.db.sa.execute(
        sa.select(tables.transfer).where(_t.id == transfer_id, _t.party_id == party_id)
    ).one_or_none()
    return None if row is None else transfer_of(row)


def alarm_set(ctx: Ctx, account_id: AccountId, alarm_minor: int | None) -> None:
    """Set below what an account's party is told that it runs low."""
    ctx.db.run(
        "UPDATE ledger.balance SET alarm_minor = %b::bigint WHERE account_id = %b",
        alarm_minor,
        account_id,
    )


def transfer_of(row: sa.Row[Any]) -> Transfer:
    """Read a row of the table back."""
    return Transfer(
        id=row.id,
        party_id=row.party_id,
        kind=TransferKind(row.kind),
        hold_id=row.hold_id,
        debit=row.debit_account_id,
        credit=row.credit_account_id,
        amount_minor=row.amount_minor,
        currency=row.currency,
        purpose=row.purpose,
        subject=row.subject,
        occurred_at=row.occurred_at,
        expires_at=row.expires_at,
    )


def top_up_find(ctx: Ctx, partner_id: PartyId, reference: str) -> TopUp | None:
    """Find what was paid in under a reference."""
    u = tables.top_up.c
    row = ctx.db.sa.execute(
        sa.select(u.transfer_id, u.party_id, u.amount_minor, u.reference, u.occurred_at).where(
            u.party_id == partner_id, u.reference == reference
        )
    ).one_or_none()
    return None if row is None else TopUp(*row, is_replay=True)


def top_up_insert(ctx: Ctx, top_up: TopUp) -> None:
    """Write down that a reference has been used."""
    ctx.db.sa.execute(
        sa.insert(tables.top_up).values(
            party_id=top_up.partner_id,
            reference=top_up.reference,
            transfer_id=top_up.transfer_id,
            amount_minor=top_up.amount_minor,
            occurred_at=top_up.occurred_at,
        )
    )


class Summed(NamedTuple):
    """What all transfers sum to, against what is said elsewhere."""

    drifted: list[tuple[AccountId, Standing, Standing]]
    """Running balances that are not the sum of their transfers: (account, row, sum)."""
    debit_minor: int
    credit_minor: int
    """The balances of all accounts, by normal side."""
    is_misplaced: bool
    """Whether some transfer's accounts are not in order: see ``misplaced_read``."""


def summed_read(ctx: Ctx) -> Summed:
    """Sum every account's transfers; all that this tells is found in going over them once."""
    pairs = _pairs(None)
    sums = _sums(pairs).cte("sums").c
    b, a = tables.balance.c, tables.account.c
    drifted = (
        sa.select(b.account_id, b.posted_minor, b.held_minor, sums.posted_minor, sums.held_minor)
        .where(
            b.account_id == sums.id,
            sa.or_(b.posted_minor != sums.posted_minor, b.held_minor != sums.held_minor),
        )
        .order_by(b.account_id)
        .limit(FINDINGS_MAX)
        .subquery("drifted")
    )
    is_debit = a.normal_side == Side.DEBIT.value
    misplaced = sa.select(sa.func.count()).select_from(_misplaced(pairs)).scalar_subquery()
    trial = sa.select(
        sa.null(),
        total(sa.case((is_debit, sums.posted_minor), else_=0)),
        total(sa.case((is_debit, 0), else_=sums.posted_minor)),
        misplaced,
        sa.null(),
    ).where(a.id == sums.id)
    rows = ctx.db.sa.execute(sa.union_all(sa.select(drifted), trial)).all()
    [(_, debit_minor, credit_minor, misplaced_count, _)] = [row for row in rows if row[0] is None]
    return Summed(
        sorted(
            (row[0], Standing(*row[1:3]), Standing(*row[3:5])) for row in rows if row[0] is not None
        ),
        debit_minor,
        credit_minor,
        bool(misplaced_count),
    )


def _misplaced(pairs: sa.CTE) -> sa.Subquery:
    """Select the pairs of which ``misplaced_read`` finds transfers."""
    debit, credit = tables.account.alias("debit"), tables.account.alias("credit")
    pair, d, c = pairs.c, debit.c, credit.c
    return (
        sa.select(pair.party_id)
        .select_from(
            pairs.outerjoin(debit, d.id == pair.debit_account_id).outerjoin(
                credit, c.id == pair.credit_account_id
            )
        )
        .where(
            sa.or_(
                d.id.is_(None),
                c.id.is_(None),
                d.currency != pair.currency,
                c.currency != pair.currency,
                pair.party_id.not_in([d.party_id, c.party_id]),
            )
        )
        .subquery("misplaced")
    )


def below_floor_read(ctx: Ctx) -> list[Balance]:
    """Find balances that the constraints should have refused."""
    rows = ctx.db.rows(
        "SELECT account_id, party_id, posted_minor, held_minor, floor_minor"
        " FROM ledger.balance WHERE held_minor < 0 OR posted_minor - held_minor < floor_minor"
        " ORDER BY account_id LIMIT %b",
        FINDINGS_MAX,
    )
    return [Balance(*row) for row in rows]


def without_balance_read(ctx: Ctx, kinds: Sequence[AccountKind]) -> list[AccountId]:
    """Find accounts with a limit that have no running balance."""
    rows = ctx.db.rows(
        "SELECT id FROM ledger.account a WHERE kind = ANY (%b::text[])"
        " AND NOT EXISTS (SELECT FROM ledger.balance b WHERE b.account_id = a.id)"
        " ORDER BY id LIMIT %b",
        [kind.value for kind in kinds],
        FINDINGS_MAX,
    )
    return [row[0] for row in rows]


def overrun_read(ctx: Ctx) -> list[tuple[TransferId, int, int]]:
    """Find holds of which more was settled than held: (hold, held, settled)."""
    return ctx.db.rows(
        "SELECT h.id, h.amount_minor, s.settled FROM ledger.transfer h"
        " JOIN (SELECT hold_id, party_id, sum(amount_minor)::bigint AS settled"
        "  FROM ledger.transfer WHERE hold_id IS NOT NULL GROUP BY 1, 2) s"
        " ON s.hold_id = h.id AND s.party_id = h.party_id"
        " WHERE s.settled > h.amount_minor ORDER BY h.id LIMIT %b",
        FINDINGS_MAX,
    )


def overdue_read(ctx: Ctx, before: datetime) -> list[tuple[TransferId, str, int, datetime]]:
    """Find holds still open that expired before a time: (hold, subject, left, expiry)."""
    return ctx.db.rows(
        "SELECT h.id, h.subject, (h.amount_minor - coalesce(sum(s.amount_minor), 0))::bigint,"
        "  h.expires_at"
        " FROM ledger.transfer h"
        " LEFT JOIN ledger.transfer s ON s.hold_id = h.id AND s.party_id = h.party_id"
        " WHERE h.kind = 'hold' AND h.expires_at < %b GROUP BY h.id, h.party_id"
        " HAVING coalesce(sum(s.amount_minor), 0) < h.amount_minor ORDER BY h.id LIMIT %b",
        before,
        FINDINGS_MAX,
    )


def mismatched_read(ctx: Ctx) -> list[tuple[TransferId, TransferId]]:
    """Find posts and voids that name other accounts than their hold: (transfer, hold)."""
    return ctx.db.rows(
        "SELECT s.id, h.id FROM ledger.transfer s"
        " JOIN ledger.transfer h ON h.id = s.hold_id AND h.party_id = s.party_id"
        " WHERE h.kind <> 'hold' OR (s.debit_account_id, s.credit_account_id, s.currency)"
        "  IS DISTINCT FROM (h.debit_account_id, h.credit_account_id, h.currency)"
        " ORDER BY s.id LIMIT %b",
        FINDINGS_MAX,
    )


def misplaced_read(ctx: Ctx) -> list[tuple[TransferId, str]]:
    """Find transfers whose accounts are not in order: (transfer, what is wrong)."""
    return ctx.db.rows(
        "SELECT id, what FROM (SELECT t.id, CASE"
        "  WHEN d.id IS NULL THEN 'its debit account was never opened'"
        "  WHEN c.id IS NULL THEN 'its credit account was never opened'"
        "  WHEN d.currency <> t.currency OR c.currency <> t.currency"
        "   THEN 'its currency is not its accounts''s'"
        "  WHEN t.party_id NOT IN (d.party_id, c.party_id)"
        "   THEN 'neither of its accounts is its party''s' END AS what"
        " FROM ledger.transfer t LEFT JOIN ledger.account d ON d.id = t.debit_account_id"
        " LEFT JOIN ledger.account c ON c.id = t.credit_account_id) AS x"
        " WHERE what IS NOT NULL ORDER BY id LIMIT %b",
        FINDINGS_MAX,
    )


def top_ups_unmatched_read(ctx: Ctx, purpose: str) -> list[tuple[TransferId, str]]:
    """Find top-ups without their transfer, and the reverse: (transfer, reference)."""
    return ctx.db.rows(
        "SELECT coalesce(u.transfer_id, t.id), coalesce(u.reference, t.subject)"
        " FROM ledger.top_up u FULL JOIN"
        "  (SELECT * FROM ledger.transfer WHERE purpose = %b) t"
        "  ON t.id = u.transfer_id AND t.party_id = u.party_id"
        " WHERE (t.amount_minor, t.subject) IS DISTINCT FROM (u.amount_minor, u.reference)"
        " ORDER BY 1 LIMIT %b",
        purpose,
        FINDINGS_MAX,
    )
