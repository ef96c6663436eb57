"""What is going to be tried, thrown from a seed before anything is sent.

The plan says what each partner attempts and what its customers and the day do to it. How it all
falls together in time is left to the machines, so the same plan never runs the same way twice.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from weili.adapters.suppliers.dice import Dice
from weili.entrypoints.cli.demo.market import Item
from weili.sample import SamplePerson

LINES_MAX: Final = 3
BATCH_MAX: Final = 50
SCARCE_SKUS: Final = 6
POOR_PARTNERS: Final = 2
PRICE_CHANGES: Final = 3
PRICE_CHANGE_SKUS: Final = 12
FREIGHT_MINOR_MAX: Final = 2_800
"""The dearest freight of the sample's rules."""


class Kind(StrEnum):
    """What is to be expected of an order."""

    SOUND = "sound"
    SCARCE = "scarce"
    POOR = "poor"
    UNSERVED = "unserved"
    UNKNOWN = "unknown"


class Mischief(StrEnum):
    """What goes wrong between the partner and the platform."""

    NONE = "none"
    TWICE = "twice"
    TWICE_AT_ONCE = "twice_at_once"
    CUT = "cut"
    ALTERED = "altered"


class Fate(StrEnum):
    """What the partner does with an order once it is placed."""

    KEEP = "keep"
    CONFIRM = "confirm"
    LAPSE = "lapse"
    CANCEL_HELD = "cancel_held"
    CANCEL_EARLY = "cancel_early"
    CANCEL_LATE = "cancel_late"
    RECEIPT = "receipt"


HELD: Final = frozenset({Fate.CONFIRM, Fate.LAPSE, Fate.CANCEL_HELD})
"""Fates of orders that are placed on hold."""


@dataclass(frozen=True, slots=True)
class Intent:
    """An order that a partner will try to place."""

    number: str
    kind: Kind
    partner: int
    person: SamplePerson
    lines: tuple[tuple[str, int], ...]
    mischief: Mischief
    fate: Fate


@dataclass(frozen=True, slots=True)
class Send:
    """A request to be sent: one order, or several of one partner together."""

    intents: tuple[Intent, ...]
    is_batch: bool
    is_cut: bool = False
    has_twin: bool = False


@dataclass(frozen=True, slots=True)
class PriceChange:
    """Prices that change once so many requests are answered."""

    after_sends: int
    prices: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Plan:
    """All that is going to be tried.

    ``elsewhere`` is what suppliers with a second warehouse hold there, of what is not scarce: when
    one warehouse won't send something, the other may.
    """

    seed: int
    sends: Sequence[Send]
    price_changes: Sequence[PriceChange]
    stock: Mapping[str, int]
    elsewhere: Mapping[str, int]
    scarce: Mapping[str, int]
    top_ups: Mapping[int, int]
    later_top_ups: Mapping[int, int]

    @property
    def intents(self) -> list[Intent]:
        """Give every order of the plan."""
        return [intent for send in self.sends for intent in send.intents]


@dataclass(frozen=True, slots=True)
class _Ground:
    """What the throws choose from."""

    dice: Dice
    plenty: Sequence[Item]
    scarce: Sequence[Item]
    served: Mapping[str, Sequence[SamplePerson]]
    unserved: Sequence[SamplePerson]
    partners: int


