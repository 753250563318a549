"""A cleaned picture tells no place or device, and looks as before."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageChops, ImageOps, ImageSequence
from twisted.trial.unittest import SynchronousTestCase

from test.storage.files import telling
from test.storage.files.samples import picture
from test.storage.files.test_pictures import png_of
from test.storage.files.test_sniff import ftyp
from twim.storage.files.cleaning import SHOWN_PIXELS, TURNED_PIXELS, clean
from twim.storage.files.containers.boxes import box
from twim.storage.files.pictures import look
from twim.storage.files.sniff import AVIF, GIF, HEIC, JPEG, PDF, PNG, UNKNOWN, WEBP, Kind, kind_of
from twim.storage.files.spool import Spool

EVERY = {
    "jpeg": telling.jpeg(),
    "progressive jpeg": telling.jpeg(progressive=True),
    "grey jpeg": telling.jpeg(mode="L"),
    "cmyk jpeg": telling.jpeg(mode="CMYK"),
    "png": telling.png(),
    "palette png": telling.png(image=telling.scene("P")),
    "grey and alpha png": telling.png(image=telling.scene("LA")),
    "apng": telling.png(save_all=True, append_images=telling.frames()[1:], duration=[50, 100, 200], loop=3),
    "gif": telling.gif(loop=3),
    "gif once": telling.gif(disposal=2, transparency=0),
    "webp": telling.webp(),
    "lossless webp": telling.webp(lossless=True, image=telling.scene("RGBA")),
    "animated webp": telling.webp(animated=True),
    "avif": telling.avif(),
    "avif sequence": telling.avif(animated=True),
}
KINDS = {"jpeg": JPEG, "png": PNG, "gif": GIF, "webp": WEBP, "avif": AVIF}


class Case(SynchronousTestCase):
    def setUp(self) -> None:
        self.spool = Spool(Path(self.mktemp()))

    def clean(self, content: bytes, kind: Kind | None = None) -> tuple[bytes, Kind, bool]:
        spooled = self.spool.whole(content)
        found = clean(spooled, kind or kind_of(spooled.head), self.spool)
        self.assertEqual(spooled.path.read_bytes(), content, "what came is not changed")
        return found.spooled.path.read_bytes(), found.kind, found.animated

    def assert_silent(self, content: bytes, what: object = "") -> None:
        for word in telling.TOLD:
            self.assertNotIn(word, content, what)


def shown(content: bytes) -> list[Image.Image]:
    """All frames as a browser would show them."""
    with Image.open(BytesIO(content)) as image:
        return [ImageOps.exif_transpose(frame.copy()).convert("RGBA") for frame in ImageSequence.Iterator(image)]


def timing(content: bytes) -> list[object]:
    """How long each frame is shown, how it is disposed of, and how often all are repeated."""
    with Image.open(BytesIO(content)) as image:
        each: Iterator[Image.Image] = ImageSequence.Iterator(image)
        told = [(one.info.get("duration"), one.info.get("disposal"), one.info.get("blend")) for one in each]
        return [image.info.get("loop"), *told]


class Silence(Case):
    """Cleaning without turning doesn't decode the picture."""

    def test_every_format(self) -> None:
        """All metadata is gone; pixels, profile, frames and timing are as before."""
        for what, content in EVERY.items():
            for word in telling.TOLD[:2]:
                self.assertTrue(word in content or what.startswith("gif"), (what, word))
            bare, kind, _ = self.clean(content)
            self.assert_silent(bare, what)
            self.assertEqual(kind, next(one for name, one in KINDS.items() if name in what))
            self.assertEqual(timing(bare), timing(content), what)
            for before, after in zip(shown(content), shown(bare), strict=True):
                self.assertEqual(before.tobytes(), after.tobytes(), what)
            with Image.open(BytesIO(content)) as old, Image.open(BytesIO(bare)) as new:
                self.assertEqual((old.mode, old.info.get("icc_profile")), (new.mode, new.info.get("icc_profile")), what)
                self.assertEqual(dict(new.getexif()), {}, what)

    def test_again(self) -> None:
        """A picture without metadata stays the same, byte for byte."""
        for what, content in EVERY.items():
            bare, _, _ = self.clean(content)
            self.assertEqual(self.clean(bare)[0], bare, what)

    def test_animated(self) -> None:
        """An animation is recognised; a picture of one frame isn't one."""
        for what, content in EVERY.items():
            moving = what in ("apng", "gif", "gif once", "animated webp", "avif sequence")
            self.assertEqual(self.clean(content)[2], moving, what)
        self.assertFalse(self.clean(picture("GIF"))[2])

    def test_large_exif(self) -> None:
        """XMP and notes of several segments are removed."""
        segment = b"\xff\xe1\xff\xff" + (b"http://ns.adobe.com/xmp/extension/\0" + b"SECRET" * 11_000)[:65_533]
        plain = picture("JPEG")
        bare, _, _ = self.clean(plain[:2] + segment * 5 + plain[2:])
        self.assertEqual(bare, plain)

    def test_between_scans(self) -> None:
        """A comment between the scans of a progressive JPEG is removed."""
        plain = telling.saved(telling.scene(), "JPEG", progressive=True)
        second = plain.index(b"\xff\xda", plain.index(b"\xff\xda") + 2)
        before = plain.rindex(b"\xff\xc4", 0, second) if b"\xff\xc4" in plain[:second] else second
        bare, _, _ = self.clean(plain[:before] + b"\xff\xfe\0\x08SECRET" + plain[before:])
        self.assertEqual(bare, plain)

    def test_nested(self) -> None:
        """An unknown chunk within a frame of an animated WebP is removed."""
        plain = telling.saved(telling.frames()[0], "WEBP", save_all=True, append_images=telling.frames()[1:])
        at = plain.index(b"ANMF")
        (size,) = struct.unpack_from("<I", plain, at + 4)
        more = b"PRVT\x06\0\0\0SECRET"
        frame = b"ANMF" + struct.pack("<I", size + len(more)) + plain[at + 8 : at + 8 + size] + more
        body = plain[8:at] + frame + plain[at + 8 + size :]
        bare, _, _ = self.clean(b"RIFF" + struct.pack("<I", len(body)) + body)
        self.assertEqual(bare, plain)

    def test_names_of_profiles(self) -> None:
        """The name of a PNG's profile, which can be any text, is replaced by the usual one."""
        plain = telling.saved(telling.scene(), "PNG", icc_profile=telling.PROFILE)
        at = plain.index(b"iCCP") - 4
        (size,) = struct.unpack_from(">I", plain, at)
        said = plain[at + 8 : at + 8 + size].replace(b"ICC Profile", b"SECRET")
        bare, _, _ = self.clean(plain[:at] + telling.png_chunk(b"iCCP", said) + plain[at + 12 + size :])
        self.assertEqual(bare, plain)

    def test_heic(self) -> None:
        """HEIC, which browsers don't show, is cleaned like AVIF."""
        for brand in (b"heic", b"mif1"):
            content = telling.avif().replace(b"ftypavif", b"ftyp" + brand).replace(b"avifmif1", b"heicmif1")
            bare, kind, _ = self.clean(content)
            self.assertEqual((kind, len(bare)), (HEIC, len(content) - len(b"SECRET")))
            self.assert_silent(bare)

    def test_jpeg_xl(self) -> None:
        """Of JPEG XL's boxes only the picture stays; a bare codestream has no boxes."""
        signature = b"\0\0\0\x0cJXL \r\n\x87\n" + b"\0\0\0\x14ftypjxl \0\0\0\0jxl "
        picture = b"\0\0\0\x0cjxlc\xff\x0a12"
        told = b"\0\0\0\x0eExifSECRET" + b"\0\0\0\x0exml SECRET" + b"\0\0\0\x0ejbrdSECRET"
        bare, kind, _ = self.clean(signature + told + picture)
        self.assertEqual((bare, kind.mime, kind.shown), (signature + picture, "image/jxl", False))
        self.assertEqual(self.clean(b"\xff\x0a1234")[0], b"\xff\x0a1234")

    def test_items(self) -> None:
        """An AVIF's thumbnails, descriptions and names are removed, wherever they are; the picture's bytes stay in
        place."""
        infe = b"\2\0\0\0%b\0\0%bSECRET\0"
        entries = [box(b"infe", infe % (bytes((0, n)), kind)) for n, kind in ((1, b"av01"), (2, b"av01"), (3, b"mime"))]
        # Item 1 is in mdat, the others in idat; all of them are 6 bytes.
        places = [b"\0\1\0\0\0\0\0\1" + b"%b\0\0\0\6"]
        places += [bytes((0, n)) + b"\0\1\0\0\0\1" + bytes((0, 0, 0, at, 0, 0, 0, 6)) for n, at in ((2, 0), (3, 6))]
        udes = box(b"udes", bytes(4) + b"SECRET\0")
        ipma = box(b"ipma", bytes(4) + b"\0\0\0\2" + b"\0\1\1\x81" + b"\0\2\1\x81")
        children = [
            box(b"hdlr", bytes(8) + b"pict" + bytes(12) + b"SECRET\0"),
            box(b"pitm", bytes(4) + b"\0\1"),
            box(b"iinf", bytes(4) + b"\0\3" + b"".join(entries)),
            box(b"iref", bytes(4) + box(b"thmb", b"\0\2\0\1\0\1") + box(b"cdsc", b"\0\3\0\1\0\1")),
            box(b"iprp", box(b"ipco", box(b"ispe", bytes(12)) + udes) + ipma),
            box(b"idat", b"SECRET" * 2),
            box(b"uuid", b"SECRET"),
        ]
        known = b"".join(children)
        size = len(known) + len(box(b"iloc", b"\1\0\0\0\x44\0\0\3" + b"".join(places))) + 2
        file = box(b"ftyp", b"avif" + bytes(4)) + box(b"meta", bytes(size + 4)) + box(b"mdat", b"pixels")
        iloc = box(b"iloc", b"\1\0\0\0\x44\0\0\3" + b"".join(places) % (len(file) - 6).to_bytes(4, "big"))
        meta = box(b"meta", bytes(4) + known + iloc)
        content = file[:16] + meta + box(b"mdat", b"pixels")
        self.assertEqual(len(content), len(file))
        bare, kind, _ = self.clean(content)
        self.assertEqual((kind, len(bare)), (AVIF, len(content)))
        self.assert_silent(bare)
        self.assertTrue(bare.endswith(b"pixels"))
        self.assertEqual(bare.count(b"infe"), 1)
        self.assertIn(b"ispe", bare)
        for gone in (b"thmb", b"cdsc", b"udes", b"uuid", b"mime"):
            self.assertNotIn(gone, bare)
        self.assertEqual(self.clean(bare)[0], bare)

    def test_films(self) -> None:
        """Place and time of a film are removed; its tracks and their positions stay."""
        track = box(b"tkhd", bytes(4) + b"SECRETSE" + bytes(72)) + box(
            b"mdia", box(b"mdhd", b"\1\0\0\0" + b"SECRET**" * 2)
        )
        told = box(b"udta", b"\xa9xyzSECRET+48.1+011.5/")
        moov = box(b"moov", box(b"mvhd", bytes(4) + b"SECRETSE" + bytes(88)) + box(b"trak", track + told) + told)
        for brand, mime in ((b"isom", "video/mp4"), (b"qt  ", "video/quicktime"), (b"M4A ", "audio/mp4")):
            start = box(b"ftyp", brand + bytes(4)) + box(b"free", b"")
            content = start + moov + box(b"uuid", b"SECRET") + box(b"meta", b"SECRET") + box(b"mdat", b"sound")
            bare, kind, _ = self.clean(content)
            self.assertEqual((kind.mime, len(bare)), (mime, len(content)))
            self.assert_silent(bare)
            for kept in (start, b"mvhd", b"tkhd", b"mdhd", box(b"mdat", b"sound")):
                self.assertIn(kept, bare)
            broken = content[:-2] + b"\0"
            self.assertEqual(self.clean(broken)[:2], (broken, kind))

    def test_other_files(self) -> None:
        """Files that aren't pictures are left as they are."""
        for content in (b"%PDF-1.7 /Author (Acme)", b"PK\3\4Acme", b"Acme"):
            self.assertEqual(self.clean(content)[0], content)
        self.assertEqual(self.clean(b"%PDF-1.7")[1], PDF)


