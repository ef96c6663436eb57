"""Money as whole minor units (fen), and the few sums that are done with it.

An amount is an ``int`` whose name ends in ``_minor`` beside a currency, or in ``_fen`` where the
currency is known to be CNY. A rate is an ``int`` in basis points whose name ends in ``_bps``.
Floats never appear: a float can't hold 0.10, and a ledger that is off by a fen is wrong.
"""

import re
from collections.abc import Sequence
from typing import Final

CURRENCY: Final = "CNY"
MINOR_PER_MAJOR: Final = 100
BPS: Final = 10_000
AMOUNT_MINOR_MAX: Final = 10**15
"""Bound on any single amount: ten trillion yuan, far inside a 64-bit column when summed."""

_YUAN = re.compile(r"^(-?)(\d{1,13})(?:\.(\d{1,2}))?$")


def fen_from_yuan(text: str) -> int:
    """Read written yuan ("12", "12.5", "-0.07") as fen.

    Raises: ValueError when the text is anything but digits with at most two decimals.
    """
    match = _YUAN.match(text.strip())
    if match is None:
        raise ValueError(text)
    sign, whole, part = match.groups()
    fen = int(whole) * MINOR_PER_MAJOR + int((part or "").ljust(2, "0"))
    return -fen if sign else fen


def yuan_from_fen(amount_fen: int) -> str:
    """Write fen as yuan with two decimals."""
    sign = "-" if amount_fen < 0 else ""
    whole, part = divmod(abs(amount_fen), MINOR_PER_MAJOR)
    return f"{sign}{whole}.{part:02d}"


def split_largest_remainder(total_minor: int, weights: Sequence[int]) -> list[int]:
    """Split a non-negative total by weights so that the parts sum to the whole.

    Each part gets its floor, then the leftover units go to the largest remainders, the earlier
    part first on a tie. With all weights zero the parts are as equal as they can be.

    Raises: ValueError on an empty or negative weight, or a negative total.
    """
    if not weights or min(weights) < 0 or total_minor < 0:
        raise ValueError(weights)
    whole = sum(weights)
    if whole == 0:
        weights = [1] * len(weights)
        whole = len(weights)
    parts = [total_minor * weight // whole for weight in weights]
    left = total_minor - sum(parts)
    by_remainder = sorted(
        range(len(weights)), key=lambda i: (-(total_minor * weights[i] % whole), i)
    )
    for i in by_remainder[:left]:
        parts[i] += 1
    return parts


def share_so_far(amount_minor: int, done: int, whole: int) -> int:
    """Say how much of an amount belongs to the first ``done`` of ``whole`` pieces.

    Rounds down, and gives the whole amount for the last piece; so the difference of two calls is
    what one step is worth, and the steps always sum to the amount.
    """
    if not 0 <= done <= whole or whole <= 0:
        raise ValueError((done, whole))
    return amount_minor * done // whole


def tax_inside_half_up(gross_minor: int, rate_bps: int) -> int:
    """Give the tax that is inside a non-negative gross amount, rounded half up.

    What is left of the gross is net, so that the two always sum to it.
    """
    whole = BPS + rate_bps
    return (2 * gross_minor * rate_bps + whole) // (2 * whole)


def portion_half_up(amount_minor: int, rate_bps: int) -> int:
    """Take a rate of a non-negative amount, rounded half up."""
    return (2 * amount_minor * rate_bps + BPS) // (2 * BPS)
