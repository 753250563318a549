"""Every path of `/openapi.json`, asked with what Schemathesis makes of its description: no answer is a fault of the
server's, and each one is as described."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from test.running.server import Server

EXAMPLES = 3  # of each operation, of which there are about a hundred
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
ENDS_LOGIN = ("/user/logout", "/user/passwd", "/user/revoke")
"""What is asked as somebody whose log-in may end by it."""


def post(url: str, fields: dict[str, object], token: str = "") -> Any:
    """The `data` of an answer."""
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    request = urllib.request.Request(url, json.dumps(fields).encode(), headers)
    with urllib.request.urlopen(request, timeout=30) as opened:
        return json.load(opened)["data"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with the usual settings, but limits."""
    with Server(tmp_path_factory.mktemp("described")) as running:
        yield running


def test_every_path(server: Server) -> None:
    """As an administrator, by a key, and as somebody whose log-in may end."""
    boss = post(f"{server.url}/user/register", {"mobile": "13800000001", "passwd": "secret-1"})["token"]
    other = post(f"{server.url}/user/register", {"mobile": "13800000002", "passwd": "secret-1"})["token"]
    scopes = {"name": "all", "scopes": "users,groups,messages,webhooks,read"}
    key = post(f"{server.url}/admin/api/keys", scopes, boss)["key"]
    schema = schemathesis.openapi.from_url(f"{server.url}/openapi.json")
    asked: set[str] = set()
    for found in schema.get_all_operations():
        operation = found.ok()
        is_api = operation.path.startswith("/api/v1/")
        ask_all(operation, key if is_api else other if operation.path in ENDS_LOGIN else boss)
        asked.add(operation.label)
    assert len(asked) > 100
    assert "Traceback" not in server.log


def ask_all(operation: Any, token: str) -> None:
    """Ask one operation a few times."""

    def ask(case: Any) -> None:
        case.call_and_validate(headers={"Authorization": f"Bearer {token}"}, checks=CHECKS)

    bounds = settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        derandomize=True,
    )
    bounds(given(case=operation.as_strategy())(ask))()
