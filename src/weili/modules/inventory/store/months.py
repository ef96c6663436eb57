"""What is taken out of old months of movements, and what is left for it.

Each place keeps one movement with the sum of those that went, or what lies there could never be
held against them again. Movements of transfers stay as they are: a transfer may be under way from
one month to another, and its lines are held against them.
"""

from typing import Final

from weili.kit.partitions import Cut
from weili.modules.inventory.model import TRANSFER_PREFIX

_GOES: Final = (
    "r.kind NOT IN ('carried', 'transfer_out', 'transfer_in')"
    f" AND NOT (r.kind = 'count_gain' AND starts_with(r.subject, '{TRANSFER_PREFIX}_'))"
)
MOVEMENTS: Final = Cut(
    table="inventory.movement",
    goes=_GOES,
    order="id, sku_id",
    sums=("on_hand_delta", "reserved_delta"),
    # Its id is of the month's last millisecond and has the warehouse's chance: for another
    # warehouse of the SKU it is another.
    leave=(
        "INSERT INTO {part} (id, sku_id, warehouse_id, kind, on_hand_delta, reserved_delta,"  # noqa: S608 - ours
        "  subject, occurred_at)"
        " SELECT overlay('{last}' PLACING substr(warehouse_id::text, 15) FROM 15)::uuid,"
        "  sku_id, warehouse_id, 'carried', sum(on_hand_delta), sum(reserved_delta), '{part}',"
        "  max(occurred_at)"
        f" FROM {{part}} AS r WHERE {_GOES} GROUP BY sku_id, warehouse_id"
        " HAVING sum(on_hand_delta) <> 0 OR sum(reserved_delta) <> 0"
    ),
    left="kind = 'carried'",
)
