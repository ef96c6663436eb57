"""Why an order, or a step of one, is refused."""

from weili.kit.problems import Kind, Problem


class GoodsNotOnSale(Problem):
    """The goods do not exist for this partner."""

    kind = Kind.NOT_FOUND
    code = "goods_not_on_sale"
    en = "Line {line_no}: there are no goods {sku_id} on sale for you."
    zh = "第 {line_no} 行：没有可供您销售的商品 {sku_id}。"


class PriceMissing(Problem):
    """The goods have no price for this quantity."""

    kind = Kind.CONFLICT
    code = "price_missing"
    en = "Line {line_no}: {sku_id} has no price for {quantity} pieces."
    zh = "第 {line_no} 行：{sku_id} 购买 {quantity} 件没有可用价格。"


class PriceChanged(Problem):
    """The price is not what the order says it is."""

    kind = Kind.CONFLICT
    code = "price_changed"
    en = (
        "Line {line_no}: {sku_id} costs {actual_minor} fen for this quantity, not "
        "{expected_minor}; send the order again with the new price if you accept it."
    )
    zh = (
        "第 {line_no} 行：{sku_id} 该数量的单价为 {actual_minor} 分，而非 {expected_minor} 分；"
        "如接受新价格，请以新价格重新提交。"
    )


class StockShort(Problem):
    """Fewer pieces can be sent to that area than were asked for."""

    kind = Kind.CONFLICT
    code = "stock_short"
    en = (
        "Line {line_no}: {quantity} pieces of {sku_id} were asked for, {available} can be sent "
        "to area {area_code} (50 stands for 50 or more)."
    )
    zh = (
        "第 {line_no} 行：需要 {sku_id} {quantity} 件，可发往地区 {area_code} 的仅 {available} 件"
        "（50 表示不少于 50 件）。"
    )


class AreaUnknown(Problem):
    """The code names no area that goods can be sent to."""

    kind = Kind.INVALID
    code = "area_unknown"
    en = "There is no town, county or city without counties with the code {area_code}."
    zh = "不存在代码为 {area_code} 的乡级、县级或不设区县的市级地区。"


class AreaReplaced(Problem):
    """The code is no longer in force; others took its place.

    It is not taken for its successor, even if there is only one: freight, stock and the parcel
    itself go by the code that the partner has shown its buyer.
    """

    kind = Kind.INVALID
    code = "area_replaced"
    en = "The area code {area_code} is no longer in force; use what took its place: {successors}."
    zh = "地区代码 {area_code} 已停用；请改用其后继代码：{successors}。"


class AreaNotServed(Problem):
    """No warehouse sends anything there."""

    kind = Kind.CONFLICT
    code = "area_not_served"
    en = "No warehouse sends to area {area_code}."
    zh = "没有仓库可发往地区 {area_code}。"


class BalanceTooLow(Problem):
    """The prepaid balance does not cover the order, or what another address costs more."""

    kind = Kind.CONFLICT
    code = "balance_too_low"
    en = (
        "This takes {needed_minor} fen and {available_minor} are available; top up the prepaid "
        "balance and send it again."
    )
    zh = "此操作需要 {needed_minor} 分，可用余额为 {available_minor} 分；请充值后重新提交。"

    def __init__(self, *, needed_minor: int, available_minor: int) -> None:
        super().__init__(needed_minor=needed_minor, available_minor=available_minor)
        self.needed_minor = needed_minor
        self.available_minor = available_minor


class NumberReused(Problem):
    """The partner's own number was used for another order."""

    kind = Kind.UNPROCESSABLE
    code = "order_number_reused"
    en = "Your number {number} already names the order {order_id}, which is not the same."
    zh = "您的单号 {number} 已对应订单 {order_id}，且内容不同。"


class OrderUnknown(Problem):
    """There is no such order for the one who asks."""

    kind = Kind.NOT_FOUND
    code = "order_unknown"
    en = "You have no order {order}."
    zh = "您没有订单 {order}。"


class CancelTooLate(Problem):
    """Something of the order has left the warehouse."""

    kind = Kind.CONFLICT
    code = "cancel_too_late"
    en = "Order {order_id} is {state}: it can only be cancelled before anything is shipped."
    zh = "订单 {order_id} 当前为 {state}：仅可在发货前取消。"


class PackageOverfull(Problem):
    """A package names more pieces than the child order still has to ship."""

    kind = Kind.CONFLICT
    code = "package_overfull"
    en = "Line {line_no}: {quantity} pieces are named, {left} are left to ship."
    zh = "第 {line_no} 行：填写 {quantity} 件，但仅剩 {left} 件待发。"


class PackageEmpty(Problem):
    """A package names no piece, or a line that the child order lacks."""

    kind = Kind.INVALID
    code = "package_empty"
    en = "The package names no piece of a line of {child_id}."
    zh = "包裹未包含 {child_id} 的任何商品行。"


class WaybillReused(Problem):
    """The same waybill was reported for this child order with other contents."""

    kind = Kind.CONFLICT
    code = "waybill_reused"
    en = "Waybill {waybill_number} of {carrier_code} was reported before with other contents."
    zh = "{carrier_code} 运单 {waybill_number} 此前已上报，且内容不同。"


