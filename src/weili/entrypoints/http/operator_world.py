"""The operator's work with the world as a whole: its packages, checking it, turning its clock."""

from dataclasses import asdict
from datetime import timedelta
from threading import Lock
from typing import Annotated, Any, Final

from fastapi import APIRouter
from pydantic import Field
from starlette.responses import Response

from weili.entrypoints.http import answers, order_answers
from weili.entrypoints.http.calls import CallIn, carry_out, change, respond
from weili.entrypoints.http.documents import moment
from weili.entrypoints.http.fields import Body, PackageIdIn
from weili.entrypoints.http.supply import LostBody, LostOutcome, ReturnedBody
from weili.kit.context import Ctx
from weili.kit.problems import Busy
from weili.kit.world import clock_turn
from weili.modules import dropship
from weili.workflows.lose_package import lose_package
from weili.workflows.return_package import package_returned
from weili.workflows.verify_world import READERS, verify_world

router = APIRouter(tags=["operator: world"])

FINDINGS_MAX: Final = 1_000
VERIFY_RETRY_S: Final = 10
AHEAD_S_MAX: Final = 366 * 86_400

_verifying: Final = Lock()


class ClockBody(Body):
    """How far to turn the clock ahead: at most a year at a time."""

    ahead_s: Annotated[int, Field(ge=0, le=AHEAD_S_MAX)]


@router.post("/v1/operator/packages/{package_id}:returned", response_model=order_answers.PackageOut)
def operator_returned(call: CallIn, package_id: PackageIdIn, body: ReturnedBody) -> Response:
    """Settle a package that is back, good or damaged, in its supplier's place."""

    def work(ctx: Ctx) -> dict[str, Any]:
        return dropship.package_document(
            package_returned(ctx, supplier_id=None, package_id=package_id, condition=body.condition)
        )

    return change(call, work)


@router.post("/v1/operator/packages/{package_id}:lost", response_model=order_answers.PackageOut)
def operator_lost(call: CallIn, package_id: PackageIdIn, body: LostBody) -> Response:
    """Settle a package that is lost, or have its pieces sent again, in its supplier's place."""

    def work(ctx: Ctx) -> dict[str, Any]:
        return dropship.package_document(
            lose_package(
                ctx,
                supplier_id=None,
                package_id=package_id,
                send_again=body.outcome is LostOutcome.SEND_AGAIN,
            )
        )

    return change(call, work)


@router.post("/v1/operator/verify", response_model=answers.VerifyOut)
def world_verify(call: CallIn) -> Response:
    """Check the books, the shelves and the orders at one moment, and list all that is broken.

    One check runs at a time: it reads all that there is, on connections that trade needs too.
    """
    # The nonce is claimed in a transaction of its own: the snapshot can write nothing.
    carry_out(call, lambda _: None)
    if not _verifying.acquire(blocking=False):
        raise Busy(retry_after_s=VERIFY_RETRY_S)
    try:
        with call.world.snapshots(call.actor, count=READERS) as readers:
            findings = verify_world(*readers)
    finally:
        _verifying.release()
    return respond(
        {
            "sound": not findings,
            "findings": [asdict(finding) for finding in findings[:FINDINGS_MAX]],
        }
    )


@router.post("/v1/operator/clock:turn", response_model=answers.ClockOut)
def world_clock_turn(call: CallIn, body: ClockBody) -> Response:
    """Turn a sandbox's clock ahead, so that deadlines pass without waiting for them."""

    def work(ctx: Ctx) -> dict[str, Any]:
        clock_turn(ctx, ahead_s=body.ahead_s)
        return {"now": moment(ctx.now + timedelta(seconds=body.ahead_s))}

    return change(call, work)
