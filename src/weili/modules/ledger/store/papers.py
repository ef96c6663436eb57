"""SQL of deposits, withdrawals and corrections, and of their histories."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from weili.kit.context import Ctx, PartyId
from weili.modules.ledger.model import (
    Channel,
    Correction,
    CorrectionId,
    CorrectionState,
    Deposit,
    DepositId,
    DepositState,
    PaperStep,
    TransferId,
    Withdrawal,
    WithdrawalId,
    WithdrawalState,
)

FINDINGS_MAX: Final = 100

_DEPOSIT: Final = (
    "SELECT id, party_id, channel, state, slip, amount_minor, payer_masked, paid_on,"
    " entered_by, decided_by, decision, created_at, version, transfer_id FROM ledger.deposit"
)


def history_insert(ctx: Ctx, step: PaperStep) -> None:
    """Write down a step that a paper took."""
    ctx.db.run(
        "INSERT INTO ledger.paper_history (subject_id, version, party_id, from_state, to_state,"
        " at, actor, reason) VALUES (%b, %b, %b, %b, %b, %b, %b, %b)",
        step.subject_id,
        step.version,
        step.party_id,
        step.from_state,
        step.to_state,
        ctx.now,
        ctx.actor.label(),
        step.reason,
    )


def history_read(ctx: Ctx, subject_id: UUID) -> list[tuple[str, str, str, str]]:
    """Read a paper's steps in order: (from, to, actor, reason)."""
    return ctx.db.rows(
        "SELECT from_state, to_state, actor, reason FROM ledger.paper_history"
        " WHERE subject_id = %b ORDER BY version",
        subject_id,
    )


# --- deposits -----------------------------------------------------------------------------------


def deposit_insert(ctx: Ctx, deposit: Deposit, *, payer_sealed: bytes) -> bool:
    """Write a new deposit; says False where one of that slip is there and not refused."""
    return bool(
        ctx.db.run(
            "INSERT INTO ledger.deposit (id, party_id, channel, state, slip, amount_minor,"
            " payer_sealed, payer_masked, paid_on, entered_by, decided_by, decision, created_at,"
            " version) VALUES (%b, %b, %b, %b, %b, %b, %b, %b, %b, %b, %b, %b, %b, 0)"
            " ON CONFLICT DO NOTHING",
            deposit.id,
            deposit.partner_id,
            deposit.channel.value,
            deposit.state.value,
            deposit.slip,
            deposit.amount_minor,
            payer_sealed,
            deposit.payer_masked,
            deposit.paid_on,
            deposit.entered_by,
            deposit.decided_by,
            deposit.decision,
            deposit.created_at,
        ).rowcount
    )


def deposit_lock(ctx: Ctx, deposit_id: DepositId) -> Deposit | None:
    """Lock a deposit until the transaction ends."""
    rows = ctx.db.rows(
        _DEPOSIT + " WHERE id = %b FOR UPDATE",
        deposit_id,
    )
    return _deposit(rows[0]) if rows else None


def deposit_set(ctx: Ctx, deposit: Deposit) -> None:
    """Write what was decided of a deposit."""
    ctx.db.run(
        "UPDATE ledger.deposit SET state = %b, decided_by = %b, decision = %b, version = %b,"
        " transfer_id = %b"
        " WHERE id = %b AND party_id = %b",
        deposit.state.value,
        deposit.decided_by,
        deposit.decision,
        deposit.version,
        deposit.transfer_id,
        deposit.id,
        deposit.partner_id,
    )


def deposit_page(
    ctx: Ctx,
    *,
    partner_id: PartyId | None,
    state: DepositState | None,
    before: UUID | None,
    limit: int,
) -> list[Deposit]:
    """Read deposits, the newest first."""
    rows = ctx.db.rows(
        _DEPOSIT + " WHERE (%b::uuid IS NULL OR party_id = %b) AND (%b::text IS NULL OR state = %b)"
        " AND (%b::uuid IS NULL OR id < %b) ORDER BY id DESC LIMIT %b",
        partner_id,
        partner_id,
        state and state.value,
        state and state.value,
        before,
        before,
        limit,
    )
    return [_deposit(row) for row in rows]


def deposit_find(ctx: Ctx, deposit_id: DepositId) -> tuple[Deposit, bytes] | None:
    """Read a deposit with its sealed payer."""
    rows = ctx.db.rows(
        "SELECT id, party_id, channel, state, slip, amount_minor, payer_masked, paid_on,"
        " entered_by, decided_by, decision, created_at, version, transfer_id, payer_sealed"
        " FROM ledger.deposit WHERE id = %b",
        deposit_id,
    )
    return (_deposit(rows[0][:-1]), bytes(rows[0][-1])) if rows else None


