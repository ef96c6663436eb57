"""What the routes of notices answer."""

from typing import Annotated, Literal

from pydantic import Field

from weili.entrypoints.http.answers import MomentOut
from weili.entrypoints.http.fields import Document

Topic = Literal["security", "money", "orders", "stock"]
Way = Literal["mail", "app"]


class NoticeOut(Document):
    """Something that you were told."""

    id: Annotated[str, Field(json_schema_extra={"examples": ["ntc_01jd3f8k2m4n6p8q0r2s4t6v8w"]})]
    kind: str
    topic: Topic
    title: str
    text: str
    created_at: MomentOut
    read_at: MomentOut | None


class NoticesOut(Document):
    """A page of what you were told."""

    items: list[NoticeOut]
    next_cursor: str | None


class UnreadOut(Document):
    """How much you have not read."""

    unread: int


class MarkedOut(Document):
    """How many were not read before."""

    marked: int


class OffOut(Document):
    """A topic that you are not told of on a way."""

    topic: Topic
    way: Way


class NoticeSettingsOut(Document):
    """How you are told of what."""

    language: Literal["zh", "en"]
    off: list[OffOut]
    always_on: list[Topic]


class SandboxMailOut(Document):
    """A mail that a sandbox would have sent."""

    id: str
    at: MomentOut
    to: str
    title: str
    text: str


class SandboxMailsOut(Document):
    """The newest mails of a sandbox."""

    items: list[SandboxMailOut]
