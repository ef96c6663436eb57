"""The message pool: what has happened to a party's things, in order, until it is acknowledged."""

import re
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from pydantic import Field
from starlette.responses import Response

from weili.entrypoints.http import answers
from weili.entrypoints.http.calls import CallIn, read
from weili.entrypoints.http.documents import moment
from weili.entrypoints.http.fields import MESSAGE_PREFIX, Body, MessageIdIn
from weili.kit import outbox
from weili.kit.context import Ctx
from weili.kit.ids import id_text
from weili.kit.problems import FieldProblem, InputInvalid, Said

router = APIRouter(tags=["messages"])

TYPES_MAX: Final = 20
_TYPE = re.compile(r"[a-z_]{1,40}\.[a-z_]{1,40}")


class AckBody(Body):
    """The messages that were dealt with."""

    ids: Annotated[list[MessageIdIn], Field(min_length=1, max_length=outbox.MESSAGES_MAX)]


TypesIn = Annotated[
    str | None,
    Query(
        max_length=1000,
        description="only these, separated by commas",
        examples=["order.placed,order.shipped"],
    ),
]
CountIn = Annotated[int, Query(ge=1, le=outbox.MESSAGES_MAX, description="messages at most")]


@router.get("/v1/messages", response_model=answers.MessagesOut)
def messages_get(
    call: CallIn, types: TypesIn = None, limit: CountIn = outbox.MESSAGES_MAX
) -> Response:
    """Give your oldest messages that you have not acknowledged, in the order they happened.

    The same messages come again until they are acknowledged.
    """
    wanted = _types(types)

    def work(ctx: Ctx) -> dict[str, Any]:
        found = outbox.messages(ctx, party_id=call.actor.party_id, types=wanted, limit=limit)
        return {"items": [_message(message) for message in found]}

    return read(call, work)


@router.post("/v1/messages:ack", response_model=answers.AckOut)
def messages_ack(call: CallIn, body: AckBody) -> Response:
    """Take messages out of your pool. Saying it again changes nothing."""

    def work(ctx: Ctx) -> dict[str, int]:
        count = outbox.acknowledge(ctx, party_id=call.actor.party_id, ids=body.ids)
        return {"acknowledged": count}

    return read(call, work)


def _types(text: str | None) -> list[str]:
    if text is None:
        return []
    types = [part.strip() for part in text.split(",")]
    if len(types) > TYPES_MAX or not all(_TYPE.fullmatch(part) for part in types):
        expected = Said(
            f"at most {TYPES_MAX} event types, as order.placed,order.shipped",
            f"最多 {TYPES_MAX} 个事件类型，如 order.placed,order.shipped",
        )
        raise InputInvalid(fields=(FieldProblem("?types", "malformed", expected),))
    return types


def _message(message: outbox.Message) -> dict[str, Any]:
    """Show a message. Its position counts everybody's facts, and is nobody's business."""
    event = message.event
    return {
        "id": id_text(MESSAGE_PREFIX, event.id),
        "type": event.type,
        "subject": event.subject,
        "occurred_at": moment(event.occurred_at),
        "data": event.data,
    }
