"""What a partner may select from: the search, the feed of changes, and the whole as a stream."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends, Path, Query
from pydantic import Field
from starlette.responses import Response, StreamingResponse

from weili.adapters.search import SearchIndex, SearchNotReady
from weili.entrypoints.http import answers
from weili.entrypoints.http import catalogue_answers as shapes
from weili.entrypoints.http.calls import Call, CallIn, carry_out, read
from weili.entrypoints.http.documents import moment, page
from weili.entrypoints.http.exports import FILE, FormatQuery, Row, file_of
from weili.entrypoints.http.fields import (
    LIMIT,
    Body,
    BrandIdIn,
    CategoryIdIn,
    CursorIn,
    LimitIn,
    TitleIn,
)
from weili.entrypoints.http.goods import sku_document
from weili.entrypoints.http.look_documents import (
    HITS_MAX,
    FoundDocument,
    facets_written,
    found_document,
    told_written,
)
from weili.kit.context import Ctx, PartyId
from weili.kit.ids import id_text
from weili.kit.money import AMOUNT_MINOR_MAX
from weili.kit.pages import cursor_parse, cursor_text
from weili.kit.problems import CursorInvalid
from weili.modules import catalogue, goods
from weili.modules.catalogue import OFFSET_MAX, SearchAsk, SearchSort
from weili.workflows.search_skus import search_skus

router = APIRouter(tags=["catalogue"])

EXPORT_ROWS: Final = 500
_POSITION_DIGITS_MAX: Final = 18
_FOUND_HEAD: Final = (
    "sku_id",
    "title",
    "variant",
    "unit_price_minor",
    "suggested_price_minor",
)

WordsIn = Annotated[
    str,
    Query(
        max_length=catalogue.QUERY_MAX,
        description="words of the title, brand, attributes or category; pinyin does as well",
    ),
]
OffsetIn = Annotated[int, Query(ge=0, le=OFFSET_MAX, description="found SKUs to leave out")]
HitsIn = Annotated[int, Query(ge=1, le=HITS_MAX, description="found SKUs at most")]
PriceQuery = Annotated[
    int | None, Query(ge=0, le=AMOUNT_MINOR_MAX, description="of your own price, in fen")
]
AfterIn = Annotated[
    str | None, Query(max_length=64, description="`next_after` of the page before; all if none")
]
FeedLimitIn = Annotated[int, Query(ge=1, le=catalogue.FEED_MAX, description="changes at most")]
SynonymIn = Annotated[TitleIn, Field(max_length=30)]
WordIn = Annotated[TitleIn, Path()]


class SynonymsBody(Body):
    """Words that shall stand for each other."""

    words: Annotated[list[SynonymIn], Field(min_length=2, max_length=catalogue.SYNONYMS_MAX)]


async def ask_of(  # noqa: PLR0917 - FastAPI passes parameters by name
    q: WordsIn = "",
    category_id: CategoryIdIn | None = None,
    brand_id: BrandIdIn | None = None,
    brand_kind: goods.BrandKind | None = None,
    price_min: PriceQuery = None,
    price_max: PriceQuery = None,
    sort: SearchSort = SearchSort.RELEVANCE,
) -> SearchAsk:
    """Read what a partner looks for, be it to see a page of it or to take it away."""
    return SearchAsk(
        text=q,
        category_id=category_id,
        brand_id=brand_id,
        brand_kind=brand_kind,
        price_min_minor=price_min,
        price_max_minor=price_max,
        sort=sort,
    )


AskIn = Annotated[SearchAsk, Depends(ask_of)]


def search_router(indexes: Mapping[str, SearchIndex]) -> APIRouter:
    """Give the routes that ask the index of their world."""
    routes = APIRouter(tags=["catalogue"])

    @routes.get("/v1/search/skus", response_model=shapes.SearchOut)
    def skus_search(
        call: CallIn, sought: AskIn, offset: OffsetIn = 0, limit: HitsIn = 20
    ) -> Response:
        """Search what you may order, with counts that narrow it further.

        `sort` by price takes your own price; `margin` is the share between it and the compare-at
        price. The index is a few seconds behind; prices shown are those of this moment.
        """
        ask = replace(sought, offset=offset, limit=limit)
        return _searched(call, indexes, call.actor.party_id, ask)

    @routes.get("/v1/operator/search/skus", response_model=shapes.SearchOut)
    def operator_skus_search(  # noqa: PLR0917 - FastAPI passes parameters by name
        call: CallIn,
        q: WordsIn = "",
        category_id: CategoryIdIn | None = None,
        brand_id: BrandIdIn | None = None,
        brand_kind: goods.BrandKind | None = None,
        state: goods.SkuState | None = None,
        sort: SearchSort = SearchSort.RELEVANCE,
        offset: OffsetIn = 0,
        limit: HitsIn = 20,
    ) -> Response:
        """Search all SKUs, in any state; prices are no partner's and stay empty."""
        ask = SearchAsk(
            text=q,
            category_id=category_id,
            brand_id=brand_id,
            brand_kind=brand_kind,
            state=state,
            sort=sort,
            offset=offset,
            limit=limit,
        )
        return _searched(call, indexes, None, ask)

    @routes.get("/v1/search/skus:export", response_class=StreamingResponse, responses=FILE)
    def skus_search_export(call: CallIn, sought: AskIn, format_: FormatQuery = "csv") -> Response:
        """Give the first 10,000 of what a search finds as a file, prices in fen."""
        ask = replace(sought, limit=HITS_MAX)
        index = _index_of(call, indexes)
        return file_of(call, "skus", format_, lambda ctx: _found_rows(ctx, index, call, ask))

    return routes


