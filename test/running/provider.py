"""A provider of log-ins by OpenID Connect: npm's `oidc-provider`, with the pages that it brings."""

from __future__ import annotations

import os
import shutil
import ssl
import subprocess
from collections.abc import Sequence
from http.cookiejar import CookieJar
from pathlib import Path
from types import TracebackType
from urllib.error import HTTPError
from urllib.parse import urlencode, urljoin
from urllib.request import HTTPCookieProcessor, HTTPRedirectHandler, HTTPSHandler, Request, build_opener

import pytest

from test.running.server import PROJECT, free_port

CLIENT = "twim"
SECRET = "a secret + of two"


class RunningProvider:
    """One process, on a loopback port of its own. It sends people back to these addresses alone."""

    def __init__(self, folder: Path, redirects: Sequence[str]) -> None:
        self.port = free_port()
        self.issuer = f"http://127.0.0.1:{self.port}"
        self.secret = folder / "provider-secret"
        self._redirects = redirects
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> RunningProvider:
        node = shutil.which("node")
        if node is None or not (PROJECT / "node_modules" / "oidc-provider").exists():
            why = "there is no oidc-provider: npm ci, with Node.js 20.19 or newer"
            pytest.fail(why) if os.environ.get("TWIM_TEST_NO_SKIP") == "1" else pytest.skip(why)
        self.secret.write_text(SECRET + "\n")
        self.secret.chmod(0o600)
        self._process = subprocess.Popen(
            [node, "test/running/provider.js", str(self.port), ",".join(self._redirects)],
            cwd=PROJECT,
            env=os.environ | {"SECRET": SECRET},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.strip() == "ready":
                return self
        raise AssertionError("the provider did not start")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End it."""
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            process.communicate()

    @property
    def option(self) -> str:
        """The value of ``--login`` that names it."""
        return f"oidc:{self.issuer}?client={CLIENT}&secret={self.secret}"


class _Staying(HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None


class Answer:
    """An answer, with where it leads."""

    def __init__(self, response: object, url: str) -> None:
        self.status: int = response.status  # type: ignore[attr-defined]
        self.headers = response.headers  # type: ignore[attr-defined]
        self.body: str = response.read().decode()  # type: ignore[attr-defined]
        self.leads_to = urljoin(url, self.headers["location"]) if "location" in self.headers else ""


class Visitor:
    """A browser without its window: it keeps cookies, and follows no redirect by itself."""

    def __init__(self, trusted: Path | None = None) -> None:
        self.cookies = CookieJar()
        encrypted = HTTPSHandler(context=ssl.create_default_context(cafile=trusted))
        self._opener = build_opener(HTTPCookieProcessor(self.cookies), encrypted, _Staying)

    def ask(self, url: str, fields: dict[str, str] | None = None, method: str = "", **headers: str) -> Answer:
        """Ask for a page, or send a form by POST or another method."""
        body = None if fields is None else urlencode(fields).encode()
        request = Request(url, body, headers, method=method or None)
        try:
            return Answer(self._opener.open(request, timeout=30), url)
        except HTTPError as error:
            return Answer(error, url)

    def cookie(self, name: str) -> str:
        """The value of a cookie, "" when there is none."""
        return next((one.value or "" for one in self.cookies if one.name == name), "")

    def pass_provider(self, url: str, login: str, callback: str) -> str:
        """Log in at the provider as `login`, and consent. Gives the address of ours to which it leads back."""
        for _ in range(12):
            if url.startswith(callback):
                return url
            answer = self.ask(url)
            if not answer.leads_to:
                prompt = "login" if 'name="login"' in answer.body else "consent"
                answer = self.ask(url, {"prompt": prompt, "login": login, "password": "any"})
            assert answer.leads_to, (url, answer.status, answer.body[:500])
            url = answer.leads_to
        raise AssertionError(f"it doesn't lead back: {url}")
