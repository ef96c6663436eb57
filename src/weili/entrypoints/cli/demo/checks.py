"""Holds what the demo's programs counted against what the platform says; names what is off."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Final

from weili.adapters.suppliers.simulator import SupplierSimulator
from weili.entrypoints.cli.demo.course import Outcome
from weili.entrypoints.cli.demo.plan import Fate, Kind, Plan
from weili.entrypoints.cli.demo.reading import Books
from weili.entrypoints.cli.demo.trade import Document, PartnerProgram
from weili.modules import dropship

EXPECTED_REFUSALS: Final = frozenset(
    {
        "area_not_served",
        "balance_too_low",
        "cancel_too_late",
        "goods_not_on_sale",
        "order_number_reused",
        "price_changed",
        "state_conflict",
        "stock_short",
    }
)
FINAL: Final = frozenset(str(state) for state in dropship.ROOT_STATES.final())
CANCELLED: Final = str(dropship.OrderState.CANCELLED)
GONE: Final = frozenset({Fate.LAPSE, Fate.CANCEL_HELD})
NOT_SENT: Final = frozenset({"supplier_refused", "short"})
KEPT: Final = frozenset({Fate.KEEP, Fate.CONFIRM, Fate.RECEIPT})
_EMPTY: Final = {"posted_minor": 0, "held_minor": 0}


def all_checked(
    outcome: Outcome, plan: Plan, simulators: Sequence[SupplierSimulator]
) -> Iterator[str]:
    """Give everything that is off; nothing, when all is well."""
    yield from outcome.wrong
    yield from outcome.desk.off
    for program in outcome.programs:
        books = outcome.partners[program.name]
        for text in _partner_checked(program, books):
            yield f"{program.name}: {text}"
    yield from _plan_checked(outcome, plan)
    yield from _scarce_checked(outcome, plan)
    for simulator in simulators:
        for text in _supplier_checked(simulator, outcome.suppliers[simulator.name]):
            yield f"{simulator.name}: {text}"
    yield from _packages_checked(outcome, simulators)


def told_by_order(messages: Sequence[Document]) -> dict[str, list[Document]]:
    """Group the messages that tell of orders by the order."""
    told: dict[str, list[Document]] = defaultdict(list)
    for message in messages:
        if message["type"].startswith("order."):
            told[message["subject"]].append(message)
    return told


def cancelled_children(messages: Sequence[Document]) -> dict[str, str]:
    """Give the child orders that messages say were cancelled, and why."""
    return {
        message["data"]["child_id"]: message["data"]["reason"]
        for message in messages
        if message["type"] == "order.cancelled"
    }


def charges_minor(program: PartnerProgram, books: Books) -> int:
    """Say what a partner has to pay by its own books: what it placed and was not cancelled.

    Children come and go, so the pieces that were cancelled are counted at the prices at which the
    partner placed them; only their share of the freight is the platform's word.
    """
    gone = cancelled_children(books.messages)
    now = {order["id"]: order for order in books.orders}
    due = 0
    for order in program.placed.values():
        prices = {line["line_no"]: line["unit_price_minor"] for line in _lines(order.answer)}
        due += order.answer["total_minor"]
        for child in now.get(order.id, order.answer)["children"]:
            if child["id"] in gone:
                due -= child["freight_minor"]
                due -= sum(prices[one["line_no"]] * one["quantity"] for one in child["lines"])
    return due


def pieces_parted(outcome: Outcome) -> dict[str, int]:
    """Count pieces that left from elsewhere than was meant, and those that nobody could send."""
    moved = short = 0
    for program in outcome.programs:
        books = outcome.partners[program.name]
        reasons = cancelled_children(books.messages)
        now = {order["id"]: order for order in books.orders}
        for order in program.placed.values():
            there = _places(order.answer)
            later = now.get(order.id, order.answer)
            moved += sum((_places(later) - there).values())
            short += sum(
                line["quantity"]
                for child in later["children"]
                if reasons.get(child["id"]) in NOT_SENT
                for line in child["lines"]
            )
    return {"moved": moved, "short": short}


def _lines(order: Document) -> Iterator[Document]:
    for child in order["children"]:
        yield from child["lines"]


def _places(order: Document) -> Counter[tuple[str, int]]:
    """Count the pieces of each line by the warehouse that sends them, or would have."""
    places: Counter[tuple[str, int]] = Counter()
    for child in order["children"]:
        for line in child["lines"]:
            places[child["warehouse_id"], line["line_no"]] += line["quantity"]
    return places


def _pieces(order: Document) -> Counter[int]:
    """Count the pieces of each line, wherever they are."""
    pieces: Counter[int] = Counter()
    for (_, line_no), quantity in _places(order).items():
        pieces[line_no] += quantity
    return pieces


def _partner_checked(program: PartnerProgram, books: Books) -> Iterator[str]:
    yield from program.wrong
    for code, count in program.refusals.items():
        if code not in EXPECTED_REFUSALS:
            yield f"{count} unexpected refusal(s): {code}"
    mine = {order.id: order for order in program.placed.values()}
    theirs = {order["id"]: order for order in books.orders}
    if len(theirs) != len(books.orders) or mine.keys() != theirs.keys():
        yield f"placed {len(mine)} orders, the platform lists {len(books.orders)}"
    yield from _money_checked(program, books)
    yield from messages_checked(books)
    reasons = cancelled_children(books.messages)
    for order_id, order in mine.items():
        now = theirs.get(order_id)
        if now is None:
            continue
        yield from _parts_checked(order.answer, now)
        state, fate = now["state"], order.intent.fate
        if state not in FINAL:
            yield f"{order.intent.number} is still {state}"
        if fate in GONE and state != CANCELLED:
            yield f"{order.intent.number} ({fate}) is {state}"
        if fate in KEPT and state == CANCELLED:
            why = {reasons.get(child["id"]) for child in now["children"]}
            if not why <= NOT_SENT:
                yield f"{order.intent.number} ({fate}) was cancelled: {why}"


def _parts_checked(placed: Document, now: Document) -> Iterator[str]:
    """See that an order is what was placed, to the piece and the fen, however it was parted."""
    number = placed["number"]
    if _pieces(now) != _pieces(placed):
        yield f"{number} was placed as {dict(_pieces(placed))}, now it is {dict(_pieces(now))}"
    parts = sum(child["goods_minor"] + child["freight_minor"] for child in now["children"])
    if not placed["total_minor"] == now["total_minor"] == parts:
        yield f"{number} came to {placed['total_minor']}, now {now['total_minor']} of {parts}"


def _money_checked(program: PartnerProgram, books: Books) -> Iterator[str]:
    """Hold the statement against the partner's own books, and its entries against its ends."""
    expected = program.topped_up_minor - charges_minor(program, books)
    if books.opening != _EMPTY:
        yield f"the statement opens with {books.opening}"
    if books.closing != {"posted_minor": expected, "held_minor": 0}:
        yield f"the statement closes with {books.closing}, the partner's own books with {expected}"
    yield from entries_checked(books)


