"""What the parties refuse."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from weili.kit.problems import Kind, Problem, Said
from weili.modules.parties.model import PartyKind

PARTY_WORD: Final = Said("party", "主体", code="party")
PERSON_WORD: Final = Said("person", "人员", code="person")
KEY_WORD: Final = Said("key", "密钥", code="key")
KIND_WORDS: Final[Mapping[PartyKind, Said]] = MappingProxyType(
    {
        PartyKind.OPERATOR: Said("operator", "运营方", code="operator"),
        PartyKind.SUPPLIER: Said("supplier", "供应商", code="supplier"),
        PartyKind.PARTNER: Said("partner", "渠道商", code="partner"),
        PartyKind.ISV: Said("ISV", "独立软件服务商", code="isv"),
    }
)
NAME_WORD: Final = Said("name", "名称", code="name")
USCC_WORD: Final = Said("unified social credit code", "统一社会信用代码", code="uscc")


class UsccInvalid(Problem):
    """A unified social credit code whose form or check digit is wrong."""

    kind = Kind.INVALID
    code = "uscc_invalid"
    en = "{uscc} is no unified social credit code: its form or its check digit is wrong."
    zh = "{uscc} 不是有效的统一社会信用代码：格式或校验位有误。"


class PartyExists(Problem):
    """Another party of the same kind has the name or the credit code."""

    kind = Kind.CONFLICT
    code = "party_exists"
    en = "There is a party of the kind {party_kind} with the same {same} already."
    zh = "已存在{same}相同的{party_kind}。"


class PartySuspended(Problem):
    """The party is known, but the operator has suspended it."""

    kind = Kind.FORBIDDEN
    code = "party_suspended"
    en = "This party is suspended; ask the operator."
    zh = "该主体已被停用；请联系平台运营方。"


class PersonExists(Problem):
    """The party has a person with that e-mail address."""

    kind = Kind.CONFLICT
    code = "person_exists"
    en = "The party has a person with that e-mail address already."
    zh = "该主体下已有使用此邮箱的人员。"


class RoleNotAllowed(Problem):
    """A role that parties of this kind do not give."""

    kind = Kind.UNPROCESSABLE
    code = "role_not_allowed"
    en = "A person of a party of the kind {party_kind} can't be {role}; allowed: {allowed}."
    zh = "{party_kind}的人员不能担任 {role}；可选：{allowed}。"


class ScopeNotAllowed(Problem):
    """A scope that a key of this kind of party can't have."""

    kind = Kind.UNPROCESSABLE
    code = "scope_not_allowed"
    en = (
        "A key of a party of the kind {party_kind} can't have the scopes {scopes}; "
        "allowed: {allowed}."
    )
    zh = "{party_kind}的密钥不能拥有权限 {scopes}；可选：{allowed}。"


class KeysTooMany(Problem):
    """The party has as many working keys as one may have."""

    kind = Kind.CONFLICT
    code = "keys_too_many"
    en = "The party has {bound} working keys, the most there may be; revoke one first."
    zh = "该主体已有 {bound} 个有效密钥，达到上限；请先吊销一个。"


class NonceReplayed(Problem):
    """A signed request whose nonce was used before."""

    kind = Kind.UNAUTHENTICATED
    code = "nonce_replayed"
    en = "This nonce was used before; sign every request anew, with a nonce of its own."
    zh = "该一次性随机串（nonce）已被使用；每次请求都须换用新的随机串重新签名。"
