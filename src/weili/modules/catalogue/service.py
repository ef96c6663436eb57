"""Follows the event log, so that offers, sales and changes are what goods and prices say."""

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Final, TypeVar
from uuid import UUID

from weili.kit import outbox, zone
from weili.kit.context import Ctx, PartyId
from weili.kit.findings import Finding
from weili.kit.gathering import ended
from weili.kit.ids import id_keys, id_parse, id_text, new_id
from weili.kit.memory import Recall
from weili.kit.pages import LIMIT_DEFAULT, Page, cursor_id, limit_bounded, page_of
from weili.kit.problems import NotFound, Said
from weili.modules import goods, pricing
from weili.modules.catalogue import rules, store, words
from weili.modules.catalogue.model import (
    FEED_MAX,
    OFFER_STATES,
    SALES_DAYS,
    CatalogueEntry,
    FeedPage,
    FoundSku,
    Offer,
    SearchGround,
)
from weili.modules.goods import NamedSku, PoolId, SkuId, SkuListing
from weili.modules.parties import PARTY_PREFIX
from weili.modules.pricing import ListId, UnitPrice

SCOPE_READ: Final = "goods:read"
SCOPE_ADMIN: Final = "admin:goods"
SYNONYMS_MAX: Final = 20

_OFFERS: Final = "offers"
_EVENTS_MAX: Final = 20
"""Events in one step: each names at most a hundred SKUs."""
_SCAN_MAX: Final = 1_000
_PAIRS_MAX: Final = 20_000
"""Prices, of lists and SKUs, that one statement asks for."""
_FORGET_MAX: Final = 5_000
_FOLLOWED: Final = tuple(
    event.name
    for event in (
        goods.SKU_CHANGED,
        goods.POOL_GRANTED,
        goods.POOL_REVOKED,
        pricing.PRICE_CHANGED,
        pricing.LIST_ASSIGNED,
    )
)
F = TypeVar("F")
_FOUND: Final = b"found"
_BEFORE_ALL: Final = SkuId(UUID(int=0))
_SYNONYM_WORD: Final = Said("synonym", "同义词", code="synonym")


# --- following -----------------------------------------------------------------------------------


def follow(ctx: Ctx) -> int:
    """Take the feeds a step further along the log; says how much was done, 0 when all is.

    One step at a time works, whoever asks: another gets 0. So positions are given in the order in
    which they are committed, and no reader's cursor passes one that is still to come.
    """
    if not store.follow_lock(ctx):
        return 0
    after = store.followed_to(ctx, _OFFERS)
    messages, reached = outbox.log_after(ctx, after=after, types=_FOLLOWED, limit=_EVENTS_MAX)
    if messages:
        _events_follow(ctx, messages)
    if reached > after:
        store.followed_set(ctx, _OFFERS, reached)
    return len(messages) or _scan_step(ctx)


def followed_least(ctx: Ctx, *, also: Sequence[str]) -> int:
    """Say up to which position of the log the feeds, and others that follow it, have come.

    Whoever has not begun is at its beginning.
    """
    return store.followed_least(ctx, [_OFFERS, *also])


def _events_follow(ctx: Ctx, messages: Sequence[outbox.Message]) -> None:
    touched: set[SkuId] = set()
    scans: list[store.Scan] = []
    for message in messages:
        event = message.event
        if event.type == goods.SKU_CHANGED.name:
            texts = event.data["sku_ids"]
        elif event.type == pricing.PRICE_CHANGED.name:
            texts = [price["sku_id"] for price in event.data["prices"]]
        else:
            is_grant = event.type == goods.POOL_GRANTED.name
            pool_id = id_parse(goods.POOL_PREFIX, event.data["pool_id"]) if is_grant else None
            pool = PoolId(pool_id) if pool_id else None
            scans.append((new_id(ctx.now), event.party_id, pool, _BEFORE_ALL))
            continue
        touched |= {SkuId(id_parse(goods.SKU_PREFIX, text)) for text in texts}
    if scans:
        store.scans_insert(ctx, scans)
    if touched:
        _refresh(ctx, sorted(touched))


def _scan_step(ctx: Ctx) -> int:
    """Look through the next SKUs of a partner whose grants or prices changed as a whole."""
    scan = store.scan_first(ctx)
    if scan is None:
        return 0
    scan_id, partner_id, pool_id, after = scan
    if pool_id is not None:
        sku_ids = goods.sku_ids_after(ctx, after=after, limit=_SCAN_MAX, pool_id=pool_id)
    else:
        sku_ids = store.offered_ids(ctx, partner_id, after, _SCAN_MAX)
    if sku_ids:
        _refresh(ctx, sku_ids, only=partner_id)
    store.scan_move(ctx, scan_id, sku_ids[-1] if len(sku_ids) == _SCAN_MAX else None)
    return 1


