"""SQL of tracks: what carriers tell, when they are asked, and which packages there is news of."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from weili.kit.context import Ctx, PartyId
from weili.modules.dropship.model import OrderId, PackageId, Track, TrackKind

CarrierRow = tuple[str, str, bytes, int]
"""Code, address, sealed secret, failures."""


def tracking_insert(
    ctx: Ctx,
    *,
    partner_id: PartyId,
    package_id: PackageId,
    carrier_code: str,
    waybill_number: str,
    due_at: datetime,
) -> None:
    """Begin to follow a package."""
    ctx.db.run(
        "INSERT INTO dropship.tracking"
        " (package_id, partner_id, carrier_code, waybill_number, due_at, has_news)"
        " VALUES (%b, %b, %b, %b, %b, false)",
        package_id,
        partner_id,
        carrier_code,
        waybill_number,
        due_at,
    )


def waybills_lock(
    ctx: Ctx, *, carrier_code: str, numbers: Sequence[str]
) -> list[tuple[str, PackageId, PartyId]]:
    """Find the packages of a carrier's numbers, of which nobody else tells until the end."""
    rows = ctx.db.rows(
        "SELECT waybill_number, package_id, partner_id FROM dropship.tracking"
        " WHERE waybill_number = ANY (%b::text[]) AND carrier_code = %b"
        " ORDER BY package_id FOR UPDATE",
        list(numbers),
        carrier_code,
    )
    return [(number, PackageId(package), PartyId(partner)) for number, package, partner in rows]


def tracks_write(
    ctx: Ctx, *, told: Sequence[tuple[PackageId, PartyId, Track]]
) -> list[tuple[PackageId, PartyId]]:
    """Write what was told of locked packages; gives those that have news.

    What is known stays, unless it comes in a higher revision.
    """
    rows = ctx.db.rows(
        "WITH kept AS (INSERT INTO dropship.track AS k (package_id, partner_id, event_id,"
        " revision, kind, occurred_at, place, text, received_at)"
        " SELECT *, %b::timestamptz FROM unnest(%b::uuid[], %b::uuid[], %b::text[], %b::int[],"
        " %b::text[], %b::timestamptz[], %b::text[], %b::text[])"
        " ON CONFLICT (package_id, event_id, partner_id) DO UPDATE SET"
        " revision = excluded.revision, kind = excluded.kind, occurred_at = excluded.occurred_at,"
        " place = excluded.place, text = excluded.text, received_at = excluded.received_at"
        " WHERE k.revision < excluded.revision RETURNING k.package_id, k.partner_id)"
        " SELECT DISTINCT package_id, partner_id FROM kept ORDER BY package_id",
        ctx.now,
        [package_id for package_id, _, _ in told],
        [partner_id for _, partner_id, _ in told],
        [track.event_id for _, _, track in told],
        [track.revision for _, _, track in told],
        [track.kind.value for _, _, track in told],
        [track.occurred_at for _, _, track in told],
        [track.place for _, _, track in told],
        [track.text for _, _, track in told],
    )
    return [(PackageId(package_id), PartyId(partner_id)) for package_id, partner_id in rows]


def news_set(ctx: Ctx, *, packages: Sequence[tuple[PackageId, PartyId]], has_news: bool) -> None:
    """Note which packages there is something new to act upon."""
    ctx.db.run(
        "UPDATE dropship.tracking t SET has_news = %b FROM (SELECT i.package_id, i.partner_id"
        " FROM dropship.tracking i JOIN unnest(%b::uuid[], %b::uuid[]) AS x (k, p)"
        " ON i.package_id = x.k AND i.partner_id = x.p ORDER BY i.package_id FOR UPDATE OF i) AS n"
        " WHERE t.package_id = n.package_id AND t.partner_id = n.partner_id",
        has_news,
        [package_id for package_id, _ in packages],
        [partner_id for _, partner_id in packages],
    )


def orders_with_news(ctx: Ctx, *, limit: int) -> list[OrderId]:
    """Find the orders of packages that there is news of."""
    rows = ctx.db.rows(
        "SELECT DISTINCT c.order_id FROM (SELECT package_id, partner_id FROM dropship.tracking"
        " WHERE has_news ORDER BY package_id LIMIT %b) AS t"
        " JOIN dropship.package p ON p.id = t.package_id AND p.partner_id = t.partner_id"
        " JOIN dropship.child c ON c.id = p.child_id AND c.partner_id = p.partner_id",
        limit,
    )
    return [OrderId(order_id) for (order_id,) in rows]


def news_lock(
    ctx: Ctx, *, packages: Sequence[tuple[PackageId, PartyId]]
) -> list[tuple[PackageId, PartyId]]:
    """Lock those of some packages that there is news of."""
    rows = ctx.db.rows(
        "SELECT t.package_id, t.partner_id FROM dropship.tracking t"
        " JOIN unnest(%b::uuid[], %b::uuid[]) AS x (k, p)"
        " ON t.package_id = x.k AND t.partner_id = x.p WHERE t.has_news"
        " ORDER BY t.package_id FOR UPDATE OF t",
        [package_id for package_id, _ in packages],
        [partner_id for _, partner_id in packages],
    )
    return [(PackageId(package_id), PartyId(partner_id)) for package_id, partner_id in rows]


