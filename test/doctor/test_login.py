"""Who vouches for users."""

from __future__ import annotations

from test.doctor.examined import Examined
from test.identity.signing import SECRET, pem, private_key


class LoginTests(Examined):
    """The topic `login`."""

    def test_nobody(self) -> None:
        """Nobody does."""
        self.assert_no_problem(self.examine("login"))

    def test_secret(self) -> None:
        """Secrets that others may read, and those they may not; an audience that is missing is worth a note."""
        secret = self.data / "host.key"
        secret.write_bytes(SECRET)
        secret.chmod(0o640)
        login = f"jwt:{secret} oidc:https://sso.example?client=c&secret={secret}"
        found = self.examine("login", self.config(login=login))
        self.assertEqual([one.level for one in found if "may get at" in one.text], ["warning"] * 2)
        self.assertIn("chmod 600", found[0].fix)
        secret.chmod(0o600)
        found = self.examine("login", self.config(login=login))
        self.assert_no_problem(found)
        self.assert_found(found, "note", "whom they are for")
        found = self.examine("login", self.config(login=f"jwt:{secret}?aud=chat"))
        self.assert_found(found, "ok", "must be for chat")

    def test_public(self) -> None:
        """A public key, or one at a URL, need not be closed."""
        key = self.data / "host.pem"
        key.write_bytes(pem(private_key("ES256")))
        key.chmod(0o644)
        for where in (f"{key}?aud=chat", "https://idp.example/keys?aud=chat"):
            self.assert_no_problem(self.examine("login", self.config(login=f"jwt:{where}")))

    def test_unusable(self) -> None:
        """A file with which the server doesn't start."""
        (self.data / "short").write_bytes(b"short")
        found = self.examine("login", self.config(login=f"jwt:{self.data}/short"))
        self.assert_found(found, "error", "at least 32 bytes")
        self.assert_found(self.examine("login", self.config(login="jwt:/not/there")), "error", "No such file")
