"""Signing: the primitive, our string, and every way in which a request is refused."""

import hmac
import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weili.kit.context import Actor, PartyId
from weili.kit.problems import Unauthenticated
from weili.kit.secrets import token_hash
from weili.modules import parties
from weili.modules.parties import rules

NOW = datetime(2026, 1, 1, tzinfo=UTC)
NOW_S = 1_767_225_600
PARTY = PartyId(UUID(int=7))
KEY = "key_" + "0" * 26
SECRET = "wJalrXUtnFEMI-K7MDENG_bPxRfiCYEXAMPLEKEY012"
BODY = b'{"number":"A-1001","lines":[{"sku":"sku_01jd0000000000000000000001","quantity":2}]}'
NONCE = "q3TzN0bJ5m8Yx2Lk"
PATH = "/v1/orders?dry_run=false"

SIGNED = parties.KeyRecord(
    key_id=KEY,
    party_id=PARTY,
    party_kind=parties.PartyKind.PARTNER,
    party_state=parties.PartyState.ACTIVE,
    kind=parties.KeyKind.HMAC,
    secret=SECRET,
    secret_hash=None,
    scopes=frozenset({"orders:read", "orders:write"}),
    revoked_at=None,
    expires_at=None,
)
BEARER = replace(SIGNED, kind=parties.KeyKind.BEARER, secret=None, secret_hash=token_hash(SECRET))


def signed_headers(
    *, secret: str = SECRET, at_s: int = NOW_S, nonce: str = NONCE, method: str = "POST"
) -> dict[str, str]:
    string = parties.string_to_sign(
        method=method,
        path=PATH,
        timestamp=str(at_s),
        nonce=nonce,
        body_sha256=parties.body_sha256(BODY),
    )
    return {
        "weili-key": KEY,
        "weili-timestamp": str(at_s),
        "weili-nonce": nonce,
        "weili-signature": parties.sign(secret, string),
    }


def bearer_headers(*, world: str = "sandbox", secret: str = SECRET) -> dict[str, str]:
    token = parties.bearer_token(world=world, key_id=KEY, secret=secret)
    return {"authorization": f"Bearer {token}"}


def check(
    record: parties.KeyRecord | None,
    headers: dict[str, str],
    *,
    method: str = "POST",
    path: str = PATH,
    body: bytes = BODY,
    now: datetime = NOW,
    is_sandbox: bool = True,
) -> Actor:
    return parties.request_check(
        record,
        parties.credentials_read(headers),
        method=method,
        path=path,
        body_sha256=parties.body_sha256(body),
        now=now,
        world="sandbox",
        is_sandbox=is_sandbox,
    )


@pytest.mark.parametrize(
    ("key", "data", "expected"),
    [
        (
            b"\x0b" * 20,
            b"Hi There",
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
        ),
        (
            b"Jefe",
            b"what do ya want for nothing?",
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        ),
        (
            b"\xaa" * 20,
            b"\xdd" * 50,
            "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
        ),
        (
            bytes(range(1, 26)),
            b"\xcd" * 50,
            "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
        ),
        (
            b"\xaa" * 131,
            b"Test Using Larger Than Block-Size Key - Hash Key First",
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
        ),
        (
            b"\xaa" * 131,
            (
                b"This is a test using a larger than block-size key and a larger than"
                b" block-size data. The key needs to be hashed before being used by the HMAC"
                b" algorithm."
            ),
            "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
        ),
    ],
    ids=["case 1", "case 2", "case 3", "case 4", "case 6", "case 7"],
)
def test_the_primitive_gives_the_vectors_of_rfc_4231(
    key: bytes, data: bytes, expected: str
) -> None:
    assert rules._hmac_sha256(key, data) == expected


def test_the_string_to_sign_is_five_lines() -> None:
    string = parties.string_to_sign(
        method="post", path=PATH, timestamp="1767225600", nonce=NONCE, body_sha256="ab"
    )

    assert string == "POST\n/v1/orders?dry_run=false\n1767225600\nq3TzN0bJ5m8Yx2Lk\nab"


def test_the_readme_s_first_vector_is_right() -> None:
    # Made with openssl, as the module's README shows.
    assert (
        signed_headers()["weili-signature"]
        == "354477aa161367301da6fc0533956271e3022dcb51dd9b49f815e3e1887eb0ef"
    )


