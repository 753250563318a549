"""The client module inside a real browser, against scripted sockets and a clock that is advanced."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from test.running.server import Server

WORLD = Path(__file__).with_name("fake_world.js").read_text("utf-8")
Script = Callable[[str], Any]


@pytest.fixture(scope="module")
def script(chromium: Browser, server: Server) -> Iterator[Script]:
    """Runs the body of an async function that sees `World` and its companions, and gives what it returns."""
    context = chromium.new_context(base_url=server.url)
    page = context.new_page()
    page.route("**/fake_world.js", lambda route: route.fulfill(body=WORLD, content_type="text/javascript"))
    page.goto("/user/login.shtml")

    def run(body: str) -> Any:
        names = "World, settled, text, texts, dice, folded"
        return page.evaluate(
            f"""async () => {{
                const {{ {names} }} = await import("/fake_world.js");
                const world = new World();
                {body}
            }}"""
        )

    yield run
    context.close()


def test_catch_up_comes_first(script: Script) -> None:
    """The first frame says what this device has; only its answer makes the client online."""
    got = script(
        """
        world.conversations = [{ scope: 10, dstid: 2, seq: 5, read: 3, unread: 2, last: text(5) }];
        const client = world.client();
        client.start();
        await settled();
        world.socket.open();
        const before = [...client.states];
        world.socket.say({ cmd: 4, epoch: "e1", rows: [] });
        return { before, after: client.states, sent: world.socket.sent, url: world.socket.url,
                 unread: client.conversation(10, 2).unread };
        """
    )
    assert got["before"] == ["connecting"]
    assert got["after"] == ["connecting", "online"]
    assert got["sent"] == [{"cmd": 4, "epoch": "", "have": {"10:2": 5}}]
    assert got["url"] == "ws://test/chat"
    assert got["unread"] == 2


def test_after_a_loss_it_says_what_it_has(script: Script) -> None:
    """The second catch-up carries the epoch and the last message in order, and needs no REST call before."""
    got = script(
        """
        const client = await world.online();
        world.socket.say(text(1)); world.socket.say(text(2)); world.socket.say(text(4));
        const asked = world.asked.length;
        world.socket.lose();
        await world.clock.advance(1000);
        const asking = world.asked.slice(asked).filter(({ path }) => path.endsWith("conversations"));
        world.socket.open();
        return { sent: world.socket.sent, asking };
        """
    )
    assert got["sent"] == [{"cmd": 4, "epoch": "e1", "have": {"10:2": 2}}]
    assert got["asking"] == []


def test_order_and_repeats(script: Script) -> None:
    """Messages that overtake each other are told in order, each once."""
    assert script(
        """
        const client = await world.online();
        for (const seq of [2, 1, 1, 3, 2, 5, 4, 5, 3]) world.socket.say(text(seq));
        return client.seen;
        """
    ) == [f"10:2/{seq}" for seq in range(1, 6)]


def test_gap_is_fetched(script: Script) -> None:
    """What doesn't come by itself is fetched, once, and then what waited behind it is told."""
    got = script(
        """
        world.log.set("10:2", texts(1, 9));
        const client = await world.online();
        world.socket.say(text(1)); world.socket.say(text(8)); world.socket.say(text(9));
        const early = [...client.seen];
        await world.clock.advance(1000);
        return { early, seen: client.seen, asked: world.asked.filter(({ path }) => path.endsWith("history")) };
        """
    )
    assert got["early"] == ["10:2/1"]
    assert got["seen"] == [f"10:2/{seq}" for seq in range(1, 10)]
    assert [(ask["after"], ask["limit"]) for ask in got["asked"]] == [("1", "200")]


def test_gap_survives_a_refusal(script: Script) -> None:
    """While the storage is away the gap is asked for again and again."""
    assert script(
        """
        world.log.set("10:2", texts(1, 3));
        const client = await world.online();
        world.broken = true;
        world.socket.say(text(3));
        await world.clock.advance(8000);
        world.broken = false;
        await world.clock.advance(4000);
        return client.seen;
        """
    ) == ["10:2/1", "10:2/2", "10:2/3"]


