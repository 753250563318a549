"""Nothing outside `twim.internals` touches a private name of another library: found by reading the syntax trees, and
for methods that override private ones by importing every class."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
from collections.abc import Iterable, Iterator

from twisted.trial.unittest import SynchronousTestCase

import twim
from test.wire.test_layers import below, modules

# Names that are spelled as private and are public.
INTERNAL = frozenset(
    {"CONFIG_ATTRS", "current_frame", "inside_message", "wasNotCleanReason", "dataBuffer", "producerPaused"}
)
OF_NAMED_TUPLES = frozenset({"_make", "_replace", "_asdict", "_fields"})
LIBRARIES = frozenset({"twisted", "autobahn", "txaio", "klein", "treq", "sqlalchemy", "alembic", "zope", "werkzeug"})


def is_private(name: str) -> bool:
    """Whether a name begins with an underscore, but isn't one of Python's own."""
    return name.startswith("_") and not (name.startswith("__") and name.endswith("__"))


def defined(tree: ast.AST) -> Iterator[str]:
    """The names that a module defines: functions, classes, variables, and attributes that methods set."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and is_own(node.value):
            yield node.attr


def is_own(node: ast.expr) -> bool:
    """Whether this is `self` or `cls`."""
    return isinstance(node, ast.Name) and node.id in ("self", "cls")


def sources(tree: ast.AST) -> Iterator[str]:
    """The modules from which a module imports names: a class of theirs may be the base of one of its own."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def violations(module: str, tree: ast.AST, ours: set[str], inherited: Iterable[str] = ()) -> Iterator[str]:
    """Where a module touches what isn't ours. `ours` has every private name that some module of ours defines,
    `inherited` those of the modules that this one imports from."""
    here = {*defined(tree), *inherited}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            name = node.attr
            known = here if is_own(node.value) or isinstance(node.value, ast.Call) else ours
            if name in INTERNAL or (is_private(name) and name not in known | OF_NAMED_TUPLES):
                yield f"{module}:{node.lineno} {ast.unparse(node)}"
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.partition(".")[0] in LIBRARIES:
            for part in (*node.module.split("."), *(one.name for one in node.names)):
                if is_private(part):
                    yield f"{module}:{node.lineno} imports {node.module}, {part}"
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("getattr", "setattr", "hasattr"):
            name = node.args[1].value if isinstance(node.args[1], ast.Constant) else ""
            if name in INTERNAL or (isinstance(name, str) and is_private(name) and name not in ours):
                yield f"{module}:{node.lineno} {ast.unparse(node)}"


def overridden() -> Iterator[str]:
    """Private names of a class of ours that a class of a library, which it derives from, has too."""
    for found in pkgutil.walk_packages(twim.__path__, "twim."):
        if below(found.name, "twim.internals") or found.name.endswith("__main__"):
            continue
        try:
            module = importlib.import_module(found.name)
        except ImportError:  # of a library that is optional
            continue
        for ours in vars(module).values():
            if inspect.isclass(ours) and ours.__module__ == found.name:
                theirs = [one for one in ours.__mro__ if one.__module__.partition(".")[0] in LIBRARIES]
                for name in filter(is_private, vars(ours)):
                    yield from (f"{found.name}.{ours.__name__}.{name}" for one in theirs if name in vars(one))


class PrivateNames(SynchronousTestCase):
    """Private names of other libraries."""

    def test_used(self) -> None:
        """No attribute, import or `getattr` outside `twim.internals` uses a private name."""
        trees = dict(modules())
        names = {module: {name for name in defined(tree) if is_private(name)} for module, tree in trees.items()}
        ours = set().union(*names.values())
        found = [
            one
            for module, tree in trees.items()
            if not below(module, "twim.internals")
            for one in violations(module, tree, ours, set().union(*(names.get(one, set()) for one in sources(tree))))
        ]
        self.assertEqual(found, [])

    def test_overridden(self) -> None:
        """No method or attribute overrides a private name of a library's class."""
        self.assertEqual(list(overridden()), [])

    def test_seen(self) -> None:
        """The test above finds what it is for."""
        for line in (
            "reactor._poller",
            "self.transport._tempDataBuffer",
            "getattr(transport, '_networkProducer', None)",
            "from twisted.web._newclient import RequestNotSent",
            "protocol.CONFIG_ATTRS",
            "self._disconnected",
            "super()._closeConnection(True)",
        ):
            self.assertEqual(len(list(violations("m", ast.parse(line), set()))), 1, line)
        self.assertEqual(list(violations("m", ast.parse("def _own(self): self._own(self._x)\nself._x = 1"), set())), [])
