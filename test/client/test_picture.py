"""How messages are shown after recalls, edits and reactions."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from twim.client import Picture
from twim.wire.message import Shown


def picture(*messages: Shown) -> Picture:
    made = Picture()
    for seq, message in enumerate(messages, 1):
        message.seq = seq
        made.add(message)
    return made


class PictureTests(SynchronousTestCase):
    """Each event changes how its message is shown."""

    def test_edit(self) -> None:
        """The newest text is shown, with the time of its edit."""
        made = picture(
            Shown(media=1, content="a"),
            Shown(media=21, ref=1, content="b", at=2),
            Shown(media=21, ref=1, content="c", at=3),
        )
        self.assertEqual((made.messages[1].content, made.messages[1].edited), ("c", 3))

    def test_recall(self) -> None:
        """Nothing is left of the text, in the message or its edits; later edits change nothing."""
        made = picture(
            Shown(media=4, content="a", url="/u", reactions={"x": [1]}),
            Shown(media=21, ref=1, content="b"),
            Shown(media=20, ref=1),
            Shown(media=21, ref=1, content="late"),
        )
        gone = made.messages[1]
        self.assertEqual((gone.recalled, gone.content, gone.url, gone.reactions), (1, "", "", {}))
        self.assertEqual(made.messages[2].content, "")

    def test_reactions(self) -> None:
        """Each user has one reaction: another replaces it, an empty one removes it."""
        made = picture(
            Shown(media=1),
            Shown(media=22, ref=1, userid=3, content="👍"),
            Shown(media=22, ref=1, userid=9, content="👍"),
            Shown(media=22, ref=1, userid=3, content="❤"),
            Shown(media=22, ref=1, userid=9),
        )
        self.assertEqual(made.messages[1].reactions, {"❤": [3]})

    def test_applied_twice(self) -> None:
        """Rows of history that already include later events give the same result."""
        live = picture(
            Shown(media=1, content="a"),
            Shown(media=22, ref=1, userid=3, content="👍"),
            Shown(media=21, ref=1, content="b", at=3),
            Shown(media=22, ref=1, userid=9, content="👍"),
        )
        again = picture(*live.messages.values())
        self.assertEqual(again.messages, live.messages)