def tracks_of(
    ctx: Ctx, *, packages: Sequence[tuple[PackageId, PartyId]]
) -> dict[UUID, list[Track]]:
    """Read what was told of packages, in the order in which the carrier says that it happened."""
    rows = ctx.db.rows(
        "SELECT k.package_id, k.event_id, k.kind, k.occurred_at, k.place, k.text, k.revision"
        " FROM dropship.track k JOIN unnest(%b::uuid[], %b::uuid[]) AS x (i, p)"
        " ON k.package_id = x.i AND k.partner_id = x.p"
        " ORDER BY k.package_id, k.occurred_at, k.event_id",
        [package_id for package_id, _ in packages],
        [partner_id for _, partner_id in packages],
    )
    found: dict[UUID, list[Track]] = {}
    for package_id, event_id, kind, *rest in rows:
        track = Track(event_id, TrackKind(kind), *rest)
        found.setdefault(package_id, []).append(track)
    return found


# --- asking carriers -----------------------------------------------------------------------------


def connection_put(ctx: Ctx, *, carrier_code: str, base_url: str, secret_sealed: bytes) -> None:
    """Write where a carrier is asked; whatever was wrong with the old address is forgotten."""
    ctx.db.run(
        "INSERT INTO dropship.carrier_connection"
        " (carrier_code, base_url, secret_sealed, failures) VALUES (%b, %b, %b, 0)"
        " ON CONFLICT (carrier_code) DO UPDATE SET base_url = excluded.base_url,"
        " secret_sealed = excluded.secret_sealed, failures = 0, paused_until = NULL",
        carrier_code,
        base_url,
        secret_sealed,
    )


def connections_ready(ctx: Ctx) -> list[CarrierRow]:
    """Read the connections of carriers that are not paused and have parcels to be asked about."""
    rows = ctx.db.rows(
        "SELECT c.carrier_code, c.base_url, c.secret_sealed, c.failures"
        " FROM dropship.carrier_connection c"
        " WHERE (c.paused_until IS NULL OR c.paused_until <= %b) AND EXISTS (SELECT"
        " FROM dropship.tracking t WHERE t.carrier_code = c.carrier_code AND t.due_at <= %b)"
        " ORDER BY c.carrier_code",
        ctx.now,
        ctx.now,
    )
    return [(code, base_url, sealed, failures) for code, base_url, sealed, failures in rows]


def connections_all(ctx: Ctx) -> list[CarrierRow]:
    """Read every carrier's connection."""
    rows = ctx.db.rows(
        "SELECT carrier_code, base_url, secret_sealed, failures FROM dropship.carrier_connection"
        " ORDER BY carrier_code"
    )
    return [(code, base_url, sealed, failures) for code, base_url, sealed, failures in rows]


def tracking_claim(ctx: Ctx, *, carrier_code: str, limit: int, until: datetime) -> list[str]:
    """Take the numbers that have waited longest to be asked about, for a while."""
    rows = ctx.db.rows(
        "UPDATE dropship.tracking t SET due_at = %b FROM (SELECT package_id, partner_id"
        " FROM dropship.tracking WHERE carrier_code = %b AND due_at <= %b"
        " ORDER BY due_at, package_id LIMIT %b FOR UPDATE SKIP LOCKED) AS d"
        " WHERE t.package_id = d.package_id AND t.partner_id = d.partner_id"
        " RETURNING t.waybill_number",
        until,
        carrier_code,
        ctx.now,
        limit,
    )
    return sorted({number for (number,) in rows})


def tracking_asked(
    ctx: Ctx,
    *,
    carrier_code: str,
    numbers: Sequence[str],
    due_at: datetime,
    shipped_after: datetime,
) -> None:
    """Say when numbers are asked about again: never, once the way has ended or taken too long."""
    ctx.db.run(
        "UPDATE dropship.tracking t SET due_at = n.due FROM (SELECT i.package_id, i.partner_id,"
        " CASE WHEN p.state IN ('shipped', 'intercepting', 'returning') AND p.shipped_at > %b"
        " THEN %b::timestamptz END AS due FROM dropship.tracking i"
        " JOIN dropship.package p ON p.id = i.package_id AND p.partner_id = i.partner_id"
        " WHERE i.waybill_number = ANY (%b::text[]) AND i.carrier_code = %b"
        " ORDER BY i.package_id FOR UPDATE OF i) AS n"
        " WHERE t.package_id = n.package_id AND t.partner_id = n.partner_id",
        shipped_after,
        due_at,
        list(numbers),
        carrier_code,
    )


def carrier_note(
    ctx: Ctx, *, carrier_code: str, failures: int, paused_until: datetime | None
) -> None:
    """Note how the last asking of a carrier went."""
    ctx.db.run(
        "UPDATE dropship.carrier_connection SET failures = %b, paused_until = %b"
        " WHERE carrier_code = %b",
        failures,
        paused_until,
        carrier_code,
    )
