"""Who a request comes from, decided from its headers and the key's record alone.

The same words answer an unknown key and a wrong signature, and the same work is done for both,
so that nobody learns which keys exist. What is said of a key (revoked, expired, its party
suspended) is said only to one who has proved to hold it.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from stdnum.cn import uscc as stdnum_uscc
from stdnum.exceptions import ValidationError

from weili.kit.context import Actor
from weili.kit.problems import FieldProblem, InputInvalid, Said, Unauthenticated
from weili.kit.secrets import MASK, token_hash
from weili.modules.parties.model import (
    KEY_PREFIX,
    PERSON_ROLES,
    ROLE_SCOPES,
    Credentials,
    KeyKind,
    KeyRecord,
    PartyKind,
    PartyState,
    PersonRole,
)
from weili.modules.parties.problems import (
    KIND_WORDS,
    PartySuspended,
    RoleNotAllowed,
    ScopeNotAllowed,
    UsccInvalid,
)

AUTHORIZATION_HEADER: Final = "authorization"
WEILI_KEY_HEADER: Final = "weili-key"
TIMESTAMP_HEADER: Final = "weili-timestamp"
NONCE_HEADER: Final = "weili-nonce"
SIGNATURE_HEADER: Final = "weili-signature"
SIGNING_HEADERS: Final = (
    WEILI_KEY_HEADER,
    TIMESTAMP_HEADER,
    NONCE_HEADER,
    SIGNATURE_HEADER,
)
"""All four go with a signed request; in lower case, as a face hands them over."""

WINDOW_S: Final = 300
NAME_LENGTH_MAX: Final = 100
REASON_LENGTH_MAX: Final = 500
EMAIL_LENGTH_MAX: Final = 254

_NONCE = re.compile(r"[A-Za-z0-9_-]{16,64}")
_TIMESTAMP = re.compile(r"[0-9]{1,12}")
_SIGNATURE = re.compile(r"[0-9a-fA-F]{64}")
_KEY_ID = re.compile(rf"{KEY_PREFIX}_[0-9a-z]{{26}}")
_TOKEN = re.compile(r"wl_(?P<world>.{1,63})_(?P<tail>[0-9a-z]{26})_(?P<secret>[A-Za-z0-9_-]{43})")
_TOKEN_LENGTH_MAX: Final = 256
_EMAIL = re.compile(r"[^@\s\x00-\x1f]{1,64}@[^@\s\x00-\x1f]+\.[^@\s\x00-\x1f]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")

_NOT_ACCEPTED: Final = Said("the key or its proof is wrong", "密钥或其证明有误")
_NO_SECRET: Final = "-" * 43
"""What is computed with when there is no such key, so that both cases take the same work."""


def string_to_sign(*, method: str, path: str, timestamp: str, nonce: str, body_sha256: str) -> str:
    """Write the five lines that are signed, with no newline at the end.

    ``path`` is the raw path with its query, as it stands in the request line.
    """
    return f"{method.upper()}\n{path}\n{timestamp}\n{nonce}\n{body_sha256}"


def sign(secret: str, string: str) -> str:
    """Sign with HMAC-SHA256, in lower-case hexadecimal.

    Source: RFC 2104 with SHA-256; test vectors in RFC 4231.
    """
    return _hmac_sha256(secret.encode(), string.encode())


def _hmac_sha256(secret: bytes, message: bytes) -> str:
    return hmac.digest(secret, message, "sha256").hex()


def body_sha256(body: bytes) -> str:
    """Give the fifth line: SHA-256 of the raw body, in lower-case hexadecimal."""
    return hashlib.sha256(body).hexdigest()


def is_key_id(text: str) -> bool:
    """Say whether a text has the form of a key's id."""
    return _KEY_ID.fullmatch(text) is not None


def bearer_token(*, world: str, key_id: str, secret: str) -> str:
    """Write a bearer token: ``wl_<world>_<the key id's tail>_<secret>``."""
    return f"wl_{world}_{key_id.removeprefix(f'{KEY_PREFIX}_')}_{secret}"


