"""The settings as they are now: what this node was given, what other nodes were given, and what was changed at run
time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from twim.config import MIB
from twim.wire.settings import LIVE, stricter


class Given(NamedTuple):
    """What another node was given as an option."""

    name: str
    value: str
    node: str


class LiveSettings:
    """`given` are the values that this node was started with; those in `fixed` were given and don't change. Whoever
    uses a setting asks for it each time."""

    def __init__(self, given: Mapping[str, str], fixed: Iterable[str] = ()) -> None:
        self._given: Final = dict(given)
        self._fixed_here: Final = frozenset(fixed)
        self._fixed: frozenset[str] = self._fixed_here
        self._values: dict[str, str] = dict(given)
        self.differing: Mapping[str, Mapping[str, str]] = {}
        """The settings of which nodes were given different values: by name, what each node was given, by the node's id,
        which is empty for this one."""

    @property
    def signup(self) -> str:
        """Who may register."""
        return self._values["signup"]

    @property
    def approve_friends(self) -> bool:
        """Whether the other one must agree before two are friends."""
        return self._values["friend"] == "approve"

    @property
    def group_join(self) -> str:
        """The rule of a new group whose maker names none."""
        return self._values["group"]

    @property
    def finds_mobiles(self) -> bool:
        """Whether people are found by their mobiles."""
        return self._values["find"] == "mobile"

    @property
    def members_invite(self) -> bool:
        """Whether any invitation to a group lets its bearer register where an invitation is needed."""
        return self._values["group_invites"] == "members"

    @property
    def name(self) -> str:
        """What the server is called."""
        return self._values["name"]

    @property
    def upload_bytes(self) -> int:
        """The largest upload."""
        return int(self._values["upload_limit"]) * MIB

    @property
    def given(self) -> dict[str, str]:
        """What this node was given as options."""
        return {name: self._given[name] for name in self._fixed_here}

    def is_fixed(self, name: str) -> bool:
        """Whether a node was given it as an option."""
        return name in self._fixed

    def rows(self) -> list[dict[str, object]]:
        """All of them, for an administrator. `upload_limit` is in MiB."""
        return [{"name": name, "value": self._values[name], "fixed": int(self.is_fixed(name))} for name in LIVE]

    def public(self) -> dict[str, object]:
        """What anybody may know. `upload_limit` is in bytes."""
        return {
            "signup": self.signup,
            "friend": self._values["friend"],
            "group": self.group_join,
            "upload_limit": self.upload_bytes,
            "name": self.name,
        }

    def value(self, name: str) -> str:
        """What holds, as an option has it."""
        return self._values[name]

    def learn(self, changed: Mapping[str, str], elsewhere: Iterable[Given]) -> None:
        """`changed` is what was set at run time, `elsewhere` what nodes were given as options: these win, and of
        different ones the stricter."""
        options = self.given
        said: dict[str, dict[str, str]] = {name: {"": value} for name, value in options.items()}
        for name, value, node in elsewhere:
            options[name] = stricter(LIVE[name], options[name], value) if name in options else value
            said.setdefault(name, {})[node] = value
        self._fixed = frozenset(options)
        self._values = self._given | dict(changed) | options
        self.differing = {name: values for name, values in said.items() if len(set(values.values())) > 1}

    def differs(self, node: str) -> dict[str, str]:
        """Which of those settings a node was given, empty for this one, and their values."""
        return {name: values[node] for name, values in self.differing.items() if node in values}
