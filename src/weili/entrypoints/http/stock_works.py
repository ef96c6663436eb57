"""The works of stock, with the same routes for a supplier (its own) and the operator (any)."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from starlette.responses import Response

from weili.entrypoints.http import stock_bodies as bodies
from weili.entrypoints.http.answers import PageOut
from weili.entrypoints.http.calls import CallIn, change, in_list, read
from weili.entrypoints.http.documents import page
from weili.entrypoints.http.fields import (
    LIMIT,
    ArrivalIdIn,
    CountIdIn,
    CursorIn,
    LimitIn,
    ShareIdIn,
    StockTransferIdIn,
    WarehouseIdIn,
)
from weili.entrypoints.http.stock_answers import StockLevelsOut, WarehouseOut
from weili.entrypoints.http.stock_put import level_document
from weili.entrypoints.http.warehouses import warehouse_document
from weili.kit.context import Ctx
from weili.modules import inventory

router = APIRouter()
StateIn = Annotated[inventory.ArrivalState | None, Query()]


def _changes_routes(side: str, works: APIRouter) -> None:
    """Add what changes single places, and when a warehouse ships."""

    @works.post(
        "/stock:update", response_model=bodies.StockOutcomesOut, name=f"{side}_stock_update"
    )
    def stock_update(call: CallIn, body: bodies.StockUpdateBody) -> Response:
        """Change many places at once, each row with an outcome of its own."""

        def work(ctx: Ctx) -> dict[str, Any]:
            rows = [row.change(body.reference) for row in body.rows]
            changed = inventory.stock_update(ctx, changes=rows)
            return {
                "items": [bodies.changed_document(row, language=call.language) for row in changed]
            }

        return change(call, work)

    @works.post("/stock:writeOff", response_model=StockLevelsOut, name=f"{side}_stock_write_off")
    def stock_write_off(call: CallIn, body: bodies.DamageBody) -> Response:
        """Take what broke out of stock."""

        def work(ctx: Ctx) -> dict[str, Any]:
            rows = [
                inventory.Damage(row.sku_id, row.warehouse_id, row.quantity, row.reason)
                for row in body.rows
            ]
            levels = inventory.damage_write_off(ctx, damages=rows, reference=body.reference)
            return {"items": [level_document(level) for level in levels]}

        return change(call, in_list("rows", work))

    @works.put(
        "/warehouses/{warehouse_id}/calendar",
        response_model=WarehouseOut,
        name=f"{side}_calendar_put",
    )
    def calendar_put(
        call: CallIn, warehouse_id: WarehouseIdIn, body: bodies.CalendarBody
    ) -> Response:
        """Say when a warehouse ships: cut-off, working days, holidays and their make-up days."""

        def work(ctx: Ctx) -> dict[str, Any]:
            house = inventory.calendar_put(ctx, warehouse_id=warehouse_id, calendar=body.calendar())
            return warehouse_document(house)

        return read(call, work)


def _arrivals_routes(side: str, works: APIRouter) -> None:
    """Add what comes in from outside."""

    @works.post(
        "/arrivals",
        response_model=bodies.ArrivalsOut,
        status_code=201,
        name=f"{side}_arrivals_announce",
    )
    def arrivals_announce(call: CallIn, body: bodies.ArrivalsBody) -> Response:
        """Say what will come in, where and when."""

        def work(ctx: Ctx) -> dict[str, Any]:
            rows = [
                inventory.NewArrival(
                    row.sku_id, row.warehouse_id, row.quantity, row.expected_on, row.reference
                )
                for row in body.arrivals
            ]
            made = inventory.arrivals_announce(ctx, arrivals=rows)
            return {"items": [bodies.arrival_document(arrival) for arrival in made]}

        return change(call, in_list("arrivals", work), status=201)

    @works.get("/arrivals", response_model=PageOut[bodies.ArrivalOut], name=f"{side}_arrival_page")
    def arrival_page(
        call: CallIn, state: StateIn = None, cursor: CursorIn = None, limit: LimitIn = LIMIT
    ) -> Response:
        """List arrivals in the order they were announced."""

        def work(ctx: Ctx) -> dict[str, Any]:
            rows = inventory.arrival_page(ctx, state=state, cursor=cursor, limit=limit)
            return page(rows.map(bodies.arrival_document))

        return read(call, work)

    @works.post(
        "/arrivals/{arrival_id}:receive",
        response_model=bodies.ArrivalOut,
        name=f"{side}_arrival_receive",
    )
    def arrival_receive(
        call: CallIn, arrival_id: ArrivalIdIn, body: bodies.ReceiveBody
    ) -> Response:
        """Take in what has come."""

        def work(ctx: Ctx) -> dict[str, Any]:
            done = inventory.arrival_receive(
                ctx, arrival_id=arrival_id, received=body.received, reason=body.reason or ""
            )
            return bodies.arrival_document(done)

        return change(call, work)

    @works.post(
        "/arrivals/{arrival_id}:cancel",
        response_model=bodies.ArrivalOut,
        name=f"{side}_arrival_cancel",
    )
    def arrival_cancel(call: CallIn, arrival_id: ArrivalIdIn, body: bodies.WhyBody) -> Response:
        """Say that something will not come in."""

        def work(ctx: Ctx) -> dict[str, Any]:
            done = inventory.arrival_cancel(ctx, arrival_id=arrival_id, reason=body.reason)
            return bodies.arrival_document(done)

        return change(call, work)


def _transfers_routes(side: str, works: APIRouter) -> None:
    """Add what goes between warehouses."""

    @works.post(
        "/transfers",
        response_model=bodies.TransferOut,
        status_code=201,
        name=f"{side}_transfer_ship",
    )
    def transfer_ship(call: CallIn, body: bodies.TransferBody) -> Response:
        """Send goods from one warehouse to another."""

        def work(ctx: Ctx) -> dict[str, Any]:
            made = inventory.transfer_ship(
                ctx,
                from_warehouse_id=body.from_warehouse_id,
                to_warehouse_id=body.to_warehouse_id,
                lines=[(line.sku_id, line.quantity) for line in body.lines],
                expected_on=body.expected_on,
                reference=body.reference,
            )
            return bodies.transfer_document(made)

        return change(call, work, status=201)

    @works.get(
        "/transfers", response_model=PageOut[bodies.TransferOut], name=f"{side}_transfer_page"
    )
    def transfer_page(call: CallIn, cursor: CursorIn = None, limit: LimitIn = LIMIT) -> Response:
        """List transfers in the order they were sent."""

        def work(ctx: Ctx) -> dict[str, Any]:
            rows = inventory.transfer_page(ctx, cursor=cursor, limit=limit)
            return page(rows.map(bodies.transfer_document))

        return read(call, work)

    @works.post(
        "/transfers/{transfer_id}:receive",
        response_model=bodies.TransferOut,
        name=f"{side}_transfer_receive",
    )
    def transfer_receive(
        call: CallIn, transfer_id: StockTransferIdIn, body: bodies.TransferReceiveBody
    ) -> Response:
        """Take in a transfer; what lacks is written down with its reason."""

        def work(ctx: Ctx) -> dict[str, Any]:
            done = inventory.transfer_receive(
                ctx,
                transfer_id=transfer_id,
                received={line.sku_id: line.received for line in body.lines},
                reason=body.reason or "",
            )
            return bodies.transfer_document(done)

        return change(call, work)


def _counts_routes(side: str, works: APIRouter) -> None:
    """Add counts."""

    @works.post(
        "/counts", response_model=bodies.CountOut, status_code=201, name=f"{side}_count_open"
    )
    def count_open(call: CallIn, body: bodies.CountOpenBody) -> Response:
        """Open a count: what the books say now is written down."""

        def work(ctx: Ctx) -> dict[str, Any]:
            made = inventory.count_open(
                ctx,
                warehouse_id=body.warehouse_id,
                reference=body.reference,
                sku_ids=body.sku_ids,
            )
            return bodies.count_document(made)

        return change(call, work, status=201)

    @works.get("/counts", response_model=PageOut[bodies.CountOut], name=f"{side}_count_page")
    def count_page(call: CallIn, cursor: CursorIn = None, limit: LimitIn = LIMIT) -> Response:
        """List counts in the order they were opened."""

        def work(ctx: Ctx) -> dict[str, Any]:
            rows = inventory.count_page(ctx, cursor=cursor, limit=limit)
            return page(rows.map(bodies.count_document))

        return read(call, work)

    @works.post(
        "/counts/{count_id}:book", response_model=bodies.CountOut, name=f"{side}_count_book"
    )
    def count_book(call: CallIn, count_id: CountIdIn, body: bodies.CountBookBody) -> Response:
        """Book what was found: gains and losses, each with its reason."""

        def work(ctx: Ctx) -> dict[str, Any]:
            counted = [
                inventory.Counted(line.sku_id, line.counted, line.reason or "")
                for line in body.lines
            ]
            done = inventory.count_book(ctx, count_id=count_id, counted=counted)
            return bodies.count_document(done)

        return change(call, work)

    @works.post(
        "/counts/{count_id}:cancel", response_model=bodies.CountOut, name=f"{side}_count_cancel"
    )
    def count_cancel(call: CallIn, count_id: CountIdIn) -> Response:
        """Give up a count; nothing is booked."""

        def work(ctx: Ctx) -> dict[str, Any]:
            return bodies.count_document(inventory.count_cancel(ctx, count_id=count_id))

        return change(call, work)


@router.get("/v1/shares", response_model=PageOut[bodies.ShareOut], tags=["stock"])
def share_page(call: CallIn, cursor: CursorIn = None, limit: LimitIn = LIMIT) -> Response:
    """List the stock that is kept for you."""

    def work(ctx: Ctx) -> dict[str, Any]:
        rows = inventory.share_page(ctx, cursor=cursor, limit=limit)
        return page(rows.map(lambda share: bodies.share_document(share, with_holders=False)))

    return read(call, work)


@router.post(
    "/v1/operator/shares",
    response_model=bodies.HeldSharesOut,
    status_code=201,
    tags=["operator: stock"],
)
def shares_open(call: CallIn, body: bodies.SharesBody) -> Response:
    """Keep pieces for partners until a moment; nobody else is promised them."""

    def work(ctx: Ctx) -> dict[str, Any]:
        rows = [
            inventory.NewShare(
                row.sku_id, row.warehouse_id, row.partner_ids, row.quantity, row.ends_at
            )
            for row in body.shares
        ]
        made = inventory.shares_open(ctx, shares=rows)
        return {"items": [bodies.share_document(share, with_holders=True) for share in made]}

    return change(call, in_list("shares", work), status=201)


@router.get(
    "/v1/operator/shares", response_model=PageOut[bodies.HeldShareOut], tags=["operator: stock"]
)
def operator_share_page(call: CallIn, cursor: CursorIn = None, limit: LimitIn = LIMIT) -> Response:
    """List every share of stock."""

    def work(ctx: Ctx) -> dict[str, Any]:
        rows = inventory.share_page(ctx, cursor=cursor, limit=limit)
        return page(rows.map(lambda share: bodies.share_document(share, with_holders=True)))

    return read(call, work)


@router.post(
    "/v1/operator/shares/{share_id}:end",
    response_model=bodies.HeldShareOut,
    tags=["operator: stock"],
)
def share_end(call: CallIn, share_id: ShareIdIn) -> Response:
    """End a share before its time; what is unsold is anyone's."""

    def work(ctx: Ctx) -> dict[str, Any]:
        share = inventory.share_end(ctx, share_id=share_id)
        return bodies.share_document(share, with_holders=True)

    return change(call, work)


_SIDES: Final = (
    ("supply", APIRouter(prefix="/v1/supply", tags=["supply"])),
    ("operator", APIRouter(prefix="/v1/operator", tags=["operator: stock"])),
)
for _side, _works in _SIDES:
    for _routes in (_changes_routes, _arrivals_routes, _transfers_routes, _counts_routes):
        _routes(_side, _works)
    router.include_router(_works)
