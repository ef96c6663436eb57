"""The decisions of dropship orders: pure, over a snapshot read beforehand."""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

import msgspec
from msgspec.structs import replace

from weili.kit.context import PartyId
from weili.kit.ids import id_text, new_id
from weili.kit.money import share_so_far, split_largest_remainder
from weili.kit.problems import Problem
from weili.modules.dropship.model import (
    CHILD_PREFIX,
    HOLD_LASTS,
    UNPAID_LASTS,
    WAITING_MAX,
    Child,
    ChildId,
    Line,
    LineDraft,
    Order,
    OrderDraft,
    OrderId,
    Package,
    PackageLine,
    Worth,
)
from weili.modules.dropship.problems import (
    AreaNotServed,
    AreaReplaced,
    AreaUnknown,
    BalanceTooLow,
    GoodsNotOnSale,
    PackageEmpty,
    PackageOverfull,
    PriceChanged,
    PriceMissing,
    StockShort,
)
from weili.modules.dropship.states import OrderState, PackageState
from weili.modules.goods import SKU_PREFIX, TERMS_DEFAULT, SkuId, SkuOffer, line_check
from weili.modules.inventory import (
    FUZZY_MAX,
    Bundles,
    NotServed,
    Part,
    Shortage,
    Sourced,
    SourcingBook,
    WarehouseId,
    WarehouseNote,
    arrives_on,
    explain,
    latest,
    source,
)
from weili.modules.ledger import Balance, TransferId
from weili.modules.pricing import (
    AreaExcluded,
    FreightBook,
    FreightCharge,
    FreightLine,
    FreightNotSet,
    Price,
    PriceBook,
    WeightMissing,
)

_S: Final = OrderState
_PROGRESS: Final = {
    state: place
    for place, state in enumerate(
        (
            _S.WAITING_FUNDS,
            _S.HELD,
            _S.CONFIRMED,
            _S.RELEASED,
            _S.PICKING,
            _S.CANCELLING,
            _S.PART_SHIPPED,
            _S.SHIPPED,
            _S.INTERCEPTING,
            _S.RETURNING,
            _S.DELIVERED,
            _S.COMPLETED,
        )
    )
}
"""How far a child has come. Those that are cancelled, refunded or split go nowhere any more."""


def root_state(children: Iterable[OrderState]) -> OrderState:
    """Derive a root's state from its children's.

    Children that are cancelled, refunded or split no longer count, unless all are. As soon as
    anything has shipped while something has not, the root is part shipped; else it is where its
    slowest child is.
    """
    children = list(children)
    live = [state for state in children if state in _PROGRESS]
    if not live:
        return OrderState.REFUNDED if OrderState.REFUNDED in children else OrderState.CANCELLED
    slowest = min(live, key=_PROGRESS.__getitem__)
    fastest = max(live, key=_PROGRESS.__getitem__)
    shipped = _PROGRESS[OrderState.SHIPPED]
    if _PROGRESS[slowest] < shipped and _PROGRESS[fastest] >= _PROGRESS[OrderState.PART_SHIPPED]:
        return OrderState.PART_SHIPPED
    if OrderState.CANCELLING in live:
        return OrderState.CANCELLING
    return slowest


def child_state(packages: Collection[PackageState]) -> OrderState:
    """Derive the state of a child that ships no more from its packages'.

    It is on its way while one of them is, comes back when nothing else is left to happen, is
    delivered when something has stayed with the receiver, and else is refunded.
    """
    for package, child in (
        (PackageState.SHIPPED, OrderState.SHIPPED),
        (PackageState.INTERCEPTING, OrderState.INTERCEPTING),
        (PackageState.RETURNING, OrderState.RETURNING),
        (PackageState.DELIVERED, OrderState.DELIVERED),
    ):
        if package in packages:
            return child
    return OrderState.REFUNDED


def child_after(order: Order, child: Child, package: Package, there: PackageState) -> OrderState:
    """Say where a child stands when one of its packages moves."""
    if child.state is OrderState.PART_SHIPPED:
        return child.state
    return child_state(
        [
            there if other.id == package.id else other.state
            for other in order.packages
            if other.child_id == child.id
        ]
    )


def digest(draft: OrderDraft) -> bytes:
    """Say in 32 bytes what an order asks for, whichever door it came through."""
    lines = [[line.sku_id.hex, line.quantity, line.unit_price_minor] for line in draft.lines]
    to = draft.recipient
    parts = [draft.number, draft.area_code, to.name, to.phone, to.address, draft.hold, lines]
    return hashlib.sha256(msgspec.json.encode(parts)).digest()


