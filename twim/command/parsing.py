"""The command line: which commands there are, and what each is told.

An option that all commands have may stand before or after the words of the command.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from twim.command.call import GIVEN, Call
from twim.command.links import site
from twim.config import SETTINGS

FINDING: Final = {
    "data": ("FOLDER", "the server's folder, also TWIM_DATA [default: ./im-data]"),
    "db": ("URL", "its database, if that is not in the folder, also TWIM_DB"),
    "bus": ("URL", argparse.SUPPRESS),
    "cluster-key": ("FILE", argparse.SUPPRESS),
    "files": ("URL", argparse.SUPPRESS),
}
"""The settings that say where a server's data is: what they take, and what is said of them beside the commands that
are no server. What few need stands in `twim run --help` alone."""
CONFIG: Final = "a TOML file with the server's settings, also TWIM_CONFIG"


class Argument:
    """One argument, as argparse's `add_argument` takes it."""

    def __init__(self, *names: str, **how: Any) -> None:
        self._names = names
        self._how = how

    def add(self, parser: argparse.ArgumentParser) -> None:
        """Let the parser take it."""
        parser.add_argument(*self._names, **self._how)


@dataclass(frozen=True)
class Command:
    """One command: its words, `user list` for one. `run` does it; `settings` are the options it takes besides those
    that all commands take."""

    words: str
    help: str
    run: Callable[[Call], None]
    arguments: tuple[Argument, ...] = ()
    all_settings: bool = False


def count(value: str) -> int:
    """A number from 1 on."""
    if not value.isdecimal() or not int(value):
        raise argparse.ArgumentTypeError(f"{value}: a number from 1 on")
    return int(value)


YES: Final = Argument("--yes", action="store_true", help="don't ask whether it is meant")
USER: Final = Argument("user", metavar="USER", help="id:N, mobile:M, external:X, or a word that fits one user only")
GROUP: Final = Argument("group", metavar="GROUP", type=count, help="the group's number")
SITE: Final = Argument(
    "--site",
    type=site,
    default="",
    metavar="URL",
    help="the server's address, for a complete link: https://chat.example.org",
)
GROUPS: Final = {
    "user": "who has an account",
    "group": "groups",
    "invite": "invitations to the server and to groups",
    "key": "API keys, by which programs come in",
    "webhook": "webhooks, by which other programs are told of events",
}
"""What the first words of commands with two words are about."""


def parser_of(commands: Sequence[Command]) -> argparse.ArgumentParser:
    """The parser of the command line. What it gives has `command`, the `Command` that is meant."""
    top = _parser(None, "twim", "Run a twim server, and look after one that runs or rests.")
    top.epilog = "`twim COMMAND --help` explains a command. Without options the data is looked for in ./im-data."
    words = top.add_subparsers(metavar="COMMAND", required=True)
    groups: dict[str, Any] = {}
    for command in commands:
        first, _, second = command.words.partition(" ")
        if second and first not in groups:
            about = _parser(words, first, GROUPS[first])
            groups[first] = about.add_subparsers(metavar="COMMAND", required=True)
        parser = _parser(groups[first] if second else words, second or first, command.help, command.all_settings)
        for argument in command.arguments:
            argument.add(parser)
        parser.set_defaults(command=command)
    return top


def _parser(under: Any, name: str, about: str, all_settings: bool = False) -> argparse.ArgumentParser:
    described = about[0].upper() + about[1:] + ("" if about.endswith(".") else ".")
    made: argparse.ArgumentParser
    if under is None:
        made = argparse.ArgumentParser(name, description=described, allow_abbrev=False)
    else:
        made = under.add_parser(name, help=about, description=described, allow_abbrev=False)
    if all_settings:
        made.usage = "%(prog)s [OPTION ...]"
    _add_common(made, all_settings)
    return made


def _add_common(parser: argparse.ArgumentParser, all_settings: bool) -> None:
    # Without a default: what was given before the words must not be replaced by the default of what may come after.
    parser.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="answer with one JSON document")
    group = parser.add_argument_group("the server's settings" if all_settings else "where the data is")
    group.add_argument("--config", "-c", dest=f"{GIVEN}config", default=argparse.SUPPRESS, metavar="FILE", help=CONFIG)
    for one in SETTINGS:
        if not all_settings and one.name not in FINDING:
            continue
        takes, about = ("VALUE", one.help) if all_settings else FINDING[one.name]
        names = [f"--{one.name}", *([f"-{one.letter}"] if one.letter else [])]
        how: dict[str, Any] = {"action": "append"} if one.repeated else {}
        how |= {"metavar": takes, "help": about.replace("%", "%%")}
        group.add_argument(*names, dest=GIVEN + one.name, default=argparse.SUPPRESS, **how)
