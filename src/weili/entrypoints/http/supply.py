"""What a supplier does: takes child orders, ships, delivers, and counts its stock."""

from enum import StrEnum
from typing import Annotated, Any, Self

from fastapi import APIRouter, Query
from pydantic import Field, model_validator
from starlette.responses import Response

from weili.entrypoints.http import answers, order_answers, stock_answers
from weili.entrypoints.http.calls import Call, CallIn, change, in_list, read
from weili.entrypoints.http.documents import page
from weili.entrypoints.http.fields import (
    LIMIT,
    Body,
    CarrierIn,
    CarrierNameIn,
    ChildIdIn,
    CursorIn,
    Document,
    LimitIn,
    PackageIdIn,
    QuantityIn,
    WaybillIn,
)
from weili.entrypoints.http.order_shown import masked, revealed
from weili.entrypoints.http.orders import ReasonBody
from weili.entrypoints.http.stock_put import StockPutBody, stock_put
from weili.entrypoints.http.warehouses import warehouse_document
from weili.kit.context import Ctx
from weili.kit.ids import id_text
from weili.modules import dropship, inventory, parties
from weili.workflows.intercept_order import intercept_answered
from weili.workflows.lose_package import lose_package
from weili.workflows.pick_child import pick_child
from weili.workflows.refuse_child import refuse_child
from weili.workflows.return_package import package_refused, package_returned
from weili.workflows.ship_package import deliver_package, ship_package
from weili.workflows.supplier_answers import cancel_answered, child_taken

router = APIRouter(tags=["supply"])


class PackageLineBody(Body):
    """How many pieces of a line are in the package."""

    line_no: Annotated[int, Field(ge=1, le=dropship.LINES_MAX)]
    quantity: QuantityIn


class ShipBody(Body):
    """A package that has left."""

    carrier_code: CarrierIn
    carrier_name: CarrierNameIn | None = None
    waybill_number: WaybillIn
    lines: Annotated[list[PackageLineBody], Field(min_length=1, max_length=dropship.LINES_MAX)]

    @model_validator(mode="after")
    def each_line_once(self) -> Self:
        """Refuse a line that is named twice."""
        if len({line.line_no for line in self.lines}) < len(self.lines):
            raise ValueError("each line_no once")
        return self


class RefuseBody(ReasonBody):
    """Why, and which pieces; all that are left if none is named."""

    lines: Annotated[list[PackageLineBody], Field(max_length=dropship.LINES_MAX)] = Field(
        default_factory=list
    )

    @model_validator(mode="after")
    def each_line_once(self) -> Self:
        """Refuse a line that is named twice."""
        if len({line.line_no for line in self.lines}) < len(self.lines):
            raise ValueError("each line_no once")
        return self


class ReturnedBody(Body):
    """How a package came back."""

    condition: Annotated[dropship.Condition, Field(strict=False)]


class LostOutcome(StrEnum):
    """What is to be done about a lost package."""

    REFUND = "refund"
    SEND_AGAIN = "send_again"


class LostBody(Body):
    """What is to be done about a lost package."""

    outcome: Annotated[LostOutcome, Field(strict=False)]


class SupplyQueueOut(Document):
    """How your own system answers of late, and how much there is to ask of it."""

    due_count: Annotated[int, Field(ge=0, le=dropship.DUE_COUNT_MAX)]
    failures: Annotated[int, Field(ge=0, description="in vain since your last answer")]
    failure: Annotated[str, Field(description="how the last of them went; empty if it went well")]
    paused_until: answers.MomentOut | None


class ListedState(StrEnum):
    """Which child orders of the queue are listed."""

    OPEN = "open"
    WAITING = "waiting"
    TAKEN = "taken"
    CANCELLING = "cancelling"
    CLOSED = "closed"


StateIn = Annotated[
    ListedState,
    Query(
        description="`open`: all that is not yet shipped whole, refused or cancelled, and so what "
        "is to be done; of these `waiting` was not seen yet, `taken` is to be shipped, "
        "`cancelling` waits for an answer; `closed`: the others"
    ),
]


@router.get("/v1/supply/orders", response_model=answers.PageOut[order_answers.SupplyOrderOut])
def supply_page(
    call: CallIn, state: StateIn = ListedState.OPEN, cursor: CursorIn = None, limit: LimitIn = LIMIT
) -> Response:
    """List the child orders in your queue, the oldest first."""
    is_open = state is ListedState.OPEN
    states = dropship.QUEUE_OPEN if is_open else (dropship.QueueState(state.value),)

    def work(ctx: Ctx) -> dict[str, Any]:
        rows = dropship.queue_page(
            ctx,
            supplier_id=call.actor.party_id,
            states=states,
            cursor=cursor,
            limit=limit,
        )
        return page(rows.map(lambda row: _shown(ctx, *row)))

    return read(call, work)