def test_long_gap_starts_again(script: Script) -> None:
    """A conversation that ran far ahead is paged from its end, not fetched whole."""
    got = script(
        """
        world.log.set("10:2", texts(1, 900));
        const client = await world.online();
        world.socket.say(text(1));
        let restarted = 0;
        client.on("restarted", () => { restarted += 1; });
        world.socket.lose();
        await world.clock.advance(1000);
        await world.connected([{ scope: 10, dstid: 2, seq: 900, read: 1, more: true, last: text(900) }]);
        const conversation = client.conversation(10, 2);
        const more = await client.older(conversation);
        return { restarted, more, low: conversation.low, high: conversation.high, unread: conversation.unread };
        """
    )
    assert got == {"restarted": 1, "more": True, "low": 851, "high": 900, "unread": 899}


def test_unanswered_is_resent_with_the_same_cid(script: Script) -> None:
    """What was not answered when the connection broke goes again, under its own name, in its order."""
    got = script(
        """
        const client = await world.online();
        const first = world.socket;
        const cids = ["a", "b", "c"].map((content) => client.send(10, 2, { media: 1, content }));
        first.say({ cmd: 1, cid: cids[0], code: 0, scope: 10, dstid: 2, seq: 1, at: 7 });
        first.lose();
        await world.clock.advance(1000);
        await world.connected();
        const again = world.socket.of(10).map(({ cid }) => cid);
        world.socket.say({ cmd: 1, cid: cids[1], code: 0, scope: 10, dstid: 2, seq: 2, at: 8 });
        world.socket.say({ cmd: 1, cid: cids[2], code: 0, scope: 10, dstid: 2, seq: 3, at: 9 });
        world.socket.lose();
        await world.clock.advance(1000);
        await world.connected();
        return { cids, sent: first.of(10).map(({ cid }) => cid), again, third: world.socket.of(10), seen: client.seen,
                 left: world.storage.length };
        """
    )
    assert got["sent"] == got["cids"]
    assert got["again"] == got["cids"][1:]
    assert got["third"] == []
    assert got["seen"] == ["10:2/1", "10:2/2", "10:2/3"]
    assert got["left"] == 0
    assert len(set(got["cids"])) == 3
    assert all(len(cid) == 32 for cid in got["cids"])


def test_catch_up_answers_too(script: Script) -> None:
    """A message whose answer was lost is recognised when the catch-up brings it, and not sent again."""
    got = script(
        """
        const client = await world.online();
        const cid = client.send(10, 2, { media: 1, content: "a" });
        world.socket.lose();
        await world.clock.advance(1000);
        await settled();
        world.socket.open();
        world.socket.say({ cmd: 10, userid: 1, dstid: 2, media: 1, content: "a", cid, seq: 1, at: 5 });
        world.socket.say({ cmd: 4, epoch: "e1", rows: [] });
        return { sent: world.socket.of(10), seen: client.seen, waiting: client.waiting(10, 2).length };
        """
    )
    assert got == {"sent": [], "seen": ["10:2/1"], "waiting": 0}


def test_silent_server_is_asked_again(script: Script) -> None:
    """On an open connection a message without an answer goes again after some seconds."""
    got = script(
        """
        const client = await world.online();
        client.send(10, 2, { media: 1, content: "a" });
        await world.clock.advance(10000);
        const early = world.socket.of(10).length;
        await world.clock.advance(11000);
        return [early, world.socket.of(10).map(({ cid }) => cid)];
        """
    )
    assert got[0] == 1
    assert len(got[1]) == 2
    assert got[1][0] == got[1][1]


def test_unsent_outlives_the_page(script: Script) -> None:
    """What was written without a network is sent by the next page, once."""
    got = script(
        """
        const before = world.client();
        const cid = before.send(10, 2, { media: 1, content: "a" });
        before.drafts.set("10:2", "half a sen");
        const after = await world.online();
        const sent = world.socket.of(10);
        world.socket.say({ cmd: 1, cid, code: 0, scope: 10, dstid: 2, seq: 1, at: 7 });
        const third = await world.online();
        const other = world.client(9);
        return { cid, sent: sent.map(({ cid }) => cid), again: world.socket.of(10), draft: third.drafts.get("10:2"),
                 others: [other.waiting(10, 2), other.drafts.get("10:2")] };
        """
    )
    assert got["sent"] == [got["cid"]]
    assert got["again"] == []
    assert got["draft"] == "half a sen"
    assert got["others"] == [[], ""]


