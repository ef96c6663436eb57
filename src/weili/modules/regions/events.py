"""What this module announces."""

from typing import Final

from weili.kit.context import EventType

AREA_CHANGED: Final = EventType(
    "area.changed",
    "The list of areas was brought to another edition; the feed of its changes says what is new.",
    {
        "after": "read the changes after this position",
        "through": "the last of the new positions",
        "vintage": "the edition that told of them",
    },
)

EVENTS: Final[tuple[EventType, ...]] = (AREA_CHANGED,)
