"""The sample world that is shipped with Weili: a catalogue, and who trades and lives in it.

Everything here is invented. Brands, companies and people don't exist; GTINs come from the range
that GS1 leaves to in-house use, USCCs have valid check digits over made-up organisation codes, and
phone numbers count up from 19900000001. The region codes are real.

Amounts in the files are written in yuan as text; the records below hold whole fen.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Final, Literal, cast

from weili.kit.money import fen_from_yuan

__all__ = [
    "COUNTRY_CODE",
    "SampleFreightRule",
    "SamplePartner",
    "SamplePerson",
    "SampleSupplier",
    "SampleWarehouse",
    "SampleWarehouseArea",
    "catalogue_path",
    "freight_rules",
    "partners",
    "people",
    "suppliers",
    "warehouses",
]

COUNTRY_CODE: Final = "000000"
"""The region code that stands for the whole country."""

PartnerKind = Literal["community", "creator", "shop_chain", "isv"]
PriceListName = Literal["standard", "volume"]


@dataclass(frozen=True, slots=True)
class SampleSupplier:
    """A supplier; ``short_name`` is what the catalogue and the warehouses refer to."""

    short_name: str
    legal_name: str
    uscc: str
    contact_name: str
    contact_phone: str


@dataclass(frozen=True, slots=True)
class SampleWarehouseArea:
    """A region that a warehouse serves.

    Of two areas of one warehouse that hold the same county, the narrower one is meant; it also
    has the lower priority number.
    """

    region_code: str
    priority: int
    lead_days: int


@dataclass(frozen=True, slots=True)
class SampleWarehouse:
    """A warehouse of one supplier, in a county, serving some regions."""

    code: str
    name: str
    supplier: str
    county_code: str
    areas: tuple[SampleWarehouseArea, ...]


@dataclass(frozen=True, slots=True)
class SamplePartner:
    """A prepaid partner and the balance it starts with."""

    code: str
    name: str
    legal_name: str
    uscc: str
    kind: PartnerKind
    price_list: PriceListName
    opening_balance_fen: int
    contact_name: str
    contact_phone: str


@dataclass(frozen=True, slots=True)
class SampleFreightRule:
    """Freight of a region; the rule of the narrowest region that holds the county is meant."""

    region_code: str
    base_fee_fen: int
    free_from_fen: int


@dataclass(frozen=True, slots=True)
class SamplePerson:
    """Someone to send an order to.

    In the four municipalities the city has the name of the province, as on a parcel.
    """

    name: str
    phone: str
    province: str
    city: str
    county: str
    street: str
    area_code: str


@contextmanager
def catalogue_path() -> Iterator[Path]:
    """Give the catalogue as a file on disk for as long as the block runs."""
    with resources.as_file(resources.files(__name__) / "catalogue.csv") as path:
        yield path


def suppliers() -> tuple[SampleSupplier, ...]:
    """Read the suppliers."""
    return tuple(SampleSupplier(**row) for row in _rows("suppliers.json"))


def warehouses() -> tuple[SampleWarehouse, ...]:
    """Read the warehouses with the areas they serve."""
    return tuple(
        SampleWarehouse(
            **{**row, "areas": tuple(SampleWarehouseArea(**area) for area in row["areas"])}
        )
        for row in _rows("warehouses.json")
    )


def partners() -> tuple[SamplePartner, ...]:
    """Read the partners."""
    return tuple(SamplePartner(**_in_fen(row, "opening_balance")) for row in _rows("partners.json"))


def freight_rules() -> tuple[SampleFreightRule, ...]:
    """Read the freight rules, the whole country first."""
    return tuple(
        SampleFreightRule(**_in_fen(row, "base_fee", "free_from")) for row in _rows("freight.json")
    )


def people() -> tuple[SamplePerson, ...]:
    """Read the recipients."""
    return tuple(SamplePerson(**row) for row in _rows("people.json"))


def _rows(name: str) -> list[dict[str, Any]]:
    text = (resources.files(__name__) / name).read_text(encoding="utf-8")
    # An amount that slipped in as a bare JSON number would be a float: refuse it here.
    return cast("list[dict[str, Any]]", json.loads(text, parse_float=_refuse_float))


def _refuse_float(text: str) -> None:
    raise ValueError(f"{text} is not text: amounts are written in quotes")


def _in_fen(row: dict[str, Any], *fields: str) -> dict[str, Any]:
    """Put ``<field>_fen`` in the place of each amount that is written in yuan."""
    rest = {key: value for key, value in row.items() if key not in fields}
    return rest | {f"{field}_fen": fen_from_yuan(row[field]) for field in fields}
