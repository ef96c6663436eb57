"""Who carries parcels: our own codes for them, and what is known of their waybill numbers."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from weili.modules.dropship.problems import (
    CarrierNameAmiss,
    CarrierUnknown,
    WaybillMalformed,
)

OTHER: Final = "other"
"""The code of a carrier that has none here; its name is then given with each package."""
CARRIER_NAME_MAX: Final = 64


@dataclass(frozen=True, slots=True)
class Carrier:
    """A carrier. ``prefixes`` are the letters that its numbers may begin with, where known."""

    code: str
    name: str
    name_en: str
    prefixes: tuple[str, ...] = ()
    is_post: bool = False


CARRIERS: Final[Mapping[str, Carrier]] = MappingProxyType(
    {
        carrier.code: carrier
        for carrier in (
            Carrier("SF", "顺丰速运", "SF Express", ("SF",)),
            Carrier("JD", "京东快递", "JD Express", ("JD",)),
            Carrier("ZTO", "中通快递", "ZTO Express", ("ZT",)),
            Carrier("YTO", "圆通速递", "YTO Express", ("YT",)),
            Carrier("STO", "申通快递", "STO Express", ("ST",)),
            Carrier("YUNDA", "韵达快递", "Yunda Express"),
            Carrier("JT", "极兔速递", "J&T Express", ("JT",)),
            Carrier("DB", "德邦快递", "Deppon Express", ("DP", "DB")),
            Carrier("EMS", "邮政特快专递", "China Post EMS", is_post=True),
            Carrier("POST", "邮政快递包裹", "China Post parcels", is_post=True),
            Carrier("CN", "菜鸟速递", "Cainiao Express"),
            Carrier("KY", "跨越速运", "KYE Express", ("KY",)),
            Carrier("AN", "安能物流", "ANE Logistics"),
            Carrier(OTHER, "其他承运商", "another carrier"),
        )
    }
)

_LETTERS: Final = re.compile(r"[A-Za-z]*")
_S10: Final = re.compile(r"[A-Za-z]{2}(\d{8})(\d)[A-Za-z]{2}")
_S10_WEIGHTS: Final = (8, 6, 4, 2, 3, 5, 9, 7)


def carrier_check(code: str, *, name: str | None, waybill_number: str) -> None:
    """Refuse a carrier that is not known, and a number that can't be one of its.

    Carriers publish no binding length, and what they print changes, so a number is held only to
    what is sure: the letters it begins with, and the check digit of the post. That finds the
    common mistake, a parcel booked under the wrong carrier.

    Raises: CarrierUnknown; CarrierNameAmiss; WaybillMalformed.
    Source: UPU standard S10 for the post's check digit.
    """
    carrier = CARRIERS.get(code)
    if carrier is None:
        raise CarrierUnknown(carrier_code=code)
    if (name is not None) != (code == OTHER):
        raise CarrierNameAmiss(carrier_code=code, other=OTHER)
    if not _fits(carrier, waybill_number):
        raise WaybillMalformed(carrier_code=code, waybill_number=waybill_number)


def carrier_name(code: str, name: str | None) -> str:
    """Name a package's carrier: as the table has it, else as it was given, else by its code."""
    carrier = CARRIERS.get(code)
    return name or (carrier.name if carrier else code)


def _fits(carrier: Carrier, number: str) -> bool:
    if carrier.is_post and (match := _S10.fullmatch(number)):
        total = sum(int(d) * w for d, w in zip(match[1], _S10_WEIGHTS, strict=True))
        digit = 11 - total % 11
        return int(match[2]) == {10: 0, 11: 5}.get(digit, digit)
    found = _LETTERS.match(number)
    letters = found[0].upper() if found else ""
    return not (letters and carrier.prefixes) or letters.startswith(carrier.prefixes)
