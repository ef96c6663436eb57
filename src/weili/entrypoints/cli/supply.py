"""``weili supply``: what a supplier and its warehouse do with child orders."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from weili.entrypoints.cli import say
from weili.entrypoints.cli.opened import (
    JsonOption,
    SupplierNameOption,
    WorldOption,
    supplier_opened,
)
from weili.entrypoints.cli.stock import (
    CursorOption,
    LimitOption,
    WarehouseOption,
    more_say,
    warehouse_named,
)

if TYPE_CHECKING:
    from weili.adapters.papers import Paper
    from weili.kit.context import Ctx, PartyId
    from weili.modules.dropship import ChildId, OrderState, Package

app = typer.Typer(help="What a supplier does with its child orders.", no_args_is_help=True)
papers = typer.Typer(help="Print for the warehouse.", no_args_is_help=True)
app.add_typer(papers, name="print")

IDS_MAX: Final = 100
_WAYBILL: Final = re.compile(r"[0-9A-Za-z-]{1,64}")
_LINE: Final = re.compile(r"([1-9]\d{0,2})=([1-9]\d{0,5})")

ChildArgument = Annotated[str, typer.Argument(help="The child order's id (chd_…).")]
ChildrenArgument = Annotated[list[str], typer.Argument(help="The child orders' ids (chd_…).")]
LinesOption = Annotated[
    list[str] | None,
    typer.Option("--line", help="Pieces of a line, as 1=2; may be repeated. All left if none."),
]
OutOption = Annotated[
    Path, typer.Option("--out", help="The PDF to write; one that is there is replaced.")
]


@app.callback()
def supplies() -> None:
    """What a supplier does with its child orders."""


@app.command("list")
def supply_list(
    supplier: SupplierNameOption,
    limit: LimitOption = 50,
    cursor: CursorOption = None,
    world: WorldOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the child orders that a supplier has something to do for, the oldest first."""
    from weili.kit.world import in_transaction
    from weili.modules import dropship

    def work(ctx: "Ctx", supplier_id: "PartyId") -> dict[str, Any]:
        found = dropship.queue_page(
            ctx,
            supplier_id=supplier_id,
            states=dropship.QUEUE_OPEN,
            cursor=cursor,
            limit=limit,
        )
        items = [dropship.supplier_document(child, order=order) for order, child in found.items]
        return {"items": items, "next_cursor": found.next_cursor}

    with supplier_opened(world, supplier) as (supplier_id, begin):
        shown = in_transaction(begin, lambda ctx: work(ctx, supplier_id))
    if as_json:
        say.document(shown)
        return
    say.table(
        [
            ("child order", "子单"),
            ("state", "状态"),
            ("ship by", "应发日期"),
            ("area", "地区"),
            ("to send", "待发（行=件）"),
        ],
        [
            (
                item["id"],
                item["state"],
                item["ships_on"],
                item["area_code"],
                " ".join(
                    f"{line['line_no']}={line['quantity'] - line['shipped']}"
                    for line in item["lines"]
                ),
            )
            for item in shown["items"]
        ],
    )
    more_say(shown["next_cursor"])


