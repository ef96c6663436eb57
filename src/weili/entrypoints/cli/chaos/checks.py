"""Holds what the clients and the suppliers know against what the platform says; names what is off.

Pure: what was read stands in ``Evidence``, so that a test can plant each violation.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from weili.adapters.suppliers.simulator import Stage
from weili.entrypoints.cli.chaos.market import Document
from weili.entrypoints.cli.chaos.trade import Wanted
from weili.entrypoints.cli.demo.checks import entries_checked, messages_checked
from weili.entrypoints.cli.demo.reading import Books

CANCELLED: Final = "cancelled"
OVER: Final = frozenset({CANCELLED, "delivered", "completed"})
STATE_MEMBERS: Final = frozenset({"state", "shipped"})
"""What of an acknowledged child order changes while it goes its way."""


@dataclass(slots=True)
class PartnerEvidence:
    """One partner: what it knows itself, and what the platform tells it in the end."""

    name: str
    wanted: Mapping[str, Wanted]
    placed: dict[str, Document]
    refused: dict[str, str]
    wrong: Sequence[str]
    books: Books
    stood: tuple[int, int]
    """Posted and held before the first order."""
    stands: tuple[int, int]


@dataclass(slots=True)
class SupplierEvidence:
    """One supplier: what its own system knows, and what the platform says it owes."""

    name: str
    stages: dict[str, Stage]
    owed_minor: int
    unexpected: Sequence[str]
    stood: tuple[int, int]
    stands: tuple[int, int]


@dataclass(slots=True)
class Scarce:
    """Goods that were fought over: pieces that ever came in, and that are left."""

    there: int
    left: int


@dataclass(slots=True)
class Evidence:
    """All that is known when it is over."""

    partners: Sequence[PartnerEvidence]
    suppliers: Sequence[SupplierEvidence]
    scarce: dict[str, Scarce]
    findings: list[str] = field(default_factory=list)
    events_waiting: int = 0
    left_behind: Sequence[str] = ()
    """Processes of earlier starts that are still there."""


@dataclass(frozen=True, slots=True)
class Violation:
    """Something that must never be: which check found it, and what it is."""

    check: str
    what: str


def violations(evidence: Evidence) -> list[Violation]:
    """Give everything that is off; nothing, when nothing was lost."""
    return [Violation(name, text) for name, check in CHECKS.items() for text in check(evidence)]


def answers_checked(evidence: Evidence) -> Iterator[str]:
    """See that clients were told nothing but that it is done, refused for a reason, or later."""
    for partner in evidence.partners:
        yield from partner.wrong
        lost = partner.wanted.keys() - partner.placed.keys() - partner.refused.keys()
        for number in sorted(lost):
            yield f"{number} was never answered"


def orders_checked(evidence: Evidence) -> Iterator[str]:
    """See that what was acknowledged is there exactly once, as acknowledged, and nothing else."""
    for partner in evidence.partners:
        stored = Counter(order["number"] for order in partner.books.orders)
        for number, count in stored.items():
            if count > 1:
                yield f"{number} is there {count} times"
            if number not in partner.placed:
                yield f"{number} is there, but was not acknowledged"
        now = {order["number"]: order for order in partner.books.orders}
        for number, answer in partner.placed.items():
            if number not in now:
                yield f"{number} was acknowledged and is not there"
            else:
                yield from _content_checked(partner.wanted[number], answer, now[number])


def _content_checked(wanted: Wanted, answer: Document, now: Document) -> Iterator[str]:
    for member in ("id", "placed_at", "area_code", "goods_minor", "freight_minor", "total_minor"):
        if answer[member] != now[member]:
            yield f"{wanted.number}: {member} was {answer[member]}, is {now[member]}"
    if _fixed(answer) != _fixed(now):
        yield f"{wanted.number} is not parted as it was acknowledged"
    asked: Counter[str] = Counter()
    for sku_id, count in wanted.lines:
        asked[sku_id] += count
    if asked != _pieces(now):
        yield f"{wanted.number} asked for {dict(asked)}, it has {dict(_pieces(now))}"
    # What is masked leaves the last two digits.
    if not now["recipient"]["phone"].endswith(wanted.phone[-2:]):
        yield f"{wanted.number} goes to another phone: {now['recipient']['phone']}"
    if now["state"] not in OVER:
        yield f"{wanted.number} is still {now['state']}"


def _fixed(order: Document) -> dict[str, Document]:
    """Give an order's children by their ids, without what changes on their way."""
    return {
        child["id"]: {
            member: child[member] for member in ("warehouse_id", "goods_minor", "freight_minor")
        }
        | {
            "lines": [
                {member: line[member] for member in line if member not in STATE_MEMBERS}
                for line in child["lines"]
            ]
        }
        for child in order["children"]
    }