def plan_made(
    *,
    seed: int,
    orders: int,
    items: Sequence[Item],
    partners: int,
    people: Sequence[SamplePerson],
    serves: Callable[[str, str], bool],
    hidden: str,
) -> Plan:
    """Throw a plan with so many sound orders, and some on top that can't all be had.

    ``serves`` says whether a supplier sends to an area; ``hidden`` is an SKU that nobody sees.
    """
    dice = Dice(seed, "plan")
    ground = _ground(dice, items, partners, people, serves)
    intents = _intents(ground, seed=seed, orders=orders, hidden=hidden)
    intents = dice.shuffled(intents)
    sends = _sends(dice, intents)
    prices = {item.sku_id: item.price_minor for item in items}
    spent: Counter[int] = Counter()
    for intent in intents:
        spent[intent.partner] += FREIGHT_MINOR_MAX + sum(
            prices.get(sku_id, 0) * quantity for sku_id, quantity in intent.lines
        )
    poor = range(partners - POOR_PARTNERS, partners)
    rich = {partner: _round_up(spent[partner] * 3 // 2 + 100_000) for partner in range(partners)}
    return Plan(
        seed=seed,
        sends=sends,
        price_changes=_price_changes(dice, len(sends), ground.plenty, intents),
        stock=_stock(intents, items),
        elsewhere=_elsewhere(intents, ground.plenty),
        scarce={item.sku_id: _scarce_count(orders) for item in ground.scarce},
        top_ups={n: spent[n] * 2 // 5 + 1 if n in poor else rich[n] for n in range(partners)},
        later_top_ups={partner: rich[partner] for partner in poor},
    )


def _ground(
    dice: Dice,
    items: Sequence[Item],
    partners: int,
    people: Sequence[SamplePerson],
    serves: Callable[[str, str], bool],
) -> _Ground:
    suppliers = sorted({item.supplier for item in items})
    served = {
        supplier: [person for person in people if serves(supplier, person.area_code)]
        for supplier in suppliers
    }
    unserved = [
        person
        for person in people
        if not any(serves(supplier, person.area_code) for supplier in suppliers)
    ]
    by_stock = sorted(items, key=lambda item: (item.stock, item.title, item.sku_id))
    scarce = min(SCARCE_SKUS, len(items) // 2)
    # SKU ids differ from run to run; what is chosen must not.
    plenty = sorted(by_stock[scarce:], key=lambda item: (item.title, item.price_minor, item.stock))
    return _Ground(dice, plenty, by_stock[:scarce], served, unserved, partners)


def _intents(ground: _Ground, *, seed: int, orders: int, hidden: str) -> list[Intent]:
    dice, rich = ground.dice, ground.partners - POOR_PARTNERS
    made: list[Intent] = []

    def add(kind: Kind, partner: int, person: SamplePerson, *lines: tuple[str, int]) -> None:
        number = f"D{seed}-{len(made) + 1:05}"
        is_sound = kind is Kind.SOUND
        made.append(
            Intent(
                number=number,
                kind=kind,
                partner=partner,
                person=person,
                lines=lines,
                mischief=_mischief(dice) if is_sound else Mischief.NONE,
                fate=_fate(dice) if is_sound else Fate.KEEP,
            )
        )

    for _ in range(orders):
        person, lines = _basket(ground)
        add(Kind.SOUND, dice.below(rich), person, *lines)
    for number in range(max(orders // 50, 6)):
        person, lines = _basket(ground)
        add(Kind.POOR, rich + number % POOR_PARTNERS, person, *lines)
    for item in ground.scarce:
        for _ in range(2 * _scarce_count(orders)):
            add(
                Kind.SCARCE,
                dice.below(rich),
                dice.pick(ground.served[item.supplier]),
                (item.sku_id, 1),
            )
    for _ in range(max(orders // 60, 2)):
        if ground.unserved:
            item = dice.pick(ground.plenty)
            add(Kind.UNSERVED, dice.below(rich), dice.pick(ground.unserved), (item.sku_id, 1))
    for _ in range(max(orders // 100, 2)):
        item = dice.pick(ground.plenty)
        add(
            Kind.UNKNOWN,
            dice.below(rich),
            dice.pick(ground.served[item.supplier]),
            (item.sku_id, 1),
            (hidden, 1),
        )
    return made


def _basket(ground: _Ground) -> tuple[SamplePerson, list[tuple[str, int]]]:
    """Throw a person and goods that can all be sent there; some goods are asked for far more."""
    dice, count = ground.dice, len(ground.plenty)
    first = ground.plenty[dice.below(count) * dice.below(count) // count]
    person = dice.pick(ground.served[first.supplier])
    lines = {first.sku_id: _quantity(dice)}
    for _ in range(LINES_MAX - 1):
        if dice.happens(250):
            other = dice.pick(ground.plenty)
            if person in ground.served[other.supplier]:
                lines.setdefault(other.sku_id, _quantity(dice))
    return person, list(lines.items())


def _quantity(dice: Dice) -> int:
    throw = dice.below(100)
    if throw < 60:  # noqa: PLR2004 - six of ten ask for one piece
        return 1
    if throw < 85:  # noqa: PLR2004
        return 2
    return dice.between(3, 5) if throw < 98 else dice.between(10, 12)  # noqa: PLR2004


def _mischief(dice: Dice) -> Mischief:
    throw = dice.below(1_000)
    for limit, mischief in (
        (40, Mischief.TWICE),
        (80, Mischief.TWICE_AT_ONCE),
        (130, Mischief.CUT),
        (140, Mischief.ALTERED),
    ):
        if throw < limit:
            return mischief
    return Mischief.NONE


def _fate(dice: Dice) -> Fate:
    throw = dice.below(1_000)
    for limit, fate in (
        (90, Fate.CONFIRM),
        (105, Fate.LAPSE),
        (115, Fate.CANCEL_HELD),
        (135, Fate.CANCEL_EARLY),
        (170, Fate.CANCEL_LATE),
        (220, Fate.RECEIPT),
    ):
        if throw < limit:
            return fate
    return Fate.KEEP


def _sends(dice: Dice, intents: Sequence[Intent]) -> list[Send]:
    """Send about half of the orders one by one and the others in batches of one partner."""
    sends: list[Send] = []
    waiting: dict[int, list[Intent]] = defaultdict(list)

    def together(batch: Sequence[Intent]) -> None:
        # What befalls a whole batch befalls all in it; a batch has no mischief of single orders.
        plain = tuple(replace(intent, mischief=Mischief.NONE) for intent in batch)
        sends.append(Send(plain, True, is_cut=dice.happens(100), has_twin=dice.happens(300)))

    for intent in intents:
        if intent.mischief is not Mischief.NONE or dice.happens(450):
            sends.append(Send((intent,), is_batch=False))
            continue
        batch = waiting[intent.partner]
        batch.append(intent)
        if len(batch) == BATCH_MAX or dice.happens(15):
            together(waiting.pop(intent.partner))
    for partner in sorted(waiting):
        together(waiting[partner])
    return dice.shuffled(sends)


def _price_changes(
    dice: Dice, sends: int, plenty: Sequence[Item], intents: Sequence[Intent]
) -> list[PriceChange]:
    """Let some of the goods that are asked for most change their price while orders come in."""
    asked = Counter(sku_id for intent in intents for sku_id, _ in intent.lines)
    popular = sorted(plenty, key=lambda item: -asked[item.sku_id])[: 4 * PRICE_CHANGE_SKUS]
    now = {item.sku_id: item.price_minor for item in popular}
    changes = []
    for change in range(1, PRICE_CHANGES + 1):
        prices = {}
        for item in dice.shuffled(popular)[:PRICE_CHANGE_SKUS]:
            # A tenth more at most, and a fen at least: a change must be one.
            now[item.sku_id] += 1 + now[item.sku_id] * dice.between(1, 30) // 1_000
            prices[item.sku_id] = now[item.sku_id]
        changes.append(PriceChange(sends * change // (PRICE_CHANGES + 1), prices))
    return changes


def _stock(intents: Sequence[Intent], items: Sequence[Item]) -> dict[str, int]:
    """Say of which goods more must be received, so that what is sound can be had."""
    asked = _asked(intents)
    return {
        item.sku_id: 2 * asked[item.sku_id] for item in items if 2 * asked[item.sku_id] > item.stock
    }


def _elsewhere(intents: Sequence[Intent], plenty: Sequence[Item]) -> dict[str, int]:
    asked = _asked(intents)
    return {item.sku_id: asked[item.sku_id] for item in plenty if asked[item.sku_id]}


def _asked(intents: Sequence[Intent]) -> Counter[str]:
    """Count the pieces that are going to be asked for."""
    asked: Counter[str] = Counter()
    for intent in intents:
        for sku_id, quantity in intent.lines:
            asked[sku_id] += quantity
    return asked


def _scarce_count(orders: int) -> int:
    return max(3, orders // 250)


def _round_up(amount_minor: int) -> int:
    """Round up to a hundred yuan: nobody pays in odd fen."""
    return -(-amount_minor // 10_000) * 10_000