def slip_claim(ctx: Ctx, deposit: Deposit) -> bool:
    """Write that a slip is credited; says False where it was before, whoever it was for."""
    return bool(
        ctx.db.run(
            "INSERT INTO ledger.slip (slip, party_id, deposit_id, credited_at)"
            " VALUES (%b, %b, %b, %b) ON CONFLICT DO NOTHING",
            deposit.slip,
            deposit.partner_id,
            deposit.id,
            ctx.now,
        ).rowcount
    )


def slip_is_used(ctx: Ctx, slip: str) -> bool:
    """Say whether a slip has been credited."""
    return bool(ctx.db.rows("SELECT FROM ledger.slip WHERE slip = %b", slip))


def _deposit(row: Sequence[Any]) -> Deposit:
    deposit_id, partner_id, channel, state, *rest = row
    return Deposit(
        DepositId(deposit_id), PartyId(partner_id), Channel(channel), DepositState(state), *rest
    )


# --- withdrawals --------------------------------------------------------------------------------


def withdrawal_insert(ctx: Ctx, withdrawal: Withdrawal, *, account_sealed: bytes) -> None:
    """Write a new withdrawal, whose hold stands already."""
    ctx.db.run(
        "INSERT INTO ledger.withdrawal (id, party_id, state, amount_minor, hold_id,"
        " account_sealed, account_masked, requested_by, decision, created_at, version)"
        " VALUES (%b, %b, %b, %b, %b, %b, %b, %b, '', %b, 0)",
        withdrawal.id,
        withdrawal.partner_id,
        withdrawal.state.value,
        withdrawal.amount_minor,
        withdrawal.hold_id,
        account_sealed,
        withdrawal.account_masked,
        withdrawal.requested_by,
        withdrawal.created_at,
    )


def withdrawal_lock(ctx: Ctx, withdrawal_id: WithdrawalId) -> Withdrawal | None:
    """Lock a withdrawal until the transaction ends."""
    rows = ctx.db.rows(
        "SELECT id, party_id, state, amount_minor, hold_id, account_masked, requested_by,"
        " decided_by, decision, bank_reference, created_at, version FROM ledger.withdrawal"
        " WHERE id = %b FOR UPDATE",
        withdrawal_id,
    )
    return _withdrawal(rows[0]) if rows else None


def withdrawal_set(ctx: Ctx, withdrawal: Withdrawal) -> None:
    """Write what was decided of a withdrawal."""
    ctx.db.run(
        "UPDATE ledger.withdrawal SET state = %b, decided_by = %b, decision = %b,"
        " bank_reference = %b, version = %b WHERE id = %b AND party_id = %b",
        withdrawal.state.value,
        withdrawal.decided_by,
        withdrawal.decision,
        withdrawal.bank_reference,
        withdrawal.version,
        withdrawal.id,
        withdrawal.partner_id,
    )


def bank_reference_is_used(ctx: Ctx, partner_id: PartyId, bank_reference: str) -> bool:
    """Say whether a bank's payment number stands at a withdrawal of the partner's."""
    return bool(
        ctx.db.rows(
            "SELECT FROM ledger.withdrawal WHERE party_id = %b AND bank_reference = %b",
            partner_id,
            bank_reference,
        )
    )


def withdrawal_page(
    ctx: Ctx,
    *,
    partner_id: PartyId | None,
    state: WithdrawalState | None,
    before: UUID | None,
    limit: int,
) -> list[Withdrawal]:
    """Read withdrawals, the newest first."""
    rows = ctx.db.rows(
        "SELECT id, party_id, state, amount_minor, hold_id, account_masked, requested_by,"
        " decided_by, decision, bank_reference, created_at, version FROM ledger.withdrawal"
        " WHERE (%b::uuid IS NULL OR party_id = %b) AND (%b::text IS NULL OR state = %b)"
        " AND (%b::uuid IS NULL OR id < %b) ORDER BY id DESC LIMIT %b",
        partner_id,
        partner_id,
        state and state.value,
        state and state.value,
        before,
        before,
        limit,
    )
    return [_withdrawal(row) for row in rows]


def withdrawal_account(ctx: Ctx, withdrawal_id: WithdrawalId) -> tuple[PartyId, bytes] | None:
    """Read whose a withdrawal is, and its sealed bank account."""
    rows = ctx.db.rows(
        "SELECT party_id, account_sealed FROM ledger.withdrawal WHERE id = %b", withdrawal_id
    )
    return (PartyId(rows[0][0]), bytes(rows[0][1])) if rows else None


def _withdrawal(row: Sequence[Any]) -> Withdrawal:
    withdrawal_id, partner_id, state, *rest = row
    return Withdrawal(
        WithdrawalId(withdrawal_id), PartyId(partner_id), WithdrawalState(state), *rest
    )


# --- corrections --------------------------------------------------------------------------------


