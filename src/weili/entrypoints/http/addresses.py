"""Written addresses turned into codes. The texts are personal data: none is stored or logged."""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import Field
from starlette.responses import Response

from weili.entrypoints.http import area_answers
from weili.entrypoints.http.calls import CallIn, carry_out, respond
from weili.entrypoints.http.checks import ASKS_MAX
from weili.entrypoints.http.fields import Body
from weili.entrypoints.http.gazetteers import gazetteer_of
from weili.modules import regions

router = APIRouter(tags=["areas"])


class AddressAskBody(Body):
    """An address as somebody wrote it, perhaps with a name and a phone number."""

    text: Annotated[str, Field(min_length=1, max_length=regions.TEXT_MAX)]


class AddressAsksBody(Body):
    """Up to 100 texts."""

    items: Annotated[list[AddressAskBody], Field(min_length=1, max_length=ASKS_MAX)]


@router.post("/v1/addresses:resolve", response_model=area_answers.AddressesOut)
def addresses_resolve(call: CallIn, body: AddressAsksBody) -> Response:
    """Read which area each text means, in the order of the texts; nothing is stored.

    A text that fits several areas equally gets what these have in common, and all of them under
    `alternatives`. Ask the buyer when `confidence` is below 0.9.
    """
    # Read after the transaction has ended: a hundred long texts keep no connection waiting.
    gazetteer = carry_out(call, lambda ctx: gazetteer_of(call.world, ctx))
    return respond({"items": [_resolved(gazetteer, item.text) for item in body.items]})


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
