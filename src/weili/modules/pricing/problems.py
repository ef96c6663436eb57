"""What pricing refuses."""

from typing import Final

from weili.kit.problems import Kind, Problem, Said

LIST_WORD: Final = Said("price list", "价格表", code="price list")
CHANGE_WORD: Final = Said("price change", "调价单", code="price change")
PROPOSAL_WORD: Final = Said("cost proposal", "供货价申报", code="cost proposal")
TEMPLATE_WORD: Final = Said("freight template", "运费模板", code="freight template")


class ListNameTaken(Problem):
    """A price list of that name exists."""

    kind = Kind.CONFLICT
    code = "list_name_taken"
    en = "A price list named {name} exists already."
    zh = "名为 {name} 的价格表已存在。"


class DefaultListExists(Problem):
    """A second default list was asked for."""

    kind = Kind.CONFLICT
    code = "default_list_exists"
    en = "There is a default price list already; open this one as an ordinary list."
    zh = "默认价格表已存在；请以普通价格表新建。"


class FreightNotSet(Problem):
    """No freight rule holds the area, not even one for the whole country."""

    kind = Kind.CONFLICT
    code = "freight_not_set"
    en = "No freight rule covers the area {area_code}; the operator has to set one."
    zh = "地区 {area_code} 未设置运费规则；请联系运营方设置。"


class TemplateNameTaken(Problem):
    """A freight template of that name exists."""

    kind = Kind.CONFLICT
    code = "freight_template_name_taken"
    en = "A freight template named {name} exists already."
    zh = "名为 {name} 的运费模板已存在。"


class AreaExcluded(Problem):
    """A freight template sends nothing to the area."""

    kind = Kind.CONFLICT
    code = "area_excluded"
    en = "These goods are not sent to the area {area_code}: {sku_ids}."
    zh = "以下商品不配送至地区 {area_code}：{sku_ids}。"


class WeightMissing(Problem):
    """Freight goes by weight, and nobody has stated what a piece weighs."""

    kind = Kind.CONFLICT
    code = "weight_missing"
    en = "Freight goes by weight, and that of these goods is not stated: {sku_ids}."
    zh = "运费按重量计算，但以下商品未填写重量：{sku_ids}；请联系运营方补充。"


class BelowCost(Problem):
    """Goods would be sold for less than they cost, and nobody has said why.

    Source: 九不得 and 互联网平台价格行为规则 (DOMAIN.md §5): no dumping; fresh, seasonal, surplus
    and expiring goods are exempt, so that a reason is needed and kept.
    """

    kind = Kind.CONFLICT
    code = "below_cost"
    en = "These goods would be sold below cost: {sku_ids}; send a price change that says why."
    zh = "以下商品售价将低于供货价：{sku_ids}；请以调价单提交并说明原因。"


class WindowsOverlap(Problem):
    """Two prices of one tier would hold at the same time."""

    kind = Kind.CONFLICT
    code = "price_windows_overlap"
    en = (
        "The change {change_id} sets a price for {sku_id} from {quantity_min} pieces on that "
        "begins at {valid_from} and would hold at the same time; cancel it or choose another time."
    )
    zh = (
        "调价单 {change_id} 已为 {sku_id}（{quantity_min} 件起）设置自 {valid_from} 起的价格，"
        "时间重叠；请撤销该调价单或另选时间。"
    )


class WindowsTooMany(Problem):
    """A tier has as many prices before it as it may."""

    kind = Kind.CONFLICT
    code = "price_windows_too_many"
    en = "{sku_id} from {quantity_min} pieces on has {bound} prices to come already."
    zh = "{sku_id}（{quantity_min} 件起）待生效的价格已达 {bound} 个。"


class CostProposed(Problem):
    """The supplier has asked for a cost of that SKU from that moment on already."""

    kind = Kind.CONFLICT
    code = "cost_proposed"
    en = "A cost of {sku_id} from that moment on is proposed already; withdraw it first."
    zh = "{sku_id} 自该时间起的供货价已申报；请先撤回。"


class CompareAtTooHigh(Problem):
    """A compare-at price is higher than what the goods were lately sold for.

    Source: 明码标价和禁止价格欺诈规定 (2022, SAMR order 56) art. 16, 17.
    """

    kind = Kind.CONFLICT
    code = "compare_at_too_high"
    en = (
        "These compare-at prices are above the lowest transaction price of the last {days} days "
        "(without one, the last transaction price), or nothing was ever sold to hold them to: "
        "{sku_ids}; lower them, or explain in words what they are compared with."
    )
    zh = (
        "以下划线价高于近 {days} 日最低成交价（近 {days} 日无交易的，高于最后一次交易价格），"
        "或从未成交、无价可比：{sku_ids}；"
        "请调低，或以文字说明被比较价格的含义。"
    )
