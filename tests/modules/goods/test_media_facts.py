"""A file is what its content says, within bounds; anything else is refused."""

import struct
import zlib

import pytest

from weili.modules.goods import MediaKind, MediaUnfit, media_facts


def png(width: int = 3, height: int = 2) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(b"\x00" * 64)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def jpeg(width: int = 640, height: int = 480) -> bytes:
    frame = b"\xff\xc0" + struct.pack(">HBHHB", 17, 8, height, width, 3) + b"\x00" * 9
    return b"\xff\xd8\xff\xe0\x00\x10JFIF" + b"\x00" * 10 + frame + b"\xff\xda\x00\x02xx\xff\xd9"


def webp(width: int = 12, height: int = 7) -> bytes:
    bits = (width - 1) | (height - 1) << 14
    data = b"VP8L" + struct.pack("<I", 10) + b"\x2f" + struct.pack("<I", bits) + b"\x00" * 5
    return b"RIFF" + struct.pack("<I", len(data) + 4) + b"WEBP" + data


MP4 = b"\x00\x00\x00\x18ftypisom" + b"\x00" * 12 + b"\x00\x00\x00\x08moov\x00\x00\x00\x08mdat"
PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n%%EOF\n"


@pytest.mark.parametrize(
    ("content", "kind", "content_type", "size"),
    [
        (png(), MediaKind.IMAGE, "image/png", (3, 2)),
        (jpeg(), MediaKind.IMAGE, "image/jpeg", (640, 480)),
        (webp(), MediaKind.IMAGE, "image/webp", (12, 7)),
        (MP4, MediaKind.VIDEO, "video/mp4", (None, None)),
        (PDF, MediaKind.DOCUMENT, "application/pdf", (None, None)),
    ],
)
def test_a_file_is_known_by_its_content(
    content: bytes, kind: MediaKind, content_type: str, size: tuple[int | None, int | None]
) -> None:
    facts = media_facts(content)

    assert (facts.kind, facts.content_type) == (kind, content_type)
    assert (facts.width, facts.height) == size
    assert facts.size_bytes == len(content)
    assert facts.address == f"{facts.digest}.{facts.suffix}"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html><script>alert(1)</script></html>",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"GIF89a" + b"\x00" * 20,
        b"MZ\x90\x00",
        png()[:-8],
        jpeg()[:-2],
        webp()[:-4],
        MP4[:-16],
        PDF[:-7],
        png(20_000, 1),
        png(9_000, 9_000),
        png(0, 5),
        b"\xff\xd8\xff\xe0\x00\x00" + b"\xff\xd9",
        b"\xff\xd8\xff" + b"\xff" * 5000 + b"\xff\xd9",
    ],
    ids=lambda content: repr(content[:12]),
)
def test_what_is_no_known_file_or_too_large_a_picture_is_refused(content: bytes) -> None:
    with pytest.raises(MediaUnfit):
        media_facts(content)


def test_a_picture_that_is_too_heavy_is_refused() -> None:
    heavy = png()[:-12] + b"\x00" * (10 * 1024 * 1024) + png()[-12:]

    with pytest.raises(MediaUnfit) as refused:
        media_facts(heavy)
    assert str(len(heavy)) in refused.value.text("zh")
