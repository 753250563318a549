"""Files are uploaded and downloaded, and never run as a page."""

from __future__ import annotations

import json
import time
from io import BytesIO
from pathlib import Path
from urllib.parse import unquote

from PIL import Image, ImageOps
from twisted.internet import reactor
from twisted.internet.interfaces import IConsumer

from test.access.http.request_rig import LIMIT, Rig, parsed, post
from test.storage.files import telling
from test.storage.files.samples import multipart, picture
from twim.access.files.uploads import FILENAME_LIMIT
from twim.errors import Unavailable
from twim.storage.files.interface import FileStore
from twim.storage.files.local import LocalFiles
from twim.storage.files.opening import open_files
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
        """What was uploaded is what is downloaded, with its type; who has it may keep it."""
        content = picture("PNG")
        answer = await self.put(content, "x.png", "image/png")
        status, headers, body = await self.get(str(answer["data"]))
        self.assertEqual((status, body), (200, content))
        self.assertEqual(headers[b"content-type"], b"image/png")
        self.assertEqual(headers[b"content-disposition"], b"inline")
        self.assertEqual(headers[b"cache-control"], b"private, max-age=172800, immutable")
        self.assertEqual(headers[b"x-content-type-options"], b"nosniff")
        self.assertEqual(headers[b"content-security-policy"], b"sandbox; default-src 'none'")
        self.assertEqual(headers[b"content-length"], b"%d" % len(content))

    async def test_head(self) -> None:
        """HEAD gives the same headers without the body."""
        answer = await self.put(b"x" * 1000)
        status, headers, body = await self.get(str(answer["data"]), method="HEAD")
        self.assertEqual((status, headers[b"content-length"], body), (200, b"1000", b""))

    async def test_not_modified(self) -> None:
        """A client that has the file already gets 304 without a body."""
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
        """Files that could run as a page are only offered for saving, whatever their sender calls them."""
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
        """404 in the envelope for who has a signature, and no path leads out of the folder."""
        (self.folder / "secret.txt").write_text("s")
        (self.folder / "ab").mkdir(exist_ok=True)
        (self.folder / "ab" / "secret.txt").write_text("s")
        for path in (
            "/mnt/../secret.txt",
            "/mnt/%2e%2e/secret.txt",
            "/mnt/ab/..%2fsecret.txt",
            "/mnt/ab/secret.txt",
            "/mnt/spool/x.part",
            "/mnt/ab/%00.png",
        ):
            expires = int(time.time()) + 60
            signature = self.urls._signature(unquote(path.removeprefix("/mnt/")), str(expires))
            status, _, body = await self.get(f"{path}?e={expires}&s={signature}")
            self.assertEqual((path, status), (path, 404))
        status, _, body = await self.get(self.urls.sign("/mnt/ab/" + "c" * 62 + ".png"))
        self.assertEqual(json.loads(body)["code"], -4)

    async def test_equal_files_once(self) -> None:
        """The same content of two people under two names is stored once."""
        first = await self.put(b"same" * 100, "a.exe")
        second = await self.put(b"same" * 100, "b.dat")
        self.assertEqual(first["data"], second["data"])
        self.assertEqual(len(self.kept()), 1)


