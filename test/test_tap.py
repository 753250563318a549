"""``twistd im`` and its options."""

from __future__ import annotations

from pathlib import Path

from twisted.plugin import getPlugins
from twisted.trial.unittest import TestCase

from twim.config import SETTINGS, Config
from twim.service import NodeService
from twim.tap import Options, makeService


class Typing(TestCase):
    """Options that are accepted and refused."""

    def read(self, *arguments: str) -> Config:
        options = Options()
        options.parseOptions(list(arguments))
        config: Config = options["settings"]
        return config

    def test_given(self) -> None:
        """An option reaches the configuration, by its long name or its letter."""
        folder = self.mktemp()
        config = self.read("-p", "tcp:9000", "--friend=approve", "-d", folder)
        self.assertEqual(config.port, ("tcp:9000",))
        self.assertEqual(config.data, Path(folder).absolute())
        self.assertTrue(config.approve_friends)

    def test_given_twice(self) -> None:
        """Of the log-ins that somebody else vouches for, each has an option of its own."""
        folder = Path(self.mktemp())
        folder.mkdir()
        (folder / "secret").write_text("s" * 32)
        secret = (folder / "secret").absolute()
        config = self.read("--login", f"jwt:{secret}", "--login", f"oidc:https://sso.example?client=c&secret={secret}")
        self.assertIsNotNone(config.login.jwt)
        self.assertIsNotNone(config.login.oidc)

    def test_environment(self) -> None:
        """A variable is used unless the option is given."""
        self.patch_environ("TWIM_LIMITS", "off")
        self.assertFalse(self.read().limits)
        self.assertTrue(self.read("--limits", "on").limits)

    def patch_environ(self, name: str, value: str) -> None:
        import os

        before = os.environ.get(name)
        os.environ[name] = value
        self.addCleanup(lambda: os.environ.pop(name) if before is None else os.environ.update({name: before}))

    def test_refused(self) -> None:
        """An option that can't be used ends the program with one line that names it, and status 1."""
        for arguments, word in [
            (["--friend", "maybe"], "--friend maybe"),
            (["--login", "jwt:/not/there"], "--login /not/there"),
            (["--login", "saml:x"], "--login saml:x"),
            (["--port", "carrier-pigeon:1"], "--port carrier-pigeon:1"),
            (["--port", "tcp:eighty"], "--port tcp:eighty"),
            (["--port", "tcp:8080:nonsense=1"], "--port tcp:8080:nonsense=1"),
            (["--port", "ssl:443:privateKey=/nowhere/key.pem"], "--port ssl:443"),
            (["--nonsense"], "--nonsense"),
            (["--port"], "--port"),
            (["word"], "arguments"),
        ]:
            with self.assertRaises(SystemExit) as caught:
                self.read(*arguments)
            text = caught.exception.code
            assert isinstance(text, str), arguments
            self.assertTrue(text.startswith("twim: "), text)
            self.assertIn(word, text)
            self.assertNotIn("\n", text)

    def test_help(self) -> None:
        """The help explains each setting, with its default."""
        text = str(Options())
        for one in SETTINGS:
            self.assertIn(f"--{one.name}=", text)
            self.assertIn("[default: ", one.help, one.name)
        self.assertIn("TWIM_UPLOAD_LIMIT", text)

    def test_service(self) -> None:
        """The options make a service, which has opened nothing yet."""
        folder = self.mktemp()
        options = Options()
        options.parseOptions(["--data", folder, "--port", "tcp:0:interface=127.0.0.1"])
        self.assertIsInstance(makeService(options), NodeService)
        self.assertFalse(Path(folder).exists())

    def test_plugin(self) -> None:
        """twistd knows `im`."""
        from twisted.application.service import IServiceMaker

        makers = {maker.tapname: maker for maker in getPlugins(IServiceMaker)}
        self.assertEqual(makers["im"].module, "twim.tap")
