"""Who may do what: every path and every command of a socket, tried as every kind of user."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar
from unittest.mock import Mock
from urllib.parse import urlencode

from klein import Klein
from twisted.internet.task import deferLater
from twisted.trial.unittest import SynchronousTestCase
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from test.access.running_node import FORM, PASSWD, Answer, Device, Person, RunningNode, reactor, until
from test.outbound.test_push_sealing import AUTH, P256DH
from test.storage.files.samples import multipart, picture
from twim.access.files.downloads import Downloads
from twim.access.files.uploads import Uploads
from twim.access.http.rest.admin import Admin
from twim.access.http.rest.api.bots import ApiBots
from twim.access.http.rest.api.groups import ApiGroups
from twim.access.http.rest.api.messages import ApiMessages
from twim.access.http.rest.api.users import ApiUsers
from twim.access.http.rest.api.webhooks import ApiWebhooks
from twim.access.http.rest.cluster import Operate
from twim.access.http.rest.contacts import Contacts
from twim.access.http.rest.entry import Entry
from twim.access.http.rest.health import Health
from twim.access.http.rest.hooks import IncomingHooks
from twim.access.http.rest.invites import Invites
from twim.access.http.rest.messages import Messages
from twim.access.http.rest.push import Push
from twim.access.http.rest.users import Users
from twim.access.http.site import Rest
from twim.logic.dispatch import Dispatch
from twim.storage.relations import RelationStore
from twim.storage.webhooks import WebhookStore
from twim.wire.commands import EVENTS

WORDS = {
    "ok": (200, 0),
    "rule": (200, -1),  # one of the rules forbids it
    "bad": (400, -1),
    "out": (401, -2),
    "no": (403, -3),
    "none": (404, -4),
    "page": (200, None),  # no envelope
    "lost": (404, None),
    "goes": (302, None),  # a redirection
    "shut": (403, None),  # a page that says so
    "sure": (204, None),
}
"""What the table says: status and code. Of a socket's command only the code counts."""

WHO = {
    "new": "nobody knows them",
    "frnd": "a friend of Ann's; somebody asks to be theirs",
    "exfr": "was a friend of Ann's, and they talked",
    "mem": "a member of the group, which isn't Ann's",
    "exm": "was a member, wrote there, and left",
    "remd": "was removed by the owner",
    "own": "the group's owner",
    "exo": "founded the group, and left it to its oldest member",
    "void": "founded a group and left it empty; others joined since",
    "oper": "an operator, otherwise new",
    "adm": "an administrator of the server, otherwise new",
    "out": "a friend of Ann's and a member, logged out",
    "nob": "without any token",
}

