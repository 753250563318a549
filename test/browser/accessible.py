"""axe-core, which looks for what keeps people from using a page."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Page

from test.running.server import PROJECT

AXE = PROJECT / "node_modules" / "axe-core" / "axe.min.js"


def check_accessible(page: Page) -> None:
    """axe finds nothing of any impact, and nothing is wider than the window."""
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), page.url
    if not AXE.exists():
        pytest.skip("no axe-core: npm ci")
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text("utf-8"))
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    wrong = [(one["id"], [node["html"][:200] for node in one["nodes"]]) for one in found["violations"]]
    assert wrong == [], json.dumps(wrong, indent=1)
