"""What somebody is told in the console, and how they want to be told."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import BeforeValidator, Field
from starlette.responses import Response

from weili.entrypoints.http import notice_answers
from weili.entrypoints.http.calls import Call, CallIn, carry_out, read, respond
from weili.entrypoints.http.documents import moment, page
from weili.entrypoints.http.fields import LIMIT, Body, CursorIn, LimitIn, id_pattern
from weili.entrypoints.http.sessions import session_of
from weili.kit.context import Ctx
from weili.kit.ids import id_parse, id_text
from weili.modules import notices

router = APIRouter(tags=["notices"])

NoticeIdIn = Annotated[str, Field(pattern=id_pattern(notices.NOTICE_PREFIX))]


Shown = Literal["all", "unread"]


class MarkBody(Body):
    """Which of your notices you have read; all, where none are named."""

    ids: Annotated[list[NoticeIdIn], Field(min_length=1, max_length=notices.MARKS_MAX)] | None = (
        None
    )


class OffBody(Body):
    """A topic that you do not want to be told of on a way."""

    topic: Annotated[notices.Topic, BeforeValidator(notices.Topic)]
    way: Annotated[notices.Way, BeforeValidator(notices.Way)]


class NoticeSettingsBody(Body):
    """In which language mails are written to you, and what not to tell you how."""

    language: Literal["zh", "en"]
    off: Annotated[list[OffBody], Field(max_length=20)]


@router.get("/v1/notices", response_model=notice_answers.NoticesOut)
def notices_page(
    call: CallIn,
    show: Annotated[Shown, Query(description="all, or only what you have not read")] = "all",
    cursor: CursorIn = None,
    limit: LimitIn = LIMIT,
) -> Response:
    """List what you were told, the newest first, in your language."""
    person_id = session_of(call).who.person.id

    def work(ctx: Ctx) -> dict[str, Any]:
        rows = notices.notice_page(
            ctx, person_id=person_id, is_unread=show == "unread", cursor=cursor, limit=limit
        )
        return page(rows.map(lambda notice: _document(call, notice)))

    return read(call, work)


@router.get("/v1/notices/unread", response_model=notice_answers.UnreadOut)
def notices_unread(call: CallIn) -> Response:
    """Count what you have not read; at 100 it is not counted further."""
    person_id = session_of(call).who.person.id
    return read(call, lambda ctx: {"unread": notices.unread_count(ctx, person_id=person_id)})


@router.post("/v1/notices:markRead", response_model=notice_answers.MarkedOut)
def notices_mark(call: CallIn, body: MarkBody) -> Response:
    """Mark notices of yours as read, or all of them; of others' nothing is changed."""
    person_id = session_of(call).who.person.id
    ids = None if body.ids is None else [_id(text) for text in body.ids]
    marked = carry_out(call, lambda ctx: notices.read_mark(ctx, person_id=person_id, ids=ids))
    return respond({"marked": marked})


@router.get("/v1/notice-settings", response_model=notice_answers.NoticeSettingsOut)
def notice_settings_get(call: CallIn) -> Response:
    """Show how you are told of what."""
    person_id = session_of(call).who.person.id
    return read(call, lambda ctx: _settings(notices.choices_get(ctx, person_id=person_id)))


@router.put("/v1/notice-settings", response_model=notice_answers.NoticeSettingsOut)
def notice_settings_put(call: CallIn, body: NoticeSettingsBody) -> Response:
    """Choose how you are told of what; the safety of your account can't be turned off."""
    person_id = session_of(call).who.person.id

    def work(ctx: Ctx) -> dict[str, Any]:
        off = [(each.topic, each.way) for each in body.off]
        return _settings(
            notices.choices_set(ctx, person_id=person_id, language=body.language, off=off)
        )

    return read(call, work)


def _id(text: str) -> notices.NoticeId:
    return notices.NoticeId(id_parse(notices.NOTICE_PREFIX, text))


def _document(call: Call, notice: notices.Notice) -> dict[str, Any]:
    template = notices.TEMPLATES[notice.kind]
    title, text = template.said(call.language, notice.values)
    return {
        "id": id_text(notices.NOTICE_PREFIX, notice.id),
        "kind": notice.kind,
        "topic": template.topic,
        "title": title,
        "text": text,
        "created_at": moment(notice.created_at),
        "read_at": moment(notice.read_at),
    }


def _settings(choices: notices.Choices) -> dict[str, Any]:
    off = sorted(choices.off)
    return {
        "language": choices.language,
        "off": [{"topic": topic, "way": way} for topic, way in off],
        "always_on": sorted(set(notices.Topic) - notices.CHOSEN),
    }