class WaybillTaken(Problem):
    """The waybill stands on another supplier's package that is under way."""

    kind = Kind.CONFLICT
    code = "waybill_taken"
    en = (
        "Waybill {waybill_number} of {carrier_code} stands on a package of somebody else's that is "
        "under way; check the number, and ask the operator if it is right."
    )
    zh = (
        "{carrier_code} 运单 {waybill_number} 已用于他人在途的包裹；请核对运单号，"
        "如确认无误请联系平台运营方。"
    )


class PackagesTooMany(Problem):
    """A child order has been shipped in as many packages as it may be."""

    kind = Kind.CONFLICT
    code = "packages_too_many"
    en = "{child_id} was shipped in {packages_max} packages, and no more are taken for it."
    zh = "{child_id} 已发出 {packages_max} 个包裹，不能再增加。"


class CarrierUnknown(Problem):
    """The code names no carrier."""

    kind = Kind.INVALID
    code = "carrier_unknown"
    en = "There is no carrier with the code {carrier_code}; `GET /v1/carriers` lists them."
    zh = "不存在代码为 {carrier_code} 的承运商；可用代码见 `GET /v1/carriers`。"


class CarrierNameAmiss(Problem):
    """A carrier without a code is not named, or one with a code is named beside it."""

    kind = Kind.INVALID
    code = "carrier_name_amiss"
    en = "Name the carrier exactly when its code is {other}; here it is {carrier_code}."
    zh = "仅当承运商代码为 {other} 时须填写承运商名称；此处代码为 {carrier_code}。"


class WaybillMalformed(Problem):
    """The number can't be one of that carrier's."""

    kind = Kind.INVALID
    code = "waybill_malformed"
    en = "{waybill_number} can't be a waybill number of {carrier_code}."
    zh = "{waybill_number} 不是 {carrier_code} 的运单号。"


class PiecesNotLeft(Problem):
    """A supplier names pieces of a child order that it does not have to send any more."""

    kind = Kind.CONFLICT
    code = "pieces_not_left"
    en = "Line {line_no} of {child_id}: {quantity} pieces are named, {left} are left to ship."
    zh = "{child_id} 第 {line_no} 行：填写 {quantity} 件，但仅剩 {left} 件待发。"


class NothingToIntercept(Problem):
    """No package of the order that was asked for is on its way."""

    kind = Kind.CONFLICT
    code = "nothing_to_intercept"
    en = "Of order {order_id} no package that could be stopped is on its way."
    zh = "订单 {order_id} 没有可拦截的在途包裹。"


class AddressFixed(Problem):
    """The order has gone too far to go elsewhere."""

    kind = Kind.CONFLICT
    code = "address_fixed"
    en = (
        "Order {order_id} can't go elsewhere any more: {child_id} is {state} and its supplier "
        "has the address. Cancel the order, or ask to intercept what is on its way."
    )
    zh = (
        "订单 {order_id} 已无法更改地址：子单 {child_id} 当前为 {state}，供应商已取得地址。"
        "请取消订单，或申请拦截在途包裹。"
    )


class AddressNotServed(Problem):
    """The warehouses that send the order do not send to the new area."""

    kind = Kind.CONFLICT
    code = "address_not_served"
    en = (
        "{child_id} is sent from a warehouse that does not send to area {area_code}; cancel the "
        "order and place it anew."
    )
    zh = "子单 {child_id} 的发货仓不发往地区 {area_code}；请取消订单后重新下单。"


class RemarkUnwritable(Problem):
    """A remark is empty, too long, or holds what can't be shown."""

    kind = Kind.INVALID
    code = "remark_unwritable"
    en = "A remark is 1 to {length_max} visible characters."
    zh = "备注须为 1 至 {length_max} 个可见字符。"


class RemarkPersonal(Problem):
    """A remark seems to name a person's number or mail address."""

    kind = Kind.INVALID
    code = "remark_personal"
    en = (
        "The remark seems to hold a telephone, card or identity number, or a mail address; "
        "remarks are kept in plain, so leave it out."
    )
    zh = "备注中疑似含有电话、证件或卡号、邮箱；备注以明文保存，请勿填写个人信息。"


class RemarksTooMany(Problem):
    """The order has as many remarks as it may."""

    kind = Kind.CONFLICT
    code = "remarks_too_many"
    en = "The order has {count_max} remarks already, which is as many as it may have."
    zh = "该订单备注已达上限 {count_max} 条。"


class ListTooLong(Problem):
    """A day's list is longer than can be compared in one call."""

    kind = Kind.TOO_LARGE
    code = "list_too_long"
    en = "Our list of that day has more than {rows_max} orders; compare it by its csv instead."
    zh = "当日清单超过 {rows_max} 单；请改用 csv 清单核对。"


class OrdersTooMany(Problem):
    """A file of orders would have more rows than it is made of."""

    kind = Kind.TOO_LARGE
    code = "orders_too_many"
    en = "These orders have more than {rows_max} lines; narrow the filter, by days for example."
    zh = "所选订单超过 {rows_max} 行；请缩小筛选范围，例如按日期分段导出。"
