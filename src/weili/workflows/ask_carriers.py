"""Asks carriers about the parcels that are under way, with no transaction open while it asks."""

from weili.adapters.carriers import CarrierEndpoint, CarrierGateway, ParcelTold
from weili.kit.context import Begin
from weili.kit.world import in_transaction
from weili.modules import dropship

_KINDS = {kind.value: kind for kind in dropship.TrackKind}


def carriers_asked(begin: Begin, gateway: CarrierGateway) -> bool:
    """Ask each carrier that is due about a bounded number of parcels; says if one was asked.

    The numbers are claimed first, for longer than an asking lasts. Whoever dies in between leaves
    them to the next; an answer that is written down twice changes nothing.
    """
    turns = in_transaction(begin, dropship.carrier_turns)
    if not turns:
        return False
    asked = [
        (CarrierEndpoint(turn.connection.base_url, turn.connection.secret), turn.waybill_numbers)
        for turn in turns
    ]
    for turn, told in zip(turns, gateway.ask(asked), strict=True):
        with begin() as ctx:
            if told is None:
                dropship.carrier_failed(ctx, turn=turn)
            else:
                parcels = [_parcel(one) for one in told]
                dropship.carrier_answered(ctx, turn=turn, parcels=parcels)
    return True


def _parcel(told: ParcelTold) -> dropship.Parcel:
    """Read what a carrier tells; a kind of event that is not known here says nothing."""
    return dropship.Parcel(
        told.waybill_number,
        [
            dropship.Track(
                event_id=event.event_id,
                kind=_KINDS[event.kind],
                occurred_at=event.occurred_at,
                place=event.place,
                text=event.text,
                revision=event.revision,
            )
            for event in told.events
            if event.kind in _KINDS
        ],
    )
