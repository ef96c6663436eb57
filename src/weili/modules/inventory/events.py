"""What this module announces: to suppliers of their stock, to partners of their shares."""

from typing import Final

from weili.kit.context import EventType

_PLACE: Final = {"sku_id": "the SKU", "warehouse_id": "the warehouse"}

STOCK_LOW: Final = EventType(
    "stock.low",
    "once each time that what no order has taken falls below the mark that you set",
    {**_PLACE, "unpromised": "pieces that no order has taken", "low_below": "your mark"},
)
ARRIVAL_LATE: Final = EventType(
    "arrival.late",
    "once for goods that had not come in when their day was over",
    {
        **_PLACE,
        "arrival_id": "what was to come in",
        "quantity": "how many pieces",
        "expected_on": "the day that was announced",
    },
)
SHARE_OPENED: Final = EventType(
    "share.opened",
    "once for each share of stock that is kept for you, alone or with others",
    {
        **_PLACE,
        "share_id": "the share",
        "quantity": "how many pieces",
        "ends_at": "when what is unsold becomes anyone's",
    },
)
SHARE_ENDED: Final = EventType(
    "share.ended",
    "once, when a share ends, by time or by the operator",
    {**_PLACE, "share_id": "the share", "unsold": "how many pieces became anyone's"},
)

EVENTS: Final[tuple[EventType, ...]] = (STOCK_LOW, ARRIVAL_LATE, SHARE_OPENED, SHARE_ENDED)