@app.command("take")
def supply_take(
    children: ChildrenArgument,
    supplier: SupplierNameOption,
    world: WorldOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say that the supplier will ship child orders; again changes nothing."""
    from weili.workflows.supplier_answers import child_taken

    def take(ctx: "Ctx", supplier_id: "PartyId", child_id: "ChildId") -> "OrderState":
        return child_taken(ctx, supplier_id=supplier_id, child_id=child_id, accepted=True)

    _each(children, take, supplier=supplier, world=world, as_json=as_json)


@app.command("pick")
def supply_pick(
    children: ChildrenArgument,
    supplier: SupplierNameOption,
    world: WorldOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say that child orders are being picked: from now on they go where they were to go."""
    from weili.workflows.pick_child import pick_child

    def pick(ctx: "Ctx", supplier_id: "PartyId", child_id: "ChildId") -> "OrderState":
        return pick_child(ctx, supplier_id=supplier_id, child_id=child_id)

    _each(children, pick, supplier=supplier, world=world, as_json=as_json)


@app.command("ship")
def supply_ship(  # noqa: PLR0917 - typer passes options by name
    child: ChildArgument,
    supplier: SupplierNameOption,
    carrier: Annotated[str, typer.Option("--carrier", help="The carrier's code, as SF.")],
    waybill: Annotated[str, typer.Option("--waybill", help="The waybill's number.")],
    carrier_name: Annotated[
        str | None, typer.Option("--carrier-name", help="Its name, with the code other alone.")
    ] = None,
    lines: LinesOption = None,
    world: WorldOption = None,
    as_json: JsonOption = False,
) -> None:
    """Report a package that has left; the same waybill again changes nothing."""
    from weili.kit.world import in_transaction
    from weili.modules import dropship
    from weili.workflows.ship_package import ship_package

    if not _WAYBILL.fullmatch(waybill):
        raise typer.BadParameter("a waybill number of letters, digits and dashes, up to 64")
    pieces = _pieces(lines)
    child_id = _child_id(child)

    def work(ctx: "Ctx", supplier_id: "PartyId") -> "Package":
        return ship_package(
            ctx,
            supplier_id=supplier_id,
            child_id=child_id,
            carrier_code=carrier,
            carrier_name=carrier_name,
            waybill_number=waybill,
            lines=[
                dropship.PackageLine(line_no, quantity)
                for line_no, quantity in (
                    pieces or _left(ctx, supplier_id, child_id, carrier, waybill)
                ).items()
            ],
        )

    with supplier_opened(world, supplier) as (supplier_id, begin):
        package = in_transaction(begin, lambda ctx: work(ctx, supplier_id))
    document = dropship.package_document(package)
    if as_json:
        say.document(dict(document))
    else:
        say.line(f"{document['id']}: {waybill}", f"{document['id']}：{waybill}")


@app.command("refuse")
def supply_refuse(  # noqa: PLR0917 - typer passes options by name
    child: ChildArgument,
    supplier: SupplierNameOption,
    reason: Annotated[str, typer.Option("--reason", help="Why; goes into the audit log.")],
    lines: LinesOption = None,
    world: WorldOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say that a child order, or pieces of it, won't be sent by this supplier.

    Other warehouses are asked for them; what none has is refunded.
    """
    from weili.kit.ids import id_text
    from weili.modules import dropship, parties
    from weili.workflows.refuse_child import refuse_child

    pieces = _pieces(lines) or None

    def refuse(ctx: "Ctx", supplier_id: "PartyId", child_id: "ChildId") -> "OrderState":
        state = refuse_child(ctx, supplier_id=supplier_id, child_id=child_id, pieces=pieces)
        subject = id_text(dropship.CHILD_PREFIX, child_id)
        parties.audit_write(ctx, action="child.refuse", subject=subject, reason=reason)
        return state

    _each([child], refuse, supplier=supplier, world=world, as_json=as_json)


@app.command("cost")
def supply_cost(  # noqa: PLR0917 - typer passes options by name
    code: Annotated[str, typer.Argument(help="The supplier's own code of the SKU.")],
    amount: Annotated[str, typer.Argument(help="In yuan, with at most two decimals: 5000.00")],
    supplier: SupplierNameOption,
    valid_from: Annotated[
        datetime | None,
        typer.Option(
            "--from",
            formats=["%Y-%m-%dT%H:%M%z", "%Y-%m-%dT%H:%M:%S%z"],
            metavar="{moment}",
            help="From when on, as 2027-01-01T00:00+08:00; as soon as approved if left out.",
        ),
    ] = None,
    world: WorldOption = None,
    as_json: JsonOption = False,
) -> None:
    """Ask for another cost of an SKU; the operator decides."""
    from weili.kit.ids import id_text
    from weili.kit.money import fen_from_yuan
    from weili.kit.world import in_transaction
    from weili.modules import goods, pricing

    try:
        amount_minor = fen_from_yuan(amount)
    except ValueError:
        raise typer.BadParameter("an amount in yuan with at most two decimals") from None

    def work(ctx: "Ctx", supplier_id: "PartyId") -> "pricing.CostProposal":
        found = goods.skus_by_code(ctx, keys=[(supplier_id, code)])
        if not found:
            raise goods.SkuUnknown(sku_id=code)
        [asked] = pricing.cost_propose(
            ctx,
            rows=[pricing.CostRow(found[supplier_id, code], amount_minor)],
            valid_from=valid_from and valid_from.astimezone(UTC),
        )
        return asked

    with supplier_opened(world, supplier) as (supplier_id, begin):
        asked = in_transaction(begin, lambda ctx: work(ctx, supplier_id))
    name = id_text(pricing.PROPOSAL_PREFIX, asked.id)
    if as_json:
        say.document(
            {
                "id": name,
                "supplier_code": code,
                "unit_cost_minor": asked.unit_cost_minor,
                "valid_from": asked.valid_from.isoformat(),
                "state": asked.state.value,
            }
        )
    else:
        say.line(f"{name} waits for the operator.", f"{name} 等待运营方审核。")


@papers.callback()
def printing() -> None:
    """Print for the warehouse."""


@papers.command("pick-list")
def print_pick_list(  # noqa: PLR0917 - typer passes options by name
    supplier: SupplierNameOption,
    warehouse: WarehouseOption,
    limit: LimitOption = 20,
    out: OutOption = Path("pick-list.pdf"),
    world: WorldOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print what to fetch for the child orders that wait longest in a warehouse."""
    from weili.adapters.papers import Paper
    from weili.workflows.print_papers import pick_list_print

    def work(ctx: "Ctx", supplier_id: "PartyId") -> dict[str, Any]:
        warehouse_id = warehouse_named(ctx, supplier_id, warehouse)
        return pick_list_print(ctx, supplier_id=supplier_id, warehouse_id=warehouse_id, limit=limit)

    _print(Paper.PICK_LIST, work, supplier=supplier, out=None if as_json else out, world=world)


@papers.command("waybills")
def print_waybills(
    children: ChildrenArgument,
    supplier: SupplierNameOption,
    out: OutOption = Path("waybills.pdf"),
    world: WorldOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print masked waybills of child orders with their contents."""
    from weili.adapters.papers import Paper
    from weili.workflows.print_papers import waybills_print

    child_ids = _child_ids(children)

    def work(ctx: "Ctx", supplier_id: "PartyId") -> dict[str, Any]:
        return waybills_print(ctx, supplier_id=supplier_id, child_ids=child_ids)

    _print(Paper.WAYBILL, work, supplier=supplier, out=None if as_json else out, world=world)


def _print(
    paper: "Paper",
    work: "Callable[[Ctx, PartyId], dict[str, Any]]",
    *,
    supplier: str,
    out: Path | None,
    world: str | None,
) -> None:
    """Write a paper as PDF, or without a file to write it to as JSON."""
    from weili.adapters.papers import paper_pdf
    from weili.kit.world import in_transaction

    with supplier_opened(world, supplier) as (supplier_id, begin):
        document = in_transaction(begin, lambda ctx: work(ctx, supplier_id))
    if out is None:
        say.document(document)
        return
    out.write_bytes(paper_pdf(paper, document))
    say.line(f"{out} is written.", f"已写入 {out}。")


def _each(
    children: list[str],
    verb: "Callable[[Ctx, PartyId, ChildId], OrderState]",
    *,
    supplier: str,
    world: str | None,
    as_json: bool,
) -> None:
    """Do something with child orders, each by itself, and say where it stands then."""
    from weili.kit.ids import id_text
    from weili.kit.world import in_transaction
    from weili.modules import dropship

    states: list[tuple[ChildId, OrderState]] = []
    child_ids = _child_ids(children)
    with supplier_opened(world, supplier) as (supplier_id, begin):
        for child_id in child_ids:
            act = partial(_act, verb, supplier_id, child_id)
            states.append((child_id, in_transaction(begin, act)))
    items = [
        {"id": id_text(dropship.CHILD_PREFIX, child_id), "state": state.value}
        for child_id, state in states
    ]
    if as_json:
        say.page_document(items)
        return
    for item in items:
        say.line(f"{item['id']}: {item['state']}", f"{item['id']}：{item['state']}")


def _act(
    verb: "Callable[[Ctx, PartyId, ChildId], OrderState]",
    supplier_id: "PartyId",
    child_id: "ChildId",
    ctx: "Ctx",
) -> "OrderState":
    return verb(ctx, supplier_id, child_id)


def _left(
    ctx: "Ctx", supplier_id: "PartyId", child_id: "ChildId", carrier: str, waybill: str
) -> dict[int, int]:
    """Give all pieces that are left; of a waybill that was reported before, what it said."""
    from weili.modules import dropship

    order, child = dropship.child_get(ctx, supplier_id=supplier_id, child_id=child_id)
    for package in order.packages:
        name = package.child_id, package.carrier_code, package.waybill_number
        if name == (child_id, carrier, waybill):
            return {line.line_no: line.quantity for line in package.lines}
    return {
        line.line_no: line.quantity - line.shipped
        for line in child.lines
        if line.quantity > line.shipped
    }


def _pieces(lines: list[str] | None) -> dict[int, int]:
    """Read which pieces are meant; none stands for all that are left."""
    found: dict[int, int] = {}
    for text in lines or []:
        match = _LINE.fullmatch(text)
        if not match or int(match[1]) in found:
            raise typer.BadParameter("each line once, as 1=2: two pieces of line 1")
        found[int(match[1])] = int(match[2])
    return found


def _child_ids(children: list[str]) -> "list[ChildId]":
    if len(children) > IDS_MAX:
        raise typer.BadParameter("at most 100 child orders at once")
    return [_child_id(text) for text in dict.fromkeys(children)]


def _child_id(text: str) -> "ChildId":
    from weili.kit.ids import id_parse
    from weili.modules import dropship

    return dropship.ChildId(id_parse(dropship.CHILD_PREFIX, text))
