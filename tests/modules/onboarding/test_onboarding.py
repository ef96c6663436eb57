"""When documents are spoken of, who must accept anew, and that approving is all or nothing."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from tests.market import _uscc
from weili.kit.context import Actor, Ctx, PartyId
from weili.kit.ids import new_id
from weili.kit.world import World, clock_turn
from weili.modules import identity, onboarding, parties
from weili.modules.onboarding import rules
from weili.workflows import take_in_party

NOW = datetime(2026, 11, 29, 8, tzinfo=UTC)
FACTS = onboarding.FileFacts("image/png", "png", "ab" * 32, 68)


@pytest.mark.parametrize(
    ("days", "fitness", "told"),
    [
        (31, "valid", None),
        (30, "expiring", 30),
        (8, "expiring", 30),
        (7, "expiring", 7),
        (0, "expiring", 7),
        (-1, "expired", 0),
    ],
)
def test_a_document_counts_until_its_last_day_is_over(
    days: int, fitness: str, told: int | None
) -> None:
    today = date(2026, 11, 29)
    last = today + timedelta(days=days)
    assert (rules.fitness(last, today), rules.days_told(last, today)) == (fitness, told)
    assert rules.fitness(None, today) == "valid"


def version(number: int, *, is_binding: bool) -> onboarding.Terms:
    texts = "协议", "Terms", "文", "text"
    kind = parties.PartyKind.SUPPLIER
    return onboarding.Terms(
        onboarding.TermsId(new_id(NOW)), kind, number, *texts, "", is_binding, NOW
    )


@pytest.mark.parametrize(
    ("accepted", "due"), [([], 3), ([1], 3), ([2], None), ([1, 2], None), ([3], None)]
)
def test_a_binding_version_is_to_be_accepted_anew_and_no_other(
    accepted: list[int], due: int | None
) -> None:
    versions = [version(number, is_binding=number == 2) for number in (3, 2, 1)]
    found = rules.terms_due(versions, accepted)
    assert (found and found.version) == due
    assert rules.terms_due([], accepted) is None


def applied(ctx: Ctx, number: int, *, expires_on: date | None = None) -> onboarding.ApplicationId:
    made = onboarding.application_open(
        ctx, kind=parties.PartyKind.SUPPLIER, note="", now=ctx.now
    ).application
    scopes = frozenset({onboarding.SCOPE})
    own = ctx.acting(Actor("applicant", PartyId(made.id), "apl_x", scopes))
    contact = onboarding.Contact("林晓", "13812345678", f"lin{number}@fruit.example")
    answers = onboarding.Answers(
        f"果园{number}", f"果园{number}有限公司", _uscc(number), "水果", contact
    )
    onboarding.application_fill(own, answers=answers)
    kind = onboarding.DocumentKind.LICENCE
    onboarding.document_put(own, kind=kind, number="1", expires_on=expires_on, facts=FACTS)
    onboarding.application_submit(own, terms_id=None)
    return made.id


def told(ctx: Ctx) -> list[tuple[str, int | None]]:
    return [
        (event.type, event.data.get("days"))
        for event in ctx.announced
        if event.type.startswith("document.")
    ]


def test_a_party_is_told_thirty_and_seven_days_before_and_once_it_is_over(world: World) -> None:
    # Given a licence that counts for forty days
    with world.begin() as ctx:
        last = (ctx.now + timedelta(days=40)).date()
        application_id = applied(ctx, 301, expires_on=last)
        take_in_party.party_take_in(ctx, application_id=application_id, now=ctx.now)
        assert onboarding.documents_sweep(ctx) == 0
    seen = []
    for days in (11, 1, 22, 1, 7, 30):
        with world.begin() as ctx:
            clock_turn(ctx, ahead_s=days * 86_400)
        for _ in range(2):
            with world.begin() as ctx:
                onboarding.documents_sweep(ctx)
                seen += told(ctx)
    # Then it is told once each
    assert seen == [("document.expiring", 30), ("document.expiring", 7), ("document.expired", None)]


def test_approving_fails_as_a_whole_at_each_step(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with world.begin() as ctx:
        application_id = applied(ctx, 302)
    steps = [
        (parties, "party_open"),
        (take_in_party, "open_supplier"),
        (parties, "person_add"),
        (identity, "invite"),
        (onboarding, "application_approved"),
    ]
    for module, name in steps:

        def broken(*_: object, **__: object) -> None:
            raise OSError("broken")

        with monkeypatch.context() as patched:
            patched.setattr(module, name, broken)
            with pytest.raises(OSError, match="broken"), world.begin() as ctx:
                take_in_party.party_take_in(ctx, application_id=application_id, now=NOW)
        with world.begin() as ctx:
            row = onboarding.application_get(ctx, application_id=application_id)
            assert (row.state, row.party_id) == ("submitted", None)
            alike = parties.parties_alike(
                ctx, name=row.name, legal_name=row.legal_name, uscc=row.uscc
            )
            assert alike == []
    with world.begin() as ctx:
        done = take_in_party.party_take_in(ctx, application_id=application_id, now=NOW)
        assert done.owner.role == "owner"
        assert list(onboarding.verify(ctx)) == []


def test_no_applicant_reaches_anothers_and_no_staff_without_the_scope(world: World) -> None:
    with world.begin() as ctx:
        application_id = applied(ctx, 303)
        clerk = replace(ctx, actor=Actor("operator", PartyId(new_id(NOW)), "p", frozenset()))
        for refused in (onboarding.application_counts, onboarding.application_own):
            with pytest.raises(Exception, match="needs the scope"):
                refused(clerk)
        with pytest.raises(Exception, match="needs the scope"):
            onboarding.application_to_approve(clerk, application_id=application_id)
