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
}
TROUBLES: Final[Mapping[str, Words]] = {
    "trouble_late": ("answers that came late", "应答延迟"),
    "trouble_error": ("answers that were errors", "应答报错"),
    "trouble_cut_before": ("connections cut before the order was noted", "记录订单前断开连接"),
    "trouble_cut_after": ("connections cut after the order was noted", "记录订单后断开连接"),
    "seen_again": ("orders that came again and were known", "重复送达并被识别的订单"),
    "refused": ("orders refused", "拒绝的订单"),
    "cancelled": ("cancellations accepted", "同意的取消"),
    "cancelled_unseen": ("cancellations of orders never seen", "取消时尚未收到的订单"),
    "cancel_refused": ("cancellations refused, it was packed", "因已打包而拒绝的取消"),
    "cancels_answered_later": ("cancellations answered later", "稍后才答复的取消"),
    "shipped_late": ("orders that lay packed before they left", "打包后迟迟未发的订单"),
    "reports_twice": ("reports sent twice", "重复上报"),
    "reports_cut": ("reports sent without waiting for the answer", "上报后未等应答即断开"),
    "report_state_conflict": ("reports that came too early, sent again", "过早上报、稍后重发"),
}


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
    read = sum(figures.messages.values())
    say.line(
        f"Partners read and acknowledged {read} messages.",
        f"渠道商读取并确认了 {read} 条消息。",
    )


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
