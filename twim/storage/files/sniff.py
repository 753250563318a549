"""Tells the type of a file by its content. What the client says about it decides nothing on which a browser would act.

Sources: WHATWG MIME Sniffing (mimesniff.spec.whatwg.org), the formats' own specifications.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """A type of file. Only a type that is `shown` may be displayed; any other file is offered for saving."""

    mime: str
    suffix: str
    shown: bool = False

    @property
    def picture(self) -> bool:
        return self.shown and self.mime.startswith("image/")

    @property
    def stream(self) -> bool:
        """Audio or video."""
        return self.mime.startswith(("audio/", "video/"))


PNG = Kind("image/png", ".png", True)
JPEG = Kind("image/jpeg", ".jpg", True)
GIF = Kind("image/gif", ".gif", True)
WEBP = Kind("image/webp", ".webp", True)
AVIF = Kind("image/avif", ".avif", True)
MP3 = Kind("audio/mpeg", ".mp3", True)
WAV = Kind("audio/wav", ".wav", True)
AAC = Kind("audio/aac", ".aac", True)
AMR = Kind("audio/amr", ".amr", True)
FLAC = Kind("audio/flac", ".flac", True)
OGA = Kind("audio/ogg", ".ogg", True)
OGV = Kind("video/ogg", ".ogv", True)
WEBA = Kind("audio/webm", ".weba", True)
WEBM = Kind("video/webm", ".webm", True)
M4A = Kind("audio/mp4", ".m4a", True)
MP4 = Kind("video/mp4", ".mp4", True)
MOV = Kind("video/quicktime", ".mov", True)
BMP = Kind("image/bmp", ".bmp")
HEIC = Kind("image/heic", ".heic")
HEIF = Kind("image/heif", ".heif")
JXL = Kind("image/jxl", ".jxl")
ICO = Kind("image/x-icon", ".ico")
TIFF = Kind("image/tiff", ".tif")
PDF = Kind("application/pdf", ".pdf")
ZIP = Kind("application/zip", ".zip")
OLE = Kind("application/x-ole-storage", ".ole")
TEXT = Kind("text/plain; charset=utf-8", ".txt")
UNKNOWN = Kind("application/octet-stream", ".bin")

_MAGIC: tuple[tuple[int, bytes, Kind], ...] = (
    (0, b"\x89PNG\r\n\x1a\n", PNG),
    (0, b"\xff\xd8\xff", JPEG),
    (0, b"GIF87a", GIF),
    (0, b"GIF89a", GIF),
    (8, b"WEBPVP8", WEBP),
    (0, b"\0\0\0\x0cJXL \r\n\x87\n", JXL),
    (0, b"\xff\x0a", JXL),
    (0, b"II*\0", TIFF),
    (0, b"MM\0*", TIFF),
    (0, b"\0\0\1\0", ICO),
    (8, b"WAVE", WAV),
    (0, b"ID3", MP3),
    (0, b"#!AMR", AMR),
    (0, b"fLaC", FLAC),
    (0, b"OggS", OGA),
    (0, b"\x1a\x45\xdf\xa3", WEBM),
    (4, b"ftyp", MP4),
    (0, b"%PDF-", PDF),
    (0, b"PK\x03\x04", ZIP),
    (0, b"PK\x05\x06", ZIP),
    (0, b"\x1f\x8b\x08", Kind("application/gzip", ".gz")),
    (0, b"7z\xbc\xaf\x27\x1c", Kind("application/x-7z-compressed", ".7z")),
    (0, b"Rar!\x1a\x07", Kind("application/vnd.rar", ".rar")),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", OLE),
)

_OFFICE = "application/vnd.openxmlformats-officedocument."
_WITHIN: dict[Kind, dict[str, str]] = {
    ZIP: {
        ".docx": _OFFICE + "wordprocessingml.document",
        ".xlsx": _OFFICE + "spreadsheetml.sheet",
        ".pptx": _OFFICE + "presentationml.presentation",
        ".odt": "application/vnd.oasis.opendocument.text",
        ".ods": "application/vnd.oasis.opendocument.spreadsheet",
        ".odp": "application/vnd.oasis.opendocument.presentation",
        ".epub": "application/epub+zip",
        ".apk": "application/vnd.android.package-archive",
    },
    OLE: {
        ".doc": "application/msword",
        ".xls": "application/vnd.ms-excel",
        ".ppt": "application/vnd.ms-powerpoint",
    },
    TEXT: {".csv": TEXT.mime, ".md": TEXT.mime, ".log": TEXT.mime, ".json": TEXT.mime},
}
"""Suffixes that a client may choose within a container. None of these types is displayed."""

_SINGLE = (
    PNG,
    JPEG,
    GIF,
    WEBP,
    AVIF,
    MP3,
    WAV,
    AAC,
    AMR,
    FLAC,
    OGA,
    OGV,
    WEBA,
    WEBM,
    M4A,
    MP4,
    MOV,
    BMP,
    HEIC,
    HEIF,
    JXL,
    ICO,
    TIFF,
    PDF,
    OLE,
    TEXT,
)

_BY_SUFFIX: dict[str, Kind] = {
    kind.suffix: kind
    for kind in (
        *_SINGLE,
        *(kind for _, _, kind in _MAGIC),
        *(Kind(mime, suffix) for within in _WITHIN.values() for suffix, mime in within.items()),
    )
}

_AVIF_BRANDS = frozenset((b"avif", b"avis"))
_HEIC_BRANDS = frozenset((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"))
_HEIF_BRANDS = frozenset((b"mif1", b"mif2", b"msf1", b"miaf"))
_TRACK = re.compile(rb"hdlr.{8}(vide|soun)", re.DOTALL)
_WEBM_VIDEO = re.compile(rb"V_(VP8|VP9|AV1|MPEG|MS/|THEORA)")
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]")


def kind_of(head: bytes, declared: str = "", hint: str = "") -> Kind:
    """The type of a file that begins with `head` (4 KiB tell all that can be told).

    `declared`, the MIME type the client gave, chooses between audio and video where the container can be
    both and its beginning doesn't tell. `hint`, a suffix with its dot, names a document's type within ZIP,
    OLE and text.
    """
    kind = _by_magic(head)
    if kind in (WEBM, OGA, MP4):
        return _of_container(kind, head, declared)
    mime = _WITHIN.get(kind, {}).get(hint.lower())
    return Kind(mime, hint.lower()) if mime else kind


def kind_claimed(mime: str) -> Kind:
    """The type of a file that isn't seen here: what can be shown is believed, as a store on another site will
    send it with just that type; everything else is only to be saved."""
    wanted = mime.partition(";")[0].strip().lower()
    return next((kind for kind in _SINGLE if kind.shown and kind.mime == wanted), UNKNOWN)


def kind_named(name: str) -> Kind:
    """The type of a file that a store has under `name`, whose suffix was given by `kind_of`."""
    return _BY_SUFFIX.get("." + name.rpartition(".")[2], UNKNOWN)


def _by_magic(head: bytes) -> Kind:
    for offset, magic, kind in _MAGIC:
        if head.startswith(magic, offset):
            return kind
    if head[:1] == b"\xff" and len(head) > 1:
        return _by_sync(head[1])
    if head[:2] == b"BM" and head[6:10] == bytes(4):
        return BMP
    return TEXT if _is_text(head) else UNKNOWN


def _by_sync(second: int) -> Kind:
    """MPEG audio frames without an ID3 tag: 12 bits of sync, then layer 0 is ADTS (AAC), 1 to 3 are MPEG
    layers."""
    if second & 0xF6 == 0xF0:
        return AAC
    if second & 0xE0 == 0xE0 and second & 0x06 and second & 0x18 != 0x08:
        return MP3
    return UNKNOWN


def _of_container(kind: Kind, head: bytes, declared: str) -> Kind:
    said_audio = declared.startswith("audio/")
    if kind is OGA:
        if b"theora" in head:
            return OGV
        known = b"OpusHead" in head or b"vorbis" in head or b"Speex" in head or b"FLAC" in head
        return OGA if known or not declared.startswith("video/") else OGV
    if kind is WEBM:
        if _WEBM_VIDEO.search(head):
            return WEBM
        return WEBA if b"A_OPUS" in head or b"A_VORBIS" in head or said_audio else WEBM
    return _of_ftyp(head, said_audio)


def _of_ftyp(head: bytes, said_audio: bool) -> Kind:
    brand = head[8:12]
    if picture := _of_brands(brand, head):
        return picture
    if brand in (b"M4A ", b"M4B "):
        return M4A
    tracks = set(_TRACK.findall(head))
    if b"vide" not in tracks and (b"soun" in tracks or said_audio):
        return M4A
    return MOV if brand == b"qt  " else MP4


def _of_brands(brand: bytes, head: bytes) -> Kind | None:
    """A picture, if the major brand is that of one. If the major brand is a general one, the compatible brands
    decide."""
    if brand in _AVIF_BRANDS:
        return AVIF
    if brand in _HEIC_BRANDS:
        return HEIC
    if brand not in _HEIF_BRANDS:
        return None
    end = min(int.from_bytes(head[:4], "big"), len(head))
    brands = {head[at : at + 4] for at in range(16, end - 3, 4)}
    return AVIF if brands & _AVIF_BRANDS else HEIC if brands & _HEIC_BRANDS else HEIF


def _is_text(head: bytes) -> bool:
    if not head or _CONTROL.search(head):
        return False
    try:
        head.decode()
    except UnicodeDecodeError as error:
        return error.start > len(head) - 4 and len(head) > 4
    return True
