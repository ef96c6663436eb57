"""SQL that looks for broken orders. Reads whole tables; run on a snapshot, never in trade."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any, Final, cast
from uuid import UUID

from weili.kit.context import Ctx
from weili.kit.tallies import NOBODY, Hashed, Parts, Tally, written
from weili.modules.dropship.model import CHILD_PREFIX, ORDER_PREFIX, PACKAGE_PREFIX, OrderId
from weili.modules.dropship.states import OrderState

FINDINGS_MAX = 100
RECIPIENTS_MAX = 5_000

_PAID: Final = ["held", "confirmed", "released", "picking", "cancelling", "part_shipped"]
"""The states of a child that is still to ship, and for which money is held."""
_UNPAID: Final = ["waiting_funds"]
"""The same, with no money held yet."""

_BOTH_HOLDS: Final = (
    "SELECT goods_hold_id AS key, partner_id AS of, goods AS value FROM open"
    " UNION ALL SELECT freight_hold_id, partner_id, freight FROM open"
    "  WHERE freight_hold_id IS NOT NULL OR freight <> 0"
)
"""What is open of each line, by the hold that it is of."""


def open_quantities(ctx: Ctx) -> list[tuple[UUID, UUID, int]]:
    """Sum the pieces that orders still wait for, by SKU and warehouse."""
    return ctx.db.rows(
        "SELECT l.sku_id, c.warehouse_id, sum(l.quantity - l.shipped)::bigint"
        " FROM dropship.child c"
        " JOIN dropship.line l ON l.child_id = c.id AND l.partner_id = c.partner_id"
        " WHERE c.state = ANY (%b::text[]) GROUP BY 1, 2",
        [*_PAID, *_UNPAID],
    )


def orders_open(
    ctx: Ctx, *, before: UUID, ended: Collection[OrderState], limit: int
) -> list[OrderId]:
    """Find the first orders whose ids are less than one, and that have not ended."""
    rows = ctx.db.rows(
        'SELECT id FROM dropship."order" WHERE id < %b AND state <> ALL (%b::text[])'
        " ORDER BY id LIMIT %b",
        before,
        sorted(ended),
        limit,
    )
    return [OrderId(order_id) for (order_id,) in rows]


def open_amounts(ctx: Ctx) -> Parts[UUID]:
    """Say what each child's holds should still hold: hold, of its partner, fen."""
    return Parts(
        ctx,
        "WITH open AS (SELECT c.goods_hold_id, c.freight_hold_id, c.partner_id,"  # noqa: S608 - ours
        "  l.unit_price_minor * (l.quantity - l.shipped) AS goods,"
        "  l.freight_minor - l.freight_minor * l.shipped / l.quantity AS freight"
        " FROM dropship.child c"
        " JOIN dropship.line l ON l.child_id = c.id AND l.partner_id = c.partner_id"
        f" WHERE c.state = ANY (%b::text[]) AND l.quantity > 0) {_BOTH_HOLDS}",
        (_PAID,),
    )


def amounts_taken(ctx: Ctx) -> Parts[UUID]:
    """Say what each child's holds should have given for pieces shipped: of its partner, fen."""
    return Parts(
        ctx,
        "WITH open AS (SELECT c.goods_hold_id, c.freight_hold_id, c.partner_id,"  # noqa: S608 - ours
        "  l.unit_price_minor * l.shipped AS goods,"
        "  l.freight_minor * l.shipped / l.quantity AS freight"
        " FROM dropship.child c"
        " JOIN dropship.line l ON l.child_id = c.id AND l.partner_id = c.partner_id"
        f" WHERE l.shipped > 0) {_BOTH_HOLDS}",
    )


def package_costs(ctx: Ctx) -> Parts[str]:
    """Say what each package earned its supplier: package, of the supplier, fen."""
    return Parts(
        ctx,
        written(
            PACKAGE_PREFIX,
            "SELECT x.id AS key, c.supplier_id AS of, x.value FROM ("
            "  SELECT p.id, p.partner_id, p.child_id,"
            "   sum(l.unit_cost_minor * i.quantity)::bigint AS value FROM dropship.package p"
            "  JOIN dropship.package_line i ON i.package_id = p.id AND i.partner_id = p.partner_id"
            "  JOIN dropship.line l ON l.child_id = p.child_id AND l.partner_id = p.partner_id"
            "   AND l.line_no = i.line_no GROUP BY p.id, p.partner_id) AS x"
            " JOIN dropship.child c ON c.id = x.child_id AND c.partner_id = x.partner_id",
        ),
        key=Hashed.TEXT,
    )


