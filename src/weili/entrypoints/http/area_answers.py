"""What is answered about areas, and about addresses that were written."""

from typing import Literal

from weili.entrypoints.http.fields import Document


class AreaOut(Document):
    """A province, city, county or town."""

    code: str
    name: str
    parent_code: str | None
    level: Literal["country", "province", "city", "county", "town"]


class AreaFullOut(AreaOut):
    """An area with its name in full, and what took its place if it is no longer in force."""

    full_name: str
    ancestors: list[str]
    until_year: int | None
    successors: list[str]
    vintage: str


class AreaChangeOut(Document):
    """One change; of a split or a replacement there is one for each successor."""

    position: int
    year: int
    kind: Literal["created", "renamed", "replaced", "split", "reassigned", "abolished"]
    code: str
    name: str
    successor_code: str | None
    successor_name: str | None
    vintage: str


class AreaChangesOut(Document):
    """The changes after a position, oldest first."""

    items: list[AreaChangeOut]


class AddressOtherOut(Document):
    """An area that the text may mean as well."""

    code: str
    full_name: str
    confidence: float


class AddressOut(Document):
    """What a text was read as: codes of all levels named or implied, and what is left of it."""

    name: str | None
    phone: str | None
    area_code: str | None
    full_name: str
    province_code: str | None
    city_code: str | None
    county_code: str | None
    town_code: str | None
    named: list[Literal["province", "city", "county", "town"]]
    rest: str
    confidence: float
    alternatives: list[AddressOtherOut]


class AddressesOut(Document):
    """One answer for each text, in their order."""

    items: list[AddressOut]


class AreasOut(Document):
    """The areas right below one."""

    items: list[AreaOut]
