"""How often somebody may try, by a keyed digest of who it is: no address is kept."""

from collections.abc import Sequence
from datetime import datetime
from typing import TypeVar

from weili.kit.context import Ctx
from weili.kit.ids import id_text, new_id
from weili.kit.problems import Problem
from weili.modules import notices, parties
from weili.modules.identity import store
from weili.modules.identity.model import TRIES_WITHIN
from weili.modules.identity.problems import SignInPaused

T = TypeVar("T")


def paused(ctx: Ctx, bounds: Sequence[tuple[bytes, int]], now: datetime) -> SignInPaused | None:
    """Count one try of each mark in turn; says when the next is taken, once one had too many.

    Those after it are not counted: who is paused by network address pauses no e-mail address, and
    adds no rows. Marks are held in the order in which they are named: address, then e-mail.
    """
    for mark, bound in bounds:
        began_at, count = store.try_count(ctx, mark=mark, now=now, since=now - TRIES_WITHIN)
        if count > bound:
            wait = began_at + TRIES_WITHIN - now
            return SignInPaused(retry_after_s=int(wait.total_seconds()) + 1)
    return None


def email_mark(ctx: Ctx, email: str) -> bytes:
    """Mark an e-mail address that somebody signs in with."""
    return ctx.keyring.blind_index(f"sign-in email:{email}")


def address_mark(ctx: Ctx, address: str) -> bytes:
    """Mark a network address that somebody signs in from."""
    return ctx.keyring.blind_index(f"sign-in address:{address}")


def person_mark(ctx: Ctx, who: parties.PersonRecord) -> bytes:
    """Mark somebody who has signed in and gives their password again."""
    return ctx.keyring.blind_index(f"sign-in person:{who.person.id}")


def reset_mark(ctx: Ctx, email: str) -> bytes:
    """Mark an e-mail address that somebody asks a new password for."""
    return ctx.keyring.blind_index(f"sign-in reset:{email}")


def link_mark(ctx: Ctx, person_id: parties.PersonId) -> bytes:
    """Mark somebody whose link is used."""
    return ctx.keyring.blind_index(f"sign-in link:{person_id}")


def audit(ctx: Ctx, who: parties.PersonRecord, action: str, reason: str) -> None:
    """Write down what somebody did to their own way of signing in."""
    subject = id_text(parties.PERSON_PREFIX, who.person.id)
    parties.audit_write(ctx.acting(who.actor()), action=action, subject=subject, reason=reason)


def told(ctx: Ctx, who: parties.PersonRecord, kind: notices.Kind) -> None:
    """Tell somebody that their way of signing in has changed, in case it was not they."""
    values = {"name": who.person.name, "party": who.party.name}
    notices.tell(ctx, people=[who], kind=kind, subject=str(new_id(ctx.now)), values=values)


def given(done: T | Problem) -> T:
    """Give what was done, or raise what it was refused for; either way it was committed."""
    if isinstance(done, Problem):
        raise done
    return done
