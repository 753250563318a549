"""The settings that may change while the server runs, by the names of the contract."""

from __future__ import annotations

from typing import Final, NamedTuple


class LiveSetting(NamedTuple):
    """One of them. `choices` are its values, the least strict first; none for a text or a number."""

    name: str
    default: str
    choices: tuple[str, ...] = ()

    @property
    def option(self) -> str:
        """The option of the same meaning."""
        return self.name.replace("_", "-")


SIGNUP: Final = LiveSetting("signup", "open", ("open", "invite", "approve", "off"))
FRIEND: Final = LiveSetting("friend", "open", ("open", "approve"))
GROUP: Final = LiveSetting("group", "open", ("open", "approve", "invite"))
FIND: Final = LiveSetting("find", "mobile", ("mobile", "id"))
GROUP_INVITES: Final = LiveSetting("group_invites", "admins", ("members", "admins"))
NAME: Final = LiveSetting("name", "twim")
UPLOAD_LIMIT: Final = LiveSetting("upload_limit", "20")
"""In MiB, as the option has it."""

LIVE: Final = {one.name: one for one in (SIGNUP, FRIEND, GROUP, FIND, GROUP_INVITES, NAME, UPLOAD_LIMIT)}


def stricter(setting: LiveSetting, one: str, other: str) -> str:
    """Of two valid values of a setting the one that allows less."""
    if setting.choices:
        return max(one, other, key=setting.choices.index)
    # Of two names neither is stricter, but all nodes must take the same.
    return min(one, other, key=int) if setting is UPLOAD_LIMIT else min(one, other)