@router.get("/v1/supply/queue", response_model=SupplyQueueOut)
def supply_queue(call: CallIn) -> Response:
    """Say how your system is asked: what waits to be sent there, and whether it is paused."""

    def work(ctx: Ctx) -> dict[str, Any]:
        status = dropship.queue_status(ctx, supplier_id=call.actor.party_id)
        return dropship.queue_document(status)

    return read(call, work)


@router.get("/v1/supply/orders/{child_id}", response_model=order_answers.SupplyOrderOut)
def supply_get(call: CallIn, child_id: ChildIdIn) -> Response:
    """Give one of your child orders."""
    return read(call, lambda ctx: _shown(ctx, *_mine(ctx, call, child_id)))


@router.post("/v1/supply/orders/{child_id}:take", response_model=order_answers.ChildStateOut)
def supply_take(call: CallIn, child_id: ChildIdIn) -> Response:
    """Say that you will ship a child order."""

    def work(ctx: Ctx) -> dict[str, str]:
        state = child_taken(ctx, supplier_id=call.actor.party_id, child_id=child_id, accepted=True)
        return _state(child_id, state)

    return change(call, work)


@router.post("/v1/supply/orders/{child_id}:pick", response_model=order_answers.ChildStateOut)
def supply_pick(call: CallIn, child_id: ChildIdIn) -> Response:
    """Say that a child order is being picked: from now on it goes where it was to go."""

    def work(ctx: Ctx) -> dict[str, str]:
        state = pick_child(ctx, supplier_id=call.actor.party_id, child_id=child_id)
        return _state(child_id, state)

    return change(call, work)


@router.post("/v1/supply/orders/{child_id}:refuse", response_model=order_answers.ChildStateOut)
def supply_refuse(call: CallIn, child_id: ChildIdIn, body: RefuseBody) -> Response:
    """Say that you will not ship (the rest of) a child order, or some pieces of it, and why.

    Other warehouses are asked for the pieces; what none has is refunded to the partner. A child
    order of which all is refused is `cancelled` or `split`.
    """

    def work(ctx: Ctx) -> dict[str, str]:
        pieces = {line.line_no: line.quantity for line in body.lines} if body.lines else None
        state = refuse_child(ctx, supplier_id=call.actor.party_id, child_id=child_id, pieces=pieces)
        subject = id_text(dropship.CHILD_PREFIX, child_id)
        parties.audit_write(ctx, action="child.refuse", subject=subject, reason=body.reason)
        return _state(child_id, state)

    return change(call, work)


@router.get("/v1/supply/orders/{child_id}/remarks", response_model=order_answers.RemarksOut)
def supply_remarks(call: CallIn, child_id: ChildIdIn) -> Response:
    """List what the partner says of the order to those who ship it, the oldest first."""

    def work(ctx: Ctx) -> dict[str, Any]:
        order, _ = _mine(ctx, call, child_id)
        remarks = dropship.remarks_for(ctx, order_id=order.id, audience=dropship.Audience.SUPPLIER)
        return {"items": [dropship.remark_document(remark) for remark in remarks]}

    return read(call, work)


@router.post(
    "/v1/supply/orders/{child_id}:acceptCancel", response_model=order_answers.ChildStateOut
)
def supply_accept_cancel(call: CallIn, child_id: ChildIdIn) -> Response:
    """Agree to cancel a child order that you were asked about."""
    return _cancel_answer(call, child_id, accepted=True)


@router.post(
    "/v1/supply/orders/{child_id}:refuseCancel", response_model=order_answers.ChildStateOut
)
def supply_refuse_cancel(call: CallIn, child_id: ChildIdIn) -> Response:
    """Say that it is too late to cancel a child order that you were asked about."""
    return _cancel_answer(call, child_id, accepted=False)


@router.post(
    "/v1/supply/orders/{child_id}:ship", response_model=order_answers.PackageOut, status_code=201
)
def supply_ship(call: CallIn, child_id: ChildIdIn, body: ShipBody) -> Response:
    """Report a package that has left; the same waybill again changes nothing."""

    def work(ctx: Ctx) -> dict[str, Any]:
        package = ship_package(
            ctx,
            supplier_id=call.actor.party_id,
            child_id=child_id,
            carrier_code=body.carrier_code,
            carrier_name=body.carrier_name,
            waybill_number=body.waybill_number,
            lines=[dropship.PackageLine(line.line_no, line.quantity) for line in body.lines],
        )
        return dropship.package_document(package)

    return change(call, work, status=201)


@router.post(
    "/v1/supply/orders/{child_id}:revealRecipient", response_model=order_answers.RecipientOut
)
def supply_reveal_recipient(call: CallIn, child_id: ChildIdIn, body: ReasonBody) -> Response:
    """Show whom a child order is sent to. Who looked and why is written down each time."""

    def work(ctx: Ctx) -> dict[str, str]:
        order, _ = _mine(ctx, call, child_id)
        subject = id_text(dropship.CHILD_PREFIX, child_id)
        return revealed(ctx, order, subject=subject, reason=body.reason)

    return read(call, work)


