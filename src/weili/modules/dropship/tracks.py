"""Tracks (轨迹): what carriers tell of parcels, kept once and read in the carrier's own order.

Carriers push what happens and are asked for it besides, since pushes get lost; both come twice and
in any order. So what comes is only written down here; acting on it is a sweep's, which looks at all
that is known of a package and not at what came last.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from weili.kit.context import Ctx
from weili.kit.ids import id_text
from weili.kit.secrets import mask_phone
from weili.modules.dropship import service
from weili.modules.dropship.carriers import CARRIERS, OTHER, carrier_name
from weili.modules.dropship.documents import Document, moment
from weili.modules.dropship.model import (
    ORDER_PREFIX,
    PACKAGE_PREFIX,
    CarrierConnection,
    CarrierTurn,
    Order,
    Package,
    PackageId,
    Parcel,
    Track,
    TrackKind,
)
from weili.modules.dropship.problems import CarrierUnknown
from weili.modules.dropship.store import tracks as store

TRACKS_MAX: Final = 300
"""Tracks kept of one package; beyond that only what changes how its way has ended."""
PARCELS_MAX: Final = 50
"""Numbers that are asked or told about at once."""
NEWS_MAX: Final = 100
"""Packages whose news is acted upon in one transaction."""
ASKED_EVERY: Final = timedelta(minutes=30)
ASKED_FOR: Final = timedelta(days=60)
"""A parcel that has been under way for so long is not asked about any more."""
ASKING_LASTS: Final = timedelta(minutes=2)
"""How long what is being asked is nobody else's; longer than any asking lasts."""
PAUSE_S_MIN: Final = 5
PAUSE_S_MAX: Final = 600
EVENT_ID_LENGTH_MAX: Final = 64
PLACE_LENGTH_MAX: Final = 100
TEXT_LENGTH_MAX: Final = 300

_DECISIVE: Final = frozenset({TrackKind.DELIVERED, TrackKind.REFUSED, TrackKind.LOST})
_PHONE: Final = re.compile(r"\d{7,}")


def track_outcome(tracks: Sequence[Track]) -> TrackKind | None:
    """Say how a parcel's way has ended: the last of its tracks, by time, that ends a way."""
    ends = [track for track in tracks if track.kind in _DECISIVE]
    last = max(ends, key=lambda track: (track.occurred_at, track.event_id), default=None)
    return last.kind if last else None


def tracks_told(ctx: Ctx, *, carrier_code: str, parcels: Sequence[Parcel]) -> set[str]:
    """Write down what a carrier tells of its parcels; gives the numbers that are ours.

    What is told again changes nothing. Of several tellings under one id the highest revision
    stays, whichever came last. Telephone numbers in a carrier's words are masked.

    Raises: Forbidden; CarrierUnknown.
    """
    ctx.require("tracks:write")
    if carrier_code not in CARRIERS or carrier_code == OTHER:
        raise CarrierUnknown(carrier_code=carrier_code)
    numbers = [parcel.waybill_number for parcel in parcels]
    packages = store.waybills_lock(ctx, carrier_code=carrier_code, numbers=numbers)
    known = store.tracks_of(ctx, packages=[(one, partner) for _, one, partner in packages])
    best: dict[str, dict[str, Track]] = {}
    for parcel in parcels:
        of_parcel = best.setdefault(parcel.waybill_number, {})
        for track in parcel.tracks:
            before = of_parcel.get(track.event_id)
            if before is None or track.revision > before.revision:
                of_parcel[track.event_id] = track
    told = [
        (package_id, partner_id, _masked(track))
        for number, package_id, partner_id in packages
        for track in tracks_kept(known.get(package_id, []), list(best[number].values()))
    ]
    news = store.tracks_write(ctx, told=told) if told else []
    if news:
        store.news_set(ctx, packages=news, has_news=True)
    return {number for number, _, _ in packages}


def tracks_kept(known: Sequence[Track], told: Sequence[Track]) -> list[Track]:
    """Choose what is kept of a telling, each event told once, beside what is known already.

    Known events may always be corrected. New ones are kept while there is room, the ends of a way
    first; where there is none, the last end still is, if it says something else than is known.
    """
    now = {track.event_id: track for track in known}
    again = [track for track in told if track.event_id in now]
    now |= {one.event_id: one for one in again if one.revision > now[one.event_id].revision}
    new = sorted(
        (track for track in told if track.event_id not in now),
        key=lambda track: (track.kind in _DECISIVE, track.occurred_at, track.event_id),
        reverse=True,
    )
    room = max(0, TRACKS_MAX - len(now))
    if not room and new and new[0].kind in _DECISIVE:
        known_now = list(now.values())
        room = int(track_outcome([*known_now, new[0]]) is not track_outcome(known_now))
    return again + new[:room]


def orders_with_news(ctx: Ctx) -> list[Order]:
    """Lock orders of whose packages something new was told, a bounded number of them."""
    return service.orders_locked(ctx, ids=store.orders_with_news(ctx, limit=NEWS_MAX))


