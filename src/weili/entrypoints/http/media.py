"""Pictures, videos and documents: sent by suppliers, fetched by anyone who knows the address.

An address is made of the content itself, so that who has not been shown it can't guess it, and
what lies under it never changes.
"""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Path
from starlette.responses import Response

from weili.adapters.files.media import MediaStore
from weili.entrypoints.http import answers
from weili.entrypoints.http.calls import CallIn, change, read
from weili.entrypoints.http.documents import moment, page
from weili.entrypoints.http.fields import LIMIT, CursorIn, Document, LimitIn
from weili.entrypoints.http.goods_body import MediaIdOut
from weili.kit.context import Ctx
from weili.kit.ids import id_text
from weili.modules import goods

_ADDRESS: Final = "^[0-9a-f]{64}\\.(png|jpg|webp|mp4|pdf)$"
_TYPES: Final = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "webp": "image/webp",
    "mp4": "video/mp4",
    "pdf": "application/pdf",
}
_BINARY: Final[dict[str, Any]] = {"type": "string", "format": "binary"}
_SAFE: Final = {
    # No browser may take it for anything else, run anything in it, or let it reach out.
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; sandbox",
    "cross-origin-resource-policy": "same-site",
    "referrer-policy": "no-referrer",
    "cache-control": "private, max-age=31536000, immutable",
}
AddressIn = Annotated[str, Path(pattern=_ADDRESS, description="as the goods show it")]


class MediaOut(Document):
    """A file that you have sent; `address` is where it is fetched."""

    id: MediaIdOut
    address: str
    kind: goods.MediaKind
    content_type: str
    size_bytes: int
    width: int | None
    height: int | None
    created_at: answers.MomentOut


def media_router(store: MediaStore) -> APIRouter:
    """Give the routes of media over the place where their bytes lie."""
    router = APIRouter(tags=["media"])

    @router.post(
        "/v1/supply/media:upload",
        response_model=MediaOut,
        status_code=201,
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {"application/octet-stream": {"schema": _BINARY}},
            }
        },
    )
    def media_upload(call: CallIn) -> Response:
        """Send a picture (PNG, JPEG, WebP), a video (MP4) or a document (PDF) as it is.

        What it is is told by its content alone. The same content again is the same file.
        """
        facts = goods.media_facts(call.body)

        def work(ctx: Ctx) -> dict[str, Any]:
            supplier_id = call.actor.party_id
            return media_document(goods.media_put(ctx, supplier_id=supplier_id, facts=facts))

        response = change(call, work, status=201)
        # Kept once it is admitted, and before it is answered: who got no answer sends it again.
        store.put(facts.address, call.body)
        return response

    @router.get("/v1/supply/media", response_model=answers.PageOut[MediaOut])
    def media_page(call: CallIn, cursor: CursorIn = None, limit: LimitIn = LIMIT) -> Response:
        """List the files that you have sent."""

        def work(ctx: Ctx) -> dict[str, Any]:
            supplier_id = call.actor.party_id
            rows = goods.media_page(ctx, supplier_id=supplier_id, cursor=cursor, limit=limit)
            return page(rows.map(media_document))

        return read(call, work)

    @router.get(
        "/v1/media/{address}",
        response_class=Response,
        responses={200: {"content": {"application/octet-stream": {"schema": _BINARY}}}},
    )
    def media_get(call: CallIn, address: AddressIn) -> Response:
        """Fetch a file by its address; keep it as long as you like, it never changes."""
        read(call, lambda _: {})
        content = store.get(address)
        if content is None:
            raise goods.MediaUnknown(address=address)
        suffix = address.rpartition(".")[2]
        shown = "attachment" if suffix == "pdf" else "inline"
        headers = {**_SAFE, "content-disposition": f'{shown}; filename="{address}"'}
        return Response(content, media_type=_TYPES[suffix], headers=headers)

    return router


def media_document(media: goods.Media) -> dict[str, Any]:
    """Show a file to who sent it."""
    return {
        "id": id_text(goods.MEDIA_PREFIX, media.id),
        "address": media.address,
        "kind": media.kind,
        "content_type": media.content_type,
        "size_bytes": media.size_bytes,
        "width": media.width,
        "height": media.height,
        "created_at": moment(media.created_at),
    }