@dataclass(slots=True)
class Snapshot:
    """All that deciding needs, read once for a batch.

    ``stock`` and ``available`` are used up as orders are accepted, so that each order sees what
    the ones before it left.
    """

    now: datetime
    areas: Mapping[str, Sequence[str]]
    offers: Mapping[tuple[PartyId, SkuId], SkuOffer]
    prices: PriceBook
    freight: FreightBook
    stock: SourcingBook
    available: dict[PartyId, int]
    alarms: Mapping[PartyId, Balance] = field(default_factory=dict)
    """As they stood at first, the balances of partners who want to be told when they run low."""


class Assessment(msgspec.Struct, frozen=True, gc=False):
    """What an order would become: its parts and lines, or all that speaks against it."""

    problems: Sequence[Problem]
    lines: Sequence[Price | None]
    children: Sequence[Child]
    parts: Sequence[Part]
    goods_minor: int
    freight_minor: int
    charges: Sequence[FreightCharge] = ()
    notes: Sequence[WarehouseNote] = ()
    """Why each warehouse was chosen or passed over, where that was asked for."""

    @property
    def total_minor(self) -> int:
        """Goods and freight."""
        return self.goods_minor + self.freight_minor


def assess(
    snapshot: Snapshot, partner_id: PartyId, draft: OrderDraft, *, explained: bool = False
) -> Assessment:
    """Decide one order against what is left, without taking anything.

    Every reason against it is listed, not only the first, so that a partner can mend the order
    at once. ``explained`` has it say of each warehouse why it was chosen or passed over.
    """
    problems: list[Problem] = []
    successors = snapshot.areas.get(draft.area_code)
    if successors is None:
        problems.append(AreaUnknown(area_code=draft.area_code))
    elif successors:
        problems.append(AreaReplaced(area_code=draft.area_code, successors=" ".join(successors)))
    found = [
        _priced(snapshot, partner_id, draft, line_no, line)
        for line_no, line in enumerate(draft.lines, 1)
    ]
    priced = [item for item in found if isinstance(item, _Priced)]
    if len(priced) == len(found):
        prices: list[Price | None] = [item.price for item in priced]
    else:
        problems += [item for item in found if isinstance(item, Problem)]
        prices = [item.price if isinstance(item, _Priced) else None for item in found]
    goods_minor = sum([item.price.unit_price_minor * item.quantity for item in priced])
    if problems:
        return Assessment(problems, prices, (), (), goods_minor, 0)
    sourced, notes = _sourced(snapshot, partner_id, draft, priced, explained=explained)
    if not isinstance(sourced, Sourced):
        against: list[Problem] = [_unsourced(draft, sourced)]
        return Assessment(against, prices, (), (), goods_minor, 0, notes=notes)
    try:
        charges = snapshot.freight.freight_minor(draft.area_code, _freight_lines(priced))
    except (FreightNotSet, AreaExcluded, WeightMissing) as problem:
        return Assessment([problem], prices, (), (), goods_minor, 0, notes=notes)
    freight_minor = sum([charge.amount_minor for charge in charges])
    available = snapshot.available.get(partner_id, 0)
    if goods_minor + freight_minor > available:
        problems.append(
            BalanceTooLow(needed_minor=goods_minor + freight_minor, available_minor=available)
        )
    state = OrderState.HELD if draft.hold else OrderState.CONFIRMED
    children = _children(snapshot.now, state, priced, sourced.parts, charges)
    return Assessment(
        problems, prices, children, sourced.parts, goods_minor, freight_minor, charges, notes
    )


def _sourced(
    snapshot: Snapshot,
    partner_id: PartyId,
    draft: OrderDraft,
    priced: Sequence["_Priced"],
    *,
    explained: bool,
) -> tuple[Sourced | Shortage | NotServed, Sequence[WarehouseNote]]:
    """Find from where the lines are taken; bundles are taken as their parts."""
    lines = [(line.sku_id, line.quantity) for line in draft.lines]
    bundles: Bundles = {
        item.offer.sku_id: [(part.sku_id, part.quantity) for part in item.offer.parts]
        for item in priced
        if item.offer.parts
    }
    outcome = source(
        snapshot.stock,
        area_code=draft.area_code,
        lines=lines,
        partner_id=partner_id,
        bundles=bundles,
    )
    if not explained:
        return outcome, ()
    return outcome, explain(
        snapshot.stock,
        area_code=draft.area_code,
        lines=lines,
        outcome=outcome,
        partner_id=partner_id,
        bundles=bundles,
    )


