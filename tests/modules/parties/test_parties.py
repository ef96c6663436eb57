"""Parties: opening, suspending, people, keys, nonces and the audit log."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from weili.kit.context import SYSTEM, SYSTEM_PARTY, Actor, Begin, Ctx, PartyId
from weili.kit.ids import id_text, new_id
from weili.kit.pages import cursor_text
from weili.kit.problems import (
    CursorInvalid,
    Forbidden,
    IdMalformed,
    InputInvalid,
    NotFound,
    Problem,
    SandboxOnly,
    StateConflict,
)
from weili.kit.secrets import KeyRing, KeyRingError, token_hash
from weili.kit.world import World
from weili.modules import parties
from weili.modules.parties.service import KEYS_LIVE_MAX

USCC = "91310115MAY1W6PN8E"
USCC_OTHER = "91320506MAY2NAD06H"


def opened(
    ctx: Ctx,
    *,
    kind: parties.PartyKind = parties.PartyKind.PARTNER,
    name: str = "青梧邻里团",
    uscc: str = USCC,
) -> parties.Party:
    return parties.party_open(
        ctx, kind=kind, name=name, legal_name="上海青梧邻里信息科技有限公司", uscc=uscc
    )


def issued(
    ctx: Ctx,
    party: parties.Party,
    *,
    kind: parties.KeyKind = parties.KeyKind.HMAC,
    scopes: frozenset[str] = frozenset({"orders:read"}),
    label: str = "主密钥",
) -> parties.IssuedKey:
    return parties.key_issue(ctx, party_id=party.id, kind=kind, scopes=scopes, label=label)


def acting(ctx: Ctx, party_id: PartyId, *scopes: str) -> Ctx:
    return replace(ctx, actor=Actor("partner", party_id, "key_x", frozenset(scopes)))


def column(ctx: Ctx, statement: str) -> list[object]:
    return list(ctx.db.sa.execute(sa.text(statement)).scalars())


# ------------------------------------------------------------------------------------- parties


def test_a_party_is_opened_active_and_read_back(ctx: Ctx) -> None:
    party = opened(ctx, name="  青梧邻里团 ", uscc="9131 0115 MAY1 W6PN 8E")

    assert (party.name, party.uscc, party.state) == ("青梧邻里团", USCC, "active")
    assert parties.party_get(ctx, party_id=party.id) == party
    assert parties.party_by_name(ctx, kind=party.kind, name="青梧邻里团") == party
    unknown = PartyId(new_id(ctx.now))
    assert parties.parties_get(ctx, party_ids=[party.id, unknown]) == {party.id: party}


@pytest.mark.parametrize("uscc", ["", "91310115MAY1W6PN8F", "1234", "\x00", "9" * 10_000])
def test_a_credit_code_with_a_wrong_check_digit_is_refused(ctx: Ctx, uscc: str) -> None:
    with pytest.raises(parties.UsccInvalid):
        opened(ctx, uscc=uscc)

    assert column(ctx, "SELECT count(*) FROM parties.party") == [0]


@pytest.mark.parametrize("name", ["", "   ", "字" * 101, "两\n行", "\x00"])
def test_a_name_is_one_line_of_a_hundred_characters(ctx: Ctx, name: str) -> None:
    with pytest.raises(InputInvalid) as refused:
        opened(ctx, name=name)

    assert refused.value.fields[0].path == "/name"


def test_name_and_code_are_one_party_s_within_a_kind(ctx: Ctx) -> None:
    opened(ctx)

    with pytest.raises(parties.PartyExists) as same_code:
        opened(ctx, name="另一家")
    with pytest.raises(parties.PartyExists) as same_name:
        opened(ctx, uscc=USCC_OTHER)

    assert same_code.value.as_json()["members"]["same"] == "uscc"
    assert same_name.value.as_json()["members"]["same"] == "name"


def test_a_company_may_both_supply_and_sell(ctx: Ctx) -> None:
    partner = opened(ctx)
    supplier = opened(ctx, kind=parties.PartyKind.SUPPLIER)

    assert partner.id != supplier.id


def test_parties_are_paged_in_the_order_they_were_opened(ctx: Ctx) -> None:
    first = opened(ctx, name="甲")
    second = opened(ctx, name="乙", uscc=USCC_OTHER)
    opened(ctx, name="丙", kind=parties.PartyKind.SUPPLIER)

    page = parties.party_page(ctx, kind=parties.PartyKind.PARTNER, limit=1)
    rest = parties.party_page(ctx, kind=parties.PartyKind.PARTNER, cursor=page.next_cursor, limit=1)

    assert [list(page.items), list(rest.items)] == [[first], [second]]
    assert rest.next_cursor is None
    assert len(parties.party_page(ctx).items) == 3


def test_a_party_sees_itself_and_no_other(ctx: Ctx) -> None:
    own = opened(ctx)
    other = opened(ctx, name="别家", uscc=USCC_OTHER)
    partner = acting(ctx, own.id, "account:read", "people:write")

    assert parties.party_get(partner, party_id=own.id) == own
    refusals = set()
    for party_id in (other.id, PartyId(new_id(ctx.now))):
        for verb in (parties.party_get, parties.key_page, parties.person_page):
            with pytest.raises(NotFound) as refused:
                verb(partner, party_id=party_id)
            refusals.add(str(refused.value).replace(id_text("pty", party_id), "…"))
    assert refusals == {"There is no party …."}


def test_only_the_operator_changes_parties(ctx: Ctx) -> None:
    party = opened(ctx)
    partner = acting(ctx, party.id, *parties.KEY_SCOPES[parties.PartyKind.PARTNER])

    calls: list[Callable[[], object]] = [
        lambda: opened(partner, name="新", uscc=USCC_OTHER),
        lambda: parties.party_page(partner),
        lambda: parties.party_by_name(partner, kind=party.kind, name=party.name),
        lambda: parties.party_suspend(partner, party_id=party.id, reason="r"),
        lambda: parties.party_resume(partner, party_id=party.id, reason="r"),
        lambda: issued(partner, party),
        lambda: parties.key_revoke(partner, key_id="key_x", reason="r"),
        lambda: parties.audit_page(partner),
        lambda: parties.person_by_email(partner, party_id=party.id, email="a@b.cn"),
        lambda: parties.person_email_reveal(
            partner,
            party_id=party.id,
            person_id=parties.PersonId(new_id(ctx.now)),
            reason="r",
        ),
        lambda: parties.person_add(
            acting(ctx, party.id, "account:read", "orders:write"),
            party_id=party.id,
            name="林",
            email="a@b.cn",
            role=parties.PersonRole.CLERK,
        ),
    ]
    for call in calls:
        with pytest.raises(Forbidden):
            call()


def test_suspending_and_resuming_is_announced_and_audited(ctx: Ctx) -> None:
    party = opened(ctx)

    suspended = parties.party_suspend(ctx, party_id=party.id, reason="资质过期")
    resumed = parties.party_resume(ctx, party_id=party.id, reason="资质已更新")

    assert [suspended.state, resumed.state] == ["suspended", "active"]
    assert [(e.type, e.party_id, e.data) for e in ctx.announced] == [
        ("party.suspended", party.id, {"reason": "资质过期"}),
        ("party.resumed", party.id, {"reason": "资质已更新"}),
    ]
    entries = parties.audit_page(
        ctx, search=parties.AuditSearch(subject=id_text("pty", party.id))
    ).items
    assert [(e.action, e.reason) for e in entries] == [
        ("party.resumed", "资质已更新"),
        ("party.suspended", "资质过期"),
    ]


def test_a_party_is_suspended_once(ctx: Ctx) -> None:
    party = opened(ctx)
    parties.party_suspend(ctx, party_id=party.id, reason="资质过期")

    with pytest.raises(StateConflict) as refused:
        parties.party_suspend(ctx, party_id=party.id, reason="再次")

    members = refused.value.as_json()["members"]
    assert (members["state"], members["needs"]) == ("suspended", "active")
    assert len(ctx.announced) == 1


def test_a_reason_must_be_given(ctx: Ctx) -> None:
    party = opened(ctx)

    with pytest.raises(InputInvalid):
        parties.party_suspend(ctx, party_id=party.id, reason=" ")

    assert parties.party_get(ctx, party_id=party.id).state is parties.PartyState.ACTIVE
    assert ctx.announced == []


# -------------------------------------------------------------------------------------- people


def test_a_person_s_email_is_sealed_masked_and_found(ctx: Ctx) -> None:
    party = opened(ctx)
    person = parties.person_add(
        ctx,
        party_id=party.id,
        name="周青梧",
        email=" Zhou@Example.CN ",
        role=parties.PersonRole.OWNER,
    )

    assert person.email_masked == "z***@example.cn"
    assert list(parties.person_page(ctx, party_id=party.id).items) == [person]
    assert parties.person_by_email(ctx, party_id=party.id, email="zhou@example.cn") == person
    [sealed] = column(ctx, "SELECT email_sealed FROM parties.person")
    assert isinstance(sealed, bytes)
    assert b"zhou" not in sealed.lower()


def test_revealing_an_email_is_audited(ctx: Ctx) -> None:
    party = opened(ctx)
    person = parties.person_add(
        ctx,
        party_id=party.id,
        name="周青梧",
        email="zhou@example.cn",
        role=parties.PersonRole.OWNER,
    )

    email = parties.person_email_reveal(
        ctx, party_id=party.id, person_id=person.id, reason="发送对账单"
    )

    assert email == "zhou@example.cn"
    [entry] = parties.audit_page(
        ctx, search=parties.AuditSearch(subject=id_text("per", person.id))
    ).items
    assert (entry.action, entry.actor, entry.actor_party_id, entry.reason) == (
        "person.email_reveal",
        "system:weili",
        SYSTEM_PARTY,
        "发送对账单",
    )


def test_an_email_is_one_person_s_within_a_party(ctx: Ctx) -> None:
    party = opened(ctx)
    other = opened(ctx, name="别家", uscc=USCC_OTHER)

    def add(party_id: PartyId) -> parties.Person:
        return parties.person_add(
            ctx, party_id=party_id, name="周", email="z@a.cn", role=parties.PersonRole.BUYER
        )

    add(party.id)
    add(other.id)
    with pytest.raises(parties.PersonExists):
        add(party.id)


@pytest.mark.parametrize("kind", parties.PartyKind)
@pytest.mark.parametrize("role", parties.PersonRole)
def test_roles_are_those_of_the_party_s_kind(
    ctx: Ctx, kind: parties.PartyKind, role: parties.PersonRole
) -> None:
    party = opened(ctx, kind=kind)
    refused: type[Problem] | None = None
    try:
        parties.person_add(ctx, party_id=party.id, name="周", email="z@a.cn", role=role)
    except parties.RoleNotAllowed as problem:
        refused = type(problem)

    assert (refused is None) == (role in parties.PERSON_ROLES[kind])


@pytest.mark.parametrize("email", ["", "a", "a@b", "a b@c.cn", "a@b@c.cn", "a@\x00.cn", "a" * 300])
def test_what_is_no_email_address_is_refused(ctx: Ctx, email: str) -> None:
    party = opened(ctx)

    with pytest.raises(InputInvalid):
        parties.person_add(
            ctx, party_id=party.id, name="周", email=email, role=parties.PersonRole.OWNER
        )


def test_a_sealed_email_moved_to_another_person_does_not_open(ctx: Ctx) -> None:
    party = opened(ctx)
    for email in ("a@a.cn", "b@a.cn"):
        parties.person_add(
            ctx, party_id=party.id, name="周", email=email, role=parties.PersonRole.BUYER
        )
    ctx.db.run(
        "UPDATE parties.person SET email_sealed = (SELECT min(email_sealed) FROM parties.person)"
    )

    with pytest.raises(KeyRingError):
        parties.person_page(ctx, party_id=party.id)


# ---------------------------------------------------------------------------------------- keys


def test_an_hmac_key_is_found_with_its_secret_opened(ctx: Ctx) -> None:
    party = opened(ctx)
    key = issued(ctx, party)

    found = parties.keys_find(ctx, key_ids=[key.key.id, "key_unknown"])

    assert list(found) == [key.key.id]
    record = found[key.key.id]
    assert (record.secret, record.secret_hash) == (key.secret, None)
    assert (record.party_id, record.party_kind, record.party_state) == (
        party.id,
        "partner",
        "active",
    )
    [sealed] = column(ctx, "SELECT secret_sealed FROM parties.api_key")
    assert isinstance(sealed, bytes)
    assert key.secret.encode() not in sealed
    assert key.secret not in repr(key)


def test_a_bearer_key_is_kept_as_a_hash_of_the_token_s_last_part(ctx: Ctx) -> None:
    party = opened(ctx)
    key = issued(ctx, party, kind=parties.KeyKind.BEARER)

    read = parties.credentials_read({"authorization": f"Bearer {key.secret}"})
    record = parties.keys_find(ctx, key_ids=[read.key_id])[key.key.id]

    assert read.world == "sandbox"
    assert (record.secret, record.secret_hash) == (None, token_hash(read.token))
    actor = parties.request_check(
        record,
        read,
        method="GET",
        path="/",
        body_sha256="",
        now=ctx.now,
        world=ctx.world,
        is_sandbox=True,
    )
    assert (actor.party_id, actor.scopes) == (party.id, frozenset({"orders:read"}))


def test_the_live_world_issues_no_bearer_key(ctx: Ctx) -> None:
    party = opened(ctx)
    live = replace(ctx, is_sandbox=False, world="live")

    with pytest.raises(SandboxOnly):
        issued(live, party, kind=parties.KeyKind.BEARER)

    assert issued(live, party).key.kind is parties.KeyKind.HMAC


@pytest.mark.parametrize("kind", parties.PartyKind)
def test_a_key_has_no_scope_beyond_the_policy_table(ctx: Ctx, kind: parties.PartyKind) -> None:
    party = opened(ctx, kind=kind)
    every = frozenset().union(*parties.ROLE_SCOPES.values()) | {"*", "root"}

    for scope in sorted(every):
        if scope in parties.ROLE_SCOPES[kind]:
            assert issued(ctx, party, scopes=frozenset({scope})).key.scopes == {scope}
        else:
            with pytest.raises(parties.ScopeNotAllowed) as refused:
                issued(ctx, party, scopes=frozenset({scope}))
            assert refused.value.members["scopes"] == [scope]


def test_a_key_that_may_do_nothing_is_refused(ctx: Ctx) -> None:
    with pytest.raises(InputInvalid):
        issued(ctx, opened(ctx), scopes=frozenset())


def test_who_issues_keys_gives_the_operator_no_more_than_they_have(ctx: Ctx) -> None:
    # Given an operator's key that may look after parties and goods, and nothing else
    operator = opened(ctx, kind=parties.PartyKind.OPERATOR)
    staff = replace(
        ctx,
        actor=Actor("operator", operator.id, "key_x", frozenset({"admin:parties", "admin:goods"})),
    )
    # Then it issues its like, but none that moves money
    assert issued(staff, operator, scopes=frozenset({"admin:goods"})).key.scopes == {"admin:goods"}
    with pytest.raises(Forbidden) as refused:
        issued(staff, operator, scopes=frozenset({"admin:goods", "admin:money"}))
    assert refused.value.members["needs"] == "admin:money"
    assert column(ctx, "SELECT count(*) FROM parties.api_key") == [1]


def test_a_key_can_t_expire_in_the_past(ctx: Ctx) -> None:
    party = opened(ctx)

    with pytest.raises(InputInvalid):
        parties.key_issue(
            ctx,
            party_id=party.id,
            kind=parties.KeyKind.HMAC,
            scopes=["orders:read"],
            label="短期",
            expires_at=ctx.now,
        )


def test_a_suspended_party_gets_no_key(ctx: Ctx) -> None:
    party = opened(ctx)
    parties.party_suspend(ctx, party_id=party.id, reason="资质过期")

    with pytest.raises(parties.PartySuspended):
        issued(ctx, party)


def test_rotation_keeps_both_keys_working_until_the_old_one_is_revoked(ctx: Ctx) -> None:
    party = opened(ctx)
    old = issued(ctx, party, label="旧")
    new = issued(ctx, party, label="新")

    revoked = parties.key_revoke(ctx, key_id=old.key.id, reason="轮换")

    assert revoked == replace(old.key, revoked_at=ctx.now)
    assert list(parties.key_page(ctx, party_id=party.id).items) == [revoked, new.key]
    found = parties.keys_find(ctx, key_ids=[old.key.id, new.key.id])
    assert [found[k.key.id].revoked_at for k in (old, new)] == [ctx.now, None]
    assert [e.type for e in ctx.announced] == ["key.issued", "key.issued", "key.revoked"]


def test_revoking_again_changes_nothing(ctx: Ctx) -> None:
    key = issued(ctx, opened(ctx)).key
    first = parties.key_revoke(ctx, key_id=key.id, reason="泄露")
    later = replace(ctx, now=ctx.now + timedelta(hours=1))

    assert parties.key_revoke(later, key_id=key.id, reason="再次") == first
    assert len(ctx.announced) == 2


def test_what_names_no_key_can_t_be_revoked(ctx: Ctx) -> None:
    with pytest.raises(NotFound):
        parties.key_revoke(ctx, key_id="key_" + "0" * 26, reason="r")
    with pytest.raises(IdMalformed):
        parties.key_revoke(ctx, key_id="key_\x00", reason="r")


def test_a_party_has_a_bounded_number_of_working_keys(ctx: Ctx) -> None:
    party = opened(ctx)
    keys = [issued(ctx, party) for _ in range(KEYS_LIVE_MAX)]

    with pytest.raises(parties.KeysTooMany):
        issued(ctx, party)

    parties.key_revoke(ctx, key_id=keys[0].key.id, reason="腾出名额")
    assert issued(ctx, party).key.revoked_at is None


def test_keys_are_paged_without_secrets(ctx: Ctx) -> None:
    party = opened(ctx)
    keys = [issued(ctx, party) for _ in range(3)]
    partner = acting(ctx, party.id, "account:read")

    page = parties.key_page(partner, party_id=party.id, limit=2)
    rest = parties.key_page(partner, party_id=party.id, cursor=page.next_cursor, limit=2)

    assert [*page.items, *rest.items] == [k.key for k in keys]
    assert not any(k.secret in repr(page) for k in keys)


@pytest.mark.parametrize("key", ["", "x", "\x00", "1 OR 1=1"])
def test_a_forged_cursor_is_refused(ctx: Ctx, key: str) -> None:
    party = opened(ctx)
    cursor = cursor_text(key)

    for call in (
        lambda: parties.party_page(ctx, cursor=cursor),
        lambda: parties.audit_page(ctx, cursor=cursor),
        lambda: parties.key_page(ctx, party_id=party.id, cursor=cursor),
        lambda: parties.person_page(ctx, party_id=party.id, cursor=cursor),
    ):
        with pytest.raises(CursorInvalid):
            call()


def test_what_is_announced_holds_no_secret(ctx: Ctx) -> None:
    key = issued(ctx, opened(ctx))

    assert key.secret not in json.dumps([dict(e.data) for e in ctx.announced])


# -------------------------------------------------------------------------------------- nonces


def test_a_nonce_is_free_once_for_each_key(ctx: Ctx) -> None:
    pairs = [("key_b", "n1"), ("key_a", "n1"), ("key_b", "n1"), ("key_a", "n2")]

    assert parties.nonces_claim(ctx, pairs=pairs) == [True, True, False, True]
    assert parties.nonces_claim(ctx, pairs=[("key_a", "n2"), ("key_a", "n3")]) == [False, True]
    assert parties.nonces_claim(ctx, pairs=[]) == []


def test_a_nonce_is_kept_for_twice_the_window_and_then_swept(ctx: Ctx) -> None:
    # A request stamped 300 s ahead is acceptable until 300 + 300 = 600 s from now.
    parties.nonces_claim(ctx, pairs=[("key_a", "n1"), ("key_a", "n2")])
    before = replace(ctx, now=ctx.now + timedelta(seconds=599))
    after = replace(ctx, now=ctx.now + timedelta(seconds=600))

    assert parties.nonces_sweep(before) == 0
    assert parties.nonces_claim(before, pairs=[("key_a", "n1")]) == [False]
    assert parties.nonces_claim(after, pairs=[("key_a", "n1")]) == [True]
    assert parties.nonces_sweep(after) == 1


def test_a_nonce_that_another_transaction_claimed_is_not_free(begin: Begin) -> None:
    with begin() as ctx:
        parties.nonces_claim(ctx, pairs=[("key_a", "n1")])
    with begin() as ctx:
        assert parties.nonces_claim(ctx, pairs=[("key_a", "n1")]) == [False]


def test_a_replayed_nonce_is_answered_as_unauthenticated() -> None:
    assert parties.NonceReplayed().as_json()["status"] == 401


# --------------------------------------------------------------------------------------- audit


def test_the_audit_log_names_actor_subject_and_reason_newest_first(ctx: Ctx) -> None:
    party = opened(ctx)
    clerk = acting(ctx, party.id, "recipients:reveal")
    for number in range(3):
        parties.audit_write(
            clerk, action="recipient.reveal", subject=f"ord_{number}", reason="派件"
        )

    page = parties.audit_page(ctx, limit=2)
    rest = parties.audit_page(ctx, cursor=page.next_cursor, limit=2)

    entries = [*page.items, *rest.items]
    assert [e.subject for e in entries] == ["ord_2", "ord_1", "ord_0"]
    assert {(e.actor, e.actor_party_id) for e in entries} == {("partner:key_x", party.id)}


@pytest.mark.parametrize(
    "statement",
    ["UPDATE parties.audit SET reason = 'x'", "DELETE FROM parties.audit"],
)
def test_the_application_can_t_change_the_audit_log(ctx: Ctx, statement: str) -> None:
    parties.audit_write(ctx, action="a", subject="s", reason="r")

    with pytest.raises(sa.exc.ProgrammingError, match="permission denied"):
        ctx.db.sa.execute(sa.text(statement))


# -------------------------------------------------------------------------------------- verify


def test_verify_finds_nothing_wrong_with_fresh_keys(ctx: Ctx) -> None:
    party = opened(ctx)
    issued(ctx, party)
    issued(ctx, party, kind=parties.KeyKind.BEARER)

    assert list(parties.verify(ctx)) == []


def test_verify_finds_a_secret_that_the_ring_can_t_open_and_a_scope_too_many(ctx: Ctx) -> None:
    key = issued(ctx, opened(ctx)).key
    ctx.db.run("UPDATE parties.api_key SET scopes = '{admin:money}'")
    other_ring = replace(ctx, keyring=KeyRing.fresh())

    findings = list(parties.verify(other_ring))

    assert [(f.check, f.where) for f in findings] == [
        ("key_opens", f"key {key.id}"),
        ("key_within_policy", f"key {key.id}"),
    ]


def test_a_refused_party_leaves_nothing_behind(world: World) -> None:
    with world.begin() as ctx:
        opened(ctx)
    with pytest.raises(parties.PartyExists), world.begin() as ctx:
        opened(ctx, name="另一家")
    with world.begin(replace(SYSTEM, role="test")) as ctx:
        assert len(parties.party_page(ctx).items) == 1
