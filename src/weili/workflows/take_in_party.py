"""Takes in who applied: party, accounts, owner and the owner's link, all or nothing."""

from dataclasses import dataclass, field
from datetime import datetime

from weili.kit.context import Ctx
from weili.modules import identity, onboarding, parties
from weili.workflows.open_accounts import open_partner, open_supplier


@dataclass(frozen=True, slots=True)
class TakenIn:
    """The party that came of an application, and the token of its owner's link."""

    party: parties.Party
    owner: parties.Person
    token: str = field(repr=False)


def party_take_in(ctx: Ctx, *, application_id: onboarding.ApplicationId, now: datetime) -> TakenIn:
    """Approve an application: opens the party, adds its owner and makes the link to sign in by.

    Raises: Forbidden; NotFound; StateConflict, the second time; PartyExists, of a name or credit
    code that a party of the kind has.
    """
    application, contact = onboarding.application_to_approve(ctx, application_id=application_id)
    named = {
        "name": application.name,
        "legal_name": application.legal_name,
        "uscc": application.uscc,
    }
    # Opened here and not only below, where a party of that name would be taken as it is: whoever
    # applied under another's name would be made an owner of theirs.
    party = parties.party_open(ctx, kind=application.kind, **named)
    if application.kind is parties.PartyKind.SUPPLIER:
        open_supplier(ctx, **named)
    else:
        # Which pools it may order from is for the operator to say, as of partners opened by hand.
        open_partner(ctx, **named, pools=())
    owner = parties.person_add(
        ctx,
        party_id=party.id,
        name=contact.name,
        email=contact.email,
        role=parties.PersonRole.OWNER,
    )
    invitation = identity.invite(ctx, party_id=party.id, person_id=owner.id, now=now)
    onboarding.application_approved(ctx, application=application, party_id=party.id)
    return TakenIn(party, owner, invitation.token)
