"""Carriers' codes and numbers: what is surely wrong is refused, what is unknown is let through."""

import pytest

from weili.kit.problems import Problem
from weili.modules import dropship


@pytest.mark.parametrize(
    ("code", "name", "number"),
    [
        ("SF", None, "SF1234567890123"),
        ("SF", None, "123456789012"),
        ("YTO", None, "YT2512345678901"),
        ("YUNDA", None, "4312345678901"),
        # 4·8 + 7·6 + 3·4 + 1·2 + 2·3 + 4·5 + 8·9 + 2·7 = 200, 11 - 200 mod 11 = 9.
        ("EMS", None, "RR473124829CN"),
        ("EMS", None, "1234567890123"),
        ("other", "城际冷链", "whatever-1"),
    ],
)
def test_a_number_that_may_be_the_carriers_is_let_through(
    code: str, name: str | None, number: str
) -> None:
    dropship.carrier_check(code, name=name, waybill_number=number)


@pytest.mark.parametrize(
    ("code", "name", "number", "problem"),
    [
        ("sf", None, "SF1", "carrier_unknown"),
        ("DHL", None, "1", "carrier_unknown"),
        ("SF", None, "YT2512345678901", "waybill_malformed"),
        ("JD", None, "SF1234567890123", "waybill_malformed"),
        ("EMS", None, "RR473124828CN", "waybill_malformed"),
        ("SF", "顺丰速运", "SF1", "carrier_name_amiss"),
        ("other", None, "1", "carrier_name_amiss"),
    ],
)
def test_what_can_not_be_is_refused(code: str, name: str | None, number: str, problem: str) -> None:
    with pytest.raises(Problem) as refused:
        dropship.carrier_check(code, name=name, waybill_number=number)
    assert refused.value.code == problem
