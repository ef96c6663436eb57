"""The mails of a sandbox, which go nowhere but here."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from weili.adapters.mail import MailFolder
from weili.entrypoints.http import notice_answers
from weili.entrypoints.http.calls import CallIn, carry_out, respond
from weili.entrypoints.http.documents import moment
from weili.entrypoints.http.fields import LIMIT, LimitIn
from weili.kit.problems import SandboxOnly


def sandbox_mails_router(folders: Mapping[str, MailFolder]) -> APIRouter:
    """Give the route over the folders of those sandboxes that have one."""
    router = APIRouter(tags=["operator: world"])

    @router.get("/v1/operator/sandbox/mails", response_model=notice_answers.SandboxMailsOut)
    def sandbox_mails(call: CallIn, limit: LimitIn = LIMIT) -> Response:
        """List the newest mails that a sandbox would have sent; a live world has no such list."""
        if not call.world.is_sandbox:
            raise SandboxOnly
        carry_out(call, lambda _: None)  # The nonce of a signed request.
        folder = folders.get(call.world.name)
        found = folder.newest(limit=limit) if folder is not None else []
        items: list[dict[str, Any]] = [
            {
                "id": each.id,
                "at": moment(each.at),
                "to": each.to,
                "title": each.title,
                "text": each.text,
            }
            for each in found
        ]
        response = respond({"items": items})
        response.headers["cache-control"] = "no-store"
        return response

    return router
