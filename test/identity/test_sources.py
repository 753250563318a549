"""What ``--login`` may say."""

from __future__ import annotations

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from twim.config import ConfigError, read_config
from twim.identity.sources import BadSource, JwtSource, OidcSource, read_sources


class SourcesTests(SynchronousTestCase):
    """Values of the setting."""

    def test_file(self) -> None:
        """A file, with or without whom its tokens are for and from."""
        self.assertEqual(read_sources("jwt:/k").jwt, JwtSource(Path("/k"), "", "", ""))
        found = read_sources("jwt:/my%20key.pem?aud=chat&iss=https://shop.example").jwt
        self.assertEqual(found, JwtSource(Path("/my key.pem"), "", "chat", "https://shop.example"))

    def test_url(self) -> None:
        """The address of a key set keeps what of its query isn't ours."""
        found = read_sources("jwt:https://idp.example/keys?p=b2c&aud=chat").jwt
        self.assertEqual(found, JwtSource(None, "https://idp.example/keys?p=b2c", "chat", ""))

    def test_provider(self) -> None:
        """A provider; one on this machine may do without TLS."""
        found = read_sources("oidc:https://sso.example/realm?client=twim&secret=/s").oidc
        self.assertEqual(found, OidcSource("https://sso.example/realm", "twim", Path("/s")))
        for issuer in ("http://localhost:4000", "http://127.0.0.1:4000", "http://[::1]:4000"):
            self.assertEqual(read_sources(f"oidc:{issuer}?client=c&secret=s").oidc.issuer, issuer)

    def test_both(self) -> None:
        """One of each may be named, in one value or in two options."""
        found = read_sources("jwt:/k  oidc:https://sso.example?client=c&secret=s")
        self.assertIsNotNone(found.jwt)
        self.assertIsNotNone(found.oidc)
        self.assertEqual(read_config({}, {}).login, read_sources(""))

    def test_refused(self) -> None:
        """What can't be used prevents the start, with a line that says why."""
        for value, why in (
            ("jwt", "jwt:FILE_OR_URL"),
            ("saml:/k", "jwt:FILE_OR_URL"),
            ("jwt:", "which file"),
            ("jwt:/k jwt:/l", "only one"),
            ("jwt:/k?audience=x", "audience: no such option"),
            ("jwt:/k?aud", "NAME=VALUE"),
            ("jwt:/k?aud=a&aud=b", "twice"),
            ("jwt:http://127.0.0.1/keys?aud=chat", "https only"),
            ("jwt:ftp://idp.example/keys?aud=chat", "https only"),
            ("jwt:https://me:pw@idp.example/keys?aud=chat", "no address"),
            ("jwt:https://idp.example:99999/keys?aud=chat", "ort"),
            ("jwt:https://idp.example/keys", "aud=… is needed"),
            ("jwt:https://idp.example/keys?aud=", "aud=… is needed"),
            ("oidc:https://sso.example?client=c", "secret=FILE"),
            ("oidc:https://sso.example?secret=s", "client=ID"),
            ("oidc:https://sso.example?client=c&secret=s&scope=all", "scope: no such option"),
            ("oidc:http://sso.example?client=c&secret=s", "https only"),
            ("oidc:http://127.0.0.1.sso.example?client=c&secret=s", "https only"),
            ("oidc:sso.example?client=c&secret=s", "https only"),
        ):
            error = self.assertRaises(BadSource, read_sources, value)
            self.assertIn(why, str(error), value)
            self.assertRaises(ConfigError, read_config, {"login": value}, {})