def _found_rows(ctx: Ctx, index: SearchIndex, call: Call, ask: SearchAsk) -> Iterator[Row]:
    for offset in range(0, OFFSET_MAX, HITS_MAX):
        at = replace(ask, offset=offset)
        result = search_skus(ctx, index, partner_id=call.actor.party_id, ask=at, form=_found_row)
        if not offset:
            yield _FOUND_HEAD
        yield from (item.told for item in result.items)
        if offset + HITS_MAX >= result.count:
            return


def _found_row(sku: catalogue.FoundSku) -> Row:
    return (
        id_text(goods.SKU_PREFIX, sku.sku_id),
        sku.title,
        sku.variant,
        sku.unit_price_minor,
        sku.compare_at_minor,
    )


@router.get("/v1/feed/skus", response_model=shapes.FeedOut)
def feed_page(call: CallIn, after: AfterIn = None, limit: FeedLimitIn = 1_000) -> Response:
    """Read what changed of the SKUs that you may order, each once, as it is now.

    Begin without `after`: you are given everything. An SKU that left your pools, or whose grant
    was taken back, comes as `removed`.
    """

    def work(ctx: Ctx) -> dict[str, Any]:
        found = catalogue.feed_after(
            ctx, partner_id=call.actor.party_id, after=_position(after), limit=limit
        )
        moments: dict[datetime, str | None] = {}
        return {
            "items": [_change(item, moments) for item in found.items],
            "next_after": cursor_text(str(found.next_after)),
            "has_more": found.has_more,
        }

    return read(call, work)


@router.get(
    "/v1/export/skus",
    response_class=StreamingResponse,
    responses=shapes.streamed(shapes.NDJSON, "one JSON document a line"),
)
def skus_export(call: CallIn) -> Response:
    """Read everything that you may order, an SKU with its price a line.

    The first line says from where the feed goes on (`next_after`). The last one is
    `{"end": true, "count": …}`: an export without it was cut off.
    """
    partner_id = call.actor.party_id
    position = carry_out(call, lambda ctx: catalogue.feed_end(ctx, partner_id=partner_id))
    return StreamingResponse(_export(call, partner_id, position), media_type=shapes.NDJSON)


