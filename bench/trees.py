"""An earlier state of the repository, to be measured beside this one."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.servers import ROOT


@contextmanager
def checkout(revision: str, repository: Path = ROOT) -> Iterator[Path]:
    """A temporary worktree of `revision`, which is removed again. `SystemExit` if there is no such commit."""
    commit = resolve(revision, repository)
    with tempfile.TemporaryDirectory(prefix="twim-tree-") as name:
        tree = Path(name) / "tree"
        _git(repository, "worktree", "add", "--detach", str(tree), commit)
        try:
            yield tree
        finally:
            _git(repository, "worktree", "remove", "--force", str(tree))


def resolve(revision: str, repository: Path = ROOT) -> str:
    """The id of the commit that a revision names. `SystemExit` if there is none."""
    try:
        return _git(repository, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    except subprocess.CalledProcessError:
        raise SystemExit(f"{revision} is no commit of {repository}") from None


def _git(repository: Path, *arguments: str) -> str:
    command = ["git", "-C", str(repository), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
