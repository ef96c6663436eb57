"""What deposits, withdrawals and corrections have in common."""

from typing import Final
from uuid import UUID

from weili.kit.context import SYSTEM, Ctx
from weili.kit.ids import id_text
from weili.kit.problems import FieldProblem, InputInvalid, NotFound, Said
from weili.modules import parties
from weili.modules.ledger.model import REASON_LENGTH_MAX, PaperStep
from weili.modules.ledger.problems import SecondPersonNeeded
from weili.modules.ledger.store import papers as store

WRITE: Final = "account:write"
READ: Final = "account:read"
ADMIN: Final = "admin:money"


def step_write(ctx: Ctx, step: PaperStep) -> None:
    """Keep a step in the history of its paper."""
    store.history_insert(ctx, step)


def paper_history(ctx: Ctx, *, subject_id: UUID) -> list[tuple[str, str, str, str]]:
    """Give the steps of a deposit, a withdrawal or a correction: (from, to, who, why).

    Raises: Forbidden.
    """
    ctx.require(ADMIN)
    return store.history_read(ctx, subject_id)


def second_person(ctx: Ctx, *, entered_by: str, what: Said, prefix: str, subject_id: UUID) -> None:
    """Refuse who entered a paper and now wants to approve it. A person is a key of their own.

    Whoever has a key that may issue others may have kept them all. So two keys are two people's
    only where no key stands in both their lines: whose line begins at the machine was let in there.

    Raises: SecondPersonNeeded.
    """
    own = parties.key_line(ctx, key_id=ctx.actor.key_id)
    other = parties.key_line(ctx, key_id=entered_by.partition(":")[2])
    # What is done at the machine is done with no key, for whomever it may be.
    shared = (own & other) - {SYSTEM.key_id}
    if shared or ctx.actor.label() == entered_by:
        raise SecondPersonNeeded(what=what, id=id_text(prefix, subject_id))


def is_staff(ctx: Ctx) -> bool:
    """Say whether the actor may see every party's papers."""
    return ADMIN in ctx.actor.scopes or "*" in ctx.actor.scopes


def unknown(what: Said, prefix: str, subject_id: UUID) -> NotFound:
    """Say that there is no such paper, or none of this party's."""
    return NotFound(what=what, id=id_text(prefix, subject_id))


def text_checked(text: str, *, path: str, length_max: int = REASON_LENGTH_MAX) -> str:
    """Give a line of text without the spaces around it.

    Raises: InputInvalid.
    """
    text = text.strip()
    if not 1 <= len(text) <= length_max or not text.isprintable():
        expected = Said(f"1 to {length_max} printable characters", f"1 至 {length_max} 个可见字符")
        raise InputInvalid(fields=(FieldProblem(path, "malformed", expected),))
    return text


def amount_checked(amount_minor: int, *, amount_max: int) -> int:
    """Give an amount that may be asked for.

    Raises: InputInvalid.
    """
    if not 1 <= amount_minor <= amount_max:
        expected = Said(
            f"a whole number of fen from 1 to {amount_max}", f"1 至 {amount_max} 的整数（分）"
        )
        raise InputInvalid(fields=(FieldProblem("/amount_minor", "out_of_bounds", expected),))
    return amount_minor