def packages_back(ctx: Ctx) -> list[tuple[UUID, UUID, int, int, int]]:
    """Say what went back for packages: (package, partner, goods, freight, cost), in fen.

    The freight went back for what was lost on the way there, of which nobody said why it came back.
    """
    return ctx.db.rows(
        "SELECT id, partner_id, goods_minor,"
        " CASE WHEN state = 'lost' AND back IS NULL THEN freight_minor ELSE 0 END, cost_minor"
        " FROM dropship.package WHERE state IN ('returned', 'lost')"
    )


def replacements_off(ctx: Ctx) -> list[tuple[UUID, int | None, int | None, int, int]]:
    """Find packages that are not what is sent for them: (package, fen was if lost, fen is)."""
    return ctx.db.rows(
        "SELECT s.package_id, p.goods_minor, p.freight_minor, s.goods, s.freight FROM"
        " (SELECT replaces_package_id AS package_id, partner_id, sum(goods_minor)::bigint AS goods,"
        "   sum(freight_minor)::bigint AS freight FROM dropship.child"
        "  WHERE replaces_package_id IS NOT NULL AND state <> 'split' GROUP BY 1, 2) AS s"
        " LEFT JOIN dropship.package p ON p.id = s.package_id AND p.partner_id = s.partner_id"
        "  AND p.state = 'lost'"
        " WHERE (p.goods_minor, p.freight_minor) IS DISTINCT FROM (s.goods, s.freight) LIMIT %b",
        FINDINGS_MAX,
    )


def states_of_shipped(ctx: Ctx) -> list[tuple[str, Sequence[str], int, UUID]]:
    """Group children that ship no more by their own and their packages' states."""
    return ctx.db.rows(
        "SELECT child, packages, count(*)::bigint, (array_agg(id))[1] FROM ("
        " SELECT c.id, c.state AS child, array_agg(p.state ORDER BY p.state) AS packages"
        "  FROM dropship.child c JOIN dropship.package p"
        "  ON p.child_id = c.id AND p.partner_id = c.partner_id"
        "  WHERE c.state <> 'part_shipped' GROUP BY c.id, c.partner_id, c.state"
        ") AS s GROUP BY child, packages"
    )


def package_steps_taken(ctx: Ctx) -> list[tuple[str, str, int]]:
    """Count the packages' history rows by step."""
    return ctx.db.rows(
        "SELECT from_state, to_state, count(*)::bigint FROM dropship.package_history GROUP BY 1, 2"
    )


def package_step_example(ctx: Ctx, here: str, there: str) -> UUID:
    """Give a package that took a step."""
    [[package_id]] = ctx.db.rows(
        "SELECT package_id FROM dropship.package_history"
        " WHERE from_state = %b AND to_state = %b LIMIT 1",
        here,
        there,
    )
    return cast("UUID", package_id)


def packages_broken(ctx: Ctx) -> list[tuple[UUID, str]]:
    """Find packages whose history has a gap, or does not end where they are."""
    return ctx.db.rows(
        "WITH step AS (SELECT package_id, partner_id, version, from_state, to_state,"
        "  lag(to_state, 1, 'shipped') OVER w AS before,"
        "  lag(version, 1, 0) OVER w AS version_before,"
        "  lead(version) OVER w IS NULL AS is_last FROM dropship.package_history"
        "  WINDOW w AS (PARTITION BY partner_id, package_id ORDER BY version))"
        " SELECT package_id, 'step ' || version || ' does not follow' FROM step"
        "  WHERE version <> version_before + 1 OR before <> from_state"
        " UNION ALL SELECT p.id, 'is ' || p.state || ' at ' || p.version"
        "  || ', its history ends elsewhere' FROM dropship.package p"
        "  LEFT JOIN step h ON h.package_id = p.id AND h.partner_id = p.partner_id AND h.is_last"
        "  WHERE (p.version, p.state)"
        "  IS DISTINCT FROM (coalesce(h.version, 0), coalesce(h.to_state, 'shipped')) LIMIT %b",
        FINDINGS_MAX,
    )


