"""Which user is meant."""

from __future__ import annotations

from typing import Any

from twim.command.call import Call
from twim.operator.refused import Refused

SHOWN = 20  # of those whom a word fits


def resolve(call: Call, word: str) -> dict[str, Any]:
    """The one user whom `word` names. `Refused`, with a list of those it fits, if they aren't exactly one."""
    rows: list[dict[str, Any]] = call.act("user.find", word=word)["rows"]
    if len(rows) == 1:
        return rows[0]
    if not rows:
        raise Refused(f"{word}: no such user")
    more = [f"  and {len(rows) - SHOWN} more"] if len(rows) > SHOWN else []
    fitting = [f"  id:{row['id']}  {row['mobile']}  {row['nickname']}".rstrip() for row in rows[:SHOWN]]
    raise Refused("\n".join([f"{word}: fits several users", *fitting, *more]))


def known(user: dict[str, Any]) -> str:
    """How a user is called in what the command says."""
    return f"{user['nickname'] or user['mobile'] or 'user'} (id:{user['id']})"
