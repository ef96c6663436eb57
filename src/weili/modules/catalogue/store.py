"""All SQL of ``catalogue``."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from typing import Any, Final
from uuid import UUID

from weili.kit.context import Ctx, PartyId
from weili.kit.memory import Recall, touch
from weili.modules.catalogue.model import (
    OFFER_STATES,
    MarkupKind,
    MarkupRule,
    Offer,
    Rounding,
    Selection,
    SelectionId,
)
from weili.modules.goods import PoolId, SkuId

_FOLLOW_LOCK: Final = 7_305_011
_OFFERS: Final = (
    "SELECT partner_id, sku_id, position, version, state, unit_price_minor, price_version,"
    " stamp_us, changed_at FROM catalogue.offer"
)

# What is remembered of synonyms; whoever writes them touches it.
_SYNONYMS: Final = b"synonyms"
_SYNONYMS_ID: Final = UUID(int=1)
_SYNONYMS_MANY: Final[Mapping[str, Sequence[str]]] = {}
SYNONYMS_REMEMBERED_MAX: Final = 20_000
_SYNONYMS_READ: Final = (
    "SELECT s.word, array_agg(o.word ORDER BY o.word) FROM catalogue.synonym s"
    " JOIN catalogue.synonym o ON o.group_id = s.group_id AND o.word <> s.word"
    " WHERE s.word = ANY (coalesce(%b::text[], ARRAY(SELECT word FROM catalogue.synonym)))"
    " GROUP BY s.word LIMIT %b"
)

Pair = tuple[PartyId, SkuId]
Scan = tuple[UUID, PartyId, PoolId | None, SkuId]


# --- following the log ---------------------------------------------------------------------------


def follow_lock(ctx: Ctx) -> bool:
    """Let one transaction at a time give positions; says whether it is this one."""
    return bool(ctx.db.rows("SELECT pg_try_advisory_xact_lock(%b)", _FOLLOW_LOCK)[0][0])


def followed_to(ctx: Ctx, name: str) -> int:
    """Read how far the log has been followed."""
    rows = ctx.db.rows("SELECT position FROM catalogue.follower WHERE name = %b", name)
    return int(rows[0][0]) if rows else 0


def followed_least(ctx: Ctx, names: Sequence[str]) -> int:
    """Read how far all of these have followed the log; who has no row has not begun."""
    [[position]] = ctx.db.rows(
        "SELECT coalesce(min(coalesce(f.position, 0)), 0) FROM unnest(%b::text[]) AS n (name)"
        " LEFT JOIN catalogue.follower f ON f.name = n.name",
        names,
    )
    return int(position)


def followed_set(ctx: Ctx, name: str, position: int) -> None:
    """Write how far the log has been followed."""
    ctx.db.run(
        "INSERT INTO catalogue.follower (name, position) VALUES (%b, %b)"
        " ON CONFLICT (name) DO UPDATE SET position = excluded.position",
        name,
        position,
    )


def changes_put(ctx: Ctx, sku_ids: Collection[SkuId]) -> None:
    """Move SKUs to the end of the changes. The caller holds the lock."""
    ctx.db.run(
        "INSERT INTO catalogue.sku_change (sku_id, position)"
        " SELECT x.id, last.position + x.number FROM unnest(%b::uuid[])"
        "  WITH ORDINALITY AS x (id, number), (SELECT coalesce(max(position), 0) AS position"
        "  FROM catalogue.sku_change) AS last"
        " ON CONFLICT (sku_id) DO UPDATE SET position = excluded.position",
        sorted(sku_ids),
    )


def changes_after(ctx: Ctx, position: int, limit: int) -> list[tuple[SkuId, int]]:
    """Read which SKUs changed after a position, in order."""
    rows = ctx.db.rows(
        "SELECT sku_id, position FROM catalogue.sku_change WHERE position > %b"
        " ORDER BY position LIMIT %b",
        position,
        limit,
    )
    return [(sku_id, at) for sku_id, at in rows]


def changes_end(ctx: Ctx) -> int:
    """Read the last position of all changes."""
    [[end]] = ctx.db.rows("SELECT coalesce(max(position), 0) FROM catalogue.sku_change")
    return int(end)


def scans_insert(ctx: Ctx, scans: Sequence[Scan]) -> None:
    """Write down partners to be looked through."""
    ctx.db.run(
        "INSERT INTO catalogue.scan (id, partner_id, pool_id, after_sku_id)"
        " SELECT * FROM unnest(%b::uuid[], %b::uuid[], %b::uuid[], %b::uuid[])",
        [scan[0] for scan in scans],
        [scan[1] for scan in scans],
        [scan[2] for scan in scans],
        [scan[3] for scan in scans],
    )


def scan_first(ctx: Ctx) -> Scan | None:
    """Read the oldest scan."""
    rows = ctx.db.rows(
        "SELECT id, partner_id, pool_id, after_sku_id FROM catalogue.scan ORDER BY id LIMIT 1"
    )
    return tuple(rows[0]) if rows else None


def scan_move(ctx: Ctx, scan_id: UUID, after: SkuId | None) -> None:
    """Take a scan on, or off the list when nothing is left (None)."""
    if after is None:
        ctx.db.run("DELETE FROM catalogue.scan WHERE id = %b", scan_id)
    else:
        ctx.db.run("UPDATE catalogue.scan SET after_sku_id = %b WHERE id = %b", after, scan_id)


# --- offers --------------------------------------------------------------------------------------


def offers_of_skus(ctx: Ctx, sku_ids: Collection[SkuId]) -> list[Offer]:
    """Read what all partners were told of SKUs."""
    rows = ctx.db.rows(_OFFERS + " WHERE sku_id = ANY (%b::uuid[])", sorted(sku_ids))
    return [_offer(row) for row in rows]


def offers_of_partner(ctx: Ctx, partner_id: PartyId, sku_ids: Collection[SkuId]) -> list[Offer]:
    """Read what a partner was told of SKUs."""
    rows = ctx.db.rows(
        _OFFERS + " WHERE partner_id = %b AND sku_id = ANY (%b::uuid[])",
        partner_id,
        sorted(sku_ids),
    )
    return [_offer(row) for row in rows]


def offered_ids(
    ctx: Ctx, partner_id: PartyId, after: SkuId, limit: int, *, on_shelf: bool = False
) -> list[SkuId]:
    """Read which SKUs a partner was told of, in their order."""
    rows = ctx.db.rows(
        "SELECT sku_id FROM catalogue.offer WHERE partner_id = %b AND sku_id > %b"
        " AND (NOT %b OR state = 'on_shelf') ORDER BY sku_id LIMIT %b",
        *(partner_id, after, on_shelf, limit),
    )
    return [sku_id for (sku_id,) in rows]


def offers_after(ctx: Ctx, partner_id: PartyId, position: int, limit: int) -> list[Any]:
    """Read a partner's feed on from a position, as rows. Hot."""
    return ctx.db.rows(
        "SELECT sku_id, position, version, state, unit_price_minor, price_version, changed_at"
        " FROM catalogue.offer WHERE partner_id = %b AND position > %b ORDER BY position LIMIT %b",
        *(partner_id, position, limit),
    )


