"""How an order's pieces go other ways than they were meant to: pure decisions."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from msgspec.structs import replace

from weili.kit.ids import id_text, new_id
from weili.kit.money import split_largest_remainder
from weili.modules.dropship.model import (
    CHILD_PREFIX,
    PACKAGE_PREFIX,
    Child,
    ChildId,
    Line,
    Order,
    Package,
    PackageId,
    Worth,
)
from weili.modules.dropship.problems import PiecesNotLeft
from weili.modules.dropship.states import PACKAGE_STATES, OrderState, PackageState
from weili.modules.goods import SkuId
from weili.modules.inventory import Part, WarehouseId, arrives_on, latest
from weili.modules.ledger import TransferId
from weili.modules.pricing import FreightCharge, FreightLine

_TO_SHIP = frozenset(
    {
        OrderState.CONFIRMED,
        OrderState.RELEASED,
        OrderState.PICKING,
        OrderState.PART_SHIPPED,
    }
)


def is_refusable(child: Child) -> bool:
    """Say whether a supplier may still say that it won't send (the rest of) a child."""
    return child.state in _TO_SHIP


def pieces_left(child: Child) -> dict[int, int]:
    """Say how many pieces of each line are still to be shipped; lines with none are left out."""
    left = {line.line_no: line.quantity - line.shipped for line in child.lines}
    return {line_no: count for line_no, count in left.items() if count}


def pieces_refused(child: Child, asked: Mapping[int, int] | None) -> dict[int, int]:
    """Say which pieces a supplier won't send: those it names, or all that are left.

    Raises: PiecesNotLeft, when it names pieces that it does not have to send.
    """
    left = pieces_left(child)
    if asked is None:
        return left
    for line_no, quantity in asked.items():
        if not 1 <= quantity <= left.get(line_no, 0):
            raise PiecesNotLeft(
                child_id=id_text(CHILD_PREFIX, child.id),
                line_no=line_no,
                quantity=quantity,
                left=left.get(line_no, 0),
            )
    return dict(asked)


def lines_without(child: Child, pieces: Mapping[int, int]) -> tuple[list[Line], dict[int, int]]:
    """Take unshipped pieces off a child's lines; gives its lines then, and the freight they bore.

    The freight that was taken for pieces already shipped (their share, rounded down) stays the
    share of these pieces in what is left: the line keeps the least freight of which that is so,
    and a line of which nothing has shipped keeps its share, rounded down.
    """
    kept: list[Line] = []
    freight: dict[int, int] = {}
    for line in child.lines:
        left = line.quantity - pieces.get(line.line_no, 0)
        keeps = line.freight_minor
        if left < line.quantity:
            if line.shipped:
                taken = line.freight_minor * line.shipped // line.quantity
                keeps = -(-taken * left // line.shipped)
            else:
                keeps = line.freight_minor * left // line.quantity
            freight[line.line_no] = line.freight_minor - keeps
        kept.append(replace(line, quantity=left, freight_minor=keeps))
    return kept, freight


def children_from(
    now: datetime,
    child: Child,
    *,
    parts: Sequence[tuple[int, Part]],
    freight: Mapping[int, int],
    replaces: PackageId | None = None,
) -> list[Child]:
    """Make the children that pieces of a child go to: one for each warehouse.

    ``parts`` are (line number, part); the freight of a line is shared out by pieces. Prices and
    costs stay what they were; the days on which it leaves and arrives are promised anew.
    """
    lines = {line.line_no: line for line in child.lines}
    shares: list[int] = [0] * len(parts)
    for line_no, freight_minor in freight.items():
        places = [i for i, (number, _) in enumerate(parts) if number == line_no]
        split = split_largest_remainder(freight_minor, [parts[i][1].quantity for i in places])
        for i, share in zip(places, split, strict=True):
            shares[i] = share
    grouped: dict[WarehouseId, list[tuple[Line, Part]]] = {}
    for (line_no, part), share in zip(parts, shares, strict=True):
        line = replace(lines[line_no], quantity=part.quantity, freight_minor=share, shipped=0)
        grouped.setdefault(part.warehouse_id, []).append((line, part))
    return [
        Child(
            id=ChildId(new_id(now)),
            supplier_id=group[0][1].supplier_id,
            warehouse_id=warehouse_id,
            state=OrderState.CONFIRMED,
            lead_days=max(part.lead_days for _, part in group),
            ships_on=latest([part.ships_on for _, part in group]),
            arrives_on=latest([arrives_on(part.ships_on, part.lead_days) for _, part in group]),
            goods_hold_id=TransferId(new_id(now)),
            freight_hold_id=(
                TransferId(new_id(now)) if any(line.freight_minor for line, _ in group) else None
            ),
            lines=[line for line, _ in group],
            split_from=child.id,
            replaces=replaces or child.replaces,
        )
        for warehouse_id, group in grouped.items()
    ]


def warehouses_refused(order: Order, child: Child) -> list[WarehouseId]:
    """Name the warehouses from which a child's pieces did not come: its own and those before."""
    by_id = {other.id: other for other in order.children}
    refused = [child.warehouse_id]
    at: Child | None = child
    while at is not None and at.split_from is not None:
        at = by_id.get(at.split_from)
        if at is not None:
            refused.append(at.warehouse_id)
    return refused


def refund_of(package: Package, there: PackageState) -> Worth:
    """Say what goes back when a package comes back or is lost.

    The goods' whole amount goes back to the partner. The freight does too when the package never
    came to the receiver or back (lost on the way there); a package that was carried there, or part
    of the way and back, has used it. The supplier is not owed for what nobody got: it has the
    goods again, or chose who lost or broke them.

    Raises: StateConflict.
    """
    label = id_text(PACKAGE_PREFIX, package.id)
    PACKAGE_STATES.check(package.state, there, label=label)
    is_lost_out = there is PackageState.LOST and package.state is not PackageState.RETURNING
    worth = package.worth
    return Worth(worth.goods_minor, worth.freight_minor if is_lost_out else 0, worth.cost_minor)


def package_freight(child: Child, package: Package) -> dict[int, int]:
    """Share the freight that a package bore over its lines, by value, to the fen."""
    prices = {line.line_no: line.unit_price_minor for line in child.lines}
    weights = [prices[line.line_no] * line.quantity for line in package.lines]
    split = split_largest_remainder(package.worth.freight_minor, weights)
    return {line.line_no: share for line, share in zip(package.lines, split, strict=True)}


def freight_lines(children: Sequence[Child], weights_g: Mapping[SkuId, int]) -> list[FreightLine]:
    """Give the lines of children, one after another, as far as freight goes."""
    return [
        FreightLine(line.sku_id, line.quantity, weights_g[line.sku_id], line.amount_minor)
        for child in children
        for line in child.lines
    ]


def freight_shared(children: Sequence[Child], charges: Sequence[FreightCharge]) -> list[Child]:
    """Share a new freight over the lines of children of which nothing has shipped, by value."""
    lines = [line for child in children for line in child.lines]
    freights = [0] * len(lines)
    for charge in charges:
        shares = split_largest_remainder(
            charge.amount_minor, [lines[index].amount_minor for index in charge.line_indexes]
        )
        for index, share in zip(charge.line_indexes, shares, strict=True):
            freights[index] = share
    left = iter(freights)
    return [
        replace(child, lines=[replace(line, freight_minor=next(left)) for line in child.lines])
        for child in children
    ]
