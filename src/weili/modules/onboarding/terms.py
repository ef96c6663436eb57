"""Terms with versions: the operator publishes them, applicants and parties accept them."""

from typing import Final

from weili.kit.context import Ctx, PartyId
from weili.kit.ids import id_text, new_id
from weili.kit.problems import Busy, FieldProblem, InputInvalid, NotFound, Said
from weili.modules import parties
from weili.modules.onboarding import rules, store
from weili.modules.onboarding.documents import PEOPLE
from weili.modules.onboarding.model import (
    TERMS_ACCEPTED,
    TERMS_PREFIX,
    Acceptance,
    Terms,
    TermsId,
)
from weili.modules.onboarding.problems import TERMS_WORD, TermsOutdated

VERSIONS_MAX: Final = 200
_APPLICANT: Final = Said("supplier or partner", "supplier 或 partner")


def terms_publish(
    ctx: Ctx,
    *,
    kind: parties.PartyKind,
    title_zh: str,
    title_en: str,
    text_zh: str,
    text_en: str,
    is_binding: bool,
) -> Terms:
    """Publish the next version of the terms for parties of a kind; it is never changed after.

    Who accepted an earlier one must accept a binding one too.

    Raises: Forbidden; InputInvalid; Busy, when somebody else publishes at the same moment.
    """
    ctx.require(parties.ADMIN)
    if kind not in rules.APPLICANTS:
        raise InputInvalid(fields=(FieldProblem("/kind", "unfit", _APPLICANT),))
    newest = next(iter(store.terms_of(ctx, kind=kind, limit=1)), None)
    version = 1 if newest is None else newest.version + 1
    texts = title_zh.strip(), title_en.strip(), text_zh.strip(), text_en.strip()
    digest = rules.terms_hash(kind, version, texts)
    row = Terms(TermsId(new_id(ctx.now)), kind, version, *texts, digest, is_binding, ctx.now)
    if not store.terms_insert(ctx, row=row):
        raise Busy(retry_after_s=1)
    parties.audit_write(
        ctx,
        action="terms.publish",
        subject=_label(row.id),
        reason=f"{kind} {version} {digest}",
    )
    return row


def terms_versions(ctx: Ctx, *, kind: parties.PartyKind) -> list[tuple[Terms, int]]:
    """List the versions for parties of a kind, the newest first, and how many accepted each.

    Raises: Forbidden.
    """
    ctx.require(parties.ADMIN)
    rows = store.terms_of(ctx, kind=kind, limit=VERSIONS_MAX)
    counts = store.acceptances_count(ctx, terms_ids=[each.id for each in rows])
    return [(each, counts.get(each.id, 0)) for each in rows]


def terms_newest(ctx: Ctx, *, kind: parties.PartyKind) -> Terms | None:
    """Give the terms in force for parties of a kind; who is to accept them may read them."""
    return next(iter(store.terms_of(ctx, kind=kind, limit=1)), None)


def terms_get(ctx: Ctx, *, terms_id: TermsId) -> Terms:
    """Give one version.

    Raises: NotFound.
    """
    found = store.terms_read(ctx, terms_id=terms_id)
    if found is None:
        raise NotFound(what=TERMS_WORD, id=_label(terms_id))
    return found


def terms_accept(ctx: Ctx, *, terms_id: TermsId) -> None:
    """Accept the terms in force for the actor's own party; again changes nothing.

    Raises: Forbidden; NotFound; TermsOutdated.
    """
    ctx.require(PEOPLE)
    party_id = ctx.actor.party_id
    party = parties.parties_get(ctx, party_ids=[party_id])[party_id]
    found = store.terms_read(ctx, terms_id=terms_id)
    if found is None or found.kind is not party.kind:
        raise NotFound(what=TERMS_WORD, id=_label(terms_id))
    newest = terms_newest(ctx, kind=party.kind)
    if newest is None or newest.id != terms_id:
        raise TermsOutdated
    if not store.acceptance_insert(
        ctx, party_id=party_id, terms_id=terms_id, at=ctx.now, actor=ctx.actor.label()
    ):
        return
    parties.audit_write(
        ctx,
        action="terms.accept",
        subject=_label(terms_id),
        reason=f"{found.version} {found.sha256}",
    )
    ctx.announce(
        TERMS_ACCEPTED,
        party_id=party_id,
        subject=_label(terms_id),
        data={
            "terms_id": _label(terms_id),
            "version": found.version,
            "sha256": found.sha256,
        },
    )


def terms_of_party(ctx: Ctx, *, party: parties.Party) -> tuple[list[Acceptance], Terms | None]:
    """Give what a party accepted, and what it still has to, for who was shown the party."""
    accepted = store.acceptances_read(ctx, party_id=PartyId(party.id))
    versions = store.terms_of(ctx, kind=party.kind, limit=VERSIONS_MAX)
    return accepted, rules.terms_due(versions, [each.version for each in accepted])


def _label(terms_id: TermsId) -> str:
    return id_text(TERMS_PREFIX, terms_id)