def test_refusals(script: Script) -> None:
    """A refusal stays and is told, until tried again or discarded; one that passes is waited out."""
    got = script(
        """
        const client = await world.online();
        const refused = [];
        client.on("refused", (entry) => refused.push(entry.error));
        const [bad, busy] = ["a", "b"].map((content) => client.send(10, 2, { media: 1, content }));
        world.socket.say({ cmd: 1, cid: bad, code: -1, msg: "not a friend" });
        world.socket.say({ cmd: 1, cid: busy, code: -6, msg: "storage unavailable" });
        await world.clock.advance(21000);
        const sent = world.socket.of(10).map(({ content }) => content);
        client.retry(bad);
        const retried = world.socket.of(10).at(-1).cid === bad;
        client.discard(bad);
        return { refused, sent, retried, left: client.waiting(10, 2).length };
        """
    )
    assert got == {"refused": ["not a friend"], "sent": ["a", "b", "b"], "retried": True, "left": 1}


def test_outbox_is_bounded(script: Script) -> None:
    """Too many or too large messages are refused at once, not dropped later."""
    assert script(
        """
        const client = world.client();
        const wrong = [];
        const attempt = (content) => {
          try { client.send(10, 2, { media: 1, content }); } catch (error) { wrong.push(error.name); }
        };
        attempt("x".repeat(70000));
        for (let sent = 0; sent < 201; sent++) attempt("a");
        return [wrong, client.waiting(10, 2).length];
        """
    ) == [["RangeError", "RangeError"], 200]


def test_backoff(script: Script) -> None:
    """Waits double up to a bound, each with a random half, and are short again after a success."""
    got = script(
        """
        const waits = {};
        for (const chance of [0, 1]) {
          const world = new World();
          const client = await world.online();
          waits[chance] = [];
          world.chance = chance;
          world.broken = true;
          world.socket.lose();
          for (let attempt = 0; attempt < 9; attempt++) {
            waits[chance].push(world.clock.wait);
            await world.clock.advance(world.clock.wait);
            if (world.socket.readyState === 0) world.socket.lose();
            await settled();
          }
          world.broken = false;
          await world.clock.advance(world.clock.wait);
          await world.connected();
          world.socket.lose();
          waits[chance].push(world.clock.wait);
        }
        return waits;
        """
    )
    doubled = [500, 1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000, 500]
    assert got["1"] == doubled
    assert got["0"] == [wait / 2 for wait in doubled]


def test_online_event_ends_the_wait(script: Script) -> None:
    """When the browser says the network is back, the next attempt is made at once."""
    got = script(
        """
        const client = await world.online();
        world.socket.lose();
        const before = world.sockets.length;
        world.events.dispatchEvent(new Event("online"));
        await settled();
        return [world.sockets.length - before, client.state];
        """
    )
    assert got == [1, "connecting"]


def test_dead_connection_is_noticed(script: Script) -> None:
    """A heartbeat without an answer ends the connection and another is opened; an answered one doesn't."""
    got = script(
        """
        const client = await world.online();
        const first = world.socket;
        await world.clock.advance(25000);
        const beats = first.of(0).length;
        first.say({ cmd: 0, at: 1 });
        await world.clock.advance(20000);
        const alive = client.state;
        await world.clock.advance(15500);
        return { beats, alive, closed: first.readyState, sockets: world.sockets.length };
        """
    )
    assert got == {"beats": 1, "alive": "online", "closed": 3, "sockets": 2}


def test_old_socket_is_not_heard(script: Script) -> None:
    """What a socket that was given up still says reaches nobody."""
    assert script(
        """
        const client = await world.online();
        const first = world.socket;
        first.lose();
        await world.clock.advance(1000);
        await world.connected();
        first.say(text(1));
        first.onclose({ code: 1006 });
        return [client.seen, client.state];
        """
    ) == [[], "online"]


def test_ended_login(script: Script) -> None:
    """When the server no longer knows the token the client stops and says so."""
    assert script(
        """
        const client = await world.online();
        let told = 0;
        client.on("unauthorized", () => { told += 1; });
        world.loggedOut = true;
        world.socket.lose();
        await world.clock.advance(1000);
        world.socket.lose();
        await world.clock.advance(60000);
        return [told, client.state, world.sockets.length];
        """
    ) == [1, "offline", 2]


