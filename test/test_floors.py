"""Each package imports only from the floors below its own, and no modules import each other in a cycle. Imports for
type checkers count, too."""

from __future__ import annotations

import ast

from twisted.trial.unittest import SynchronousTestCase

from test.wire.test_layers import PROJECT, below, imported, modules
from twim.hub.outbox import Outbox

# From the lowest to the highest. A package may import from the floors below its own, and nothing of its own floor.
FLOORS = (
    ("twim.errors", "twim.logs", "twim.measures", "twim.pidfile", "twim.signals", "twim.stall"),
    ("twim.limits", "twim.trends"),
    ("twim.wire",),
    ("twim.internals",),
    ("twim.client",),
    ("twim.storage", "twim.cluster", "twim.outbound"),
    ("twim.hub", "twim.config", "twim.operator"),
    ("twim.logic", "twim.doctor"),
    ("twim.access",),
    ("twim.certificates", "twim.node"),
    ("twim.service",),
    ("twim.tap",),
    ("twim.command",),
    ("twim.__main__",),
)
FLOOR_OF = {package: number for number, floor in enumerate(FLOORS) for package in floor}
# These floors may import only this, besides `twim.errors` and `twim.wire`.
ONLY = {
    "twim.client": ("twim.internals",),
    "twim.hub": ("twim.limits", "twim.storage.interface"),
}


def graph() -> dict[str, set[str]]:
    """Which module of ours imports which others."""
    trees = {module.removesuffix(".__init__"): tree for module, tree in modules()}
    found: dict[str, set[str]] = {}
    for module, tree in trees.items():
        found[module] = set()
        for name, _ in imported(tree):
            if below(name, "twim"):
                while name not in trees:
                    name = name.rpartition(".")[0]
                found[module].add(name)
        found[module].discard(module)
    return found


def cycles(imports: dict[str, set[str]]) -> list[list[str]]:
    """The sets of modules that all import each other, directly or not."""
    reached: dict[str, set[str]] = {}
    for module in imports:
        seen: set[str] = set()
        todo = [module]
        while todo:
            new = imports[todo.pop()] - seen
            seen |= new
            todo += new
        reached[module] = seen
    found = {
        tuple(sorted(other for other in reached[one] if one in reached[other]))
        for one in imports
        if one in reached[one]
    }
    return sorted(map(list, found))


def package_of(module: str) -> str:
    """The package that has a floor: the first two names."""
    return ".".join(module.split(".")[:2])


class Floors(SynchronousTestCase):
    """Every module of `twim`."""

    def test_every_package_has_a_floor(self) -> None:
        """Every package has a floor."""
        self.assertEqual({package_of(one) for one in graph()} - {"twim"}, set(FLOOR_OF))

    def test_imports_go_down(self) -> None:
        """No package imports from its own floor or a higher one."""
        wrong = [
            f"{module} imports {name}"
            for module, names in graph().items()
            if module != "twim"
            for name in names
            if package_of(name) != package_of(module) and FLOOR_OF[package_of(name)] >= FLOOR_OF[package_of(module)]
        ]
        self.assertEqual(wrong, [])

    def test_only(self) -> None:
        """Some packages may import less than everything below them."""
        wrong = [
            f"{module} imports {name}"
            for package, allowed in ONLY.items()
            for module, names in graph().items()
            if below(module, package)
            for name in names
            if not any(below(name, one) for one in (package, "twim.errors", "twim.wire", *allowed))
        ]
        self.assertEqual(wrong, [])

    def test_no_cycles(self) -> None:
        """No modules import each other, directly or through others."""
        self.assertEqual(cycles(graph()), [])

    def test_cycles_are_found(self) -> None:
        """The search finds a cycle of two and one of three, and nothing else."""
        imports = {"a": {"b"}, "b": {"a", "c"}, "c": {"d"}, "d": {"e"}, "e": {"c", "f"}, "f": set[str]()}
        self.assertEqual(cycles(imports), [["a", "b"], ["c", "d", "e"]])


class OutboxTests(SynchronousTestCase):
    """Only one module writes into what waits for a device."""

    def test_nobody_else_touches_an_outbox(self) -> None:
        """Outside of `twim.hub.outbox` no private field of an outbox is mentioned, and no list of outboxes."""
        private = {name for name in Outbox.__slots__ if name.startswith("_")}
        wrong = []
        for path in PROJECT.joinpath("twim").rglob("*.py"):
            if path.name == "outbox.py":
                continue
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if not isinstance(node, ast.Attribute) or node.attr not in {*private, "to_write"}:
                    continue
                is_own = isinstance(node.value, ast.Name) and node.value.id == "self"
                if not is_own or path.name == "session.py":
                    wrong.append(f"{path}:{node.lineno}: {node.attr}")
        self.assertEqual(wrong, [])
