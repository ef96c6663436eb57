"""Second factors: a code from somebody's telephone, or one of ten for when that is lost."""

import base64
import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from urllib.parse import quote

from weili.kit.context import Begin, Ctx
from weili.kit.ids import id_text
from weili.kit.problems import Problem
from weili.kit.secrets import (
    new_recovery_code,
    new_totp_secret,
    password_matches,
    token_hash,
    totp_code,
)
from weili.kit.world import in_transaction
from weili.modules import notices, parties
from weili.modules.identity import rules, store, tries
from weili.modules.identity.model import PERSON_TRIES_MAX, SessionRecord
from weili.modules.identity.problems import (
    CodeRefused,
    FactorExists,
    PasswordRefused,
    SecondFactorNeeded,
)

STEP_S: Final = 30
DRIFT_STEPS: Final = 1
"""So many steps a telephone's clock may be wrong, either way."""
RECOVERY_CODES: Final = 10
ISSUER: Final = "Weili"


@dataclass(frozen=True, slots=True)
class NewFactor:
    """What a telephone is given, once; it counts when a code of it was confirmed."""

    secret: str = field(repr=False)
    uri: str = field(repr=False)


def factor_begin(begin: Begin, *, record: SessionRecord, password: str, now: datetime) -> NewFactor:
    """Make a secret for the telephone of who gives their password; one not confirmed is replaced.

    Without the password, who found a browser open could shut its owner out.

    Source: RFC 6238, with SHA-1, six digits and 30 s, which is what all telephones' programs take.

    Raises: SignInPaused; PasswordRefused; FactorExists.
    """
    person = record.who.person
    secret = new_totp_secret()

    def begun(ctx: Ctx) -> None:
        sealed = ctx.keyring.seal(secret, bound_to=person.id.bytes)
        if not store.factor_begin(ctx, person_id=person.id, sealed=sealed, now=now):
            raise FactorExists

    _with_password(begin, record.who, password, now, begun)
    text = base64.b32encode(secret).decode()
    label = quote(f"{ISSUER}:{person.email_masked}")
    return NewFactor(text, f"otpauth://totp/{label}?secret={text}&issuer={ISSUER}")


def factor_confirm(
    begin: Begin, *, record: SessionRecord, code: str, now: datetime
) -> Sequence[str]:
    """Have the second factor asked for from now on; gives the recovery codes, this once.

    The person's other sessions end, for which none was asked.

    Raises: SignInPaused; FactorExists; CodeRefused.
    """
    who = record.who

    def confirmed(ctx: Ctx) -> Sequence[str] | Problem:
        paused = tries.paused(ctx, [(tries.person_mark(ctx, who), PERSON_TRIES_MAX)], now)
        if paused is not None:
            return paused
        kept = store.factor_lock(ctx, person_id=who.person.id)
        if kept is not None and kept.confirmed_at is not None:
            return FactorExists()
        step = None if kept is None else _step(ctx, who, kept, code, now)
        if step is None:
            return CodeRefused()
        codes = [new_recovery_code() for _ in range(RECOVERY_CODES)]
        store.factor_confirm(ctx, person_id=who.person.id, step=step, now=now)
        store.recovery_put(
            ctx, person_id=who.person.id, hashes=[token_hash(each) for each in codes]
        )
        store.sessions_delete(ctx, person_id=who.person.id, but=record.session.id)
        store.tries_forget(ctx, mark=tries.person_mark(ctx, who))
        tries.audit(ctx, who, "second_factor.set", "by its owner")
        tries.told(ctx, who, notices.Kind.FACTOR_CHANGED)
        return codes

    return tries.given(in_transaction(begin, confirmed))


def factor_remove(begin: Begin, *, record: SessionRecord, password: str, now: datetime) -> None:
    """Have no second factor asked for any more, of who gives their password; again is the same.

    Raises: SignInPaused; PasswordRefused.
    """
    who = record.who

    def removed(ctx: Ctx) -> None:
        if store.factor_delete(ctx, person_id=who.person.id):
            tries.audit(ctx, who, "second_factor.remove", "by its owner")
            tries.told(ctx, who, notices.Kind.FACTOR_CHANGED)

    _with_password(begin, who, password, now, removed)


def factor_clear(ctx: Ctx, *, person_id: parties.PersonId, reason: str) -> None:
    """Remove the second factor of somebody who lost it, for the reason that is written down.

    Raises: Forbidden; InputInvalid.
    """
    ctx.require(parties.ADMIN)
    store.factor_delete(ctx, person_id=person_id)
    subject = id_text(parties.PERSON_PREFIX, person_id)
    parties.audit_write(ctx, action="second_factor.clear", subject=subject, reason=reason)


def has_factor(ctx: Ctx, *, person_id: parties.PersonId) -> bool:
    """Say whether a person is asked for a code when they sign in."""
    kept = store.factor_read(ctx, person_id=person_id)
    return kept is not None and kept.confirmed_at is not None


def code_check(
    ctx: Ctx, *, who: parties.PersonRecord, code: str | None, now: datetime
) -> Problem | None:
    """Say what is wrong with the code of who signs in; each code is taken once."""
    kept = store.factor_lock(ctx, person_id=who.person.id)
    if kept is None or kept.confirmed_at is None:
        return None
    if code is None:
        return SecondFactorNeeded()
    step = _step(ctx, who, kept, code, now)
    if step is not None:
        store.factor_step(ctx, person_id=who.person.id, step=step)
        return None
    plain = code.strip().lower().replace("-", "")
    if store.recovery_take(ctx, person_id=who.person.id, code_hash=token_hash(plain)):
        tries.audit(ctx, who, "second_factor.recovery", "a recovery code was used")
        return None
    return CodeRefused()


def _with_password(
    begin: Begin,
    who: parties.PersonRecord,
    password: str,
    now: datetime,
    work: Callable[[Ctx], None],
) -> None:
    """Do work for who has signed in and gives their password again.

    Raises: SignInPaused; PasswordRefused; what the work raises.
    """
    person_id = who.person.id

    def counted(ctx: Ctx) -> str | Problem | None:
        paused = tries.paused(ctx, [(tries.person_mark(ctx, who), PERSON_TRIES_MAX)], now)
        return paused or store.passwords_read(ctx, person_ids=[person_id]).get(person_id)

    hashed = tries.given(in_transaction(begin, counted))
    if not password_matches(rules.password_normal(password), hashed):
        raise PasswordRefused

    def done(ctx: Ctx) -> None:
        if store.password_lock(ctx, person_id=person_id) != hashed:
            raise PasswordRefused
        store.tries_forget(ctx, mark=tries.person_mark(ctx, who))
        work(ctx)

    in_transaction(begin, done)


def _step(
    ctx: Ctx, who: parties.PersonRecord, kept: store.Factor, code: str, now: datetime
) -> int | None:
    """Give the step whose code it is, if it is later than the last one that was used."""
    secret = ctx.keyring.open(kept.sealed, bound_to=who.person.id.bytes)
    given = code.strip().replace(" ", "").encode()
    at = int(now.timestamp()) // STEP_S
    found = None
    for step in range(at - DRIFT_STEPS, at + DRIFT_STEPS + 1):
        is_equal = hmac.compare_digest(totp_code(secret, step).encode(), given)
        if is_equal and step > kept.last_step:
            found = step
    return found