def credentials_read(headers: Mapping[str, str]) -> Credentials:
    """Read who a request says it comes from. Header names are in lower case.

    Raises: Unauthenticated, when there are no credentials, two kinds at once, or malformed ones.
    """
    authorization = headers.get(AUTHORIZATION_HEADER)
    present = [name for name in SIGNING_HEADERS if name in headers]
    if authorization is not None and present:
        raise _refused(
            "send either a bearer token or a signature, not both",
            "Bearer 令牌与签名只能使用一种",
        )
    if authorization is not None:
        return _bearer_read(authorization)
    if not present:
        raise _refused(
            "send a signature in the four Weili- headers, or in a sandbox a bearer key",
            "请携带四个 Weili- 签名请求头，沙箱环境也可使用 Bearer 令牌",
        )
    if len(present) < len(SIGNING_HEADERS):
        missing = sorted(set(SIGNING_HEADERS) - set(present))
        raise _refused(
            f"a signed request also needs {', '.join(missing)}",
            f"签名请求还缺少请求头 {'、'.join(missing)}",
        )
    key_id, timestamp, nonce, signature = (headers[name] for name in SIGNING_HEADERS)
    if not is_key_id(key_id):
        raise _refused(
            "Weili-Key is not of the form key_ and 26 letters or digits",
            "Weili-Key 应为 key_ 加 26 位字母或数字",
        )
    if not _TIMESTAMP.fullmatch(timestamp):
        raise _refused(
            "Weili-Timestamp is not a Unix time in whole seconds",
            "Weili-Timestamp 应为 Unix 时间戳（整数秒）",
        )
    if not _NONCE.fullmatch(nonce):
        raise _refused(
            "Weili-Nonce is not 16 to 64 letters, digits, - or _",
            "Weili-Nonce 应为 16 至 64 位字母、数字、- 或 _",
        )
    if not _SIGNATURE.fullmatch(signature):
        raise _refused(
            "Weili-Signature is not 64 hexadecimal digits",
            "Weili-Signature 应为 64 位十六进制数字",
        )
    return Credentials(
        KeyKind.HMAC, key_id, timestamp=timestamp, nonce=nonce, signature=signature.lower()
    )


def _refused(en: str, zh: str) -> Unauthenticated:
    return Unauthenticated(why=Said(en, zh))


def _bearer_read(authorization: str) -> Credentials:
    scheme, _, token = authorization.partition(" ")
    match = _TOKEN.fullmatch(token) if len(token) <= _TOKEN_LENGTH_MAX else None
    if scheme.lower() != "bearer" or match is None:
        raise _refused(
            "Authorization is not Bearer and a token of ours",
            "Authorization 应为 Bearer 加本平台签发的令牌",
        )
    return Credentials(
        KeyKind.BEARER,
        f"{KEY_PREFIX}_{match['tail']}",
        world=match["world"],
        token=match["secret"],
    )


def request_check(
    record: KeyRecord | None,
    credentials: Credentials,
    *,
    method: str,
    path: str,
    body_sha256: str,
    now: datetime,
    world: str,
    is_sandbox: bool,
) -> Actor:
    """Decide who a request comes from.

    ``now`` is the wall clock's time, even in a sandbox whose own clock was turned: a partner
    signs by its own clock. Whether the nonce was used before is for the caller to claim.

    Raises: Unauthenticated, saying why; PartySuspended.
    """
    if credentials.kind is KeyKind.BEARER:
        is_proved = bearer_check(record, credentials, world=world, is_sandbox=is_sandbox)
    else:
        is_proved = signature_check(
            record,
            credentials,
            string_parts=(method, path, body_sha256),
            now=now,
        )
    if record is None or not is_proved:
        raise Unauthenticated(why=_NOT_ACCEPTED)
    if record.revoked_at is not None:
        raise _refused("the key was revoked", "密钥已被吊销")
    if record.expires_at is not None and record.expires_at <= now:
        at = f"{record.expires_at:%Y-%m-%dT%H:%M:%SZ}"
        raise _refused(f"the key expired at {at}", f"密钥已于 {at} 到期")
    if record.party_state is PartyState.SUSPENDED:
        raise PartySuspended
    # The policy table has the last word, should it have been narrowed since the key was issued.
    scopes = record.scopes & ROLE_SCOPES[record.party_kind]
    return Actor(str(record.party_kind), record.party_id, record.key_id, scopes)