PATHS = """
                                      new  frnd exfr mem  exm  remd own  exo  void oper adm  out  nob
    POST /user/register               ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok
    POST /user/login                  ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok
    POST /user/enter without hosts    none none none none none none none none none none none none none
    POST /user/oidc without provider  none none none none none none none none none none none none none
    GET  /user/oidc without provider  none none none none none none none none none none none none none
    POST /user/logout                 ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   out  out
    GET+ /user/find                   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   out  out
    POST /user/update                 ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   out  out
    POST /user/passwd                 ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   out  out
    GET+ /user/sessions               ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   out  out
    POST /user/setting                ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   out  out
    POST /user/revoke own             ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   out  out
    POST /user/revoke Ann's           none none none none none none none none none none none out  out
    POST /user/update as Ann          no   no   no   no   no   no   no   no   no   no   no   out  out
    POST /contact/addfriend           ok   rule ok   ok   ok   ok   ok   ok   ok   ok   ok   out  out
    POST /contact/deletefriend        rule ok   rule rule rule rule rule rule rule rule rule out  out
    GET+ /contact/loadfriend          ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   out  out
    GET+ /contact/loadfriend as Ann   no   no   no   no   no   no   no   no   no   no   no   out  out
    GET+ /contact/loadrequest         ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   out  out
    POST /contact/approvefriend       none ok   none none none none none none none none none out  out
    POST /contact/refusefriend        none ok   none none none none none none none none none out  out
    POST /contact/remark              rule ok   rule rule rule rule rule rule rule rule rule out  out
    POST /contact/block               ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   out  out
    POST /contact/unblock             ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   out  out
    GET+ /contact/loadblock           ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   out  out
    GET+ /contact/commands with Ann   no   ok   no   no   no   no   no   no   no   no   no   out  out
    GET+ /contact/commands in a group  no   no   no   ok   no   no   ok   no   no   no   no   out  out
    POST /contact/createcommunity     ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   out  out
    POST /contact/updatecommunity     no   no   no   no   no   no   ok   no   no   no   no   out  out
    POST /contact/joincommunity       ok   ok   ok   rule ok   no   rule ok   ok   ok   ok   out  out
    GET+ /contact/loadjoin            no   no   no   no   no   no   ok   no   no   no   no   out  out
    POST /contact/answerjoin          none none none none none none none none none none none out  out
    POST /contact/addmember           no   no   no   no   no   no   no   no   no   no   no   out  out
    POST /contact/setrole             no   no   no   no   no   no   ok   no   no   no   no   out  out
    POST /contact/mutemember          no   no   no   no   no   no   ok   no   no   no   no   out  out
    POST /contact/dissolve            no   no   no   no   no   no   ok   no   no   no   no   out  out
    POST /contact/leavecommunity      rule rule rule ok   rule rule ok   rule rule rule rule out  out
    POST /contact/removemember        no   no   no   no   no   no   ok   no   no   no   no   out  out
    GET+ /contact/loadcommunity       ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   out  out
    GET+ /contact/loadmember          no   no   no   ok   no   no   ok   no   no   no   no   out  out
    GET+ /message/conversations       ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   out  out
    GET+ /message/history with Ann    no   ok   ok   no   no   no   no   no   no   no   no   out  out
    GET+ /message/history of a group  no   no   no   ok   no   no   ok   no   no   no   no   out  out
    POST /message/setting with Ann    no   ok   ok   no   no   no   no   no   no   no   no   out  out
    POST /message/setting of a group  no   no   no   ok   no   no   ok   no   no   no   no   out  out
    GET+ /message/around with Ann     no   ok   ok   no   no   no   no   no   no   no   no   out  out
    GET+ /message/around of a group   no   no   no   ok   no   no   ok   no   no   no   no   out  out
    GET+ /message/readers with Ann    no   ok   ok   no   no   no   no   no   no   no   no   out  out
    GET+ /message/readers of a group  no   no   no   ok   no   no   ok   no   no   no   no   out  out
    GET+ /message/edits with Ann      no   ok   ok   no   no   no   no   no   no   no   no   out  out
    GET+ /message/edits of a group    no   no   no   ok   no   no   ok   no   no   no   no   out  out
    GET+ /message/files with Ann      no   ok   ok   no   no   no   no   no   no   no   no   out  out
    GET+ /message/files of a group    no   no   no   ok   no   no   ok   no   no   no   no   out  out
    GET+ /message/preview             none none none none none none none none none none none out  out
    GET+ /message/search with Ann     no   ok   ok   no   no   no   no   no   no   no   no   out  out
    GET+ /message/search of a group   no   no   no   ok   no   no   ok   no   no   no   no   out  out
    POST /invite/create group         no   no   no   ok   no   no   ok   no   no   no   no   out  out
    POST /invite/create server        no   no   no   no   no   no   no   no   no   no   ok   out  out
    GET+ /invite/list                 ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   out  out
    POST /invite/revoke another's     none none none none none none none none none none none out  out
    POST /invite/accept               ok   ok   ok   rule ok   no   rule ok   ok   ok   ok   out  out
    POST /invite/accept a wrong one   none none none none none none none none none none none out  out
    POST /attach/upload               ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   out  out
    POST /user/update own file        ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   out  out
    POST /user/update unsent file     no   no   no   no   no   no   no   no   no   no   no   out  out
    POST /user/update chat's file     no   ok   ok   no   no   no   no   no   no   no   no   out  out
    POST /user/update group's file    no   no   no   ok   no   no   ok   no   no   no   no   out  out
    POST /user/update Ann's avatar    ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   out  out
    POST /contact/createcommunity chat's file  no   ok   ok   no   no   no   no   no   no   no   no   out  out
    POST /attach/presign              none none none none none none none none none none none out  out
    GET  /mnt/ab/cd.png signed        page page page page page page page page page page page page page
    GET  /mnt/ab/cd.png expired       no   no   no   no   no   no   no   no   no   no   no   no   no
    GET  /mnt/ab/cd.png plain         no   no   no   no   no   no   no   no   no   no   no   no   no
    GET  /mnt/granted signed          sure sure sure sure sure sure sure sure sure sure sure sure sure
    GET  /mnt/granted plain           no   no   no   no   no   no   no   no   no   no   no   no   no
    POST /push/subscribe              ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   out  out
    POST /push/unsubscribe            ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   out  out
    GET  /manifest.webmanifest        page page page page page page page page page page page page page
    GET  /service-worker.js           page page page page page page page page page page page page page
    GET+ /settings                    ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok
    GET  /                            goes goes goes goes goes goes goes goes goes goes goes goes goes
    GET  /favicon.ico                 goes goes goes goes goes goes goes goes goes goes goes goes goes
    GET  /i/CODE                      page page page page page page page page page page page page page
    GET  /i/CODE of no invitation     lost lost lost lost lost lost lost lost lost lost lost lost lost
    GET  /reset/CODE                  page page page page page page page page page page page page page
    GET  /reset/CODE of no reset      lost lost lost lost lost lost lost lost lost lost lost lost lost
    POST /reset/CODE                  ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok
    POST /reset/CODE of no reset      none none none none none none none none none none none none none
    GET  /user/login.shtml            page page page page page page page page page page page page page
    GET  /chat/index.shtml            page page page page page page page page page page page page page
    GET  /chat/kept.shtml             page page page page page page page page page page page page page
    GET  /embed without sites         none none none none none none none none none none none none none
    GET  /asset/icon.svg              page page page page page page page page page page page page page
    GET  /admin/api/users             no   no   no   no   no   no   no   no   no   no   ok   out  out
    GET  /admin/api/users/ID          no   no   no   no   no   no   no   no   no   no   ok   out  out
    GET  /admin/api/groups            no   no   no   no   no   no   no   no   no   no   ok   out  out
    GET  /admin/api/groups/ID         no   no   no   no   no   no   no   no   no   no   ok   out  out
    GET  /admin/api/invites           no   no   no   no   no   no   no   no   no   no   ok   out  out
    GET  /admin/api/keys              no   no   no   no   no   no   no   no   no   no   ok   out  out
    GET  /admin/api/webhooks          no   no   no   no   no   no   no   no   no   no   ok   out  out
    GET  /admin/api/settings          no   no   no   no   no   no   no   no   no   no   ok   out  out
    GET  /admin/api/audit             no   no   no   no   no   no   no   no   no   no   ok   out  out
    GET  /admin/api/nodes             no   no   no   no   no   no   no   no   no   no   ok   out  out
    GET  /admin/api/figures           no   no   no   no   no   no   no   no   no   no   ok   out  out
    GET  /admin/api/storage           no   no   no   no   no   no   no   no   no   no   ok   out  out
    PATCH /admin/api/users/ID         no   no   no   no   no   no   no   no   no   no   ok   out  out
    PATCH /admin/api/settings         no   no   no   no   no   no   no   no   no   no   ok   out  out
    POST /admin/api/users/ID/reset    no   no   no   no   no   no   no   no   no   no   ok   out  out
    POST /admin/api/users/ID/sessions  no   no   no   no   no   no   no   no   no   no   ok   out  out
    POST /admin/api/users/ID/erase    no   no   no   no   no   no   no   no   no   no   ok   out  out
    POST /admin/api/groups/ID/takeover  no   no   no   no   no   no   no   no   no   no   ok   out  out
    POST /admin/api/groups/ID/dissolve  no   no   no   no   no   no   no   no   no   no   ok   out  out
    POST /admin/api/invites           no   no   no   no   no   no   no   no   no   no   ok   out  out
    POST /admin/api/invites/ID/revoke  no   no   no   no   no   no   no   no   no   no   ok   out  out
    POST /admin/api/keys              no   no   no   no   no   no   no   no   no   no   ok   out  out
    POST /admin/api/keys/ID/revoke    no   no   no   no   no   no   no   no   no   no   ok   out  out
    POST /admin/api/webhooks/ID/retry  no   no   no   no   no   no   no   no   no   no   ok   out  out
    POST /admin/api/webhooks/ID/delete  no   no   no   no   no   no   no   no   no   no   ok   out  out
    POST /admin/api/purge             no   no   no   no   no   no   no   no   no   no   ok   out  out
    DELETE /admin/api/invites/ID      no   no   no   no   no   no   no   no   no   no   ok   out  out
    DELETE /admin/api/webhooks/ID     no   no   no   no   no   no   no   no   no   no   ok   out  out
    DELETE /admin/api/keys/ID         no   no   no   no   no   no   no   no   no   no   ok   out  out
    GET  /admin/people.shtml          shut shut shut shut shut shut shut shut shut shut page goes goes
    GET  /admin                       goes goes goes goes goes goes goes goes goes goes goes goes goes
    PUT /api/v1/users/NAME            out  out  out  out  out  out  out  out  out  out  out  out  out
    GET  /api/v1/users/NAME           out  out  out  out  out  out  out  out  out  out  out  out  out
    DELETE /api/v1/users/NAME         out  out  out  out  out  out  out  out  out  out  out  out  out
    POST /api/v1/users/NAME/token     out  out  out  out  out  out  out  out  out  out  out  out  out
    DELETE /api/v1/users/NAME/sessions  out  out  out  out  out  out  out  out  out  out  out  out  out
    GET  /api/v1/users/NAME/unread    out  out  out  out  out  out  out  out  out  out  out  out  out
    GET  /api/v1/unread               out  out  out  out  out  out  out  out  out  out  out  out  out
    PUT /api/v1/groups/NAME           out  out  out  out  out  out  out  out  out  out  out  out  out
    GET  /api/v1/groups/NAME          out  out  out  out  out  out  out  out  out  out  out  out  out
    DELETE /api/v1/groups/NAME        out  out  out  out  out  out  out  out  out  out  out  out  out
    PUT /api/v1/groups/NAME/members/NAME  out  out  out  out  out  out  out  out  out  out  out  out  out
    DELETE /api/v1/groups/NAME/members/NAME  out  out  out  out  out  out  out  out  out  out  out  out  out
    POST /api/v1/messages             out  out  out  out  out  out  out  out  out  out  out  out  out
    GET  /api/v1/messages             out  out  out  out  out  out  out  out  out  out  out  out  out
    DELETE /api/v1/messages/SEQ       out  out  out  out  out  out  out  out  out  out  out  out  out
    PUT /api/v1/bots/NAME             out  out  out  out  out  out  out  out  out  out  out  out  out
    GET  /api/v1/bots                 out  out  out  out  out  out  out  out  out  out  out  out  out
    DELETE /api/v1/bots/NAME          out  out  out  out  out  out  out  out  out  out  out  out  out
    POST /api/v1/hooks                out  out  out  out  out  out  out  out  out  out  out  out  out
    GET  /api/v1/hooks                out  out  out  out  out  out  out  out  out  out  out  out  out
    DELETE /api/v1/hooks/ID           out  out  out  out  out  out  out  out  out  out  out  out  out
    POST /hook/CODE                   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok
    POST /hook/CODE of no hook        none none none none none none none none none none none none none
    POST /api/v1/webhooks             out  out  out  out  out  out  out  out  out  out  out  out  out
    GET  /api/v1/webhooks             out  out  out  out  out  out  out  out  out  out  out  out  out
    DELETE /api/v1/webhooks/ID        out  out  out  out  out  out  out  out  out  out  out  out  out
    GET  /cluster                     no   no   no   no   no   no   no   no   no   ok   no   out  out
    GET  /metrics here                page page page page page page page page page page page page page
    GET  /metrics by a proxy          none none none none none none none none none page none none none
    GET  /health/live                 ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok
    GET  /health/ready                ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok
"""
"""GET+ is tried by GET and by POST. What follows the path says which case it is."""

