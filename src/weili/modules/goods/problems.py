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


class QuantityTooSmall(Problem):
    """A line asks for fewer pieces than are sold at once."""

    kind = Kind.CONFLICT
    code = "quantity_too_small"
    en = (
        "Line {line_no}: {sku_id} is sold from {quantity_min} pieces on, not {quantity}; "
        "order at least {quantity_min}, or leave the line out."
    )
    zh = (
        "第 {line_no} 行：{sku_id} 每次至少订购 {quantity_min} 件，而非 {quantity} 件；"
        "请增加数量或去掉该行。"
    )


class QuantityTooLarge(Problem):
    """A line asks for more pieces than one order may take."""

    kind = Kind.CONFLICT
    code = "quantity_too_large"
    en = (
        "Line {line_no}: an order may take up to {quantity_max} pieces of {sku_id}, not "
        "{quantity}; order fewer."
    )
    zh = "第 {line_no} 行：{sku_id} 每单限购 {quantity_max} 件，而非 {quantity} 件；请减少数量。"


class QuantityNotInPacks(Problem):
    """A line asks for a number that is not one of whole packs."""

    kind = Kind.CONFLICT
    code = "quantity_not_in_packs"
    en = (
        "Line {line_no}: {sku_id} is sold in packs of {pack_size}, and {quantity} pieces are not "
        "whole packs; order a multiple of {pack_size}."
    )
    zh = (
        "第 {line_no} 行：{sku_id} 按每包 {pack_size} 件销售，{quantity} 件不是整包；"
        "请按 {pack_size} 的倍数订购。"
    )


class AreaNotOnSale(Problem):
    """An SKU is not sold to the area that the order goes to."""

    kind = Kind.CONFLICT
    code = "area_not_on_sale"
    en = (
        "Line {line_no}: {sku_id} is not sold to area {area_code}; leave the line out, or send "
        "the order elsewhere."
    )
    zh = "第 {line_no} 行：{sku_id} 不在地区 {area_code} 销售；请去掉该行，或更换收货地区。"


class BundleFrozen(Problem):
    """A bundle that exists is to be made of something else."""

    kind = Kind.CONFLICT
    code = "bundle_frozen"
    en = (
        "What {supplier_code} is made of was fixed when it was made; give another composition "
        "a code of its own."
    )
    zh = "{supplier_code} 的组合内容在创建时已固定；不同的组合请使用新的编码。"


class BundlePartUnfit(Problem):
    """A bundle is to hold what can't be in one."""

    kind = Kind.UNPROCESSABLE
    code = "bundle_part_unfit"
    en = (
        "Bundle {supplier_code}: its part {part_code} is not as expected: one of the same "
        "supplier's SKUs, no bundle itself, named once, 1 to {quantity_max} pieces of it, and at "
        "most {parts_max} parts in all."
    )
    zh = (
        "组合 {supplier_code}：组成商品 {part_code} 不符合要求：应为同一供应商的单品（非组合）、"
        "只出现一次、数量为 1 至 {quantity_max}，且组成商品不超过 {parts_max} 种。"
    )


class PoolUnfit(Problem):
    """SKUs are to go into a pool that is not made for their category or brand kind."""

    kind = Kind.CONFLICT
    code = "pool_unfit"
    en = (
        "The pool {name} is made for other categories or brand kinds than those of {sku_ids}; "
        "leave them out, or widen the pool's profile."
    )
    zh = "商品池“{name}”的类目或品牌类型不包括 {sku_ids}；请去掉这些商品，或放宽商品池的档案。"


class CategoryUnknown(Problem):
    """No category of that id exists."""

    kind = Kind.NOT_FOUND
    code = "category_unknown"
    en = "There is no category {category_id}; list the categories to find the right one."
    zh = "类目 {category_id} 不存在；请查询类目列表。"


class CategoryTooDeep(Problem):
    """A category is to be made below the last level."""

    kind = Kind.CONFLICT
    code = "category_too_deep"
    en = "Categories have up to {levels_max} levels; make it below a category of a higher level."
    zh = "类目最多 {levels_max} 级；请在上级类目下新建。"


class RevisionUnknown(Problem):
    """No revision of that id exists, or it is another supplier's."""

    kind = Kind.NOT_FOUND
    code = "revision_unknown"
    en = "There is no goods revision {revision_id}; list the revisions to find the right one."
    zh = "商品送审单 {revision_id} 不存在；请查询送审单列表。"


class GoodsUnfit(Problem):
    """Proposed goods are not as their category and the house ask; each field is listed."""

    kind = Kind.UNPROCESSABLE
    code = "goods_unfit"
    en = (
        "{spu_code} can't go on: {count} field(s) are not as expected; mend those listed in "
        "fields and submit it again."
    )
    zh = "{spu_code} 未通过校验：{count} 个字段不符合要求；请按 fields 修改后重新提交。"


class CodeTaken(Problem):
    """A supplier's code names a variant of other goods already."""

    kind = Kind.CONFLICT
    code = "sku_code_taken"
    en = (
        "{supplier_code} is a variant of your goods {spu_code} already; propose it there, or give "
        "this one another code."
    )
    zh = "{supplier_code} 已是您商品 {spu_code} 的规格；请在该商品中修改，或使用其他编码。"


class MediaUnfit(Problem):
    """A file is not one that is taken; its content decides, not its name."""

    kind = Kind.UNPROCESSABLE
    code = "media_unfit"
    en = "The file is not taken: {why}. Send {expected}."
    zh = "文件未被接受：{why}。请上传{expected}。"


class MediaFull(Problem):
    """A supplier has as many files as it may."""

    kind = Kind.CONFLICT
    code = "media_full"
    en = "You have {count} files, as many as one supplier may; ask the operator for more room."
    zh = "您已上传 {count} 个文件，达到上限；请联系运营方。"


class MediaUnknown(Problem):
    """Nothing is kept under that address."""

    kind = Kind.NOT_FOUND
    code = "media_unknown"
    en = "There is no media at {address}; take the address from the goods that show it."
    zh = "不存在媒体文件 {address}；请使用商品中给出的地址。"