def bearer_check(
    record: KeyRecord | None, credentials: Credentials, *, world: str, is_sandbox: bool
) -> bool:
    """Say whether a bearer token is the key's own.

    Raises: Unauthenticated in the live world, or for a token of another world.
    """
    if not is_sandbox:
        raise _refused(
            "bearer tokens work in sandbox worlds only; sign the request",
            "Bearer 令牌仅可用于沙箱环境；请对请求签名",
        )
    if credentials.world != world:
        raise _refused(f"the token is for another world than {world}", f"该令牌不属于环境 {world}")
    known = record.secret_hash if record is not None else None
    is_equal = hmac.compare_digest(token_hash(credentials.token), known or token_hash(_NO_SECRET))
    return is_equal and known is not None


def signature_check(
    record: KeyRecord | None,
    credentials: Credentials,
    *,
    string_parts: tuple[str, str, str],
    now: datetime,
) -> bool:
    """Say whether a signature was made with the key's secret over these method, path and body.

    Raises: Unauthenticated, when it was made outside the window.
    """
    server_s = int(now.timestamp())
    if abs(server_s - int(credentials.timestamp)) > WINDOW_S:
        raise _refused(
            f"Weili-Timestamp is more than {WINDOW_S} s from the server's time {server_s}",
            f"Weili-Timestamp 与服务器时间 {server_s} 相差超过 {WINDOW_S} 秒",
        )
    method, path, body_hash = string_parts
    known = record.secret if record is not None else None
    expected = sign(
        known or _NO_SECRET,
        string_to_sign(
            method=method,
            path=path,
            timestamp=credentials.timestamp,
            nonce=credentials.nonce,
            body_sha256=body_hash,
        ),
    )
    return hmac.compare_digest(credentials.signature, expected) and known is not None


def uscc_checked(text: str) -> str:
    """Give a unified social credit code in its compact form.

    Raises: UsccInvalid.
    Source: GB 32100-2015.
    """
    try:
        return str(stdnum_uscc.validate(text))
    except ValidationError:
        raise UsccInvalid(uscc=text) from None


def text_checked(text: str, *, path: str, length_max: int = NAME_LENGTH_MAX) -> str:
    """Give a line of text without the space around it.

    Raises: InputInvalid, when it is empty, too long, or holds control characters.
    """
    line = text.strip()
    if not 0 < len(line) <= length_max or _CONTROL.search(line):
        expected = Said(
            f"1 to {length_max} characters on one line", f"1 至 {length_max} 个字符的单行文字"
        )
        raise InputInvalid(fields=(FieldProblem(path, "text_invalid", expected),))
    return line


def email_checked(text: str) -> str:
    """Give an e-mail address in lower case.

    Raises: InputInvalid.
    """
    email = text.strip().lower()
    if len(email) > EMAIL_LENGTH_MAX or not _EMAIL.fullmatch(email):
        expected = Said("an e-mail address", "邮箱地址")
        raise InputInvalid(fields=(FieldProblem("/email", "email_invalid", expected),))
    return email


def email_masked(email: str) -> str:
    """Keep the first letter and the domain: lin@example.cn → l***@example.cn."""
    local, _, domain = email.rpartition("@")
    return f"{local[:1]}{MASK * 3}@{domain}"


def role_check(kind: PartyKind, role: PersonRole) -> None:
    """Refuse a role that parties of the kind do not give.

    Raises: RoleNotAllowed.
    """
    if role not in PERSON_ROLES[kind]:
        allowed = sorted(PERSON_ROLES[kind])
        raise RoleNotAllowed(party_kind=KIND_WORDS[kind], role=str(role), allowed=allowed)


def scopes_check(kind: PartyKind, scopes: frozenset[str]) -> None:
    """Refuse scopes beyond the policy table, and a key that may do nothing.

    Raises: ScopeNotAllowed; InputInvalid.
    """
    if not scopes:
        expected = Said("at least one scope", "至少一项权限")
        raise InputInvalid(fields=(FieldProblem("/scopes", "scopes_empty", expected),))
    beyond = scopes - ROLE_SCOPES[kind]
    if beyond:
        raise ScopeNotAllowed(
            party_kind=KIND_WORDS[kind], scopes=sorted(beyond), allowed=sorted(ROLE_SCOPES[kind])
        )
