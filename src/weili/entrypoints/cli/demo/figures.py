"""The figures of a demo, for people to read and for scripts to take."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from weili.adapters.suppliers.simulator import SupplierSimulator
from weili.entrypoints.cli.demo.checks import CANCELLED, cancelled_children, pieces_parted
from weili.entrypoints.cli.demo.course import Outcome
from weili.entrypoints.cli.demo.market import Market
from weili.entrypoints.cli.demo.plan import Plan
from weili.entrypoints.cli.demo.reading import Books
from weili.kit.findings import Finding


@dataclass(frozen=True, slots=True)
class AccountFigures:
    """A statement in one line: what it began with, came in, went out, and ended with."""

    name: str
    opening_minor: int
    in_minor: int
    out_minor: int
    closing_minor: int
    orders: int


@dataclass(frozen=True, slots=True)
class Figures:
    """All that the demo tells."""

    seed: int
    catalogue: str
    skus: int
    warehouses: int
    planned: int
    requests: int
    placed: int
    placed_while_placing: int
    placing_s: float
    setup_s: float
    whole_s: float
    sent: dict[str, int]
    refused: dict[str, int]
    asked_again: dict[str, int]
    orders: dict[str, int]
    cancelled_why: dict[str, int]
    asked_to_cancel: dict[str, int]
    shipments: dict[str, int]
    pieces: dict[str, int]
    unkindness: dict[str, int]
    messages: dict[str, int]
    themes: dict[str, dict[str, int]]
    partners: Sequence[AccountFigures]
    suppliers: Sequence[AccountFigures]
    verified: Sequence[str]
    findings: Sequence[Finding]
    off: Sequence[str]

    @property
    def orders_per_s(self) -> int:
        """Say how many orders were placed a second while orders were being placed."""
        return int(self.placed_while_placing / self.placing_s) if self.placing_s else 0

    @property
    def is_well(self) -> bool:
        """Say whether nothing is off."""
        return not self.findings and not self.off

    def document(self) -> dict[str, Any]:
        """Give everything for a script."""
        return {"ok": self.is_well, "orders_per_s": self.orders_per_s, **asdict(self)}


SENT = ("batches", "sent_twice", "replayed", "hung_up", "asked_by_number", "found_by_number")
SHIPMENTS = ("packages_shipped", "packages_delivered", "pieces_shipped", "delivered_out_of_order")
UNKINDNESS = (
    "trouble_late",
    "trouble_error",
    "trouble_cut_before",
    "trouble_cut_after",
    "seen_again",
    "refused",
    "refused_in_part",
    "picked_short",
    "cancelled",
    "cancelled_unseen",
    "cancel_refused",
    "cancels_answered_later",
    "shipped_late",
    "reports_twice",
    "reports_cut",
    "report_state_conflict",
)


def figures_of(
    *,
    plan: Plan,
    market: Market,
    outcome: Outcome,
    simulators: Sequence[SupplierSimulator],
    verified: Sequence[str],
    findings: Sequence[Finding],
    off: Sequence[str],
    setup_s: float,
    whole_s: float,
) -> Figures:
    """Sum up what the demo's programs know."""
    sent = _summed(program.counts for program in outcome.programs)
    met = _summed(simulator.counts for simulator in simulators)
    every = list(outcome.partners.values())
    orders = [order for books in every for order in books.orders]
    gone = {k: v for books in every for k, v in cancelled_children(books.messages).items()}
    return Figures(
        seed=plan.seed,
        catalogue=market.catalogue,
        skus=len(market.items),
        warehouses=market.warehouses,
        planned=len(plan.intents),
        requests=len(plan.sends),
        placed=sum(len(program.placed) for program in outcome.programs),
        placed_while_placing=outcome.placed_while_placing,
        placing_s=round(outcome.placing_s, 2),
        setup_s=round(setup_s, 1),
        whole_s=round(whole_s, 1),
        sent={name: sent[name] for name in SENT},
        refused=_sorted(_summed(program.refusals for program in outcome.programs)),
        asked_again=_sorted(_summed(program.api.troubles for program in outcome.programs)),
        orders=_sorted(Counter(order["state"] for order in orders)),
        cancelled_why=_sorted(Counter(gone.values())),
        asked_to_cancel={
            name.removeprefix("cancel_"): count
            for name, count in sorted(sent.items())
            if name.startswith("cancel_")
        },
        shipments={name: met[name] for name in SHIPMENTS},
        pieces={"refused": met["pieces_refused"], **pieces_parted(outcome)},
        unkindness={name: met[name] for name in UNKINDNESS},
        messages=_sorted(Counter(m["type"] for books in every for m in books.messages)),
        themes={name: dict(counts) for name, counts in outcome.desk.counts.items()},
        partners=[
            _account(name, books, sum(order["state"] != CANCELLED for order in books.orders))
            for name, books in sorted(outcome.partners.items())
        ],
        suppliers=[
            _account(simulator.name, outcome.suppliers[simulator.name], simulator.counts["done"])
            for simulator in simulators
        ],
        verified=verified,
        findings=findings,
        off=off,
    )


def _account(name: str, books: Books, orders: int) -> AccountFigures:
    moved = [entry["posted_minor"] for entry in books.entries]
    return AccountFigures(
        name=name,
        opening_minor=books.opening["posted_minor"],
        in_minor=sum(amount for amount in moved if amount > 0),
        out_minor=-sum(amount for amount in moved if amount < 0),
        closing_minor=books.closing["posted_minor"],
        orders=orders,
    )


def _summed(counters: Iterable[Counter[str]]) -> Counter[str]:
    total: Counter[str] = Counter()
    for counter in counters:
        total.update(counter)
    return total


def _sorted(counter: Counter[str]) -> dict[str, int]:
    return dict(sorted(counter.items(), key=lambda pair: (-pair[1], pair[0])))