@router.get("/v1/operator/synonyms", response_model=answers.PageOut[shapes.SynonymsOut])
def synonyms_page(call: CallIn, cursor: CursorIn = None, limit: LimitIn = LIMIT) -> Response:
    """List the groups of words that stand for each other in a search."""

    def work(ctx: Ctx) -> dict[str, Any]:
        rows = catalogue.synonyms_page(ctx, cursor=cursor, limit=limit)
        return page(rows.map(lambda row: {"words": row[1]}))

    return read(call, work)


@router.put("/v1/operator/synonyms", response_model=shapes.SynonymsOut)
def synonyms_put(call: CallIn, body: SynonymsBody) -> Response:
    """Make words stand for each other, in every search from now on."""
    return read(call, lambda ctx: {"words": catalogue.synonyms_put(ctx, group=body.words)})


@router.delete("/v1/operator/synonyms/{word}", response_model=answers.DoneOut)
def synonym_delete(call: CallIn, word: WordIn) -> Response:
    """Let a word stand for itself alone."""

    def work(ctx: Ctx) -> dict[str, Any]:
        catalogue.synonym_delete(ctx, word=word)
        return {"done": True}

    return read(call, work)


def _searched(
    call: Call, indexes: Mapping[str, SearchIndex], partner_id: PartyId | None, ask: SearchAsk
) -> Response:
    index = _index_of(call, indexes)

    def work(ctx: Ctx) -> FoundDocument:
        result = search_skus(ctx, index, partner_id=partner_id, ask=ask, form=told_written)
        return found_document(result, facets_written(result))

    return read(call, work)


def _index_of(call: Call, indexes: Mapping[str, SearchIndex]) -> SearchIndex:
    index = indexes.get(call.world.name)
    if index is None:
        raise SearchNotReady
    return index


def _change(item: catalogue.Offer, moments: dict[datetime, str | None]) -> dict[str, Any]:
    """Show a change; those of one transaction have one moment, which is written once."""
    changed_at = moments.get(item.changed_at)
    if changed_at is None:
        changed_at = moments[item.changed_at] = moment(item.changed_at)
    return {
        "sku_id": id_text(goods.SKU_PREFIX, item.sku_id),
        "version": item.version,
        "state": item.state.value,
        "unit_price_minor": item.unit_price_minor,
        "price_version": item.price_version,
        "changed_at": changed_at,
    }


def _position(after: str | None) -> int:
    text = cursor_parse(after)
    if text is None:
        return 0
    if not text.isascii() or not text.isdigit() or len(text) > _POSITION_DIGITS_MAX:
        raise CursorInvalid
    return int(text)


def _export(call: Call, partner_id: PartyId, position: int) -> Iterator[bytes]:
    """Write the export a few hundred SKUs at a time, each lot in a transaction of its own."""
    encode = msgspec.json.Encoder().encode
    yield encode({"next_after": cursor_text(str(position))}) + b"\n"
    after: goods.SkuId | None = goods.SkuId(UUID(int=0))
    count = 0
    while after is not None:
        with call.world.begin(call.actor) as ctx:
            skus, after = _export_lot(ctx, partner_id, after)
        count += len(skus)
        # Each is written and gone before the next is put together: what lives long is looked
        # through for garbage again and again.
        yield b"".join([encode(_exported(found, sku)) + b"\n" for found, sku in skus])
    yield encode({"end": True, "count": count}) + b"\n"


def _export_lot(
    ctx: Ctx, partner_id: PartyId, after: goods.SkuId
) -> tuple[list[tuple[catalogue.FoundSku, goods.Sku]], goods.SkuId | None]:
    offered = catalogue.offered_after(ctx, partner_id=partner_id, after=after, limit=EXPORT_ROWS)
    found = catalogue.skus_found(ctx, partner_id=partner_id, sku_ids=offered)
    skus = goods.skus_get(ctx, sku_ids=[sku.sku_id for sku in found])
    pairs = [(sku, skus[sku.sku_id]) for sku in found]
    return pairs, offered[-1] if len(offered) == EXPORT_ROWS else None


def _exported(found: catalogue.FoundSku, sku: goods.Sku) -> dict[str, Any]:
    document = sku_document(sku)
    document["unit_price_minor"] = found.unit_price_minor
    document["price_version"] = found.price_version
    return document