def traded_lines(ctx: Ctx, *, zone: str) -> list[tuple[Any, ...]]:
    """Say what goods were sold for, by SKU and day.

    (SKU, day; lowest, highest, last moment of children that were with their suppliers; the same of
    all; lowest and highest of the last moment.)
    """
    return ctx.db.rows(
        "WITH sold AS (SELECT l.sku_id, l.unit_price_minor AS m, o.placed_at AS at,"
        "  (o.placed_at AT TIME ZONE %b)::date AS on_day, c.state NOT IN"
        "   ('waiting_funds', 'held', 'confirmed', 'cancelled', 'split') AS is_sure"
        " FROM dropship.line l"
        " JOIN dropship.child c ON c.id = l.child_id AND c.partner_id = l.partner_id"
        ' JOIN dropship."order" o ON o.id = c.order_id AND o.partner_id = c.partner_id'
        "), ranked AS (SELECT *, at = max(at) OVER (PARTITION BY sku_id, on_day) AS is_last"
        " FROM sold)"
        " SELECT sku_id, on_day, min(m) FILTER (WHERE is_sure), max(m) FILTER (WHERE is_sure),"
        "  max(at) FILTER (WHERE is_sure), min(m), max(m), max(at),"
        "  min(m) FILTER (WHERE is_last), max(m) FILTER (WHERE is_last)"
        " FROM ranked GROUP BY 1, 2",
        zone,
    )


def child_stories(ctx: Ctx, *, told: Mapping[str, str], often: str, since: UUID) -> Tally[str, str]:
    """Say in what words each child that has moved has gone its way: child, of its partner, words.

    ``told`` has the word for each state that is told of. The word ``often`` is said for each
    package, where it comes first, and not again.
    """
    return Tally(
        ctx,
        written(
            CHILD_PREFIX,
            # In the order of the primary key no step need be sorted. What was shipped once, in one
            # package, needs no mending.
            "WITH way AS (SELECT subject_id, string_agg(word, ' ' ORDER BY version) AS words,"
            "   count(*) FILTER (WHERE word = %b) AS times FROM"
            "   (SELECT subject_id, version,"
            "     (%b::text[])[array_position(%b::text[], to_state)] AS word"
            "     FROM dropship.history WHERE subject_id <> order_id"
            "      AND subject_id >= %b::uuid) AS step GROUP BY 1"
            "), sent AS (SELECT child_id, partner_id, count(*)::int AS packages"
            "  FROM dropship.package GROUP BY 1, 2"
            "), story AS (SELECT c.id AS key, c.partner_id AS of, CASE"
            "  WHEN w.times = 0 OR w.times = 1 AND s.packages = 1 THEN w.words ELSE"
            "   nullif(rtrim(left(w.words, position(%b IN w.words) - 1)"
            "    || repeat(%b || ' ', coalesce(s.packages, 0))"
            "    || replace(substr(w.words, position(%b IN w.words)) || ' ', %b || ' ', '')),"
            "    '') END AS value"
            "  FROM dropship.child c JOIN way w ON w.subject_id = c.id"
            "  LEFT JOIN sent s ON s.child_id = c.id AND s.partner_id = c.partner_id OFFSET 0"
            ") SELECT * FROM story WHERE value IS NOT NULL",
        ),
        (often, list(told.values()), list(told), since, often, often, often, often),
        Hashed.TEXT,
        Hashed.TEXT,
    )


def without_deadline(ctx: Ctx) -> list[tuple[UUID, bool]]:
    """Find what waits and no sweep will find: (id, is a child); a package counts as its child."""
    return ctx.db.rows(
        'SELECT id, false FROM dropship."order"'
        " WHERE state IN ('held', 'waiting_funds') AND due_at IS NULL"
        " UNION ALL SELECT child_id, true FROM dropship.package"
        "  WHERE state IN ('intercepting', 'returning') AND due_at IS NULL"
        " UNION ALL SELECT id, true FROM dropship.child"
        "  WHERE state = 'delivered' AND due_at IS NULL ORDER BY 1 LIMIT %b",
        FINDINGS_MAX,
    )


