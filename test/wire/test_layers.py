"""Each layer imports only what it may, and the wire works without Twisted."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from twisted.trial.unittest import TestCase

PROJECT = Path(__file__).parents[2]

WITHOUT_TWISTED = """
import sys, pkgutil, importlib

class Refusing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("twisted", "zope", "autobahn", "klein", "treq", "sqlalchemy"):
            raise ImportError("the wire imports " + name)

sys.meta_path.insert(0, Refusing())
import twim.wire
names = [one.name for one in pkgutil.walk_packages(twim.wire.__path__, "twim.wire.")]
for name in names:
    importlib.import_module(name)
print(len(names))
"""

# Before a name: those of our modules, or of the world, that it may not import.
FORBIDDEN = {
    "twim.wire": (
        "twisted",
        "autobahn",
        "klein",
        "sqlalchemy",
        "twim.access",
        "twim.logic",
        "twim.storage",
        "twim.cluster",
    ),
    "twim.logic": ("autobahn", "klein", "treq", "twisted.web", "sqlalchemy", "twim.access"),
    "twim.hub": ("autobahn", "klein", "treq", "twisted.web", "sqlalchemy", "twim.access", "twim.logic", "twim.cluster"),
    "twim.storage": ("autobahn", "klein", "twim.access", "twim.logic", "twim.cluster"),
    "twim.cluster": ("autobahn", "klein", "sqlalchemy", "twim.access", "twim.logic"),
    "twim.access": ("sqlalchemy",),
    "twim.internals": (
        "twim.access",
        "twim.logic",
        "twim.hub",
        "twim.storage",
        "twim.cluster",
        "twim.client",
        "twim.node",
        "twim.config",
    ),
    "twim.client": ("sqlalchemy", "klein", "twim.access", "twim.logic", "twim.storage", "twim.cluster"),
}


def modules(package: str = "twim") -> Iterator[tuple[str, ast.Module]]:
    """Every module below `package`, by its name."""
    for path in sorted(PROJECT.joinpath(*package.split(".")).rglob("*.py")):
        parts = path.relative_to(PROJECT).with_suffix("").parts
        yield ".".join(parts), ast.parse(path.read_text("utf-8"))


def imported(tree: ast.Module) -> Iterator[tuple[str, bool]]:
    """`(name, whether at the module's level)` of what a module imports, be it for type checkers only."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((one.name, node in tree.body) for one in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from ((f"{node.module}.{one.name}", node in tree.body) for one in node.names)


def below(name: str, package: str) -> bool:
    """Whether `name` is `package` or in it."""
    return name == package or name.startswith(package + ".")


class Layers(TestCase):
    """Which layer may know which."""

    def test_wire_without_twisted(self) -> None:
        """The wire's modules work where Twisted can't be imported: bytes in, values out."""
        done = subprocess.run(
            [sys.executable, "-c", WITHOUT_TWISTED],
            cwd=PROJECT,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertGreaterEqual(int(done.stdout), 4)

    def test_forbidden_imports(self) -> None:
        """No layer imports past its neighbour."""
        wrong = [
            f"{module} imports {name}"
            for package, banned in FORBIDDEN.items()
            for module, tree in modules(package)
            for name, _ in imported(tree)
            if any(below(name, one) for one in banned)
        ]
        self.assertEqual(wrong, [])

    def test_one_place_for_the_servers_websocket(self) -> None:
        """In the server only the upgrade and what relies on private parts of Autobahn know it."""
        found = {
            module
            for module, tree in modules()
            for name, _ in imported(tree)
            if below(name, "autobahn") and not (below(module, "twim.client") or below(module, "twim.internals"))
        }
        self.assertEqual(found, {"twim.access.websocket.upgrade"})

    def test_reactor_is_handed_in(self) -> None:
        """Only the module that starts the program imports the reactor, and not before it runs."""
        found = [
            (module, at_top)
            for module, tree in modules()
            for name, at_top in imported(tree)
            if name in ("twisted.internet.reactor", "twisted.internet.reactor.*")
        ]
        starting = {"twim.tap", "twim.service", "twim.command.reactor_thread"}
        self.assertEqual({module for module, _ in found} - starting, set())
        self.assertFalse(any(at_top for _, at_top in found))

    def test_no_default_thread_pool(self) -> None:
        """Threads are those of the storage, the files and the hasher; the reactor's pool is for name look-ups only."""
        for module, tree in modules():
            for name, _ in imported(tree):
                self.assertNotEqual(name, "twisted.internet.threads.deferToThread", module)