def take(snapshot: Snapshot, partner_id: PartyId, assessment: Assessment) -> None:
    """Use up what an accepted order takes, for the orders decided after it."""
    snapshot.stock.take(assessment.parts)
    if not _waits(assessment.children):
        snapshot.available[partner_id] -= assessment.total_minor


def waiting(assessment: Assessment, draft: OrderDraft, ahead: int | None) -> Assessment | None:
    """Give what an order becomes that waits for its partner's balance; None when it does not wait.

    ``ahead`` says how many orders of the partner wait already: None when it wants none to wait.
    One that could be paid waits behind those that came before it. An order that is to be held
    never waits, since a hold is of money as well as of stock.
    """
    problems = assessment.problems
    is_poor = len(problems) == 1 and isinstance(problems[0], BalanceTooLow)
    is_behind = not problems and bool(ahead)
    if ahead is None or draft.hold or ahead >= WAITING_MAX or not (is_poor or is_behind):
        return None
    children = [replace(child, state=OrderState.WAITING_FUNDS) for child in assessment.children]
    return replace(assessment, problems=(), children=children)


def due_at(state: OrderState, now: datetime) -> datetime | None:
    """Say when a new order that nobody confirms, or pays, gives back what it holds."""
    if state is OrderState.HELD:
        return now + HOLD_LASTS
    return now + UNPAID_LASTS if state is OrderState.WAITING_FUNDS else None


def _waits(children: Sequence[Child]) -> bool:
    return bool(children) and children[0].state is OrderState.WAITING_FUNDS


class _Priced(NamedTuple):
    """A line of which everything is known but where it comes from."""

    quantity: int
    price: Price
    unit_cost_minor: int
    offer: SkuOffer


def _priced(
    snapshot: Snapshot, partner_id: PartyId, draft: OrderDraft, line_no: int, line: LineDraft
) -> _Priced | Problem:
    sku_id = line.sku_id
    offer = snapshot.offers.get((partner_id, sku_id))
    if offer is None:
        return GoodsNotOnSale(line_no=line_no, sku_id=id_text(SKU_PREFIX, sku_id))
    if offer.terms is not TERMS_DEFAULT:
        # Limits are an order's: a line that is split in two does not get round them.
        quantity = sum(each.quantity for each in draft.lines if each.sku_id == sku_id)
        area_code = draft.area_code
        against = line_check(offer, line_no=line_no, quantity=quantity, area_code=area_code)
        if against is not None:
            return against
    price = snapshot.prices.unit_price(partner_id, sku_id, line.quantity)
    unit_cost_minor = snapshot.prices.unit_cost_minor(sku_id)
    if price is None or unit_cost_minor is None:
        return PriceMissing(
            line_no=line_no, sku_id=id_text(SKU_PREFIX, sku_id), quantity=line.quantity
        )
    if line.unit_price_minor not in {None, price.unit_price_minor}:
        return PriceChanged(
            line_no=line_no,
            sku_id=id_text(SKU_PREFIX, sku_id),
            expected_minor=line.unit_price_minor,
            actual_minor=price.unit_price_minor,
        )
    return _Priced(line.quantity, price, unit_cost_minor, offer)


def _unsourced(draft: OrderDraft, why: Shortage | NotServed) -> Problem:
    if isinstance(why, NotServed):
        return AreaNotServed(area_code=draft.area_code)
    return StockShort(
        line_no=why.line_index + 1,
        sku_id=id_text(SKU_PREFIX, why.sku_id),
        area_code=draft.area_code,
        quantity=why.wanted,
        available=min(why.available, FUZZY_MAX),
    )


def _children(
    now: datetime,
    state: OrderState,
    priced: Sequence[_Priced],
    parts: Sequence[Part],
    charges: Sequence[FreightCharge],
) -> list[Child]:
    """Group the sourced parts by warehouse and give each its share of the freight."""
    freights = _freights(priced, parts, charges)
    by_warehouse: dict[WarehouseId, list[tuple[Part, int]]] = {}
    for part, freight in zip(parts, freights, strict=True):
        by_warehouse.setdefault(part.warehouse_id, []).append((part, freight))
    return [
        Child(
            id=ChildId(new_id(now)),
            supplier_id=group[0][0].supplier_id,
            warehouse_id=warehouse_id,
            state=state,
            lead_days=max([part.lead_days for part, _ in group]),
            ships_on=latest([part.ships_on for part, _ in group]),
            arrives_on=latest([arrives_on(part.ships_on, part.lead_days) for part, _ in group]),
            goods_hold_id=TransferId(new_id(now)),
            freight_hold_id=(
                TransferId(new_id(now)) if any(freight for _, freight in group) else None
            ),
            lines=[_line(priced[part.line_index], part, freight) for part, freight in group],
        )
        for warehouse_id, group in by_warehouse.items()
    ]


