"""What signing in is refused for."""

from typing import Final

from weili.kit.problems import Kind, Problem, Said

SESSION_WORD: Final = Said("session", "会话", code="session")


class SignInRefused(Problem):
    """The e-mail address or the password is wrong; which of them is not said."""

    kind = Kind.UNAUTHENTICATED
    code = "sign_in_refused"
    en = "The e-mail address or the password is wrong."
    zh = "邮箱或密码有误。"


class SecondFactorNeeded(Problem):
    """The password is right, and a code is needed as well."""

    kind = Kind.UNAUTHENTICATED
    code = "second_factor_needed"
    en = "The password is right; now give the code of your second factor."
    zh = "密码正确；请再输入动态验证码。"


class CodeRefused(Problem):
    """A code of a second factor is wrong, was used before, or is too old."""

    kind = Kind.UNPROCESSABLE
    code = "code_refused"
    en = "The code is wrong, was used before, or is too old; give the next one."
    zh = "验证码有误、已使用过或已过期；请输入下一个验证码。"


class FactorExists(Problem):
    """A second factor is asked for already; it is to be removed before there is another."""

    kind = Kind.CONFLICT
    code = "second_factor_exists"
    en = "You have a second factor already; remove it first."
    zh = "已设置动态验证；请先将其移除。"


class PasswordRefused(Problem):
    """Who has signed in gave a wrong password of their own."""

    kind = Kind.UNPROCESSABLE
    code = "password_refused"
    en = "That is not your password; nothing was changed."
    zh = "密码有误，未作任何更改。"


class SignInPaused(Problem):
    """Too many have tried, or one too often; even the right password is refused for a while."""

    kind = Kind.BUSY
    code = "sign_in_paused"
    en = "There were too many tries to sign in; try again in {retry_after_s} s."
    zh = "登录尝试次数过多；请在 {retry_after_s} 秒后重试。"
    repeatable = True


class PartyNeeded(Problem):
    """The password is right for several parties; ``members.parties`` names them."""

    kind = Kind.CONFLICT
    code = "party_needed"
    en = "You belong to several parties; say for which one you sign in."
    zh = "您属于多个主体；请选择以哪个主体的身份登录。"


class LinkEnded(Problem):
    """A link to set a password was used, replaced, is too old, or was never made."""

    kind = Kind.NOT_FOUND
    code = "link_ended"
    en = "This link works no more; ask for another."
    zh = "该链接已失效；请重新索取。"


class SelfInvited(Problem):
    """Somebody asked for a link to set their own password."""

    kind = Kind.FORBIDDEN
    code = "self_invited"
    en = "Nobody invites themselves; change your password, or have a colleague make you a link."
    zh = "不能邀请自己；请修改密码，或请同事为您生成链接。"