def entries_checked(books: Books) -> Iterator[str]:
    """See that the entries of a statement lead from its opening to its closing."""
    for column in _EMPTY:
        moved = sum(entry[column] for entry in books.entries)
        if books.opening[column] + moved != books.closing[column]:
            yield f"the entries come to {moved} {column}, which leads not to {books.closing}"


def messages_checked(books: Books) -> Iterator[str]:
    """See that each message came once, in order, and that each order's story is whole."""
    ids = Counter(message["id"] for message in books.messages)
    if doubled := sum(count - 1 for count in ids.values()):
        yield f"{doubled} message(s) came again after they were acknowledged"
    told = told_by_order(books.messages)
    for order in books.orders:
        yield from _story_checked(order, told.pop(order["id"], []))
    if told:
        yield f"{len(told)} order(s) are told of that nobody has"


def _story_checked(order: Document, story: Sequence[Document]) -> Iterator[str]:
    number = order["number"]
    kinds = [message["type"] for message in story]
    if not story or kinds[0] != "order.placed" or kinds.count("order.placed") != 1:
        yield f"{number}: its story begins {kinds[:2]}"
        return
    states = [message["data"]["state"] for message in story]
    for here, there in pairwise(states):
        if there != here and there not in _REACHABLE[here]:
            yield f"{number}: told {there} after {here}"
    if states[-1] != order["state"]:
        yield f"{number} is {order['state']}, last told {states[-1]}"
    told = Counter(m["data"]["package_id"] for m in story if m["type"] == "order.shipped")
    real = Counter(package["id"] for package in order.get("packages", ()))
    if told != real:
        yield f"{number}: {sum(real.values())} packages, {sum(told.values())} told of"
    for kind, state in (("order.cancelled", CANCELLED), ("order.completed", "completed")):
        told_of = Counter(m["data"]["child_id"] for m in story if m["type"] == kind)
        really = Counter(child["id"] for child in order["children"] if child["state"] == state)
        if told_of != really:
            yield f"{number}: {kind} told of {dict(told_of)}, but {dict(really)} are"


