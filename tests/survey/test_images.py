"""What an uploaded image is, told from its bytes: kind, damage, bombs, foreign content, EXIF."""

import io
import struct
import zipfile
import zlib
from datetime import datetime, timedelta
from typing import Any

import pytest
from PIL import ExifTags, Image

from tests.survey.made import picture
from toilet_api.kernel.errors import Problem
from toilet_api.kernel.fields import SHANGHAI
from toilet_api.survey import images


def saved(kind: str, image: Image.Image | None = None, **options: Any) -> bytes:
    out = io.BytesIO()
    (image or Image.new("RGB", (32, 24), "teal")).save(out, kind, **options)
    return out.getvalue()


def exif(offset: str | None = "+08:00", taken: str = "2026:06:30 09:30:00") -> Image.Exif:
    """What a phone in Wuning writes: 29°15'36"N 115°6'0"E."""
    made = Image.Exif()
    made[ExifTags.Base.Make] = "Example"
    details = {ExifTags.Base.DateTimeOriginal: taken}
    if offset is not None:
        details[ExifTags.Base.OffsetTimeOriginal] = offset
    made.get_ifd(ExifTags.IFD.Exif).update(details)
    made.get_ifd(ExifTags.IFD.GPSInfo).update(
        {
            ExifTags.GPS.GPSLatitudeRef: "N",
            ExifTags.GPS.GPSLatitude: (29.0, 15.0, 36.0),
            ExifTags.GPS.GPSLongitudeRef: "E",
            ExifTags.GPS.GPSLongitude: (115.0, 6.0, 0.0),
        }
    )
    return made


def png(width: int, height: int, pixels: bytes = b"") -> bytes:
    """A PNG that says it has this size."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(pixels)) + chunk(b"IEND", b"")


def archive() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        made.writestr("a.html", "<html></html>")
    return out.getvalue()


@pytest.mark.parametrize(
    ("kind", "media"), [("JPEG", "image/jpeg"), ("PNG", "image/png"), ("WEBP", "image/webp"), ("MPO", "image/jpeg")]
)
def test_the_content_says_what_it_is(kind: str, media: str) -> None:
    facts = images.inspect(saved(kind))
    assert (facts.media_type, facts.width, facts.height) == (media, 32, 24)
    assert (facts.captured_at, facts.position, facts.zone_stated) == (None, None, False)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_time_and_place_are_read_from_exif(kind: str) -> None:
    facts = images.inspect(saved(kind, exif=exif()))
    assert facts.captured_at == datetime(2026, 6, 30, 9, 30, tzinfo=SHANGHAI)
    assert facts.zone_stated
    assert facts.position == (115.1, 29.26)


@pytest.mark.parametrize(
    ("offset", "hours", "stated"),
    [(None, 8, False), ("+00:00", 0, True), ("-03:30", -3.5, True), ("nonsense", 8, False)],
)
def test_a_time_without_zone_is_taken_for_shanghai(offset: str | None, hours: float, stated: bool) -> None:
    facts = images.inspect(saved("JPEG", exif=exif(offset)))
    assert facts.captured_at is not None
    assert facts.captured_at.utcoffset() == timedelta(hours=hours)
    assert facts.zone_stated is stated


@pytest.mark.parametrize(
    "taken", ["0000:00:00 00:00:00", "1970:01:01 00:00:00", "2026:02:31 00:00:00", "", "yesterday"]
)
def test_a_clock_that_was_never_set_says_nothing(taken: str) -> None:
    assert images.inspect(saved("JPEG", exif=exif(taken=taken))).captured_at is None


FAKES = {
    "nothing": b"",
    "text": b"this is no image",
    "GIF": saved("GIF"),
    "BMP": saved("BMP"),
    "TIFF": saved("TIFF"),
    "HEIC": b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic",
    "SVG": b'<svg xmlns="http://www.w3.org/2000/svg"></svg>',
    "PDF": b"%PDF-1.7\n%%EOF",
    "a web page": b"<!doctype html><script>alert(1)</script>",
    "an archive": archive(),
    "a page behind a JPEG": saved("JPEG") + b"<script>alert(1)</script>",
    "a page in a JPEG's comment": saved("JPEG", comment=b"<html><script>"),
    "PHP behind a PNG": saved("PNG") + b"<?php system($_GET[0]); ?>",
    "an archive behind a JPEG": saved("JPEG") + archive(),
    "an archive behind a PNG": saved("PNG") + archive(),
    "anything behind a PNG": saved("PNG") + b"x",
    "anything behind a WebP": saved("WEBP") + b"xx",
}


@pytest.mark.parametrize("kind", FAKES)
def test_what_is_no_plain_image_is_refused(kind: str) -> None:
    with pytest.raises(Problem) as refused:
        images.inspect(FAKES[kind])
    assert refused.value.type.code == "image_kind_refused"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("part", [0.02, 0.3, 0.7, 0.99])
def test_a_truncated_image_is_refused(kind: str, part: float) -> None:
    whole = picture(kind, size=(128, 96))
    with pytest.raises(Problem) as refused:
        images.inspect(whole[: max(13, int(len(whole) * part))])
    assert refused.value.type.code == "image_damaged"


def test_a_png_that_fails_its_checksum_is_refused() -> None:
    whole = bytearray(picture("PNG", size=(128, 96)))
    for place in range(len(whole) // 3, len(whole) // 2):
        whole[place] ^= 0xFF
    with pytest.raises(Problem) as refused:
        images.inspect(bytes(whole))
    assert refused.value.type.code == "image_damaged"


BOMBS = {
    "a size that no camera has": png(60_000, 60_000),
    "the largest size that the format knows": png(2**31 - 1, 2**31 - 1),
    "zeros, well compressed": png(6000, 6000, bytes(6001 * 6000)),
    "a wide JPEG": saved("JPEG", Image.new("1", (65_000, 1_000)).convert("L")),
}


@pytest.mark.parametrize("kind", BOMBS)
def test_a_decompression_bomb_is_refused_before_it_is_decoded(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def load(_: Image.Image) -> None:
        pytest.fail("it was decoded")

    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", load)
    with pytest.raises(Problem) as refused:
        images.inspect(BOMBS[kind])
    assert refused.value.type.code == "image_too_many_pixels"
