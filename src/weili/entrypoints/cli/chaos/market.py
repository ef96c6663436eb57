"""Who trades in the house, and in what: the sample's parties, its goods, and some that are scarce.

Everything is asked for and set over the API, as an operator would.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from weili.adapters.suppliers.http1 import HttpClient
from weili.adapters.suppliers.platform_api import Credentials, PlatformApi
from weili.entrypoints.cli.demo.reading import pages_read

GOODS: Final = 60
SCARCE: Final = 2
SCARCE_AT_FIRST: Final = 12
MONEY_MINOR: Final = 100_000_000
ATTEMPTS_MAX: Final = 400
"""How often a client or a supplier asks, a second apart, before it gives up for good."""

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Party:
    """A party of the sample, with a program that calls for it."""

    name: str
    party_id: str
    credentials: Credentials = field(repr=False)
    api: PlatformApi = field(repr=False)


@dataclass(slots=True)
class Market:
    """All parties, what is plentiful, and what is scarce: pieces that were ever there, by SKU."""

    operator: Party
    partners: Sequence[Party]
    suppliers: Sequence[Party]
    plenty: Sequence[str] = ()
    scarce: dict[str, int] = field(default_factory=dict)
    homes: dict[str, str] = field(default_factory=dict)
    """Where what is scarce lies."""
    turns: int = 0

    async def operate(
        self, method: str, path: str, document: object, *, key: str | None = None
    ) -> Document:
        """Let the operator do something that must succeed.

        Raises: RuntimeError; NoAnswerError.
        """
        reply = await self.operator.api.insist(method, path, document, key=key)
        if reply.status >= 300:  # noqa: PLR2004 - anything but a 2xx
            raise RuntimeError(f"{method} {path}: {reply.status} {reply.document}")
        return reply.document

    async def restock(self, pieces: int, key: str) -> None:
        """Let pieces of all that is scarce come in, once for each key."""
        rows = [
            {"sku_id": sku_id, "warehouse_id": home, "on_hand_delta": pieces}
            for sku_id, home in self.homes.items()
        ]
        path = "/v1/operator/stock:update"
        items = (await self.operate("POST", path, {"rows": rows}, key=key))["items"]
        if any(item["problem"] for item in items):
            raise RuntimeError(f"{path}: {items}")
        for sku_id in self.homes:
            self.scarce[sku_id] += pieces

    async def clock_turn(self, ahead_s: int) -> None:
        """Turn the sandbox's clock ahead."""
        self.turns += 1
        key = f"turn-{self.turns}"
        await self.operate("POST", "/v1/operator/clock:turn", {"ahead_s": ahead_s}, key=key)


def market_of(keys: Mapping[str, Any], client: HttpClient) -> Market:
    """Give the sample's parties their programs."""

    def party(kept: Mapping[str, Any]) -> Party:
        credentials = Credentials(str(kept["key_id"]), str(kept["secret"]))
        api = PlatformApi(client, credentials, attempts_max=ATTEMPTS_MAX)
        return Party(str(kept["name"]), str(kept["party_id"]), credentials, api)

    return Market(
        operator=party(keys["operator"]),
        partners=[party(kept) for kept in keys["partners"]],
        suppliers=[party(kept) for kept in keys["suppliers"]],
    )


async def market_open(market: Market) -> None:
    """Choose the goods, count what is scarce, and give everybody money enough."""
    skus = await pages_read(market.operator.api, "/v1/operator/skus?limit=100")
    houses = await pages_read(market.operator.api, "/v1/operator/warehouses?limit=100")
    places: dict[str, list[str]] = {}
    for house in houses:
        places.setdefault(house["supplier_id"], []).append(house["id"])
    alone = [sku for sku in skus if len(places[sku["supplier_id"]]) == 1]
    scarce = [sku["id"] for sku in alone[:SCARCE]]
    market.homes = {sku["id"]: places[sku["supplier_id"]][0] for sku in alone[:SCARCE]}
    market.plenty = [sku["id"] for sku in skus if sku["id"] not in scarce][:GOODS]
    market.scarce = dict.fromkeys(scarce, SCARCE_AT_FIRST)
    counts = [
        {"sku_id": sku_id, "warehouse_id": home, "on_hand": SCARCE_AT_FIRST}
        for sku_id, home in market.homes.items()
    ]
    await market.operate("PUT", "/v1/operator/stock", {"changes": counts, "reference": "chaos"})
    for party in market.partners:
        path = f"/v1/operator/partners/{party.party_id}:topUp"
        document = {"amount_minor": MONEY_MINOR, "reference": "chaos"}
        await market.operate("POST", path, document, key=f"chaos-{party.party_id}")


async def suppliers_connect(market: Market, ports: Sequence[int]) -> None:
    """Tell the platform at which port of this machine each supplier's system is."""
    for party, port, secret in zip(market.suppliers, ports, secrets_of(market), strict=True):
        path = f"/v1/operator/suppliers/{party.party_id}/connection"
        document = {"base_url": f"http://127.0.0.1:{port}", "secret": secret}
        await market.operate("PUT", path, document)


def secrets_of(market: Market) -> list[str]:
    """Give the secrets that suppliers are asked with."""
    return [f"chaos-{party.party_id}" for party in market.suppliers]


async def balances_read(parties: Sequence[Party]) -> dict[str, tuple[int, int]]:
    """Read what stands on each party's account: posted and held."""

    async def one(party: Party) -> tuple[int, int]:
        found = (await party.api.insist("GET", "/v1/account")).document
        return int(found["posted_minor"]), int(found["held_minor"])

    found = await asyncio.gather(*(one(party) for party in parties))
    return {party.party_id: stand for party, stand in zip(parties, found, strict=True)}
