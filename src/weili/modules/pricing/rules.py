"""Which price and which freight apply: pure, over what was read once for a whole batch."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from weili.kit.context import PartyId
from weili.kit.ids import id_text
from weili.kit.money import AMOUNT_MINOR_MAX
from weili.kit.problems import FieldProblem, InputInvalid, Said
from weili.modules import regions
from weili.modules.goods import SKU_PREFIX, SkuId
from weili.modules.pricing.model import (
    TEMPLATE_DEFAULT,
    CompareAtRow,
    CostRow,
    FirstAmounts,
    FreightBasis,
    FreightCharge,
    FreightLine,
    FreightRow,
    ListId,
    Price,
    PriceRow,
    TemplateId,
    TierKey,
    Window,
)
from weili.modules.pricing.problems import AreaExcluded, FreightNotSet, WeightMissing

QUANTITY_MIN_MAX: Final = 1_000_000
UNITS_MAX: Final = 1_000_000_000
"""Grams or pieces that a freight rule may speak of."""

_ONE_TIER: Final = Said("one row for each SKU and quantity_min", "每个 SKU 与 quantity_min 一行")
_ONE_SKU: Final = Said("one row for each SKU", "每个 SKU 一行")
_ONE_REGION: Final = Said("one row for each region", "每个地区一行")
_NOT_COUNTED: Final = Said(
    "no units: this template counts the order", "不含计件或计重字段：该模板按单计费"
)


class PriceBook:
    """The prices of some partners and SKUs, at one moment.

    A partner's own list is asked first, then its channel's, then the default one. Each fills what
    those before it leave open: SKUs they do not name, and quantities below their lowest tier.

    What begins or ends by time is decided here, by the moment alone: a price takes effect exactly
    when it should, whatever the sweep that announces it is doing.
    """

    __slots__ = ("_chains", "_costs", "_default", "_ladders", "_now", "_standing", "_windows")

    def __init__(
        self,
        *,
        now: datetime,
        default: Sequence[ListId],
        chains: Mapping[PartyId, Sequence[ListId]],
        standing: Mapping[tuple[ListId, SkuId], Sequence[Price]],
        windows: Mapping[tuple[ListId, SkuId], Mapping[int, Sequence[Window]]],
        costs: Mapping[SkuId, Sequence[tuple[datetime | None, int]]],
    ) -> None:
        """Take standing tiers, highest ``quantity_min`` first, and costs, the latest first."""
        self._now = now
        self._default = default
        self._chains = chains
        self._standing = standing
        self._windows = windows
        self._costs = costs
        self._ladders = dict(standing)
        for key in windows:
            self._ladders[key] = self._ladder(key, now)

    def at(self, moment: datetime) -> "PriceBook":
        """Give the same book as it will be at a moment from now on, as far as that is known."""
        return PriceBook(
            now=moment,
            default=self._default,
            chains=self._chains,
            standing=self._standing,
            windows=self._windows,
            costs=self._costs,
        )

    def unit_price(self, partner_id: PartyId, sku_id: SkuId, quantity: int) -> Price | None:
        """Give the price a piece for this partner at this quantity, if there is one."""
        for list_id in self._chains.get(partner_id, self._default):
            for tier in self._ladders.get((list_id, sku_id), ()):
                if quantity >= tier.quantity_min:
                    return tier
        return None

    def tiers(self, partner_id: PartyId, sku_id: SkuId) -> tuple[Price, ...]:
        """Give every tier that this partner can reach, lowest quantity first."""
        found: list[Price] = []
        for list_id in self._chains.get(partner_id, self._default):
            for tier in self._ladders.get((list_id, sku_id), ()):
                if not found or tier.quantity_min < found[-1].quantity_min:
                    found.append(tier)
        return tuple(reversed(found))

    def valid_until(self, partner_id: PartyId, sku_id: SkuId, quantity: int) -> datetime | None:
        """Say when that price is known to become another, or to be there no more."""
        chain = self._chains.get(partner_id, self._default)
        windows = [self._windows.get((list_id, sku_id), {}) for list_id in chain]
        moments = {
            moment
            for tiers in windows
            for tier in tiers.values()
            for window in tier
            for moment in (window.valid_from, window.valid_to)
            if moment is not None and moment > self._now
        }
        price = self.unit_price(partner_id, sku_id, quantity)
        for moment in sorted(moments):
            if self._price_at(chain, sku_id, quantity, moment) != price:
                return moment
        return None

    def tier(self, key: TierKey) -> Price | None:
        """Give the one tier of a list that begins at exactly this quantity."""
        for tier in self._ladders.get((key.list_id, key.sku_id), ()):
            if tier.quantity_min == key.quantity_min:
                return tier
        return None

    def is_windowed(self, key: TierKey) -> bool:
        """Say whether that tier is as it is by a change whose time is not over."""
        tiers = self._windows.get((key.list_id, key.sku_id), {})
        tier = self.tier(key)
        return tier is not None and any(
            window.version == tier.version for window in tiers.get(key.quantity_min, ())
        )

    def list_price(self, key: TierKey) -> int | None:
        """Give what a list asks at a quantity, whichever of its tiers that is."""
        for tier in self._ladders.get((key.list_id, key.sku_id), ()):
            if key.quantity_min >= tier.quantity_min:
                return tier.unit_price_minor
        return None

    def is_felt(self, partner_id: PartyId, key: TierKey) -> bool:
        """Say whether a partner pays by this tier at the quantity that it begins at."""
        for list_id in self._chains.get(partner_id, self._default):
            if list_id == key.list_id:
                return True
            ladder = self._ladders.get((list_id, key.sku_id), ())
            if ladder and ladder[-1].quantity_min <= key.quantity_min:
                return False
        return False

    def unit_cost_minor(self, sku_id: SkuId) -> int | None:
        """Give what the supplier is owed a piece, if that was agreed."""
        for valid_from, unit_cost_minor in self._costs.get(sku_id, ()):
            if valid_from is None or valid_from <= self._now:
                return unit_cost_minor
        return None

    def _price_at(
        self, chain: Sequence[ListId], sku_id: SkuId, quantity: int, at: datetime
    ) -> Price | None:
        for list_id in chain:
            for tier in self._ladder((list_id, sku_id), at):
                if quantity >= tier.quantity_min:
                    return tier
        return None

    def _ladder(self, key: tuple[ListId, SkuId], at: datetime) -> Sequence[Price]:
        """Give a list's tiers for an SKU at a moment from now on, highest quantity first."""
        standing = self._standing.get(key, ())
        windows = self._windows.get(key)
        if windows is None:
            return standing
        tiers = {tier.quantity_min: tier for tier in standing}
        for quantity_min, tier_windows in windows.items():
            window = window_in_force(tier_windows, at)
            if window is not None:
                tiers[quantity_min] = Price(window.unit_price_minor, window.version, quantity_min)
        return [tiers[quantity_min] for quantity_min in sorted(tiers, reverse=True)]


