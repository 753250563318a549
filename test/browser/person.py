"""What a person does in front of the chat page."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import BrowserContext, ConsoleMessage, Locator, Page, expect

NETWORK_NOISE = ("net::ERR_INTERNET_DISCONNECTED", "net::ERR_CONNECTION_REFUSED", "WebSocket connection to")
"""What a browser writes to its console when the network is away, which some tests want."""
NOBODY = "/user/find"
"""Answers 404 when nobody has a number, which a search for a mobile that might be an id expects."""


class Person:
    """One browser window. `errors` are what its page wrote to the console as errors."""

    def __init__(self, context: BrowserContext, name: str, mobile: str, shots: Path) -> None:
        self.context = context
        self.name = name
        self.mobile = mobile
        self.id = 0
        self.errors: list[str] = []
        self._shots = shots
        self.page = self.another_page()

    def another_page(self) -> Page:
        """Open another tab of the same person's browser."""
        page = self.context.new_page()
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.errors.append(f"{self.name}: {error}"))
        return page

    def _heard(self, message: ConsoleMessage) -> None:
        said = message.text
        expected = message.location["url"].endswith(NOBODY) or any(noise in said for noise in NETWORK_NOISE)
        if message.type == "error" and not expected:
            self.errors.append(f"{self.name}: {said} {message.location}")

    def register(self) -> None:
        """Register on the registration page and go on to the chat."""
        page = self.page
        page.goto("/user/register.shtml")
        page.fill("[name=mobile]", self.mobile)
        page.fill("[name=nickname]", self.name)
        page.fill("[name=passwd]", "a good password")
        page.click("[type=submit]")
        page.wait_for_url("**/chat/index.shtml*")
        self.online()
        self.id = page.evaluate("JSON.parse(document.body.dataset.me).id")

    def arrive(self) -> None:
        """Register by REST, without the page, and open the chat."""
        fields = {"mobile": self.mobile, "nickname": self.name, "passwd": "a good password"}
        answer = self.context.request.post("/user/register", form=fields)
        self.id = answer.json()["data"]["id"]
        self.page.goto("/chat/index.shtml")
        self.online()

    def become_friend(self, other: Person) -> None:
        """Make a friend by REST, without the page."""
        answer = self.context.request.post("/contact/addfriend", form={"dstid": str(other.id)})
        assert answer.json()["code"] == 0

    def online(self) -> None:
        """Wait until the page is connected."""
        expect(self.page.locator(".state")).to_have_attribute("data-state", "online")

    def panel(self, name: str) -> None:
        """Open one of the panels: chats, friends, groups or me."""
        self.page.click(f"[data-panel={name}]")

    def befriend(self, other: Person) -> None:
        """Find the other person by their mobile on the page and add them."""
        self.panel("friends")
        self.page.locator(".side-tools .round").last.click()
        dialog = self.page.locator("dialog")
        dialog.locator("[name=number]").fill(other.mobile)
        dialog.locator("[type=submit]").click()
        dialog.locator(".found .button").click()
        expect(dialog.locator(".found a.button")).to_be_visible()
        self.page.keyboard.press("Escape")
        expect(other.page.locator("[data-panel=friends]")).to_be_attached()

    def open(self, scope: int, dstid: int) -> None:
        """Open a conversation by the address of its page."""
        self.page.evaluate(f"location.hash = '#{scope}:{dstid}'")
        expect(self.input).to_be_visible()

    @property
    def input(self) -> Locator:
        """The field in which messages are written."""
        return self.page.locator(".composer-input")

    def say(self, text: str) -> None:
        """Write a message and send it by Enter, on a phone by the button."""
        self.input.fill(text)
        self.send()

    def send(self) -> None:
        """Send what is written."""
        if self.page.evaluate("matchMedia('(pointer: coarse)').matches"):
            self.page.click(".send")
        else:
            self.input.press("Enter")

    def open_emoji(self) -> None:
        """Open the emoji, on a phone from the sheet."""
        if self.page.locator(".compose-more").is_visible():
            self.page.click(".compose-more")
            self.page.click("[data-more=emoji]")
        else:
            self.page.locator(".composer-row .round").first.click()

    def attach(self, kind: str, *files: Path) -> None:
        """Choose files by the button for this kind ("picture", "camera", "file"), and send what is shown of them."""
        self.page.set_input_files(f"[data-choose={kind}]", list(files))
        expect(self.page.locator(".tray-item")).to_have_count(len(files))
        self.page.click(".send")

    def rows(self) -> Locator:
        """The rows of messages that the window shows."""
        return self.page.locator("li.message")

    def act(self, row: Locator, action: str) -> None:
        """Choose what is to be done with a message, named by its icon, from the menu of its row."""
        row.hover()
        row.locator("[data-action=more]").click()
        self.page.locator(f".message-menu [data-action={action}]").click()

    def texts(self) -> list[str]:
        """The texts of the messages in the window, in order."""
        return self.page.locator("li.message .text").all_inner_texts()

    def sees(self, text: str) -> Locator:
        """Wait for the message with this text and give its row."""
        row = self.page.locator("li.message", has=self.page.locator(".text", has_text=text))
        expect(row).to_have_count(1)
        return row

    def state_of(self, text: str, state: str) -> None:
        """Wait until the person's own message is shown in this state."""
        expect(self.sees(text)).to_have_attribute("data-state", state)

    def post(self, *messages: dict[str, object]) -> None:
        """Send messages by a client beside the page, and wait until all of them are answered."""
        self.page.evaluate(
            """(messages) => new Promise((done, failed) => {
                const socket = new WebSocket(location.origin.replace("http", "ws") + "/chat");
                let left = messages.length;
                const numbered = messages.map((message, at) => JSON.stringify({...message, id: at + 1}));
                socket.onopen = () => numbered.forEach((text) => socket.send(text));
                socket.onmessage = ({data}) => {
                    const {cmd, code, msg} = JSON.parse(data);
                    if (cmd === 1 && code) failed(new Error(msg));
                    if (cmd === 1 && --left === 0) { socket.close(); done(); }
                };
            })""",
            list(messages),
        )

    def offline(self, away: bool) -> None:
        """Take the network away, or give it back."""
        self.context.set_offline(away)

    def shot(self, name: str, full: bool = False) -> None:
        """Save a screenshot of the window, or of the whole page."""
        self._shots.mkdir(exist_ok=True)
        self.page.wait_for_timeout(250)  # only for the screenshot: fonts and pictures are loaded
        self.page.screenshot(path=self._shots / f"{name}.png", full_page=full)