def recipients_sealed(
    ctx: Ctx, *, after: UUID | None
) -> tuple[list[tuple[bytes, bytes]], UUID | None]:
    """Read a bounded number of (what it is bound to, sealed recipient), in the order of their ids.

    What a recipient is bound to is put together here: an id that nobody asks for is made of its
    bytes in longer than it takes to open what is sealed. Gives also the last id, to go on from.
    """
    rows = ctx.db.rows(
        "SELECT uuid_send(partner_id) || uuid_send(id), recipient_sealed"
        ' FROM dropship."order"'
        " WHERE %b::uuid IS NULL OR id > %b::uuid ORDER BY id LIMIT %b",
        after,
        after,
        RECIPIENTS_MAX,
    )
    return rows, UUID(bytes=bytes(rows[-1][0][16:])) if rows else None


def order_stories(ctx: Ctx, *, story: str, since: UUID) -> Tally[str, str]:
    """Say of every order from an id on that its story should be this: order, of nobody, story."""
    return Tally(
        ctx,
        written(
            ORDER_PREFIX,
            'SELECT id AS key, %b::uuid AS of, %b::text AS value FROM dropship."order"'
            " WHERE id >= %b::uuid",
        ),
        (NOBODY, story, since),
        Hashed.TEXT,
        Hashed.TEXT,
    )


def roots_off(ctx: Ctx) -> list[tuple[UUID, int, int, int, int]]:
    """Find roots whose amounts are not the sum of their lines, or that have no children."""
    return ctx.db.rows(
        "SELECT o.id, o.goods_minor, o.freight_minor,"
        " coalesce(s.goods, -1), coalesce(s.freight, -1)"
        ' FROM dropship."order" o LEFT JOIN ('
        "  SELECT c.order_id, sum(l.quantity * l.unit_price_minor)::bigint AS goods,"
        "   sum(l.freight_minor)::bigint AS freight FROM dropship.child c"
        "  JOIN dropship.line l ON l.child_id = c.id AND l.partner_id = c.partner_id"
        "  WHERE c.state <> 'split' AND c.replaces_package_id IS NULL"
        "  GROUP BY c.order_id) s ON s.order_id = o.id"
        " WHERE (o.goods_minor, o.freight_minor) IS DISTINCT FROM (s.goods, s.freight) LIMIT %b",
        FINDINGS_MAX,
    )


def roots_apart(ctx: Ctx) -> bool:
    """Say whether some root's amounts are not the sum of its children's, or it has none.

    Where children are the sums of their lines this tells whether roots are, for a third of the
    cost.
    """
    return bool(
        ctx.db.rows(
            'SELECT 1 FROM dropship."order" o LEFT JOIN ('
            "  SELECT order_id, sum(goods_minor) AS goods, sum(freight_minor) AS freight"
            "  FROM dropship.child WHERE state <> 'split' AND replaces_package_id IS NULL"
            "  GROUP BY order_id) s ON s.order_id = o.id"
            " WHERE (o.goods_minor, o.freight_minor) IS DISTINCT FROM (s.goods, s.freight) LIMIT 1"
        )
    )


def children_off(ctx: Ctx) -> list[tuple[UUID]]:
    """Find children whose amounts are not the sum of their lines."""
    return ctx.db.rows(
        "SELECT c.id FROM dropship.child c LEFT JOIN dropship.line l"
        " ON l.child_id = c.id AND l.partner_id = c.partner_id GROUP BY c.id, c.partner_id"
        " HAVING c.goods_minor IS DISTINCT FROM sum(l.quantity * l.unit_price_minor)::bigint"
        " OR c.freight_minor IS DISTINCT FROM sum(l.freight_minor)::bigint LIMIT %b",
        FINDINGS_MAX,
    )


def promises_off(ctx: Ctx) -> list[tuple[UUID, date | None, date | None]]:
    """Find children that are to arrive before they leave, or of which one of the two is said."""
    return ctx.db.rows(
        "SELECT id, ships_on, arrives_on FROM dropship.child"
        " WHERE arrives_on < ships_on OR (arrives_on IS NULL) <> (ships_on IS NULL) LIMIT %b",
        FINDINGS_MAX,
    )