def ladders_of(rows: Iterable[tuple[int, Price]]) -> dict[int, tuple[Price, ...]]:
    """Give the tiers that can be reached, lowest quantity first, of places in a list.

    The rows are those of the list that is asked first before all others, and of each list the
    highest tiers first.
    """
    ladders: dict[int, list[Price]] = {}
    for place, tier in rows:
        ladder = ladders.get(place)
        if ladder is None:
            ladders[place] = [tier]
        elif tier.quantity_min < ladder[-1].quantity_min:
            ladder.append(tier)
    return {place: tuple(reversed(ladder)) for place, ladder in ladders.items()}


def tier_reached(tiers: Sequence[Price], quantity: int) -> Price | None:
    """Give the highest tier that a quantity reaches, of those that can be reached at all."""
    reached = None
    for tier in tiers:
        if tier.quantity_min > quantity:
            break
        reached = tier
    return reached


def window_in_force(windows: Iterable[Window], at: datetime) -> Window | None:
    """Give the price of a tier that a moment falls into, besides the standing one.

    One that has an end goes before those that have none; of these the latest to begin counts.
    """
    begun = [window for window in windows if window.valid_from <= at]
    for window in begun:
        if window.valid_to is not None and at < window.valid_to:
            return window
    lasting = [window for window in begun if window.valid_to is None]
    return max(lasting, key=lambda window: window.valid_from, default=None)


