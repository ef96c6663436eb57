"""Tells the demo to whoever watches it, in English or Chinese."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from weili.entrypoints.cli import say
from weili.entrypoints.cli.demo.course import Report
from weili.entrypoints.cli.demo.figures import AccountFigures, Figures
from weili.kit.money import yuan_from_fen

OFF_SHOWN_MAX: Final = 30

Words = tuple[str, str]

STEPS: Final[Mapping[str, Words]] = {
    "start": ("starting a database, a server and a worker", "启动独立的数据库、服务与后台进程"),
    "import": ("importing the catalogue, opening parties", "导入商品目录，开通各方账户"),
    "prepare": ("partners read their prices", "渠道商读取价格"),
    "place": ("placing orders", "并发下单"),
    "cancel": ("cancelling some that suppliers have already", "取消部分已派发的订单"),
    "ship": ("suppliers ship and deliver", "供应商发货、签收"),
    "receive": ("confirming some receipts", "部分订单确认收货"),
    "complete": ("eight days pass, orders complete", "时钟前进八天，订单完成"),
    "read": ("partners read messages and statements", "渠道商读取消息与对账单"),
    "themes": ("a supplier and a partner trade by hand", "一家供应商与一家渠道商手工往来"),
    "verify": ("verifying the books and the shelves", "核对账目与库存"),
}
REFUSALS: Final[Mapping[str, Words]] = {
    "price_changed": (
        "the price had changed; sent again at the new one",
        "价格已变动，按新价重新提交",
    ),
    "stock_short": ("not enough left", "库存不足"),
    "balance_too_low": (
        "the prepaid balance was used up; sent again after a top-up",
        "预付款余额不足，充值后重新提交",
    ),
    "area_not_served": ("no warehouse sends there", "没有仓库可发往该地区"),
    "goods_not_on_sale": ("not on sale for this partner", "该渠道商不可售的商品"),
    "order_number_reused": ("another order under a used number", "同一单号提交了不同内容"),
    "cancel_too_late": ("to be cancelled, but it had left", "要求取消时已发货"),
    "state_conflict": ("a step that came too late", "操作时状态已改变"),
}
CANCELS: Final[Mapping[str, Words]] = {
    "asked": ("the partner asked", "渠道商取消"),
    "hold_expired": ("the hold was never confirmed", "预占超时未确认"),
    "supplier_refused": ("the supplier could not ship", "供应商拒单"),
    "short": ("the supplier could not ship some pieces", "供应商部分缺货"),
}
TROUBLES: Final[Mapping[str, Words]] = {
    "trouble_late": ("answers that came late", "应答延迟"),
    "trouble_error": ("answers that were errors", "应答报错"),
    "trouble_cut_before": ("connections cut before the order was noted", "记录订单前断开连接"),
    "trouble_cut_after": ("connections cut after the order was noted", "记录订单后断开连接"),
    "seen_again": ("orders that came again and were known", "重复送达并被识别的订单"),
    "refused": ("orders refused", "拒绝的订单"),
    "refused_in_part": ("orders refused in part", "部分拒绝的订单"),
    "picked_short": ("picks that found fewer than ordered", "拣货时发现缺件的订单"),
    "cancelled": ("cancellations accepted", "同意的取消"),
    "cancelled_unseen": ("cancellations of orders never seen", "取消时尚未收到的订单"),
    "cancel_refused": ("cancellations refused, it was packed", "因已打包而拒绝的取消"),
    "cancels_answered_later": ("cancellations answered later", "稍后才答复的取消"),
    "shipped_late": ("orders that lay packed before they left", "打包后迟迟未发的订单"),
    "reports_twice": ("reports sent twice", "重复上报"),
    "reports_cut": ("reports sent without waiting for the answer", "上报后未等应答即断开"),
    "report_state_conflict": ("reports that came too early, sent again", "过早上报、稍后重发"),
}


THEMES: Final[Mapping[str, Words]] = {
    "goods": (
        (
            "{proposed} goods proposed by the supplier, {sent_back} sent back and mended,"
            " {published} published by the operator."
        ),
        "供应商提报 {proposed} 个商品，退回修改 {sent_back} 个，运营发布 {published} 个。",
    ),
    "catalogue": (
        (
            "The feed gave {shown_at_first} SKUs, then {new} new ones with their prices; {searches}"
            " searches found them."
        ),
        "变更流给出 {shown_at_first} 个 SKU，再给出新上的 {new} 个；{searches} 次搜索均找到。",
    ),
    "addresses": (
        "{understood} of {written} written addresses became codes, with name and telephone number.",
        "{written} 条手写地址中 {understood} 条解析出地区编码、姓名与电话。",
    ),
    "funds": (
        (
            "{waited} orders waited for funds; a deposit of {paid_in_minor} yuan, refused"
            " {refused_alone} time to who entered it and approved by another person, released"
            " {released}."
        ),
        (
            "{waited} 单待付款；一笔 {paid_in_minor} 元的充值，录入人自批被拒 {refused_alone} 次，"
            "经另一人审批后释放 {released} 单。"
        ),
    ),
    "prices": (
        (
            "{scheduled} price set ahead took effect when the clock was turned: {at_old} order at"
            " the old price, {refused_at_old} refused at it afterwards, {at_new} at the new."
        ),
        (
            "{scheduled} 个预约调价在拨动时钟后生效：旧价成交 {at_old} 单，之后旧价被拒"
            " {refused_at_old} 单，新价成交 {at_new} 单。"
        ),
    ),
    "bundles": (
        "{bundles} bundles sold beside their parts took {tea_taken} teas and {cups_taken} cups.",
        "{bundles} 套组合与单品同售，共占用茶叶 {tea_taken} 件、杯子 {cups_taken} 件。",
    ),
    "address": (
        "{changed} order went to another address for {freight_more_minor} yuan more freight.",
        "{changed} 单修改地址，运费增加 {freight_more_minor} 元。",
    ),
    "papers": (
        (
            "{pick_lists} pick list with {pieces_to_pick} pieces and {waybills} waybills were"
            " printed; {in_clear} show a telephone number."
        ),
        (
            "打印 {pick_lists} 张拣货单共 {pieces_to_pick} 件、{waybills} 张面单；显示完整电话的"
            " {in_clear} 张。"
        ),
    ),
    "refusals": (
        (
            "The supplier refused: {sent_from_elsewhere} orders left from another warehouse,"
            " {short} went short, {cancelled} was cancelled; {back_minor} yuan given back."
        ),
        (
            "供应商拒发：{sent_from_elsewhere} 单改由他仓发出，{short} 单部分缺货，"
            "{cancelled} 单取消，退还 {back_minor} 元。"
        ),
    ),
    "intercepts": (
        "{asked} parcels were to be stopped, {stopped} were, and came back.",
        "请求拦截 {asked} 个包裹，成功 {stopped} 个并已退回。",
    ),
    "unwanted": (
        "{sent_back} parcels were refused at the door and came back, {damaged} of them damaged.",
        "买家拒收 {sent_back} 个包裹并退回，其中 {damaged} 个破损。",
    ),
    "lost": (
        "Lost parcels: {refunded} refunded, {sent_again} sent again.",
        "丢失的包裹：退款 {refunded} 个，补发 {sent_again} 个。",
    ),
    "tracks": (
        (
            "A carrier told {told} things of {parcels} parcels, twice and out of order; each"
            " arrived once."
        ),
        "承运商就 {parcels} 个包裹推送 {told} 条轨迹（重复且乱序），每个只签收一次。",
    ),
    "orders": (
        "{placed} orders ended: {completed} completed, {refunded} refunded, {cancelled} cancelled.",
        "{placed} 单全部了结：完成 {completed}，退款 {refunded}，取消 {cancelled}。",
    ),
    "stock": (
        "{places} places hold the pieces that they must; low stock was told {low_told} time.",
        "{places} 个库位的件数与应有相符；低库存提醒 {low_told} 次。",
    ),
    "books": (
        "The partner paid {due_minor} yuan and the supplier is owed {owed_minor}, as both reckon.",
        "渠道商共付 {due_minor} 元，应付供应商 {owed_minor} 元，与双方自记一致。",
    ),
}
"""What is told of each theme, in the order in which they are tried; figures by their names."""


@contextmanager
def steps_shown() -> Iterator[Report]:
    """Show how far each step is: bars on a terminal, a line for each step elsewhere."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=say.err, disable=not say.err.is_terminal) as progress:
        bars: dict[str, object] = {}

        def report(step: str, done: int, whole: int) -> None:
            words = say.words(*STEPS[step])
            if step not in bars:
                bars[step] = progress.add_task(words, total=whole)
                if not say.err.is_terminal:
                    say.note(f"demo: {STEPS[step][0]} …", f"演示：{STEPS[step][1]}……")
            progress.update(bars[step], completed=done, total=whole)  # type: ignore[arg-type]

        yield report