def _pieces(order: Document) -> Counter[str]:
    pieces: Counter[str] = Counter()
    for child in order["children"]:
        for line in child["lines"]:
            pieces[line["sku_id"]] += line["quantity"]
    return pieces


def stock_checked(evidence: Evidence) -> Iterator[str]:
    """See that of scarce goods no piece was sold that was not there, and none vanished."""
    sold: Counter[str] = Counter()
    for _, child in _children(evidence):
        if child["state"] != CANCELLED:
            for line in child["lines"]:
                sold[line["sku_id"]] += line["quantity"]
    for sku_id, scarce in evidence.scarce.items():
        if sold[sku_id] > scarce.there:
            yield f"{sold[sku_id]} of {sku_id} were sold, {scarce.there} were there"
        if sold[sku_id] + scarce.left != scarce.there:
            yield (
                f"{sold[sku_id]} of {sku_id} were sold and {scarce.left} are left,"
                f" {scarce.there} were there"
            )


def money_checked(evidence: Evidence) -> Iterator[str]:
    """See that every account moved by exactly what was sold and shipped."""
    for partner in evidence.partners:
        gone = {
            child["id"]
            for order in partner.books.orders
            for child in order["children"]
            if child["state"] == CANCELLED
        }
        due = sum(
            child["goods_minor"] + child["freight_minor"]
            for answer in partner.placed.values()
            for child in answer["children"]
            if child["id"] not in gone
        )
        yield from _account_checked(partner.name, partner.stood, -due, partner.stands)
        for text in entries_checked(partner.books):
            yield f"{partner.name}: {text}"
    for supplier in evidence.suppliers:
        yield from _account_checked(
            supplier.name, supplier.stood, supplier.owed_minor, supplier.stands
        )


def _account_checked(
    name: str, stood: tuple[int, int], moved_minor: int, stands: tuple[int, int]
) -> Iterator[str]:
    expected = (stood[0] + moved_minor, 0)
    if stands != expected:
        yield f"{name} stands at {stands} fen (posted, held), by its own books at {expected}"


def events_checked(evidence: Evidence) -> Iterator[str]:
    """See that every partner was told of every step of every order, once and in order."""
    for partner in evidence.partners:
        for text in messages_checked(partner.books):
            yield f"{partner.name}: {text}"
    if evidence.events_waiting:
        yield f"{evidence.events_waiting} events still wait for the relay"


def suppliers_checked(evidence: Evidence) -> Iterator[str]:
    """See that each child order is with one supplier once, and was shipped whole, once."""
    holders: dict[str, list[Stage]] = defaultdict(list)
    for supplier in evidence.suppliers:
        for text in supplier.unexpected:
            yield f"{supplier.name}: {text}"
        for child_id, stage in supplier.stages.items():
            holders[child_id].append(stage)
    for order, child in _children(evidence):
        where = holders.pop(child["id"], [])
        if child["state"] == CANCELLED:
            if where not in ([], [Stage.CANCELLED]):
                yield f"{child['id']} is cancelled, suppliers have it as {where}"
        elif where != [Stage.DONE]:
            yield f"{child['id']} is {child['state']}, suppliers have it as {where or 'unknown'}"
        yield from _shipped_checked(order, child)
    for child_id, where in holders.items():
        yield f"suppliers have {child_id} as {where}, which nobody ordered"


def _shipped_checked(order: Document, child: Document) -> Iterator[str]:
    shipped: Counter[int] = Counter()
    for package in order.get("packages", ()):
        if package["child_id"] == child["id"]:
            for line in package["lines"]:
                shipped[line["line_no"]] += line["quantity"]
    is_gone = child["state"] == CANCELLED
    asked = {line["line_no"]: line["quantity"] for line in child["lines"]}
    if dict(shipped) != ({} if is_gone else asked):
        yield f"{child['id']} is {child['state']}, asked for {asked}, shipped {dict(shipped)}"


def world_checked(evidence: Evidence) -> Iterator[str]:
    """See that `weili verify` finds nothing."""
    yield from evidence.findings


def processes_checked(evidence: Evidence) -> Iterator[str]:
    """See that everything whose supervisor was killed has ended by itself."""
    for process in evidence.left_behind:
        yield f"{process} is still there, though its supervisor is gone"


def _children(evidence: Evidence) -> Iterator[tuple[Document, Document]]:
    for partner in evidence.partners:
        for order in partner.books.orders:
            for child in order["children"]:
                yield order, child


CHECKS: Final[Mapping[str, Callable[[Evidence], Iterator[str]]]] = {
    "answers": answers_checked,
    "orders": orders_checked,
    "stock": stock_checked,
    "money": money_checked,
    "events": events_checked,
    "suppliers": suppliers_checked,
    "verify": world_checked,
    "processes": processes_checked,
}
"""Every check there is."""