def window_overlapping(
    windows: Iterable[Window], *, valid_from: datetime, valid_to: datetime | None
) -> Window | None:
    """Give a price of the tier that one more could not stand beside.

    Two that end must not overlap, and two that do not end must not begin together: which of them
    counts would be chance. One that ends may lie over one that does not.
    """
    for window in windows:
        if valid_to is None or window.valid_to is None:
            if valid_to == window.valid_to and valid_from == window.valid_from:
                return window
        elif window.valid_from < valid_to and valid_from < window.valid_to:
            return window
    return None


class FreightBook:
    """By which templates some SKUs travel, and the rules that some areas fall under."""

    __slots__ = ("_bases", "_by_area", "_rules", "_templates")

    def __init__(
        self,
        *,
        templates: Mapping[SkuId, TemplateId],
        bases: Mapping[TemplateId, FreightBasis],
        rules: Mapping[tuple[TemplateId, str], FreightRow],
    ) -> None:
        """Take what was read; an area's own rule is found once and remembered."""
        self._templates = templates
        self._bases = bases
        self._rules = rules
        self._by_area: dict[tuple[TemplateId, str], FreightRow] = {}

    def freight_minor(
        self, area_code: str, lines: Sequence[FreightLine]
    ) -> tuple[FreightCharge, ...]:
        """Give what each template asks for the lines of an order that travel by it.

        An order's freight is their sum. A template is asked once for all its lines, from however
        many warehouses they come: how the platform splits an order is not the buyer's doing. So
        goods of suppliers without a template of their own bear one fee between them, and goods of
        a supplier with one bear another.

        Raises: FreightNotSet, rather than sending goods for nothing because a rule is missing;
        AreaExcluded; WeightMissing.
        """
        by_template: dict[TemplateId, list[int]] = {}
        for index, line in enumerate(lines):
            template_id = self._templates.get(line.sku_id, TEMPLATE_DEFAULT)
            by_template.setdefault(template_id, []).append(index)
        charges = []
        for template_id, indexes in by_template.items():
            rule = self._by_area.get((template_id, area_code))
            if rule is None:
                rule = self._rule(template_id, area_code)
                self._by_area[template_id, area_code] = rule
            mine = [lines[index] for index in indexes]
            if rule.is_excluded:
                raise AreaExcluded(area_code=area_code, sku_ids=_sku_texts(mine))
            basis = self._bases[template_id]
            charges.append(FreightCharge(template_id, basis, indexes, _fee(rule, basis, mine)))
        return tuple(charges)

    def _rule(self, template_id: TemplateId, area_code: str) -> FreightRow:
        for code in regions.lineage(area_code):
            if (rule := self._rules.get((template_id, code))) is not None:
                return rule
        raise FreightNotSet(area_code=area_code)


