"""What the head of a request must be."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase
from twisted.web.http_headers import Headers

from twim.access.http.head import check_head
from twim.errors import Malformed


def checked(target: str, *hosts: str, method: str = "GET", version: str = "HTTP/1.1") -> tuple[str, list[bytes]]:
    """The path that is left, and the host."""
    headers = Headers({b"Host": [one.encode("latin-1") for one in hosts]} if hosts else {})
    path = check_head(method.encode(), target.encode("latin-1"), version.encode(), headers)
    return path.decode("latin-1"), list(headers.getRawHeaders(b"host", []))


class HeadTests(SynchronousTestCase):
    """`check_head`."""

    def test_targets(self) -> None:
        """A path is left as it is; of a whole address the path is left, and its host wins."""
        for target in ("/", "//", "/a?b", "/%zz", "/?http://y/"):
            self.assertEqual(checked(target, "x"), (target, [b"x"]))
        for target, path in (
            ("http://y", "/"),
            ("HTTP://y/a?b", "/a?b"),
            ("https://y?b", "/?b"),
        ):
            self.assertEqual(checked(target, "x"), (path, [b"y"]))
            self.assertEqual(checked(target), (path, [b"y"]))
        self.assertEqual(checked("*", "x", method="OPTIONS"), ("*", [b"x"]))

    def test_no_targets(self) -> None:
        """Anything else is refused."""
        for target in (
            "*",
            "/\xa0",
            "x",
            "?",
            "a:1",
            "ftp://x/",
            "http:///",
            "http://u@x/",
            "http://a..b/",
            "http://[",
            "/#",
            "#",
        ):
            self.assertRaises(Malformed, checked, target, "x")

    def test_hosts(self) -> None:
        """One host, which HTTP/1.0 needn't have."""
        for hosts in ((), ("x", "x"), ("",), ("a..b",), ("example...",), ("x" * 256,), ("\xff",), ("a:99999",)):
            self.assertRaises(Malformed, checked, "/", *hosts)
            if hosts:
                self.assertRaises(Malformed, checked, "/", *hosts, version="HTTP/1.0")
        self.assertEqual(checked("/", version="HTTP/1.0"), ("/", []))

    def test_methods(self) -> None:
        """What is no method of HTTP's is told so; which of them a path takes is its own business."""
        for method in ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"):
            checked("/", "x", method=method)
        for method in ("get", "FOO", "CONNECT", "PRI"):
            with self.assertRaises(Malformed) as raised:
                checked("/", "x", method=method)
            self.assertEqual(raised.exception.status, 501)
