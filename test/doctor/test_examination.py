"""All topics together."""

from __future__ import annotations

from test.doctor.examined import Examined, contents
from twim.doctor import TOPICS, Level, examination, examine


class ExaminationTests(Examined):
    """What is true of every topic."""

    def test_every_topic(self) -> None:
        """Each says something, in the order of the list, and warnings and errors say what to do."""
        self.make(people=1)
        found = examine(self.config(), environ={"TWIM_X": "1"}, url="http://127.0.0.1:9")
        self.assertEqual(list(dict.fromkeys(one.topic for one in found)), list(TOPICS))
        self.assertEqual([one for one in found if one.level in (Level.WARNING, Level.ERROR) and not one.fix], [])
        self.assertEqual([one for one in found if "can't be examined" in one.text], [])

    def test_changes_nothing(self) -> None:
        """Neither with a database nor without one anything is made or changed."""
        for prepare in (lambda: None, self.make):
            prepare()
            before = contents(self.data)
            examine(self.config(), environ={})
            self.assertEqual(contents(self.data), before)

    def test_no_data_folder(self) -> None:
        """A folder that isn't there isn't made."""
        away = self.data / "none"
        examine(self.config(data=str(away)), environ={}, write=True)
        self.assertFalse(away.exists())

    def test_a_bug_in_one_topic(self) -> None:
        """It is told as an error, and the other topics are examined all the same."""

        def fails(subject: object) -> object:
            raise KeyError("oh")

        self.patch(examination, "TOPICS", {"first": fails, "variables": TOPICS["variables"]})
        found = examine(self.config(), environ={})
        self.assertEqual([(one.topic, one.level) for one in found], [("first", "error"), ("variables", "ok")])
        self.assertIn("KeyError", found[0].text)
