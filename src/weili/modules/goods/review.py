"""Goods under review: suppliers propose, the operator sends back, edits, publishes.

A proposal holds the whole of an SPU. While it is on its way, what is on the shelf stays as it is;
SKUs that are new lie in wait as drafts, so that they have an id to count stock and set prices for.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Final

from weili.kit.context import Ctx, EventType, PartyId
from weili.kit.ids import id_text, new_id
from weili.kit.pages import LIMIT_DEFAULT, Page, cursor_id, limit_bounded, page_of
from weili.kit.problems import FieldProblem, InputInvalid, Said
from weili.modules.goods.events import GOODS_PUBLISHED, GOODS_RETURNED, SKU_UPDATED
from weili.modules.goods.model import (
    REVISION_PREFIX,
    REVISION_STATES,
    SHOWN_STATES,
    SKU_STATES,
    BrandKind,
    Category,
    CategoryId,
    GoodsProposal,
    Published,
    ReviewNote,
    Revision,
    RevisionId,
    RevisionState,
    RevisionStep,
    Sku,
    SkuId,
    SkuState,
    SpuId,
)
from weili.modules.goods.problems import CodeTaken, GoodsUnfit, RevisionUnknown, SkuUnknown
from weili.modules.goods.putting import goods_put
from weili.modules.goods.rules import proposal_faults, proposal_rows
from weili.modules.goods.service import (
    BEFORE_ALL,
    SCOPE_ADMIN,
    announce_seen,
    shelve,
    sku_shelve,
)
from weili.modules.goods.store import review as store
from weili.modules.goods.store import skus, writing
from weili.modules.goods.templates import category_path, template_of
from weili.modules.regions import regions_known

SCOPE_PROPOSE: Final = "supply:write"
SCOPE_READ: Final = "supply:read"


def revision_save(ctx: Ctx, *, supplier_id: PartyId, proposal: GoodsProposal) -> Revision:
    """Write down what a supplier proposes for an SPU; the same again changes nothing.

    The first time it opens a revision; until that is submitted, each time replaces what it says.

    Raises: Forbidden; CategoryUnknown; CodeTaken; StateConflict, while it is in review.
    """
    ctx.require(SCOPE_PROPOSE)
    path = category_path(ctx, category_id=proposal.category_id)
    writing.put_lock(ctx)
    codes = {sku.supplier_code for sku in proposal.skus}
    for code, other in store.codes_elsewhere(ctx, supplier_id, codes, proposal.spu_code):
        raise CodeTaken(supplier_code=code, spu_code=other)
    # Nothing is written before the refusals are over: who saves many steps over those refused.
    spu_id = store.spu_find(ctx, supplier_id, proposal.spu_code)
    found = None if spu_id is None else store.revision_open(ctx, spu_id)
    if found is not None and found.state is not RevisionState.DRAFT:
        # Only what is a draft can be submitted, so this is the refusal of the same words.
        REVISION_STATES.check(found.state, RevisionState.IN_REVIEW, label=_label(found.id))
    if found is not None and found.proposal == proposal:
        return found
    spu_id = _drafts_put(ctx, supplier_id, proposal, path)
    if found is None:
        revision = Revision(
            RevisionId(new_id(ctx.now)),
            supplier_id,
            spu_id,
            RevisionState.DRAFT,
            1,
            proposal,
            "",
            (),
            ctx.now,
            ctx.now,
        )
        store.revision_insert(ctx, revision)
        return revision
    revision = replace(found, version=found.version + 1, proposal=proposal, updated_at=ctx.now)
    store.revision_update(ctx, revision)
    return revision


def revision_submit(ctx: Ctx, *, supplier_id: PartyId, revision_id: RevisionId) -> Revision:
    """Hand a proposal to the operator, if it is as its category and the house ask.

    Raises: Forbidden; RevisionUnknown; StateConflict; GoodsUnfit, listing every field.
    """
    ctx.require(SCOPE_PROPOSE)
    revision = _locked(ctx, revision_id, supplier_id)
    REVISION_STATES.check(revision.state, RevisionState.IN_REVIEW, label=_label(revision_id))
    _check(ctx, revision)
    codes = {sku.supplier_code for sku in revision.proposal.skus}
    _skus_move(ctx, revision, SkuState.DRAFT, SkuState.IN_REVIEW, codes=codes)
    return _moved(ctx, revision, RevisionState.IN_REVIEW)


def revision_withdraw(ctx: Ctx, *, supplier_id: PartyId, revision_id: RevisionId) -> Revision:
    """Take a proposal back for good; what is on the shelf stays as it is.

    Raises: Forbidden; RevisionUnknown; StateConflict.
    """
    ctx.require(SCOPE_PROPOSE)
    revision = _locked(ctx, revision_id, supplier_id)
    REVISION_STATES.check(revision.state, RevisionState.WITHDRAWN, label=_label(revision_id))
    _skus_move(ctx, revision, SkuState.IN_REVIEW, SkuState.DRAFT)
    return _moved(ctx, revision, RevisionState.WITHDRAWN)


def revision_return(
    ctx: Ctx, *, revision_id: RevisionId, reason: str, notes: Sequence[ReviewNote] = ()
) -> Revision:
    """Send a proposal back to its supplier: why, and what is wrong with which field.

    Raises: Forbidden; RevisionUnknown; StateConflict; InputInvalid, for a note on no field.
    """
    ctx.require(SCOPE_ADMIN)
    revision = _locked(ctx, revision_id, None)
    REVISION_STATES.check(revision.state, RevisionState.DRAFT, label=_label(revision_id))
    fields = {f"/{name}" for name in GoodsProposal.__dataclass_fields__}
    faults = [
        FieldProblem(f"/notes/{index}/path", "unknown", _A_FIELD)
        for index, note in enumerate(notes)
        if "/".join(note.path.split("/")[:2]) not in fields
    ]
    if faults:
        raise InputInvalid(fields=tuple(faults))
    _skus_move(ctx, revision, SkuState.IN_REVIEW, SkuState.DRAFT)
    moved = _moved(ctx, revision, RevisionState.DRAFT, reason=reason, notes=tuple(notes))
    _announce(ctx, GOODS_RETURNED, moved, reason=reason)
    return moved


def revision_edit(ctx: Ctx, *, revision_id: RevisionId, proposal: GoodsProposal) -> Revision:
    """Mend a proposal that is in review; the history says which members of it were changed.

    Raises: Forbidden; RevisionUnknown; StateConflict; CategoryUnknown; CodeTaken; GoodsUnfit;
    InputInvalid, for another SPU's code.
    """
    ctx.require(SCOPE_ADMIN)
    writing.put_lock(ctx)
    revision = _locked(ctx, revision_id, None)
    # Who may publish it may mend it: the two need the same state.
    REVISION_STATES.check(revision.state, RevisionState.PUBLISHED, label=_label(revision_id))
    if proposal.spu_code != revision.proposal.spu_code:
        code = revision.proposal.spu_code
        fault = FieldProblem("/spu_code", "unfit", Said(code, code))
        raise InputInvalid(fields=(fault,))
    changed = [
        f"/{name}"
        for name in GoodsProposal.__dataclass_fields__
        if getattr(proposal, name) != getattr(revision.proposal, name)
    ]
    if not changed:
        return revision
    codes = {sku.supplier_code for sku in proposal.skus}
    for code, other in store.codes_elsewhere(ctx, revision.supplier_id, codes, proposal.spu_code):
        raise CodeTaken(supplier_code=code, spu_code=other)
    mended = replace(revision, proposal=proposal)
    _check(ctx, mended)
    path = category_path(ctx, category_id=proposal.category_id)
    _drafts_put(ctx, revision.supplier_id, proposal, path)
    dropped = {sku.supplier_code for sku in revision.proposal.skus} - codes
    _skus_move(ctx, mended, SkuState.IN_REVIEW, SkuState.DRAFT, codes=dropped)
    _skus_move(ctx, mended, SkuState.DRAFT, SkuState.IN_REVIEW, codes=codes)
    return _moved(ctx, mended, RevisionState.IN_REVIEW, reason=" ".join(changed))


def revision_publish(ctx: Ctx, *, revision_id: RevisionId) -> Published:
    """Make a proposal what is said of the goods, and put its new SKUs on the shelf.

    SKUs that were taken off the shelf stay off it. Costs are not this module's: whoever calls
    hands them on. Suppliers and the partners who see the goods are told.

    Raises: Forbidden; RevisionUnknown; StateConflict; GoodsUnfit; BundleFrozen; BundlePartUnfit.
    """
    ctx.require(SCOPE_ADMIN)
    writing.put_lock(ctx)
    revision = _locked(ctx, revision_id, None)
    REVISION_STATES.check(revision.state, RevisionState.PUBLISHED, label=_label(revision_id))
    _check(ctx, revision)
    proposal, supplier_id = revision.proposal, revision.supplier_id
    path = category_path(ctx, category_id=proposal.category_id)
    names = tuple(category.name for category in path)
    rows = proposal_rows(proposal, supplier_id=supplier_id, category=names)
    shown = {sku for sku, state, _ in _skus_of(ctx, revision) if state in SHOWN_STATES}
    store.variants_defer(ctx)
    singles = goods_put(ctx, rows=[row for row in rows if not row.parts])
    bundles = goods_put(ctx, rows=[row for row in rows if row.parts])
    ids = {code: sku_id for put in (singles, bundles) for (_, code), sku_id in put.sku_ids.items()}
    states = {sku_id: state for sku_id, state, _ in _skus_of(ctx, revision)}
    fresh = sorted(sku_id for sku_id in ids.values() if states[sku_id] not in SHOWN_STATES)
    sku_shelve(ctx, sku_ids=fresh, state=SkuState.ON_SHELF)
    links = [
        (link.media_id, ids.get(link.supplier_code) if link.supplier_code else None, link.alt)
        for link in proposal.media
    ]
    store.links_set(ctx, revision.spu_id, links, proposal.description)
    announce_seen(ctx, SKU_UPDATED, sorted(shown), {})
    moved = _moved(ctx, revision, RevisionState.PUBLISHED)
    _announce(ctx, GOODS_PUBLISHED, moved)
    return Published(moved, ids, frozenset(fresh))


def sku_withdraw(ctx: Ctx, *, supplier_id: PartyId, sku_ids: Sequence[SkuId]) -> int:
    """Take a supplier's own SKUs off the shelf; only the operator puts them back.

    Raises: Forbidden; SkuUnknown, also for another supplier's; StateConflict. Then none has moved.
    """
    ctx.require(SCOPE_PROPOSE)
    found = skus.skus_read(ctx, sku_ids)
    for sku_id in sku_ids:
        if sku_id not in found or found[sku_id].supplier_id != supplier_id:
            raise SkuUnknown(sku_id=id_text("sku", sku_id))
    return shelve(ctx, sku_ids, SkuState.OFF_SHELF)


def revision_get(
    ctx: Ctx, *, revision_id: RevisionId, supplier_id: PartyId | None
) -> tuple[Revision, list[RevisionStep]]:
    """Give a supplier's revision, or (``supplier_id`` None) any, with what it went through.

    Raises: Forbidden; RevisionUnknown.
    """
    ctx.require(SCOPE_ADMIN if supplier_id is None else SCOPE_READ)
    revision = store.revision_read(ctx, revision_id, lock=False)
    if revision is None or supplier_id not in {None, revision.supplier_id}:
        raise RevisionUnknown(revision_id=_label(revision_id))
    return revision, store.revision_steps(ctx, revision_id)


def revision_live(ctx: Ctx, *, revision_id: RevisionId) -> tuple[str, list[Sku], list[Category]]:
    """Give what stands now of the goods that a revision is about, and the category it proposes.

    That is the description and the variants; drafts are among them: what is new lies in wait so.

    Raises: Forbidden; RevisionUnknown.
    """
    revision, _ = revision_get(ctx, revision_id=revision_id, supplier_id=None)
    found = skus.skus_read(ctx, skus.variants_read(ctx, [revision.spu_id]))
    description, _ = store.shown(ctx, [revision.spu_id]).get(revision.spu_id, ("", []))
    path = category_path(ctx, category_id=revision.proposal.category_id)
    return description, sorted(found.values(), key=lambda sku: sku.supplier_code), path


def revision_page(
    ctx: Ctx,
    *,
    supplier_id: PartyId | None,
    is_all: bool = False,
    states: Sequence[RevisionState] = tuple(RevisionState),
    category_id: CategoryId | None = None,
    cursor: str | None = None,
    limit: int = LIMIT_DEFAULT,
) -> Page[Revision]:
    """List a supplier's revisions, or (``is_all``, for the operator) those of any, oldest first.

    Raises: Forbidden; CursorInvalid.
    """
    ctx.require(SCOPE_ADMIN if is_all else SCOPE_READ)
    rows = store.revisions_page(
        ctx,
        states=states,
        supplier_id=supplier_id,
        category_id=category_id,
        after=RevisionId(cursor_id(cursor) or BEFORE_ALL),
        limit=(limit := limit_bounded(limit)) + 1,
    )
    return page_of(rows, limit=limit, key=lambda revision: revision.id.hex)


_A_FIELD: Final = Said(
    "a JSON pointer into the proposal, such as /title or /skus/0/gtin",
    "指向送审内容中某一字段的路径，如 /title 或 /skus/0/gtin",
)


def _drafts_put(
    ctx: Ctx, supplier_id: PartyId, proposal: GoodsProposal, path: Sequence[Category]
) -> SpuId:
    """Write the SKUs that are new as drafts, with nothing that partners could come to see.

    Goods that partners know keep what is said of them until the proposal is published. Bundles
    wait for that as well, since what they are made of can't be changed afterwards.
    """
    spu_id = store.spu_find(ctx, supplier_id, proposal.spu_code)
    known = {} if spu_id is None else store.spu_skus(ctx, spu_id)
    rows = proposal_rows(
        proposal, supplier_id=supplier_id, category=tuple(category.name for category in path)
    )
    rows = [
        row._replace(variant_values=None, terms=None)
        for row in rows
        if not row.parts and row.supplier_code not in known
    ]
    is_live = any(state in SHOWN_STATES for _, state, _ in known.values())
    if spu_id is not None and is_live and rows:
        title, category_id, brand, brand_kind, attributes = store.spu_live(ctx, spu_id)
        names = tuple(each.name for each in store.category_path(ctx, category_id))
        kind = BrandKind(brand_kind) if brand_kind else BrandKind.NATIONAL
        rows = [
            row._replace(
                title=title,
                category=names,
                brand=brand,
                brand_kind=kind,
                attributes=attributes,
            )
            for row in rows
        ]
    goods_put(ctx, rows=rows)
    found = spu_id or store.spu_find(ctx, supplier_id, proposal.spu_code)
    return found or writing.spu_open(
        ctx, supplier_id, proposal.spu_code, proposal.title, path[-1].id
    )


def _check(ctx: Ctx, revision: Revision) -> None:
    """Refuse a proposal that is not as its category and the house ask.

    Raises: GoodsUnfit; CategoryUnknown.
    """
    proposal, supplier_id = revision.proposal, revision.supplier_id
    codes = {sku.supplier_code for sku in proposal.skus}
    others = [
        values
        for code, (_, state, values) in store.spu_skus(ctx, revision.spu_id).items()
        if code not in codes and state in SHOWN_STATES
    ]
    areas = {
        code for sku in proposal.skus for code in sku.terms.areas_allowed + sku.terms.areas_excluded
    }
    keys = {(supplier_id, code) for sku in proposal.skus for code, _ in sku.parts}
    singles = skus.singles_by_key(ctx, keys) if keys else {}
    faults = list(
        proposal_faults(
            proposal,
            template=template_of(ctx, category_id=proposal.category_id),
            others=others,
            media=store.media_owned(ctx, supplier_id, [link.media_id for link in proposal.media]),
            areas=regions_known(ctx, codes=sorted(areas)) if areas else (),
            parts={code for _, code in singles},
        )
    )
    if faults:
        raise GoodsUnfit(
            fields=tuple(faults[:FAULTS_MAX]), spu_code=proposal.spu_code, count=len(faults)
        )


FAULTS_MAX: Final = 100


def _locked(ctx: Ctx, revision_id: RevisionId, supplier_id: PartyId | None) -> Revision:
    revision = store.revision_read(ctx, revision_id, lock=True)
    if revision is None or supplier_id not in {None, revision.supplier_id}:
        raise RevisionUnknown(revision_id=_label(revision_id))
    return revision


def _moved(
    ctx: Ctx,
    revision: Revision,
    state: RevisionState,
    *,
    reason: str = "",
    notes: tuple[ReviewNote, ...] = (),
) -> Revision:
    moved = replace(
        revision,
        state=state,
        version=revision.version + 1,
        reason=reason,
        notes=notes,
        updated_at=ctx.now,
    )
    store.revision_update(ctx, moved)
    return moved


def _skus_of(ctx: Ctx, revision: Revision) -> list[tuple[SkuId, SkuState, str]]:
    found = store.spu_skus(ctx, revision.spu_id)
    return [(sku_id, state, code) for code, (sku_id, state, _) in found.items()]


def _skus_move(
    ctx: Ctx,
    revision: Revision,
    here: SkuState,
    there: SkuState,
    *,
    codes: Collection[str] | None = None,
) -> None:
    """Take SKUs of the revision's SPU from one state to the other: of some codes, or all."""
    moving = sorted(
        sku_id
        for sku_id, state, code in _skus_of(ctx, revision)
        if state is here and (codes is None or code in codes)
    )
    for sku_id in moving:
        SKU_STATES.check(here, there, label=id_text("sku", sku_id))
    if moving:
        writing.states_set(ctx, moving, there)
        steps = [
            (sku_id, new_id(ctx.now), there, {"state": [str(here), str(there)]})
            for sku_id in moving
        ]
        writing.history_insert(ctx, "reviewed", steps)


def _announce(ctx: Ctx, event_type: EventType, revision: Revision, **data: str) -> None:
    revision_id = _label(revision.id)
    ctx.announce(
        event_type,
        party_id=revision.supplier_id,
        subject=revision_id,
        data={"revision_id": revision_id, "spu_code": revision.proposal.spu_code, **data},
    )


def _label(revision_id: RevisionId) -> str:
    return id_text(REVISION_PREFIX, revision_id)
