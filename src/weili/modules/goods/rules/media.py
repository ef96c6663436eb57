"""What a file is, by its content: its name and the type that its sender states count for nothing.

Source: PNG (ISO/IEC 15948), JPEG (ITU T.81), WebP (RFC 9649), ISO base media (ISO/IEC 14496-12),
PDF (ISO 32000).
"""

import hashlib
from typing import Final

from weili.kit.problems import Said
from weili.modules.goods.model import MediaFacts, MediaKind
from weili.modules.goods.problems import MediaUnfit

MIB: Final = 1024 * 1024
IMAGE_BYTES_MAX: Final = 10 * MIB
DOCUMENT_BYTES_MAX: Final = 20 * MIB
VIDEO_BYTES_MAX: Final = 32 * MIB
MEDIA_BYTES_MAX: Final = max(IMAGE_BYTES_MAX, DOCUMENT_BYTES_MAX, VIDEO_BYTES_MAX)
SIDE_MAX: Final = 10_000
PIXELS_MAX: Final = 50_000_000
"""A small file may unfold to a picture that fills a reader's memory."""

_EXPECTED: Final = Said(
    f"a PNG, JPEG or WebP picture up to {IMAGE_BYTES_MAX // MIB} MiB, an MP4 video up to "
    f"{VIDEO_BYTES_MAX // MIB} MiB or a PDF document up to {DOCUMENT_BYTES_MAX // MIB} MiB",
    f"不超过 {IMAGE_BYTES_MAX // MIB} MiB 的 PNG、JPEG 或 WebP 图片，不超过 "
    f"{VIDEO_BYTES_MAX // MIB} MiB 的 MP4 视频，或不超过 {DOCUMENT_BYTES_MAX // MIB} MiB 的 PDF",
)
_PNG: Final = b"\x89PNG\r\n\x1a\n"
_PNG_END: Final = b"IEND\xaeB`\x82"
_JPEG: Final = b"\xff\xd8\xff"
_JPEG_END: Final = b"\xff\xd9"
_PDF: Final = b"%PDF-"
_PDF_END: Final = b"%%EOF"
_TAIL: Final = 1024
_VIDEO_BRANDS: Final = (b"isom", b"iso2", b"iso4", b"iso5", b"iso6", b"mp41", b"mp42", b"avc1")
_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""JPEG's start-of-frame markers, which hold the picture's size."""

_LOSSY_START: Final = b"\x9d\x01\x2a"


def media_facts(content: bytes) -> MediaFacts:
    """Say what a file is.

    Raises: MediaUnfit.
    """
    found = _png(content) or _jpeg(content) or _webp(content) or _mp4(content) or _pdf(content)
    if found is None:
        raise _unfit(
            "it is none of the kinds that are known, or is cut off", "类型无法识别或不完整"
        )
    kind, content_type, suffix, size = found
    bytes_max = {
        MediaKind.IMAGE: IMAGE_BYTES_MAX,
        MediaKind.VIDEO: VIDEO_BYTES_MAX,
        MediaKind.DOCUMENT: DOCUMENT_BYTES_MAX,
    }[kind]
    if len(content) > bytes_max:
        raise _unfit(f"it has {len(content)} bytes", f"大小为 {len(content)} 字节")
    width, height = size or (None, None)
    if width is not None and height is not None:
        is_sane = 0 < width <= SIDE_MAX and 0 < height <= SIDE_MAX
        if not is_sane or width * height > PIXELS_MAX:
            raise _unfit(
                f"the picture is {width} × {height}; at most {SIDE_MAX} a side and {PIXELS_MAX} "
                "pixels are taken",
                f"图片为 {width} × {height}，边长不得超过 {SIDE_MAX}，总像素不得超过 {PIXELS_MAX}",
            )
    digest = hashlib.sha256(content).hexdigest()
    return MediaFacts(kind, content_type, suffix, digest, len(content), width, height)


_Found = tuple[MediaKind, str, str, tuple[int, int] | None]


def _unfit(en: str, zh: str) -> MediaUnfit:
    return MediaUnfit(why=Said(en, zh), expected=_EXPECTED)


def _png(content: bytes) -> _Found | None:
    if not content.startswith(_PNG) or content[12:16] != b"IHDR" or _PNG_END not in content:
        return None
    size = int.from_bytes(content[16:20]), int.from_bytes(content[20:24])
    return MediaKind.IMAGE, "image/png", "png", size


def _jpeg(content: bytes) -> _Found | None:
    if not content.startswith(_JPEG) or _JPEG_END not in content[-_TAIL:]:
        return None
    at = 2
    # Each segment is at least two bytes long, so the walk is bounded by the file.
    while at + 9 <= len(content) and content[at] == 0xFF:  # noqa: PLR2004 - a marker begins so
        marker, length = content[at + 1], int.from_bytes(content[at + 2 : at + 4])
        if marker in _FRAMES:
            height = int.from_bytes(content[at + 5 : at + 7])
            width = int.from_bytes(content[at + 7 : at + 9])
            return MediaKind.IMAGE, "image/jpeg", "jpg", (width, height)
        if length < 2:  # noqa: PLR2004 - the length counts itself
            return None
        at += 2 + length
    return None


def _webp(content: bytes) -> _Found | None:
    if content[:4] != b"RIFF" or content[8:12] != b"WEBP":
        return None
    if int.from_bytes(content[4:8], "little") + 8 > len(content):
        return None
    head = content[20:30]
    match content[12:16]:
        case b"VP8X":
            size = 1 + int.from_bytes(head[4:7], "little"), 1 + int.from_bytes(head[7:10], "little")
        case b"VP8 " if head[3:6] == _LOSSY_START:
            size = (
                int.from_bytes(head[6:8], "little") & 0x3FFF,
                int.from_bytes(head[8:10], "little") & 0x3FFF,
            )
        case b"VP8L" if head[:1] == b"\x2f":
            bits = int.from_bytes(head[1:5], "little")
            size = 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
        case _:
            return None
    return MediaKind.IMAGE, "image/webp", "webp", size


def _mp4(content: bytes) -> _Found | None:
    if content[4:8] != b"ftyp" or content[8:12] not in _VIDEO_BRANDS:
        return None
    if b"moov" not in content or b"mdat" not in content:
        return None
    return MediaKind.VIDEO, "video/mp4", "mp4", None


def _pdf(content: bytes) -> _Found | None:
    if not content.startswith(_PDF) or _PDF_END not in content[-_TAIL:]:
        return None
    return MediaKind.DOCUMENT, "application/pdf", "pdf", None
