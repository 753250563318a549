"""What the package says of itself is complete. That it installs and runs is tested in test/running."""

from __future__ import annotations

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
        """Each of our folders is a package; `twisted` and `twisted/plugins` are none, or they would hide Twisted."""
        for folder in {path.parent for path in (PROJECT / "twim").rglob("*.py")}:
            self.assertTrue((folder / "__init__.py").exists(), folder)
        self.assertEqual(list((PROJECT / "twisted").rglob("__init__.py")), [])

    def test_running_tests_are_not_trials(self) -> None:
        """trial looks only into packages: the tests of other runners must not be in one."""
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