def numbers_off(ctx: Ctx) -> list[tuple[UUID, str]]:
    """Find orders whose number names no order or another, and numbers without their order."""
    return ctx.db.rows(
        "SELECT coalesce(o.id, n.order_id), coalesce(o.number, n.number)"
        ' FROM dropship."order" o FULL JOIN dropship.order_number n'
        " ON n.order_id = o.id AND n.partner_id = o.partner_id AND n.number = o.number"
        " WHERE o.id IS NULL OR n.order_id IS NULL LIMIT %b",
        FINDINGS_MAX,
    )


def pieces_apart(ctx: Ctx) -> bool:
    """Say whether some line's shipped pieces are not the sum of its packages.

    Pieces times the hash of their line sum to the same on both sides, so nothing need be grouped
    by line. That of two sides which differ comes out by chance once in 2^64.
    """
    [[is_apart]] = ctx.db.rows(
        "SELECT (SELECT coalesce(sum(hashint2extended(line_no, uuid_hash_extended(child_id,"
        "   uuid_hash_extended(partner_id, 0)))::numeric * shipped), 0)"
        "  FROM dropship.line WHERE shipped <> 0)"
        " <> (SELECT coalesce(sum(hashint2extended(i.line_no, uuid_hash_extended(k.child_id,"
        "   uuid_hash_extended(k.partner_id, 0)))::numeric * i.quantity), 0)"
        "  FROM dropship.package k JOIN dropship.package_line i"
        "  ON i.package_id = k.id AND i.partner_id = k.partner_id)"
    )
    return bool(is_apart)


def pieces_off(ctx: Ctx) -> list[tuple[UUID, int, int, int]]:
    """Find lines whose shipped pieces are not the sum of their packages."""
    return ctx.db.rows(
        "SELECT l.child_id, l.line_no, l.shipped, coalesce(p.pieces, 0)::int FROM dropship.line l"
        " LEFT JOIN (SELECT k.child_id, k.partner_id, i.line_no, sum(i.quantity) AS pieces"
        "  FROM dropship.package k JOIN dropship.package_line i"
        "  ON i.package_id = k.id AND i.partner_id = k.partner_id GROUP BY 1, 2, 3) p"
        " USING (child_id, partner_id, line_no)"
        " WHERE l.shipped <> coalesce(p.pieces, 0) LIMIT %b",
        FINDINGS_MAX,
    )


def states_of_roots(ctx: Ctx) -> list[tuple[str, Sequence[str], int, UUID]]:
    """Group roots by their own and their children's states: how many, and one of them."""
    return ctx.db.rows(
        "SELECT root, children, count(*)::bigint, (array_agg(id))[1] FROM ("
        " SELECT o.id, o.state AS root, array_agg(c.state ORDER BY c.state) AS children"
        '  FROM dropship."order" o JOIN dropship.child c'
        "  ON c.order_id = o.id AND c.partner_id = o.partner_id"
        "  GROUP BY o.id, o.partner_id, o.state"
        ") AS s GROUP BY root, children"
    )


def steps_taken(ctx: Ctx) -> list[tuple[bool, str, str, int]]:
    """Count history rows by kind of subject and step."""
    return ctx.db.rows(
        "SELECT subject_id = order_id, from_state, to_state, count(*)::bigint"
        " FROM dropship.history GROUP BY 1, 2, 3"
    )


def step_example(ctx: Ctx, *, is_root: bool, here: str, there: str) -> UUID:
    """Give a subject that took a step."""
    [[subject_id]] = ctx.db.rows(
        "SELECT subject_id FROM dropship.history WHERE (subject_id = order_id) = %b::boolean"
        " AND from_state = %b AND to_state = %b LIMIT 1",
        is_root,
        here,
        there,
    )
    return cast("UUID", subject_id)


# Each step's state times its number, less what it came from times the number before: for a chain
# without a break all but the end cancels out, so that nothing need be put in order. What does not
# come out is then looked at step by step. All steps are of the subject's own partner: told by the
# least and the most of hashes, since grouping by it as well leaves the order of the primary key.
_HISTORIES_SUSPECT: Final = (
    "WITH subject AS ("
    ' SELECT id, partner_id, state, version FROM dropship."order"'
    " UNION ALL SELECT id, partner_id, state, version FROM dropship.child"
    "), chain AS (SELECT subject_id, count(*) AS steps, max(version) AS last,"
    "  min(uuid_hash_extended(partner_id, 0)) AS least,"
    "  max(uuid_hash_extended(partner_id, 0)) AS most,"
    "  sum(hashtext(to_state)::bigint * version"
    "   - hashtext(from_state)::bigint * (version - 1)) AS comes_to"
    "  FROM dropship.history GROUP BY 1)"
    " SELECT coalesce(s.id, c.subject_id) FROM subject s FULL JOIN chain c ON c.subject_id = s.id"
    " WHERE (coalesce(c.steps, 0), coalesce(c.last, 0), coalesce(c.comes_to, 0))"
    "  IS DISTINCT FROM (s.version::bigint, s.version, hashtext(s.state)::numeric * s.version)"
    " OR c.least <> uuid_hash_extended(s.partner_id, 0) OR c.most <> c.least LIMIT %b"
)


