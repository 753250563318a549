"""The package's metadata is complete. That it installs and runs is tested in test/running."""

from __future__ import annotations

import re
from configparser import ConfigParser
from pathlib import Path

from twisted.trial.unittest import TestCase

PROJECT = Path(__file__).parents[1]


class Packaging(TestCase):
    """setup.cfg against the tree."""

    def setUp(self) -> None:
        self.setup = ConfigParser()
        self.setup.read(PROJECT / "setup.cfg", "utf-8")

    def test_every_package_is_listed(self) -> None:
        """A folder that isn't listed would be missing where twim is installed."""
        listed = set(self.setup["options"]["packages"].split())
        folders = {path.parent for path in (PROJECT / "twim").rglob("*.py")}
        found = {".".join(folder.relative_to(PROJECT).parts) for folder in folders}
        self.assertEqual(listed, found | {"twim.views", "twim.asset", "twisted.plugins"})

    def test_every_package_has_its_init(self) -> None:
        """Each folder of ours is a package; `twisted` and `twisted/plugins` aren't, since they would hide Twisted."""
        for folder in {path.parent for path in (PROJECT / "twim").rglob("*.py")}:
            self.assertTrue((folder / "__init__.py").exists(), folder)
        self.assertEqual(list((PROJECT / "twisted").rglob("__init__.py")), [])

    def test_running_tests_are_not_trials(self) -> None:
        """trial looks only into packages, so the tests of other runners must not be in one."""
        for name in ("running", "browser"):
            self.assertFalse((PROJECT / "test" / name / "__init__.py").exists())

    def test_every_package_used_is_required(self) -> None:
        """What twim imports is in install_requires, or in an extra where it is imported only when asked for."""
        required = self.setup["options"]["install_requires"].lower()
        extras = " ".join(self.setup["options.extras_require"].values()).lower()
        for name in ("twisted", "autobahn", "klein", "jinja2", "treq", "msgspec", "sqlalchemy", "argon2", "pillow"):
            self.assertIn(name, required)
        for name in ("pymysql", "psycopg", "txredisapi"):
            self.assertIn(name, extras)

    def test_frameworks_have_an_upper_bound(self) -> None:
        """Twisted and Autobahn have an upper bound, since a new major version may work differently inside."""
        for line in self.setup["options"]["install_requires"].split():
            if line.startswith(("twisted", "autobahn")):
                self.assertRegex(line, r">=\d+\.\d+,<\d+$")

    def test_constraints_pin_what_is_required(self) -> None:
        """requirements/*.txt name one version of each direct requirement, with hashes."""
        wanted = self.setup["options"]["install_requires"].split("\n")
        extras = "\n".join(self.setup["options.extras_require"].values()).split("\n")
        for file, names in (("run", wanted), ("test", wanted + extras)):
            pinned = (PROJECT / "requirements" / f"{file}.txt").read_text("utf-8")
            for name in filter(None, (re.split(r"[\[<>=]", one.strip())[0] for one in names)):
                self.assertRegex(pinned, rf"(?m)^{re.escape(name)}==\S+ .*\\\n    --hash=sha256:", name)

    def test_source_distribution_is_a_whole_checkout(self) -> None:
        """Whatever lies at the top of the checkout is in MANIFEST.in, or known not to belong into it."""
        manifest = set((PROJECT / "MANIFEST.in").read_text("utf-8").split())
        known = {"twim", "setup.cfg", "MANIFEST.in", ".git", ".github", ".gitignore"}
        made = set(re.findall(r"(?m)^/?([^/*\n]+)/?$", (PROJECT / ".gitignore").read_text("utf-8")))
        made |= {"_trial_temp", "_trial_temp.lock", "twim.egg-info", ".coverage"}
        found = {path.name for path in PROJECT.iterdir() if not path.name.startswith((".coverage.", "_trial_temp"))}
        self.assertEqual(found - manifest - known - made, set())
