"""Which price and which freight apply: pure, over what was read once for a whole batch."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final
from uuid import UUID

from weili.kit.context import PartyId
from weili.kit.ids import id_text
from weili.kit.money import AMOUNT_MINOR_MAX
from weili.kit.problems import FieldProblem, InputInvalid, Said
from weili.modules import regions
from weili.modules.goods import SKU_PREFIX, SkuId
from weili.modules.pricing.model import (
    TEMPLATE_DEFAULT,
    CostRow,
    FreightBasis,
    FreightCharge,
    FreightLine,
    FreightRow,
    ListId,
    Price,
    PriceRow,
    TemplateId,
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

_Ladders = Mapping[SkuId, Sequence[Price]]
_NO_LADDERS: Final[_Ladders] = {}


class PriceBook:
    """The prices of some partners and SKUs, at one moment.

    The partner's own list is asked first. The default list fills what it leaves open: SKUs it
    does not name, and quantities below its lowest tier.
    """

    __slots__ = ("_costs", "_default", "_own")

    def __init__(
        self,
        *,
        default: _Ladders,
        own: Mapping[PartyId, _Ladders],
        costs: Mapping[SkuId, int],
    ) -> None:
        """Take ladders whose tiers stand highest ``quantity_min`` first."""
        self._default = default
        self._own = own
        self._costs = costs

    def unit_price(self, partner_id: PartyId, sku_id: SkuId, quantity: int) -> Price | None:
        """Give the price a piece for this partner at this quantity, if there is one."""
        for tier in self._own.get(partner_id, _NO_LADDERS).get(sku_id, ()):
            if quantity >= tier.quantity_min:
                return tier
        for tier in self._default.get(sku_id, ()):
            if quantity >= tier.quantity_min:
                return tier
        return None

    def tiers(self, partner_id: PartyId, sku_id: SkuId) -> tuple[Price, ...]:
        """Give every tier that this partner can reach, lowest quantity first."""
        own = self._own.get(partner_id, _NO_LADDERS).get(sku_id, ())
        default = self._default.get(sku_id, ())
        if own:
            default = [tier for tier in default if tier.quantity_min < own[-1].quantity_min]
        return (*reversed(default), *reversed(own))

    def unit_cost_minor(self, sku_id: SkuId) -> int | None:
        """Give what the supplier is owed a piece, if that was agreed."""
        return self._costs.get(sku_id)


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
        for code in regions.codes_above([area_code]):
            if (rule := self._rules.get((template_id, code))) is not None:
                return rule
        raise FreightNotSet(area_code=area_code)


def _fee(rule: FreightRow, basis: FreightBasis, lines: Sequence[FreightLine]) -> int:
    """Give a rule's fee; a unit that is begun counts whole."""
    pieces = sum(line.quantity for line in lines)
    if rule.free_from_pieces is not None and pieces >= rule.free_from_pieces:
        return 0
    amount_minor = sum(line.amount_minor for line in lines)
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
    lists: Iterable[tuple[PartyId | None, ListId]],
    prices: Iterable[tuple[ListId, SkuId, int, int, int]],
    costs: Mapping[SkuId, int],
) -> PriceBook:
    """Make a book of rows; the list without a partner is the default.

    ``prices`` are (list, SKU, quantity_min, unit_price_minor, version), highest tier first within
    a list's SKU.
    """
    ladders: dict[UUID, dict[SkuId, list[Price]]] = {}
    for list_id, sku_id, quantity_min, unit_price_minor, version in prices:
        price = Price(unit_price_minor, version, quantity_min)
        ladders.setdefault(list_id, {}).setdefault(sku_id, []).append(price)
    default: _Ladders = _NO_LADDERS
    own: dict[PartyId, _Ladders] = {}
    for partner_id, list_id in lists:
        if partner_id is None:
            default = ladders.get(list_id, _NO_LADDERS)
        else:
            own[partner_id] = ladders.get(list_id, _NO_LADDERS)
    return PriceBook(default=default, own=own, costs=costs)


def price_rows_check(rows: Sequence[PriceRow]) -> None:
    """Refuse rows outside their bounds, or two for the same tier.

    Raises: InputInvalid, naming each row at fault.
    """
    wrong: list[FieldProblem] = []
    seen: set[tuple[SkuId, int]] = set()
    for i, row in enumerate(rows):
        if not 1 <= row.quantity_min <= QUANTITY_MIN_MAX:
            expected = Said(f"1 to {QUANTITY_MIN_MAX}", f"1 至 {QUANTITY_MIN_MAX}")
            wrong.append(FieldProblem(f"/{i}/quantity_min", "out_of_range", expected))
        wrong += _amount_wrong(f"/{i}/unit_price_minor", row.unit_price_minor)
        if (row.sku_id, row.quantity_min) in seen:
            wrong.append(FieldProblem(f"/{i}", "twice", _ONE_TIER))
        seen.add((row.sku_id, row.quantity_min))
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
