"""Files go in by upload and come out by download, and never run as a page."""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path

from PIL import Image
from twisted.internet import reactor
from twisted.internet.interfaces import IConsumer

from test.access.intake_rig import LIMIT, Rig, parsed, post
from test.storage.files.samples import multipart, picture
from twim.access.uploads import FILENAME_LIMIT
from twim.errors import Unavailable
from twim.storage.files.interface import FileStore
from twim.storage.files.local import LocalFiles
from twim.storage.files.place import open_files
from twim.storage.files.spool import Spooled

WEBM_OPUS = b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01" + b"\x86\x86A_OPUS" + bytes(100)
HOSTILE = {
    "a page": b"<!DOCTYPE html><script>alert(1)</script>",
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
    "xml": b'<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><script/></html>',
    "pdf": b"%PDF-1.7\n%\xe2\xe3",
    "script": b"alert(document.cookie)",
    "binary": b"\x00<html><script>alert(1)</script>",
}


class FileRig(Rig):
    async def put(self, content: bytes, filename: str = "a", kind: str = "", hint: str = "") -> dict[str, object]:
        fields = [("filetype", "", "", hint.encode())] if hint else []
        status, answer = await self.upload(*multipart(*fields, ("file", filename, kind, content)))
        self.assertEqual(status, 200, answer)
        return answer


class ComingBack(FileRig):
    async def test_unchanged(self) -> None:
        """What was uploaded is what is downloaded, with its type and for good."""
        content = picture("PNG")
        answer = await self.put(content, "x.png", "image/png")
        status, headers, body = await self.get(str(answer["data"]))
        self.assertEqual((status, body), (200, content))
        self.assertEqual(headers[b"content-type"], b"image/png")
        self.assertEqual(headers[b"content-disposition"], b"inline")
        self.assertEqual(headers[b"cache-control"], b"public, max-age=31536000, immutable")
        self.assertEqual(headers[b"x-content-type-options"], b"nosniff")
        self.assertEqual(headers[b"content-security-policy"], b"sandbox; default-src 'none'")
        self.assertEqual(headers[b"content-length"], b"%d" % len(content))

    async def test_head(self) -> None:
        """HEAD tells the same and sends nothing."""
        answer = await self.put(b"x" * 1000)
        status, headers, body = await self.get(str(answer["data"]), method="HEAD")
        self.assertEqual((status, headers[b"content-length"], body), (200, b"1000", b""))

    async def test_not_modified(self) -> None:
        """Who has it already gets no second copy."""
        answer = await self.put(b"x" * 1000)
        _, headers, _ = await self.get(str(answer["data"]))
        tag = headers[b"etag"].decode()
        for line in (tag, f"W/{tag}", f'"other" , W/{tag}', "*"):
            for method in ("GET", "HEAD"):
                status, headers, body = await self.get(str(answer["data"]), f"If-None-Match: {line}", method=method)
                self.assertEqual((status, headers[b"etag"], body), (304, tag.encode(), b""), line)
        status, _, _ = await self.get(str(answer["data"]), 'If-None-Match: W/"other"')
        self.assertEqual(status, 200)

    async def test_hostile(self) -> None:
        """Nothing that could run as a page is shown in place, whatever its sender calls it."""
        for name, content in HOSTILE.items():
            for kind, filename in (
                ("text/html", "a.html"),
                ("image/png", "a.png"),
                ("image/svg+xml", "a.svg"),
            ):
                answer = await self.put(content, filename, kind, ".html")
                status, headers, body = await self.get(str(answer["data"]))
                self.assertEqual((name, status, body), (name, 200, content))
                self.assertEqual((name, headers[b"content-disposition"]), (name, b"attachment"))
                self.assertNotIn(b"html", headers[b"content-type"])
                self.assertNotIn(b"svg", headers[b"content-type"])
                self.assertNotIn(".html", str(answer["data"]))

    async def test_no_such_file(self) -> None:
        """404 in the envelope, and no path leads out of the folder."""
        (self.folder / "secret.txt").write_text("s")
        (self.folder / "ab").mkdir(exist_ok=True)
        (self.folder / "ab" / "secret.txt").write_text("s")
        for path in (
            "/mnt/ab/" + "c" * 62 + ".png",
            "/mnt/../secret.txt",
            "/mnt/%2e%2e/secret.txt",
            "/mnt/ab/..%2fsecret.txt",
            "/mnt/ab/secret.txt",
            "/mnt/spool/x.part",
            "/mnt/ab/%00.png",
        ):
            status, _, body = await self.get(path)
            self.assertEqual((path, status), (path, 404))
        status, _, body = await self.get("/mnt/ab/" + "c" * 62 + ".png")
        self.assertEqual(json.loads(body)["code"], -4)

    async def test_equal_files_once(self) -> None:
        """The same content from two people under two names is one file."""
        first = await self.put(b"same" * 100, "a.exe")
        second = await self.put(b"same" * 100, "b.dat")
        self.assertEqual(first["data"], second["data"])
        self.assertEqual(len(self.kept()), 1)