COMMANDS = """
                                      new  frnd exfr mem  exm  remd own  exo  void oper adm  out  nob
    0 heartbeat                       ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   out  out
    4 catch-up                        ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   out  out
    5 typing to Ann                   no   ok   no   no   no   no   no   no   no   no   no   out  out
    5 typing in the group             no   no   no   ok   no   no   ok   no   no   no   no   out  out
    6 read of Ann                     no   ok   ok   no   no   no   no   no   no   no   no   out  out
    6 read in the group               no   no   no   ok   no   no   ok   no   no   no   no   out  out
    10 message                        no   ok   no   no   no   no   no   no   no   no   no   out  out
    10 recall of one's own            no   ok   no   no   no   no   no   no   no   no   no   out  out
    10 recall of Ann's                no   rule no   no   no   no   no   no   no   no   no   out  out
    10 edit of one's own              no   ok   no   no   no   no   no   no   no   no   no   out  out
    10 edit of Ann's                  no   rule no   no   no   no   no   no   no   no   no   out  out
    10 reaction                       no   ok   no   no   no   no   no   no   no   no   no   out  out
    10 notice                         bad  bad  bad  bad  bad  bad  bad  bad  bad  bad  bad  out  out
    10 message with chat's file       no   ok   no   no   no   no   no   no   no   no   no   out  out
    10 message with group's file      no   no   no   no   no   no   no   no   no   no   no   out  out
    11 message                        no   no   no   ok   no   no   ok   no   no   no   no   out  out
    11 message with group's file      no   no   no   ok   no   no   ok   no   no   no   no   out  out
    11 message with unsent file       no   no   no   no   no   no   no   no   no   no   no   out  out
    11 message with chat's file       no   no   no   no   no   no   no   no   no   no   no   out  out
    11 message with Ann's avatar      no   no   no   ok   no   no   ok   no   no   no   no   out  out
    11 recall of another's            no   no   no   rule no   no   ok   no   no   no   no   out  out
    11 edit of another's              no   no   no   rule no   no   rule no   no   no   no   out  out
    11 reaction                       no   no   no   ok   no   no   ok   no   no   no   no   out  out
    11 notice                         bad  bad  bad  bad  bad  bad  bad  bad  bad  bad  bad  out  out
    1 answer                          bad  bad  bad  bad  bad  bad  bad  bad  bad  bad  bad  out  out
    7 presence                        bad  bad  bad  bad  bad  bad  bad  bad  bad  bad  bad  out  out
    8 change                          bad  bad  bad  bad  bad  bad  bad  bad  bad  bad  bad  out  out
    99 unknown                        bad  bad  bad  bad  bad  bad  bad  bad  bad  bad  bad  out  out
"""

