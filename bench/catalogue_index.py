"""The search index of ``bench.catalogue``: built, followed meanwhile, and asked afresh."""

import random
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from bench.catalogue_load import COMMON
from weili.adapters.search import Plan, TantivyIndex, TantivyWriter
from weili.entrypoints.http.look_documents import told_written
from weili.entrypoints.jobs.worker import INDEX_REST_S
from weili.kit.context import Ctx, PartyId
from weili.kit.world import World
from weili.modules.catalogue import SearchAsk, SearchSort
from weili.workflows.index_goods import STEP_MAX, index_build, index_follow
from weili.workflows.search_skus import search_skus

CHANGED: Final = 200
"""SKUs that change between two commits of the index."""
_SORTS: Final = (SearchSort.RELEVANCE, SearchSort.PRICE_UP)


class Commits:
    """How often the index was committed while others searched."""

    count = 0


def built(world: World, home: Path) -> dict[str, Any]:
    """Build the index, and say what that took."""
    writer = _writer(home)
    began = time.monotonic()
    count = index_build(world.begin, writer)
    took = time.monotonic() - began
    writer.close()
    size = sum(path.stat().st_size for path in home.rglob("*") if path.is_file())
    return {
        "took_s": round(took, 1),
        "skus_per_s": round(count / took),
        "megabytes": round(size / 1e6),
    }


@contextmanager
def followed(world: World, home: Path) -> Iterator[Commits]:
    """Change goods and follow them in the index, as often as the worker does.

    So what is remembered of a search is worth as much as in life: it is gone with the next commit.
    """
    commits, ended = Commits(), threading.Event()
    writer = _writer(home)

    def follow() -> None:
        dice = random.Random(3)
        while not ended.wait(INDEX_REST_S):
            with world.begin() as ctx:
                _change(ctx, dice)
            while index_follow(world.begin, writer) >= STEP_MAX:
                pass
            commits.count += 1

    thread = threading.Thread(target=follow)
    thread.start()
    try:
        yield commits
    finally:
        ended.set()
        thread.join()
        writer.close()


def unremembered(world: World, home: Path) -> dict[str, float]:
    """Search for the common word as each partner, each time with nothing remembered."""
    with world.begin() as ctx:
        rows = ctx.db.rows("SELECT DISTINCT partner_id FROM goods.pool_grant ORDER BY 1")
    walls, processors = [], []
    for (partner_id,) in rows:
        for sort in _SORTS:
            index = TantivyIndex(home)
            index.search(Plan(tags=("state:on_shelf",), limit=1))
            with world.begin() as ctx:
                wall, processor = time.perf_counter(), time.process_time()
                search_skus(
                    ctx,
                    index,
                    partner_id=PartyId(partner_id),
                    ask=SearchAsk(text=COMMON, sort=sort),
                    form=told_written,
                )
                walls.append((time.perf_counter() - wall) * 1e3)
                processors.append((time.process_time() - processor) * 1e3)
    return {
        "median_ms": round(statistics.median(walls), 1),
        "longest_ms": round(max(walls), 1),
        "processor_ms": round(statistics.median(processors), 1),
        "processor_most_ms": round(max(processors), 1),
    }


def _writer(home: Path) -> TantivyWriter:
    writer = TantivyWriter(home)
    if not writer.lock():
        raise RuntimeError("another process writes the index")
    return writer


def _change(ctx: Ctx, dice: random.Random) -> None:
    """Give some SKUs another compare-at price, and note that they changed."""
    [[end]] = ctx.db.rows("SELECT max(position) FROM catalogue.sku_change")
    ctx.db.run(
        "WITH chosen AS (SELECT sku_id, row_number() OVER () AS n FROM (SELECT sku_id"
        "  FROM catalogue.sku_change WHERE position >= %b ORDER BY position LIMIT %b) AS x),"
        " moved AS (UPDATE catalogue.sku_change AS c SET position = %b + n FROM chosen"
        "  WHERE c.sku_id = chosen.sku_id)"
        " UPDATE goods.sku SET compare_at_minor = compare_at_minor + 1"
        " FROM chosen WHERE sku.id = chosen.sku_id",
        *(dice.randrange(end), CHANGED, end),
    )