def _refresh(ctx: Ctx, sku_ids: Sequence[SkuId], only: PartyId | None = None) -> None:
    """Bring what partners (or one) were told of SKUs to what is so; note the SKUs as changed."""
    changed = _differences(ctx, sku_ids, only)
    if changed:
        store.offers_put(ctx, changed)
    store.changes_put(ctx, sku_ids)


def _differences(ctx: Ctx, sku_ids: Sequence[SkuId], only: PartyId | None) -> list[Offer]:
    seeing = goods.partners_seeing(ctx, sku_ids=sku_ids)
    if only is None:
        told = store.offers_of_skus(ctx, sku_ids)
    else:
        told = store.offers_of_partner(ctx, only, sku_ids)
        seeing = {sku_id: seen & {only} for sku_id, seen in seeing.items()}
    known = {(offer.partner_id, offer.sku_id): offer for offer in told}
    pairs = [
        *known,
        *((partner_id, sku_id) for sku_id in seeing for partner_id in seeing[sku_id]),
    ]
    return rules.offers_changed(
        pairs=pairs,
        known=known,
        visible=goods.skus_visible(ctx, pairs=pairs),
        seeing=seeing,
        stamps=goods.skus_stamped(ctx, sku_ids=sku_ids),
        book=pricing.price_book(
            ctx, partner_ids=[partner_id for partner_id, _ in pairs], sku_ids=sku_ids
        ),
        at=ctx.now,
    )


# --- the feed ------------------------------------------------------------------------------------


def feed_after(ctx: Ctx, *, partner_id: PartyId, after: int, limit: int = FEED_MAX) -> FeedPage:
    """Give what changed for a partner after a position: each SKU once, as it is now.

    A reader that goes on from ``next_after`` misses nothing and sees changes in their order; one
    that begins at 0 is given everything it may see, and what it may see no more.

    Raises: Forbidden.
    """
    ctx.require(SCOPE_READ if partner_id == ctx.actor.party_id else SCOPE_ADMIN)
    limit = max(1, min(limit, FEED_MAX))
    rows = store.offers_after(ctx, partner_id, after, limit + 1)
    items = [
        Offer(partner_id, row[0], row[1], row[2], OFFER_STATES[row[3]], row[4], row[5], 0, row[6])
        for row in rows[:limit]
    ]
    end = items[-1].position if items else after
    return FeedPage(items, end, has_more=len(rows) > limit)


def feed_end(ctx: Ctx, *, partner_id: PartyId) -> int:
    """Give the position of a partner's last change.

    Raises: Forbidden.
    """
    ctx.require(SCOPE_READ if partner_id == ctx.actor.party_id else SCOPE_ADMIN)
    return store.offers_end(ctx, partner_id)


def offered_after(ctx: Ctx, *, partner_id: PartyId, after: SkuId | None, limit: int) -> list[SkuId]:
    """Give the SKUs that a partner is offered on the shelf, in the order of their ids.

    Raises: Forbidden.
    """
    ctx.require(SCOPE_READ if partner_id == ctx.actor.party_id else SCOPE_ADMIN)
    return store.offered_ids(ctx, partner_id, after or _BEFORE_ALL, limit, on_shelf=True)


# --- what an index is made from ------------------------------------------------------------------


def changes_after(ctx: Ctx, *, position: int, limit: int) -> list[tuple[SkuId, int]]:
    """Give the SKUs that changed after a position, each once, in order."""
    return store.changes_after(ctx, position, limit)


def changes_end(ctx: Ctx) -> int:
    """Give the position of the last change of any SKU."""
    return store.changes_end(ctx)


def lists_priced(ctx: Ctx) -> list[ListId]:
    """Give the lists, beside the default one, whose prices an index has to know."""
    return sorted(pricing.lists_in_use(ctx))