@router.post("/v1/supply/packages/{package_id}:deliver", response_model=order_answers.PackageOut)
def supply_deliver(call: CallIn, package_id: PackageIdIn) -> Response:
    """Report that a package has arrived."""

    def work(ctx: Ctx) -> dict[str, Any]:
        package = deliver_package(ctx, supplier_id=call.actor.party_id, package_id=package_id)
        return dropship.package_document(package)

    return change(call, work)


@router.post(
    "/v1/supply/packages/{package_id}:intercepted", response_model=order_answers.PackageOut
)
def supply_intercepted(call: CallIn, package_id: PackageIdIn) -> Response:
    """Report that a package which was to be stopped was: it comes back."""
    return _intercept_answer(call, package_id, stopped=True)


@router.post(
    "/v1/supply/packages/{package_id}:notIntercepted", response_model=order_answers.PackageOut
)
def supply_not_intercepted(call: CallIn, package_id: PackageIdIn) -> Response:
    """Report that a package which was to be stopped could not be: it goes on."""
    return _intercept_answer(call, package_id, stopped=False)


@router.post("/v1/supply/packages/{package_id}:refused", response_model=order_answers.PackageOut)
def supply_package_refused(call: CallIn, package_id: PackageIdIn) -> Response:
    """Report that the receiver would not take a package: it comes back."""

    def work(ctx: Ctx) -> dict[str, Any]:
        return dropship.package_document(
            package_refused(ctx, supplier_id=call.actor.party_id, package_id=package_id)
        )

    return change(call, work)


@router.post("/v1/supply/packages/{package_id}:returned", response_model=order_answers.PackageOut)
def supply_returned(call: CallIn, package_id: PackageIdIn, body: ReturnedBody) -> Response:
    """Report that a package is back, good or damaged, which settles it.

    The partner gets the goods' amount back, you are not owed for it; good pieces are in stock.
    """

    def work(ctx: Ctx) -> dict[str, Any]:
        return dropship.package_document(
            package_returned(
                ctx,
                supplier_id=call.actor.party_id,
                package_id=package_id,
                condition=body.condition,
            )
        )

    return change(call, work)


@router.post("/v1/supply/packages/{package_id}:lost", response_model=order_answers.PackageOut)
def supply_lost(call: CallIn, package_id: PackageIdIn, body: LostBody) -> Response:
    """Report that a package is lost or broken: refund it, or send its pieces again."""

    def work(ctx: Ctx) -> dict[str, Any]:
        return dropship.package_document(
            lose_package(
                ctx,
                supplier_id=call.actor.party_id,
                package_id=package_id,
                send_again=body.outcome is LostOutcome.SEND_AGAIN,
            )
        )

    return change(call, work)


@router.get("/v1/supply/warehouses", response_model=answers.PageOut[stock_answers.WarehouseOut])
def supply_warehouses(call: CallIn, cursor: CursorIn = None, limit: LimitIn = LIMIT) -> Response:
    """List your warehouses."""

    def work(ctx: Ctx) -> dict[str, Any]:
        rows = inventory.warehouse_page(ctx, cursor=cursor, limit=limit)
        return page(rows.map(warehouse_document))

    return read(call, work)


@router.put("/v1/supply/stock", response_model=stock_answers.StockLevelsOut)
def supply_stock_put(call: CallIn, body: StockPutBody) -> Response:
    """Say how many of your SKUs lie in your warehouses: what was counted, not what was moved."""
    return read(call, in_list("changes", lambda ctx: stock_put(ctx, body)))


def _cancel_answer(call: Call, child_id: dropship.ChildId, *, accepted: bool) -> Response:
    def work(ctx: Ctx) -> dict[str, str]:
        state = cancel_answered(
            ctx, supplier_id=call.actor.party_id, child_id=child_id, accepted=accepted
        )
        return _state(child_id, state)

    return change(call, work)


def _intercept_answer(call: Call, package_id: dropship.PackageId, *, stopped: bool) -> Response:
    def work(ctx: Ctx) -> dict[str, Any]:
        return dropship.package_document(
            intercept_answered(
                ctx, supplier_id=call.actor.party_id, package_id=package_id, stopped=stopped
            )
        )

    return change(call, work)


def _mine(
    ctx: Ctx, call: Call, child_id: dropship.ChildId
) -> tuple[dropship.Order, dropship.Child]:
    return dropship.child_get(ctx, supplier_id=call.actor.party_id, child_id=child_id)


def _shown(ctx: Ctx, order: dropship.Order, child: dropship.Child) -> dict[str, Any]:
    return dropship.supplier_document(child, order=order) | {
        "recipient": masked(ctx, order),
        "packages": [
            dropship.package_document(package)
            for package in order.packages
            if package.child_id == child.id
        ],
    }


def _state(child_id: dropship.ChildId, state: dropship.OrderState) -> dict[str, str]:
    return {"id": id_text(dropship.CHILD_PREFIX, child_id), "state": state.value}
