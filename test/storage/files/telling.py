"""Pictures with metadata of place, time and camera, in every way that their formats have."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO

from PIL import Image, ImageCms, PngImagePlugin

PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
TOLD = (b"Acme", b"SECRET", b"Exif\0", b"x:xmpmeta", b"2020:01:02", b"Photoshop")
"""None of these may be left."""

XMP = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>SECRET</x:xmpmeta>"


def scene(mode: str = "RGB", size: tuple[int, int] = (48, 32)) -> Image.Image:
    """A picture whose four corners differ."""
    across, down = Image.linear_gradient("L").resize(size), Image.linear_gradient("L").rotate(90).resize(size)
    return Image.merge("RGB", (across, down, Image.radial_gradient("L").resize(size))).convert(mode)


def frames(mode: str = "RGB") -> list[Image.Image]:
    first = scene(mode)
    turned = [first.transpose(Image.Transpose.FLIP_LEFT_RIGHT), first.transpose(Image.Transpose.ROTATE_180)]
    return [first, *turned]


def exif(orientation: int = 1) -> bytes:
    """EXIF data of a camera, with a place and a maker's note."""
    told = Image.Exif()
    told[0x0112] = orientation
    told[0x010F] = "Acme"
    told[0x0132] = "2020:01:02 03:04:05"
    told.get_ifd(0x8769).update({0x927C: b"SECRET note", 0x9286: b"SECRET comment"})
    told.get_ifd(0x8825).update({1: "N", 2: (48.0, 8.0, 0.0), 3: "E", 4: (11.0, 34.0, 0.0)})
    return told.tobytes()


def saved(image: Image.Image, form: str, **how: object) -> bytes:
    out = BytesIO()
    image.save(out, form, **how)
    return out.getvalue()


def jpeg(orientation: int = 1, mode: str = "RGB", size: tuple[int, int] = (48, 32), **how: object) -> bytes:
    """A JPEG with EXIF, XMP, IPTC, a comment, thumbnails, an unknown segment, and a second picture after its end."""
    plain = saved(scene(mode, size), "JPEG", quality=90, icc_profile=PROFILE, **how)
    thumb = b"JFIF\0\1\2\0\0\1\0\1\1\1" + b"SECRET"[:3]
    told = [(0xE0, thumb), (0xE0, b"JFXX\0\x10SECRET"), (0xE1, exif(orientation))]
    told += [(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + XMP), (0xED, b"Photoshop 3.0\08BIM\4\4SECRET")]
    told += [(0xE2, b"MPF\0SECRET"), (0xFE, b"SECRET"), (0xE7, b"SECRET"), (0xEB, b"JP SECRET")]
    segments = b"".join(bytes((0xFF, kind)) + struct.pack(">H", len(said) + 2) + said for kind, said in told)
    # JFIF's own segment is taken away: there is one with a thumbnail already.
    start = 2 + 2 + int.from_bytes(plain[4:6], "big") if plain[2:4] == b"\xff\xe0" else 2
    return plain[:2] + segments + plain[start:] + plain[:2] + segments + plain[2:] + b"SECRET"


def png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(orientation: int = 1, image: Image.Image | None = None, **how: object) -> bytes:
    """A PNG with every kind of text, EXIF, a date, unknown chunks, and bytes after its end."""
    told = PngImagePlugin.PngInfo()
    told.add_text("Comment", "SECRET")
    told.add_text("Raw profile type exif", "SECRET" * 20, zip=True)
    told.add_itxt("XML:com.adobe.xmp", XMP.decode())
    plain = saved(image or scene(), "PNG", pnginfo=told, exif=exif(orientation), icc_profile=PROFILE, **how)
    private = (
        png_chunk(b"tIME", b"\x07\xe4\1\2\3\4\5") + png_chunk(b"prVt", b"SECRET") + png_chunk(b"sPLT", b"SECRET\0\x08")
    )
    late = png_chunk(b"tEXt", b"Late\0SECRET")
    return plain[:33] + private + plain[33:-12] + late + plain[-12:] + b"SECRET"


def gif(**how: object) -> bytes:
    """A GIF with comments, XMP, plain text, and bytes after its end."""
    first, *more = frames()
    plain = saved(first, "GIF", save_all=True, append_images=more, duration=[50, 100, 200], comment=b"SECRET", **how)
    xmp = b"\x21\xff\x0bXMP DataXMP" + XMP + b"\1" + bytes(range(255, -1, -1)) + b"\0"
    words = b"\x21\x01\x0c" + bytes(12) + b"\x06SECRET\0"
    other = b"\x21\xff\x0bSECRETSECRE\x06SECRET\0"
    at = 13 + 3 * 256
    return plain[:at] + xmp + words + other + b"\x21\xfe\x06SECRET\0" + plain[at:] + b"SECRET"


def webp(orientation: int = 1, animated: bool = False, image: Image.Image | None = None, **how: object) -> bytes:
    """A WebP with EXIF, XMP, an unknown chunk, and bytes after its end."""
    first, *more = frames()
    if animated:
        how |= {"save_all": True, "append_images": more, "duration": [50, 100, 200], "loop": 3}
    plain = saved(image or first, "WEBP", exif=exif(orientation), xmp=XMP, icc_profile=PROFILE, **how)
    body = plain[8:] + b"PRVT\x06\0\0\0SECRET"
    return b"RIFF" + struct.pack("<I", len(body)) + body + b"SECRET"


def avif(orientation: int = 1, animated: bool = False, **how: object) -> bytes:
    """An AVIF with EXIF and XMP as items, and unknown boxes."""
    first, *more = frames()
    if animated:
        how |= {"save_all": True, "append_images": more, "duration": [50, 100, 200]}
    plain = saved(first, "AVIF", exif=exif(orientation), xmp=XMP, **how)
    uuid = b"\xbe\x7a\xcf\xcb\x97\xa9\x42\xe8\x9c\x71\x99\x94\x91\xe3\xaf\xac" + XMP
    boxes = ((b"uuid", uuid), (b"udta", b"SECRET"), (b"free", b"SECRET"))
    return plain + b"".join(struct.pack(">I", len(said) + 8) + kind + said for kind, said in boxes) + b"SECRET"
