"""What is asked of a carrier, and its HTTP form.

``POST {base}/tracks:query`` with ``{"waybill_numbers": […]}`` answers 200 with
``{"parcels": [{"waybill_number", "events": […]}]}``, all that the carrier knows of each number.
Anything else is no answer. Requests are signed as those to suppliers are (Standard Webhooks).
"""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Final, Protocol

import httpx2
import msgspec

from weili.adapters.suppliers.gateway import signature
from weili.kit.clock import wall_now
from weili.kit.ids import new_id

CALL_TIMEOUT_S: Final = 10.0
"""How long a whole call may last; also how long the slowest carrier keeps a round waiting."""
ANSWER_BYTES_MAX: Final = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class CarrierEndpoint:
    """Where a carrier is asked, and the secret that requests to it are signed with."""

    base_url: str
    secret: str


class EventTold(msgspec.Struct, frozen=True):
    """One thing that a carrier tells of a parcel."""

    event_id: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    kind: str
    occurred_at: Annotated[datetime, msgspec.Meta(tz=True)]
    revision: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] = 0
    place: str = ""
    text: str = ""


class ParcelTold(msgspec.Struct, frozen=True):
    """What a carrier tells of one number."""

    waybill_number: str
    events: list[EventTold]


class _Answer(msgspec.Struct, frozen=True):
    parcels: list[ParcelTold]


Asked = tuple[CarrierEndpoint, Sequence[str]]


class CarrierGateway(Protocol):
    """Asks carriers. Never called inside a transaction."""

    def ask(self, asked: Sequence[Asked]) -> list[list[ParcelTold] | None]:
        """Ask several carriers side by side; None for one that gave no answer."""


class HttpCarrierGateway:
    """The HTTP form. Carriers are asked seldom, so that no connection is kept."""

    def __init__(self, *, call_timeout_s: float = CALL_TIMEOUT_S) -> None:
        """Begin; ``call_timeout_s`` bounds a whole call."""
        self._call_timeout_s = call_timeout_s

    def ask(self, asked: Sequence[Asked]) -> list[list[ParcelTold] | None]:
        """Ask several carriers side by side; None for one that gave no answer."""
        return asyncio.run(self._ask_all(asked))

    async def _ask_all(self, asked: Sequence[Asked]) -> list[list[ParcelTold] | None]:
        async with httpx2.AsyncClient(
            timeout=self._call_timeout_s, follow_redirects=False, trust_env=False
        ) as client:
            return await asyncio.gather(*(self._ask(client, *one) for one in asked))

    async def _ask(
        self, client: httpx2.AsyncClient, endpoint: CarrierEndpoint, numbers: Sequence[str]
    ) -> list[ParcelTold] | None:
        now = wall_now()
        message_id, timestamp = new_id(now).hex, int(now.timestamp())
        body = json.dumps({"waybill_numbers": list(numbers)}).encode()
        headers = {
            "accept-encoding": "identity",
            "content-type": "application/json",
            "webhook-id": message_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signature(
                endpoint.secret, message_id=message_id, timestamp=timestamp, body=body
            ),
        }
        url = endpoint.base_url.rstrip("/") + "/tracks:query"
        content = b""
        try:
            async with asyncio.timeout(self._call_timeout_s):
                async with client.stream("POST", url, content=body, headers=headers) as response:
                    if response.status_code != HTTPStatus.OK:
                        return None
                    async for part in response.aiter_raw():
                        content += part
                        if len(content) > ANSWER_BYTES_MAX:
                            return None
            return msgspec.json.decode(content, type=_Answer).parcels
        # A ValueError is a host without a name, or an answer that is not what was agreed.
        except (httpx2.HTTPError, httpx2.InvalidURL, ValueError, TimeoutError):
            return None