class Ranges(FileRig):
    async def setUp_voice(self) -> tuple[str, bytes]:
        content = WEBM_OPUS + bytes(range(256)) * 4000
        return str((await self.put(content, "voice", "audio/webm"))["data"]), content

    async def test_parts(self) -> None:
        """One range is answered with just that."""
        url, content = await self.setUp_voice()
        size = len(content)
        for asked, first, last in (
            ("0-0", 0, 0),
            ("0-", 0, size - 1),
            ("10-19", 10, 19),
            ("-5", size - 5, size - 1),
            (f"{size - 1}-", size - 1, size - 1),
            ("100-99999999", 100, size - 1),
            ("-99999999", 0, size - 1),
        ):
            status, headers, body = await self.get(url, f"Range: bytes={asked}")
            self.assertEqual((asked, status), (asked, 206))
            self.assertEqual(headers[b"content-range"], b"bytes %d-%d/%d" % (first, last, size))
            self.assertEqual(body, content[first : last + 1])
            self.assertEqual(headers[b"content-type"], b"audio/webm")

    async def test_beyond_the_end(self) -> None:
        """416, and how long the file is."""
        url, content = await self.setUp_voice()
        for asked in (f"{len(content)}-", "-0"):
            status, headers, body = await self.get(url, f"Range: bytes={asked}")
            self.assertEqual((status, body), (416, b""))
            self.assertEqual(headers[b"content-range"], b"bytes */%d" % len(content))

    async def test_unreadable(self) -> None:
        """What isn't one range is as if it weren't there."""
        url, content = await self.setUp_voice()
        for asked in ("bytes=0-1,5-6", "bytes=-", "bytes=5-2", "lines=0-1", "bytes=a-b"):
            status, _, body = await self.get(url, f"Range: {asked}")
            self.assertEqual((asked, status, body == content), (asked, 200, True))

    async def test_if_range(self) -> None:
        """A range of another version isn't given."""
        url, _content = await self.setUp_voice()
        _, headers, _ = await self.get(url)
        for tag, expected in ((headers[b"etag"].decode(), 206), ('"other"', 200)):
            status, _, _ = await self.get(url, "Range: bytes=0-1", f"If-Range: {tag}")
            self.assertEqual(status, expected)


class Types(FileRig):
    async def test_voice_keeps_its_type(self) -> None:
        """The seed's client says .mp3 of what its browser recorded as WebM."""
        answer = await self.put(WEBM_OPUS, "blob", "audio/webm;codecs=opus", ".mp3")
        self.assertEqual(answer["type"], "audio/webm")
        self.assertTrue(str(answer["data"]).endswith(".weba"))

    async def test_a_lie(self) -> None:
        """A picture that says it is a page, or sound, is a picture."""
        for said in ("text/html", "audio/webm"):
            answer = await self.put(picture("GIF"), "a.html", said, ".html")
            self.assertEqual(answer["type"], "image/gif")
            self.assertTrue(str(answer["data"]).endswith(".gif"))


class Thumbnails(FileRig):
    async def test_large(self) -> None:
        """A large picture is measured, and has a small copy beside it."""
        answer = await self.put(picture("JPEG", 1200, 600), "a.jpg", "image/jpeg")
        self.assertEqual((answer["width"], answer["height"]), (1200, 600))
        status, headers, body = await self.get(str(answer["thumb"]))
        self.assertEqual((status, headers[b"content-type"]), (200, b"image/webp"))
        self.assertEqual(Image.open(BytesIO(body)).size, (400, 200))
        self.assertEqual(str(answer["thumb"]).partition(".")[0], str(answer["data"]).partition(".")[0])

    async def test_small(self) -> None:
        """A small one is its own."""
        answer = await self.put(picture("PNG", 40, 30))
        self.assertEqual((answer["width"], answer["height"], "thumb" in answer), (40, 30, False))

    async def test_broken(self) -> None:
        """What only begins like a picture is stored, without a size."""
        answer = await self.put(picture("PNG", 400, 300)[:500])
        self.assertEqual(answer["type"], "image/png")
        self.assertNotIn("thumb", answer)


class Failing(LocalFiles):
    """Fails as a store out of reach does."""

    async def adopt(self, spooled: Spooled, name: str, mime: str) -> str:
        raise Unavailable

    async def send(self, name: str, first: int, count: int, consumer: IConsumer) -> None:
        if count < 1000:
            raise Unavailable
        await super().send(name, first, 500, consumer)
        raise Unavailable


