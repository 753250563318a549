"""What only Unix has is imported in such a way that the program starts elsewhere."""

from __future__ import annotations

import ast

from twisted.trial.unittest import SynchronousTestCase

from test.internals.other_system import HIDDEN
from test.wire.test_layers import imported, modules


def at_once(tree: ast.Module) -> ast.Module:
    """The statements of a module that run when it is imported, without those that may fail."""
    return ast.Module([one for one in tree.body if not isinstance(one, ast.Try)], [])


class ImportsTests(SynchronousTestCase):
    """Every module of `twim`."""

    def test_guarded(self) -> None:
        """Modules that are missing on other systems are imported where their absence is caught."""
        wrong = [
            f"{module} imports {name}"
            for module, tree in modules()
            for name, _ in imported(at_once(tree))
            if name.partition(".")[0] in HIDDEN
        ]
        self.assertEqual(wrong, [])

    def test_guards_are_seen(self) -> None:
        """The search finds an import at the top, and not one in a `try`."""
        plain, guarded = "import fcntl", "try:\n    import fcntl\nexcept ImportError:\n    fcntl = None"
        found = [[name for name, _ in imported(at_once(ast.parse(text)))] for text in (plain, guarded)]
        self.assertEqual(found, [["fcntl"], []])

    def test_there_are_some(self) -> None:
        """Some modules use what others lack; else this would show nothing."""
        names = {name for _, tree in modules() for name, _ in imported(tree)}
        self.assertTrue({"fcntl", "resource", "pwd"} <= names)
