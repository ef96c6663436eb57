"""What this module refuses."""

from typing import Final

from weili.kit.problems import Kind, Problem, Said

POOL_WORD: Final = Said("pool", "商品池", code="pool")


class SkuUnknown(Problem):
    """No SKU of that id exists, or the one who asks may not see it."""

    kind = Kind.NOT_FOUND
    code = "sku_unknown"
    en = "There is no SKU {sku_id}, or it is in no pool that is granted to you."
    zh = "SKU {sku_id} 不存在，或不在授权给您的商品池中。"


class PoolUnknown(Problem):
    """No pool of that id exists, or the one who asks has not been granted it."""

    kind = Kind.NOT_FOUND
    code = "pool_unknown"
    en = "There is no pool {pool_id}, or it is not granted to you."
    zh = "商品池 {pool_id} 不存在，或未授权给您。"


class PoolNameTaken(Problem):
    """Another pool has that name."""

    kind = Kind.CONFLICT
    code = "pool_name_taken"
    en = "There is a pool named {name} already; choose another name."
    zh = "已存在名为“{name}”的商品池；请换一个名称。"
