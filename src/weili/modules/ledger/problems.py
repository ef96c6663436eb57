"""What the ledger refuses."""

from typing import Final

from weili.kit.problems import Kind, Problem, Said

ACCOUNT_WORD: Final = Said("account", "账户", code="account")


class BalanceInsufficient(Problem):
    """More was asked of an account than may be drawn from it."""

    kind = Kind.CONFLICT
    code = "balance_insufficient"
    en = "The account has {available_minor} fen to draw on, and {needed_minor} fen are needed."
    zh = "账户可用余额为 {available_minor} 分，本次需要 {needed_minor} 分，余额不足。"


class HoldUnknown(Problem):
    """A hold that was to be settled is not in the party's ledger."""

    kind = Kind.NOT_FOUND
    code = "hold_unknown"
    en = "There is no hold {hold_id}."
    zh = "不存在预占款 {hold_id}。"


class HoldExhausted(Problem):
    """More of a hold was to be taken than is left of it."""

    kind = Kind.CONFLICT
    code = "hold_exhausted"
    en = (
        "Of hold {hold_id}, {remaining_minor} fen are left, and {asked_minor} fen were to be taken."
    )
    zh = "预占款 {hold_id} 仅剩 {remaining_minor} 分，无法扣除 {asked_minor} 分。"


class TopUpReferenceReused(Problem):
    """A top-up's reference was used before for another amount."""

    kind = Kind.CONFLICT
    code = "top_up_reference_reused"
    en = (
        "The reference {reference} was used before for {amount_minor} fen, now for "
        "{asked_minor} fen; nothing was paid in."
    )
    zh = "充值凭证号 {reference} 已用于 {amount_minor} 分的充值，本次为 {asked_minor} 分；未入账。"
