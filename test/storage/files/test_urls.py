"""The URLs of files: signed in the bytes of any JSON, made plain, and good for their one file only."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qsl

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet import reactor
from twisted.trial.unittest import SynchronousTestCase

from twim.storage.files.interface import FileStore, name_of
from twim.storage.files.local import LocalFiles
from twim.storage.files.opening import open_files
from twim.storage.files.threads import FileThreads
from twim.storage.files.urls import DAY, FileUrls
from twim.wire.commands import GROUP, NOTICE
from twim.wire.message import Message, decode_shown, encode

NAME = name_of("a" * 64, ".png")
THUMB = name_of("a" * 64, ".webp", ".thumb")
STEM = NAME[:65]
PLAIN = f"/mnt/{NAME}"
NOW = 20_000 * DAY + 5.5
KEYS = {"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "secret"}


def local() -> FileStore:
    """A store in a folder, of which nothing is asked."""
    return LocalFiles(Path("nowhere"), cast(FileThreads, None))


def bucket(more: str = "") -> FileStore:
    """One in an object store."""
    url = f"s3://pics/chat?endpoint=https://store.example{more}"
    return open_files(url, Path("nowhere"), reactor, cast(FileThreads, None), KEYS)


class Signing(SynchronousTestCase):
    """Of a store in a folder."""

    def setUp(self) -> None:
        self.now = NOW
        self.urls = FileUrls(local(), b"k" * 32, lambda: self.now)
        self.signed = self.urls.sign(PLAIN)

    def test_form(self) -> None:
        """The path stays, and the query has the expiry, 24 to 48 hours away, and at least 128 bits."""
        path, _, query = self.signed.partition("?")
        fields = dict(parse_qsl(query))
        self.assertEqual((path, set(fields)), (PLAIN, {"e", "s"}))
        self.assertEqual(int(fields["e"]), 20_002 * DAY)
        self.assertRegex(fields["s"], r"^[\w-]{22}$")

    def test_same_for_all(self) -> None:
        """On every node that has the key, all day; another key, file or day gives another signature."""
        self.now = 20_001 * DAY - 0.1
        self.assertEqual(FileUrls(local(), b"k" * 32, lambda: self.now).sign(PLAIN), self.signed)
        self.assertEqual(self.urls.sign(PLAIN), self.signed)
        others = {self.signed, FileUrls(local(), b"l" * 32, lambda: self.now).sign(PLAIN)}
        others.add(self.urls.sign(f"/mnt/{THUMB}"))
        self.now = 20_001 * DAY
        others.add(self.urls.sign(PLAIN))
        self.assertEqual(len({one.partition("&s=")[2] for one in others}), 4)

    def test_others_stay(self) -> None:
        """What isn't the plain URL of a file of ours is left as it is."""
        for url in (
            "",
            "/mnt/x.png",
            "https://example.com/mnt/" + NAME,
            self.signed,
            f"x{PLAIN}",
            PLAIN + "#",
            "/asset/a",
        ):
            self.assertEqual(self.urls.sign(url), url)

    def test_bodies(self) -> None:
        """In a message the two fields that have addresses are signed, and in an answer the pictures."""
        said = Message(userid=1, cmd=GROUP, dstid=2, media=4, content=PLAIN, pic=f"/mnt/{THUMB}", url=PLAIN, memo=PLAIN)
        shown = decode_shown(self.urls.sign_body(encode(said)))
        self.assertEqual((shown.pic, shown.url), (self.urls.sign(said.pic), self.signed))
        self.assertEqual((shown.content, shown.memo), (PLAIN, PLAIN))
        rows = encode({"rows": [{"avatar": PLAIN}, {"icon": PLAIN}, {"name": PLAIN}]})
        self.assertEqual(self.urls.sign_body(rows).count(self.signed.encode()), 2)

    def test_icon_notice(self) -> None:
        """A notice tells a group's new icon in its memo; what a user says is none."""
        notice = Message(userid=1, cmd=GROUP, dstid=2, media=NOTICE, content="icon", memo=PLAIN)
        self.assertEqual(decode_shown(self.urls.sign_body(encode(notice))).memo, self.signed)
        for like in ({"media": 1, "content": "icon"}, {"media": NOTICE, "content": "renamed"}):
            body = encode(Message(userid=1, cmd=GROUP, dstid=2, memo=PLAIN, **cast(Any, like)))
            self.assertEqual(self.urls.sign_body(body), body)

    @given(
        st.text(st.characters(codec="utf-8"), max_size=40),
        st.sampled_from(['"url":"', '"avatar":"', "\\", '","pic":"']),
    )
    def test_words_are_not_signed(self, text: str, trick: str) -> None:
        """Nothing that somebody writes is taken for a field, however it is quoted."""
        body = encode(
            Message(userid=1, cmd=GROUP, dstid=2, media=1, content=f'{text}{trick}{PLAIN}"{text}', memo=trick + PLAIN)
        )
        self.assertEqual(self.urls.sign_body(body), body)

    def test_plain(self) -> None:
        """A signed URL, an old one, one with any query, and one that a client made absolute are stored alike."""
        old = self.signed
        self.now += 30 * DAY
        for url in (
            PLAIN,
            old,
            self.urls.sign(PLAIN),
            f"{PLAIN}?x=1",
            f"{PLAIN}#t=5",
            f"https://chat.example:8080{old}",
            f"/im{old}#x",
        ):
            self.assertEqual(self.urls.plain(url), (PLAIN, STEM), url)
        for url in (
            "",
            "https://example.com/a.png",
            f"https://other.example{PLAIN}",
            f"https://other.example{PLAIN}?e=1&s=x",
            "/mnt/x.png",
        ):
            self.assertEqual(self.urls.plain(url), (url, ""), url)

    def test_kept_for_a_day(self) -> None:
        """What was signed is kept, and forgotten the next day: it grows no further."""
        self.assertIs(self.urls.sign(PLAIN), self.signed)
        self.now += DAY
        self.urls.sign(PLAIN)
        self.assertEqual(len(self.urls._signed), 1)

    def test_public(self) -> None:
        """If everybody may read the files, nothing is signed, and a signature is taken away all the same."""
        urls = FileUrls(local(), b"k" * 32, lambda: NOW, public=True)
        body = encode({"url": PLAIN})
        self.assertEqual((urls.sign(PLAIN), urls.sign_body(body)), (PLAIN, body))
        self.assertEqual(urls.plain(self.signed), (PLAIN, STEM))
        self.assertTrue(urls.opens(NAME, ""))