def _fee(rule: FreightRow, basis: FreightBasis, lines: Sequence[FreightLine]) -> int:
    """Give a rule's fee; a unit that is begun counts whole."""
    pieces = sum([line.quantity for line in lines])
    if rule.free_from_pieces is not None and pieces >= rule.free_from_pieces:
        return 0
    amount_minor = sum([line.amount_minor for line in lines])
    if rule.free_from_minor is not None and amount_minor >= rule.free_from_minor:
        return 0
    if basis is FreightBasis.ORDER:
        return rule.base_minor
    units = pieces
    if basis is FreightBasis.WEIGHT:
        if weightless := [line for line in lines if not line.weight_g]:
            raise WeightMissing(sku_ids=_sku_texts(weightless))
        units = sum(line.quantity * line.weight_g for line in lines)
    steps = -(-max(0, units - rule.first_units) // rule.next_units)
    return rule.base_minor + steps * rule.next_minor


def _sku_texts(lines: Iterable[FreightLine]) -> list[str]:
    return list(dict.fromkeys(id_text(SKU_PREFIX, line.sku_id) for line in lines))


def price_book_of(
    *,
    now: datetime,
    lists: Iterable[tuple[PartyId | None, int, ListId]],
    prices: Iterable[tuple[ListId, SkuId, int, int, int]],
    windows: Iterable[tuple[TierKey, Window]] = (),
    costs: Iterable[tuple[SkuId, datetime | None, int]] = (),
) -> PriceBook:
    """Make a book of rows.

    ``lists`` are (partner, rank, list), the lowest rank asked first; without a partner it is the
    default one. ``prices`` are (list, SKU, quantity_min, unit_price_minor, version), the highest
    tier first. ``costs`` are (SKU, from when, cost), None for what stands until then.
    """
    standing: dict[tuple[ListId, SkuId], list[Price]] = {}
    for list_id, sku_id, quantity_min, unit_price_minor, version in prices:
        price = Price(unit_price_minor, version, quantity_min)
        standing.setdefault((list_id, sku_id), []).append(price)
    tiers: dict[tuple[ListId, SkuId], dict[int, list[Window]]] = {}
    for key, window in windows:
        of_sku = tiers.setdefault((key.list_id, key.sku_id), {})
        of_sku.setdefault(key.quantity_min, []).append(window)
    default: list[ListId] = []
    own: dict[PartyId, list[tuple[int, ListId]]] = {}
    for partner_id, rank, list_id in lists:
        if partner_id is None:
            default.append(list_id)
        else:
            own.setdefault(partner_id, []).append((rank, list_id))
    dated: dict[SkuId, list[tuple[datetime | None, int]]] = {}
    for sku_id, valid_from, unit_cost_minor in costs:
        dated.setdefault(sku_id, []).append((valid_from, unit_cost_minor))
    for found in dated.values():
        if len(found) > 1:
            found.sort(key=lambda cost: (cost[0] is not None, cost[0]), reverse=True)
    return PriceBook(
        now=now,
        default=default,
        chains={
            partner_id: [*(list_id for _, list_id in sorted(ranked)), *default]
            for partner_id, ranked in own.items()
        },
        standing=standing,
        windows=tiers,
        costs=dated,
    )


def price_rows_check(rows: Sequence[PriceRow]) -> None:
    """Refuse rows outside their bounds, or two for the same tier.

    Raises: InputInvalid, naming each row at fault.
    """
    wrong: list[FieldProblem] = []
    seen: set[tuple[int, int]] = set()
    for i, row in enumerate(rows):
        if not 1 <= row.quantity_min <= QUANTITY_MIN_MAX:
            expected = Said(f"1 to {QUANTITY_MIN_MAX}", f"1 至 {QUANTITY_MIN_MAX}")
            wrong.append(FieldProblem(f"/{i}/quantity_min", "out_of_range", expected))
        wrong += _amount_wrong(f"/{i}/unit_price_minor", row.unit_price_minor)
        tier = row.sku_id.int, row.quantity_min
        if tier in seen:
            wrong.append(FieldProblem(f"/{i}", "twice", _ONE_TIER))
        seen.add(tier)
    _refuse(wrong)


def first_amounts_check(rows: Sequence[FirstAmounts]) -> None:
    """Refuse amounts outside their bounds.

    Raises: InputInvalid, naming each row at fault.
    """
    wrong: list[FieldProblem] = []
    for i, row in enumerate(rows):
        wrong += _amount_wrong(f"/{i}/unit_cost_minor", row.unit_cost_minor)
        wrong += _amount_wrong(f"/{i}/unit_price_minor", row.unit_price_minor)
    _refuse(wrong)


def cost_rows_check(rows: Sequence[CostRow]) -> None:
    """Refuse amounts outside their bounds, or two rows for the same SKU.

    Raises: InputInvalid, naming each row at fault.
    """
    wrong: list[FieldProblem] = []
    seen: set[SkuId] = set()
    for i, row in enumerate(rows):
        wrong += _amount_wrong(f"/{i}/unit_cost_minor", row.unit_cost_minor)
        if row.sku_id in seen:
            wrong.append(FieldProblem(f"/{i}", "twice", _ONE_SKU))
        seen.add(row.sku_id)
    _refuse(wrong)


def compare_at_rows_check(rows: Sequence[CompareAtRow]) -> None:
    """Refuse amounts outside their bounds, or two rows for the same SKU.

    Raises: InputInvalid, naming each row at fault.
    """
    wrong: list[FieldProblem] = []
    seen: set[SkuId] = set()
    for i, row in enumerate(rows):
        wrong += _amount_wrong(f"/{i}/compare_at_minor", row.compare_at_minor)
        if row.sku_id in seen:
            wrong.append(FieldProblem(f"/{i}", "twice", _ONE_SKU))
        seen.add(row.sku_id)
    _refuse(wrong)


def is_held(compare_at_minor: int, lowest_minor: int | None) -> bool:
    """Say whether a compare-at price may be shown without a word.

    ``lowest_minor`` is the lowest transaction price of the seven days before, or where these had
    no trade the last transaction price (art. 16 paragraph 2); what was never sold has none, and a
    price that nothing can be compared with is not to be shown (art. 17 paragraph 2).

    Source: 明码标价和禁止价格欺诈规定 (2022, SAMR order 56) art. 16, 17.
    """
    return lowest_minor is not None and compare_at_minor <= lowest_minor


def freight_rows_check(rows: Sequence[FreightRow], basis: FreightBasis) -> None:
    """Refuse amounts outside their bounds, units that are not counted, or two rules for a region.

    Raises: InputInvalid, naming each row at fault.
    """
    wrong: list[FieldProblem] = []
    seen: set[str] = set()
    for i, row in enumerate(rows):
        wrong += _amount_wrong(f"/{i}/base_minor", row.base_minor)
        wrong += _amount_wrong(f"/{i}/next_minor", row.next_minor)
        if row.free_from_minor is not None:
            wrong += _amount_wrong(f"/{i}/free_from_minor", row.free_from_minor)
        if row.free_from_pieces is not None:
            wrong += _units_wrong(f"/{i}/free_from_pieces", row.free_from_pieces)
        if basis is not FreightBasis.ORDER:
            wrong += _units_wrong(f"/{i}/first_units", row.first_units)
            wrong += _units_wrong(f"/{i}/next_units", row.next_units)
        elif row.first_units or row.next_units or row.next_minor:
            wrong.append(FieldProblem(f"/{i}", "not_counted", _NOT_COUNTED))
        if row.region_code in seen:
            wrong.append(FieldProblem(f"/{i}", "twice", _ONE_REGION))
        seen.add(row.region_code)
    _refuse(wrong)


def _units_wrong(path: str, units: int) -> list[FieldProblem]:
    if 1 <= units <= UNITS_MAX:
        return []
    return [FieldProblem(path, "out_of_range", Said(f"1 to {UNITS_MAX}", f"1 至 {UNITS_MAX}"))]


def _amount_wrong(path: str, amount_minor: int) -> list[FieldProblem]:
    if 0 <= amount_minor <= AMOUNT_MINOR_MAX:
        return []
    expected = Said(f"0 to {AMOUNT_MINOR_MAX}", f"0 至 {AMOUNT_MINOR_MAX}")
    return [FieldProblem(path, "out_of_range", expected)]


def _refuse(wrong: Sequence[FieldProblem]) -> None:
    if wrong:
        raise InputInvalid(fields=tuple(wrong))
