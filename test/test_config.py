"""The settings: where they may come from, which wins, and every value that is refused."""

from __future__ import annotations

from pathlib import Path

from twisted.trial.unittest import TestCase

from twim.config import DEFAULTS, MIB, SETTINGS, Config, ConfigError, read_config, shipped, variable

PROJECT = Path(__file__).parents[1]


class Reading(TestCase):
    """What is given, wherever."""

    def read(self, environ: dict[str, str] | None = None, **options: str | None) -> Config:
        return read_config({name.replace("_", "-"): value for name, value in options.items()}, environ or {})

    def write(self, text: str, encoding: str = "utf-8") -> str:
        path = Path(self.mktemp())
        path.write_text(text, encoding)
        return str(path)

    def test_defaults(self) -> None:
        """Nothing given is a server on port 8080 with everything in ./im-data."""
        config = self.read()
        data = Path.cwd() / "im-data"
        self.assertEqual(config.port, ("tcp:8080",))
        self.assertEqual(config.data, data)
        self.assertEqual(config.db, f"sqlite:///{data}/im.db")
        self.assertEqual(config.files, f"file://{data}/mnt")
        self.assertEqual(config.cluster_key, data / "cluster.key")
        self.assertEqual(config.bus, "alone")
        self.assertEqual((config.approve_friends, config.limits, config.upload_bytes), (False, True, 20 * MIB))
        self.assertEqual((config.views, config.asset), (PROJECT / "views", PROJECT / "asset"))
        self.assertEqual(config.proxies, frozenset())

    def test_everything_given(self) -> None:
        """Every setting can be given, and none is mistaken for another."""
        folder = self.mktemp()
        Path(folder).mkdir()
        config = self.read(
            port="tcp:1 tcp:2:interface=127.0.0.1",
            data=folder,
            db="mysql://u:p@h/n",
            bus="redis://h:1/2",
            cluster_key="k",
            files="s3://b/p?endpoint=http://h",
            views=folder,
            asset=folder,
            friend="approve",
            limits="off",
            upload_limit="3",
            proxies="127.0.0.1, ::1 unix",
        )
        path = Path(folder).absolute()
        self.assertEqual(config.port, ("tcp:1", "tcp:2:interface=127.0.0.1"))
        self.assertEqual((config.data, config.views, config.asset), (path, path, path))
        self.assertEqual((config.db, config.bus), ("mysql://u:p@h/n", "redis://h:1/2"))
        self.assertEqual(config.cluster_key, Path.cwd() / "k")
        self.assertEqual(config.files, "s3://b/p?endpoint=http://h")
        self.assertEqual((config.approve_friends, config.limits, config.upload_bytes), (True, False, 3 * MIB))
        self.assertEqual(config.proxies, {"127.0.0.1", "::1", "unix"})

    def test_who_wins(self) -> None:
        """The command line over the environment, that over the file, that over the defaults."""
        path = self.write("port = 'tcp:1'\nfriend = 'approve'\nlimits = 'off'\nupload-limit = 7\n")
        environ = {"TWIM_PORT": "tcp:2", "TWIM_FRIEND": "open", "OTHER": "x"}
        config = self.read(environ, config=path, port="tcp:3")
        self.assertEqual(config.port, ("tcp:3",))
        self.assertFalse(config.approve_friends)
        self.assertFalse(config.limits)
        self.assertEqual(config.upload_bytes, 7 * MIB)

    def test_file_named_by_the_environment(self) -> None:
        """TWIM_CONFIG is --config."""
        path = self.write("port = ['tcp:1', 'tcp:2']")
        self.assertEqual(self.read({"TWIM_CONFIG": path}).port, ("tcp:1", "tcp:2"))

    def test_same_names_everywhere(self) -> None:
        """Each setting is an option, a variable and a line of a file, and is documented."""
        page = (PROJECT / "docs" / "configuration.md").read_text("utf-8")
        for one in SETTINGS:
            self.assertIn(f"`{one.name}`", page)
            self.assertTrue(one.help)
        self.assertEqual(variable("upload-limit"), "TWIM_UPLOAD_LIMIT")
        self.assertEqual(len(DEFAULTS), len(SETTINGS))

    def assert_refused(self, *words: str, **given: str) -> None:
        with self.assertRaises(ConfigError) as caught:
            self.read(**given)
        text = str(caught.exception)
        self.assertNotIn("\n", text)
        for word in words:
            self.assertIn(word, text)

    def test_refused_values(self) -> None:
        """What can't be used is refused by a text that names the setting."""
        not_a_folder = self.write("")
        for name, value in [
            ("port", ""),
            ("port", "  "),
            ("data", ""),
            ("data", not_a_folder),
            ("data", "a\0b"),
            ("db", "mongo://h/n"),
            ("db", "im.db"),
            ("db", "sqlite://"),
            ("bus", "tcp://h"),
            ("bus", "udp://name:3000"),
            ("bus", "redis://"),
            ("bus", ""),
            ("files", "ftp://h/x"),
            ("files", "/var/files"),
            ("views", "/nowhere"),
            ("asset", not_a_folder),
            ("friend", "yes"),
            ("friend", ""),
            ("limits", "ON"),
            ("upload-limit", "0"),
            ("upload-limit", "-1"),
            ("upload-limit", "20 MiB"),
            ("upload-limit", "10241"),
            ("upload-limit", "²"),
            ("proxies", "proxy.lan"),
            ("proxies", "10.0.0.0/8"),
        ]:
            self.assert_refused(f"--{name}", **{name: value})

    def test_sqlite_is_no_cluster(self) -> None:
        """Two nodes on two SQLite files are no cluster: said at start, not found out later."""
        for bus in ("udp://127.255.255.255:3000", "redis://h"):
            for db in ("", "sqlite:////tmp/im.db"):
                with self.assertRaisesRegex(ConfigError, "--bus: nodes need one database"):
                    self.read(bus=bus, db=db, data=self.mktemp())

    def test_password_not_repeated(self) -> None:
        """A refused URL doesn't put its password into the log."""
        for name, value in [("bus", "redis://:secret@h/x"), ("db", "mongo://u:secret@h/n")]:
            with self.assertRaises(ConfigError) as caught:
                self.read(**{name: value})
            self.assertNotIn("secret", str(caught.exception))

    def test_refused_files(self) -> None:
        """A config file that is missing, broken, or says what can't be said is refused."""
        for text, word in [
            ("port == 1", "line 1"),
            ("prot = 'tcp:1'", "prot"),
            ("port = true", "port"),
            ("port = 1.5", "port"),
            ("port = [1]", "port"),
            ("[port]\nx = 1", "port"),
        ]:
            self.assert_refused("--config", word, config=self.write(text))
        self.assert_refused("--config", "No such file", config="/nowhere/x.toml")
        self.assert_refused("--config", "UTF-8", config=self.write("# \xe9", "latin-1"))

    def test_shipped(self) -> None:
        """The program's own folders are found, others are not."""
        self.assertEqual(shipped("views"), PROJECT / "views")
        self.assertRaises(ConfigError, shipped, "nowhere")
