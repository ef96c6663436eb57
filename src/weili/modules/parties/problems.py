"""What the parties refuse."""

from weili.kit.problems import Kind, Problem


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
    en = "A {party_kind} with the same {same} exists already."
    zh = "已存在相同 {same} 的 {party_kind}。"


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
    en = "A person of a {party_kind} can't be {role}; allowed: {allowed}."
    zh = "{party_kind} 的人员不能担任 {role}；可选：{allowed}。"


class ScopeNotAllowed(Problem):
    """A scope that a key of this kind of party can't have."""

    kind = Kind.UNPROCESSABLE
    code = "scope_not_allowed"
    en = "A key of a {party_kind} can't have the scopes {scopes}; allowed: {allowed}."
    zh = "{party_kind} 的密钥不能拥有权限 {scopes}；可选：{allowed}。"


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
    zh = "该 nonce 已被使用；每次请求都须使用新的 nonce 重新签名。"
