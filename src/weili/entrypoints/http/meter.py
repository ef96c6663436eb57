"""What this process alone knows, counted for whoever watches it: requests, refusals, lanes.

What the database knows better is not here (see ``weili metrics``): it would be told once by each
process, and not at all while the database does not answer, when figures are needed most.

A label takes few values: no id, no name of a party, nothing that a stranger can make up.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.types import Scope

from weili.entrypoints.http.looking import Looking
from weili.entrypoints.http.placing import Placing
from weili.entrypoints.http.problems import REFUSED_AS
from weili.kit.groupcommit import Lanes
from weili.kit.world import World

BUCKETS_S: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5)
"""The bounds of what alarms ask for, and a few between them: each is a line for every route."""
NO_ROUTE: Final = "none"
"""The route of a path that there is not, and of what was refused before it was looked for."""
_METHODS: Final = frozenset(("GET", "POST", "PUT", "DELETE"))
_OTHER: Final = "other"


class Meter:
    """The figures of one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        """What to show, as prometheus_client does."""
        self._seconds = Histogram(
            "weili_http_request_seconds",
            "Requests by route and sort of answer, and how long they took.",
            ("method", "route", "status"),
            buckets=BUCKETS_S,
            registry=self.registry,
        )
        self._refusals = Counter(
            "weili_http_refusals",
            "Requests that were refused, by the code of the problem.",
            ("route", "code"),
            registry=self.registry,
        )
        ProcessCollector(registry=self.registry)
        # To find them by their labels each time would cost more than all else here.
        self._found: dict[tuple[str, str, int], Histogram] = {}

    def watch(self, worlds: Mapping[str, World], placing: Placing, looking: Looking) -> None:
        """Tell of these worlds' lanes and connections too; they are looked at when asked for."""
        self.registry.register(_Inside(worlds, placing, looking))

    def answered(self, scope: Scope, hot_path: str, status: int, seconds: float) -> None:
        """Count a request that was answered; ``hot_path`` is the route of a hot one."""
        route = scope.get("route")
        path = hot_path or (NO_ROUTE if route is None else route.path)
        # Mapped before it is kept: a stranger may make up methods without end.
        method = scope["method"] if scope["method"] in _METHODS else _OTHER
        key = method, path, status // 100
        found = self._found.get(key)
        if found is None:
            found = self._found[key] = self._seconds.labels(method, path, f"{key[2]}xx")
        found.observe(seconds)
        if REFUSED_AS in scope:
            self._refusals.labels(path, scope[REFUSED_AS]).inc()


class _Inside(Collector):
    """What is so at the moment, and what the lanes have counted."""

    def __init__(self, worlds: Mapping[str, World], placing: Placing, looking: Looking) -> None:
        self._worlds = worlds
        self._lanes: dict[tuple[str, str], Lanes[Any, Any]] = {}
        self._lanes |= {(world, "place"): lanes for world, lanes in placing.items()}
        self._lanes |= {(world, "look"): lanes for world, lanes in looking.items()}

    def collect(self) -> Iterator[Metric]:
        """Give it as prometheus_client shows it."""
        labels = ("world", "lane")
        weight = GaugeMetricFamily(
            "weili_lane_weight", "Orders, or look-ups, that are under way.", labels=labels
        )
        bound = GaugeMetricFamily(
            "weili_lane_bound", "How much may be under way at the present pace.", labels=labels
        )
        oldest = GaugeMetricFamily(
            "weili_lane_oldest_seconds", "How long one of them has been, at most.", labels=labels
        )
        ready = GaugeMetricFamily(
            "weili_far_ends_ready", "Processes that place, or look up, and work.", labels=labels
        )
        lost = CounterMetricFamily(
            "weili_far_ends_lost", "Such processes that ended unasked.", labels=labels
        )
        for told, lanes in self._lanes.items():
            weight.add_metric(told, sum(lane.weight for lane in lanes.lanes))
            bound.add_metric(told, sum(lane.bound for lane in lanes.lanes))
            oldest.add_metric(told, max((lane.oldest_s for lane in lanes.lanes), default=0.0))
            ready.add_metric(told, sum(lane.is_ready for lane in lanes.lanes))
            lost.add_metric(told, sum(lane.losses for lane in lanes.lanes))
        taken = GaugeMetricFamily(
            "weili_connections_taken", "Connections of the pool that work.", labels=("world",)
        )
        most = GaugeMetricFamily(
            "weili_connections_max", "Connections that the pool may have.", labels=("world",)
        )
        for name, world in self._worlds.items():
            taken.add_metric((name,), world.connections_taken)
            most.add_metric((name,), world.connections)
        return iter((weight, bound, oldest, ready, lost, taken, most))
