"""What the ledger refuses."""

from typing import Final

from weili.kit.problems import Kind, Problem, Said

ACCOUNT_WORD: Final = Said("account", "账户", code="account")
DEPOSIT_WORD: Final = Said("deposit", "充值单", code="deposit")
WITHDRAWAL_WORD: Final = Said("withdrawal", "提现单", code="withdrawal")
CORRECTION_WORD: Final = Said("correction", "冲正单", code="correction")
TRANSFER_WORD: Final = Said("transfer", "分录", code="transfer")


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


class SlipUsed(Problem):
    """A bank slip was submitted before: it can't be taken, and whose it was is not told."""

    kind = Kind.CONFLICT
    code = "slip_used"
    en = (
        "The bank slip {slip} can't be taken; check its number, and ask the operator if it is "
        "right."
    )
    zh = "无法受理银行回单 {slip}；请核对回单号，如确认无误请联系平台运营方。"


class BankReferenceUsed(Problem):
    """A bank's payment number stands at another withdrawal."""

    kind = Kind.CONFLICT
    code = "bank_reference_used"
    en = "The bank reference {reference} stands at another withdrawal; nothing was changed."
    zh = "银行流水号 {reference} 已用于另一笔提现；未作任何变更。"


class SecondPersonNeeded(Problem):
    """Who entered something may not approve it too."""

    kind = Kind.FORBIDDEN
    code = "second_person_needed"
    en = (
        "Who entered {what} {id} may not approve it: a second person must, with their own key. "
        "Two keys of which one issued the other, or that come from one key, are one person's."
    )
    zh = (
        "{what} {id} 的录入人不得自行审批：须由另一人使用其本人的密钥审批。"
        "一把签发另一把、或同源于一把密钥的两把密钥，视为同一人所有。"
    )


class CorrectionUnfit(Problem):
    """A transfer can't be corrected by that."""

    kind = Kind.CONFLICT
    code = "correction_unfit"
    en = (
        "Of transfer {transfer_id}, {left_minor} fen may still be corrected, and {asked_minor} fen "
        "were to be. Only money that has moved is corrected, one correction at a time."
    )
    zh = (
        "分录 {transfer_id} 尚可冲正 {left_minor} 分，本次为 {asked_minor} 分。"
        "仅已入账的分录可以冲正，且同一分录一次只能有一张待审冲正单。"
    )


class MonthOpen(Problem):
    """A month that is not over can't be closed."""

    kind = Kind.CONFLICT
    code = "month_open"
    en = "The month {month} can be closed from {from_at} on."
    zh = "{month} 月自 {from_at} 起方可结账。"


class ExportTooLong(Problem):
    """A statement has more entries than one file holds."""

    kind = Kind.TOO_LARGE
    code = "export_too_long"
    en = "The period has more than {rows_max} entries, which is what a file holds; ask for less."
    zh = "该期间的明细超过单个文件上限 {rows_max} 行；请缩短期间。"
