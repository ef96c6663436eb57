"""The gazetteer of each world: a copy of its list of areas, made before anybody asks.

Making one takes about half a second of the processor, and twice that beside the collector. A server
makes them before it serves, and when the list has been brought to another edition meanwhile, the
one that is there answers until a thread of its own has made the next: no caller waits for it.
"""

from collections.abc import Iterable
from threading import Lock, Thread
from weakref import WeakKeyDictionary

from weili.kit.context import Ctx
from weili.kit.world import World, in_transaction
from weili.modules import regions

_kept: WeakKeyDictionary[World, regions.Gazetteer] = WeakKeyDictionary()
_renewed: WeakKeyDictionary[World, Thread] = WeakKeyDictionary()
_state = Lock()


def gazetteers_make(worlds: Iterable[World]) -> None:
    """Make the gazetteers of worlds."""
    for world in worlds:
        made = in_transaction(world.begin, regions.gazetteer_read)
        with _state:
            _kept[world] = made


def gazetteer_of(world: World, ctx: Ctx) -> regions.Gazetteer:
    """Give a world's gazetteer; the first caller makes it where no server did so before."""
    edition = regions.vintage(ctx)
    with _state:
        known = _kept.get(world)
        if known is None:
            known = _kept[world] = regions.gazetteer_read(ctx)
        elif known.vintage != edition and not _is_renewing(world):
            thread = Thread(target=gazetteers_make, args=([world],), name="gazetteer", daemon=True)
            _renewed[world] = thread
            thread.start()
    return known


def _is_renewing(world: World) -> bool:
    thread = _renewed.get(world)
    return thread is not None and thread.is_alive()