def test_another_database(script: Script) -> None:
    """With another epoch everything held is forgotten; what waits is still sent."""
    got = script(
        """
        const client = await world.online();
        world.socket.say(text(1)); world.socket.say(text(2));
        let restarted = [];
        client.on("restarted", (conversation) => restarted.push(conversation ?? null));
        world.socket.lose();
        const cid = client.send(10, 2, { media: 1, content: "a" });
        await world.clock.advance(1000);
        await world.connected([{ scope: 10, dstid: 2, seq: 1, read: 0, last: text(1) }], { epoch: "e2", reset: true });
        const conversation = client.conversation(10, 2);
        const sent = world.socket.of(10).map((frame) => frame.cid);
        world.socket.lose();
        await world.clock.advance(1000);
        world.socket.open();
        return { restarted, high: conversation.high, held: conversation.size, sent: sent[0] === cid,
                 next: world.socket.sent[0] };
        """
    )
    assert got["restarted"] == [None]
    assert (got["high"], got["held"], got["sent"]) == (1, 0, True)
    assert got["next"] == {"cmd": 4, "epoch": "e2", "have": {"10:2": 1}}


def test_reading(script: Script) -> None:
    """Unread is arithmetic; reading is told once, by us or by another device; the peer's reading is kept."""
    got = script(
        """
        const client = await world.online();
        world.socket.say(text(1)); world.socket.say(text(2));
        const conversation = client.conversation(10, 2);
        const unread = [conversation.unread];
        client.read(conversation); client.read(conversation);
        unread.push(conversation.unread);
        world.socket.say(text(3));
        unread.push(conversation.unread);
        world.socket.say({ cmd: 6, scope: 10, dstid: 2, userid: 1, seq: 3 });
        unread.push(conversation.unread);
        world.socket.say({ cmd: 6, scope: 10, dstid: 2, userid: 2, seq: 2 });
        world.socket.say({ cmd: 6, scope: 10, dstid: 2, userid: 2, seq: 1 });
        return { unread, sent: world.socket.of(6), peer: conversation.peerread };
        """
    )
    assert got["unread"] == [2, 0, 1, 0]
    assert got["sent"] == [{"cmd": 6, "scope": 10, "dstid": 2, "seq": 2}]
    assert got["peer"] == 2


def test_lost_read_mark_is_told_again(script: Script) -> None:
    """A read mark that the server never got is told after the next catch-up."""
    assert script(
        """
        const client = await world.online();
        world.socket.say(text(1));
        world.socket.lose();
        client.read(client.conversation(10, 2));
        await world.clock.advance(1000);
        await world.connected([{ scope: 10, dstid: 2, seq: 1, read: 0, last: text(1) }]);
        return [world.socket.of(6), client.conversation(10, 2).unread];
        """
    ) == [[{"cmd": 6, "scope": 10, "dstid": 2, "seq": 1}], 0]


def test_sending_reads(script: Script) -> None:
    """My own message, from whichever device, leaves nothing unread before it."""
    assert (
        script(
            """
        const client = await world.online();
        world.socket.say(text(1));
        world.socket.say(text(2, { userid: 1, dstid: 2 }));
        return client.conversation(10, 2).unread;
        """
        )
        == 0
    )


def test_typing_is_throttled(script: Script) -> None:
    """Typing is told at most every three seconds."""
    assert (
        script(
            """
        const client = await world.online();
        for (let key = 0; key < 40; key++) { client.typing(10, 2); await world.clock.advance(100); }
        return world.socket.of(5).length;
        """
        )
        == 2
    )


def test_groups_and_notes_to_oneself(script: Script) -> None:
    """A message belongs to its group, to the peer, or to oneself."""
    assert script(
        """
        const client = await world.online();
        world.socket.say({ cmd: 11, userid: 2, dstid: 7, media: 1, seq: 1, at: 1 });
        world.socket.say({ cmd: 11, userid: 1, dstid: 7, media: 1, seq: 2, at: 2 });
        world.socket.say({ cmd: 10, userid: 1, dstid: 1, media: 1, seq: 1, at: 3 });
        world.socket.say({ cmd: 10, userid: 1, dstid: 2, media: 1, seq: 1, at: 4 });
        return [client.seen, client.conversations().map(({ scope, dstid }) => `${scope}:${dstid}`)];
        """
    ) == [["11:7/1", "11:7/2", "10:1/1", "10:2/1"], ["10:2", "10:1", "11:7"]]