def offers_end(ctx: Ctx, partner_id: PartyId) -> int:
    """Read the last position of a partner's feed."""
    [[end]] = ctx.db.rows(
        "SELECT coalesce(max(position), 0) FROM catalogue.offer WHERE partner_id = %b", partner_id
    )
    return int(end)


def offers_put(ctx: Ctx, offers: Sequence[Offer]) -> None:
    """Write offers at the end of their partners' feeds. The caller holds the lock.

    Positions go on from the partner's own last one, so that a feed has no gaps that tell of
    others' trade.
    """
    ctx.db.run(
        "WITH x AS (SELECT * FROM unnest(%b::uuid[], %b::uuid[], %b::int[], %b::text[],"
        "  %b::bigint[], %b::bigint[], %b::bigint[])"
        "  AS x (partner_id, sku_id, version, state, price, price_version, stamp_us)),"
        " last AS (SELECT p.partner_id, coalesce((SELECT max(o.position) FROM catalogue.offer o"
        "  WHERE o.partner_id = p.partner_id), 0) AS position"
        "  FROM (SELECT DISTINCT partner_id FROM x) p)"
        " INSERT INTO catalogue.offer (partner_id, sku_id, position, version, state,"
        "  unit_price_minor, price_version, stamp_us, changed_at)"
        " SELECT x.partner_id, x.sku_id, last.position"
        "   + row_number() OVER (PARTITION BY x.partner_id ORDER BY x.sku_id),"
        "  x.version, x.state, x.price, x.price_version, x.stamp_us, %b"
        " FROM x JOIN last ON last.partner_id = x.partner_id ORDER BY x.partner_id, x.sku_id"
        " ON CONFLICT (partner_id, sku_id) DO UPDATE SET position = excluded.position,"
        "  version = excluded.version, state = excluded.state,"
        "  unit_price_minor = excluded.unit_price_minor, price_version = excluded.price_version,"
        "  stamp_us = excluded.stamp_us, changed_at = excluded.changed_at",
        [offer.partner_id for offer in offers],
        [offer.sku_id for offer in offers],
        [offer.version for offer in offers],
        [str(offer.state) for offer in offers],
        [offer.unit_price_minor for offer in offers],
        [offer.price_version for offer in offers],
        [offer.stamp_us for offer in offers],
        ctx.now,
    )