AREAS: dict[str, Klein] = {
    "": Rest.app,
    "/user": Users.app,
    "/contact": Contacts.app,
    "/message": Messages.app,
    "/invite": Invites.app,
    "/push": Push.app,
    "/admin/api": Admin.app,
    "/hook": IncomingHooks.app,
    "/attach": Uploads.app,
    "/mnt": Downloads.app,
    "/operate": Operate.app,  # whose path is /cluster
    "/watched": Health.app,  # whose paths are /health/… and /metrics
}
API = ("/api/v1", (ApiUsers.app, ApiGroups.app, ApiMessages.app, ApiBots.app, ApiWebhooks.app))
_ROW = re.compile(r" {4}(\S.*?) {2,}([a-z]+(?: +[a-z]+)*)")


def read_table(text: str) -> dict[str, dict[str, str]]:
    """For each row of the table, the expected outcome for each kind of user."""
    head, *lines = [line for line in text.splitlines() if line.strip()]
    names = head.split()
    assert names == list(WHO)
    rows = {}
    for line in lines:
        found = _ROW.fullmatch(line)
        assert found is not None and found[1] not in rows, line
        expected = found[2].split()
        assert len(expected) == len(names) and set(expected) <= set(WORDS), line
        rows[found[1]] = dict(zip(names, expected, strict=True))
    return rows