class Signed(FileRig):
    """A file is given to who has a signed URL of it."""

    async def refused(self, path: str, *more: str, method: str = "GET") -> None:
        status, headers, body = await self.get(path, *more, method=method)
        self.assertEqual((status, headers[b"cache-control"]), (403, b"no-store"), path)
        if method == "GET":
            self.assertEqual(json.loads(body)["code"], -3)

    async def test_refused(self) -> None:
        """Without its signature, with another file's, with another expiry, and after it has expired."""
        large = await self.put(picture("JPEG", 1200, 600), "a.jpg", "image/jpeg")
        url, thumb = str(large["data"]), str(large["thumb"])
        plain, _, query = url.partition("?")
        other = str((await self.put(b"other"))["data"]).partition("?")[0]
        expires, signature = (part.partition("=")[2] for part in query.split("&"))
        for wrong in (
            plain,
            f"{plain}?{query}x",
            f"{plain}?e={int(expires) + 1}&s={signature}",
            f"{plain}?e={expires}",
            f"{plain}?s={signature}",
            f"{plain}?e=&s=",
            f"{plain}?e=x&s={signature}",
            f"{plain}?e={expires}&s=%C3%A9",
            f"{plain}?{'&'.join(['a=b'] * 40)}&{query}",
            f"{other}?{query}",
            f"{thumb.partition('?')[0]}?{query}",
        ):
            for method in ("GET", "HEAD"):
                await self.refused(wrong, method=method)
            await self.refused(wrong, "Range: bytes=0-1")
            await self.refused(wrong, "If-None-Match: *")
        self.assertEqual((await self.get(url))[0], 200)
        self.assertEqual((await self.get(thumb))[0], 200)

    async def test_expires(self) -> None:
        """It is good until the day after the next one begins, and is the same all day."""
        now = [1_800_000_000 // 86_400 * 86_400]
        self.patch(self.urls, "_seconds", lambda: now[0])
        url = str((await self.put(b"x"))["data"])
        now[0] += 86_399
        self.assertEqual(str((await self.put(b"x"))["data"]), url)
        now[0] += 86_400
        self.assertEqual((await self.get(url))[0], 200)
        self.assertNotEqual(str((await self.put(b"x"))["data"]), url)
        now[0] += 1
        await self.refused(url)

    async def test_for_a_proxy(self) -> None:
        """A proxy that has the files asks whether a URL is good, just as its client sent it."""
        url = str((await self.put(b"x"))["data"])
        plain, _, query = url.partition("?")
        for asked, expected in (
            (url, 204),
            (plain, 403),
            (f"{plain}?{query}x", 403),
            (f"//mnt/ab/../{plain[5:]}?{query}", 403),
            (f"/mnt/ab/%2e%2e/{plain[5:]}?{query}", 403),
            (f"{plain}/../../ab/x.png?{query}", 403),
            ("", 403),
        ):
            status, _, _ = await self.get("/mnt/granted", f"X-Original-URI: {asked}")
            self.assertEqual((asked, status), (asked, expected))
        self.assertEqual((await self.get("/mnt/granted"))[0], 403)

    async def test_who(self) -> None:
        """Who uploaded a file is noted, for everybody who did."""
        media, body = multipart(("file", "a", "", b"four"))
        for user in (7, 8):
            _, answer = await self.upload(media, body, f"Authorization: Bearer {user}")
        stem = str(answer["data"]).removeprefix("/mnt/").partition(".")[0]
        self.assertEqual(self.attachments.noted, [(7, stem, 4), (8, stem, 4)])


class Public(FileRig):
    """With ``--files-public on`` everybody who knows an address may read the file."""

    files_public = True

    async def test_plain(self) -> None:
        """The address has no signature and needs none; one that has is good as well."""
        plain = str((await self.put(b"x"))["data"])
        self.assertNotIn("?", plain)
        for url in (plain, plain + "?e=1&s=x"):
            status, headers, body = await self.get(url)
            self.assertEqual((status, body), (200, b"x"))
            self.assertEqual(headers[b"cache-control"], b"public, max-age=31536000, immutable")
        self.assertEqual((await self.get("/mnt/granted", f"X-Original-URI: {plain}"))[0], 204)


class Ranges(FileRig):
    async def setUp_voice(self) -> tuple[str, bytes]:
        content = WEBM_OPUS + bytes(range(256)) * 4000
        return str((await self.put(content, "voice", "audio/webm"))["data"]), content

    async def test_parts(self) -> None:
        """A request for one range is answered with that range."""
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
        """A range after the end gets 416 with the length of the file."""
        url, content = await self.setUp_voice()
        for asked in (f"{len(content)}-", "-0"):
            status, headers, body = await self.get(url, f"Range: bytes={asked}")
            self.assertEqual((status, json.loads(body)["code"]), (416, -1))
            self.assertEqual(headers[b"content-range"], b"bytes */%d" % len(content))

    async def test_unreadable(self) -> None:
        """A Range that isn't one range is ignored."""
        url, content = await self.setUp_voice()
        for asked in ("bytes=0-1,5-6", "bytes=-", "bytes=5-2", "lines=0-1", "bytes=a-b"):
            status, _, body = await self.get(url, f"Range: {asked}")
            self.assertEqual((asked, status, body == content), (asked, 200, True))

    async def test_if_range(self) -> None:
        """A range of another version isn't sent; the whole file is."""
        url, _content = await self.setUp_voice()
        _, headers, _ = await self.get(url)
        for tag, expected in ((headers[b"etag"].decode(), 206), ('"other"', 200)):
            status, _, _ = await self.get(url, "Range: bytes=0-1", f"If-Range: {tag}")
            self.assertEqual(status, expected)


class Types(FileRig):
    async def test_voice_keeps_its_type(self) -> None:
        """The original Go server's client names a recording .mp3 that its browser made as WebM; the type is WebM's."""
        answer = await self.put(WEBM_OPUS, "blob", "audio/webm;codecs=opus", ".mp3")
        self.assertEqual(answer["type"], "audio/webm")
        self.assertIn(".weba?", str(answer["data"]))

    async def test_a_lie(self) -> None:
        """A picture that claims to be a page, or sound, is stored as a picture."""
        for said in ("text/html", "audio/webm"):
            answer = await self.put(picture("GIF"), "a.html", said, ".html")
            self.assertEqual(answer["type"], "image/gif")
            self.assertIn(".gif?", str(answer["data"]))


class Thumbnails(FileRig):
    async def test_large(self) -> None:
        """A large picture is measured and gets a thumbnail."""
        answer = await self.put(picture("JPEG", 1200, 600), "a.jpg", "image/jpeg")
        self.assertEqual((answer["width"], answer["height"]), (1200, 600))
        status, headers, body = await self.get(str(answer["thumb"]))
        self.assertEqual((status, headers[b"content-type"]), (200, b"image/webp"))
        self.assertEqual(Image.open(BytesIO(body)).size, (400, 200))
        self.assertEqual(str(answer["thumb"]).partition(".")[0], str(answer["data"]).partition(".")[0])

    async def test_small(self) -> None:
        """A small picture is its own thumbnail."""
        answer = await self.put(picture("PNG", 40, 30))
        self.assertEqual((answer["width"], answer["height"], "thumb" in answer), (40, 30, False))

    async def test_broken(self) -> None:
        """A file that only begins like a picture is stored without a size."""
        answer = await self.put(picture("PNG", 400, 300)[:500])
        self.assertEqual(answer["type"], "image/png")
        self.assertNotIn("thumb", answer)


class Telling(FileRig):
    """The metadata of a picture is removed, whoever downloads it."""

    async def test_every_format(self) -> None:
        """For each format: the file that is served, its type and its thumbnail."""
        for content, mime in (
            (telling.jpeg(6, size=(900, 600)), "image/jpeg"),
            (telling.png(6, telling.scene(size=(900, 600))), "image/png"),
            (telling.gif(), "image/gif"),
            (telling.webp(8), "image/webp"),
            (telling.avif(6), "image/avif"),
        ):
            answer = await self.put(content, "IMG_1.jpg", "image/jpeg")
            self.assertEqual(answer["type"], mime)
            for url in filter(None, (answer["data"], answer.get("thumb"))):
                status, headers, body = await self.get(str(url))
                self.assertEqual((status, headers[b"content-disposition"]), (200, b"inline"))
                for word in telling.TOLD:
                    self.assertNotIn(word, body, mime)
                shown = ImageOps.exif_transpose(Image.open(BytesIO(body)))
                self.assertEqual(shown.width < shown.height, answer["width"] < answer["height"])
            self.assertEqual(headers[b"content-type"], b"image/webp" if "thumb" in answer else mime.encode())
        await self.settled()

    async def test_moving(self) -> None:
        """An animation has its size and no thumbnail, which would not move."""
        large = [picture_of.resize((900, 600)) for picture_of in telling.frames()]
        for form in ("GIF", "WEBP", "PNG"):
            content = telling.saved(large[0], form, save_all=True, append_images=large[1:])
            answer = await self.put(content)
            self.assertEqual((answer["width"], answer["height"], "thumb" in answer), (900, 600, False))
            _, _, body = await self.get(str(answer["data"]))
            self.assertEqual(body, content)

    async def test_no_picture(self) -> None:
        """A file that only begins like a picture is offered for saving."""
        answer = await self.put(b"\xff\xd8\xff\xe0 and so on", "a.jpg", "image/jpeg")
        self.assertEqual(answer["type"], "application/octet-stream")
        _, headers, _ = await self.get(str(answer["data"]))
        self.assertEqual(headers[b"content-disposition"], b"attachment")


class Failing(LocalFiles):
    """A store that fails as one that is out of reach does."""

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
        url = await self.sound.adopt(spooled, f"{spooled.sha256[:2]}/{spooled.sha256[2:]}.bin", "")
        return self.urls.sign(url)

    async def test_upload(self) -> None:
        """An upload gets 503, and no part of it is kept."""
        status, answer = await self.upload(*multipart(("file", "a.png", "", picture("PNG", 500, 400))))
        self.assertEqual((status, answer["code"]), (503, -6))
        await self.settled()
        self.assertEqual(self.kept(), [])

    async def test_download(self) -> None:
        """A download gets 503 if nothing has been sent yet."""
        status, _, body = await self.get(await self.sound_file(b"x" * 10))
        self.assertEqual((status, json.loads(body)["code"]), (503, -6))

    async def test_download_breaks_off(self) -> None:
        """A download that fails later breaks the connection, so that no client takes a part for the whole."""
        talk = await self.connect()
        url = await self.sound_file(b"x" * 2000)
        talk.transport.write(f"GET {url} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        await talk.closed
        self.assertEqual(len(parsed(talk.received)[2]), 500)

    async def test_spool_gone(self) -> None:
        """A disk that can't be written gets 503 too."""
        Path(self.folder / "spool").rmdir()
        status, _ = await self.upload(*multipart(("file", "a.png", "", b"x")))
        Path(self.folder / "spool").mkdir()
        self.assertEqual(status, 503)


class StoreElsewhere(Rig):
    """Stands for an object store; no test sends it a request."""

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
        """The browser is told what to send, and what the file's URL will be."""
        status, answer = await self.presign("size=5&type=video/mp4", "Authorization: Bearer 7")
        self.assertEqual((status, answer["method"]), (200, "PUT"))
        plain, _, query = str(answer["data"]).partition("?")
        self.assertRegex(plain, r"^https://store\.example/pics/[0-9a-f]{2}/[0-9a-f]{62}\.mp4$")
        self.assertIn("X-Amz-Signature=", query)
        self.assertTrue(str(answer["url"]).startswith(plain + "?"))
        self.assertEqual(self.attachments.noted, [(7, plain[-69:-4], 5)])
        self.assertNotIn("secret", str(answer))
        headers = answer["headers"]
        assert isinstance(headers, dict)
        self.assertEqual(headers["Content-Type"], "video/mp4")

    async def test_pictures(self) -> None:
        """Pictures are sent through the server, which removes what they tell of place and device."""
        for kind in ("image/png", "image/jpeg", "Image/AVIF", " image/heic", "image/svg%2Bxml"):
            status, answer = await self.presign(f"size=5&type={kind}", "Authorization: Bearer 7")
            self.assertEqual((status, answer["code"]), (404, -4), kind)

    async def test_what_could_run(self) -> None:
        """A page is always offered for saving, whatever it is called."""
        for kind in ("text/html", "application/xhtml%2Bxml", ""):
            _, answer = await self.presign(f"size=5&type={kind}", "Authorization: Bearer 7")
            headers = answer["headers"]
            assert isinstance(headers, dict)
            self.assertEqual(headers["Content-Type"], "application/octet-stream")
            self.assertEqual(headers["Content-Disposition"], "attachment")

    async def test_name(self) -> None:
        """The store is told the name to save a file under, whatever characters it has."""
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
    """Without the option in the store's URL, files are sent through the server."""

    async def test_refused(self) -> None:
        """There is no such thing."""
        status, _ = await self.presign("size=5", "Authorization: Bearer 7")
        self.assertEqual(status, 404)