def partners_offered(ctx: Ctx) -> list[PartyId]:
    """Read which partners have offers."""
    rows = ctx.db.rows("SELECT DISTINCT partner_id FROM catalogue.offer ORDER BY 1")
    return [partner_id for (partner_id,) in rows]


# --- sales ---------------------------------------------------------------------------------------


def sold_add(ctx: Ctx, rows: Mapping[tuple[SkuId, date], int]) -> None:
    """Add pieces sold to their days."""
    keys = sorted(rows)
    ctx.db.run(
        "INSERT INTO catalogue.sold AS s (sku_id, sold_on, quantity)"
        " SELECT i, d::date, q FROM unnest(%b::uuid[], %b::text[], %b::bigint[]) AS x (i, d, q)"
        " ON CONFLICT (sku_id, sold_on) DO UPDATE SET quantity = s.quantity + excluded.quantity",
        [sku_id for sku_id, _ in keys],
        [day.isoformat() for _, day in keys],
        [rows[key] for key in keys],
    )


def sold_read(ctx: Ctx, sku_ids: Sequence[SkuId], since: date) -> dict[SkuId, int]:
    """Read how many pieces were sold since a day; nothing sold is absent."""
    rows = ctx.db.rows(
        "SELECT sku_id, sum(quantity)::bigint FROM catalogue.sold"
        " WHERE sku_id = ANY (%b::uuid[]) AND sold_on >= %b GROUP BY sku_id",
        sku_ids,
        since,
    )
    return dict(rows)


def sold_forget(ctx: Ctx, before: date, limit: int) -> list[SkuId]:
    """Remove days that count no more, a bounded number; gives the SKUs they were of."""
    rows = ctx.db.rows(
        "DELETE FROM catalogue.sold WHERE (sku_id, sold_on) IN (SELECT sku_id, sold_on"
        "  FROM catalogue.sold WHERE sold_on < %b ORDER BY sold_on, sku_id LIMIT %b)"
        " RETURNING sku_id",
        before,
        limit,
    )
    return sorted({sku_id for (sku_id,) in rows})


# --- synonyms ------------------------------------------------------------------------------------


