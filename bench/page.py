"""``python -m bench.page``: how long the chat page takes until it can be used, in Chromium and over a slow network.

A cold load is that of a browser that was never here; a warm load is that of a browser that has its cache. A page can be
used when it says that it is online: then its conversations are shown, and what is typed is sent. The protocol is
HTTP/1.1, as without a proxy in front. `--than TREE` measures another checkout alternately with this one.
"""

from __future__ import annotations

import argparse
import http.client
import json
import shutil
import tempfile
from pathlib import Path
from statistics import median
from urllib.parse import urlencode

from playwright.sync_api import Browser, BrowserContext, sync_playwright

from bench.delay import Delay
from bench.report import as_markdown, machine, write
from bench.servers import ROOT, Server, ours

RTT = 0.1
FRIENDS = 20
Load = tuple[float, int, float]
"""Seconds until the page was online, the number of requests, and kB that came over the network."""

# By the page's own clock, from the click on the link. It is read afterwards, so that reading it doesn't slow the page.
WATCH = """new MutationObserver(() => {
  if (document.querySelector(".state")?.dataset.state === "online") globalThis.onlineAt ??= performance.now();
}).observe(document, { subtree: true, childList: true, attributes: true });"""

COUNT = """() => {
  const all = [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")];
  return [all.filter((one) => one.transferSize > 0).length, all.reduce((sum, one) => sum + one.transferSize, 0) / 1000];
}"""


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser("python -m bench.page", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="loads of each, of which the median counts [5]")
    parser.add_argument("--than", type=Path, help="another checkout to measure alternately with this one")
    parser.add_argument("--write", action="store_true", help="put the results into bench/README.md")
    given = parser.parse_args()
    trees = {"this tree": ROOT} | ({"before": given.than.resolve()} if given.than else {})
    found: dict[str, list[tuple[Load, Load]]] = {name: [] for name in trees}
    with sync_playwright() as playwright, tempfile.TemporaryDirectory(prefix="twim-bench-") as folder:
        path = shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        for _ in range(given.rounds):
            for name, tree in trees.items():
                found[name].append(_measure(browser, tree, Path(tempfile.mkdtemp(dir=folder))))
        browser.close()
    rows = [["", *(f"{name}: {what}" for name in trees for what in ("ms", "requests", "kB"))]]
    for index, which in enumerate(("cold", "warm")):
        row = [which]
        for loads in found.values():
            seconds, requests, size = (median(load[index][part] for load in loads) for part in range(3))
            row += [f"{seconds * 1000:.0f}", f"{requests:.0f}", f"{size:.0f}"]
        rows.append(row)
    print(*("  ".join(f"{cell:>20}" for cell in row) for row in rows), sep="\n")
    if given.write:
        write("page", f"{as_markdown(rows)}\n\n{machine()}")


def _measure(browser: Browser, tree: Path, folder: Path) -> tuple[Load, Load]:
    with ours(folder, tree) as server, Delay(server.port, RTT) as far:
        cookie = _begin(server)
        context = browser.new_context(base_url=f"http://127.0.0.1:{far.port}")
        context.add_init_script(WATCH)
        context.add_cookies([{"name": "token", "value": cookie, "url": f"http://127.0.0.1:{far.port}"}])
        try:
            return _load(context), _load(context)
        finally:
            context.close()


def _begin(server: Server) -> str:
    """Make a user with friends who wrote something. Gives the user's cookie."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port)

    def ask(path: str, cookie: str = "", **fields: object) -> dict[str, dict[str, str]]:
        head = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": f"token={cookie}"}
        connection.request("POST", path, urlencode(fields), head)
        answer: dict[str, dict[str, str]] = json.loads(connection.getresponse().read())
        return answer

    people = [ask("/user/register", mobile=1_000 + one, passwd="a good password") for one in range(FRIENDS + 1)]
    me, *others = [one["data"] for one in people]
    for other in others:
        ask("/contact/addfriend", me["token"], dstid=other["id"])
    ask("/contact/createcommunity", me["token"], name="a group")
    connection.close()
    return me["token"]


def _load(context: BrowserContext) -> Load:
    page = context.new_page()
    page.goto("about:blank")
    page.goto("/chat/index.shtml", wait_until="commit")
    page.wait_for_selector(".state[data-state=online]", state="attached")
    page.wait_for_timeout(1_000)
    seconds = page.evaluate("onlineAt / 1000")
    requests, size = page.evaluate(COUNT)
    page.close()
    return seconds, requests, size


if __name__ == "__main__":
    main()