class ReactorThread(Case):
    """Each of the 8 orientations of a camera."""

    def test_applied(self) -> None:
        """The orientation is applied and removed; the pixels are as near as encoding twice allows."""
        for orientation in range(1, 9):
            for what, content, most in (
                ("jpeg", telling.jpeg(orientation), 16),
                ("progressive jpeg", telling.jpeg(orientation, progressive=True), 16),
                ("cmyk jpeg", telling.jpeg(orientation, "CMYK"), 16),
                ("grey jpeg", telling.jpeg(orientation, "L"), 16),
                ("png", telling.png(orientation), 0),
                ("palette png", telling.png(orientation, telling.scene("P")), 0),
                ("grey and alpha png", telling.png(orientation, telling.scene("LA")), 0),
                ("16 bits of grey", telling.png(orientation, telling.scene("L").convert("I;16")), 0),
                ("lossless webp", telling.webp(orientation, lossless=True), 0),
                ("webp", telling.webp(orientation, quality=90), 40),
            ):
                bare, _, _ = self.clean(content)
                self.assert_silent(bare, (what, orientation))
                with Image.open(BytesIO(content)) as old, Image.open(BytesIO(bare)) as new:
                    self.assertEqual(dict(new.getexif()), {}, what)
                    self.assertEqual(new.info.get("icc_profile"), old.info.get("icc_profile"), what)
                    self.assertEqual(new.mode, old.mode, what)
                (before,), (after,) = shown(content), shown(bare)
                self.assertEqual(before.size, after.size, (what, orientation))
                extrema = ImageChops.difference(before, after).getextrema()
                self.assertLessEqual(max(high for _, high in extrema), most, (what, orientation))  # type: ignore[misc]

    def test_avif(self) -> None:
        """AVIF's properties for orientation stay; nothing is turned twice, and the size is the one shown."""
        for orientation in range(1, 9):
            content = telling.avif(orientation)
            bare, _, _ = self.clean(content)
            self.assert_silent(bare, orientation)
            self.assertEqual([one.tobytes() for one in shown(bare)], [one.tobytes() for one in shown(content)])
            path = self.spool.whole(bare).path
            found = look(path, len(bare))
            assert found is not None
            self.assertEqual((found.width, found.height), shown(content)[0].size)

    def test_kept(self) -> None:
        """A picture that can't be turned without a loss keeps its orientation, and nothing else."""
        moving = {"save_all": True, "append_images": telling.frames()[1:]}
        for content in (
            telling.png(6, **moving),
            telling.webp(6, animated=True),
            telling.jpeg(6, "L", (8192, TURNED_PIXELS // 8192 + 8)),
            deep(telling.png(6)),
        ):
            bare, _, _ = self.clean(content)
            for word in telling.TOLD[:2]:
                self.assertNotIn(word, bare)
            with Image.open(BytesIO(bare)) as image:
                self.assertEqual(dict(image.getexif()), {0x0112: 6})

    def test_colours_of_png(self) -> None:
        """Gamma and primaries of a PNG that is turned are still those it had."""
        gamma = telling.png_chunk(b"gAMA", struct.pack(">I", 100_000))
        content = telling.png(6)
        bare, _, _ = self.clean(content[:33] + gamma + content[33:])
        self.assertIn(gamma, bare)

    def test_odd_orientation(self) -> None:
        """An invalid orientation turns nothing, nor does a second one that differs from the first."""
        plain = telling.saved(telling.scene(), "JPEG")
        first = exif_with(struct.pack(">HHIHH", 0x0112, 3, 1, 1, 0))
        both = b"".join(b"\xff\xe1" + struct.pack(">H", len(one) + 2) + one for one in (first, telling.exif(6)))
        self.assertEqual(self.clean(plain[:2] + both + plain[2:])[0], plain)
        for told in (
            exif_with(struct.pack(">HHIHH", 0x0112, 3, 1, 9, 0)),
            b"Exif\0\0MM\0*\xff\xff\xff\xff",
            b"Exif\0\0",
        ):
            segment = b"\xff\xe1" + struct.pack(">H", len(told) + 2) + told
            self.assertEqual(self.clean(plain[:2] + segment + plain[2:])[0], plain)


def exif_with(entry: bytes) -> bytes:
    return b"Exif\0\0MM\0*\0\0\0\x08\0\1" + entry + bytes(4)


def deep(content: bytes) -> bytes:
    """A PNG with 16 bits a channel, made from one with 8: only its header counts."""
    head = content[16:24] + b"\x10" + content[25:29]
    return content[:8] + telling.png_chunk(b"IHDR", head) + content[33:]


class Broken(Case):
    """Files that are not what they begin like."""

    def test_no_picture(self) -> None:
        """Such files can be saved, and aren't shown in place."""
        for kind, content in (
            (JPEG, b"\xff\xd8\xff"),
            (JPEG, b"\xff\xd8\xff\xe1\xff\xffExif"),
            (PNG, b"\x89PNG\r\n\x1a\n" + bytes(50)),
            (GIF, b"GIF89a"),
            (WEBP, b"RIFF\x10\0\0\0WEBPVP8X"),
            (AVIF, ftyp(b"avif")),
            (HEIC, ftyp(b"heic")),
        ):
            self.assertEqual(self.clean(content, kind)[:2], (content, UNKNOWN))

    def test_cut_off(self) -> None:
        """A truncated picture has no metadata either, and what there is of it stays."""
        for what, content in EVERY.items():
            if "avif" in what:
                continue
            whole, _, _ = self.clean(content)
            part = whole[:-60]
            bare, kind, _ = self.clean(part)
            self.assertTrue(kind.picture, what)
            self.assertGreaterEqual(len(bare), len(part) - 40, what)

    def test_anything(self) -> None:
        """Whatever is cut off, repeated or overwritten, the result is an answer and no exception."""
        chance = random.Random(13)
        for what, content in EVERY.items():
            for _ in range(40):
                spoiled = bytearray(content)
                for _ in range(chance.choice((0, 1, 5, 50))):
                    spoiled[chance.randrange(12, len(spoiled))] = chance.choice((0, 1, 255, chance.randrange(256)))
                cut = chance.choice((len(spoiled), chance.randrange(16, len(spoiled))))
                spooled = self.spool.whole(bytes(spoiled[:cut]))
                found = clean(spooled, kind_of(spooled.head), self.spool)
                self.assertTrue(found.spooled.path.exists(), what)
                look(found.spooled.path, found.spooled.size)

    def test_bombs(self) -> None:
        """A small file that claims too many pixels is only offered for saving."""
        side = int(SHOWN_PIXELS**0.5) + 1
        for content in (png_of(side, side), png_of(2**31 - 1, 2**31 - 1), huge_gif()):
            bare, kind, _ = self.clean(content)
            self.assertEqual((bare, kind), (content, UNKNOWN))
        self.assertEqual(self.clean(png_of(4000, 4000))[1], PNG)

    def test_disk_full(self) -> None:
        """No partial file is left."""
        spooled = self.spool.whole(telling.jpeg())
        self.patch(Spool, "begin", lambda spool: (_ for _ in ()).throw(OSError(28, "full")))
        with self.assertRaises(OSError):
            clean(spooled, JPEG, self.spool)


def huge_gif() -> bytes:
    content = picture("GIF")
    return content[:6] + b"\xff\xff\xff\xff" + content[10:]
