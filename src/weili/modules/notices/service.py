"""The verbs of notices: telling people, taking mails to be sent, reading, choosing."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from weili.kit.context import Ctx
from weili.kit.ids import new_id
from weili.kit.pages import LIMIT_DEFAULT, Page, cursor_id, limit_bounded, page_of
from weili.kit.problems import FieldProblem, InputInvalid, Said
from weili.modules import parties
from weili.modules.notices import store
from weili.modules.notices.model import (
    CHOSEN,
    KEPT,
    TRIES_MAX,
    TRY_AGAIN,
    UNREAD_SHOWN_MAX,
    Choices,
    Kind,
    Language,
    Mail,
    Notice,
    NoticeId,
    NoticeState,
    Topic,
    Way,
)
from weili.modules.notices.templates import TEMPLATES
from weili.modules.parties import PersonId, PersonRecord

MAILS_MAX: Final = 20
"""Mails that are taken at once: they are sent one after another before others are taken."""
SWEEP_MAX: Final = 1_000


def tell(
    ctx: Ctx,
    *,
    people: Sequence[PersonRecord],
    kind: Kind,
    subject: str,
    values: Mapping[str, str],
    since: datetime | None = None,
    language: str | None = None,
) -> int:
    """Tell people something on the ways that they want, each once; says how many notices are new.

    ``subject`` is what it is about: of one kind nobody is told of it twice. What happened so long
    ago (``since``) that it is late is not told.

    Raises: ValueError when the values' names are not those of the kind (a bug).
    """
    template = TEMPLATES[kind]
    if values.keys() != template.names:
        raise ValueError((kind, sorted(values.keys() ^ template.names)))
    expires_at = (since or ctx.now) + template.lasts
    if expires_at <= ctx.now or not people:
        return 0
    chosen = _choices(ctx, [who.person.id for who in people])
    rows = [
        Notice(
            NoticeId(new_id(ctx.now)),
            who.person.id,
            who.party.id,
            kind,
            subject,
            way,
            ctx.now,
            expires_at,
            language or chosen[who.person.id].language,
            dict(values),
        )
        for who in people
        for way in sorted(template.ways)
        if (template.topic, way) not in chosen[who.person.id].off
    ]
    return store.notices_insert(ctx, rows=rows)


def mails_take(ctx: Ctx, *, url: str) -> list[Mail]:
    """Take mails that are due, to be sent outside of any transaction; ``url`` is the console's.

    Each counts as tried from now on, and comes again by itself when nobody records what became
    of it. One that is late for its purpose, or whose reader has gone, ends here.
    """
    due = store.mails_take(ctx, limit=MAILS_MAX)
    there = parties.people_find(ctx, person_ids={each.notice.person_id for each in due})
    mails = []
    for each in due:
        notice = each.notice
        who = there.get(notice.person_id)
        if who is None or notice.expires_at <= ctx.now:
            store.mail_end(ctx, notice_id=notice.id, state=NoticeState.LATE)
            continue
        if each.tries >= TRIES_MAX:
            store.mail_end(ctx, notice_id=notice.id, state=NoticeState.GIVEN_UP)
            continue
        wait = TRY_AGAIN * 4**each.tries
        store.mail_put_off(ctx, notice_id=notice.id, tries=each.tries + 1, due_at=ctx.now + wait)
        values = dict(notice.values)
        if "link" in values:
            values["link"] = url + values["link"]
        title, text = TEMPLATES[notice.kind].said(notice.language, values)
        mails.append(Mail(notice.id, parties.person_email(ctx, who=who), title, text))
    return mails


def mail_ended(ctx: Ctx, *, notice_id: NoticeId, is_sent: bool) -> None:
    """Record that a mail was taken by the server, or refused for good; again changes nothing."""
    state = NoticeState.SENT if is_sent else NoticeState.REFUSED
    store.mail_end(ctx, notice_id=notice_id, state=state)


def notice_page(
    ctx: Ctx,
    *,
    person_id: PersonId,
    is_unread: bool = False,
    cursor: str | None = None,
    limit: int = LIMIT_DEFAULT,
) -> Page[Notice]:
    """List what somebody is shown, the newest first, or what of it they have not read.

    Raises: CursorInvalid.
    """
    size = limit_bounded(limit)
    rows = store.notice_page(
        ctx,
        person_id=person_id,
        before=cursor_id(cursor),
        is_unread=is_unread,
        limit=size + 1,
    )
    return page_of(rows, limit=size, key=lambda notice: str(notice.id))


def unread_count(ctx: Ctx, *, person_id: PersonId) -> int:
    """Count what somebody has not read, so far as anybody wants to know."""
    return store.unread_count(ctx, person_id=person_id, limit=UNREAD_SHOWN_MAX)


def read_mark(ctx: Ctx, *, person_id: PersonId, ids: Collection[NoticeId] | None) -> int:
    """Mark some of somebody's own notices as read, or all; says how many were not before."""
    return store.read_mark(ctx, person_id=person_id, ids=ids)


def choices_get(ctx: Ctx, *, person_id: PersonId) -> Choices:
    """Give what somebody has chosen, or what holds for who has not."""
    return _choices(ctx, [person_id])[person_id]


def choices_set(
    ctx: Ctx, *, person_id: PersonId, language: str, off: Iterable[tuple[Topic, Way]]
) -> Choices:
    """Choose a language, and what not to be told how.

    Raises: InputInvalid, for a topic that can't be turned off.
    """
    chosen = Choices(language, frozenset(off))
    if any(topic not in CHOSEN for topic, _ in chosen.off):
        expected = Said("a topic that may be turned off", "可以关闭的通知主题")
        raise InputInvalid(fields=(FieldProblem("/off", "topic_always_on", expected),))
    words = sorted(f"{topic}.{way}" for topic, way in chosen.off)
    store.choice_put(ctx, person_id=person_id, language=language, off=words)
    return chosen


def followed(ctx: Ctx) -> int | None:
    """Give how far events have been looked through for what to tell; None while another does."""
    return store.followed_lock(ctx)


def follow_to(ctx: Ctx, *, position: int) -> None:
    """Say how far events have been looked through."""
    store.followed_set(ctx, position=position)


def sweep(ctx: Ctx) -> int:
    """Forget notices that are kept no longer, a bounded number; says how many."""
    return store.notices_sweep(ctx, before=ctx.now - KEPT, limit=SWEEP_MAX)


def _choices(ctx: Ctx, person_ids: Collection[PersonId]) -> dict[PersonId, Choices]:
    found = store.choices_read(ctx, person_ids=person_ids)
    chosen = {}
    for person_id in person_ids:
        language, off = found.get(person_id, (str(Language.ZH), []))
        pairs = (word.split(".") for word in off)
        chosen[person_id] = Choices(
            language, frozenset((Topic(topic), Way(way)) for topic, way in pairs)
        )
    return chosen