class StoreDown(FileRig):
    def make_store(self) -> FileStore:
        self.sound = LocalFiles(self.folder, self.threads)
        return Failing(self.folder, self.threads)

    async def sound_file(self, content: bytes) -> str:
        spooled = await self.threads.run(self.sound.spool.whole, content)
        return await self.sound.adopt(spooled, f"{spooled.sha256[:2]}/{spooled.sha256[2:]}.bin", "")

    async def test_upload(self) -> None:
        """503, and nothing half is left."""
        status, answer = await self.upload(*multipart(("file", "a.png", "", picture("PNG", 500, 400))))
        self.assertEqual((status, answer["code"]), (503, -6))
        await self.settled()
        self.assertEqual(self.kept(), [])

    async def test_download(self) -> None:
        """503 while nothing has been sent."""
        status, _, body = await self.get(await self.sound_file(b"x" * 10))
        self.assertEqual((status, json.loads(body)["code"]), (503, -6))

    async def test_download_breaks_off(self) -> None:
        """After that a broken connection, so that nobody takes a part for the whole."""
        talk = await self.connect()
        url = await self.sound_file(b"x" * 2000)
        talk.transport.write(f"GET {url} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        await talk.closed
        self.assertEqual(len(parsed(talk.received)[2]), 500)

    async def test_spool_gone(self) -> None:
        """A disk that can't be written is 503 too."""
        Path(self.folder / "spool").rmdir()
        status, _ = await self.upload(*multipart(("file", "a.png", "", b"x")))
        Path(self.folder / "spool").mkdir()
        self.assertEqual(status, 503)


class StoreElsewhere(Rig):
    """An object store, which nobody asks anything here."""

    def make_store(self) -> FileStore:
        environ = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}
        url = f"s3://pics?endpoint=https://store.example{self.direct}"
        return open_files(url, self.folder / "spool", reactor, self.threads, environ)

    direct = ""

    async def presign(self, body: str, *more: str) -> tuple[int, dict[str, object]]:
        head = post("/attach/presign", "application/x-www-form-urlencoded", len(body), *more)
        status, _, answer = await self.ask(head + body.encode())
        return status, json.loads(answer)


class Direct(StoreElsewhere):
    """Browsers send files to the object store themselves."""

    direct = "&direct=on"

    async def test_signed(self) -> None:
        """The browser learns what to send, and what the file's URL will be."""
        status, answer = await self.presign("size=5&type=image/png", "Authorization: Bearer 7")
        self.assertEqual((status, answer["method"]), (200, "PUT"))
        self.assertRegex(str(answer["data"]), r"^https://store\.example/pics/[0-9a-f]{2}/[0-9a-f]{62}\.png$")
        self.assertTrue(str(answer["url"]).startswith(str(answer["data"]) + "?"))
        self.assertNotIn("secret", str(answer))
        headers = answer["headers"]
        assert isinstance(headers, dict)
        self.assertEqual(headers["Content-Type"], "image/png")

    async def test_what_could_run(self) -> None:
        """A page is only ever to be saved, whatever it calls itself."""
        for kind in ("text/html", "image/svg%2Bxml", ""):
            _, answer = await self.presign(f"size=5&type={kind}", "Authorization: Bearer 7")
            headers = answer["headers"]
            assert isinstance(headers, dict)
            self.assertEqual(headers["Content-Type"], "application/octet-stream")
            self.assertEqual(headers["Content-Disposition"], "attachment")

    async def test_name(self) -> None:
        """The store is told the name to save a file under, whatever is in it."""
        named = "size=5&name=%22Plan%22%3B+f%C3%BCr.pdf"
        _, answer = await self.presign(named, "Authorization: Bearer 7")
        headers = answer["headers"]
        assert isinstance(headers, dict)
        saved = "attachment; filename*=UTF-8''%22Plan%22%3B%20f%C3%BCr.pdf"
        self.assertEqual(headers["Content-Disposition"], saved)

    async def test_refused(self) -> None:
        """Strangers, and files that are too large, of no size or of a name that is too long."""
        self.assertEqual((await self.presign("size=5"))[0], 401)
        for size, expected in ((LIMIT + 1, 413), (0, 400), (-1, 400), ("", 400)):
            status, _ = await self.presign(f"size={size}", "Authorization: Bearer 7")
            self.assertEqual((size, status), (size, expected))
        long = f"size=5&name={'x' * (FILENAME_LIMIT + 1)}"
        self.assertEqual((await self.presign(long, "Authorization: Bearer 7"))[0], 400)


class NotDirect(StoreElsewhere):
    """Unless the store's URL says so, files come through the server."""

    async def test_refused(self) -> None:
        """There is no such thing."""
        status, _ = await self.presign("size=5", "Authorization: Bearer 7")
        self.assertEqual(status, 404)