def histories_broken(ctx: Ctx) -> list[tuple[UUID, str]]:
    """Find subjects whose history has a gap, does not join up, or does not end where they are.

    And histories of what is not there. Of each suspect something is found, so none is in the way
    of another.
    """
    suspects = [row[0] for row in ctx.db.rows(_HISTORIES_SUSPECT, FINDINGS_MAX)]
    if not suspects:
        return []
    return ctx.db.rows(
        "WITH subject AS ("
        ' SELECT id, partner_id, state, version FROM dropship."order" WHERE id = ANY (%b::uuid[])'
        " UNION ALL SELECT id, partner_id, state, version FROM dropship.child"
        "  WHERE id = ANY (%b::uuid[])"
        "), step AS ("
        " SELECT subject_id, partner_id, version, from_state, to_state,"
        "  lag(to_state) OVER w AS before, lag(version, 1, 0) OVER w AS version_before,"
        "  lead(version) OVER w IS NULL AS is_last FROM dropship.history"
        " WHERE subject_id = ANY (%b::uuid[])"
        " WINDOW w AS (PARTITION BY partner_id, subject_id ORDER BY version)"
        ") SELECT subject_id, 'step ' || version || ' does not follow' FROM step"
        "  WHERE version <> version_before + 1 OR before <> from_state"
        " UNION ALL SELECT coalesce(s.id, h.subject_id), CASE"
        "  WHEN s.id IS NULL THEN 'is not there, its history ends as ' || h.to_state"
        "  ELSE 'is ' || s.state || ' at ' || s.version || ', its history ends elsewhere' END"
        "  FROM subject s FULL JOIN (SELECT * FROM step WHERE is_last) h"
        "  ON h.subject_id = s.id AND h.partner_id = s.partner_id"
        "  WHERE (s.version, s.state) IS DISTINCT FROM (h.version, h.to_state)"
        "  AND (s.version IS DISTINCT FROM 0 OR h.subject_id IS NOT NULL) LIMIT %b",
        suspects,
        suspects,
        suspects,
        FINDINGS_MAX,
    )


def queue_off(ctx: Ctx) -> list[tuple[UUID, str, str]]:
    """Find child orders whose place in the supplier's queue contradicts their state."""
    rows: list[Any] = ctx.db.rows(
        "SELECT c.id, c.state, coalesce(q.state, 'absent') FROM dropship.child c"
        " LEFT JOIN dropship.supplier_queue q ON q.child_id = c.id"
        " WHERE (c.state IN ('released', 'picking') AND q.state IS DISTINCT FROM 'taken')"
        " OR (c.state = 'cancelling' AND q.state IS DISTINCT FROM 'cancelling')"
        " OR (c.state IN ('cancelled', 'held', 'split', 'waiting_funds')"
        "  AND q.state IN ('waiting', 'taken', 'cancelling'))"
        " LIMIT %b",
        FINDINGS_MAX,
    )
    return rows


def queue_astray(ctx: Ctx) -> list[tuple[UUID, UUID, UUID | None]]:
    """Find queue rows that are not their child order's: (child, queued for, its own supplier)."""
    return ctx.db.rows(
        "SELECT q.child_id, q.supplier_id, c.supplier_id FROM dropship.supplier_queue q"
        " LEFT JOIN dropship.child c ON c.id = q.child_id AND c.partner_id = q.partner_id"
        "  AND c.order_id = q.order_id"
        " WHERE q.supplier_id IS DISTINCT FROM c.supplier_id ORDER BY 1 LIMIT %b",
        FINDINGS_MAX,
    )
