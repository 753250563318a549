"""Pictures are measured and shrunk, and can't do harm."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageOps
from twisted.trial.unittest import SynchronousTestCase

from test.storage.files.samples import picture
from twim.storage.files.pictures import MAX_PIXELS, THUMB_BOX, Picture, look


def thumb_of(found: Picture | None) -> Image.Image:
    assert found is not None and found.thumb is not None
    return Image.open(BytesIO(found.thumb))


class Looking(SynchronousTestCase):
    def look(self, content: bytes) -> Picture | None:
        path = Path(self.mktemp())
        path.write_bytes(content)
        return look(path, len(content))

    def test_every_format(self) -> None:
        """Each format is measured and gives a thumbnail that fits the box."""
        for form in ("PNG", "JPEG", "GIF", "WEBP"):
            found = self.look(picture(form, 900, 450))
            assert found is not None
            self.assertEqual((found.width, found.height), (900, 450))
            self.assertEqual(thumb_of(found).size, (400, 200))

    def test_long_and_narrow(self) -> None:
        """No side of a thumbnail becomes 0."""
        self.assertEqual(thumb_of(self.look(picture("PNG", 4000, 2))).size, (400, 1))

    def test_small(self) -> None:
        """A small picture has no thumbnail."""
        self.assertEqual(self.look(picture("PNG", 20, 10)), Picture(20, 10, None))

    def test_heavy(self) -> None:
        """A picture that fits the box but has many bytes is made smaller."""
        content = picture("PNG", *THUMB_BOX)
        found = self.look(content)
        assert found is not None and found.thumb is not None
        self.assertLess(len(found.thumb), len(content) / 2)

    def test_turned(self) -> None:
        """A photograph that is turned by EXIF is upright in its thumbnail, without place and camera."""
        exif = Image.Exif()
        exif[0x0112] = 6
        exif[0x010F] = "a camera"
        content = picture("JPEG", 1000, 500, exif=exif)
        self.assertIn(b"a camera", content)
        found = self.look(content)
        assert found is not None and found.thumb is not None
        self.assertEqual((found.width, found.height), (500, 1000))
        self.assertEqual(thumb_of(found).size, (200, 400))
        self.assertNotIn(b"a camera", found.thumb)
        self.assertEqual(dict(thumb_of(found).getexif()), {})

    def test_transparent(self) -> None:
        """Transparency is kept."""
        image = Image.new("RGBA", (900, 900), (255, 0, 0, 0))
        out = BytesIO()
        image.save(out, "PNG")
        thumb = thumb_of(self.look(out.getvalue()))
        self.assertEqual(thumb.mode, "RGBA")
        self.assertEqual(thumb.getpixel((5, 5))[3], 0)  # type: ignore[index]

    def test_odd_modes(self) -> None:
        """Palettes, greys, CMYK and 16 bits are shrunk."""
        for form, mode in (("PNG", "P"), ("PNG", "L"), ("JPEG", "CMYK"), ("PNG", "1"), ("PNG", "I;16"), ("GIF", "P")):
            self.assertEqual(max(thumb_of(self.look(picture(form, 900, 300, mode))).size), 400)

    def test_every_turn(self) -> None:
        """For each orientation the thumbnail shows what ImageOps would."""
        image = Image.new("RGB", (900, 600), "white")
        image.paste("black", (0, 0, 450, 300))
        for orientation in range(1, 9):
            exif = Image.Exif()
            exif[0x0112] = orientation
            out = BytesIO()
            image.save(out, "JPEG", exif=exif)
            out.seek(0)
            expected = ImageOps.exif_transpose(Image.open(out))
            thumb = thumb_of(self.look(out.getvalue())).convert("L")
            width, height = thumb.size
            for x, y in ((0.25, 0.25), (0.75, 0.25), (0.25, 0.75), (0.75, 0.75)):
                at = expected.convert("L").getpixel((int(x * expected.width), int(y * expected.height)))
                shown = thumb.getpixel((int(x * width), int(y * height)))
                self.assertLess(abs(at - shown), 60, (orientation, x, y))  # type: ignore[operator]

    def test_a_bomb(self) -> None:
        """A small file of very many pixels is measured, not decoded."""
        side = int(MAX_PIXELS**0.5) + 1
        self.assertEqual(self.look(png_of(side, side)), Picture(side, side, None))
        self.assertIsNone(self.look(png_of(2**31 - 1, 2**31 - 1)))

    def test_a_photograph(self) -> None:
        """A photograph of 48 megapixels is shrunk while it is decoded, unless it is progressive."""
        image = Image.new("L", (8000, 6000))
        for progressive, thumb in ((False, True), (True, False)):
            out = BytesIO()
            image.save(out, "JPEG", progressive=progressive)
            found = self.look(out.getvalue())
            assert found is not None
            self.assertEqual((found.width, found.height, found.thumb is not None), (8000, 6000, thumb))

    def test_broken(self) -> None:
        """A file that can't be decoded is no picture, and no error."""
        whole = picture("PNG", 900, 900)
        for content in (
            b"",
            whole[:100],
            whole[:5000],
            b"\x89PNG\r\n\x1a\n" + bytes(50),
            picture("JPEG", 900, 900)[:600],
        ):
            self.assertIsNone(self.look(content))

    def test_other_formats(self) -> None:
        """Decoders of rare formats are never used, whatever a file begins with."""
        for form in ("BMP", "TIFF", "PPM", "ICO"):
            self.assertIsNone(self.look(picture(form, 900, 900)))


def png_of(width: int, height: int) -> bytes:
    """A PNG of a few bytes that claims this size."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(9))) + chunk(b"IEND", b"")