REST, SOCKET = read_table(PATHS), read_table(COMMANDS)


def asked(row: str) -> list[tuple[str, str]]:
    """The methods and the path of a row."""
    method, path = row.split()[:2]
    return [(one, path) for one in {"GET+": ("GET", "POST")}.get(method, (method,))]


class Whole(SynchronousTestCase):
    """Every path and every command has a row."""

    def test_paths(self) -> None:
        """Every route of the server, by every method that it takes."""
        rows = [one for row in REST for one in asked(row)]
        for prefix, app in (*AREAS.items(), ("/user", Entry.app), *((API[0], app) for app in API[1])):
            routes = app.url_map.bind("x")
            seen = set()
            for method, path in rows:
                try:
                    endpoint, _ = routes.match(path.removeprefix(prefix) if path.startswith(prefix) else path, method)
                except (HTTPException, MethodNotAllowed):
                    continue
                seen.add((endpoint.removesuffix("_branch"), method))
            endpoints = {endpoint for endpoint, _ in seen}
            for rule in app.url_map.iter_rules():
                # A branch is one rule for itself and one for what is below, neither of which names methods.
                endpoint = rule.endpoint.removesuffix("_branch")
                self.assertIn(endpoint, endpoints, f"{prefix}{rule.rule} has no row")
                for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
                    self.assertIn((endpoint, method), seen, f"{method} {prefix}{rule.rule} has no row")

    def test_commands(self) -> None:
        """Every command that the server understands, and every message that changes another one."""
        dispatch = Dispatch(Mock(), Mock(), Mock(), Mock(), Mock(), Mock())
        rows = {int(row.split()[0]) for row in SOCKET}
        self.assertLessEqual(set(dispatch._table), rows)
        names = {20: "recall", 21: "edit", 22: "reaction"}
        self.assertEqual(set(names), EVENTS)
        for media, cmd in ((media, cmd) for media in EVENTS for cmd in (10, 11)):
            self.assertTrue(any(row.startswith(f"{cmd} {names[media]}") for row in SOCKET), (cmd, media))


@dataclass
class World:
    """All kinds of users, as they are when a row is tried."""

    folder: Path
    people: dict[str, Person]
    ann: Person
    victim: Person
    group: int
    emptied: int
    devices: dict[str, int]
    request: int
    file: str
    invite: int = 0
    code: str = ""
    """Of an invitation to the group, by its owner."""
    reset: str = ""
    """The code by which somebody sets a new password."""
    hook: str = ""
    """The path by which another program says something in the group."""
    named: dict[str, int] = field(default_factory=dict)
    """Whom administrators act upon, by the area of the path."""
    said: dict[str, int] = field(default_factory=dict)
    """The seq of what one said to Ann."""
    of_ann: dict[str, int] = field(default_factory=dict)
    of_victim: dict[int, int] = field(default_factory=dict)
    own_files: dict[str, str] = field(default_factory=dict)
    """What everybody uploaded and nobody carries."""
    files: dict[str, str] = field(default_factory=dict)
    """What Ann uploaded and nobody carries, what she sent to friends, her avatar, and what was sent in the group."""


