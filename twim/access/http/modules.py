"""A script of the page and all that it imports, joined into one file: a browser asks once instead of sixty times.

Nothing is translated. Each module becomes a function that is called where the module would have been evaluated, so
names stay apart and the order is that of ECMAScript (ECMA-262, section 16.2.1.6). Joined are modules as ours are
written: imports and exports stand at the beginning of a line, exports have names, and no module awaits at its top or
imports itself over others. What is written otherwise is a `CannotJoin`, and a test joins every page's script.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable
from typing import Final

_IMPORT: Final = re.compile(r'^import (?:\{([^}]*)\} from |\* as (\w+) from )?"(\.\.?/[^"]+)";$', re.M)
_FROM: Final = re.compile(r'^export \{([^}]*)\} from "(\.\.?/[^"]+)";$', re.M)
_NAMED: Final = re.compile(r"^export \{([^}]*)\};$", re.M)
_DECLARED: Final = re.compile(r"^export ((?:async )?function\*? |class |const )(\w+)", re.M)
_LEFT: Final = re.compile(r"^(?:import\b|export\b|await\b|(?:const|let|var) [^=]*= \(?await\b).*", re.M)


class CannotJoin(ValueError):
    """A module that isn't written as ours are."""


def join_modules(entry: str, read: Callable[[str], str]) -> str:
    """The script of the module at path `entry`, whose text, as that of all it imports, `read` gives by the path."""
    joiner = _Joiner(read)
    joiner.add(entry, entry)
    return "\n".join(joiner.written)


class _Joiner:
    def __init__(self, read: Callable[[str], str]) -> None:
        self.written: list[str] = []
        self._read = read
        self._names: dict[str, str | None] = {}

    def add(self, path: str, importer: str) -> str:
        """Write the module, unless it is, and give the name by which it is known."""
        if path not in self._names:
            self._names[path] = None
            body = self._as_function(path, self._read(path))
            self._names[path] = name = f"$module{len(self.written)}"
            self.written.append(f"// {path}\nconst {name} = {body};")
        found = self._names[path]
        if found is None:
            raise CannotJoin(f"{path} and {importer} import each other")
        return found

    def _as_function(self, path: str, text: str) -> str:
        given: list[str] = []

        def module(other: str) -> str:
            return self.add(posixpath.normpath(posixpath.join(posixpath.dirname(path), other)), path)

        def imported(found: re.Match[str]) -> str:
            names, everything, other = found.groups()
            source = module(other)
            if names is not None:
                return f"const {{ {', '.join(f'{theirs}: {ours}' for theirs, ours in _pairs(names))} }} = {source};"
            return f"const {everything} = {source};" if everything else ""

        def passed_on(found: re.Match[str]) -> str:
            source = module(found[2])
            given.extend(f"{ours}: {source}.{theirs}" for theirs, ours in _pairs(found[1]))
            return ""

        def named(found: re.Match[str]) -> str:
            given.extend(f"{theirs}: {ours}" for ours, theirs in _pairs(found[1]))
            return ""

        def declared(found: re.Match[str]) -> str:
            given.append(found[2])
            return found[1] + found[2]

        # Imports in the order in which they stand: that is the order in which modules are evaluated.
        text = _FROM.sub(passed_on, _IMPORT.sub(imported, text))
        text = _DECLARED.sub(declared, _NAMED.sub(named, text))
        if left := _LEFT.search(text):
            raise CannotJoin(f"{path}: {left[0]}")
        return f"(() => {{\n{text}\nreturn {{ {', '.join(given)} }};\n}})()"


def _pairs(names: str) -> list[tuple[str, str]]:
    """`a, b as c` as [(a, a), (b, c)]."""
    pairs = []
    for one in filter(None, (name.strip() for name in names.split(","))):
        theirs, _, ours = one.partition(" as ")
        pairs.append((theirs.strip(), ours.strip() or theirs.strip()))
    return pairs
