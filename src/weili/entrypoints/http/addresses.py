"""Written addresses turned into codes. The texts are personal data: none is stored or logged."""

from dataclasses import asdict
from threading import Lock
from typing import Annotated, Any, Final
from weakref import WeakKeyDictionary

from fastapi import APIRouter
from pydantic import Field
from starlette.responses import Response

from weili.entrypoints.http import answers
from weili.entrypoints.http.calls import CallIn, read
from weili.entrypoints.http.fields import ASKS_MAX, Body
from weili.kit.context import Ctx
from weili.kit.world import World
from weili.modules import regions

router = APIRouter(tags=["areas"])
TEXT_MAX: Final = 300

# A gazetteer is a copy of a world's list, made at the first question and when the list is another.
_gazetteers: WeakKeyDictionary[World, regions.Gazetteer] = WeakKeyDictionary()
_making = Lock()


class AddressAskBody(Body):
    """An address as somebody wrote it, perhaps with a name and a phone number."""

    text: Annotated[str, Field(min_length=1, max_length=TEXT_MAX)]


class AddressAsksBody(Body):
    """Up to 100 texts."""

    items: Annotated[list[AddressAskBody], Field(min_length=1, max_length=ASKS_MAX)]


@router.post("/v1/addresses:resolve", response_model=answers.AddressesOut)
def addresses_resolve(call: CallIn, body: AddressAsksBody) -> Response:
    """Read which area each text means, in the order of the texts; nothing is stored.

    A text that fits several areas equally gets what these have in common, and all of them under
    `alternatives`. Ask the buyer when `confidence` is below 0.9.
    """

    def work(ctx: Ctx) -> dict[str, Any]:
        gazetteer = _gazetteer(call.world, ctx)
        return {"items": [_resolved(gazetteer, item.text) for item in body.items]}

    return read(call, work)


def _gazetteer(world: World, ctx: Ctx) -> regions.Gazetteer:
    edition = regions.vintage(ctx)
    with _making:
        known = _gazetteers.get(world)
        if known is None or known.vintage != edition:
            known = _gazetteers[world] = regions.gazetteer_read(ctx)
    return known


def _resolved(gazetteer: regions.Gazetteer, text: str) -> dict[str, Any]:
    parted = regions.paste_part(gazetteer, text)
    found = regions.resolve(gazetteer, parted.address)
    return {
        "name": parted.name,
        "phone": parted.phone,
        "area_code": found.area_code,
        "full_name": found.full_name,
        "province_code": found.province_code,
        "city_code": found.city_code,
        "county_code": found.county_code,
        "town_code": found.town_code,
        "named": [level.name.lower() for level in found.named],
        "rest": found.rest,
        "confidence": found.confidence,
        "alternatives": [asdict(other) for other in found.alternatives],
    }