def test_group_that_begins_while_the_list_is_read(script: Script) -> None:
    """A list that is older than a group's first message takes nothing from the page that shows it; a left one goes."""
    assert script(
        """
        const last = { cmd: 11, userid: 2, dstid: 5, media: 1, seq: 3, at: 1 };
        const client = await world.online(1, [{ scope: 11, dstid: 5, seq: 3, read: 3, last }]);
        const shown = [client.conversation(11, 7), client.conversation(11, 8)];
        const list = client.refresh();
        world.socket.say({ cmd: 11, userid: 2, dstid: 7, media: 1, seq: 1, at: 2 });
        await list;
        world.socket.say({ cmd: 11, userid: 2, dstid: 7, media: 1, seq: 2, at: 3 });
        world.socket.say({ cmd: 11, userid: 2, dstid: 8, media: 1, seq: 1, at: 4 });
        return [shown.map(({ high }) => high), client.conversations().map(({ dstid }) => dstid).sort()];
        """
    ) == [[2, 1], [7, 8]]


def test_nonsense_is_passed_over(script: Script) -> None:
    """Frames that are no JSON, no object, of an unknown cmd or without a seq disturb nothing."""
    assert script(
        """
        const client = await world.online();
        for (const frame of ["", "{", "[]", "null", "7", '"x"', { cmd: 99 }, {}, { cmd: 10 }, text("1"), text(1.5)])
          world.socket.say(frame);
        world.socket.say(text(1));
        return [client.seen, client.state];
        """
    ) == [["10:2/1"], "online"]


def test_without_random_uuid(script: Script) -> None:
    """A page without TLS has no crypto.randomUUID, and needs none."""
    assert (
        script(
            """
        Object.defineProperty(crypto, "randomUUID", { value: undefined, configurable: true });
        const cid = (await world.online()).send(10, 2, { media: 1, content: "a" });
        delete crypto.randomUUID;
        return cid.length;
        """
        )
        == 32
    )


def test_private_mode(script: Script) -> None:
    """A browser that refuses to store anything still sends."""
    assert (
        script(
            """
        world.storage.setItem = () => { throw new DOMException("full", "QuotaExceededError"); };
        const client = await world.online();
        client.send(10, 2, { media: 1, content: "a" });
        client.drafts.set("10:2", "b");
        return world.socket.of(10).length;
        """
        )
        == 1
    )


@pytest.mark.parametrize("seed", range(8))
def test_replayed_equals_loaded_afresh(script: Script, seed: int) -> None:
    """A client that was there shows what one that pages the history shows, whatever was edited, recalled, reacted."""
    assert script(
        f"""
        const roll = dice({seed} * 7919 + 1);
        const any = (list) => list[Math.floor(roll() * list.length)];
        const events = [];
        const recalled = (seq) => events.some(({{ media, ref }}) => media === 20 && ref === seq);
        const open = ({{ media, seq }}) => media === 1 && !recalled(seq); // the server refuses the rest
        for (let seq = 1; seq <= 160; seq++) {{
          const media = events.filter(open).length < 5 ? 1 : any([1, 1, 1, 20, 21, 22, 22, 22]);
          const ref = media === 1 ? undefined : any(events.filter(open)).seq;
          const content = media === 22 ? any(["", "x", "y"]) : `${{media}} ${{seq}}`;
          const mentions = media === 21 || media === 1 ? any([undefined, [1], [2, 3]]) : undefined;
          events.push({{ cmd: 11, userid: any([1, 2, 3]), dstid: 7, media, ref, content, mentions, seq, at: seq }});
        }}
        const there = await world.online();
        let cut = 0;
        for (const event of events) {{
          if (roll() < 0.04) {{ // the line breaks, and the catch-up brings what is folded by then
            cut += 1;
            world.socket.lose();
            await world.clock.advance(1000);
            await settled();
            world.socket.open();
            const have = world.socket.sent[0].have["11:7"] ?? 0;
            const now = folded(events.slice(0, event.seq + 3));
            for (const message of now.slice(have)) world.socket.say(message);
            world.socket.say({{ cmd: 4, epoch: "e1", rows: [] }});
          }} else if (roll() > 0.1) world.socket.say(event);
          world.log.set("11:7", folded(events.slice(0, event.seq)));
          if (roll() < 0.2) await world.clock.advance(1000);
        }}
        world.log.set("11:7", folded(events));
        world.socket.say(events.at(-1));
        await world.clock.advance(1000);
        const afresh = new World();
        afresh.log = world.log;
        afresh.conversations = [{{ scope: 11, dstid: 7, seq: 160, read: 0, last: events.at(-1) }}];
        const later = await afresh.online();
        while (await later.older(later.conversation(11, 7)));
        const told = (all) => Object.entries(all ?? {{}}).map(([emoji, users]) => [emoji, [...users].sort()]);
        const facts = ({{ seq, content, mentions, recalled, edited, reactions }}) =>
          JSON.stringify([seq, content, mentions, recalled, edited, told(reactions).sort()]);
        const shown = (client) => [...client.conversation(11, 7).messages()].map(facts);
        const [one, other] = [shown(there), shown(later)];
        const differ = one.map((line, at) => [line, other[at]]).filter(([a, b]) => a !== b);
        return {{ count: one.length > 20 && cut > 0, differ }};
        """
    ) == {"count": True, "differ": []}


