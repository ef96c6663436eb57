"""``weili goods``: what the operator does with goods that suppliers propose, and with the shelf.

And for a supplier without keys of its own: it hands in what is written down.
"""

from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from weili.entrypoints.cli import say
from weili.entrypoints.cli.opened import (
    JsonOption,
    SupplierNameOption,
    WorldOption,
    supplier_begin,
    world_opened,
)
from weili.entrypoints.cli.stock import CursorOption, LimitOption, more_say
from weili.kit.problems import ANSWERS, Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from weili.kit.context import Begin, Ctx, PartyId
    from weili.modules.goods import (
        Category,
        Revision,
        RevisionId,
        RevisionStep,
        SkuId,
        SkuProposal,
    )
    from weili.workflows.publish_goods import GoodsOutcome

app = typer.Typer(help="Review and publish suppliers' goods.", no_args_is_help=True)

RevisionArgument = Annotated[str, typer.Argument(help="The proposal's id (rev_…).")]
RevisionsArgument = Annotated[list[str], typer.Argument(help="The proposals' ids (rev_…).")]
CodesArgument = Annotated[list[str], typer.Argument(help="The supplier's own codes of the SKUs.")]
OwnerOption = Annotated[str, typer.Option("--supplier", help="Whose goods they are.")]
IDS_MAX: Final = 100
REASON_MAX: Final = 200
_LISTED: Final = ("id", "supplier", "spu_code", "title", "sku_count", "state")
_STEP: Final = ("version", "state", "at", "reason")


@app.callback()
def reviewing() -> None:
    """Review and publish suppliers' goods."""


@app.command("categories")
def categories(world: WorldOption = None, as_json: JsonOption = False) -> None:
    """List all categories, each as it is written in a sheet."""
    from weili.kit.world import in_transaction
    from weili.modules import goods

    with world_opened(world) as opened:
        paths = in_transaction(opened.begin, goods.category_paths)
    items = [{"category": " > ".join(path)} for path in paths]
    if as_json:
        say.page_document(items)
        return
    for item in items:
        say.line(item["category"], item["category"])