def synonyms_read(ctx: Ctx, *, recall: Recall, words: Sequence[str]) -> Mapping[str, Sequence[str]]:
    """Read of words that are synonyms the others of their groups. Hot.

    Few words of questions are, so all there are are remembered, unless there are very many.
    """
    key = _SYNONYMS_ID.bytes
    [known] = recall.found(_SYNONYMS, [key])
    if known is None:
        rows = ctx.db.rows(_SYNONYMS_READ, None, SYNONYMS_REMEMBERED_MAX + 1)
        known = dict(rows) if len(rows) <= SYNONYMS_REMEMBERED_MAX else _SYNONYMS_MANY
        recall.keep(_SYNONYMS, {key: known})
    if known is _SYNONYMS_MANY:
        known = dict(ctx.db.rows(_SYNONYMS_READ, words, len(words)))
    return {word: known[word] for word in words if word in known}


def synonyms_put(ctx: Ctx, group_id: UUID, words: Sequence[str]) -> None:
    """Make words a group; those that were in another leave it. One that there is stays as it is."""
    same = ctx.db.rows(
        "SELECT group_id FROM catalogue.synonym WHERE group_id IN ("
        "  SELECT group_id FROM catalogue.synonym WHERE word = ANY (%b::text[]))"
        ' GROUP BY group_id HAVING array_agg(word ORDER BY word COLLATE "C") = %b::text[]',
        words,
        sorted(words),
    )
    if same:
        return
    touch(ctx, [_SYNONYMS_ID])
    ctx.db.run(
        "INSERT INTO catalogue.synonym (word, group_id) SELECT w, %b FROM unnest(%b::text[])"
        " AS x (w) ORDER BY w ON CONFLICT (word) DO UPDATE SET group_id = excluded.group_id",
        group_id,
        words,
    )


def synonym_delete(ctx: Ctx, word: str) -> bool:
    """Take a word out of its group; says whether it was in one."""
    touch(ctx, [_SYNONYMS_ID])
    return bool(ctx.db.run("DELETE FROM catalogue.synonym WHERE word = %b", word).rowcount)


def synonyms_page(ctx: Ctx, after: UUID, limit: int) -> list[tuple[UUID, list[str]]]:
    """Read groups of words in the order they were made."""
    rows = ctx.db.rows(
        "SELECT group_id, array_agg(word ORDER BY word) FROM catalogue.synonym"
        " WHERE group_id > %b GROUP BY group_id ORDER BY group_id LIMIT %b",
        after,
        limit,
    )
    return [(group_id, words) for group_id, words in rows]


# --- selections ----------------------------------------------------------------------------------


def selection_insert(ctx: Ctx, selection: Selection) -> bool:
    """Write a new selection; says False when the name is taken."""
    return bool(
        ctx.db.run(
            "INSERT INTO catalogue.selection (id, partner_id, name, created_at)"
            " VALUES (%b, %b, %b, %b) ON CONFLICT (partner_id, name) DO NOTHING",
            *(selection.id, selection.partner_id, selection.name, selection.created_at),
        ).rowcount
    )


def selection_read(
    ctx: Ctx, partner_id: PartyId, selection_id: SelectionId, *, lock: bool = False
) -> Selection | None:
    """Read a partner's selection, locked against other changes if asked."""
    if lock:
        statement: Any = (
            "SELECT id, partner_id, name, created_at FROM catalogue.selection"
            " WHERE id = %b AND partner_id = %b FOR UPDATE"
        )
    else:
        statement = (
            "SELECT id, partner_id, name, created_at FROM catalogue.selection"
            " WHERE id = %b AND partner_id = %b"
        )
    rows = ctx.db.rows(statement, selection_id, partner_id)
    return Selection(*rows[0]) if rows else None


def selections_page(
    ctx: Ctx, partner_id: PartyId, after: SelectionId, limit: int
) -> list[Selection]:
    """Read a partner's selections in the order they were made."""
    rows = ctx.db.rows(
        "SELECT id, partner_id, name, created_at FROM catalogue.selection"
        " WHERE partner_id = %b AND id > %b ORDER BY id LIMIT %b",
        *(partner_id, after, limit),
    )
    return [Selection(*row) for row in rows]


def selections_count(ctx: Ctx, partner_id: PartyId) -> int:
    """Count a partner's selections."""
    [[count]] = ctx.db.rows(
        "SELECT count(*) FROM catalogue.selection WHERE partner_id = %b", partner_id
    )
    return int(count)


