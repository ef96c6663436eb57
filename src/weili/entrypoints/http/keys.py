"""The keys of one's own party: whoever owns it lists, makes and revokes them, signed in."""

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from weili.entrypoints.http import answers
from weili.entrypoints.http.calls import CallIn, read
from weili.entrypoints.http.documents import page
from weili.entrypoints.http.fields import LIMIT, CursorIn, KeyIdIn, LimitIn
from weili.entrypoints.http.operator_parties import (
    OwnKeyBody,
    key_document,
    key_issued,
    key_revoked,
)
from weili.entrypoints.http.orders import ReasonBody
from weili.kit.context import Ctx
from weili.modules import parties

router = APIRouter(tags=["keys"])


@router.get("/v1/keys", response_model=answers.PageOut[answers.KeyOut])
def keys_page(call: CallIn, cursor: CursorIn = None, limit: LimitIn = LIMIT) -> Response:
    """List the keys of your party, without secrets, also those that were revoked."""

    def work(ctx: Ctx) -> dict[str, Any]:
        rows = parties.key_page(ctx, party_id=call.actor.party_id, cursor=cursor, limit=limit)
        return page(rows.map(key_document))

    return read(call, work)


@router.post("/v1/keys", response_model=answers.IssuedKeyOut, status_code=201)
def keys_issue(call: CallIn, body: OwnKeyBody) -> Response:
    """Make a key of your party that may do no more than you. Its secret is in this answer alone."""
    return key_issued(call, call.actor.party_id, body)


@router.post("/v1/keys/{key_id}:revoke", response_model=answers.KeyOut)
def keys_revoke(call: CallIn, key_id: KeyIdIn, body: ReasonBody) -> Response:
    """Revoke a key of your party for good."""
    return key_revoked(call, key_id, body.reason)