def story_told(figures: Figures) -> None:
    """Tell what happened."""
    _placing_told(figures)
    _counts_told(("Refused, and why", "被拒绝的请求及原因"), figures.refused, REFUSALS)
    _fulfilment_told(figures)
    _counts_told(
        ("Child orders cancelled, and why", "被取消的子订单及原因"), figures.cancelled_why, CANCELS
    )
    _counts_told(
        ("What the suppliers' systems did to us", "供应商系统的各种不友好"),
        {name: count for name, count in figures.unkindness.items() if count},
        TROUBLES,
    )
    _themes_told(figures)
    _accounts_told(
        ("Partners' statements, in yuan", "渠道商对账单（元）"),
        (("paid in", "充值"), ("charged", "扣款")),
        figures.partners,
    )
    _accounts_told(
        ("Suppliers' statements, in yuan", "供应商对账单（元）"),
        (("owed", "应付"), ("paid", "已付")),
        figures.suppliers,
    )
    _verdict_told(figures)


def _placing_told(figures: Figures) -> None:
    sent = figures.sent
    say.line(
        f"\n{figures.skus} SKUs of {figures.catalogue}, {len(figures.suppliers)} suppliers,"
        f" {figures.warehouses} warehouses, {len(figures.partners)} prepaid partners"
        f" (seed {figures.seed}; {figures.setup_s} s to set up).",
        f"\n目录 {figures.catalogue} 共 {figures.skus} 个 SKU，{len(figures.suppliers)} 家供应商，"
        f"{figures.warehouses} 个仓库，{len(figures.partners)} 家预付款渠道商"
        f"（种子 {figures.seed}，准备用时 {figures.setup_s} 秒）。",
    )
    say.line(
        f"{figures.planned} orders were attempted in {figures.requests} requests, {sent['batches']}"
        f" of them batches: {figures.placed} placed.",
        f"以 {figures.requests} 个请求（其中批量 {sent['batches']} 个）尝试 {figures.planned} 单，"
        f"成功 {figures.placed} 单。",
    )
    say.line(
        f"{sent['sent_twice']} were sent twice and {sent['hung_up']} requests lost their answer:"
        f" {sent['replayed']} orders were answered again from the first time, none placed twice.",
        f"{sent['sent_twice']} 单重复提交，{sent['hung_up']} 个请求中途断线："
        f"{sent['replayed']} 单得到与首次相同的应答，没有一单重复生成。",
    )
    say.line(
        f"While placing: {figures.placed_while_placing} orders in {figures.placing_s} s,"
        f" {figures.orders_per_s} orders a second; suppliers took them meanwhile and packed some.",
        f"下单阶段：{figures.placing_s} 秒 {figures.placed_while_placing} 单，"
        f"每秒 {figures.orders_per_s} 单；其间供应商持续接单，并已开始为少量订单打包。",
    )


