"""Folding texts, and finding words in them."""

from __future__ import annotations

import unicodedata

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from twim.storage.search.folding import fold
from twim.storage.search.words import Question, entries_of

SCRIPTS = (
    "aZ ß éÉ ñ Ł ø İı Ωσς Ёй ӣ שָׁ مُحَ أ हिं नम 한국 각 雪下今 がガｶﾞ ไทย ລາວ ខ្មែរ မြန် 👍🏽 ❤️ ﬁ Ａ１ ℌ ² x\u00ady \u200b𠮷𝒜"
)
texts = st.text(st.one_of(st.sampled_from(SCRIPTS), st.characters(codec="utf-8")), max_size=20)


def finds(words: str, text: str) -> bool:
    """Whether the text is found: by itself, and by the index as well."""
    question = Question(words)
    entries = entries_of(text)
    by_index = all(any(one.first <= entry <= one.last for entry in entries) for one in question.lookups())
    answers = question.is_answered_by(text)
    assert by_index or not answers, (words, text)
    return answers and not question.is_empty


class FoldingTest(SynchronousTestCase):
    """What doesn't matter."""

    def test_equal(self) -> None:
        """Case, width and accents, in many scripts."""
        for one, other in (
            ("Crème BRÛLÉE", "creme brulee"),
            ("ＡＢＣ１２", "abc12"),
            ("ﾊﾟﾋﾟ", "パピ"),
            ("Straße", "STRASSE"),
            ("İstanbul ıSPARTA", "istanbul isparta"),
            ("Łódź Ørsted", "lodz orsted"),
            ("Ёлка", "ЕЛКА"),
            ("ὈΔΥΣΣΕΎΣ", "οδυσσευς"),
            ("مُحَمَّد", "محمد"),
            ("أحمد", "احمد"),
            ("שָׁלוֹם", "שלום"),
            ("ﬁne ℌ", "fine h"),
            ("so\u00adft", "soft"),
            ("한국", unicodedata.normalize("NFD", "한국")),
        ):
            self.assertEqual(fold(one), fold(other))

    def test_different(self) -> None:
        """Marks that make another letter stay."""
        for one, other in (("か", "が"), ("नम", "नमः"), ("हिन्दी", "हनद"), ("ハ", "パ"), ("ทา", "ทำ")):
            self.assertNotEqual(fold(one), fold(other))

    @given(texts, texts)
    @settings(max_examples=300, deadline=None)
    def test_side_by_side(self, one: str, other: str) -> None:
        """A word becomes the same whatever stands beside it."""
        self.assertEqual(fold(f"{one}, {other}"), f"{fold(one)}, {fold(other)}")

    @given(texts)
    @settings(max_examples=300, deadline=None)
    def test_case(self, one: str) -> None:
        """What folding gives is folded already."""
        self.assertEqual(fold(fold(one)), fold(one))


class WordsTest(SynchronousTestCase):
    """Which texts have which words."""

    def test_found(self) -> None:
        """A word by its beginning; anywhere, in scripts that don't part words; several in any order."""
        for words, text in (
            ("雪", "今天下雪了"),
            ("下雪", "今天下雪了"),
            ("snow", "A SNOWMAN!"),
            ("s", "so"),
            ("7", "7 up"),
            ("man snow", "snow-man"),
            ("snow-man", "Man of snow"),
            ("手机", "我的iPhone手机"),
            ("iphone", "我的iPhone手机"),
            ("iph 手", "我的iPhone手机"),
            ("한", "한국어를"),
            ("नम", "नमस्ते"),
            ("ทำงาน", "ฉันทำงาน"),
            ("カナ", "これはｶﾅです"),
            ("👍", "ok 👍🏽"),
            ("internationali", "Internationalisation"),
            ("𠮷", "𠮷野家"),
            ("don't", "I don't"),
        ):
            self.assertTrue(finds(words, text), (words, text))

    def test_not_found(self) -> None:
        """The middle of a word; what is apart; some of several words; nothing but punctuation."""
        for words, text in (
            ("now", "snow"),
            ("天雪", "今天下雪了"),
            ("국", "한국어"),
            ("snow rain", "snow"),
            ("3月", "3个人，三月"),
            ("…", "well…"),
            ("phone手", "iPhone手机"),
        ):
            self.assertFalse(finds(words, text), (words, text))

    @given(st.lists(texts, min_size=1, max_size=4), st.randoms(use_true_random=False))
    @settings(max_examples=300, deadline=None)
    def test_own_words(self, parts: list[str], shuffled: object) -> None:
        """A text is found by its own words, in any order, also by the index."""
        words = list(parts)
        shuffled.shuffle(words)  # type: ignore[attr-defined]
        question = Question(" ".join(words))
        self.assertEqual(finds(" ".join(words), " ".join(parts)), not question.is_empty)

    @given(texts, texts)
    @settings(max_examples=300, deadline=None)
    def test_index_misses_nothing(self, words: str, text: str) -> None:
        """Whatever a text is found by itself it is found by the index."""
        finds(words, text)
