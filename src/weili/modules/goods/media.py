"""The pictures, videos and documents that suppliers send, and what is shown beside goods.

Only the facts are kept here. The bytes lie with an adapter, under an address that is made of
their content, so that nobody can guess it and nothing under it ever changes.
"""

from collections.abc import Sequence
from typing import Final

from weili.kit.context import Ctx, PartyId
from weili.kit.ids import new_id
from weili.kit.pages import LIMIT_DEFAULT, Page, cursor_id, limit_bounded, page_of
from weili.modules.goods.model import Media, MediaFacts, MediaId, ShownMedia, SpuId
from weili.modules.goods.problems import MediaFull
from weili.modules.goods.service import BEFORE_ALL
from weili.modules.goods.store import review as store

FILES_MAX: Final = 100_000
"""Files of one supplier."""


def media_put(ctx: Ctx, *, supplier_id: PartyId, facts: MediaFacts) -> Media:
    """Write down a file that a supplier sends; the same content again is the same file.

    Raises: Forbidden; MediaFull.
    """
    ctx.require("supply:write")
    known = store.media_by_address(ctx, supplier_id, facts.address)
    if known is not None:
        return known
    count = store.media_count(ctx, supplier_id)
    if count >= FILES_MAX:
        raise MediaFull(count=count)
    store.media_insert(ctx, MediaId(new_id(ctx.now)), supplier_id, facts)
    found = store.media_by_address(ctx, supplier_id, facts.address)
    assert found is not None  # noqa: S101 - the line above wrote it, or another did just before
    return found


def media_page(
    ctx: Ctx, *, supplier_id: PartyId, cursor: str | None = None, limit: int = LIMIT_DEFAULT
) -> Page[Media]:
    """List a supplier's files.

    Raises: Forbidden; CursorInvalid.
    """
    ctx.require("supply:read")
    after = MediaId(cursor_id(cursor) or BEFORE_ALL)
    rows = store.media_page(
        ctx, supplier_id, after=after, limit=(limit := limit_bounded(limit)) + 1
    )
    return page_of(rows, limit=limit, key=lambda media: media.id.hex)


def shown_of(ctx: Ctx, *, spu_ids: Sequence[SpuId]) -> dict[SpuId, tuple[str, list[ShownMedia]]]:
    """Give the description and the media of SPUs, the media in their order.

    Whoever asks has been shown the goods: this does not say who may see them.
    """
    return store.shown(ctx, spu_ids)