def test_the_readme_s_second_vector_is_right() -> None:
    string = parties.string_to_sign(
        method="GET",
        path="/v1/skus?limit=50&cursor=%E7%B1%B3",
        timestamp="1767225600",
        nonce="AAAAAAAAAAAAAAAA-_0123456789",
        body_sha256=parties.body_sha256(b""),
    )

    assert (
        parties.sign(SECRET, string)
        == "faa096fafd79700caeab49a2c8ed9dd9f1cf68461a2f4ae71b097299b202d545"
    )


def test_a_signed_request_acts_for_its_party_with_its_scopes() -> None:
    assert check(SIGNED, signed_headers()) == Actor(
        "partner", PARTY, KEY, frozenset({"orders:read", "orders:write"})
    )


def test_a_scope_that_the_policy_no_longer_gives_is_left_out() -> None:
    record = replace(SIGNED, scopes=frozenset({"orders:read", "admin:money", "*"}))

    assert check(record, signed_headers()).scopes == frozenset({"orders:read"})


def test_a_signature_may_be_written_in_capitals() -> None:
    headers = signed_headers()
    headers["weili-signature"] = headers["weili-signature"].upper()

    assert check(SIGNED, headers).key_id == KEY


def test_a_bearer_token_acts_for_its_party_in_a_sandbox() -> None:
    assert check(BEARER, bearer_headers()).party_id == PARTY


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", PATH, BODY),
        ("POST", "/v1/orders?dry_run=true", BODY),
        ("POST", "/v1/orders", BODY),
        ("POST", PATH, BODY + b" "),
        ("POST", PATH, b""),
    ],
)
def test_a_signature_holds_for_one_method_path_and_body(
    method: str, path: str, body: bytes
) -> None:
    with pytest.raises(Unauthenticated):
        check(SIGNED, signed_headers(), method=method, path=path, body=body)


def test_an_unknown_key_and_a_wrong_proof_read_alike() -> None:
    refusals = set()
    for record, headers in [
        (None, signed_headers()),
        (None, bearer_headers()),
        (SIGNED, signed_headers(secret="x" * 43)),
        (BEARER, bearer_headers(secret="x" * 43)),
        (SIGNED, bearer_headers()),
        (BEARER, signed_headers()),
        # Nobody passes with what stands in for the secret of a key that isn't there.
        (None, signed_headers(secret=rules._NO_SECRET)),
        (None, bearer_headers(secret=rules._NO_SECRET)),
        # What is wrong with a key is not told to one who doesn't hold it.
        (replace(SIGNED, revoked_at=NOW), signed_headers(secret="x" * 43)),
        (
            replace(SIGNED, party_state=parties.PartyState.SUSPENDED),
            signed_headers(secret="x" * 43),
        ),
    ]:
        with pytest.raises(Unauthenticated) as refused:
            check(record, headers)
        refusals.add(str(refused.value))

    assert len(refusals) == 1


@pytest.mark.parametrize("off_s", [-300, 300])
def test_the_window_is_three_hundred_seconds_either_way(off_s: int) -> None:
    assert check(SIGNED, signed_headers(at_s=NOW_S + off_s)).key_id == KEY


@pytest.mark.parametrize("off_s", [-301, 301])
@pytest.mark.parametrize("record", [SIGNED, None])
def test_outside_the_window_the_server_s_time_is_told(
    record: parties.KeyRecord | None, off_s: int
) -> None:
    with pytest.raises(Unauthenticated) as refused:
        check(record, signed_headers(at_s=NOW_S + off_s))

    assert "300 s" in str(refused.value)
    assert "1767225600" in str(refused.value)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"weili-nonce": "short-nonce-15c"}, "Weili-Nonce"),
        ({"weili-nonce": "n" * 65}, "Weili-Nonce"),
        ({"weili-nonce": "nonce with space 1"}, "Weili-Nonce"),
        ({"weili-nonce": f"{NONCE}\n"}, "Weili-Nonce"),
        ({"weili-timestamp": "2026-01-01"}, "Weili-Timestamp"),
        ({"weili-timestamp": "-1"}, "Weili-Timestamp"),
        ({"weili-timestamp": "１７６７２２５６００"}, "Weili-Timestamp"),
        ({"weili-timestamp": "9" * 400}, "Weili-Timestamp"),
        ({"weili-signature": "é" * 64}, "Weili-Signature"),
        ({"weili-signature": "00"}, "Weili-Signature"),
        ({"weili-key": "key_\x00"}, "Weili-Key"),
        ({"authorization": "Bearer x"}, "not both"),
    ],
)
def test_malformed_credentials_are_told_what_is_wrong(change: dict[str, str], says: str) -> None:
    with pytest.raises(Unauthenticated) as refused:
        check(SIGNED, signed_headers() | change)

    assert says in str(refused.value)


