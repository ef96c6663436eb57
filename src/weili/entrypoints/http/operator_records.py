"""What the operator looks back at: acts that are accounted for, events, and jobs."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query
from pydantic import Field
from starlette.responses import Response, StreamingResponse

from weili.entrypoints.http.answers import DoneOut, MomentOut, PageOut, PartyIdOut
from weili.entrypoints.http.calls import CallIn, change, read
from weili.entrypoints.http.documents import moment, page
from weili.entrypoints.http.exports import FILE, FormatQuery, Row, file_of
from weili.entrypoints.http.fields import (
    LIMIT,
    MESSAGE_PREFIX,
    CursorIn,
    Document,
    LimitIn,
    MomentIn,
    PartyIdIn,
    id_pattern,
)
from weili.entrypoints.http.orders import ReasonBody
from weili.kit import event_log, jobs
from weili.kit.context import SYSTEM_PARTY, Actor, Ctx, EventType, PartyId
from weili.kit.ids import id_parse, id_text
from weili.kit.outbox import Message
from weili.kit.pages import Page, cursor_parse, cursor_text
from weili.kit.problems import CursorInvalid, Forbidden, NotFound, Said
from weili.modules import (
    dropship,
    goods,
    inventory,
    ledger,
    onboarding,
    parties,
    pricing,
    regions,
)

router = APIRouter(tags=["operator: records"])

LOOKED_UP_AT_ONCE: Final = 500
JOB_WORD: Final = Said("failed job", "失败的任务")
_LOG: Final = "admin:events"
_TOLD: Final[Mapping[str, Sequence[EventType]]] = {
    _LOG: regions.EVENTS,
    "admin:orders": dropship.EVENTS,
    "admin:goods": goods.EVENTS,
    "admin:stock": inventory.EVENTS,
    "admin:money": ledger.EVENTS,
    "admin:parties": (*onboarding.EVENTS, *parties.EVENTS),
    "admin:prices": pricing.EVENTS,
}
EVENT_NEEDS: Final[Mapping[str, str]] = {
    event.name: scope for scope, events in _TOLD.items() for event in events
}
"""What is needed, beside the log itself, to read each sort of event: who answers for orders reads
no costs and no balances in their events either."""
EVENT_TYPES: Final[Mapping[str, EventType]] = {
    event.name: event for events in _TOLD.values() for event in events
}
_ACTOR: Final = f"^({parties.PERSON_PREFIX}|{parties.KEY_PREFIX})_[0-9a-z]{{26}}$"

FromIn = Annotated[MomentIn | None, Query(alias="from", description="included")]
ToIn = Annotated[MomentIn | None, Query(alias="to", description="not included")]
ActorQuery = Annotated[
    str | None, Query(pattern=_ACTOR, description="only this person's acts, or this key's")
]
ActionQuery = Annotated[
    str | None, Query(pattern="^[a-z_.]{1,60}$", description="only acts of this sort")
]
SubjectQuery = Annotated[
    str | None,
    Query(pattern="^[0-9A-Za-z_.:-]{1,100}$", description="only about this; `ord_…`, `key_…`"),
]

ToldQuery = Annotated[PartyIdIn | None, Query(description="only what this party was told")]


class AuditOut(Document):
    """Who did what to what, and why. Names are those of today; None for who is no person here."""

    id: str
    at: MomentOut
    actor: Annotated[str, Field(description="the role, and the person or key that acted")]
    party_id: PartyIdOut | None
    party_name: str | None
    person_name: str | None
    action: str
    subject: str
    reason: str


class LoggedOut(Document):
    """An event as its party is told of it. It holds no personal data."""

    id: Annotated[str, Field(pattern=id_pattern(MESSAGE_PREFIX))]
    position: int
    type: str
    party_id: PartyIdOut | None
    party_name: str | None
    subject: str
    occurred_at: MomentOut
    data: dict[str, Any]


class EventTypeOut(Document):
    """A sort of event, and what it promises."""

    type: str
    promise: str


class EventTypesOut(Document):
    """Every sort of event that there is."""

    items: list[EventTypeOut]


class JobCountOut(Document):
    """How many jobs of a queue stand where, and since when the oldest of them is there."""

    queue: str
    state: jobs.JobState
    count: int
    since: MomentOut | None


class JobCountsOut(Document):
    """Jobs by queue and state. Those that are done are not kept."""

    items: list[JobCountOut]


class JobOut(Document):
    """A job; ``due_at`` is when it is tried next, ``told_at`` when something last became of it."""

    id: int
    queue: str
    task: str
    state: jobs.JobState
    attempts: int
    arguments: dict[str, Any]
    due_at: MomentOut | None
    deferred_at: MomentOut | None
    told_at: MomentOut | None


@router.get("/v1/operator/audit", response_model=PageOut[AuditOut])
def audit_page(  # noqa: PLR0917 - FastAPI passes parameters by name
    call: CallIn,
    actor: ActorQuery = None,
    action: ActionQuery = None,
    subject: SubjectQuery = None,
    from_at: FromIn = None,
    to_at: ToIn = None,
    cursor: CursorIn = None,
    limit: LimitIn = LIMIT,
) -> Response:
    """List what was done that must be accounted for, the newest first."""
    search = parties.AuditSearch(actor, action, subject, from_at, to_at)

    def work(ctx: Ctx) -> dict[str, Any]:
        rows = parties.audit_page(ctx, search=search, cursor=cursor, limit=limit)
        return page(Page(_acts(ctx, rows.items), rows.next_cursor))

    return read(call, work)


@router.get("/v1/operator/audit:export", response_class=StreamingResponse, responses=FILE)
def audit_export(  # noqa: PLR0917 - FastAPI passes parameters by name
    call: CallIn,
    actor: ActorQuery = None,
    action: ActionQuery = None,
    subject: SubjectQuery = None,
    from_at: FromIn = None,
    to_at: ToIn = None,
    format_: FormatQuery = "csv",
) -> Response:
    """Give all that was done, and is looked for, as a file."""
    search = parties.AuditSearch(actor, action, subject, from_at, to_at)

    def rows(ctx: Ctx) -> Iterator[Row]:
        yield tuple(AuditOut.model_fields)
        entries = parties.audit_whole(ctx, search=search)
        while some := list(islice(entries, LOOKED_UP_AT_ONCE)):
            for act in _acts(ctx, some):
                yield tuple(act.values())

    return file_of(call, "audit", format_, rows)


@router.get("/v1/operator/event-types", response_model=EventTypesOut)
def event_types(call: CallIn) -> Response:
    """List every sort of event that you may read, and what it promises."""
    items = [
        {"type": name, "promise": event.promise}
        for name, event in EVENT_TYPES.items()
        if EVENT_NEEDS[name] in call.actor.scopes
    ]
    return read(call, lambda _: {"items": items})


@router.get("/v1/operator/events", response_model=PageOut[LoggedOut])
def event_page(  # noqa: PLR0917 - FastAPI passes parameters by name
    call: CallIn,
    type_: Annotated[
        str | None,
        Query(alias="type", pattern="^[a-z_.]{1,60}$", description="only events of this sort"),
    ] = None,
    subject: SubjectQuery = None,
    party_id: Annotated[
        PartyIdIn | None, Query(description="only what this party was told")
    ] = None,
    from_at: FromIn = None,
    to_at: ToIn = None,
    cursor: CursorIn = None,
    limit: LimitIn = LIMIT,
) -> Response:
    """List the log of events, the newest first.

    Of the events that tell of goods, stock, prices, money or parties, those alone that you have the
    scope for. A page looks through 20,000 events at most. It may hold fewer than asked for, or
    none, and still have a next one.
    """
    types = _types_shown(call.actor, type_)
    search = event_log.Search(types, subject, party_id, from_at, to_at)

    def work(ctx: Ctx) -> dict[str, Any]:
        ctx.require(_LOG)
        found, further = event_log.log_search(
            ctx, search=search, before=_position(cursor), limit=limit
        )
        next_cursor = None if further is None else cursor_text(str(further))
        return page(Page(_logged(ctx, found), next_cursor))

    return read(call, work)


@router.get("/v1/operator/jobs:counts", response_model=JobCountsOut)
def job_counts(call: CallIn) -> Response:
    """Count the jobs of each queue by where they stand."""

    def work(ctx: Ctx) -> dict[str, Any]:
        ctx.require("admin:jobs")
        return {
            "items": [
                {
                    "queue": one.queue,
                    "state": one.state,
                    "count": one.count,
                    "since": moment(one.since),
                }
                for one in jobs.job_counts(ctx)
            ]
        }

    return read(call, work)


@router.get("/v1/operator/jobs", response_model=PageOut[JobOut])
def job_page(
    call: CallIn,
    state: Annotated[jobs.JobState, Query()] = jobs.JobState.FAILED,
    cursor: CursorIn = None,
    limit: LimitIn = LIMIT,
) -> Response:
    """List jobs that stand somewhere, the oldest first."""

    def work(ctx: Ctx) -> dict[str, Any]:
        ctx.require("admin:jobs")
        after = _position(cursor) or 0
        rows = jobs.job_page(ctx, state=state, after=after, limit=limit + 1)
        is_more = len(rows) > limit
        shown = rows[:limit]
        return page(
            Page([_job(row) for row in shown], cursor_text(str(shown[-1].id)) if is_more else None)
        )

    return read(call, work)


@router.post("/v1/operator/jobs/{job_id}:retry", response_model=DoneOut)
def job_retry(
    call: CallIn, job_id: Annotated[int, Path(ge=1, le=2**63 - 1)], body: ReasonBody
) -> Response:
    """Have a job that was given up done again; doing it twice does no harm."""

    def work(ctx: Ctx) -> dict[str, bool]:
        ctx.require("admin:jobs")
        if not jobs.job_retry(ctx, job_id=job_id):
            raise NotFound(what=JOB_WORD, id=str(job_id))
        parties.audit_write(ctx, action="job.retry", subject=f"job_{job_id}", reason=body.reason)
        return {"done": True}

    return change(call, work)


def _types_shown(actor: Actor, asked: str | None) -> Sequence[str]:
    """Give the sorts of events to look for; none named is all that there are.

    Raises: Forbidden.
    """
    shown = [name for name, scope in EVENT_NEEDS.items() if scope in actor.scopes]
    if len(shown) == len(EVENT_NEEDS):
        return () if asked is None else (asked,)
    if asked is None:
        return shown
    if asked not in shown:
        raise Forbidden(needs=EVENT_NEEDS.get(asked, "admin:world"))
    return (asked,)


def _position(cursor: str | None) -> int | None:
    key = cursor_parse(cursor)
    if key is None:
        return None
    if not key.isascii() or not key.isdecimal() or int(key) >= 2**63:
        raise CursorInvalid
    return int(key)


def _acts(ctx: Ctx, entries: Sequence[parties.AuditEntry]) -> list[dict[str, Any]]:
    names = parties.parties_get(ctx, party_ids={entry.actor_party_id for entry in entries})
    person_ids = {entry.id: _person_of(entry) for entry in entries}
    people = parties.people_find(
        ctx, person_ids={person_id for person_id in person_ids.values() if person_id}
    )
    documents = []
    for entry in entries:
        party = names.get(entry.actor_party_id)
        person_id = person_ids[entry.id]
        record = people.get(person_id) if person_id else None
        documents.append(
            {
                "id": str(entry.id),
                "at": moment(entry.at),
                "actor": entry.actor,
                "party_id": _party_text(entry.actor_party_id),
                "party_name": party and party.name,
                "person_name": record and record.person.name,
                "action": entry.action,
                "subject": entry.subject,
                "reason": entry.reason,
            }
        )
    return documents


def _person_of(entry: parties.AuditEntry) -> parties.PersonId | None:
    _, _, who = entry.actor.partition(":")
    if not who.startswith(f"{parties.PERSON_PREFIX}_"):
        return None
    return parties.PersonId(id_parse(parties.PERSON_PREFIX, who))


def _party_text(party_id: PartyId) -> str | None:
    return None if party_id == SYSTEM_PARTY else id_text(parties.PARTY_PREFIX, party_id)


def _logged(ctx: Ctx, found: Sequence[Message]) -> list[dict[str, Any]]:
    names = parties.parties_get(ctx, party_ids={message.event.party_id for message in found})
    return [
        {
            "id": id_text(MESSAGE_PREFIX, message.event.id),
            "position": message.position,
            "type": message.event.type,
            "party_id": _party_text(message.event.party_id),
            "party_name": names[message.event.party_id].name
            if message.event.party_id in names
            else None,
            "subject": message.event.subject,
            "occurred_at": moment(message.event.occurred_at),
            "data": message.event.data,
        }
        for message in found
    ]


def _job(row: jobs.JobRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "queue": row.queue,
        "task": row.task,
        "state": row.state,
        "attempts": row.attempts,
        "arguments": row.arguments,
        "due_at": moment(row.due_at),
        "deferred_at": moment(row.deferred_at),
        "told_at": moment(row.told_at),
    }
