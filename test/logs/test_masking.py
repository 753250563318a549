"""Secrets in addresses are masked in logs."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from twim.logs.masking import PARAMETERS, PATHS, masked

SECRET = "Zq3-xK_9aa"


class MaskingTests(SynchronousTestCase):
    """Paths, queries, headers and URLs."""

    def test_paths(self) -> None:
        """The last part of the path of an invitation, a reset and a hook is masked."""
        for name in PATHS:
            for text in (f"GET /{name}/{SECRET} failed", f"b'/{name}/{SECRET}'", f"https://h/{name}/{SECRET}?x=1 x"):
                found = masked(text)
                self.assertNotIn(SECRET, found)
                self.assertIn(f"/{name}/…", found)

    def test_other_paths(self) -> None:
        """Other paths are left as they are."""
        for text in ("/mnt/ab/cd.png", "/hi/there", "/user/find?id=1", "a / b", "/asset/i18n/en.json", "at=1"):
            self.assertEqual(masked(text), text)

    def test_parameters(self) -> None:
        """Tokens, codes and signatures in a query are masked, in any case and position."""
        for name in (*PARAMETERS, "Token", "X-Amz-Signature"):
            for text in (f"/chat?id=2&{name}={SECRET}", f"'/chat?{name}={SECRET}&id=2'"):
                found = masked(text)
                self.assertNotIn(SECRET, found)
                self.assertIn("id=2", found)

    def test_headers_and_urls(self) -> None:
        """A bearer token and the password in a database URL are masked."""
        self.assertEqual(masked(f"Authorization: Bearer {SECRET}, x"), "Authorization: Bearer …, x")
        self.assertEqual(masked(f"mysql://im:{SECRET}@h/im"), "mysql://im:…@h/im")
        self.assertEqual(masked("http://h:8080/a@b"), "http://h:8080/a@b")