def _reachable() -> dict[str, frozenset[str]]:
    """Say from each state of an order which states may come at some time later."""
    steps = {str(here): {str(s) for s in there} for here, there in _steps().items()}
    reached = {here: set(there) for here, there in steps.items()}
    for _ in steps:
        for there in reached.values():
            there |= {far for near in tuple(there) for far in reached[near]}
    return {here: frozenset(there) for here, there in reached.items()}


def _steps() -> Mapping[dropship.OrderState, frozenset[dropship.OrderState]]:
    return dropship.ROOT_STATES.steps


_REACHABLE: Final = _reachable()


def _plan_checked(outcome: Outcome, plan: Plan) -> Iterator[str]:
    """See that what should be had was had, and what should be refused was refused."""
    placed = {number for program in outcome.programs for number in program.placed}
    for intent in plan.intents:
        is_placed = intent.number in placed
        if intent.kind in {Kind.SOUND, Kind.POOR} and not is_placed:
            yield f"{intent.number} ({intent.kind}) was not placed"
        if intent.kind in {Kind.UNSERVED, Kind.UNKNOWN} and is_placed:
            yield f"{intent.number} ({intent.kind}) was placed"


def _scarce_checked(outcome: Outcome, plan: Plan) -> Iterator[str]:
    """See that no more was sold than there is, and that what there is was sold."""
    sold: Counter[str] = Counter()
    asked: Counter[str] = Counter()
    for intent in plan.intents:
        for sku_id, quantity in intent.lines:
            asked[sku_id] += quantity
    refused_later: Counter[str] = Counter()
    for books in outcome.partners.values():
        for order in books.orders:
            for child in order["children"]:
                count = refused_later if child["state"] == CANCELLED else sold
                for line in child["lines"]:
                    count[line["sku_id"]] += line["quantity"]
    for sku_id, there in plan.scarce.items():
        if sold[sku_id] > there:
            yield f"{sold[sku_id]} of {sku_id} were sold, {there} were there"
        if sold[sku_id] + refused_later[sku_id] < min(there, asked[sku_id]):
            yield f"only {sold[sku_id]} of {sku_id} were sold, {there} were there"


def _supplier_checked(simulator: SupplierSimulator, books: Books) -> Iterator[str]:
    yield from simulator.unexpected
    if books.opening != _EMPTY:
        yield f"the statement opens with {books.opening}"
    if books.closing != {"posted_minor": simulator.owed_minor, "held_minor": 0}:
        yield (
            f"the statement closes with {books.closing}, the supplier's own books with"
            f" {simulator.owed_minor}"
        )
    yield from entries_checked(books)


def _packages_checked(outcome: Outcome, simulators: Sequence[SupplierSimulator]) -> Iterator[str]:
    """Hold what suppliers sent and would not send against what partners see of it."""
    met = _met(simulators)
    packages = [
        package
        for books in outcome.partners.values()
        for order in books.orders
        for package in order.get("packages", ())
    ]
    pieces = sum(line["quantity"] for package in packages for line in package["lines"])
    arrived = sum(package["delivered_at"] is not None for package in packages)
    sent = (met["packages_shipped"], met["packages_delivered"], met["pieces_shipped"])
    if (len(packages), arrived, pieces) != sent:
        yield (
            f"suppliers shipped, delivered and packed {sent} packages, packages and pieces;"
            f" partners see {(len(packages), arrived, pieces)}"
        )
    parted = pieces_parted(outcome)
    if sum(parted.values()) > met["pieces_refused"]:
        yield f"suppliers refused {met['pieces_refused']} pieces, partners were told of {parted}"


def _met(simulators: Sequence[SupplierSimulator]) -> Counter[str]:
    met: Counter[str] = Counter()
    for simulator in simulators:
        met.update(simulator.counts)
    return met
