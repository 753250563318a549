"""The settings: where they come from, which source wins, and every value that is refused."""

from __future__ import annotations

from pathlib import Path

from twisted.trial.unittest import TestCase

from twim.config import (
    DEFAULTS,
    MIB,
    SETTINGS,
    Config,
    ConfigError,
    read_config,
    shipped,
    unknown_variables,
    variable,
)

PROJECT = Path(__file__).parents[1]
NO_SITES = (
    *("*", "null", "https://*", "https://*.shop.example", "shop.example", "//shop.example", "ftp://shop.example"),
    *("https://shop.example/", "https://shop.example/chat", "https://shop.example?a", "https://shop.example#a"),
    *("https://user@shop.example", "https://", "https://shop.example:0", "https://shop.example:65536", "https://[::1]"),
    *("https://shop.example;", "'self'", "https:", "file:///a", "https://shop.example:"),
)
"""What no site is."""


class Reading(TestCase):
    """Settings from every source."""

    def read(self, environ: dict[str, str] | None = None, **options: str | None) -> Config:
        return read_config({name.replace("_", "-"): value for name, value in options.items()}, environ or {})

    def write(self, text: str, encoding: str = "utf-8") -> str:
        path = Path(self.mktemp())
        path.write_text(text, encoding)
        return str(path)

    def test_defaults(self) -> None:
        """Without settings it is a server on port 8080 with everything in ./im-data."""
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
        self.assertEqual((config.proxies, config.sites), (frozenset(), frozenset()))

    def test_everything_given(self) -> None:
        """Every setting can be given, and each sets its own field."""
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
            proxies="127.0.0.1, ::1 unix 10.0.0.0/8 ::ffff:192.0.2.1 2001:DB8::/32",
            name=" The Office ",
            monitors="192.0.2.9,10.1.0.0/16",
            sites="https://Shop.example:443, http://localhost:3000 http://127.0.0.1:80",
            hsts="60",
            log_format="json",
            log_file="im.log",
            log_size="3",
            log_count="2",
            signup="approve",
            find="id",
            group_invites="members",
        )
        path = Path(folder).absolute()
        self.assertEqual(config.port, ("tcp:1", "tcp:2:interface=127.0.0.1"))
        self.assertEqual((config.data, config.views, config.asset), (path, path, path))
        self.assertEqual(config.name, "The Office")
        self.assertEqual((config.db, config.bus), ("mysql://u:p@h/n", "redis://h:1/2"))
        self.assertEqual((config.monitors, config.hsts), ({"192.0.2.9", "10.1.0.0/16"}, 60))
        self.assertEqual(config.sites, {"https://shop.example", "http://localhost:3000", "http://127.0.0.1"})
        self.assertEqual((config.log_json, config.log_file), (True, "im.log"))
        self.assertEqual((config.log_bytes, config.log_count), (3 * MIB, 2))
        self.assertEqual(config.cluster_key, Path.cwd() / "k")
        self.assertEqual(config.files, "s3://b/p?endpoint=http://h")
        self.assertEqual((config.approve_friends, config.limits, config.upload_bytes), (True, False, 3 * MIB))
        live = {
            "signup": "approve",
            "friend": "approve",
            "group": "open",
            "find": "id",
            "group_invites": "members",
            "name": "The Office",
            "upload_limit": "3",
        }
        self.assertEqual((config.live, config.fixed), (live, set(live) - {"group"}))
        networks = {"10.0.0.0/8", "192.0.2.1", "2001:db8::/32"}
        self.assertEqual(config.proxies, {"127.0.0.1", "::1", "unix"} | networks)

    def test_who_wins(self) -> None:
        """The command line wins over the environment, that over the file, and that over the defaults."""
        path = self.write("port = 'tcp:1'\nfriend = 'approve'\nlimits = 'off'\nupload-limit = 7\n")
        environ = {"TWIM_PORT": "tcp:2", "TWIM_FRIEND": "open", "OTHER": "x"}
        config = self.read(environ, config=path, port="tcp:3")
        self.assertEqual(config.port, ("tcp:3",))
        self.assertFalse(config.approve_friends)
        self.assertFalse(config.limits)
        self.assertEqual(config.upload_bytes, 7 * MIB)

    def test_file_named_by_the_environment(self) -> None:
        """TWIM_CONFIG has the effect of --config."""
        path = self.write("port = ['tcp:1', 'tcp:2']")
        self.assertEqual(self.read({"TWIM_CONFIG": path}).port, ("tcp:1", "tcp:2"))

    def test_same_names_everywhere(self) -> None:
        """Each setting is an option, a variable and a line of a file, and is documented."""
        page = (PROJECT / "docs" / "configuration.md").read_text("utf-8")
        limits = (PROJECT / "docs" / "limits.md").read_text("utf-8")
        for one in SETTINGS:
            self.assertTrue(f"`{one.name}`" in page or f"`--{one.name}`" in limits, one.name)
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
        """A value that can't be used is refused with a text that names the setting."""
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
            ("proxies", "10.0.0.1/8"),
            ("proxies", "10.0.0.0/33"),
            ("proxies", "10.0.0.1%eth0"),
            ("monitors", "unix"),
            *[("sites", one) for one in NO_SITES],
            ("monitors", "10.0.0.1/8"),
            ("hsts", "-1"),
            ("hsts", "63072001"),
            ("hsts", "a year"),
            ("log_format", "xml"),
            ("log_size", "0"),
            ("log_size", "10241"),
            ("log_size", "1.5"),
            ("log_count", "0"),
            ("log_count", "1001"),
            ("name", ""),
            ("name", "  "),
            ("name", "a\nb"),
            ("name", "\u202ebmiwt"),
            ("name", "x" * 61),
        ]:
            self.assert_refused(f"--{name.replace('_', '-')}", **{name: value})

    def test_sqlite_is_no_cluster(self) -> None:
        """Two nodes on two SQLite files are no cluster: this is refused at the start."""
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
        """A config file that is missing, broken, or has unknown lines is refused."""
        for text, word in [
            ("port == 1", "line 1"),
            ("prot = 'tcp:1'", "prot (did you mean port?)"),
            ("upload_limit = 3", "upload_limit (did you mean upload-limit?)"),
            ("zzz = 3", "zzz"),
            ("port = true", "port"),
            ("port = 1.5", "port"),
            ("port = [1]", "port"),
            ("[port]\nx = 1", "port"),
        ]:
            self.assert_refused("--config", word, config=self.write(text))
        self.assert_refused("--config", "No such file", config="/nowhere/x.toml")
        self.assert_refused("--config", "UTF-8", config=self.write("# \xe9", "latin-1"))

    def test_unknown_variables(self) -> None:
        """Variables that look like settings are reported with the nearest name; settings and variables of tests
        aren't."""
        environ = {
            "TWIM_PORT": "tcp:1",
            "TWIM_CONFIG": "x",
            "TWIM_TEST_NO_SKIP": "1",
            "OTHER": "x",
            "TWIM_UPLOAD_LIMITS": "3",
            "TWIM_SERVICE_HOST": "10.0.0.7",
        }
        found = unknown_variables(environ)
        self.assertEqual(len(found), 2)
        self.assertTrue(found[0].startswith("TWIM_SERVICE_HOST"))
        self.assertEqual(found[1], "TWIM_UPLOAD_LIMITS (did you mean TWIM_UPLOAD_LIMIT?)")

    def test_variable_of_an_orchestrator(self) -> None:
        """A variable that Kubernetes sets for a service named twim isn't taken for the setting of that name."""
        environ = {"TWIM_PORT": "tcp://10.0.0.7:8080"}
        self.assertEqual(self.read(environ).port, ("tcp:8080",))
        self.assertEqual(unknown_variables(environ), ["TWIM_PORT=tcp://10.0.0.7:8080"])

    def test_shipped(self) -> None:
        """The program's own folders are found, others are not."""
        self.assertEqual(shipped("views"), PROJECT / "views")
        self.assertRaises(ConfigError, shipped, "nowhere")
