"""How a warehouse is shown, to its supplier and to the operator."""

from typing import Any

from weili.kit.ids import id_text
from weili.modules import inventory, parties


def warehouse_document(warehouse: inventory.Warehouse) -> dict[str, Any]:
    """Show a warehouse."""
    return {
        "id": id_text(inventory.WAREHOUSE_PREFIX, warehouse.id),
        "code": warehouse.code,
        "supplier_id": id_text(parties.PARTY_PREFIX, warehouse.supplier_id),
        "name": warehouse.name,
        "region_code": warehouse.region_code,
        "cutoff_minute": warehouse.calendar.cutoff_minute,
        "work_days": [day for day in range(1, 8) if warehouse.calendar.work_days >> day - 1 & 1],
        "closed_on": [day.isoformat() for day in warehouse.calendar.closed_on],
        "open_on": [day.isoformat() for day in warehouse.calendar.open_on],
    }
