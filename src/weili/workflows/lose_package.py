"""A parcel is lost, or broken on its way: its money goes back, or its pieces are sent again."""

from msgspec.structs import replace

from weili.kit.context import Ctx, PartyId
from weili.kit.ids import id_text
from weili.modules import dropship, goods, inventory, ledger
from weili.workflows.place_dropship_orders import holds_for
from weili.workflows.refuse_child import bundles_of
from weili.workflows.return_package import money_back, package_lost

_P = dropship.PackageState


def lose_package(
    ctx: Ctx,
    *,
    supplier_id: PartyId | None,
    package_id: dropship.PackageId,
    send_again: bool,
) -> dropship.Package:
    """Record that a package will never arrive, and settle it. Twice is once.

    Its goods and freight go back to the prepaid balance; or, to ``send_again``, they are held for
    new child orders over the same pieces, from wherever these are, and nothing changes for the
    partner. What was on its way back is always refunded, without the freight.

    Raises: OrderUnknown; StateConflict, when it was delivered or settled before; StockShort, when
    the pieces can't be sent again.
    """
    ctx.require("supply:write" if supplier_id is not None else "admin:orders")
    order, package = dropship.package_any_locked(
        ctx, supplier_id=supplier_id, package_id=package_id
    )
    if package.state is _P.LOST:
        return package
    if not send_again or package.state is _P.RETURNING:
        return package_lost(ctx, order=order, package=package, reason="lost")
    worth = dropship.refund_of(package, _P.LOST)
    child = next(child for child in order.children if child.id == package.child_id)
    book, parts = _sourced(ctx, order, child, package)
    again = dropship.children_from(
        ctx.now,
        child,
        parts=parts,
        freight=dropship.package_freight(child, package),
        replaces=package.id,
    )
    subjects = {new.warehouse_id: id_text(dropship.CHILD_PREFIX, new.id) for new in again}
    moves = inventory.reservations([part for _, part in parts], subjects=subjects)
    inventory.lows_announce(ctx, book=book, moves=moves)
    inventory.movements_write(ctx, moves=moves, is_locked=True)
    money_back(ctx, order=order, package=package, worth=worth)
    ledger.transfers_write(ctx, transfers=holds_for([replace(order, children=again, due_at=None)]))
    now = dropship.children_change(ctx, order=order, changed=[], added=again)
    now = dropship.package_move(ctx, order=now, package=package, there=_P.LOST, reason="lost")
    lost = dropship.package_told(
        ctx,
        dropship.PARCEL_LOST,
        order=now,
        package_id=package.id,
        data={"outcome": "sent_again"},
    )
    now = dropship.order_split(ctx, order_id=order.id)
    dropship.queue_feed(ctx, orders=[now])
    return lost


def _sourced(
    ctx: Ctx, order: dropship.Order, child: dropship.Child, package: dropship.Package
) -> tuple[inventory.SourcingBook, list[tuple[int, inventory.Part]]]:
    """Find all pieces of a package once more; locks their stock, and gives what was read of it.

    Raises: StockShort.
    """
    skus = {line.line_no: line.sku_id for line in child.lines}
    lines = [(skus[line.line_no], line.quantity) for line in package.lines]
    book = inventory.sourcing_book(
        ctx, area_codes=[order.area_code], sku_ids=[sku_id for sku_id, _ in lines], lock=True
    )
    found = inventory.source(
        book,
        area_code=order.area_code,
        lines=lines,
        partner_id=order.partner_id,
        bundles=bundles_of(ctx, [sku_id for sku_id, _ in lines]),
    )
    if isinstance(found, inventory.Sourced) and len(order.children) < dropship.CHILDREN_MAX:
        return book, [(package.lines[part.line_index].line_no, part) for part in found.parts]
    index = found.line_index if isinstance(found, inventory.Shortage) else 0
    raise dropship.StockShort(
        line_no=package.lines[index].line_no,
        sku_id=id_text(goods.SKU_PREFIX, lines[index][0]),
        area_code=order.area_code,
        quantity=lines[index][1],
        available=(
            min(found.available, inventory.FUZZY_MAX)
            if isinstance(found, inventory.Shortage)
            else 0
        ),
    )
