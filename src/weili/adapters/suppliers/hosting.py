"""Runs simulators of suppliers beside whoever trades with them."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence
from types import TracebackType
from typing import Final, Self

from weili.adapters.suppliers.simulator import SupplierSimulator

_START_TIMEOUT_S: Final = 10.0


class SimulatorHost:
    """Runs simulators in a thread with an event loop of its own, for as long as the block."""

    def __init__(self, simulators: Sequence[SupplierSimulator]) -> None:
        self._simulators = simulators
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="supplier-simulators", daemon=True)
        self._started = threading.Event()
        self._error: BaseException | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._started.wait(_START_TIMEOUT_S) or self._error is not None:
            raise RuntimeError("the supplier simulators did not start") from self._error
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._each(SupplierSimulator.start))
        except BaseException as error:  # noqa: BLE001 - it is raised in the thread that waits
            self._error = error
        self._started.set()
        if self._error is None:
            self._loop.run_forever()
        self._loop.run_until_complete(self._each(SupplierSimulator.stop))
        self._loop.run_until_complete(_rest_cancelled())
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    async def _each(self, verb: Callable[[SupplierSimulator], Awaitable[None]]) -> None:
        for simulator in self._simulators:
            await verb(simulator)


async def _rest_cancelled() -> None:
    """End the connections that are still open, so that the loop can be closed."""
    rest = asyncio.all_tasks() - {asyncio.current_task()}
    for task in rest:
        task.cancel()
    await asyncio.gather(*rest, return_exceptions=True)
    # A closed connection lets go of its socket in the next round of the loop.
    await asyncio.sleep(0)
