"""Finds orders for lists, counts and files. Newest first; ids are UUIDv7, so ids are times."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, LiteralString
from uuid import UUID

from weili.kit.context import Ctx, PartyId
from weili.modules.dropship.model import OrderId

NAMED_MAX: Final = 1_000
"""Orders of one number, or to one phone number, that are looked through: the newest."""

Stretch = tuple[str, UUID]
"""A state, and before which id orders in it are meant."""

_OF_PARTNER: Final = " AND o.partner_id = %b"
_NAMED: Final = " AND o.id = ANY (%b::uuid[])"


def ids_named(
    ctx: Ctx, *, number: str | None, phone_index: bytes | None, partner_id: PartyId | None
) -> list[UUID]:
    """Give the newest orders with a number, to a phone number, or with both."""
    more: LiteralString = ""
    params: list[object] = []
    for condition, value in (
        (" AND n.number = %b", number),
        (" AND o.phone_index = %b", phone_index),
        (_OF_PARTNER, partner_id),
    ):
        if value is not None:
            more += condition
            params.append(value)
    rows = ctx.db.rows(
        'SELECT o.id FROM dropship.order_number n JOIN dropship."order" o ON o.id = n.order_id'  # noqa: S608 - ours
        " AND o.partner_id = n.partner_id WHERE true" + more + " ORDER BY o.id DESC LIMIT %b",
        *params,
        NAMED_MAX,
    )
    return [order_id for (order_id,) in rows]


def ids_found(
    ctx: Ctx,
    *,
    partner_id: PartyId | None,
    named: Sequence[UUID] | None,
    least: UUID,
    past: UUID,
    limit: int,
) -> list[OrderId]:
    """Give the newest orders between two ids, in whatever state."""
    more, params = _conditions(partner_id, named)
    rows = ctx.db.rows(
        'SELECT o.id FROM dropship."order" o WHERE o.id >= %b AND o.id < %b'  # noqa: S608 - ours
        + more
        + " ORDER BY o.id DESC LIMIT %b",
        least,
        past,
        *params,
        limit,
    )
    return [OrderId(order_id) for (order_id,) in rows]


def ids_in_states(
    ctx: Ctx,
    *,
    stretches: Sequence[Stretch],
    partner_id: PartyId | None,
    named: Sequence[UUID] | None,
    least: UUID,
    limit: int,
) -> list[OrderId]:
    """Give the newest orders in some states: so many of each state are read from its end."""
    more, params = _conditions(partner_id, named)
    rows = ctx.db.rows(
        "SELECT x.id FROM unnest(%b::text[], %b::uuid[]) AS s (state, past)"  # noqa: S608 - ours
        " CROSS JOIN LATERAL ("
        ' SELECT o.id FROM dropship."order" o WHERE o.state = s.state AND o.id < s.past'
        " AND o.id >= %b" + more + " ORDER BY o.id DESC LIMIT %b) AS x ORDER BY x.id DESC LIMIT %b",
        [state for state, _ in stretches],
        [past for _, past in stretches],
        least,
        *params,
        limit,
        limit,
    )
    return [OrderId(order_id) for (order_id,) in rows]


def stretches_counted(
    ctx: Ctx,
    *,
    stretches: Sequence[Stretch],
    partner_id: PartyId | None,
    named: Sequence[UUID] | None,
    least: UUID,
    count_max: int,
) -> list[int]:
    """Count the orders of each stretch, none beyond a bound."""
    more, params = _conditions(partner_id, named)
    rows = ctx.db.rows(
        "SELECT x.found FROM unnest(%b::text[], %b::uuid[])"  # noqa: S608 - ours
        " WITH ORDINALITY AS s (state, past, no)"
        " CROSS JOIN LATERAL (SELECT count(*)::int AS found FROM ("
        ' SELECT FROM dropship."order" o WHERE o.state = s.state AND o.id < s.past'
        " AND o.id >= %b" + more + " LIMIT %b) AS f) AS x ORDER BY s.no",
        [state for state, _ in stretches],
        [past for _, past in stretches],
        least,
        *params,
        count_max,
    )
    return [found for (found,) in rows]


def steps_of(
    ctx: Ctx, *, order_id: OrderId, partner_id: PartyId, limit: int
) -> list[tuple[str, UUID, str, str, datetime, str, str]]:
    """Give what an order, its children and packages went through: (what, id, from, to, at, …).

    The last two are who did it and for what reason.
    """
    rows = ctx.db.rows(
        "SELECT CASE WHEN subject_id = order_id THEN 'order' ELSE 'child' END, subject_id,"
        " from_state, to_state, at, actor, reason FROM dropship.history"
        " WHERE order_id = %b AND partner_id = %b"
        " UNION ALL SELECT 'package', h.package_id, h.from_state, h.to_state, h.at, h.actor,"
        " h.reason FROM dropship.child c JOIN dropship.package p ON p.child_id = c.id"
        " AND p.partner_id = c.partner_id JOIN dropship.package_history h"
        " ON h.package_id = p.id AND h.partner_id = p.partner_id"
        " WHERE c.order_id = %b AND c.partner_id = %b ORDER BY 5, 1 DESC, 2 LIMIT %b",
        order_id,
        partner_id,
        order_id,
        partner_id,
        limit,
    )
    return [
        (what, subject_id, here, there, at, actor, reason)
        for what, subject_id, here, there, at, actor, reason in rows
    ]


def _conditions(
    partner_id: PartyId | None, named: Sequence[UUID] | None
) -> tuple[LiteralString, list[object]]:
    more: LiteralString = ""
    params: list[object] = []
    if partner_id is not None:
        more += _OF_PARTNER
        params.append(partner_id)
    if named is not None:
        more += _NAMED
        params.append(list(named))
    return more, params
