"""Make the Python package `twim-client` from the server's tree: its client alone, under a name of its own.

    python clients/python/build.py DIST

puts a wheel and a source distribution into the folder DIST. `twim.client` becomes `twim_client`, with the few modules
below it that it imports, so that both packages can be installed side by side.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from configparser import ConfigParser
from pathlib import Path

HERE = Path(__file__).parent
PROJECT = HERE.parents[1]
NEEDED = ("twisted", "autobahn", "treq", "msgspec")
"""The distributions that the client imports, and that setup.cfg has bounds for."""
# What else the client imports: modules of the server, and their places in the package.
BESIDE = {
    "errors.py": "errors.py",
    "wire/__init__.py": "wire/__init__.py",
    "wire/commands.py": "wire/commands.py",
    "wire/message.py": "wire/message.py",
    "internals/autobahn_client.py": "autobahn_client.py",
}


def renamed(text: str) -> str:
    """The text of a module with the names that it has in the package."""
    text = text.replace("twim.internals.autobahn_client", "twim_client.autobahn_client")
    return re.sub(r"\btwim\.(errors|wire)\b", r"twim_client.\1", text.replace("twim.client", "twim_client"))


def make_tree(folder: Path) -> None:
    """Write the package's source into an empty folder."""
    package = folder / "twim_client"
    (package / "wire").mkdir(parents=True)
    sources = {path: path.name for path in (PROJECT / "twim/client").glob("*.py")}
    sources |= {PROJECT / "twim" / source: place for source, place in BESIDE.items()}
    for path, place in sources.items():
        (package / place).write_text(renamed(path.read_text("utf-8")), "utf-8")
    (package / "py.typed").touch()
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(HERE / name, folder)
    shutil.copy(PROJECT / "LICENSE", folder)
    setup = ConfigParser()
    setup.read(PROJECT / "setup.cfg", "utf-8")
    (folder / "VERSION").write_text(setup["metadata"]["version"], "utf-8")
    required = setup["options"]["install_requires"].split()
    wanted = [line for line in required if re.split(r"[\[<>=]", line)[0] in NEEDED]
    (folder / "requirements.txt").write_text("\n".join(wanted), "utf-8")


def main() -> None:
    """Build it."""
    dist = Path(sys.argv[1]).absolute()
    with tempfile.TemporaryDirectory() as made:
        make_tree(Path(made))
        subprocess.run([sys.executable, "-m", "build", "--quiet", "--outdir", dist, made], check=True)


if __name__ == "__main__":
    main()
