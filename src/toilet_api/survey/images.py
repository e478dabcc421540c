"""What an uploaded image is, found out from its bytes alone: kind, size, and the EXIF that proves place and time.

The bytes are never rewritten. An image that is also something else (a web page, an archive) is refused, so that nobody
can serve it under another name.
"""

import io
import re
import threading
import warnings
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from PIL import ExifTags, Image, ImageFile

from toilet_api.kernel.fields import SHANGHAI
from toilet_api.survey.problems import IMAGE_DAMAGED, IMAGE_KIND_REFUSED, IMAGE_TOO_MANY_PIXELS

MEDIA_TYPES = {"JPEG": "image/jpeg", "MPO": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}
"""Pillow's formats. MPO is what phones write when they put a second picture behind the first."""
EXTENSIONS = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp"}
MOST_PIXELS = {"JPEG": 64_000_000, "MPO": 64_000_000, "PNG": 24_000_000, "WEBP": 24_000_000}
"""JPEG is decoded at an eighth of its size, the others whole, so the others may be smaller only."""

ImageFile.LOAD_TRUNCATED_IMAGES = False
_DECODING = threading.BoundedSemaphore(2)  # decoding is the only place where one request can take much memory
_SIGNATURES = {b"\xff\xd8\xff": "JPEG", b"\x89PNG\r\n\x1a\n": "PNG"}
_FIRST_DIGITAL_YEAR = 1990  # an earlier EXIF date is a camera whose clock was never set
_FOREIGN = re.compile(rb"<script|<html|<!doctype|<\?php|<svg[\s>]|<iframe|%pdf-", re.IGNORECASE)
_JPEG_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """What the bytes say. `zone_stated`: the camera wrote its time zone; otherwise Asia/Shanghai is assumed."""

    media_type: str
    width: int
    height: int
    captured_at: datetime | None
    zone_stated: bool
    position: tuple[float, float] | None
    """(longitude, latitude), WGS 84, from the GPS tags."""


def inspect(data: bytes) -> ImageFacts:
    """Check the image through and read its facts.

    Raises `image_kind_refused` (415) for anything but a plain JPEG, PNG or WebP, `image_damaged` (422) for a truncated
    or corrupt one, `image_too_many_pixels` (422) before anything large is decoded.
    """
    kind = _kind(data)
    try:
        rest, trailer = _beside_pixels(kind, data)
    except (IndexError, ValueError):
        raise IMAGE_DAMAGED.problem() from None
    if _FOREIGN.search(rest) or _FOREIGN.search(trailer) or zipfile.is_zipfile(io.BytesIO(data)):
        raise IMAGE_KIND_REFUSED.problem(
            (
                "图片中夹带了其他内容（网页、文档或压缩包）。",
                "Something else (a page, document or archive) is in the image.",
            )
        )
    if kind != "JPEG" and trailer.strip(b"\0"):
        raise IMAGE_KIND_REFUSED.problem(("图片之后还有多余的内容。", "There is foreign content behind the image."))
    return _decode(kind, data)


def _kind(data: bytes) -> str:
    for signature, kind in _SIGNATURES.items():
        if data.startswith(signature):
            return kind
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    if data[4:8] == b"ftyp":
        raise IMAGE_KIND_REFUSED.problem(
            (
                "不支持 HEIC/AVIF，请在手机相机设置中选择“兼容性最佳”(JPEG)。",
                "HEIC and AVIF are not supported; set the camera to JPEG.",
            )
        )
    raise IMAGE_KIND_REFUSED.problem()


