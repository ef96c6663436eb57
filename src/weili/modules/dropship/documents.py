"""What the outside is shown of an order. Amounts in fen, times in UTC, ids written out."""

from datetime import date, datetime
from functools import lru_cache
from typing import Any, Final

from weili.kit.ids import id_text
from weili.modules.dropship.carriers import carrier_name
from weili.modules.dropship.model import (
    CHILD_PREFIX,
    ORDER_PREFIX,
    PACKAGE_PREFIX,
    REMARK_PREFIX,
    Child,
    Line,
    Order,
    Package,
    QueueStatus,
    Remark,
)
from weili.modules.dropship.rules import Assessment
from weili.modules.dropship.states import OrderState
from weili.modules.goods import SKU_PREFIX
from weili.modules.inventory import WAREHOUSE_PREFIX, WarehouseNote
from weili.modules.parties import PARTY_PREFIX
from weili.modules.pricing import TEMPLATE_PREFIX

Document = dict[str, Any]

_MOMENT_LENGTH: Final = len("2026-11-22T12:00:00.000000")
_MOMENTS_REMEMBERED: Final = 256
"""All orders of a batch are placed at one moment."""


@lru_cache(maxsize=_MOMENTS_REMEMBERED)
def moment(at: datetime | None) -> str | None:
    """Write a moment as RFC 3339 in UTC."""
    return at.isoformat(timespec="microseconds")[:_MOMENT_LENGTH] + "Z" if at else None


def day(on: date | None) -> str | None:
    """Write a day of the business zone."""
    return on.isoformat() if on else None


def order_document(order: Order) -> Document:
    """Show a root with its children. The recipient is not part of it; see ``reveal``."""
    goods_minor, freight_minor = order.goods_minor, order.freight_minor
    document: Document = {
        "id": id_text(ORDER_PREFIX, order.id),
        "number": order.number,
        "state": order.state.value,
        "area_code": order.area_code,
        "placed_at": moment(order.placed_at),
        "hold_expires_at": moment(order.due_at if order.state is OrderState.HELD else None),
        "unpaid_expires_at": moment(
            order.due_at if order.state is OrderState.WAITING_FUNDS else None
        ),
        "goods_minor": goods_minor,
        "freight_minor": freight_minor,
        "total_minor": goods_minor + freight_minor,
        "currency": "CNY",
        "children": [
            child_document(child) for child in order.children if child.state is not OrderState.SPLIT
        ],
    }
    if order.packages:
        document["packages"] = [package_document(package) for package in order.packages]
    return document


def child_document(child: Child) -> Document:
    """Show a child order."""
    return {
        "id": id_text(CHILD_PREFIX, child.id),
        "state": child.state.value,
        "warehouse_id": id_text(WAREHOUSE_PREFIX, child.warehouse_id),
        "lead_days": child.lead_days,
        "ships_on": day(child.ships_on),
        "arrives_on": day(child.arrives_on),
        "goods_minor": child.goods_minor,
        "freight_minor": child.freight_minor,
        "lines": [line_document(line) for line in child.lines if line.quantity],
    }


def line_document(line: Line) -> Document:
    """Show a line of a child order."""
    return {
        "line_no": line.line_no,
        "sku_id": id_text(SKU_PREFIX, line.sku_id),
        "quantity": line.quantity,
        "unit_price_minor": line.unit_price_minor,
        "amount_minor": line.amount_minor,
        "freight_minor": line.freight_minor,
        "tax_rate_bps": line.tax_rate_bps,
        "return_policy": line.return_policy,
        "shipped": line.shipped,
    }


def package_document(package: Package) -> Document:
    """Show a package."""
    return {
        "id": id_text(PACKAGE_PREFIX, package.id),
        "child_id": id_text(CHILD_PREFIX, package.child_id),
        "carrier_code": package.carrier_code,
        "carrier_name": carrier_name(package.carrier_code, package.carrier_name),
        "waybill_number": package.waybill_number,
        "shipped_at": moment(package.shipped_at),
        "delivered_at": moment(package.delivered_at),
        "state": package.state.value,
        "back": package.back.value if package.back else None,
        "condition": package.condition.value if package.condition else None,
        "due_at": moment(package.due_at),
        "lines": [{"line_no": line.line_no, "quantity": line.quantity} for line in package.lines],
    }


def remark_document(remark: Remark) -> Document:
    """Show a remark."""
    return {
        "id": id_text(REMARK_PREFIX, remark.id),
        "audience": remark.audience.value,
        "text": remark.text,
        "written_at": moment(remark.written_at),
    }


def render_document(assessment: Assessment, *, language: str) -> Document:
    """Show what an order would become, or all that speaks against it."""
    return {
        "sellable": not assessment.problems,
        "goods_minor": assessment.goods_minor,
        "freight_minor": assessment.freight_minor,
        "total_minor": assessment.total_minor,
        "currency": "CNY",
        "freight": [
            {
                "template_id": id_text(TEMPLATE_PREFIX, charge.template_id),
                "basis": charge.basis.value,
                "line_nos": [index + 1 for index in charge.line_indexes],
                "amount_minor": charge.amount_minor,
            }
            for charge in assessment.charges
        ],
        "lines": [
            {
                "line_no": line_no,
                "sellable": price is not None,
                "unit_price_minor": price.unit_price_minor if price else None,
                "price_version": price.version if price else None,
            }
            for line_no, price in enumerate(assessment.lines, 1)
        ],
        "problems": [problem.as_json(language) for problem in assessment.problems],
        "sourcing": [_note_document(note) for note in assessment.notes],
        "children": [
            {
                key: value
                for key, value in child_document(child).items()
                if key not in {"id", "state"}
            }
            for child in assessment.children
        ],
    }


def _note_document(note: WarehouseNote) -> Document:
    """Show what was thought of one warehouse."""
    return {
        "warehouse_id": id_text(WAREHOUSE_PREFIX, note.warehouse_id),
        "rank": note.rank,
        "priority": note.priority,
        "distance": note.distance,
        "lead_days": note.lead_days,
        "ships_on": day(note.ships_on),
        "verdict": note.verdict.value,
        "line_nos": [index + 1 for index in note.line_indexes],
    }


def supplier_document(child: Child, *, order: Order) -> Document:
    """Show a child order to the supplier who ships it: no prices, no partner's margin."""
    return {
        "id": id_text(CHILD_PREFIX, child.id),
        "order_id": id_text(ORDER_PREFIX, order.id),
        "partner_id": id_text(PARTY_PREFIX, order.partner_id),
        "state": child.state.value,
        "warehouse_id": id_text(WAREHOUSE_PREFIX, child.warehouse_id),
        "area_code": order.area_code,
        "placed_at": moment(order.placed_at),
        "ships_on": day(child.ships_on),
        "arrives_on": day(child.arrives_on),
        "lines": [
            {
                "line_no": line.line_no,
                "sku_id": id_text(SKU_PREFIX, line.sku_id),
                "quantity": line.quantity,
                "shipped": line.shipped,
                "unit_cost_minor": line.unit_cost_minor,
            }
            for line in child.lines
            if line.quantity
        ],
    }


def queue_document(status: QueueStatus) -> dict[str, Any]:
    """Write how a supplier's system is asked."""
    return {
        "due_count": status.due_count,
        "failures": status.failures,
        "failure": status.failure,
        "paused_until": moment(status.paused_until),
    }
