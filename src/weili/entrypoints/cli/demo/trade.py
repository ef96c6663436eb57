"""A partner's own program: it keeps prices, places orders, and insists when an answer is lost."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

from weili.adapters.suppliers.platform_api import PlatformApi, Reply
from weili.entrypoints.cli.demo.plan import HELD, Fate, Intent, Mischief, Send

ASKS_MAX: Final = 100
PRICE_TRIES_MAX: Final = 6
ORDERS_PATH: Final = "/v1/orders"
BATCH_PATH: Final = "/v1/orders:batch"
CREATED: Final = 201
OK: Final = 200
NOT_FOUND: Final = 404

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class PlacedOrder:
    """An order that was placed, as it was answered the first time."""

    intent: Intent
    answer: Document

    @property
    def id(self) -> str:
        """Give the platform's id."""
        return str(self.answer["id"])


@dataclass(slots=True)
class PartnerProgram:
    """One partner's program and its own books: what it placed, was refused, and found wrong."""

    name: str
    party_id: str
    api: PlatformApi
    placed: dict[str, PlacedOrder] = field(default_factory=dict)
    refused: dict[str, Intent] = field(default_factory=dict)
    refusals: Counter[str] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    topped_up_minor: int = 0
    tiers: dict[str, list[tuple[int, int]]] = field(default_factory=dict)

    async def prices_read(self, sku_ids: Sequence[str]) -> None:
        """Ask for prices and keep them: the snapshot that orders are written with."""
        for start in range(0, len(sku_ids), ASKS_MAX):
            items = [{"sku_id": sku_id} for sku_id in sku_ids[start : start + ASKS_MAX]]
            reply = await self.api.insist("POST", "/v1/prices:batchGet", {"items": items})
            for quote in reply.document["items"]:
                self.tiers[quote["sku_id"]] = sorted(
                    (tier["quantity_min"], tier["unit_price_minor"]) for tier in quote["tiers"]
                )

    # --- placing ---------------------------------------------------------------------------------

    async def send(self, send: Send) -> None:
        """Send what the plan says, and see each order through its first fate."""
        if send.is_batch:
            await self._place_batch(send)
        else:
            await self.place(send.intents[0])
        for intent in send.intents:
            if intent.number in self.placed:
                await self._first_fate(self.placed[intent.number])

    async def place(self, intent: Intent) -> None:
        """Place one order; when its price has changed, again at the new price."""
        for _ in range(PRICE_TRIES_MAX):
            reply = await self._place_once(intent)
            if reply.status == CREATED:
                self._note(intent, reply.document, is_replay=reply.is_replay)
                if intent.mischief is Mischief.ALTERED:
                    await self._place_altered(intent)
                return
            if not self._refusal(intent, reply.document):
                return
            await self._prices_renewed([intent])

    async def _place_batch(self, send: Send) -> None:
        """Place several orders together; those whose prices have changed, together once more."""
        for _ in range(PRICE_TRIES_MAX):
            again = await self._send_batch(send)
            if not again:
                return
            await self._prices_renewed(again)
            send = Send(tuple(again), is_batch=True)

    async def _prices_renewed(self, intents: Sequence[Intent]) -> None:
        await self.prices_read(sorted({sku_id for one in intents for sku_id, _ in one.lines}))

    def _refusal(self, intent: Intent, problem: Document) -> bool:
        """Note a refusal; says whether the order is worth sending again with new prices."""
        code = str(problem.get("code"))
        self.refusals[code] += 1
        if code == "price_changed":
            return True
        self.refused[intent.number] = intent
        return False

    async def _place_once(self, intent: Intent) -> Reply:
        document = self._document(intent)
        mischief = intent.mischief
        if mischief is Mischief.CUT:
            await self._hang_up(ORDERS_PATH, document)
            found = await self.api.insist("GET", f"/v1/orders/by-number/{intent.number}")
            self.counts["asked_by_number"] += 1
            self.counts["found_by_number"] += found.status == OK
        if mischief is Mischief.TWICE_AT_ONCE:
            first, second = await asyncio.gather(
                self.api.insist("POST", ORDERS_PATH, document),
                self.api.insist("POST", ORDERS_PATH, document),
            )
            return self._twins(intent, first, second)
        reply = await self.api.insist("POST", ORDERS_PATH, document)
        if mischief is Mischief.TWICE:
            return self._twins(intent, reply, await self.api.insist("POST", ORDERS_PATH, document))
        return reply

    async def _hang_up(self, path: str, document: object) -> None:
        """Send a request and be gone before its answer."""
        self.counts["hung_up"] += 1
        with suppress(OSError):
            await self.api.ask("POST", path, document, leaves_early=True)

    def _twins(self, intent: Intent, first: Reply, second: Reply) -> Reply:
        """Hold two answers to the same order together; they must tell of one order."""
        placed = [reply for reply in (first, second) if reply.status == CREATED]
        self.counts["sent_twice"] += 1
        self.counts["replayed"] += sum(reply.is_replay for reply in placed)
        fresh = sum(not reply.is_replay for reply in placed)
        if len({reply.document["id"] for reply in placed}) > 1 or fresh > 1:
            self.wrong.append(f"{intent.number} was placed twice")
        if len(placed) == 2 and placed[0].document != placed[1].document:  # noqa: PLR2004
            self.wrong.append(f"{intent.number} was answered in two ways")
        fresh_first = sorted(placed, key=lambda reply: reply.is_replay)
        return fresh_first[0] if fresh_first else first

    async def _place_altered(self, intent: Intent) -> None:
        """Send another order under the same number: it must be refused and change nothing."""
        document = self._document(intent)
        document["lines"][0]["quantity"] += 1
        reply = await self.api.insist("POST", ORDERS_PATH, document)
        self.refusals[reply.code or "none"] += 1
        if reply.code != "order_number_reused":
            self.wrong.append(f"{intent.number} with another body: {reply.status} {reply.code}")

    async def _send_batch(self, send: Send) -> list[Intent]:
        """Send orders together; gives those that are to be sent again with new prices."""
        intents = [*send.intents, send.intents[0]] if send.has_twin else list(send.intents)
        document = {"orders": [self._document(intent) for intent in intents]}
        self.counts["batches"] += 1
        if send.is_cut:
            await self._hang_up(BATCH_PATH, document)
        reply = await self.api.insist("POST", BATCH_PATH, document)
        if reply.status != OK:
            self.wrong.append(f"a batch was answered {reply.status} {reply.document}")
            return []
        results = reply.document["results"]
        if [result["number"] for result in results] != [intent.number for intent in intents]:
            self.wrong.append("a batch was answered in another order than it was asked")
        again: dict[str, Intent] = {}
        for intent, result in zip(intents, results, strict=True):
            if result["status"] == "placed":
                self._note(intent, result["order"], is_replay=result["replayed"])
            elif result["problem"]["repeatable"] or self._refusal(intent, result["problem"]):
                again[intent.number] = intent
        self.counts["sent_twice"] += send.has_twin
        return list(again.values())

    def _note(self, intent: Intent, answer: Document, *, is_replay: bool) -> None:
        """Write a placed order into the partner's own books, once."""
        self.counts["replayed"] += is_replay and intent.mischief not in {
            Mischief.TWICE,
            Mischief.TWICE_AT_ONCE,
        }
        known = self.placed.get(intent.number)
        if known is not None:
            if known.answer != answer:
                self.wrong.append(f"{intent.number} was answered in two ways")
            return
        self.refused.pop(intent.number, None)
        self.placed[intent.number] = PlacedOrder(intent, answer)
        asked = sum(quantity for _, quantity in intent.lines)
        got = sum(line["quantity"] for child in answer["children"] for line in child["lines"])
        if asked != got:
            self.wrong.append(f"{intent.number} asked for {asked} pieces and got {got}")

    def _document(self, intent: Intent) -> Document:
        person = intent.person
        return {
            "number": intent.number,
            "area_code": person.area_code,
            "recipient": {
                "name": person.name,
                "phone": person.phone,
                "address": f"{person.province}{person.city}{person.county}{person.street}",
            },
            "lines": [self._line(sku_id, quantity) for sku_id, quantity in intent.lines],
            "hold": intent.fate in HELD,
        }

    def _line(self, sku_id: str, quantity: int) -> Document:
        line: Document = {"sku_id": sku_id, "quantity": quantity}
        reached = [price for least, price in self.tiers.get(sku_id, ()) if least <= quantity]
        if reached:
            line["unit_price_minor"] = reached[-1]
        return line

    # --- what becomes of an order ----------------------------------------------------------------

    async def _first_fate(self, order: PlacedOrder) -> None:
        """Do what the partner does right after placing."""
        fate = order.intent.fate
        if fate is Fate.CONFIRM:
            await self._step(order, "confirm")
        elif fate in {Fate.CANCEL_HELD, Fate.CANCEL_EARLY}:
            await self._step(order, "cancel")

    async def cancel_late(self) -> None:
        """Cancel orders that suppliers have by now; some of them have left already."""
        for order in self._of(Fate.CANCEL_LATE):
            await self._step(order, "cancel")

    async def confirm_receipts(self) -> None:
        """Say for some orders that the customer has everything."""
        for order in self._of(Fate.RECEIPT):
            await self._step(order, "confirmReceipt")

    async def _step(self, order: PlacedOrder, verb: str) -> None:
        """Ask for a step of an order."""
        path, key = f"{ORDERS_PATH}/{order.id}:{verb}", f"{verb}-{order.intent.number}"
        reply = await self.api.insist("POST", path, key=key)
        self.counts[f"{verb}_asked"] += 1
        if reply.status == OK:
            self.counts[f"{verb}_{reply.document['state']}"] += 1
            return
        self.refusals[reply.code] += 1
        if reply.code not in {"cancel_too_late", "state_conflict"}:
            self.wrong.append(f"{path}: {reply.status} {reply.document}")

    def _of(self, fate: Fate) -> list[PlacedOrder]:
        return [order for order in self.placed.values() if order.intent.fate is fate]