STORE = """
    const asked = [];
    const uploading = (store) => {
      globalThis.XMLHttpRequest = class {
        upload = {}; headers = {};
        open(method, url) { Object.assign(this, { method, url }); }
        setRequestHeader(name, value) { this.headers[name] = value; }
        send(body) {
          asked.push([this.method, this.url, this.headers, body instanceof FormData ? "form" : "file"]);
          const server = this.url.endsWith("/attach/upload");
          this.status = server ? 200 : store;
          this.responseText = server ? JSON.stringify({ code: 0, msg: "", data: "/mnt/by-server.png" }) : "";
          queueMicrotask(() => (this.status ? this.onload() : this.onerror()));
        }
      };
    };
    const { Rest } = await import("/asset/js/im/rest.js");
    const signed = { code: 0, msg: "", data: "http://store/a.png", url: "http://store/a.png?signature", method: "PUT",
                     headers: { "Content-Type": "image/png", Host: "store" } };
    const fetch = async () => new Response(JSON.stringify(signed));
    const rest = new Rest({ base: "http://test", direct: true, fetch });
    const file = new File(["x"], "a.png", { type: "image/png" });
    const real = XMLHttpRequest;
"""


def test_upload_to_the_store(script: Script) -> None:
    """Where the server lets it, a file goes to the object store by the request that the server signed."""
    got = script(
        STORE
        + """
        uploading(200);
        const kept = await rest.upload(file);
        globalThis.XMLHttpRequest = real;
        return { kept, asked };
        """
    )
    assert got["kept"] == {"url": "http://store/a.png"}
    assert got["asked"] == [["PUT", "http://store/a.png?signature", {"Content-Type": "image/png"}, "file"]]


@pytest.mark.parametrize("status", [0, 403])
def test_store_out_of_reach(script: Script, status: int) -> None:
    """A store that refuses, or that this browser can't reach, is made up for by the server."""
    got = script(
        STORE
        + f"""
        uploading({status});
        const kept = await rest.upload(file);
        globalThis.XMLHttpRequest = real;
        return {{ kept, asked: asked.map(([, url]) => url) }};
        """
    )
    assert got["kept"] == {"url": "/mnt/by-server.png"}
    assert got["asked"] == ["http://store/a.png?signature", "http://test/attach/upload"]


def test_page_read_before_an_event(script: Script) -> None:
    """An event that happens while an older page is on its way is done to what the page brings."""
    assert (
        script(
            """
        world.conversations = [{ scope: 10, dstid: 2, seq: 3, read: 3, last: text(3) }];
        const client = await world.online();
        world.log.set("10:2", texts(1, 3));
        const page = client.older(client.conversation(10, 2));
        world.socket.say(text(4, { media: 21, ref: 2, content: "mended" }));
        await page;
        return client.conversation(10, 2).at(2).content;
        """
        )
        == "mended"
    )


def test_shown_before_anything_is_known(script: Script) -> None:
    """A page may open a conversation before the list has come: it is paged from its end all the same."""
    assert script(
        """
        world.conversations = [{ scope: 10, dstid: 2, seq: 120, read: 120, last: text(120) }];
        world.log.set("10:2", texts(1, 120));
        const client = world.client();
        const conversation = client.conversation(10, 2);
        let restarted = 0;
        client.on("restarted", () => { restarted += 1; });
        client.start();
        await world.connected();
        await world.clock.advance(2000);
        await client.older(conversation);
        return [restarted, conversation.low, conversation.high, client.seen.length];
        """
    ) == [1, 71, 120, 0]
