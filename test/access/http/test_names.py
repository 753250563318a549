"""What may be a name, and how it is kept."""

from __future__ import annotations

import time
import unicodedata

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from test.access.running_node import RunningNode
from twim.access.http.names import clean_line, clean_lines, clean_name, shown
from twim.errors import Malformed

BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
CONTROLS = "\0\x01\t\n\x0b\x0c\r\x1b\x1f\x7f\x80\x85\x9f\u2028\u2029\ud800"
UNSEEN = (
    "\u200b", "\u200b\u200b", "\u3164", "\u115f", "\u1160", "\uffa0", "\u2800", "\ufe0f", "\u034f", "\u00ad", "\u2060",
    "\u200c", "\u200d", "\ufeff", "\u180e", "\u17b4", "\U000e0041\U000e007f", "\U000e0100", "\u0301", "\u20dd",
    "\ue000", "\U0010fffd", "\uffff", "\U0001fffe", "\U0002ffff", "\u0378", "\ufffc", "\U0001d159", "\u3164 \u2800",
    "\u200b\u0301",
)  # fmt: skip
SEEN = (
    "Ann", "李", "é", "I", "1", ".", "$", "☺", "👩‍👩‍👧", "❤️", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "🇩🇪", "1️⃣", "مريم", "שרה", "می‌خواهم",
    "क्ष", "ก็", "한", "ㅋ",
    "O'Neil", "Ann-Marie  B", "\U0001fae8", "\U000323af", "Å", "a\u0327\u0302", "\ufffd",
)  # fmt: skip


class NameTests(SynchronousTestCase):
    """`clean_name`."""

    def test_seen(self) -> None:
        """Letters of every script, punctuation, emoji, those joined and flags among them, also those to come."""
        for name in SEEN:
            kept = clean_name("name", name, 30)
            self.assertEqual(kept, unicodedata.normalize("NFC", name), name)

    def test_unseen(self) -> None:
        """What is drawn as nothing is no name, alone, in rows or among spaces."""
        for name in UNSEEN:
            for said in (name, f" {name} ", name * 3, f"{name} {name}"):
                self.assertRaises(Malformed, clean_name, "name", said, 30)

    def test_spaces(self) -> None:
        """Spaces alone are no name given."""
        for said in ("", " ", "\u3000\u00a0", " \n "):
            self.assertEqual(clean_name("name", said, 30), "")

    def test_turns_and_breaks(self) -> None:
        """Nothing in a name turns or breaks what stands beside it; only at its ends are breaks no more than spaces."""
        for one in BIDI + CONTROLS:
            self.assertRaises(Malformed, clean_name, "name", f"An{one}n", 30)
        for one in BIDI:
            self.assertRaises(Malformed, clean_name, "name", f"{one}Ann", 30)
            self.assertRaises(Malformed, clean_name, "name", f"Ann{one}", 30)

    def test_trimmed(self) -> None:
        """Spaces and what looks like nothing are taken from the ends; what belongs to an emoji isn't."""
        for said in (" Ann ", "\u200bAnn\u3164", "\ufeff\u2060 Ann", "\u3000Ann\n", "Ann\t"):
            self.assertEqual(clean_name("name", said, 30), "Ann")

    def test_counted(self) -> None:
        """Length is that of what is kept."""
        self.assertEqual(clean_name("name", "e\u0301" * 20, 20), "é" * 20)
        self.assertEqual(clean_name("name", f"  {'x' * 20}  ", 20), "x" * 20)
        self.assertRaises(Malformed, clean_name, "name", "x" * 21, 20)
        self.assertRaises(Malformed, clean_name, "name", "\u0958" * 11, 20)

    def test_quick(self) -> None:
        """What is far too long is refused before it is brought into any order."""
        long = "a" + "\u0301\u0323" * 30_000
        since = time.perf_counter()
        for clean in (clean_name, clean_line, clean_lines):
            self.assertRaises(Malformed, clean, "name", long, 140)
        shown(long)
        self.assertLess(time.perf_counter() - since, 0.3)

    @given(st.text(max_size=40))
    def test_kept_as_it_is(self, said: str) -> None:
        """What was cleaned once stays as it is."""
        for clean in (clean_name, clean_line, clean_lines):
            try:
                kept = clean("name", said, 40)
            except Malformed:
                continue
            self.assertEqual(clean("name", kept, 40), kept)


class LinesTests(SynchronousTestCase):
    """`clean_line`, `clean_lines` and `shown`."""

    def test_lines(self) -> None:
        """Breaks of every kind are one, marks of direction stay, what turns the text after it is refused."""
        self.assertEqual(clean_lines("memo", " a\r\nb\rc\u2028d\u0085e\nf\tg \n", 140), "a\nb\nc\nd\ne\nf\tg")
        self.assertEqual(clean_lines("memo", "a\u200f", 140), "a\u200f")
        for one in "\u202a\u202e\u2066\u2069\0\x1b\x7f\x9b\ud800":
            self.assertRaises(Malformed, clean_lines, "memo", f"a{one}b", 140)

    def test_line(self) -> None:
        """Where a picture is stands in one line."""
        self.assertEqual(clean_line("icon", " /mnt/a.png ", 150), "/mnt/a.png")
        for one in BIDI + CONTROLS:
            self.assertRaises(Malformed, clean_line, "icon", f"/a{one}b", 150)

    def test_shown(self) -> None:
        """What a program says of itself is shown without what could turn it."""
        self.assertEqual(shown("holiday\u202egpj.exe\n\x1b"), "holidaygpj.exe")


class RestTests(RunningNode):
    """Names over REST."""

    async def test_people_and_groups(self) -> None:
        """Every path that takes a name or a memo takes it so, and keeps it so."""
        one, two = await self.people(2)
        group = await one.group()
        for path, name, more in (
            ("/user/register", "nickname", {"mobile": "13700000001", "passwd": "secret-1"}),
            ("/user/update", "nickname", {}),
            ("/contact/createcommunity", "name", {}),
            ("/contact/updatecommunity", "name", {"dstid": group}),
        ):
            for said in ("\u200b", "\u3164", "a\u202eb", "a\nb", "a\tb", "a\u0085b", "\u2066x"):
                self.assert_refused(await one.post(path, **(more | {name: said})), 400, name)
            answer = await one.post(path, **(more | {name: " e\u0301\u3000"}))
            self.assertEqual(answer.data["nickname" if "user" in path else "name"], "é", answer)
        for path, more in (
            ("/user/update", {}),
            ("/contact/addfriend", {"dstid": two.id}),
            ("/contact/createcommunity", {"name": "x"}),
            ("/contact/updatecommunity", {"dstid": group}),
        ):
            self.assert_refused(await one.post(path, **more, memo="a\u202eb"), 400, "memo")
        self.assertEqual((await one.post("/user/update", memo=" a\r\ne\u0301 ")).data["memo"], "a\né")
        self.assert_refused(await one.post("/user/update", avatar="/a\n.png"), 400, "avatar")
        self.assert_refused(await one.post("/user/update", nickname="  "), 400, "nickname")