def correction_insert(ctx: Ctx, correction: Correction) -> bool:
    """Write a new correction; says False where another of that transfer waits."""
    return bool(
        ctx.db.run(
            "INSERT INTO ledger.correction (id, party_id, state, corrects_id, amount_minor,"
            " reason, proposed_by, decision, created_at, version)"
            " VALUES (%b, %b, %b, %b, %b, %b, %b, '', %b, 0) ON CONFLICT DO NOTHING",
            correction.id,
            correction.party_id,
            correction.state.value,
            correction.corrects_id,
            correction.amount_minor,
            correction.reason,
            correction.proposed_by,
            correction.created_at,
        ).rowcount
    )


def correction_lock(ctx: Ctx, correction_id: CorrectionId) -> Correction | None:
    """Lock a correction until the transaction ends."""
    rows = ctx.db.rows(
        "SELECT id, party_id, state, corrects_id, amount_minor, reason, proposed_by, decided_by,"
        " decision, created_at, version, transfer_id FROM ledger.correction"
        " WHERE id = %b FOR UPDATE",
        correction_id,
    )
    return _correction(rows[0]) if rows else None


def correction_set(ctx: Ctx, correction: Correction) -> None:
    """Write what was decided of a correction."""
    ctx.db.run(
        "UPDATE ledger.correction SET state = %b, decided_by = %b, decision = %b, version = %b,"
        " transfer_id = %b"
        " WHERE id = %b AND party_id = %b",
        correction.state.value,
        correction.decided_by,
        correction.decision,
        correction.version,
        correction.transfer_id,
        correction.id,
        correction.party_id,
    )


def corrected_sum(ctx: Ctx, party_id: PartyId, transfer_id: TransferId) -> int:
    """Sum what was corrected of a transfer."""
    [[amount_minor]] = ctx.db.rows(
        "SELECT coalesce(sum(amount_minor), 0)::bigint FROM ledger.correction"
        " WHERE corrects_id = %b AND party_id = %b AND state = 'posted'",
        transfer_id,
        party_id,
    )
    return int(amount_minor)


def correction_page(
    ctx: Ctx, *, state: CorrectionState | None, before: UUID | None, limit: int
) -> list[Correction]:
    """Read corrections, the newest first."""
    rows = ctx.db.rows(
        "SELECT id, party_id, state, corrects_id, amount_minor, reason, proposed_by, decided_by,"
        " decision, created_at, version, transfer_id FROM ledger.correction"
        " WHERE (%b::text IS NULL OR state = %b) AND (%b::uuid IS NULL OR id < %b)"
        " ORDER BY id DESC LIMIT %b",
        state and state.value,
        state and state.value,
        before,
        before,
        limit,
    )
    return [_correction(row) for row in rows]


def _correction(row: Sequence[Any]) -> Correction:
    correction_id, party_id, state, corrects_id, *rest = row
    return Correction(
        CorrectionId(correction_id),
        PartyId(party_id),
        CorrectionState(state),
        TransferId(corrects_id),
        *rest,
    )


# --- checks -------------------------------------------------------------------------------------


def deposits_off(ctx: Ctx, purpose: str) -> list[tuple[UUID, str]]:
    """Find deposits that were not credited as they say: (deposit, what is wrong)."""
    return ctx.db.rows(
        "SELECT id, what FROM (SELECT d.id, CASE"
        "  WHEN d.state <> 'approved' AND s.deposit_id IS NOT NULL"
        "   THEN 'its slip counts as credited, and it is ' || d.state"
        "  WHEN d.state <> 'approved' THEN NULL"
        "  WHEN t.id IS NULL THEN 'it is approved, and was never credited'"
        "  WHEN (t.amount_minor, t.purpose, t.kind) IS DISTINCT FROM (d.amount_minor, %b, 'direct')"
        "   THEN t.amount_minor || ' fen of ' || t.purpose || ' were credited for it, not '"
        "    || d.amount_minor"
        "  WHEN d.channel = 'bank_slip' AND s.deposit_id IS DISTINCT FROM d.id"
        "   THEN 'its slip is not written down as credited for it' END AS what"
        " FROM ledger.deposit d LEFT JOIN ledger.slip s ON s.deposit_id = d.id"
        " LEFT JOIN ledger.transfer t ON t.id = d.transfer_id AND t.party_id = d.party_id) AS x"
        " WHERE what IS NOT NULL UNION ALL"
        " SELECT u.transfer_id, 'it was credited for ' || u.reference || ', and there is no such'"
        "  || ' approved deposit' FROM ledger.top_up u WHERE u.reference LIKE 'dep\\_%%'"
        "  AND NOT EXISTS (SELECT FROM ledger.deposit d WHERE d.transfer_id = u.transfer_id"
        "   AND d.party_id = u.party_id AND d.amount_minor = u.amount_minor)"
        " ORDER BY 1 LIMIT %b",
        purpose,
        FINDINGS_MAX,
    )