def entries(ctx: Ctx, *, sku_ids: Sequence[SkuId]) -> list[CatalogueEntry]:
    """Give SKUs with what they are found, sorted and counted by; an unknown id is absent."""
    lists: list[tuple[ListId | None, PartyId]] = [
        (None, ctx.actor.party_id),
        *pricing.lists_in_use(ctx).items(),
    ]
    prices: dict[ListId | None, Mapping[SkuId, UnitPrice | None]] = {}
    # What is asked before the first answer is read goes in one statement.
    lists_max = max(1, _PAIRS_MAX // max(1, len(sku_ids)))
    for start in range(0, len(lists), lists_max):
        asked = {
            list_id: pricing.unit_prices_asked(ctx, partner_id=partner_id, sku_ids=sku_ids)
            for list_id, partner_id in lists[start : start + lists_max]
        }
        for list_id, found in asked.items():
            prices[list_id] = dict(zip(sku_ids, found(), strict=True))
    sold = store.sold_read(ctx, list(sku_ids), _sold_since(ctx))
    return [
        _entry(listing, sold.get(listing.id, 0), prices)
        for listing in goods.sku_listings(ctx, sku_ids=sku_ids)
    ]


def _entry(
    listing: SkuListing,
    sold: int,
    prices: Mapping[ListId | None, Mapping[SkuId, UnitPrice | None]],
) -> CatalogueEntry:
    prices_minor: dict[ListId | None, int] = {}
    margins: dict[ListId | None, int] = {}
    for list_id, found in prices.items():
        if (price := found[listing.id]) is not None:
            prices_minor[list_id] = price.amount_minor
            margins[list_id] = rules.margin_bps(price.amount_minor, listing.compare_at_minor)
    return CatalogueEntry(listing, sold, prices_minor, margins)


def search_ground(
    ctx: Ctx, *, recall: Recall, partner_id: PartyId | None, text: str
) -> SearchGround:
    """Say what must be known before a search; ``partner_id`` None sees all.

    Raises: Forbidden.
    """
    ctx.require(SCOPE_READ if partner_id == ctx.actor.party_id else SCOPE_ADMIN)
    known = store.synonyms_read(ctx, recall=recall, words=words.synonym_keys(text))
    synonyms = {word: tuple(group[:SYNONYMS_MAX]) for word, group in known.items()}
    if partner_id is None:
        return SearchGround(None, None, synonyms)
    pool_ids = goods.pools_granted(ctx, recall=recall, partner_id=partner_id)
    list_id = pricing.list_had(ctx, recall=recall, partner_id=partner_id)
    return SearchGround(tuple(pool_ids), list_id, synonyms)


def skus_found(ctx: Ctx, *, partner_id: PartyId, sku_ids: Sequence[SkuId]) -> list[FoundSku]:
    """Give those of the SKUs that a partner may order now, at the price it pays now, in order."""
    nothing = Recall.nothing()
    pool_ids = goods.pools_granted(ctx, recall=nothing, partner_id=partner_id)
    found = ended(
        skus_found_steps(
            ctx,
            recall=nothing,
            partner_id=partner_id,
            pool_ids=pool_ids,
            sku_ids=sku_ids,
            form=lambda sku: sku,
        )
    )
    return [sku for sku in found if sku is not None]


def skus_found_steps(
    ctx: Ctx,
    *,
    recall: Recall,
    partner_id: PartyId,
    pool_ids: Sequence[PoolId],
    sku_ids: Sequence[SkuId],
    form: Callable[[FoundSku], F],
) -> Generator[None, None, list[F | None]]:
    """Tell of SKUs in some form, in steps that ask; None for what is in none of these pools.

    What is not about to change is remembered in that form, for all who pay alike: ``form`` must
    not depend on who asks, and who recalls from one memory tells in one form.
    """
    paying = pricing.paying_key(ctx, recall=recall, partner_id=partner_id)
    kind = _FOUND + paying
    keys = id_keys(sku_ids)
    known: list[tuple[tuple[bytes, ...], F] | None] = recall.found(kind, keys)
    missing = [place for place, each in enumerate(known) if each is None]
    if missing:
        those = [sku_ids[place] for place in missing]
        names_asked = goods.skus_named_asked(ctx, sku_ids=those)
        prices_asked = pricing.unit_prices_asked(ctx, partner_id=partner_id, sku_ids=those)
        yield
        fresh = {}
        for place, name, price in zip(missing, names_asked(), prices_asked(), strict=True):
            if name is None:
                continue
            found = name.pools, form(_found(sku_ids[place], name, price))
            known[place] = found
            # A partner that was given another list meanwhile is told what it pays by that one.
            if price is not None and price.standing_by == paying:
                fresh[keys[place]] = found
        recall.keep(kind, fresh)
    granted = frozenset(pool_id.bytes for pool_id in pool_ids)
    return [None if each is None or granted.isdisjoint(each[0]) else each[1] for each in known]


def _found(sku_id: SkuId, name: NamedSku, price: UnitPrice | None) -> FoundSku:
    title, variant, compare_at_minor, _ = name
    price_minor, version = (None, None) if price is None else (price.amount_minor, price.version)
    return FoundSku(sku_id, title, variant, price_minor, version, compare_at_minor)


# --- sales ---------------------------------------------------------------------------------------


def sales_followed_to(ctx: Ctx, *, name: str) -> int | None:
    """Say up to where sales were counted; None while another counts."""
    return store.followed_to(ctx, name) if store.follow_lock(ctx) else None


def sales_add(ctx: Ctx, *, name: str, position: int, pieces: dict[tuple[SkuId, date], int]) -> None:
    """Count pieces sold on days, once: together with the position up to which they were counted."""
    if pieces:
        store.sold_add(ctx, pieces)
        store.changes_put(ctx, {sku_id for sku_id, _ in pieces})
    store.followed_set(ctx, name, position)


def sales_forget(ctx: Ctx) -> int:
    """Let go of days that count no more; says how many SKUs that touched."""
    if not store.follow_lock(ctx):
        return 0
    sku_ids = store.sold_forget(ctx, _sold_since(ctx), _FORGET_MAX)
    if sku_ids:
        store.changes_put(ctx, sku_ids)
    return len(sku_ids)


def _sold_since(ctx: Ctx) -> date:
    return zone.day_of(ctx.now) - timedelta(days=SALES_DAYS)


# --- synonyms ------------------------------------------------------------------------------------


def synonyms_put(ctx: Ctx, *, group: Sequence[str]) -> list[str]:
    """Make words stand for each other, at once in every search; those of another group leave it.

    Raises: Forbidden.
    """
    ctx.require(SCOPE_ADMIN)
    known = sorted({words.normal(word).strip() for word in group})
    store.synonyms_put(ctx, new_id(ctx.now), known)
    return known


def synonym_delete(ctx: Ctx, *, word: str) -> None:
    """Let a word stand for itself alone.

    Raises: Forbidden; NotFound.
    """
    ctx.require(SCOPE_ADMIN)
    if not store.synonym_delete(ctx, words.normal(word).strip()):
        raise NotFound(what=_SYNONYM_WORD, id=word)


def synonyms_page(
    ctx: Ctx, *, cursor: str | None = None, limit: int = LIMIT_DEFAULT
) -> Page[tuple[UUID, list[str]]]:
    """List the groups of words that stand for each other.

    Raises: Forbidden; CursorInvalid.
    """
    ctx.require(SCOPE_ADMIN)
    limit = limit_bounded(limit)
    rows = store.synonyms_page(ctx, cursor_id(cursor) or _BEFORE_ALL, limit + 1)
    return page_of(rows, limit=limit, key=lambda row: row[0].hex)


# --- checks --------------------------------------------------------------------------------------

VERIFY_MAX: Final = 5_000
"""Offers of each partner that are held against the truth, the last that changed."""


def is_caught_up(ctx: Ctx) -> bool:
    """Say whether everything that concerns the feeds has been followed."""
    messages, _ = outbox.log_after(
        ctx, after=store.followed_to(ctx, _OFFERS), types=_FOLLOWED, limit=1
    )
    return not (messages or store.scan_first(ctx) or outbox.types_waiting(ctx, types=_FOLLOWED))


def verify(ctx: Ctx) -> Iterator[Finding]:
    """Find partners who were told something of an SKU that is not so.

    While facts are still to be followed nothing can be said, and nothing is.
    """
    if not is_caught_up(ctx):
        return
    for partner_id in store.partners_offered(ctx):
        latest = store.offers_after(
            ctx, partner_id, store.offers_end(ctx, partner_id) - VERIFY_MAX, VERIFY_MAX
        )
        sku_ids = sorted(row[0] for row in latest)
        told = {offer.sku_id: offer for offer in store.offers_of_partner(ctx, partner_id, sku_ids)}
        for offer in _differences(ctx, sku_ids, partner_id):
            # A price that began by itself at its time is told of by a sweep, maybe not yet.
            if offer.is_repriced_since(told[offer.sku_id]):
                continue
            yield Finding(
                "feed_tells_truth",
                f"{id_text(goods.SKU_PREFIX, offer.sku_id)} for "
                f"{id_text(PARTY_PREFIX, partner_id)}",
                f"it is {offer.state} at {offer.unit_price_minor} fen, the feed says otherwise",
                "put the SKU's row or price again: the worker then tells the partner",
            )
