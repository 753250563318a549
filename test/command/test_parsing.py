"""The command line: words, options before and after them, and help everywhere."""

from __future__ import annotations

from contextlib import redirect_stderr, redirect_stdout
from io import StringIO

from twisted.trial.unittest import SynchronousTestCase

from twim.command.call import Call
from twim.command.main import COMMANDS, main
from twim.command.parsing import GROUPS, parser_of
from twim.command.screen import Screen
from twim.config import SETTINGS


def options(*arguments: str) -> dict[str, str]:
    """The settings that a command line gives."""
    given = parser_of(COMMANDS).parse_args(arguments)
    return Call(given, Screen(False)).options


class Parsing(SynchronousTestCase):
    """What is meant."""

    def ended(self, *arguments: str) -> tuple[int, str]:
        """The exit status with which the parser ends the program, and what it says."""
        with redirect_stdout(StringIO()) as out, redirect_stderr(out), self.assertRaises(SystemExit) as caught:
            main(arguments)
        code = caught.exception.code
        assert isinstance(code, int)
        return code, out.getvalue()

    def test_options_stand_anywhere(self) -> None:
        """An option before the words holds as one between or after them does; the last one wins."""
        for line in ("--data D user list", "user --data D list", "user list --data D", "-d x user list --data D"):
            self.assertEqual(options(*line.split()), {"data": "D"})
        parsed = parser_of(COMMANDS).parse_args(["--json", "user", "list"])
        self.assertTrue(parsed.json)
        self.assertEqual(parsed.command.words, "user list")

    def test_arguments_are_no_settings(self) -> None:
        """A name, a user or a group that a command is told is not the setting of that name."""
        for line in ("set name Chess", "key create name", "purge --older-than 3 --group 7", "group show 7"):
            self.assertEqual(options(*line.split()), {})

    def test_run_takes_every_setting(self) -> None:
        """`twim run` has the options of the server."""
        line = [part for one in SETTINGS for part in (f"--{one.name}", "x")]
        self.assertEqual(options("run", *line), {one.name: "x" for one in SETTINGS})
        self.assertEqual(options("run", "--login", "a", "--login", "b"), {"login": "a b"})
        self.assertEqual(options("run", "-p", "a", "-d", "b", "-c", "c"), {"port": "a", "data": "b", "config": "c"})

    def test_help_everywhere(self) -> None:
        """Each command, and each group of them, explains itself."""
        for words in ("", *GROUPS, *(command.words for command in COMMANDS)):
            code, said = self.ended(*words.split(), "--help")
            self.assertEqual(code, 0)
            self.assertIn(f"usage: twim {words}".rstrip(), said)
            self.assertLessEqual(max(map(len, said.split("\n"))), 80, words)

    def test_help_of_run(self) -> None:
        """`twim run --help` explains every setting."""
        said = self.ended("run", "--help")[1]
        for one in SETTINGS:
            self.assertIn(f"--{one.name} ", said)

    def test_wrong_lines(self) -> None:
        """What can't be understood ends with 2 and says how it would be right."""
        for line in (
            "",
            "user",
            "users list",
            "user show",
            "user show 1 2",
            "user list --limit many",
            "user list --limit 0",
            "purge --older-than -1",
            "user role 1 owner",
            "user list --dat x",
            "group show seven",
            "purge",
            "run --nonsense",
            "user reset 1 --site chat.example",
            "invite create --site https://",
            "import-users x --site https://chat.example/?a=b",
        ):
            code, said = self.ended(*line.split())
            self.assertEqual(code, 2, line)
            self.assertIn("usage: twim", said)
