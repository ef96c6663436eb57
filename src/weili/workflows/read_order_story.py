"""Reads all that became of one order, in the order of time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from weili.kit import outbox
from weili.kit.context import Ctx
from weili.kit.ids import id_text
from weili.modules import dropship, ledger

STORY_MAX: Final = 1_000


class StoryKind(StrEnum):
    """What is told of an order."""

    PLACED = "placed"
    STEP = "step"
    PACKAGE = "package"
    TRACK = "track"
    REMARK = "remark"
    MONEY = "money"
    EVENT = "event"


_RANK: Final = {kind: rank for rank, kind in enumerate(StoryKind)}


@dataclass(frozen=True, slots=True)
class Told:
    """One thing that is told of an order; ``name`` is of its kind: a state, a purpose, a type."""

    at: datetime
    kind: StoryKind
    subject: str
    name: str
    before: str = ""
    text: str = ""
    actor: str = ""
    amount_minor: int | None = None


def read_order_story(ctx: Ctx, *, order: dropship.Order) -> Sequence[Told]:
    """Give what became of an order, the oldest first; a bounded number of things.

    Money is shown to who may see money; the others see steps, packages, remarks and messages.

    Raises: Forbidden.
    """
    ctx.require("admin:orders")
    steps = [*_steps(ctx, order)]
    moments = sorted({told.at for told in steps})
    told = [*steps, *_tracks(ctx, order), *_remarks(ctx, order), *_events(ctx, order, moments)]
    if ctx.actor.scopes & {"admin:money", "*"}:
        told += _money(ctx, order, moments)
    return sorted(told, key=lambda each: (each.at, _RANK[each.kind]))[:STORY_MAX]


def _steps(ctx: Ctx, order: dropship.Order) -> Iterator[Told]:
    subject = id_text(dropship.ORDER_PREFIX, order.id)
    yield Told(order.placed_at, StoryKind.PLACED, subject, order.number)
    for package in order.packages:
        subject = id_text(dropship.PACKAGE_PREFIX, package.id)
        carrier = dropship.carrier_name(package.carrier_code, package.carrier_name)
        yield Told(
            package.shipped_at, StoryKind.PACKAGE, subject, package.waybill_number, text=carrier
        )
    for step in dropship.steps_of(ctx, order=order):
        yield Told(
            step.at,
            StoryKind.STEP,
            step.subject,
            step.there,
            before=step.here,
            text=step.reason,
            actor=step.actor,
        )


def _tracks(ctx: Ctx, order: dropship.Order) -> Iterator[Told]:
    for package, track in dropship.tracks_told_of(ctx, order=order):
        subject = id_text(dropship.PACKAGE_PREFIX, package.id)
        text = f"{track.place} {track.text}".strip()
        yield Told(track.occurred_at, StoryKind.TRACK, subject, track.kind, text=text)


def _remarks(ctx: Ctx, order: dropship.Order) -> Iterator[Told]:
    for audience in dropship.Audience:
        for remark in dropship.remarks_for(ctx, order_id=order.id, audience=audience):
            yield Told(
                remark.written_at,
                StoryKind.REMARK,
                id_text(dropship.REMARK_PREFIX, remark.id),
                remark.audience,
                text=remark.text,
                actor=remark.actor,
            )


def _events(ctx: Ctx, order: dropship.Order, moments: Sequence[datetime]) -> Iterator[Told]:
    subject = id_text(dropship.ORDER_PREFIX, order.id)
    for at, name, _ in outbox.told_of(ctx, subject=subject, moments=moments, limit=STORY_MAX):
        yield Told(at, StoryKind.EVENT, subject, name)


def _money(ctx: Ctx, order: dropship.Order, moments: Sequence[datetime]) -> Iterator[Told]:
    subjects = [id_text(dropship.ORDER_PREFIX, order.id)]
    subjects += [id_text(dropship.CHILD_PREFIX, child.id) for child in order.children]
    subjects += [id_text(dropship.PACKAGE_PREFIX, package.id) for package in order.packages]
    party_ids = {order.partner_id, *(child.supplier_id for child in order.children)}
    for moved in ledger.transfers_about(
        ctx, party_ids=[*party_ids], subjects=subjects, moments=moments
    ):
        yield Told(
            moved.at,
            StoryKind.MONEY,
            moved.subject,
            moved.purpose,
            before=moved.kind,
            amount_minor=moved.amount_minor,
        )
