"""Registrations: who comes first becomes the administrator, and who comes by an invitation uses it, in the transaction
that makes the account."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, insert, select
from twisted.internet.defer import Deferred

from twim.errors import Conflict, MobileTaken, NotFound
from twim.storage.accounts import Device, insert_device, insert_user
from twim.storage.database import Database
from twim.storage.external import USER, id_of, name_user
from twim.storage.groups import MayActOnGroup
from twim.storage.interface import ADMIN_ROLE, MEMBER_ROLE, User
from twim.storage.invites import Invited, read_invited, use
from twim.storage.roles import SETUP, forget_setup, has_administrator, lock_roles
from twim.storage.schema import meta, user

SETUP_BYTES: Final = 16
KNOWN: Final = "somebody has this external id"


class Facts(NamedTuple):
    """What is known of somebody who wants to register."""

    is_first: bool
    """Whether there is no administrator, and this may be the first one."""
    has_setup: bool
    """Whether that is known by the setup code."""
    invited: Invited | None


class Decision(NamedTuple):
    """How somebody may register."""

    waits: bool = False
    uses_invite: bool = False


class Terms(NamedTuple):
    """On what somebody wants to register, and who decides. `decide` raises a `Refusal` for who may not."""

    is_here: bool
    """Whether the request comes straight from this machine."""
    setup: str
    invite: bytes | None
    """The hash of an invitation's code."""
    now: int
    decide: Callable[[Facts], Decision]


class Registered(NamedTuple):
    """A new user, the first device unless an approval is waited for, and the group of the invitation that was used."""

    user: User
    device: Device | None
    group: int


class Start(NamedTuple):
    """What is to be told at a start: the setup code, which is empty when there is an administrator, and whether there
    are users."""

    setup: str
    has_users: bool


class RegistrationStore:
    """The store of registrations. `may_invite` says who may invite into a group."""

    def __init__(self, database: Database, may_invite: MayActOnGroup) -> None:
        self._database = database
        self._may_invite = may_invite

    def check(self, mobile: str, terms: Terms) -> Deferred[None]:
        """Raises what `register` would, before anything is done."""

        def work(connection: Connection) -> None:
            terms.decide(self._facts(connection, terms))
            if connection.execute(select(user.c.id).where(user.c.mobile == mobile)).first() is not None:
                raise MobileTaken

        return self._database.read(work)

    def register(
        self, fields: dict[str, Any], passwd: str, first: dict[str, Any], terms: Terms, external: str = ""
    ) -> Deferred[Registered]:
        """A new user, logged in on its `first` device, who has that external id unless it is "". `MobileTaken`;
        `Conflict` when somebody has the external id; and what `terms.decide` raises."""

        def work(connection: Connection) -> Registered:
            if external and id_of(connection, USER, external):
                raise Conflict(KNOWN)
            facts = self._facts(connection, terms)
            if facts.is_first:
                # Of two at once the second finds, under the lock, that there is an administrator.
                lock_roles(connection)
                facts = self._facts(connection, terms)
            decision = terms.decide(facts)
            role = ADMIN_ROLE if facts.is_first else MEMBER_ROLE
            made = insert_user(connection, fields | {"passwd": passwd, "role": role, "waiting": int(decision.waits)})
            if external:
                name_user(connection, external, made.id)
            if facts.is_first:
                forget_setup(connection)
            group = 0
            if decision.uses_invite and facts.invited is not None:
                try:
                    use(connection, facts.invited.id)
                except NotFound:
                    # Somebody else had the last use a moment ago: to be refused as it would be now.
                    terms.decide(facts._replace(invited=None))
                    raise
                group = facts.invited.group.id if facts.invited.group is not None else 0
            device = None if decision.waits else insert_device(connection, made.id, first)
            return Registered(made, device, group)

        return self._database.write(work)

    def _facts(self, connection: Connection, terms: Terms) -> Facts:
        has_setup = bool(terms.setup) and _is_setup(connection, terms.setup)
        is_first = (terms.is_here or has_setup) and not has_administrator(connection)
        invited = None
        if terms.invite is not None:
            invited = read_invited(connection, terms.invite, terms.now, self._may_invite)
        return Facts(is_first, has_setup, invited)

    def start(self) -> Deferred[Start]:
        """Make the setup code while there is no administrator; it stays the same until there is one."""

        def work(connection: Connection) -> Start:
            if has_administrator(connection):
                forget_setup(connection)
                return Start("", True)
            code = _setup(connection)
            if code is None:
                code = secrets.token_urlsafe(SETUP_BYTES)
                connection.execute(insert(meta).values(name=SETUP, value=code))
            return Start(code, connection.execute(select(user.c.id).limit(1)).first() is not None)

        return self._database.write(work)


def _setup(connection: Connection) -> str | None:
    return connection.execute(select(meta.c.value).where(meta.c.name == SETUP)).scalar_one_or_none()


def _is_setup(connection: Connection, said: str) -> bool:
    stored = _setup(connection)
    return stored is not None and hmac.compare_digest(stored.encode(), said.encode())
