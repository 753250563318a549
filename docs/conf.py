"""The documentation as a site: `make docs` builds it into docs/_build/html with Sphinx, without a warning."""

from __future__ import annotations

import re
import sys
from configparser import ConfigParser
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parents[1]
sys.path[:0] = [str(PROJECT), str(PROJECT / "docs")]

import rest_reference  # noqa: E402

from twim.access.http.openapi import openapi  # noqa: E402
from twim.access.http.site import AREAS  # noqa: E402

_setup = ConfigParser()
_setup.read(PROJECT / "setup.cfg", "utf-8")

project = "twim"
author = _setup["metadata"]["author"]
release = version = _setup["metadata"]["version"]
extensions = ["myst_parser"]
exclude_patterns = ["_build", "README.md"]
html_theme = "furo"
html_title = f"twim {version}"
html_copy_source = False
myst_heading_anchors = 4
myst_enable_extensions = ["colon_fence"]
# Blocks without a language are shell, HTTP and frames, of which no lexer is right for all.
highlight_language = "none"
suppress_warnings = ["misc.highlighting_failure"]

# Pages that are documents of the checkout's top folder, and the part of them that is wanted.
TOP = {
    "quick-start": "README.md",
    "architecture": "ARCHITECTURE.md",
    "contributing": "CONTRIBUTING.md",
    "changes": "CHANGELOG.md",
}
_WANTED = re.compile(r"<!-- quick start -->(.*)<!-- end of quick start -->", re.DOTALL)
_LINK = re.compile(r"(?<!!)\[([^\]]*)\]\((?!https?:|#)([^)#]*)(#[^)]*)?\)")


def _link(text: str, target: Path, anchor: str) -> str:
    """A link as the site has it. In a checkout documents link to the code, too: the site says where that is."""
    docs = PROJECT / "docs"
    page = next((name for name, top in TOP.items() if name != "quick-start" and target == PROJECT / top), None)
    if page is None and target.is_relative_to(docs) and target.suffix == ".md" and target.exists():
        page = str(target.relative_to(docs).with_suffix(""))
    if page is not None:
        # The name of a file says less than the title of its page.
        return f"[{'' if text.endswith('.md') else text}](/{page}.md{anchor})"
    path = str(target.relative_to(PROJECT))
    return text if path in text else f"{text} (`{path}`)"


def _read(app: Any, docname: str, source: list[str]) -> None:
    folder = (PROJECT / "docs" / docname).parent
    if docname in TOP:
        folder = PROJECT
        text = (PROJECT / TOP[docname]).read_text("utf-8")
        wanted = _WANTED.search(text)
        source[0] = source[0] + wanted[1] if wanted else text
    source[0] = _LINK.sub(lambda link: _link(link[1], (folder / link[2]).resolve(), link[3] or ""), source[0])
    if docname == "rest":
        source[0] = rest_reference.page(openapi(AREAS, version))
    if docname == "decisions/README":
        source[0] += "\n```{toctree}\n:hidden:\n:glob:\n\n*\n```\n"


def setup(app: Any) -> None:
    """Sphinx's hook."""
    app.connect("source-read", _read)