def _fulfilment_told(figures: Figures) -> None:
    orders, shipments = figures.orders, figures.shipments
    completed, cancelled = orders.get("completed", 0), orders.get("cancelled", 0)
    say.line(
        f"\n{completed} orders completed, {cancelled} cancelled:"
        f" {shipments['packages_shipped']} packages with {shipments['pieces_shipped']} pieces"
        f" shipped, {shipments['packages_delivered']} delivered.",
        f"\n{completed} 单完成，{cancelled} 单取消：发出 {shipments['packages_shipped']} 个包裹"
        f"共 {shipments['pieces_shipped']} 件，签收 {shipments['packages_delivered']} 个。",
    )
    pieces = figures.pieces
    say.line(
        f"Suppliers would not send {pieces['refused']} pieces, or did not find them:"
        f" {pieces['moved']} left from another warehouse, {pieces['short']} were given back.",
        f"供应商拒发或缺货 {pieces['refused']} 件：{pieces['moved']} 件改由他仓发出，"
        f"{pieces['short']} 件退款。",
    )
    read = sum(figures.messages.values())
    say.line(
        f"Partners read and acknowledged {read} messages.",
        f"渠道商读取并确认了 {read} 条消息。",
    )


def _themes_told(figures: Figures) -> None:
    """Tell each theme that was tried in a line, with its counts."""
    lists = figures.themes.get("lists", {})
    say.line(
        f"\n{lists.get('parties', 0)} partners and suppliers compared {lists.get('lists', 0)} daily"
        f" lists with {lists.get('orders', 0)} orders: {lists.get('differences', 0)} differences.",
        f"\n{lists.get('parties', 0)} 家渠道商与供应商核对了 {lists.get('lists', 0)} 份日清单共"
        f" {lists.get('orders', 0)} 单：差异 {lists.get('differences', 0)} 处。",
    )
    say.line("\nOne supplier and one partner by hand:", "\n一家供应商与一家渠道商手工往来：")
    for name, words in THEMES.items():
        if name in figures.themes:
            counts = dict(figures.themes[name])
            yuan = {key: yuan_from_fen(n) for key, n in counts.items() if key.endswith("_minor")}
            english, chinese = (text.format(**(counts | yuan)) for text in words)
            say.line(f"  {english}", f"  {chinese}")