@pytest.mark.parametrize("missing", parties.SIGNING_HEADERS)
def test_a_missing_header_is_named(missing: str) -> None:
    headers = signed_headers()
    del headers[missing]

    with pytest.raises(Unauthenticated) as refused:
        check(SIGNED, headers)

    assert missing in str(refused.value)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": ""},
        {"authorization": "Basic dXNlcjpwYXNz"},
        {"authorization": "Bearer"},
        {"authorization": "Bearer wl_sandbox_short_secret"},
        {"authorization": "Bearer " + "w" * 10_000},
    ],
)
def test_without_credentials_of_ours_nobody_enters(headers: dict[str, str]) -> None:
    with pytest.raises(Unauthenticated):
        check(BEARER, headers)


def test_a_bearer_token_is_refused_in_the_live_world() -> None:
    with pytest.raises(Unauthenticated) as refused:
        check(BEARER, bearer_headers(), is_sandbox=False)

    assert "sandbox" in str(refused.value)


def test_a_bearer_token_of_another_world_is_refused() -> None:
    with pytest.raises(Unauthenticated) as refused:
        check(BEARER, bearer_headers(world="other_world"))

    assert "another world" in str(refused.value)


def test_the_holder_of_a_revoked_key_is_told_so() -> None:
    with pytest.raises(Unauthenticated) as refused:
        check(replace(SIGNED, revoked_at=NOW), signed_headers())

    assert "revoked" in str(refused.value)


def test_a_key_works_until_the_moment_it_expires() -> None:
    just_before = replace(SIGNED, expires_at=NOW + timedelta(seconds=1))
    assert check(just_before, signed_headers()).key_id == KEY

    with pytest.raises(Unauthenticated) as refused:
        check(replace(SIGNED, expires_at=NOW), signed_headers())
    assert "expired at 2026-01-01T00:00:00Z" in str(refused.value)


def test_a_suspended_party_is_refused_as_forbidden() -> None:
    suspended = replace(SIGNED, party_state=parties.PartyState.SUSPENDED)

    with pytest.raises(parties.PartySuspended) as refused:
        check(suspended, signed_headers())

    assert refused.value.as_json()["status"] == 403


def test_secrets_are_not_printed() -> None:
    printed = repr(SIGNED) + repr(BEARER) + repr(parties.credentials_read(bearer_headers()))

    assert SECRET not in printed
    assert repr(token_hash(SECRET)) not in printed


def test_comparison_takes_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = []
    real = hmac.compare_digest
    monkeypatch.setattr(
        rules.hmac, "compare_digest", lambda a, b: compared.append((a, b)) or real(a, b)
    )

    check(SIGNED, signed_headers())
    check(BEARER, bearer_headers())

    assert [type(a) for a, _ in compared] == [str, bytes]


@given(st.dictionaries(st.sampled_from(["authorization", *parties.SIGNING_HEADERS]), st.text()))
def test_any_headers_are_refused_as_unauthenticated(headers: dict[str, str]) -> None:
    with pytest.raises(Unauthenticated):
        check(SIGNED, headers)


@given(
    world=st.text(st.characters(exclude_characters="\n"), min_size=1, max_size=63),
    secret=st.text(
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_",
        min_size=43,
        max_size=43,
    ),
)
def test_a_bearer_token_is_read_back_whatever_its_world_is_called(world: str, secret: str) -> None:
    token = parties.bearer_token(world=world, key_id=KEY, secret=secret)
    read = parties.credentials_read({"authorization": f"Bearer {token}"})

    assert (read.key_id, read.world, read.token) == (KEY, world, secret)


def test_the_window_s_bounds_are_whole_seconds() -> None:
    late = NOW + timedelta(milliseconds=999)

    assert math.floor(late.timestamp()) == NOW_S
    assert check(SIGNED, signed_headers(at_s=NOW_S - 300), now=late).key_id == KEY
