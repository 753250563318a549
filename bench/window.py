"""``python -m bench.window``: whether the chat page stays quick with much in it, in Chromium.

Somebody with 500 conversations scrolls back through 10,000 messages of one of them, types a text there and sends it.
The page says by itself which of its tasks took longer than 50 ms (`PerformanceObserver`, "longtask") and how long each
key took until it was painted ("event"). On a machine that is busy with other things a task waits as well: its own CPU
time is taken from Chromium's trace. `--than TREE` measures another checkout after this one.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from bench.people import People, Return
from bench.report import as_markdown, machine, write
from bench.servers import ROOT, Server, ours

MESSAGES = 10_000
CHATS = 500
TYPED = "What is typed while ten thousand messages are held"
AT_ONCE = 500  # messages that are posted before their answers are awaited
SCROLL_SECONDS = 600
LONG = 50  # ms
TASKS = ("RunTask", "ThreadControllerImpl::RunTask")

WATCH = """globalThis.found = { tasks: [], keys: [], shown: 0 };
new PerformanceObserver((list) => found.tasks.push(...list.getEntries().map(({ duration }) => duration)))
  .observe({ type: "longtask", buffered: true });
const noteKeys = (list) => {
  for (const { name, duration } of list.getEntries()) if (name === "keydown") found.keys.push(duration);
};
new PerformanceObserver(noteKeys).observe({ type: "event", durationThreshold: 16 });
new MutationObserver((_, watcher) => {
  if (!document.querySelector("[data-conversation]")) return;
  watcher.disconnect();
  requestAnimationFrame(() => setTimeout(() => { found.shown = performance.now(); }));
}).observe(document, { subtree: true, childList: true });"""

POST = """([dstid, first, last]) => new Promise((done, failed) => {
  const socket = new WebSocket(location.origin.replace("http", "ws") + "/chat");
  let left = last - first + 1;
  socket.onopen = () => {
    for (let at = first; at <= last; at++) {
      const content = `message ${at} ` + "and some words of it ".repeat((at * 7) % 9);
      socket.send(JSON.stringify({ cmd: 10, dstid, media: 1, content, id: at }));
    }
  };
  socket.onmessage = ({ data }) => {
    const { cmd, code, msg } = JSON.parse(data);
    if (cmd === 1 && code) failed(new Error(msg));
    if (cmd === 1 && --left === 0) { socket.close(); done(); }
  };
})"""

# A wheel's notch, again and again; like a hand that never rests, and waits for a page when the top is reached.
SCROLL = """() => new Promise((done) => {
  const box = document.querySelector(".talk-scroll");
  let rows = 0, nodes = 0;
  const step = () => {
    const shown = document.querySelectorAll("li[data-seq]");
    rows = Math.max(rows, shown.length);
    if (shown.length > nodes) nodes = document.querySelectorAll("*").length;
    if (document.querySelector('li[data-seq="1"]')) return done([rows, document.querySelectorAll("*").length]);
    box.scrollTop -= 1200;
    return requestAnimationFrame(step);
  };
  step();
})"""


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser("python -m bench.window", description=__doc__)
    parser.add_argument("--messages", type=int, default=MESSAGES, help=f"messages scrolled back [{MESSAGES}]")
    parser.add_argument("--than", type=Path, help="another checkout to measure too")
    parser.add_argument("--write", action="store_true", help="put the results into bench/README.md")
    given = parser.parse_args()
    trees = {"this tree": ROOT} | ({"before": given.than.resolve()} if given.than else {})
    rows = [["", *trees]]
    with sync_playwright() as playwright, tempfile.TemporaryDirectory(prefix="twim-bench-") as folder:
        path = shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        found = [_measure(browser, tree, Path(tempfile.mkdtemp(dir=folder)), given.messages) for tree in trees.values()]
        browser.close()
    rows += [[name, *(f"{one[name]:,.0f}" for one in found)] for name in found[0]]
    print(*("  ".join(f"{cell:>52}" for cell in row) for row in rows), sep="\n")
    if given.write:
        write("window", f"{as_markdown(rows)}\n\n{machine()}")


def _measure(browser: Browser, tree: Path, folder: Path, messages: int) -> dict[str, float]:
    people = People(folder, CHATS, (), Return(CHATS, said=4, missed=2), tree)
    users = [line.split() for line in people.users.read_text().splitlines()]
    (friend, token), (me, mine) = users[0], users[-1]
    with ours(folder, tree) as server:
        _post(browser, server, token, int(me), messages)
        context = browser.new_context(base_url=f"http://127.0.0.1:{server.port}")
        context.add_init_script(WATCH)
        context.add_cookies([{"name": "token", "value": mine, "url": f"http://127.0.0.1:{server.port}"}])
        page = context.new_page()
        try:
            return _look(page, friend)
        finally:
            context.close()


def _look(page: Page, friend: str) -> dict[str, float]:
    page.goto("about:blank")
    watch = Watch(page)
    page.goto("/chat/index.shtml")
    page.wait_for_selector(".state[data-state=online]", state="attached")
    page.wait_for_function("() => found.shown > 0")
    page.wait_for_timeout(2_000)  # what follows the first picture is its own
    found = {f"{CHATS} chats: shown after, ms": float(page.evaluate("found.shown"))}
    found |= watch.tasks(f"{CHATS} chats: ")
    found["elements of the list of chats"] = page.locator(".side-body *").count()
    page.evaluate(f"location.hash = '#10:{friend}'")
    page.wait_for_selector("li[data-seq]")
    page.set_default_timeout(SCROLL_SECONDS * 1_000)
    watch.tasks("")
    most, nodes = page.evaluate(SCROLL)
    found |= {"scrolled back: rows in the page, at most": most, "scrolled back: elements of the page": nodes}
    found |= watch.tasks("scrolled back: ")
    page.locator(".composer-input").press_sequentially(TYPED, delay=40)
    page.wait_for_timeout(500)
    keys = sorted(page.evaluate("found.keys")) or [0]
    found |= {"typing: the slowest key until it is painted, ms": keys[-1]} | watch.tasks("typing: ")
    page.locator(".composer-input").press("Enter")
    page.wait_for_selector(f'li.message:has-text("{TYPED}")[data-seq]:not([data-seq=""])')
    page.wait_for_timeout(500)
    return found | watch.tasks("sending: ")


class Watch:
    """What the tasks of a page's main thread took."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._session = page.context.new_cdp_session(page)
        self._events: list[dict[str, Any]] = []
        self._ended = False
        self._session.on("Tracing.dataCollected", lambda part: self._events.extend(part["value"]))
        self._session.on("Tracing.tracingComplete", lambda _: self._end())
        self._begin()

    def tasks(self, what: str) -> dict[str, float]:
        """What was found since the last time."""
        self._session.send("Tracing.end")
        while not self._ended:
            self._page.wait_for_timeout(50)
        own = self._own()
        self._begin()
        tasks: list[float] = self._page.evaluate("found.tasks.splice(0)")
        return {
            f"{what}tasks over 50 ms": len(tasks),
            f"{what}the longest of them, ms": max(tasks, default=0),
            f"{what}tasks over 50 ms of CPU": sum(one > LONG for one in own),
            f"{what}the longest, ms of CPU": max(own, default=0),
        }

    def _begin(self) -> None:
        self._events, self._ended = [], False
        config = {"includedCategories": ["toplevel"]}
        self._session.send("Tracing.start", {"transferMode": "ReportEvents", "traceConfig": config})

    def _end(self) -> None:
        self._ended = True

    def _own(self) -> list[float]:
        """The CPU time of each task of the threads that draw pages, in ms."""
        names = [one for one in self._events if one["name"] == "thread_name"]
        main = {(one["pid"], one["tid"]) for one in names if one["args"]["name"] == "CrRendererMain"}
        tasks = [one for one in self._events if one["name"] in TASKS and (one["pid"], one["tid"]) in main]
        return [one.get("tdur", 0) / 1_000 for one in tasks]


def _post(browser: Browser, server: Server, token: str, to: int, messages: int) -> None:
    """Send messages as the friend, by the socket of a page that shows none of them."""
    address = f"http://127.0.0.1:{server.port}"
    context = browser.new_context(base_url=address)
    context.add_cookies([{"name": "token", "value": token, "url": address}])
    page = context.new_page()
    page.goto("/user/login.shtml")
    for first in range(1, messages + 1, AT_ONCE):
        page.evaluate(POST, [to, first, min(first + AT_ONCE - 1, messages)])
    context.close()


if __name__ == "__main__":
    main()
