"""``twim webhook …``: whom events are told, and what keeps them from it."""

from __future__ import annotations

from typing import Any, Final

from twim.command.call import Call
from twim.command.entry import ID
from twim.command.parsing import Command
from twim.command.screen import Column, number, text, time

WEBHOOKS: Final = (
    number("id"),
    text("url"),
    Column("EVENTS", lambda row: ",".join(row["events"])),
    text("state"),
    number("waiting"),
    time("since", "FAILS SINCE"),
    text("failure"),
)


def _list(call: Call) -> None:
    call.screen.rows(call.act("webhook.list")["rows"], WEBHOOKS)


def _change(act: str, said: str) -> Any:
    def run(call: Call) -> None:
        call.screen.done(call.act(act, id=call.given.id), f"webhook {call.given.id}: {said}")

    return run


COMMANDS: Final = (
    Command("webhook list", "the webhooks, and how they stand", _list),
    Command("webhook retry", "try a webhook that fails again at once", _change("webhook.retry", "tried again"), (ID,)),
    Command("webhook delete", "end a webhook", _change("webhook.delete", "deleted"), (ID,)),
)