def _freight_lines(priced: Sequence[_Priced]) -> list[FreightLine]:
    return [
        FreightLine(
            item.offer.sku_id,
            item.quantity,
            item.offer.weight_g,
            item.price.unit_price_minor * item.quantity,
        )
        for item in priced
    ]


def _freights(
    priced: Sequence[_Priced], parts: Sequence[Part], charges: Sequence[FreightCharge]
) -> list[int]:
    """Share each charge out by value over the parts of the lines that it is for."""
    if len(parts) == 1:
        return [sum(charge.amount_minor for charge in charges)]
    freights = [0] * len(parts)
    for charge in charges:
        lines = set(charge.line_indexes)
        mine = [index for index, part in enumerate(parts) if part.line_index in lines]
        values = [
            priced[parts[index].line_index].price.unit_price_minor * parts[index].quantity
            for index in mine
        ]
        shares = split_largest_remainder(charge.amount_minor, values)
        for index, share in zip(mine, shares, strict=True):
            freights[index] = share
    return freights


def _line(priced: _Priced, part: Part, freight_minor: int) -> Line:
    return Line(
        line_no=part.line_index + 1,
        sku_id=part.sku_id,
        quantity=part.quantity,
        unit_price_minor=priced.price.unit_price_minor,
        price_version=priced.price.version,
        freight_minor=freight_minor,
        unit_cost_minor=priced.unit_cost_minor,
        tax_rate_bps=priced.offer.tax_rate_bps,
        return_policy=priced.offer.return_policy.value,
    )


def package_worth(child: Child, packed: Sequence[PackageLine]) -> Worth:
    """Check a package against what is left to ship and say what it is worth.

    Raises: PackageEmpty; PackageOverfull.
    """
    lines = {line.line_no: line for line in child.lines}
    wanted: dict[int, int] = {}
    for item in packed:
        wanted[item.line_no] = wanted.get(item.line_no, 0) + item.quantity
    if not wanted or not wanted.keys() <= lines.keys() or min(wanted.values()) < 1:
        raise PackageEmpty(child_id=id_text(CHILD_PREFIX, child.id))
    goods = freight = cost = 0
    for line_no, quantity in wanted.items():
        line = lines[line_no]
        left = line.quantity - line.shipped
        if quantity > left:
            raise PackageOverfull(line_no=line_no, quantity=quantity, left=left)
        goods += line.unit_price_minor * quantity
        cost += line.unit_cost_minor * quantity
        freight += share_so_far(
            line.freight_minor, line.shipped + quantity, line.quantity
        ) - share_so_far(line.freight_minor, line.shipped, line.quantity)
    return Worth(goods, freight, cost)


def state_after_package(child: Child, packed: Sequence[PackageLine]) -> OrderState:
    """Say where a child stands once a package has left."""
    left = sum(line.quantity - line.shipped for line in child.lines)
    if left > sum(item.quantity for item in packed):
        return OrderState.PART_SHIPPED
    return OrderState.SHIPPED


def is_cancellable(child: Child) -> bool:
    """Say whether a child can be cancelled, or its supplier asked to; asking twice is asking."""
    return child.state in {
        OrderState.WAITING_FUNDS,
        OrderState.HELD,
        OrderState.CONFIRMED,
        OrderState.RELEASED,
        OrderState.PICKING,
        OrderState.CANCELLING,
    }


def order_id_for(now: datetime) -> OrderId:
    """Make the id of a new order."""
    return OrderId(new_id(now))


def sealed_to(partner_id: PartyId, order_id: OrderId) -> bytes:
    """Name the one order that a recipient is sealed for: moved to another, it does not open."""
    return partner_id.bytes + order_id.bytes


def sealed_for(bound_to: bytes) -> tuple[PartyId, OrderId]:
    """Say which order ``sealed_to`` named."""
    return PartyId(UUID(bytes=bound_to[:16])), OrderId(UUID(bytes=bound_to[16:]))
