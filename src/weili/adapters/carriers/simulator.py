"""A carrier as carriers are: late, forgetful, repeating itself, and correcting what it said.

Its answers over real HTTP come out the same for the same seed. Of each parcel it knows a way; what
it tells at one asking may lack the newest events, hold some twice, and stand in any order. Some
askings end in an error, in a cut connection or in nonsense. In the end it tells everything.

It pushes as well, signed by the key that it was given: each event by itself, the last perhaps
first, some twice, some without waiting for the answer; and strangers push in its name.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Final, Self

from weili.adapters.suppliers.dice import Dice
from weili.adapters.suppliers.http1 import HttpClient
from weili.adapters.suppliers.platform_api import Credentials, PlatformApi

TROUBLE: Final = 400
"""How many of a thousand askings end in trouble."""
WITHHELD: Final = 300
"""How many events in a thousand are kept back at an asking."""
CORRECTED: Final = 100
"""How many ways in a thousand hold a scan that is corrected later."""
PUSHED_TWICE: Final = 300
"""How many pushes in a thousand are sent again."""
FORGED: Final = 200
"""How many pushes in a thousand a stranger sends before, to say that the parcel is lost."""
PUSH_PATH: Final = "/v1/tracks:push"
_UNSIGNED: Final = 401
_KINDS: Final = ("picked_up", "in_transit", "in_transit", "out_for_delivery")
_BODY_BYTES_MAX: Final = 1024 * 1024

Event = dict[str, Any]


class CarrierSimulator:
    """Serves one carrier's answers on a port of its own, for as long as the block."""

    def __init__(
        self, *, seed: int, secret: str, began_at: datetime, is_kind: bool = False
    ) -> None:
        self._seed = seed
        self._secret = secret
        self._began_at = began_at
        self._ends: dict[str, str] = {}
        self._askings = 0
        self.counts: Counter[str] = Counter()
        self._is_kind = is_kind
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def base_url(self) -> str:
        """Where it is asked."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def carry(self, waybill_number: str, *, end: str = "delivered") -> None:
        """Take a parcel in; ``end`` is how its way will end."""
        self._ends[waybill_number] = end

    def way(self, waybill_number: str) -> list[Event]:
        """Give all that there is to tell of a parcel, corrections included."""
        dice = Dice(self._seed, "way", waybill_number)
        kinds = (*_KINDS, self._ends[waybill_number])
        at = self._began_at
        events: list[Event] = []
        for number, kind in enumerate(kinds):
            at += timedelta(minutes=dice.between(30, 600))
            event = {
                "event_id": f"{waybill_number}-{number}",
                "revision": 0,
                "kind": kind,
                "occurred_at": at.isoformat(),
                "place": "转运中心",
                "text": "",
            }
            events.append(event)
            if kind == "out_for_delivery" and dice.happens(CORRECTED):
                events.append(event | {"kind": "problem", "revision": 1})
        return events

    def told(self, waybill_number: str, dice: Dice) -> list[Event]:
        """Give what it tells at one asking: some lacking, some twice, in any order."""
        events = [event for event in self.way(waybill_number) if not dice.happens(WITHHELD)]
        return dice.shuffled(events + [event for event in events if dice.happens(WITHHELD)])

    def push(self, *, host: str, port: int, credentials: Credentials, carrier_code: str) -> None:
        """Push all that there is to tell of its parcels to the platform, in its rude way.

        Raises: NoAnswerError.
        """
        asyncio.run(self._push(host, port, credentials, carrier_code))

    async def _push(
        self, host: str, port: int, credentials: Credentials, carrier_code: str
    ) -> None:
        client = HttpClient(host, port, connections=1)
        api = PlatformApi(client, credentials)
        stranger = PlatformApi(client, Credentials(credentials.key_id, "somebody else's"))
        dice = Dice(self._seed, "push")
        told = [(number, event) for number in self._ends for event in self.way(number)]
        again = [one for one in told if dice.happens(PUSHED_TWICE)]
        try:
            for number, event in dice.shuffled(told + again):
                if dice.happens(FORGED):
                    lie = event | {"event_id": f"{event['event_id']}-lie", "kind": "lost"}
                    reply = await stranger.ask(
                        "POST", PUSH_PATH, _pushed(carrier_code, number, lie)
                    )
                    self.counts["forged"] += 1
                    self.counts["forged_refused"] += reply.status == _UNSIGNED
                document = _pushed(carrier_code, number, event)
                if dice.happens(PUSHED_TWICE):
                    self.counts["pushes_cut"] += 1
                    with suppress(OSError):
                        await api.ask("POST", PUSH_PATH, document, leaves_early=True)
                reply = await api.insist("POST", PUSH_PATH, document)
                self.counts["pushed"] += 1
                self.counts["pushes_known"] += reply.document.get("known") == [number]
        finally:
            await client.close()

    def answer(self, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes] | None:
        """Answer an asking, or None to cut the connection."""
        if not self._is_signed(body, headers):
            self.counts["unsigned"] += 1
            return 401, b"{}"
        self._askings += 1
        dice = Dice(self._seed, "asking", self._askings)
        if not self._is_kind and dice.happens(TROUBLE):
            trouble = dice.pick(("cut", "error", "nonsense"))
            self.counts[trouble] += 1
            return {"cut": None, "error": (500, b"{}"), "nonsense": (200, b'{"parcels":"?"}')}[
                trouble
            ]
        numbers: Sequence[str] = json.loads(body)["waybill_numbers"]
        self.counts["asked"] += len(numbers)
        parcels = [
            {
                "waybill_number": number,
                "events": self.way(number) if self._is_kind else self.told(number, dice),
            }
            for number in numbers
            if number in self._ends
        ]
        return 200, json.dumps({"parcels": parcels}, ensure_ascii=False).encode()

    def _is_signed(self, body: bytes, headers: Mapping[str, str]) -> bool:
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        mac = hmac.new(self._secret.encode(), signed, hashlib.sha256).digest()
        expected = f"v1,{base64.b64encode(mac).decode()}"
        return hmac.compare_digest(expected, headers["webhook-signature"])

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        simulator = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = min(int(self.headers.get("content-length", "0")), _BODY_BYTES_MAX)
                answer = simulator.answer(self.rfile.read(length), dict(self.headers.items()))
                if answer is None:
                    self.close_connection = True
                    return
                self.send_response(answer[0])
                self.send_header("content-length", str(len(answer[1])))
                self.end_headers()
                self.wfile.write(answer[1])

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Handler


def _pushed(carrier_code: str, number: str, event: Event) -> dict[str, Any]:
    told = {name: value for name, value in event.items() if value != ""}
    return {
        "carrier_code": carrier_code,
        "parcels": [{"waybill_number": number, "events": [told]}],
    }