def _counts_told(title: Words, counts: Mapping[str, int], texts: Mapping[str, Words]) -> None:
    say.line(f"\n{title[0]}:", f"\n{title[1]}：")
    say.table(
        [("count", "次数"), ("code", "代码"), ("meaning", "含义")],
        [(count, name, say.words(*texts.get(name, ("", "")))) for name, count in counts.items()],
    )


def _accounts_told(
    title: Words, moves: tuple[Words, Words], accounts: Sequence[AccountFigures]
) -> None:
    say.line(f"\n{title[0]}:", f"\n{title[1]}：")
    say.table(
        [("name", "名称"), ("orders", "单数"), ("opening", "期初"), *moves, ("closing", "期末")],
        [
            (
                account.name,
                account.orders,
                yuan_from_fen(account.opening_minor),
                yuan_from_fen(account.in_minor),
                yuan_from_fen(account.out_minor),
                yuan_from_fen(account.closing_minor),
            )
            for account in accounts
        ],
    )


def _verdict_told(figures: Figures) -> None:
    checks = len(figures.verified)
    if figures.is_well:
        say.line(
            f"\nAll is well: {checks} checks of the world found nothing, and every count of the"
            f" partners and suppliers agrees with the books. {figures.whole_s} s in all.",
            f"\n一切正常：{checks} 项核对没有发现问题，渠道商与供应商的各项统计与账目一致。"
            f"总用时 {figures.whole_s} 秒。",
        )
        return
    count = len(figures.findings) + len(figures.off)
    say.line(f"\n{count} thing(s) are off:", f"\n发现 {count} 处问题：")
    texts = [f"{one.check}, {one.where}: {one.what}" for one in figures.findings]
    for text in [*texts, *figures.off][:OFF_SHOWN_MAX]:
        say.line(f"  {text}", f"  {text}")