class Matrix(RunningNode):
    """Each cell of the table is tried in the original state: what one cell changes is undone."""

    timeout = 600
    settings: ClassVar[dict[str, str]] = {"limits": "off", "operators": "13700000000"}
    made: ClassVar[World | None] = None

    async def setUp(self) -> None:
        await super().setUp()
        if Matrix.made is None:
            Matrix.made = await self.make()
        self.world = Matrix.made
        for person in (*self.world.people.values(), self.world.ann, self.world.victim):
            person.test = self
        await self.undo()

    async def make(self) -> World:
        administrator = await self.person()
        people = {who: await self.person() for who in WHO if who not in ("oper", "adm")} | {"adm": administrator}
        registered = await self.post("/user/register", mobile="13700000000", passwd=PASSWD)
        people["oper"] = Person(self, registered, "13700000000")
        ann, victim = await self.people(2)
        for who in ("frnd", "exfr", "out"):
            await ann.befriend(people[who])
        group = await people["exo"].group(
            people["own"], people["mem"], people["exm"], people["remd"], people["out"], victim
        )
        emptied = await people["void"].group()
        await people["void"].post("/contact/leavecommunity", dstid=emptied)
        for one in (people["own"], victim):
            await one.post("/contact/joincommunity", dstid=emptied)
        world = World(Path(self.mktemp()), people, ann, victim, group, emptied, {}, 0, "")
        await self.talk(world)
        await people["exfr"].post("/contact/deletefriend", dstid=ann.id)
        invited = await people["own"].post("/invite/create", **{"for": group})
        world.invite, world.code = invited.data["id"], invited.data["code"]
        key = await people["adm"].post("/admin/api/keys", name="a key")
        made = {"group": f"id:{group}", "name": "a hook"}
        hook = (await self.post_json("/api/v1/hooks", made, *_bearer(key.data["key"]))).data
        world.hook = hook["url"]
        # Not public, so nothing is ever sent.
        webhook = await WebhookStore(self.database).create("http://127.0.0.1:9/", "secret", "user", 0, 0)
        world.named = {
            "hooks": hook["id"],
            "webhooks": webhook,
            "users": victim.id,
            "groups": group,
            "invites": world.invite,
            "keys": key.data["id"],
        }
        world.reset, _ = await self.node.resets.begin((await self.person()).id)
        for who in ("exm", "exo"):
            await people[who].post("/contact/leavecommunity", dstid=group)
        await people["own"].post("/contact/removemember", dstid=group, memberid=people["remd"].id)
        await RelationStore(self.database).befriend(victim.id, people["frnd"].id, "", True)
        world.request = (await people["frnd"].get("/contact/loadrequest")).rows[0]["id"]
        for who, person in [*people.items(), ("ann", ann)]:
            world.devices[who] = (await person.get("/user/sessions")).rows[0]["id"]
        world.file = (await self.upload(ann.token)).json["data"]
        for size, (who, person) in enumerate(people.items(), 70):
            world.own_files[who] = (await self.upload(person.token, size)).data
        await people["out"].post("/user/logout")
        people["nob"].token = ""
        await self.leave_all()
        await self.stop()
        shutil.copytree(self.folder, world.folder)
        await self.start()
        return world

    async def talk(self, world: World) -> None:
        """Make a message for each kind of user to recall."""
        ann, victim = await world.ann.device(), await world.victim.device()
        for size, name in enumerate(("unsent file", "chat's file", "Ann's avatar", "group's file"), 50):
            owner = world.victim if name == "group's file" else world.ann
            world.files[name] = (await self.upload(owner.token, size)).data
        await world.ann.post("/user/update", avatar=world.files["Ann's avatar"])
        for who in ("frnd", "exfr"):
            person = world.people[who]
            world.said[who] = (await (await person.device()).tell(10, world.ann.id, "mine"))["seq"]
            world.of_ann[who] = (await ann.tell(10, person.id, "Ann's", url=world.files["chat's file"]))["seq"]
        for group in (world.group, world.emptied):
            world.of_victim[group] = (await victim.tell(11, group, "of a member"))["seq"]
        await victim.tell(11, world.group, "a picture", url=world.files["group's file"])

    async def leave_all(self) -> None:
        for device in self.devices:
            await device.leave()
        await until(lambda: not self.node.hub.users, "everybody left")

    async def undo(self) -> None:
        """Restore the original state."""
        await self.leave_all()
        await self.stop()
        shutil.rmtree(self.folder)
        shutil.copytree(self.world.folder, self.folder)
        await self.start()

    async def upload(self, token: str, size: int = 40) -> Answer:
        media, body = multipart(("file", "a.png", "image/png", picture("PNG", size, 30)))
        return await self.ask("POST", "/attach/upload", *_bearer(token), body=body, media=media)

    # REST

    def fields(self, row: str, who: str) -> dict[str, object]:
        """The fields that are sent for a row."""
        world, person = self.world, self.world.people[who]
        group = world.emptied if who == "void" else world.group
        to_ann: dict[str, object] = {"dstid": world.ann.id}
        to_group: dict[str, object] = {"dstid": group}
        table: dict[str, dict[str, object]] = {
            "POST /user/register": {"mobile": "13600000000", "passwd": PASSWD},
            "POST /user/login": {"mobile": person.mobile, "passwd": PASSWD},
            "GET+ /user/find": {"id": world.ann.id},
            "POST /user/update": {"nickname": "another"},
            "POST /user/update as Ann": {"nickname": "another", "userid": world.ann.id},
            "POST /user/passwd": {"passwd": PASSWD, "newpasswd": "another-1"},
            "POST /user/revoke own": {"id": world.devices[who]},
            "POST /user/revoke Ann's": {"id": world.devices["ann"]},
            "POST /contact/addfriend": to_ann,
            "POST /contact/deletefriend": to_ann,
            "GET+ /contact/loadfriend as Ann": {"userid": world.ann.id},
            "POST /contact/approvefriend": {"requestid": world.request},
            "POST /contact/refusefriend": {"requestid": world.request},
            "POST /contact/createcommunity": {"name": "one more"},
            "POST /contact/updatecommunity": to_group | {"name": "renamed"},
            "POST /contact/joincommunity": to_group,
            "POST /contact/leavecommunity": to_group,
            "POST /contact/removemember": to_group | {"memberid": world.victim.id},
            "GET+ /contact/loadmember": to_group,
            "POST /contact/remark": to_ann | {"memo": "a remark"},
            "POST /contact/block": to_ann,
            "POST /contact/unblock": to_ann,
            "GET+ /contact/loadjoin": to_group,
            "POST /contact/answerjoin": {"requestid": 1, "accept": 1},
            "POST /contact/addmember": to_group | {"memberid": world.victim.id},
            "POST /contact/setrole": to_group | {"memberid": world.victim.id, "role": "admin"},
            "POST /contact/mutemember": to_group | {"memberid": world.victim.id, "seconds": 60},
            "POST /contact/dissolve": to_group,
            "GET+ /message/preview": {"url": "https://example.com/"},
            "GET+ /message/history with Ann": to_ann | {"scope": 10},
            "GET+ /message/history of a group": to_group | {"scope": 11},
            "GET+ /contact/commands with Ann": to_ann | {"scope": 10},
            "GET+ /contact/commands in a group": to_group | {"scope": 11},
            "POST /invite/create group": {"for": group},
            "POST /invite/create server": {"for": "server"},
            "POST /invite/revoke another's": {"id": world.invite + (who == "own")},
            "POST /invite/accept": {"code": world.code},
            "POST /invite/accept a wrong one": {"code": world.code + "x"},
            "PATCH /admin/api/users/ID": {"disabled": 1},
            "PATCH /admin/api/settings": {"signup": "invite"},
            "POST /admin/api/invites": {"for": "server"},
            "POST /admin/api/keys": {"name": "one more"},
            "POST /admin/api/purge": {"days": 30},
            "POST /reset/CODE": {"passwd": PASSWD},
            "POST /reset/CODE of no reset": {"passwd": PASSWD},
            "POST /push/subscribe": {"endpoint": "https://push.example/a", "p256dh": P256DH, "auth": AUTH},
            "POST /attach/presign": {"size": 5, "type": "video/mp4"},
            "POST /user/update own file": {"avatar": world.own_files.get(who, "")},
            "POST /contact/createcommunity chat's file": {"name": "one more", "icon": world.files["chat's file"]},
        }
        for name in ("setting", "around", "readers", "edits", "files", "search"):
            how = {"setting": {"pin": 1}, "files": {"media": 4}, "search": {"q": "x"}}.get(name, {"seq": 1})
            method = "POST" if name == "setting" else "GET+"
            table[f"{method} /message/{name} with Ann"] = to_ann | {"scope": 10} | how
            table[f"{method} /message/{name} of a group"] = to_group | {"scope": 11} | how
        for name, url in world.files.items():
            table[f"POST /user/update {name}"] = {"avatar": url}
        return table.get(row, {})

    async def tried(self, row: str, method: str, path: str, who: str) -> Answer:
        token = self.world.people[who].token
        headers = _bearer(token)
        if path == "/attach/upload":
            return await self.upload(token)
        if path == "/i/CODE":
            path = f"/i/{self.world.code}{'x' if row.endswith('no invitation') else ''}"
        if path == "/reset/CODE":
            path = f"/reset/{self.world.reset}{'x' if row.endswith('no reset') else ''}"
        if path == "/hook/CODE":
            where = f"{self.world.hook}{'x' if row.endswith('no hook') else ''}"
            return await self.post_json(where, {"text": "hi"}, *headers)
        if path.startswith("/mnt/"):
            plain = self.world.file.partition("?")[0]
            expired = f"{plain}?e=1&s={self.node.urls._signature(plain[5:], '1')}"
            url = {"signed": self.world.file, "expired": expired, "plain": plain}[row.split()[-1]]
            if path != "/mnt/granted":
                return await self.ask("GET", url, *headers)
            headers.append(f"X-Original-URI: {url}")
        if "/ID" in path:
            path = path.replace("ID", str(self.world.named[path.split("/")[3]]))
        if row.endswith("by a proxy"):
            headers.append("X-Forwarded-For: 203.0.113.7")
        said = urlencode(self.fields(row, who))
        if method in ("POST", "PATCH"):
            return await self.ask(method, path, *headers, body=said.encode(), media=FORM)
        return await self.ask(method, f"{path}?{said}", *headers)

    async def check_paths(self, who: str) -> None:
        wrong = []
        for row, expected in REST.items():
            for method, path in asked(row):
                answer = await self.tried(row, method, path, who)
                found = (answer.status, answer.json.get("code") if isinstance(answer.json, dict) else None)
                if found != WORDS[expected[who]]:
                    wrong.append((row, method, expected[who], answer))
                if found == (200, 0) and not row.startswith("GET"):
                    await self.undo()
        self.assertEqual(wrong, [], f"{who}: {WHO[who]}")

    # The socket

    def frame(self, row: str, who: str) -> dict[str, Any]:
        """The frame that is sent for a row."""
        world = self.world
        cmd, what = row.split()[:2]
        group = world.emptied if who == "void" else world.group
        single = cmd == "10" or row.endswith("Ann")
        frame: dict[str, Any] = {"cmd": int(cmd), "dstid": world.ann.id if single else group}
        ref = world.of_victim[group]
        if single:
            ref = (world.said if row.endswith("one's own") else world.of_ann).get(who, 1)
        if what in ("typing", "read"):
            return frame | {"scope": 10 if single else 11} | ({"seq": ref} if what == "read" else {})
        media = {"message": 1, "recall": 20, "edit": 21, "reaction": 22, "notice": 23}
        if what not in media:
            return {"cmd": int(cmd)}
        content = {"reaction": "👍", "recall": ""}.get(what, "words")
        _, _, named = row.partition(" with ")
        if named:
            frame["url"] = world.files[named]
        return frame | {"media": media[what], "content": content, "ref": ref if 20 <= media[what] <= 22 else 0}

    async def outcome(self, device: Device, frame: dict[str, Any]) -> int:
        """The code of the answer; 0 where there is none, as it was taken."""
        device.say(id=77, **frame)
        if frame["cmd"] in (10, 11):
            return int((await device.hear(cmd=1, id=77))["code"])
        if frame["cmd"] == 4:
            await device.hear(cmd=4)
            return 0
        for _ in range(40 if frame["cmd"] == 6 else 1):  # a read mark is looked up before it is refused
            refused = [one for one in await device.quiet() if one["cmd"] == 1]
            if refused:
                return int(refused[0]["code"])
            await deferLater(reactor, 0.01)
        return 0

    async def check_commands(self, who: str) -> None:
        wrong = []
        person = self.world.people[who]
        for row, expected in SOCKET.items():
            wanted = WORDS[expected[who]]
            device = await self.knock(f"/chat?id={person.id}&token={person.token}")
            if device.refused is not None:
                found = device.refused.json["code"]
                self.assertEqual(device.refused.status, wanted[0], (row, who))
            else:
                found = await self.outcome(device, self.frame(row, who))
            if found != wanted[1]:
                wrong.append((row, expected[who], found))
            await device.leave()
            if found == 0 and row.split()[0] in ("6", "10", "11"):
                await self.undo()
        self.assertEqual(wrong, [], f"{who}: {WHO[who]}")


def _bearer(token: str) -> list[str]:
    return [f"Authorization: Bearer {token}"] if token else []


def _add_tests() -> None:
    """Make two tests for each kind of user, so that a failure names the cell."""
    for who, what in WHO.items():

        async def paths(self: Matrix, who: str = who) -> None:
            await self.check_paths(who)

        async def commands(self: Matrix, who: str = who) -> None:
            await self.check_commands(who)

        paths.__doc__ = f"Every path, asked by somebody who {what}."
        commands.__doc__ = f"Every command, said by somebody who {what}."
        setattr(Matrix, f"test_paths_{who}", paths)
        setattr(Matrix, f"test_commands_{who}", commands)


_add_tests()