def withdrawals_off(ctx: Ctx, purpose: str) -> list[tuple[UUID, str]]:
    """Find withdrawals whose hold does not stand as they do: (withdrawal, what is wrong)."""
    return ctx.db.rows(
        "SELECT coalesce(w.id, h.id), CASE WHEN w.id IS NULL THEN 'it is held for no withdrawal'"
        "  WHEN h.id IS NULL THEN 'nothing was held for it'"
        "  ELSE 'it is ' || w.state || ' over ' || w.amount_minor || ' fen; of ' || h.amount_minor"
        "   || ' held ' || h.posted || ' were paid and ' || h.voided || ' given back' END"
        " FROM ledger.withdrawal w FULL JOIN (SELECT t.id, t.party_id, t.amount_minor,"
        "  coalesce(sum(s.amount_minor) FILTER (WHERE s.kind = 'post'), 0)::bigint AS posted,"
        "  coalesce(sum(s.amount_minor) FILTER (WHERE s.kind = 'void'), 0)::bigint AS voided"
        "  FROM ledger.transfer t"
        "  LEFT JOIN ledger.transfer s ON s.hold_id = t.id AND s.party_id = t.party_id"
        "  WHERE t.kind = 'hold' AND t.purpose = %b GROUP BY t.id, t.party_id) h"
        " ON h.id = w.hold_id AND h.party_id = w.party_id"
        " WHERE (w.amount_minor, CASE WHEN w.state = 'paid' THEN w.amount_minor ELSE 0 END,"
        "  CASE WHEN w.state IN ('cancelled', 'refused', 'failed') THEN w.amount_minor ELSE 0 END)"
        "  IS DISTINCT FROM (h.amount_minor, h.posted, h.voided)"
        " ORDER BY 1 LIMIT %b",
        purpose,
        FINDINGS_MAX,
    )


def corrections_off(ctx: Ctx, purpose: str) -> list[tuple[UUID, str]]:
    """Find corrections that are not the reverse of what they correct: (.., what is wrong)."""
    return ctx.db.rows(
        "SELECT coalesce(c.id, t.id), CASE WHEN c.id IS NULL THEN 'no paper says why it was made'"
        "  WHEN t.id IS NULL THEN 'it is posted, and has no counter-entry'"
        "  WHEN o.amount_minor < (SELECT sum(x.amount_minor) FROM ledger.correction x"
        "   WHERE x.corrects_id = c.corrects_id AND x.party_id = c.party_id"
        "    AND x.state = 'posted') THEN 'more was corrected than had moved'"
        "  ELSE 'its counter-entry is not the reverse of what it corrects' END"
        " FROM (SELECT * FROM ledger.correction WHERE state = 'posted') c"
        " LEFT JOIN ledger.transfer o ON o.id = c.corrects_id AND o.party_id = c.party_id"
        " FULL JOIN (SELECT * FROM ledger.transfer WHERE purpose = %b) t"
        "  ON t.id = c.transfer_id AND t.party_id = c.party_id"
        " WHERE (t.amount_minor, t.debit_account_id, t.credit_account_id)"
        "  IS DISTINCT FROM (c.amount_minor, o.credit_account_id, o.debit_account_id)"
        "  OR o.amount_minor < (SELECT sum(x.amount_minor) FROM ledger.correction x"
        "   WHERE x.corrects_id = c.corrects_id AND x.party_id = c.party_id"
        "    AND x.state = 'posted')"
        " ORDER BY 1 LIMIT %b",
        purpose,
        FINDINGS_MAX,
    )


def histories_off(ctx: Ctx) -> list[tuple[UUID, str]]:
    """Find papers that do not stand where the last step of a whole history left them."""
    return ctx.db.rows(
        "WITH paper AS (SELECT id, state, version FROM ledger.deposit"
        "  UNION ALL SELECT id, state, version FROM ledger.withdrawal"
        "  UNION ALL SELECT id, state, version FROM ledger.correction),"
        " way AS (SELECT subject_id, max(version) AS version, count(*) AS steps,"
        "  (array_agg(to_state ORDER BY version DESC))[1] AS state"
        "  FROM ledger.paper_history GROUP BY subject_id)"
        " SELECT coalesce(p.id, w.subject_id), 'it is ' || coalesce(p.state, 'nowhere') ||"
        "  ' at version ' || coalesce(p.version, -1) || ', its ' || coalesce(w.steps, 0) ||"
        "  ' steps end at ' || coalesce(w.state, 'nothing')"
        " FROM paper p FULL JOIN way w ON w.subject_id = p.id"
        " WHERE (p.state, p.version, p.version + 1)"
        "  IS DISTINCT FROM (w.state, w.version, w.steps) ORDER BY 1 LIMIT %b",
        FINDINGS_MAX,
    )