def _decode(kind: str, data: bytes) -> ImageFacts:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data), formats=[kind]) as image:
                width, height = image.size
                if width * height > MOST_PIXELS[kind]:
                    raise IMAGE_TOO_MANY_PIXELS.problem(
                        (
                            f"图片为 {width}×{height} 像素，上限 {MOST_PIXELS[kind]}。",
                            f"The image has {width}x{height} pixels; at most {MOST_PIXELS[kind]} are taken.",
                        )
                    )
                image.verify()
            with _DECODING, Image.open(io.BytesIO(data), formats=[kind]) as image:
                image.draft("L", (max(1, width // 8), max(1, height // 8)))
                image.load()  # to the last byte: verify() alone doesn't see a truncated JPEG
                exif = image.getexif()
                media_type = MEDIA_TYPES[image.format or kind]
    except Image.DecompressionBombError:
        raise IMAGE_TOO_MANY_PIXELS.problem() from None
    except (OSError, SyntaxError, ValueError, EOFError, KeyError, IndexError, MemoryError, OverflowError, TypeError):
        # Pillow's decoders raise any of these for broken input
        raise IMAGE_DAMAGED.problem() from None
    captured_at, zone_stated = _captured_at(exif)
    return ImageFacts(media_type, width, height, captured_at, zone_stated, _position(exif))


# --- what lies beside the pixels ------------------------------------------------------------------------------------


def _beside_pixels(kind: str, data: bytes) -> tuple[bytes, bytes]:
    """(headers and metadata, whatever follows the image). Raises ValueError or IndexError where there is no end."""
    if kind == "PNG":
        return _png(data)
    if kind == "WEBP":
        return _webp(data)
    return _jpeg(data)


def _png(data: bytes) -> tuple[bytes, bytes]:
    parts: list[bytes] = []
    place = 8
    while True:
        length, name = int.from_bytes(data[place : place + 4], "big"), data[place + 4 : place + 8]
        end = place + 12 + length
        if len(name) < 4 or end > len(data):
            raise ValueError("no end")
        if name not in (b"IDAT", b"fdAT"):
            parts.append(data[place + 8 : place + 8 + length])
        place = end
        if name == b"IEND":
            return b"\n".join(parts), data[place:]


def _webp(data: bytes) -> tuple[bytes, bytes]:
    end = 8 + int.from_bytes(data[4:8], "little")
    if end > len(data):
        raise ValueError("no end")
    parts: list[bytes] = []
    place = 12
    while place + 8 <= end:
        length = int.from_bytes(data[place + 4 : place + 8], "little")
        if data[place : place + 4] not in (b"VP8 ", b"VP8L", b"ALPH", b"ANMF"):
            parts.append(data[place + 8 : place + 8 + length])
        place += 8 + length + (length & 1)
    return b"\n".join(parts), data[end + (end & 1) :]


def _jpeg(data: bytes) -> tuple[bytes, bytes]:
    """Segments up to the end marker; the compressed pixels between are skipped.

    Bytes behind the end marker are common: phones append a second picture or a short film there.
    """
    parts: list[bytes] = []
    place = 2
    for marker, start, end in _segments(data, place):
        if marker == 0xD9:
            return b"\n".join(parts), data[start:]
        parts.append(data[start:end])
    raise ValueError("no end")


def _segments(data: bytes, place: int) -> Iterator[tuple[int, int, int]]:
    while match := _JPEG_MARKER.search(data, place):
        marker = data[match.start() + 1]
        start = match.end()
        if marker in (0xD8, 0xD9, 0x01):
            yield marker, start, start
            place = start
        else:
            length = data[start] << 8 | data[start + 1]
            yield marker, start + 2, start + length
            place = start + max(length, 2)


# --- EXIF -----------------------------------------------------------------------------------------------------------


def _captured_at(exif: Image.Exif) -> tuple[datetime | None, bool]:
    """(when the shutter was released, whether the zone is stated). (None, False) where EXIF says nothing usable."""
    try:
        details: dict[int, Any] = exif.get_ifd(ExifTags.IFD.Exif)
        text = str(details.get(ExifTags.Base.DateTimeOriginal) or exif.get(ExifTags.Base.DateTime) or "")
        local = datetime.strptime(text.strip("\0 "), "%Y:%m:%d %H:%M:%S")  # noqa: DTZ007 - the zone stands apart
        if local.year < _FIRST_DIGITAL_YEAR:
            return None, False
        offset = re.fullmatch(
            r"([+-])(\d{2}):(\d{2})", str(details.get(ExifTags.Base.OffsetTimeOriginal) or "").strip("\0 ")
        )
        if offset is None:
            return local.replace(tzinfo=SHANGHAI), False
        delta = timedelta(hours=int(offset[2]), minutes=int(offset[3]))
        return local.replace(tzinfo=timezone(delta if offset[1] == "+" else -delta)), True
    except (ValueError, TypeError, KeyError, OverflowError, OSError, SyntaxError):
        return None, False  # EXIF is a courtesy of the camera; a broken one doesn't make the photo worthless


def _position(exif: Image.Exif) -> tuple[float, float] | None:
    try:
        gps: dict[int, Any] = exif.get_ifd(ExifTags.IFD.GPSInfo)
        latitude = _degrees(gps[ExifTags.GPS.GPSLatitude], str(gps[ExifTags.GPS.GPSLatitudeRef]), "S", 90)
        longitude = _degrees(gps[ExifTags.GPS.GPSLongitude], str(gps[ExifTags.GPS.GPSLongitudeRef]), "W", 180)
    except (ValueError, TypeError, KeyError, ZeroDivisionError, OverflowError, OSError, SyntaxError, IndexError):
        return None
    return None if (longitude, latitude) == (0.0, 0.0) else (longitude, latitude)


def _degrees(parts: Any, reference: str, negative: str, most: int) -> float:
    """Degrees, minutes, seconds to signed degrees, to 1e-7. Raises ValueError outside of ±`most`."""
    value = round(float(parts[0]) + float(parts[1]) / 60 + float(parts[2]) / 3600, 7)
    if not 0 <= value <= most:  # also refuses NaN
        raise ValueError("no such place")
    return -value if reference.strip("\0 ").upper() == negative else value
