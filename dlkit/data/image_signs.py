"""What the bytes of a file begin with: other formats, and another image behind the first."""

from __future__ import annotations

from typing import Final

_PNG: Final = b"\x89PNG\r\n\x1a\n"
_ENDS: Final = {_PNG: b"IEND\xaeB`\x82", b"\xff\xd8\xff": b"\xff\xd9"}
_STARTS: Final = (*_ENDS, b"GIF8", b"RIFF", b"II*\0", b"MM\0*")
_HEAD: Final = 1 << 16  # bytes in which a file says that it holds several images
_SIGNS: Final = {
    b"<svg": "SVG",
    b"<?xml": "XML or SVG",
    b"SIMPLE": "FITS",
    b"8BPS": "PSD",
    b"%PDF": "PDF",
    b"PK\x03\x04": "ZIP",
    b"\x1f\x8b": "gzip",
    b"\x00\x00\x01\x00": "an icon",
    b"version https://git-lfs": "a git LFS pointer: the file itself was not fetched",
}


def guess(content: bytes) -> str:
    """What bytes that are no image may be instead."""
    head = content[:64].lstrip()
    for sign, name in _SIGNS.items():
        if head.startswith(sign):
            return name
    if b"ftyp" in content[4:12]:
        return "HEIF, AVIF or a film"
    return "not PNG, JPEG, BMP, GIF, WebP, TIFF or PPM"


def followed(content: bytes) -> bool:
    """Whether another image begins where a PNG or JPEG file ends; a camera's previews are none."""
    for start, end in _ENDS.items():
        if not content.startswith(start) or b"MPF\0" in content[:_HEAD]:
            continue
        place = content.find(end)
        while place >= 0:
            rest = content[place + len(end) : place + len(end) + 16]
            if rest.startswith(_STARTS):
                return True
            place = content.find(end, place + 1)
    return False
