"""What pricing refuses."""

from typing import Final

from weili.kit.problems import Kind, Problem, Said

LIST_WORD: Final = Said("price list", "价格表", code="price list")
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
