"""What notices are: of which kind and topic, on which way, and how far they have come."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NewType
from uuid import UUID

from weili.kit.context import PartyId
from weili.kit.states import StateTable
from weili.modules.parties import PersonId

NOTICE_PREFIX: Final = "ntc"

NoticeId = NewType("NoticeId", UUID)

TRIES_MAX: Final = 6
"""How often a mail is tried before it is given up."""
TRY_AGAIN: Final = timedelta(seconds=60)
"""After the first try; four times as long after each that follows."""
UNREAD_SHOWN_MAX: Final = 100
"""So far unread notices are counted; nobody reads whether it is 100 or 1,000."""
KEPT: Final = timedelta(days=90)
"""So long a notice is kept, and so long it is told only once."""
MARKS_MAX: Final = 100


class Way(StrEnum):
    """How somebody is told."""

    MAIL = "mail"
    APP = "app"


class Language(StrEnum):
    """In which words somebody is told."""

    ZH = "zh"
    EN = "en"


class Topic(StrEnum):
    """What notices are about; people choose by it."""

    SECURITY = "security"
    MONEY = "money"
    ORDERS = "orders"
    STOCK = "stock"


CHOSEN: Final = frozenset({Topic.MONEY, Topic.ORDERS, Topic.STOCK})
"""Topics that somebody may turn off; what concerns the safety of their account is always told."""


class Kind(StrEnum):
    """What a notice says; each has its words in ``templates``."""

    PASSWORD_RESET = "password_reset"  # noqa: S105 - a kind of notice
    INVITATION = "invitation"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - a kind of notice
    FACTOR_CHANGED = "factor_changed"
    BALANCE_LOW = "balance_low"
    BALANCE_SHORT = "balance_short"
    ORDER_REFUSED = "order_refused"
    STOCK_LOW = "stock_low"


class NoticeState(StrEnum):
    """How far a notice has come."""

    SHOWN = "shown"
    DUE = "due"
    SENT = "sent"
    REFUSED = "refused"
    GIVEN_UP = "given_up"
    LATE = "late"


NOTICE_STATES: Final = StateTable(
    "notice",
    name_zh="通知",
    initial=frozenset({NoticeState.SHOWN, NoticeState.DUE}),
    steps=MappingProxyType(
        {
            NoticeState.SHOWN: frozenset(),
            NoticeState.DUE: frozenset(
                {
                    NoticeState.SENT,
                    NoticeState.REFUSED,
                    NoticeState.GIVEN_UP,
                    NoticeState.LATE,
                }
            ),
            NoticeState.SENT: frozenset(),
            NoticeState.REFUSED: frozenset(),
            NoticeState.GIVEN_UP: frozenset(),
            NoticeState.LATE: frozenset(),
        }
    ),
)


@dataclass(frozen=True, slots=True)
class Notice:
    """What one person is told once, on one way; ``values`` fill the words of its kind."""

    id: NoticeId
    person_id: PersonId
    party_id: PartyId
    kind: Kind
    subject: str
    way: Way
    created_at: datetime
    expires_at: datetime
    language: str
    values: dict[str, str] = field(repr=False)
    read_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail that is to be sent now, in the words of its reader's language."""

    notice_id: NoticeId
    to: str = field(repr=False)
    title: str
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Choices:
    """In which language somebody is written to, and what they do not want to be told how."""

    language: str
    off: frozenset[tuple[Topic, Way]]