class InObjectStores(SynchronousTestCase):
    """Of stores with another address."""

    def test_presigned(self) -> None:
        """The store's own URL is presigned from midnight on for two days, so that all readers have the same."""
        store = bucket()
        urls = FileUrls(store, b"k" * 32, lambda: NOW)
        plain = store.url(NAME)
        signed = urls.sign(plain)
        fields = dict(parse_qsl(signed.partition("?")[2]))
        self.assertEqual(signed.partition("?")[0], plain)
        self.assertEqual((fields["X-Amz-Date"], fields["X-Amz-Expires"]), ("20241004T000000Z", str(2 * DAY)))
        self.assertEqual(FileUrls(store, b"l" * 32, lambda: NOW + 60).sign(plain), signed)
        self.assertEqual(urls.plain(signed), (plain, STEM))
        self.assertIn(signed.encode(), urls.sign_body(encode({"url": plain})))

    def test_through_the_server(self) -> None:
        """Where the server sends the files itself, its own URL is signed."""
        urls = FileUrls(bucket("&public=/mnt"), b"k" * 32, lambda: NOW)
        self.assertTrue(urls.sign(PLAIN).startswith(PLAIN + "?e="))

    def test_by_another_name(self) -> None:
        """A CDN gets our signature, which it can check."""
        store = bucket("&public=https://cdn.example/x")
        urls = FileUrls(store, b"k" * 32, lambda: NOW)
        signed = urls.sign(store.url(NAME))
        self.assertTrue(signed.startswith(f"https://cdn.example/x/{NAME}?e="))
        self.assertTrue(urls.opens(NAME, signed.partition("?")[2]))
        self.assertEqual(urls.plain(signed), (store.url(NAME), STEM))
        others = (local(), bucket(), bucket("&public=/mnt"))
        checked = [FileUrls(one, b"k" * 32, lambda: NOW).is_checked_elsewhere for one in (store, *others)]
        self.assertEqual(checked, [True, False, False, False])

    def test_moved(self) -> None:
        """What was stored before the files moved there is signed as ours."""
        urls = FileUrls(bucket(), b"k" * 32, lambda: NOW)
        self.assertTrue(urls.sign(PLAIN).startswith(PLAIN + "?e="))
        self.assertEqual(urls.plain(PLAIN), (PLAIN, STEM))
