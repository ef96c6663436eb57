"""Tells the chaos to whoever watches it, in English or Chinese."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from weili.entrypoints.cli import say
from weili.entrypoints.cli.chaos.faults import Strain
from weili.entrypoints.cli.chaos.house import Victim
from weili.entrypoints.cli.chaos.run import Report, Summary

SHOWN_MAX: Final = 30
SAID_EVERY: Final = 10

FAULTS: Final[Mapping[str, tuple[str, str]]] = {
    Victim.SERVE: ("the server", "服务进程"),
    Victim.PLACE: ("its process that places", "下单进程"),
    Victim.LOOK: ("one of its processes that look up", "查询进程"),
    Victim.WORK: ("the worker", "后台进程"),
    Victim.POSTGRES: ("PostgreSQL", "PostgreSQL"),
    Victim.BACKEND: ("one connection's process in PostgreSQL", "PostgreSQL 的单个连接进程"),
    Victim.SUPERVISOR: ("the supervisor", "守护进程"),
    Victim.ALL: ("all of them at once", "全部进程同时"),
    Strain.SUPPLIERS_DELAYED: ("the network to suppliers held back", "与供应商之间网络延迟"),
    Strain.SUPPLIERS_CUT: ("the network to suppliers cut", "与供应商之间连接中断"),
    Strain.SUPPLIERS_HALF_CLOSED: ("half closed towards suppliers", "与供应商之间连接半关闭"),
    Strain.SUPPLIERS_REPEATED: ("requests to suppliers repeated", "发往供应商的请求被重复"),
    Strain.CONNECTIONS_TAKEN: (
        "all of the database's connections taken, and one who needs a new one killed",
        "数据库连接耗尽，同时终止一个需要新连接的进程",
    ),
    Strain.CLOCK_TURNED: ("the clock jumped ahead", "时钟向前跳变"),
    Strain.CLOCK_TURNED_BACK: ("the clock fell back", "时钟回拨"),
    Strain.DATABASE_DELAYED: ("the network to the database held back", "与数据库之间网络延迟"),
    Strain.DATABASE_CUT: ("the network to the database cut", "与数据库之间连接中断"),
    Strain.DATABASE_HALF_CLOSED: ("half closed towards the database", "与数据库之间连接半关闭"),
}


@contextmanager
def faults_shown(kills: int) -> Iterator[Report]:
    """Show how far it is: a bar on a terminal, a line now and then elsewhere."""
    say.note(
        "chaos: starting a Weili of its own; then what runs is killed while orders are placed …",
        "混沌测试：启动独立的微力实例，随后在下单过程中不断终止进程……",
    )
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=say.err, disable=not say.err.is_terminal) as progress:
        bar = progress.add_task(say.words("killed", "已终止"), total=kills)

        def report(done: int, answered: int) -> None:
            text = say.words(f"killed, {answered} orders answered", f"已终止，已答复 {answered} 单")
            progress.update(bar, completed=done, description=text)
            if not say.err.is_terminal and done % SAID_EVERY == 0:
                say.note(
                    f"chaos: {done} of {kills} killed, {answered} orders answered …",
                    f"混沌测试：已终止 {done}/{kills} 次，已答复 {answered} 单……",
                )

        yield report


def story_told(summary: Summary) -> None:
    """Tell what happened and what was found."""
    others = summary.faults.total() - summary.kills
    say.line(
        f"{summary.kills} kills ({summary.processes_killed} processes) and"
        f" {others} other faults in {summary.whole_s:g} s,"
        f" seed {summary.seed}:",
        f"用时 {summary.whole_s:g} 秒，终止 {summary.kills} 次"
        f"（{summary.processes_killed} 个进程），其他故障 {others} 次，种子 {summary.seed}：",
    )
    for name, count in sorted(summary.faults.items(), key=lambda pair: (-pair[1], pair[0])):
        en, zh = FAULTS[name]
        say.line(f"  {count:>4}  {en}", f"  {count:>4}  {zh}")
    points = ", ".join(f"{name} {count}" for name, count in sorted(summary.points.items()))
    say.line(
        f"Of the kills at a named point: {points or 'none'}.",
        f"其中在指定步骤终止：{points or '无'}。",
    )
    say.line(
        f"Orders: {summary.acknowledged} acknowledged, {summary.refused} refused for want of stock,"
        f" {summary.cancelled} cancelled; {summary.replayed} answers were those of an earlier try.",
        f"订单：确认 {summary.acknowledged} 单，缺货拒绝 {summary.refused} 单，"
        f"取消 {summary.cancelled} 单；{summary.replayed} 次答复取自先前的提交。",
    )
    again = ", ".join(f"{name} {count}" for name, count in summary.asked_again.most_common())
    say.line(
        f"Clients asked again: {again or 'never'}. Messages: {summary.messages}.",
        f"客户端重试：{again or '无'}。消息：{summary.messages} 条。",
    )
    _outage_told(summary)
    for violation in summary.violations[:SHOWN_MAX]:
        text = f"  {violation.check}: {violation.what}"
        say.line(text, text)
    say.line(f"Violations: {len(summary.violations)}", f"违反：{len(summary.violations)} 处")
    if summary.kept:
        say.line(f"Kept for you to look at: {summary.kept}", f"现场保留于：{summary.kept}")


def _outage_told(summary: Summary) -> None:
    en, zh = FAULTS[summary.outage_after] if summary.outage_after else ("nothing", "无")
    say.line(
        f"Longest time without an order acknowledged: {summary.outage_s:g} s, after: {en}."
        f" `weili up` was started again {summary.restarts} times.",
        f"最长无订单确认时间：{summary.outage_s:g} 秒（终止对象：{zh}）。"
        f"`weili up` 重新启动 {summary.restarts} 次。",
    )
