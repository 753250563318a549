"""A file's type is decided by its first bytes."""

from __future__ import annotations

from unittest import TestCase

from hypothesis import given
from hypothesis import strategies as st

from test.storage.files.samples import picture
from twim.storage.files.sniff import UNKNOWN, kind_claimed, kind_named, kind_of

EBML = b"\x1a\x45\xdf\xa3"
OGG = b"OggS\x00\x02" + bytes(20)


def ftyp(brand: bytes, *tracks: bytes) -> bytes:
    boxes = b"".join(b"\x00\x00\x00\x20hdlr" + bytes(8) + track + bytes(12) for track in tracks)
    return b"\x00\x00\x00\x18ftyp" + brand + bytes(12) + boxes


def brands(major: bytes, *compatible: bytes) -> bytes:
    return (16 + 4 * len(compatible)).to_bytes(4, "big") + b"ftyp" + major + bytes(4) + b"".join(compatible) + bytes(16)


TABLE: list[tuple[str, bytes, str, str, str]] = [
    # what, content, declared, type, suffix
    ("png", picture("PNG"), "", "image/png", ".png"),
    ("jpeg", picture("JPEG"), "", "image/jpeg", ".jpg"),
    ("gif", picture("GIF"), "", "image/gif", ".gif"),
    ("webp", picture("WEBP"), "", "image/webp", ".webp"),
    ("bmp", picture("BMP"), "", "image/bmp", ".bmp"),
    ("heic", ftyp(b"heic"), "", "image/heic", ".heic"),
    ("heic for bursts", ftyp(b"hevc"), "", "image/heic", ".heic"),
    ("avif", picture("AVIF"), "image/heic", "image/avif", ".avif"),
    ("avif sequence", ftyp(b"avis"), "", "image/avif", ".avif"),
    ("avif by a compatible brand", brands(b"mif1", b"miaf", b"avif"), "", "image/avif", ".avif"),
    ("avif sequence by one", brands(b"msf1", b"avis"), "", "image/avif", ".avif"),
    ("heic by a compatible brand", brands(b"mif1", b"heic"), "", "image/heic", ".heic"),
    ("heif of anything", brands(b"mif1", b"miaf"), "", "image/heif", ".heif"),
    ("a film that could be in a picture", brands(b"isom", b"avif"), "", "video/mp4", ".mp4"),
    ("jpeg xl", b"\xff\x0a\xfa\x1f", "", "image/jxl", ".jxl"),
    ("jpeg xl in boxes", b"\0\0\0\x0cJXL \r\n\x87\n", "", "image/jxl", ".jxl"),
    ("ico", picture("ICO"), "", "image/x-icon", ".ico"),
    ("tiff", picture("TIFF"), "", "image/tiff", ".tif"),
    ("apng", picture("PNG", save_all=True), "image/apng", "image/png", ".png"),
    ("mp3 with ID3", b"ID3\x04\x00", "", "audio/mpeg", ".mp3"),
    ("mp3 bare", b"\xff\xfb\x90\x64", "", "audio/mpeg", ".mp3"),
    ("mp2.5 layer 3", b"\xff\xe3\x18\xc4", "", "audio/mpeg", ".mp3"),
    ("wav", b"RIFF\x24\x00\x00\x00WAVEfmt ", "", "audio/wav", ".wav"),
    ("avi is not wav", b"RIFF\x24\x00\x00\x00AVI LIST", "", "application/octet-stream", ".bin"),
    ("aac", b"\xff\xf1\x50\x80", "", "audio/aac", ".aac"),
    ("aac of mpeg 2", b"\xff\xf9\x50\x80", "", "audio/aac", ".aac"),
    ("amr", b"#!AMR\n", "", "audio/amr", ".amr"),
    ("flac", b"fLaC\x00", "", "audio/flac", ".flac"),
    ("opus", OGG + b"OpusHead", "video/ogg", "audio/ogg", ".ogg"),
    ("vorbis", OGG + b"\x01vorbis", "", "audio/ogg", ".ogg"),
    ("theora", OGG + b"\x80theora", "audio/ogg", "video/ogg", ".ogv"),
    ("ogg of anything", OGG, "video/ogg", "video/ogg", ".ogv"),
    ("ogg undeclared", OGG, "", "audio/ogg", ".ogg"),
    ("webm voice", EBML + b"\x86\x86A_OPUS", "", "audio/webm", ".weba"),
    ("webm voice called video", EBML + b"\x86\x86A_OPUS", "video/webm", "audio/webm", ".weba"),
    ("webm film", EBML + b"\x86\x85V_VP9 A_OPUS", "audio/webm", "video/webm", ".webm"),
    ("webm, tracks further on", EBML, "audio/webm;codecs=opus", "audio/webm", ".weba"),
    ("webm undeclared", EBML, "", "video/webm", ".webm"),
    ("m4a", ftyp(b"M4A "), "", "audio/mp4", ".m4a"),
    ("mp4 voice", ftyp(b"iso5", b"soun"), "", "audio/mp4", ".m4a"),
    ("mp4 film", ftyp(b"isom", b"vide", b"soun"), "audio/mp4", "video/mp4", ".mp4"),
    ("mp4, tracks at the end", ftyp(b"isom"), "audio/mp4", "audio/mp4", ".m4a"),
    ("mp4 undeclared", ftyp(b"isom"), "", "video/mp4", ".mp4"),
    ("mov", ftyp(b"qt  "), "", "video/quicktime", ".mov"),
    ("pdf", b"%PDF-1.7", "image/png", "application/pdf", ".pdf"),
    ("zip", b"PK\x03\x04\x14\x00", "", "application/zip", ".zip"),
    ("gzip", b"\x1f\x8b\x08\x00", "", "application/gzip", ".gz"),
    ("ole", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "", "application/x-ole-storage", ".ole"),
    ("text", "早上好".encode(), "", "text/plain; charset=utf-8", ".txt"),
    ("text cut in a character", ("好" * 2000).encode()[:4096], "", "text/plain; charset=utf-8", ".txt"),
    ("html", b"<!DOCTYPE html><script>", "text/html", "text/plain; charset=utf-8", ".txt"),
    ("svg after XML", b"<?xml version='1.0'?><svg/>", "image/svg+xml", "text/plain; charset=utf-8", ".txt"),
    ("svg in gzip", b"\x1f\x8b\x08\x00", "image/svg+xml", "application/gzip", ".gz"),
    ("svg", b"<svg xmlns='x'/>", "image/svg+xml", "text/plain; charset=utf-8", ".txt"),
    ("latin-1", b"caf\xe9 au lait", "text/plain", "application/octet-stream", ".bin"),
    ("an ELF program", b"\x7fELF\x02\x01", "image/png", "application/octet-stream", ".bin"),
    ("nothing", b"", "image/png", "application/octet-stream", ".bin"),
]


