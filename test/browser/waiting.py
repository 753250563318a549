"""Waiting for what only an asynchronous question to the page can tell."""

from __future__ import annotations

from playwright.sync_api import Page

PATIENCE = 30_000  # ms


def until(page: Page, condition: str, arg: object = None) -> None:
    """Wait until the async function `condition` gives true: `wait_for_function` takes the promise itself for that."""
    page.evaluate(
        f"""async ([arg, patience]) => {{
            const end = performance.now() + patience;
            while (!(await ({condition})(arg))) {{
                if (performance.now() > end) throw new Error("it didn't happen");
                await new Promise((done) => setTimeout(done, 50));
            }}
        }}""",
        [arg, PATIENCE],
    )
