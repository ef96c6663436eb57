"""The words of each kind of notice, in both languages; checked when they are loaded."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from string import Formatter
from types import MappingProxyType
from typing import Final

from weili.modules.notices.model import Kind, Language, Topic, Way


@dataclass(frozen=True, slots=True)
class Words:
    """A title and a text, with the names of what is put into them in braces."""

    title: str
    text: str

    def names(self) -> frozenset[str]:
        """Give the names of what is put in."""
        parts = [*Formatter().parse(self.title), *Formatter().parse(self.text)]
        return frozenset(name for _, name, _, _ in parts if name is not None)


@dataclass(frozen=True, slots=True)
class Template:
    """All that is said of one kind: to whom it matters, how and how long, and in which words."""

    topic: Topic
    ways: frozenset[Way]
    lasts: timedelta
    names: frozenset[str]
    zh: Words
    en: Words

    def __post_init__(self) -> None:
        """Refuse words with a name that nobody fills in, or without one that is given.

        Raises: ValueError (a bug).
        """
        for words in (self.zh, self.en):
            if words.names() != self.names:
                raise ValueError((words.title, sorted(words.names() ^ self.names)))

    def said(self, language: str, values: Mapping[str, str]) -> tuple[str, str]:
        """Give the title and the text in a language."""
        words = self.zh if language == Language.ZH else self.en
        return words.title.format_map(values), words.text.format_map(values)


MAIL: Final = frozenset({Way.MAIL})
BOTH: Final = frozenset({Way.MAIL, Way.APP})
_DAY: Final = timedelta(days=1)
_ACCOUNT: Final = frozenset({"name", "party"})

TEMPLATES: Final[Mapping[Kind, Template]] = MappingProxyType(
    {
        Kind.PASSWORD_RESET: Template(
            Topic.SECURITY,
            MAIL,
            timedelta(minutes=30),
            _ACCOUNT | {"link"},
            Words(
                "重置您的微力密码",
                "{name}，您好：\n\n有人在登录页申请重置您在“{party}”的密码。如果是您本人，"
                "请在 30 分钟内打开以下链接设置新密码，链接只能使用一次：\n\n{link}\n\n"
                "如果不是您本人，请忽略此邮件，您的密码不会改变。",
            ),
            Words(
                "Set a new password for Weili",
                "Hello {name},\n\nSomebody asked on the sign-in page for a new password of yours at"
                " {party}. If it was you, open this link within 30 minutes; it works once:\n\n"
                "{link}\n\nIf it was not you, do nothing: your password stays as it is.",
            ),
        ),
        Kind.INVITATION: Template(
            Topic.SECURITY,
            MAIL,
            timedelta(days=7),
            _ACCOUNT | {"link"},
            Words(
                "邀请您登录微力",
                "{name}，您好：\n\n“{party}”邀请您使用微力。请在 7 天内打开以下链接设置密码并登录，"
                "链接只能使用一次：\n\n{link}\n\n如果您不认识邀请方，请忽略此邮件。",
            ),
            Words(
                "You are invited to Weili",
                "Hello {name},\n\n{party} invites you to Weili. Open this link within seven days to"
                " set your password and sign in; it works once:\n\n{link}\n\n"
                "If you do not know who invites you, do nothing.",
            ),
        ),
        Kind.PASSWORD_CHANGED: Template(
            Topic.SECURITY,
            BOTH,
            3 * _DAY,
            _ACCOUNT,
            Words(
                "您的密码已修改",
                "{name}，您在“{party}”的密码刚刚修改，其他设备已退出登录。"
                "如果不是您本人操作，请立即在登录页重置密码，并通知管理员。",
            ),
            Words(
                "Your password was changed",
                "{name}, your password at {party} was just changed, and you were signed out"
                " elsewhere. If it was not you, set a new one from the sign-in page at once, and"
                " tell your administrator.",
            ),
        ),
        Kind.FACTOR_CHANGED: Template(
            Topic.SECURITY,
            BOTH,
            3 * _DAY,
            _ACCOUNT,
            Words(
                "您的两步验证已变更",
                "{name}，您在“{party}”的登录方式刚刚变更：两步验证已开启或关闭。"
                "如果不是您本人操作，请立即修改密码，并通知管理员。",
            ),
            Words(
                "Your second factor was changed",
                "{name}, how you sign in at {party} was just changed: a second factor was turned on"
                " or off. If it was not you, change your password at once, and tell your"
                " administrator.",
            ),
        ),
        Kind.BALANCE_LOW: Template(
            Topic.MONEY,
            BOTH,
            _DAY,
            frozenset({"available", "alarm"}),
            Words(
                "余额低于预警线",
                "可用余额为 {available} 元，已低于您设置的预警线 {alarm} 元。"
                "请及时充值，以免影响下单。",
            ),
            Words(
                "The balance fell below your alarm",
                "{available} yuan may be drawn, less than your alarm at {alarm} yuan. Top up, so"
                " that orders are not refused.",
            ),
        ),
        Kind.BALANCE_SHORT: Template(
            Topic.MONEY,
            BOTH,
            _DAY,
            frozenset({"available", "needed"}),
            Words(
                "余额不足，订单被拒绝",
                "有订单需要 {needed} 元，可用余额只有 {available} 元，因此未能下单。"
                "请充值后重新提交。",
            ),
            Words(
                "An order was refused for want of money",
                "An order took {needed} yuan, and {available} yuan may be drawn. Top up, and place"
                " it again.",
            ),
        ),
        Kind.ORDER_REFUSED: Template(
            Topic.ORDERS,
            BOTH,
            _DAY,
            frozenset({"number"}),
            Words(
                "供应商无法发货",
                "订单 {number} 的部分或全部商品无法供货，相应部分已取消，款项已退回余额。",
            ),
            Words(
                "A supplier can't send an order",
                "Order {number}, or a part of it, can't be supplied: that part is cancelled, and"
                " its money is back on the balance.",
            ),
        ),
        Kind.STOCK_LOW: Template(
            Topic.STOCK,
            BOTH,
            _DAY,
            frozenset({"warehouse", "sku", "unpromised", "mark"}),
            Words(
                "库存不足：{sku}",
                "{warehouse} 的 {sku} 可售库存剩余 {unpromised} 件，低于预警线 {mark} 件。"
                "请安排补货。",
            ),
            Words(
                "Stock runs low: {sku}",
                "{warehouse} has {unpromised} of {sku} that no order has taken, less than the mark"
                " of {mark}. Have more brought in.",
            ),
        ),
    }
)
