"""What may go wrong with a supplier, and how often."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Trouble(StrEnum):
    """What may go wrong with the answer to a request."""

    LATE = "late"
    ERROR = "error"
    CUT_BEFORE = "cut_before"
    CUT_AFTER = "cut_after"


@dataclass(frozen=True, slots=True)
class Unkindness:
    """How often, in a thousand times, what goes wrong; and how long things take, in ms.

    ``trouble`` befalls a request, and may befall the same request again; ``slow_packing`` leaves
    time to cancel; ``early`` packs although the warehouse has not opened; ``cancel_later`` asks the
    warehouse before it answers whether it cancels; ``late_shipping`` keeps a packed order lying for
    a while; ``part_refusal`` takes an order but for some pieces of it, and ``short_pick`` finds
    fewer than were ordered; the others befall a child order or a report of it.
    """

    trouble: int = 60
    refusal: int = 20
    part_refusal: int = 40
    short_pick: int = 40
    parts: int = 200
    early: int = 100
    slow_packing: int = 60
    cancel_later: int = 300
    late_shipping: int = 40
    report_twice: int = 50
    report_cut: int = 40
    late_ms_max: int = 40
    packing_ms_max: int = 400
    slow_packing_ms: int = 4_000
    cancel_later_ms_max: int = 400
    late_shipping_ms: int = 2_000


KIND: Final = Unkindness(
    trouble=0,
    refusal=0,
    part_refusal=0,
    short_pick=0,
    parts=0,
    early=0,
    slow_packing=0,
    cancel_later=0,
    late_shipping=0,
    report_twice=0,
    report_cut=0,
    late_ms_max=0,
    packing_ms_max=0,
    slow_packing_ms=0,
    cancel_later_ms_max=0,
    late_shipping_ms=0,
)
"""A supplier with whom nothing ever goes wrong."""
