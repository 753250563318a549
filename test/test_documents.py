"""What documents and docstrings name exists."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

PROJECT = Path(__file__).parents[1]
DOCUMENTS = sorted([*PROJECT.glob("*.md"), *PROJECT.glob("docs/**/*.md"), *PROJECT.glob("bench/*.md")])
ABBREVIATED = ("internals", "access", "logic", "hub", "storage", "cluster", "client", "wire", "operator")
PATH = re.compile(rf"`(?:\.\./)*((?:(?:twim|test|bench|deploy|docs)|{'|'.join(ABBREVIATED)})/[\w/.-]*\w)`")
NAME = re.compile(r"(?<![\w./-])twim(?:\.[A-Za-z_]\w*)+(?![\w/])")


def docstrings() -> Iterator[tuple[str, str]]:
    """`(file, docstring)` of every module, class and function of ours."""
    for path in sorted([*PROJECT.glob("twim/**/*.py"), *PROJECT.glob("bench/*.py")]):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                yield str(path.relative_to(PROJECT)), ast.get_docstring(node) or ""


def texts() -> Iterator[tuple[str, str]]:
    """`(file, text)` of all documents and docstrings, except the changelog, which may name what is gone."""
    for path in DOCUMENTS:
        if path.name != "CHANGELOG.md":
            yield str(path.relative_to(PROJECT)), path.read_text("utf-8")
    yield from docstrings()


def is_there(path: str) -> bool:
    """Whether a file or folder of that path exists; modules may be named without `twim/` and without `.py`."""
    places = [PROJECT / path, PROJECT / "twim" / path]
    return any(place.exists() or place.with_name(f"{place.name}.py").exists() for place in places)


def names_something(name: str) -> bool:
    """Whether `name` is a module of ours, or an attribute of one."""
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        try:
            found: object = importlib.import_module(".".join(parts[:end]))
        except ModuleNotFoundError:
            continue
        for attribute in parts[end:]:
            if not hasattr(found, attribute):
                return False
            found = getattr(found, attribute)
        return True
    return False


class DocumentsTests(SynchronousTestCase):
    """After a module is moved or renamed the texts must be changed as well."""

    def test_paths(self) -> None:
        """Every path of a file or folder that a text names in backquotes exists."""
        named = {(file, path) for file, text in texts() for path in PATH.findall(text)}
        self.assertGreater(len(named), 50)
        self.assertEqual([one for one in sorted(named) if not is_there(one[1])], [])

    def test_dotted_names(self) -> None:
        """Every dotted name below `twim` is a module, or something in one."""
        named = {(file, name) for file, text in texts() for name in NAME.findall(text)}
        self.assertGreater(len(named), 20)
        self.assertEqual([one for one in sorted(named) if not names_something(one[1])], [])
