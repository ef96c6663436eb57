"""Carriers and tracks: who carries parcels, what they tell, and what became of an order's."""

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import Field
from starlette.responses import Response

from weili.entrypoints.http import answers
from weili.entrypoints.http.calls import CallIn, read
from weili.entrypoints.http.fields import (
    Body,
    CarrierIn,
    Document,
    MomentIn,
    OrderIdIn,
    PlaceIn,
    SecretIn,
    TrackTextIn,
    UrlIn,
    WaybillIn,
)
from weili.kit.context import Ctx
from weili.modules import dropship

router = APIRouter(tags=["tracks"])

EVENTS_MAX = 100


class CarrierOut(Document):
    """A carrier and our code for it."""

    code: str
    name: str
    name_en: str


class CarriersOut(Document):
    """All carriers."""

    items: list[CarrierOut]


class TrackOut(Document):
    """One thing that a carrier told."""

    kind: dropship.TrackKind
    occurred_at: answers.MomentOut
    place: str
    text: str


class PackageTracksOut(Document):
    """The way of one package."""

    package_id: answers.PackageIdOut
    carrier_code: str
    carrier_name: str
    waybill_number: str
    state: dropship.PackageState
    tracks: list[TrackOut]


class TracksOut(Document):
    """The ways of an order's packages."""

    order_id: answers.OrderIdOut
    packages: list[PackageTracksOut]


class TrackBody(Body):
    """One thing that happened to a parcel; a correction has the same id and a higher revision."""

    event_id: Annotated[str, Field(pattern=r"^[!-~]{1,64}$", examples=["e-20261120-1"])]
    revision: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    kind: Annotated[dropship.TrackKind, Field(strict=False)]
    occurred_at: MomentIn
    place: PlaceIn | None = None
    text: TrackTextIn | None = None


class ParcelBody(Body):
    """What happened to one parcel."""

    waybill_number: WaybillIn
    events: Annotated[list[TrackBody], Field(min_length=1, max_length=EVENTS_MAX)]


class PushBody(Body):
    """What a carrier tells of its parcels."""

    carrier_code: CarrierIn
    parcels: Annotated[list[ParcelBody], Field(min_length=1, max_length=dropship.PARCELS_MAX)]


class PushedOut(Document):
    """Which numbers are ours; what was told of the others is not kept, so tell it again later."""

    known: list[str]
    unknown: list[str]


class CarrierConnectionBody(Body):
    """Where a carrier is asked about parcels, and what requests to it are signed with."""

    base_url: UrlIn
    secret: SecretIn


class CarrierConnectionOut(Document):
    """Where a carrier is asked about parcels."""

    carrier_code: str
    base_url: str


@router.get("/v1/carriers", response_model=CarriersOut)
def carriers(call: CallIn) -> Response:
    """List the carriers and their codes; `other` is any that is not listed."""
    items = [
        {"code": carrier.code, "name": carrier.name, "name_en": carrier.name_en}
        for carrier in dropship.CARRIERS.values()
    ]
    return read(call, lambda _: {"items": items})


@router.get("/v1/orders/{order_id}/tracks", response_model=TracksOut)
def order_tracks(call: CallIn, order_id: OrderIdIn) -> Response:
    """Show the way of each of an order's packages, in the order in which it happened."""

    def work(ctx: Ctx) -> dict[str, Any]:
        order = dropship.order_get(ctx, partner_id=call.actor.party_id, order_id=order_id)
        return dropship.tracks_document(ctx, order=order)

    return read(call, work)


@router.post("/v1/tracks:push", response_model=PushedOut)
def tracks_push(call: CallIn, body: PushBody) -> Response:
    """Take in what a carrier tells; telling it twice or in another order changes nothing."""
    parcels = [
        dropship.Parcel(
            parcel.waybill_number,
            [
                dropship.Track(
                    event_id=event.event_id,
                    revision=event.revision,
                    kind=event.kind,
                    occurred_at=event.occurred_at,
                    place=event.place or "",
                    text=event.text or "",
                )
                for event in parcel.events
            ],
        )
        for parcel in body.parcels
    ]

    def work(ctx: Ctx) -> dict[str, Any]:
        known = dropship.tracks_told(ctx, carrier_code=body.carrier_code, parcels=parcels)
        numbers = {parcel.waybill_number for parcel in parcels}
        return {"known": sorted(known), "unknown": sorted(numbers - known)}

    return read(call, work)


@router.put("/v1/operator/carriers/{carrier_code}/connection", response_model=CarrierConnectionOut)
def carrier_connection_put(
    call: CallIn, carrier_code: CarrierIn, body: CarrierConnectionBody
) -> Response:
    """Say where a carrier is asked about its parcels."""

    def work(ctx: Ctx) -> dict[str, str]:
        dropship.carrier_connection_put(
            ctx, carrier_code=carrier_code, base_url=body.base_url, secret=body.secret
        )
        return {"carrier_code": carrier_code, "base_url": body.base_url}

    return read(call, work)
