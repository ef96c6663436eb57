"""Whole statements and lists as files, in flat memory however long they are."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain, islice
from tempfile import SpooledTemporaryFile
from typing import IO, Annotated, Any, Final, Literal

from fastapi import APIRouter, Query
from starlette.responses import Response, StreamingResponse

from weili.adapters.files import csv_write, xlsx_write
from weili.entrypoints.http.account import FromIn, PurposeQuery, ToIn, kind_of, linked, period_of
from weili.entrypoints.http.calls import Call, CallIn, carry_out
from weili.entrypoints.http.documents import moment
from weili.entrypoints.http.fields import PartyIdIn
from weili.entrypoints.http.operator_parties import party_of
from weili.kit.context import Ctx, PartyId
from weili.kit.ids import id_text
from weili.modules import dropship, ledger

router = APIRouter(tags=["account"])

MEMORY_BYTES_MAX: Final = 1024 * 1024
"""What of a file is kept in memory; the rest goes through the disk."""
CHUNK_BYTES: Final = 64 * 1024
LINKED_AT_ONCE: Final = 1_000

Row = Sequence[str | int | None]
_WRITERS: Final[Mapping[str, tuple[str, Callable[[IO[bytes], Iterable[Row]], None]]]] = {
    "csv": ("text/csv; charset=utf-8", csv_write),
    "xlsx": ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", xlsx_write),
}
FormatQuery = Annotated[Literal["csv", "xlsx"], Query(alias="format")]
HEAD: Final = (
    "occurred_at",
    "transfer_id",
    "kind",
    "purpose",
    "subject_kind",
    "subject",
    "order_id",
    "order_number",
    "child_id",
    "posted_minor",
    "held_minor",
    "posted_after_minor",
    "held_after_minor",
)
FILE: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "The file, with a row of column names first.",
        "content": {
            "text/csv": {"schema": {"type": "string"}},
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": {
                "schema": {"type": "string", "format": "binary"}
            },
        },
    }
}
"""What a route that gives a file states as its answer."""


@router.get("/v1/account/statement:export", response_class=StreamingResponse, responses=FILE)
def statement_export(
    call: CallIn,
    from_at: FromIn = None,
    to_at: ToIn = None,
    purpose: PurposeQuery = (),
    format_: FormatQuery = "csv",
) -> Response:
    """Give your whole statement of a period as a file: opening, every entry, closing."""

    def rows(ctx: Ctx) -> Iterator[Row]:
        kind = kind_of(call.actor.role)
        return _statement(ctx, call.actor.party_id, kind, (from_at, to_at), purpose)

    return file_of(call, "statement", format_, rows)


@router.get(
    "/v1/operator/parties/{party_id}/statement:export",
    response_class=StreamingResponse,
    responses=FILE,
    tags=["operator: money"],
)
def party_statement_export(  # noqa: PLR0917 - FastAPI passes parameters by name
    call: CallIn,
    party_id: PartyIdIn,
    from_at: FromIn = None,
    to_at: ToIn = None,
    purpose: PurposeQuery = (),
    format_: FormatQuery = "csv",
) -> Response:
    """Give a party's whole statement of a period as a file."""

    def rows(ctx: Ctx) -> Iterator[Row]:
        party = party_of(ctx, party_id)
        return _statement(ctx, party.id, kind_of(party.kind), (from_at, to_at), purpose)

    return file_of(call, "statement", format_, rows)


def file_of(
    call: Call, name: str, format_: str, rows_of: Callable[[Ctx], Iterator[Row]]
) -> Response:
    """Write rows, read on one snapshot, to a file, and send it piece by piece.

    The file is whole before its first byte is sent, so that a refusal is a problem and not half a
    file. What may be refused is refused before the first row is given, and no file is begun.
    """
    media_type, write = _WRITERS[format_]
    carry_out(call, lambda _: None)
    file: IO[bytes] = SpooledTemporaryFile(MEMORY_BYTES_MAX)  # noqa: SIM115 - closed when sent
    try:
        with call.world.begin(call.actor, snapshot=True) as ctx:
            rows = rows_of(ctx)
            first = list(islice(rows, 1))
            write(file, chain(first, rows))
        file.seek(0)
    except BaseException:
        file.close()
        raise
    disposition = {"content-disposition": f'attachment; filename="{name}.{format_}"'}
    chunks = _chunks(file)
    # Begun here, so that the file is closed although whoever asked has gone before its first byte.
    begun = next(chunks, b"")
    return StreamingResponse(chain((begun,), chunks), media_type=media_type, headers=disposition)


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk


def _statement(
    ctx: Ctx,
    party_id: PartyId,
    kind: ledger.AccountKind,
    period: tuple[datetime | None, datetime | None],
    purposes: Sequence[str],
) -> Iterator[Row]:
    from_at, to_at = period_of(ctx, period)
    head, entries = ledger.statement_whole(
        ctx, party_id=party_id, kind=kind, from_at=from_at, to_at=to_at, purposes=purposes
    )
    return _rows(ctx, head, entries)


def _rows(ctx: Ctx, head: ledger.Statement, entries: Iterator[ledger.Entry]) -> Iterator[Row]:
    yield HEAD
    yield _standing(head.from_at, "opening", head.opening)
    while some := list(islice(entries, LINKED_AT_ONCE)):
        links = dropship.subjects_traced(ctx, subjects=[each.transfer.subject for each in some])
        for entry in some:
            transfer, link = entry.transfer, linked(entry, head.kind, links)
            yield (
                moment(transfer.occurred_at),
                id_text(ledger.TRANSFER_PREFIX, transfer.id),
                transfer.kind.value,
                transfer.purpose,
                link["subject_kind"],
                link["subject"],
                link["order_id"],
                link["order_number"],
                link["child_id"],
                entry.posted_minor,
                entry.held_minor,
                entry.posted_after_minor,
                entry.held_after_minor,
            )
    yield _standing(head.to_at, "closing", head.closing)


def _standing(at: datetime, word: str, standing: ledger.Standing) -> Row:
    return (
        moment(at),
        None,
        word,
        *[None] * 8,
        standing.posted_minor,
        standing.held_minor,
    )
