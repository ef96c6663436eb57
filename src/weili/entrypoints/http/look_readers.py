"""The hot look-ups, read and answered: search, prices and stock.

A request that is exactly as documented is read here, quickly. Any other is left to the framework's
route of the same path, which takes it or names every fault: what is refused is decided there alone.
"""

from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Annotated, Final, TypeVar, cast
from urllib.parse import parse_qsl
from weakref import WeakKeyDictionary

import msgspec

from weili.adapters.search import Counts, SearchIndex, SearchNotReady
from weili.entrypoints.http.checks import ASKS_MAX, area_checked, day_read
from weili.entrypoints.http.look_documents import (
    HITS_MAX,
    availability_document,
    facets_written,
    found_document,
    quote_document,
    told_written,
)
from weili.kit.context import Actor, Ctx
from weili.kit.ids import id_parse, ids_parse
from weili.kit.memory import Recall
from weili.kit.money import AMOUNT_MINOR_MAX
from weili.modules import catalogue, dropship, goods, inventory, pricing
from weili.workflows.search_skus import SearchResult, search_steps

SEARCH: Final = "/v1/search/skus"
PRICES: Final = "/v1/prices:batchGet"
STOCK: Final = "/v1/stock:batchGet"
_DIGITS_MAX: Final = 18
_QUERY_FIELDS_MAX: Final = 10
T = TypeVar("T")

_encode = msgspec.json.Encoder().encode

Steps = Generator[None, None, bytes]
"""A look-up that asks the database and yields, reads what came and may ask again, and answers.

It yields before it does something else, too: a group does the same for all, and then the next."""
Work = Callable[[Ctx, Recall], Steps]
Reader = Callable[[Actor, bytes], Work]
"""Reads what an actor sent, a query or a body, that is as documented.

Raises: ValueError, msgspec.ValidationError or a Problem for any other.
"""

_Quantity = Annotated[int, msgspec.Meta(ge=1, le=dropship.QUANTITY_MAX)]


class _PriceAsk(msgspec.Struct, forbid_unknown_fields=True):
    sku_id: str
    quantity: _Quantity = 1


class _StockAsk(msgspec.Struct, forbid_unknown_fields=True):
    sku_id: str
    area_code: str
    quantity: _Quantity = 1
    on: str | None = None


class _PriceAsks(msgspec.Struct, forbid_unknown_fields=True):
    items: Annotated[list[_PriceAsk], msgspec.Meta(min_length=1, max_length=ASKS_MAX)]


class _StockAsks(msgspec.Struct, forbid_unknown_fields=True):
    items: Annotated[list[_StockAsk], msgspec.Meta(min_length=1, max_length=ASKS_MAX)]


_price_asks = msgspec.json.Decoder(_PriceAsks).decode
_stock_asks = msgspec.json.Decoder(_StockAsks).decode


def look_readers(index: SearchIndex | None) -> Mapping[str, Reader]:
    """Give the readers by path; without an index a search is refused as not ready."""
    return {SEARCH: _search_reader(index), PRICES: _prices_read, STOCK: _stock_read}


def _search_reader(index: SearchIndex | None) -> Reader:
    facets_of: WeakKeyDictionary[Counts, msgspec.Raw] = WeakKeyDictionary()

    def facets(result: SearchResult[bytes]) -> msgspec.Raw:
        """Give the written facets: once for as long as the index remembers the counts."""
        known = facets_of.get(result.counts)
        if known is None:
            known = facets_of[result.counts] = facets_written(result)
        return known

    def read(actor: Actor, query: bytes) -> Work:
        ask = _search_ask(query)

        def work(ctx: Ctx, recall: Recall) -> Steps:
            if index is None:
                raise SearchNotReady
            steps = search_steps(
                ctx,
                index,
                recall=recall,
                partner_id=actor.party_id,
                ask=ask,
                form=told_written,
            )
            result = yield from steps
            yield
            return _encode(found_document(result, facets(result)))

        return work

    return read


def _search_ask(query: bytes) -> catalogue.SearchAsk:
    """Read a search."""
    pairs = parse_qsl(
        query.decode("latin-1"), keep_blank_values=True, max_num_fields=_QUERY_FIELDS_MAX
    )
    asked = dict(pairs)
    if len(asked) != len(pairs):
        raise ValueError("twice")
    text = asked.pop("q", "")
    if len(text) > catalogue.QUERY_MAX:
        raise ValueError("too long")
    ask = catalogue.SearchAsk(
        text=text,
        category_id=_read(asked, "category_id", _category_id),
        brand_id=_read(asked, "brand_id", _brand_id),
        brand_kind=_read(asked, "brand_kind", goods.BrandKind),
        price_min_minor=_read(asked, "price_min", lambda text: _number(text, AMOUNT_MINOR_MAX)),
        price_max_minor=_read(asked, "price_max", lambda text: _number(text, AMOUNT_MINOR_MAX)),
        sort=_read(asked, "sort", catalogue.SearchSort) or catalogue.SearchSort.RELEVANCE,
        offset=_read(asked, "offset", lambda text: _number(text, catalogue.OFFSET_MAX)) or 0,
        limit=_read(asked, "limit", lambda text: _number(text, HITS_MAX, 1)) or 20,
    )
    if asked:
        raise ValueError("unknown")
    return ask


def _read(asked: dict[str, str], name: str, read: Callable[[str], T]) -> T | None:
    text = asked.pop(name, None)
    return None if text is None else read(text)


def _category_id(text: str) -> goods.CategoryId:
    return goods.CategoryId(id_parse(goods.CATEGORY_PREFIX, text))


def _brand_id(text: str) -> goods.BrandId:
    return goods.BrandId(id_parse(goods.BRAND_PREFIX, text))


def _number(text: str, most: int, least: int = 0) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > _DIGITS_MAX:
        raise ValueError(text)
    number = int(text)
    if not least <= number <= most:
        raise ValueError(text)
    return number


def _prices_read(actor: Actor, body: bytes) -> Work:
    asked = _price_asks(body).items
    texts = [ask.sku_id for ask in asked]
    sku_ids = _sku_ids(texts)
    quantities = [ask.quantity for ask in asked]

    def written(place: int, quote: pricing.PriceQuote) -> bytes:
        return _encode(quote_document(texts[place], quantities[place], quote))

    def work(ctx: Ctx, recall: Recall) -> Steps:
        quotes = yield from pricing.prices_steps(
            ctx,
            recall=recall,
            partner_id=actor.party_id,
            sku_ids=sku_ids,
            quantities=quantities,
            form=written,
        )
        return b'{"items":[' + b",".join(quotes) + b"]}"

    return work


def _sku_ids(texts: Sequence[str]) -> Sequence[goods.SkuId]:
    return cast("Sequence[goods.SkuId]", ids_parse(goods.SKU_PREFIX, texts))


def _stock_read(_: Actor, body: bytes) -> Work:
    asked = _stock_asks(body).items
    texts = [ask.sku_id for ask in asked]
    sku_ids = _sku_ids(texts)
    quantities = [ask.quantity for ask in asked]
    area_codes = [ask.area_code for ask in asked]
    for area_code in set(area_codes):
        area_checked(area_code)
    days = [None if ask.on is None else day_read(ask.on) for ask in asked]

    def work(ctx: Ctx, recall: Recall) -> Steps:
        found = inventory.availability_asked(
            ctx,
            recall=recall,
            sku_ids=sku_ids,
            quantities=quantities,
            area_codes=area_codes,
            days=days,
        )
        yield
        shown = map(availability_document, texts, quantities, area_codes, found())
        return _encode({"items": list(shown)})

    return work