class Types(TestCase):
    def test_table(self) -> None:
        """Every known kind is recognised, and some files that pretend."""
        for what, content, declared, mime, suffix in TABLE:
            with self.subTest(what):
                kind = kind_of(content, declared)
                self.assertEqual((kind.mime, kind.suffix), (mime, suffix))

    def test_hints(self) -> None:
        """A suffix counts only within a container, and only for documents."""
        for content, hint, suffix in (
            (b"PK\x03\x04", ".docx", ".docx"),
            (b"PK\x03\x04", ".XLSX", ".xlsx"),
            (b"PK\x03\x04", ".html", ".zip"),
            (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", ".doc", ".doc"),
            (b"a,b", ".csv", ".csv"),
            (b"a,b", ".html", ".txt"),
            (b"a,b", ".svg", ".txt"),
            (b"a,b", "../../x", ".txt"),
            (picture("PNG"), ".docx", ".png"),
        ):
            self.assertEqual(kind_of(content, "", hint).suffix, suffix, hint)

    def test_named(self) -> None:
        """The suffix alone gives back the type when the file is sent."""
        for what, content, declared, *_ in TABLE:
            kind = kind_of(content, declared)
            self.assertEqual(kind_named(f"ab/cd{kind.suffix}"), kind, what)
        self.assertEqual(kind_named("ab/cd.docx").mime.split("/")[0], "application")
        self.assertEqual(kind_named("ab/cd.html"), UNKNOWN)

    def test_claimed(self) -> None:
        """For a file whose bytes aren't seen, only harmless types are believed."""
        self.assertEqual(kind_claimed("image/png").suffix, ".png")
        self.assertEqual(kind_claimed("Audio/WebM;codecs=opus").suffix, ".weba")
        for mime in ("text/html", "image/svg+xml", "application/pdf", "", "text/plain"):
            self.assertEqual(kind_claimed(mime), UNKNOWN)

    @given(st.binary(max_size=300), st.text(max_size=20), st.text(max_size=8))
    def test_anything(self, content: bytes, declared: str, hint: str) -> None:
        """No content, claim or hint raises an exception, or makes anything but pictures, audio and video be shown."""
        kind = kind_of(content, declared, hint)
        self.assertRegex(kind.suffix, r"^\.[a-z0-9]{1,5}$")
        if kind.shown:
            self.assertIn(kind.mime.partition("/")[0], ("image", "audio", "video"))