def news_take(ctx: Ctx, *, orders: Sequence[Order]) -> dict[PackageId, TrackKind | None]:
    """Take the news of locked orders' packages: how each one's way has ended, if it has."""
    packages = [(package.id, order.partner_id) for order in orders for package in order.packages]
    news = store.news_lock(ctx, packages=packages)
    if not news:
        return {}
    tracks = store.tracks_of(ctx, packages=news)
    store.news_set(ctx, packages=news, has_news=False)
    return {package_id: track_outcome(tracks.get(package_id, [])) for package_id, _ in news}


def tracks_told_of(ctx: Ctx, *, order: Order) -> list[tuple[Package, Track]]:
    """Give what carriers told of an order's packages, each with its package."""
    packages = [(package.id, order.partner_id) for package in order.packages]
    tracks = store.tracks_of(ctx, packages=packages) if packages else {}
    return [(package, track) for package in order.packages for track in tracks.get(package.id, [])]


def tracks_document(ctx: Ctx, *, order: Order) -> Document:
    """Show the way of each of an order's packages, as its carrier tells it."""
    packages = [(package.id, order.partner_id) for package in order.packages]
    tracks = store.tracks_of(ctx, packages=packages) if packages else {}
    return {
        "order_id": id_text(ORDER_PREFIX, order.id),
        "packages": [
            {
                "package_id": id_text(PACKAGE_PREFIX, package.id),
                "carrier_code": package.carrier_code,
                "carrier_name": carrier_name(package.carrier_code, package.carrier_name),
                "waybill_number": package.waybill_number,
                "state": package.state.value,
                "tracks": [_document(track) for track in tracks.get(package.id, [])],
            }
            for package in order.packages
        ],
    }


# --- asking carriers -----------------------------------------------------------------------------


def carrier_connection_put(ctx: Ctx, *, carrier_code: str, base_url: str, secret: str) -> None:
    """Say where a carrier is asked about its parcels; the secret is kept sealed.

    Raises: Forbidden; CarrierUnknown.
    """
    ctx.require("admin:parties")
    if carrier_code not in CARRIERS or carrier_code == OTHER:
        raise CarrierUnknown(carrier_code=carrier_code)
    store.connection_put(
        ctx,
        carrier_code=carrier_code,
        base_url=base_url,
        secret_sealed=ctx.keyring.seal(secret.encode(), bound_to=carrier_sealed_to(carrier_code)),
    )


def carrier_turns(ctx: Ctx) -> list[CarrierTurn]:
    """Claim what is to be asked next: of each carrier the few numbers that waited longest."""
    turns = []
    for code, base_url, sealed, _ in store.connections_ready(ctx):
        numbers = store.tracking_claim(
            ctx, carrier_code=code, limit=PARCELS_MAX, until=ctx.now + ASKING_LASTS
        )
        if numbers:
            secret = ctx.keyring.open(sealed, bound_to=carrier_sealed_to(code)).decode()
            turns.append(CarrierTurn(CarrierConnection(code, base_url, secret), numbers))
    return turns


def carrier_answered(ctx: Ctx, *, turn: CarrierTurn, parcels: Sequence[Parcel]) -> None:
    """Write down a carrier's answer, and when it is asked again about these numbers."""
    code = turn.connection.carrier_code
    asked = set(turn.waybill_numbers)
    tracks_told(
        ctx, carrier_code=code, parcels=[one for one in parcels if one.waybill_number in asked]
    )
    store.tracking_asked(
        ctx,
        carrier_code=code,
        numbers=turn.waybill_numbers,
        due_at=ctx.now + ASKED_EVERY,
        shipped_after=ctx.now - ASKED_FOR,
    )
    store.carrier_note(ctx, carrier_code=code, failures=0, paused_until=None)


def carrier_failed(ctx: Ctx, *, turn: CarrierTurn) -> None:
    """Leave a carrier that gave no answer alone for a while, longer each time."""
    code = turn.connection.carrier_code
    failures = {row[0]: row[3] for row in store.connections_all(ctx)}.get(code, 0)
    pause_s = min(PAUSE_S_MIN << min(failures, 10), PAUSE_S_MAX)
    until = ctx.now + timedelta(seconds=pause_s)
    store.carrier_note(ctx, carrier_code=code, failures=failures + 1, paused_until=until)
    store.tracking_asked(
        ctx,
        carrier_code=code,
        numbers=turn.waybill_numbers,
        due_at=until,
        shipped_after=ctx.now - ASKED_FOR,
    )


def carrier_sealed_to(carrier_code: str) -> bytes:
    """Name the row that a carrier's secret is sealed for."""
    return b"carrier:" + carrier_code.encode()


def _masked(track: Track) -> Track:
    def hide(text: str) -> str:
        plain = "".join(letter for letter in text if letter.isprintable())
        return _PHONE.sub(lambda found: mask_phone(found[0]), plain)

    return Track(
        event_id=track.event_id,
        kind=track.kind,
        occurred_at=track.occurred_at,
        place=hide(track.place)[:PLACE_LENGTH_MAX],
        text=hide(track.text)[:TEXT_LENGTH_MAX],
        revision=track.revision,
    )


def _document(track: Track) -> Mapping[str, Any]:
    return {
        "kind": track.kind.value,
        "occurred_at": moment(track.occurred_at),
        "place": track.place,
        "text": track.text,
    }