def selection_delete(ctx: Ctx, selection: Selection) -> None:
    """Remove a selection with what is in it."""
    ctx.db.run(
        "DELETE FROM catalogue.selection WHERE id = %b AND partner_id = %b",
        selection.id,
        selection.partner_id,
    )


def selected_add(ctx: Ctx, selection: Selection, sku_ids: Iterable[SkuId]) -> int:
    """Put SKUs into a selection; says how many are new there."""
    return ctx.db.run(
        "INSERT INTO catalogue.selection_sku (selection_id, partner_id, sku_id, added_at)"
        " SELECT %b, %b, i, %b FROM unnest(%b::uuid[]) AS x (i) ON CONFLICT DO NOTHING",
        *(selection.id, selection.partner_id, ctx.now, sorted(sku_ids)),
    ).rowcount


def selected_remove(ctx: Ctx, selection: Selection, sku_ids: Iterable[SkuId]) -> int:
    """Take SKUs out of a selection; says how many were in it."""
    return ctx.db.run(
        "DELETE FROM catalogue.selection_sku WHERE selection_id = %b AND partner_id = %b"
        " AND sku_id = ANY (%b::uuid[])",
        *(selection.id, selection.partner_id, sorted(sku_ids)),
    ).rowcount


def selected_count(ctx: Ctx, selection: Selection) -> int:
    """Count the SKUs of a selection."""
    [[count]] = ctx.db.rows(
        "SELECT count(*) FROM catalogue.selection_sku WHERE selection_id = %b AND partner_id = %b",
        selection.id,
        selection.partner_id,
    )
    return int(count)


def selected_page(ctx: Ctx, selection: Selection, after: SkuId, limit: int) -> list[SkuId]:
    """Read the SKUs of a selection in their order."""
    rows = ctx.db.rows(
        "SELECT sku_id FROM catalogue.selection_sku WHERE selection_id = %b AND partner_id = %b"
        " AND sku_id > %b ORDER BY sku_id LIMIT %b",
        *(selection.id, selection.partner_id, after, limit),
    )
    return [sku_id for (sku_id,) in rows]


def rules_replace(ctx: Ctx, selection: Selection, rules: Sequence[MarkupRule]) -> None:
    """Write a selection's rules in the place of those it had."""
    ctx.db.run(
        "DELETE FROM catalogue.markup_rule WHERE selection_id = %b AND partner_id = %b",
        selection.id,
        selection.partner_id,
    )
    ctx.db.run(
        "INSERT INTO catalogue.markup_rule (selection_id, partner_id, number, kind, amount,"
        "  rounding, category_id, sku_id, below_cost_reason)"
        " SELECT %b, %b, x.* FROM unnest(%b::int[], %b::text[], %b::bigint[], %b::text[],"
        "  %b::uuid[], %b::uuid[], %b::text[]) AS x",
        selection.id,
        selection.partner_id,
        list(range(len(rules))),
        [str(rule.kind) for rule in rules],
        [rule.amount for rule in rules],
        [str(rule.rounding) for rule in rules],
        [rule.category_id for rule in rules],
        [rule.sku_id for rule in rules],
        [rule.below_cost_reason for rule in rules],
    )


def rules_read(ctx: Ctx, selection: Selection) -> list[MarkupRule]:
    """Read a selection's rules in the order they were put."""
    rows = ctx.db.rows(
        "SELECT kind, amount, rounding, category_id, sku_id, below_cost_reason"
        " FROM catalogue.markup_rule WHERE selection_id = %b AND partner_id = %b ORDER BY number",
        selection.id,
        selection.partner_id,
    )
    return [MarkupRule(MarkupKind(row[0]), row[1], Rounding(row[2]), *row[3:]) for row in rows]


def _offer(row: Sequence[Any]) -> Offer:
    return Offer(row[0], row[1], row[2], row[3], OFFER_STATES[row[4]], *row[5:])
