"""The names of the emoji are those of Unicode."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

GIVEN = Path(__file__).parents[1] / "asset" / "emoji.json"


class EmojiTests(SynchronousTestCase):
    """`asset/emoji.json`, by which the chat page finds emoji."""

    def test_names(self) -> None:
        """Each has the name of its character."""
        pairs = [pair for group in json.loads(GIVEN.read_text("utf-8"))["groups"] for pair in group["emoji"]]
        wrong = [pair for pair in pairs if unicodedata.name(pair[0][0], "").lower() != pair[1]]
        self.assertEqual(wrong, [])
        self.assertGreater(len(pairs), 1000)