@app.command("category")
def category_open(
    category: Annotated[str, typer.Argument(help="The category, from the top: A > B > C.")],
    world: WorldOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a category, and those above it that are missing; one that is there stays."""
    from weili.kit.ids import id_text
    from weili.kit.world import in_transaction
    from weili.modules import goods

    with world_opened(world) as opened:
        path = in_transaction(opened.begin, lambda ctx: _path_opened(ctx, category))
    made = path[-1]
    name = id_text(goods.CATEGORY_PREFIX, made.id)
    if as_json:
        say.document({"id": name, "name": made.name, "level": made.level})
    else:
        written = " > ".join(step.name for step in path)
        say.line(f"{name}: {written}", f"{name}：{written}")


def _path_opened(ctx: "Ctx", path: str) -> "list[Category]":
    from weili.modules import goods

    return goods.category_path(ctx, category_id=goods.category_path_open(ctx, path=path).id)


@app.command("list")
def goods_list(  # noqa: PLR0917 - typer passes options by name
    state: Annotated[
        str, typer.Option("--state", help="draft, in_review, published or withdrawn.")
    ] = "in_review",
    supplier: Annotated[
        str | None, typer.Option("--supplier", help="Only this supplier's; of all if left out.")
    ] = None,
    limit: LimitOption = 50,
    cursor: CursorOption = None,
    world: WorldOption = None,
    as_json: JsonOption = False,
) -> None:
    """List what suppliers propose, the oldest first; what waits for review if no state is named."""
    from weili.kit.world import in_transaction
    from weili.modules import goods

    if state not in set(goods.RevisionState):
        raise typer.BadParameter("one of draft, in_review, published, withdrawn")

    def work(ctx: "Ctx") -> dict[str, Any]:
        found = goods.revision_page(
            ctx,
            supplier_id=None if supplier is None else _supplier(ctx, supplier),
            is_all=True,
            states=(goods.RevisionState(state),),
            cursor=cursor,
            limit=limit,
        )
        names = _names(ctx, found.items)
        items = [_document(revision, names) for revision in found.items]
        return {"items": items, "next_cursor": found.next_cursor}

    with world_opened(world) as opened:
        shown = in_transaction(opened.begin, work)
    if as_json:
        say.document(shown)
        return
    say.table(
        [
            ("proposal", "送审单"),
            ("supplier", "供应商"),
            ("code", "商品编码"),
            ("title", "标题"),
            ("SKUs", "SKU 数"),
            ("state", "状态"),
        ],
        [tuple(item[key] for key in _LISTED) for item in shown["items"]],
    )
    more_say(shown["next_cursor"])


@app.command("show")
def goods_show(
    revision: RevisionArgument, world: WorldOption = None, as_json: JsonOption = False
) -> None:
    """Show a proposal: its SKUs with their costs, and what it went through."""
    from weili.kit.world import in_transaction
    from weili.modules import goods

    revision_id = _revision_id(revision)

    def work(ctx: "Ctx") -> dict[str, Any]:
        found, steps = goods.revision_get(ctx, revision_id=revision_id, supplier_id=None)
        return _full(found, steps, _names(ctx, [found]))

    with world_opened(world) as opened:
        shown = in_transaction(opened.begin, work)
    if as_json:
        say.document(shown)
        return
    head = f"{shown['id']}  {shown['supplier']}  {shown['spu_code']}  {shown['title']}"
    say.line(head, head)
    say.table(
        [("SKU", "SKU"), ("variant", "规格"), ("GTIN", "条码"), ("cost (fen)", "供货价（分）")],
        [
            (
                sku["supplier_code"],
                " / ".join(sku["variant_values"].values()),
                sku["gtin"],
                sku["unit_cost_minor"],
            )
            for sku in shown["skus"]
        ],
    )
    say.table(
        [("version", "版本"), ("state", "状态"), ("at", "时间"), ("why", "原因")],
        [tuple(step[key] for key in _STEP) for step in shown["history"]],
    )


@app.command("submit")
def goods_submit(
    revisions: RevisionsArgument,
    supplier: SupplierNameOption,
    world: WorldOption = None,
    as_json: JsonOption = False,
) -> None:
    """Hand a supplier's drafts in for review, each by itself; what is unfit stays a draft."""
    ids = _revision_ids(revisions)
    with world_opened(world) as opened:
        supplier_id, begin = supplier_begin(opened, supplier)
        refusals = [_submit(begin, supplier_id, revision_id) for revision_id in ids]
    items = [_submitted(text, refusal) for text, refusal in zip(revisions, refusals, strict=True)]
    if as_json:
        say.page_document(items)
    for text, refusal in zip(revisions, refusals, strict=True):
        if refusal is not None:
            for told in say.problem_lines(refusal):
                say.note(told, told)
        elif not as_json:
            say.line(f"{text} is in review.", f"{text} 已送审。")
    _end(refusals)


def _submit(begin: "Begin", supplier_id: "PartyId", revision_id: "RevisionId") -> Problem | None:
    from weili.kit.world import in_transaction
    from weili.modules import goods

    def work(ctx: "Ctx") -> None:
        goods.revision_submit(ctx, supplier_id=supplier_id, revision_id=revision_id)

    try:
        in_transaction(begin, work)
    except Problem as refusal:
        return refusal
    return None


def _submitted(text: str, refusal: Problem | None) -> dict[str, Any]:
    if refusal is None:
        return {"id": text, "status": "submitted"}
    problem = "\n".join(say.problem_lines(refusal))
    return {"id": text, "status": "refused", "code": refusal.code, "problem": problem}


def _end(refusals: "Sequence[Problem | None]") -> None:
    """End with the exit code of the first refusal, if there is any."""
    refused = [refusal for refusal in refusals if refusal is not None]
    if refused:
        raise SystemExit(ANSWERS[refused[0].kind].exit_code)


@app.command("return")
def goods_return(
    revision: RevisionArgument,
    reason: Annotated[str, typer.Option("--reason", help="What the supplier is to mend.")],
    world: WorldOption = None,
    as_json: JsonOption = False,
) -> None:
    """Send a proposal back to its supplier, which is told why."""
    from weili.kit.world import in_transaction
    from weili.modules import goods

    revision_id = _revision_id(revision)
    if not 0 < len(reason.strip()) <= REASON_MAX:
        raise typer.BadParameter("a reason of 1 to 200 characters")

    def work(ctx: "Ctx") -> dict[str, Any]:
        found = goods.revision_return(ctx, revision_id=revision_id, reason=reason.strip())
        return _document(found, _names(ctx, [found]))

    with world_opened(world) as opened:
        shown = in_transaction(opened.begin, work)
    if as_json:
        say.document(shown)
    else:
        say.line(f"{shown['id']} went back to its supplier.", f"{shown['id']} 已退回供应商。")


@app.command("publish")
def goods_publish(
    revisions: RevisionsArgument, world: WorldOption = None, as_json: JsonOption = False
) -> None:
    """Publish proposals with their costs, each whole or not at all; new SKUs go on the shelf."""
    from weili.kit.world import in_transaction
    from weili.workflows.publish_goods import publish_goods

    ids = _revision_ids(revisions)
    with world_opened(world) as opened:
        outcomes = in_transaction(opened.begin, lambda ctx: publish_goods(ctx, revision_ids=ids))
    items = [_outcome(outcome) for outcome in outcomes]
    if as_json:
        say.page_document(items)
    for outcome, item in zip(outcomes, items, strict=True):
        if outcome.problem is not None:
            say.note(f"{item['id']}: {item['problem']}", f"{item['id']}：{item['problem']}")
        elif not as_json:
            say.line(f"{item['id']} is published.", f"{item['id']} 已发布。")
    _end([outcome.problem for outcome in outcomes])


@app.command("shelve")
def goods_shelve(
    codes: CodesArgument,
    supplier: OwnerOption,
    off: Annotated[bool, typer.Option("--off", help="Take them off the shelf instead.")] = False,
    world: WorldOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put SKUs on the shelf or take them off it, all of them or none; again changes nothing."""
    from weili.kit.world import in_transaction
    from weili.modules import goods

    state = goods.SkuState.OFF_SHELF if off else goods.SkuState.ON_SHELF

    def work(ctx: "Ctx") -> int:
        return goods.sku_shelve(ctx, sku_ids=_skus(ctx, supplier, codes), state=state)

    with world_opened(world) as opened:
        changed = in_transaction(opened.begin, work)
    if as_json:
        say.document({"state": state.value, "changed": changed})
    else:
        say.line(f"{changed} changed.", f"已变更 {changed} 个。")


def _skus(ctx: "Ctx", supplier: str, codes: list[str]) -> "list[SkuId]":
    from weili.modules import goods

    supplier_id = _supplier(ctx, supplier)
    found = goods.skus_by_code(ctx, keys=[(supplier_id, code) for code in dict.fromkeys(codes)])
    for code in codes:
        if (supplier_id, code) not in found:
            raise goods.SkuUnknown(sku_id=code)
    return sorted(found.values())


def _supplier(ctx: "Ctx", name: str) -> "PartyId":
    from weili.modules import parties

    return parties.party_by_name(ctx, kind=parties.PartyKind.SUPPLIER, name=name).id


def _names(ctx: "Ctx", revisions: "Sequence[Revision]") -> "dict[PartyId, str]":
    from weili.modules import parties

    found = parties.parties_get(ctx, party_ids=[each.supplier_id for each in revisions])
    return {party_id: party.name for party_id, party in found.items()}


def _revision_id(text: str) -> "RevisionId":
    from weili.kit.ids import id_parse
    from weili.modules import goods

    return goods.RevisionId(id_parse(goods.REVISION_PREFIX, text))


def _revision_ids(texts: list[str]) -> "list[RevisionId]":
    if len(texts) > IDS_MAX:
        raise typer.BadParameter("at most 100 proposals at once")
    return [_revision_id(text) for text in texts]


def _document(revision: "Revision", names: "dict[PartyId, str]") -> dict[str, Any]:
    from weili.kit.ids import id_text
    from weili.modules import goods

    return {
        "id": id_text(goods.REVISION_PREFIX, revision.id),
        "supplier": names.get(revision.supplier_id, ""),
        "spu_code": revision.proposal.spu_code,
        "title": revision.proposal.title,
        "sku_count": len(revision.proposal.skus),
        "state": revision.state.value,
        "version": revision.version,
        "reason": revision.reason,
        "updated_at": revision.updated_at.isoformat(),
    }


def _full(
    revision: "Revision", steps: "list[RevisionStep]", names: "dict[PartyId, str]"
) -> dict[str, Any]:
    proposal = revision.proposal
    return _document(revision, names) | {
        "brand": proposal.brand,
        "attributes": dict(proposal.attributes),
        "description": proposal.description,
        "skus": [_sku(sku) for sku in proposal.skus],
        "history": [
            {
                "version": step.version,
                "state": step.state.value,
                "reason": step.reason,
                "at": step.at.isoformat(),
            }
            for step in steps
        ],
    }


def _sku(sku: "SkuProposal") -> dict[str, Any]:
    return {
        "supplier_code": sku.supplier_code,
        "variant_values": dict(sku.variant_values),
        "gtin": sku.gtin,
        "unit_cost_minor": sku.unit_cost_minor,
        "later_costs": [
            {"valid_from": cost.valid_from.isoformat(), "unit_cost_minor": cost.unit_cost_minor}
            for cost in sku.later_costs
        ],
    }


def _outcome(outcome: "GoodsOutcome") -> dict[str, Any]:
    from weili.kit.ids import id_text
    from weili.modules import goods

    written = {"id": id_text(goods.REVISION_PREFIX, outcome.revision_id)}
    if outcome.published is None:
        problem = outcome.problem
        return written | {
            "status": "refused",
            "code": problem and problem.code,
            "problem": problem and problem.text(say.language()),
        }
    return written | {"status": "published"}
