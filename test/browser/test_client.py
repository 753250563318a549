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
    """Run the body of an async function that has `World` and its companions, and give its result."""
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
    """The first frame says which messages this device has, and the client is online only after its answer."""
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
    assert got["url"] == "ws://test/chat?id=1"
    assert got["unread"] == 2


def test_after_a_loss_it_says_what_it_has(script: Script) -> None:
    """After a lost connection the catch-up names the epoch and the last message in order, and REST isn't asked
    before."""
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
    """Messages that arrive out of order are reported in order, each once."""
    assert script(
        """
        const client = await world.online();
        for (const seq of [2, 1, 1, 3, 2, 5, 4, 5, 3]) world.socket.say(text(seq));
        return client.seen;
        """
    ) == [f"10:2/{seq}" for seq in range(1, 6)]


def test_gap_is_fetched(script: Script) -> None:
    """A missing message is fetched once, and the messages that waited for it are reported after it."""
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
    """While the storage is unavailable, the client goes on asking for the missing messages."""
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
    """A conversation with very many missing messages is loaded page by page from its end, not fetched whole."""
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
    """Messages without an answer are sent again on the next connection, in order and with their old cids."""
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
                 left: Object.keys(world.kept()) };
        """
    )
    assert got["sent"] == got["cids"]
    assert got["again"] == got["cids"][1:]
    assert got["third"] == []
    assert got["seen"] == ["10:2/1", "10:2/2", "10:2/3"]
    assert got["left"] == ["im:who"]
    assert len(set(got["cids"])) == 3
    assert all(len(cid) == 32 for cid in got["cids"])


def test_catch_up_answers_too(script: Script) -> None:
    """A message whose answer was lost is recognised in the catch-up and not sent again."""
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
    """On an open connection a message without an answer is sent again after some seconds."""
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
    """Messages that were written without a network are sent once, by the page that is opened next."""
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
    """A refused message stays and is reported until it is tried again or discarded; a temporary refusal is waited
    out."""
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
    """What arrives on a socket that was given up is ignored."""
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
    """When the server doesn't know the token any more, the client stops and reports it."""
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
    """With another epoch the client forgets all messages, but still sends those that wait."""
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
    """Unread counts follow from read marks; reading is told once, by any device; the peer's mark is kept."""
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
        world.socket.say({ cmd: 6, scope: 10, dstid: 2, userid: 2, seq: 5 });
        world.socket.say({ cmd: 6, scope: 10, dstid: 2, userid: 2, seq: 4 });
        return { unread, sent: world.socket.of(6), peer: conversation.peerread };
        """
    )
    assert got["unread"] == [2, 0, 1, 0]
    assert got["sent"] == [{"cmd": 6, "scope": 10, "dstid": 2, "seq": 2}]
    assert got["peer"] == 5


def test_lost_read_mark_is_told_again(script: Script) -> None:
    """A read mark that didn't reach the server is sent after the next catch-up."""
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
    """After a message of my own, from any device, nothing before it is unread."""
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
    """A message is assigned to its group, to the peer, or to one's own chat."""
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
    """An outdated list removes no message that the page shows, and a group that was left disappears."""
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
    """Frames that are not JSON, not an object, of an unknown cmd or without a seq are ignored."""
    assert script(
        """
        const client = await world.online();
        for (const frame of ["", "{", "[]", "null", "7", '"x"', { cmd: 99 }, {}, { cmd: 10 }, text("1"), text(1.5)])
          world.socket.say(frame);
        world.socket.say(text(1));
        return [client.seen, client.state];
        """
    ) == [["10:2/1"], "online"]


@pytest.mark.parametrize("emoji", ["__proto__", "constructor", "toString", "1"])
def test_emoji_that_are_keys_of_objects(script: Script, emoji: str) -> None:
    """A reaction may be any text, also the name of an object's property; it can be taken back."""
    got = script(
        f"""
        const emoji = {emoji!r};
        const client = await world.online();
        const shown = () => Object.entries(client.conversation(10, 2).at(1).reactions);
        world.socket.say(text(1));
        world.socket.say(text(2, {{ media: 22, ref: 1, content: emoji }}));
        world.socket.say(text(3, {{ media: 22, ref: 1, content: emoji, userid: 1, dstid: 2 }}));
        const both = shown();
        world.socket.say(text(4, {{ media: 22, ref: 1, content: "" }}));
        world.socket.say(text(5));
        return {{ seen: client.seen, both, left: shown() }};
        """
    )
    assert got["seen"] == [f"10:2/{seq}" for seq in range(1, 6)]
    assert got["both"] == [[emoji, [2, 1]]]
    assert got["left"] == [[emoji, [1]]]


def test_broken_event_stops_nothing(script: Script) -> None:
    """An impossible event, a listener that throws or an odd frame doesn't stop what comes after it."""
    assert script(
        """
        console.error = () => null;
        const client = await world.online();
        const heard = [];
        client.on("message", () => { throw new Error("a listener's mistake"); });
        client.on("message", (conversation, { seq }) => heard.push(seq));
        world.socket.say(text(1, { reactions: { "👍": null } }));
        world.socket.say({ cmd: "constructor" });
        world.socket.say(text(2, { media: 22, ref: 1, content: "👍" }));
        world.socket.say(text(3));
        return heard;
        """
    ) == [1, 2, 3]


def test_quote_of_the_future(script: Script) -> None:
    """A quoted message that can't exist isn't asked for."""
    got = script(
        """
        const client = await world.online();
        world.socket.say(text(1));
        const asked = world.asked.length;
        const conversation = client.conversation(10, 2);
        const found = await Promise.all([2, 2 ** 53, -1, 1].map((seq) => client.one(conversation, seq)));
        return { found: found.map((message) => message?.seq ?? null), asked: world.asked.length - asked };
        """
    )
    assert got == {"found": [None, None, None, 1], "asked": 0}


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
    """Messages are sent also from a browser that refuses to store anything."""
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
    """A client that saw all edits, recalls and reactions shows the same as one that loads the history."""
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
    const signed = { code: 0, msg: "", data: "http://store/a.mp4", url: "http://store/a.mp4?signature", method: "PUT",
                     headers: { "Content-Type": "video/mp4", Host: "store" } };
    const fetch = async () => new Response(JSON.stringify(signed));
    const rest = new Rest({ base: "http://test", direct: true, fetch });
    const file = new File(["x"], "a.mp4", { type: "video/mp4" });
    const real = XMLHttpRequest;
"""


def test_upload_to_the_store(script: Script) -> None:
    """Where the server allows it, a file is sent to the object store by the request that the server signed."""
    got = script(
        STORE
        + """
        uploading(200);
        const kept = await rest.upload(file);
        globalThis.XMLHttpRequest = real;
        return { kept, asked };
        """
    )
    assert got["kept"] == {"url": "http://store/a.mp4"}
    assert got["asked"] == [["PUT", "http://store/a.mp4?signature", {"Content-Type": "video/mp4"}, "file"]]


def test_pictures_by_the_server(script: Script) -> None:
    """Pictures are sent to the server, which removes their metadata, also when name and type hide that they are
    pictures."""
    got = script(
        STORE
        + """
        uploading(200);
        const begins = (...bytes) => new File([new Uint8Array([...bytes, ...new Array(16).fill(1)])], "a.bin");
        const coded = (words) => [...words].map((each) => each.codePointAt(0));
        const ftyp = (brand) => begins(0, 0, 0, 0x18, ...coded("ftyp" + brand));
        const pictures = [new File(["x"], "a", { type: "image/heic" }), begins(0xff, 0xd8, 0xff),
          begins(0x89, ...coded("PNG")), begins(...coded("GIF89a")), begins(...coded("II*"), 0),
          begins(...coded("RIFF"), 10, 0, 0, 0, ...coded("WEBPVP8 ")),
          ...["avif", "avis", "heic", "heix", "hevc", "mif1", "msf1"].map(ftyp)];
        for (const one of pictures) await rest.upload(one);
        const pictured = asked.splice(0).map(([, url]) => url);
        const others = [ftyp("isom"), ftyp("qt  "), begins(...coded("%PDF")), new File([], "empty")];
        for (const one of others) await rest.upload(one);
        globalThis.XMLHttpRequest = real;
        return { pictured, count: pictures.length, others: asked.map(([, url]) => url) };
        """
    )
    assert got["pictured"] == ["http://test/attach/upload"] * got["count"]
    assert got["others"] == ["http://store/a.mp4?signature"] * 4


def test_settings(script: Script) -> None:
    """The server's settings are requested by GET, without a body."""
    got = script(
        """
        const { Rest } = await import("/asset/js/im/rest.js");
        const asked = [];
        const fetch = async (url, { method, body }) => {
          asked.push([method, url, body]);
          return new Response(JSON.stringify({ code: 0, msg: "", data: { upload_limit: 5 } }));
        };
        return { settings: await new Rest({ fetch }).settings(), asked };
        """
    )
    assert got == {"settings": {"upload_limit": 5}, "asked": [["GET", "/settings", None]]}


@pytest.mark.parametrize("status", [0, 403])
def test_store_out_of_reach(script: Script, status: int) -> None:
    """If the object store refuses or can't be reached, the file is sent to the server instead."""
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
    assert got["asked"] == ["http://store/a.mp4?signature", "http://test/attach/upload"]


def test_page_read_before_an_event(script: Script) -> None:
    """An event that happens while an older page is loading is applied to the messages of that page."""
    assert (
        script(
            """
        world.conversations = [{ scope: 10, dstid: 2, seq: 3, read: 3, last: text(3) }];
        const client = await world.online();
        world.log.set("10:2", texts(1, 3));
        const page = client.older(client.conversation(10, 2));
        world.socket.say(text(4, { media: 21, ref: 2, content: "edited" }));
        await page;
        return client.conversation(10, 2).at(2).content;
        """
        )
        == "edited"
    )


def test_shown_before_anything_is_known(script: Script) -> None:
    """A conversation may be opened before the list has been loaded, and is paged from its end."""
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


def test_names_its_user(script: Script) -> None:
    """Every request and socket names its user; with a token, another site is asked without our own header."""
    assert script(
        """
        const client = await world.online();
        await client.rest.call("/user/update", { memo: "x" });
        const elsewhere = world.client(7, { token: "t" });
        const here = world.client(7, { token: "t", base: "" });
        return { named: world.named, url: world.socket.url, elsewhere: elsewhere.rest.headers(),
                 here: here.rest.headers() };
        """
    ) == {
        "named": ["1", "1"],
        "url": "ws://test/chat?id=1",
        "elsewhere": {"Authorization": "Bearer t"},
        "here": {"Authorization": "Bearer t", "Twim-User": "7"},
    }


ENDING = {
    "a call": "await client.rest.call('/user/update', { memo: 'x' }).catch(() => null);",
    "a page of history": "await client.older(client.conversation(10, 2)).catch(() => null);",
    "coming back into view": "await world.clock.advance(2000); client.hurry(); await settled();",
    "writing": "await world.clock.advance(31_000); client.typing(10, 2); await settled();",
    "another page's log-in": "world.heard('9'); await settled();",
    "a lost connection": "for (const wait of [1000, 5000]) { world.socket.lose(); await world.clock.advance(wait); }",
}


@pytest.mark.parametrize("how", ENDING)
def test_somebody_else_is_logged_in(script: Script, how: str) -> None:
    """Once the client learns that another user is logged in, it ends, reports it once, and sends nothing more."""
    got = script(
        """
        const client = await world.online(1, [{ scope: 10, dstid: 2, seq: 8, read: 3, last: text(8), more: true }]);
        client.drafts.set("10:2", "half a sen");
        const cid = client.send(10, 2, { media: 1, content: "a" });
        let told = 0;
        client.on("other-user", () => { told += 1; });
        world.loggedIn = 9;
        """
        + ENDING[how]
        + """
        const [asked, sockets, events] = [world.asked.length, world.sockets.length, []];
        const socket = world.socket;
        const kept = world.kept();
        for (const name of ["state", "conversations", "message", "waiting", "unauthorized", "other-user", "read"]) {
          client.on(name, () => events.push(name));
        }
        const attempts = [() => client.start(), () => client.hurry(),
          () => client.send(10, 2, { media: 1, content: "b" }),
          () => client.retry(cid), () => client.discard(cid), () => client.read(client.conversation(10, 2)),
          () => client.typing(10, 2), () => client.drafts.set("10:2", "of another"), () => socket.say(text(9)),
          () => client.logOut().catch(() => null), () => client.refresh().catch(() => null),
          () => client.rest.upload(new File(["x"], "a")).catch(() => null),
          () => world.heard("9"), () => world.heard("-1")];
        for (const attempt of attempts) try { attempt(); } catch (error) { events.push(error.message); }
        await world.clock.advance(100_000);
        const after = world.client(1);
        return { told, state: client.state, open: socket.readyState < 2, events, asked: world.asked.length - asked,
                 sockets: world.sockets.length - sockets, kept: JSON.stringify(kept) === JSON.stringify(world.kept()),
                 back: [after.waiting(10, 2).map(({ message }) => message.content), after.drafts.get("10:2")] };
        """
    )
    assert got == {
        "told": 1,
        "state": "offline",
        "open": False,
        "events": ["the client has ended"],
        "asked": 0,
        "sockets": 0,
        "kept": True,
        "back": [["a"], "half a sen"],
    }


def test_answer_on_its_way(script: Script) -> None:
    """Answers that arrive after the client has ended are given to nobody."""
    assert script(
        """
        const client = await world.online();
        const asked = client.rest.rows("/contact/loadfriend").then(() => "given", (error) => error.otherUser);
        client.rest.end(Object.assign(new Error("ended"), { otherUser: true }));
        return asked;
        """
    )


def test_logging_out(script: Script) -> None:
    """Logging out first lists what is unsent, also by other pages, and then removes it, for this user only."""
    got = script(
        """
        const other = world.client(12);
        other.send(10, 2, { media: 1, content: "another's" });
        const [tab, client] = [world.client(), world.client()];
        tab.send(10, 3, { media: 1, content: "from the tab" });
        await world.clock.advance(1);
        client.send(10, 2, { media: 1, content: "a" });
        client.drafts.set("10:2", "half");
        const { messages, drafts } = client.unsent();
        await client.logOut();
        client.drafts.set("10:2", "again");
        return { messages: messages.map(({ message }) => message.content), drafts,
                 asked: world.asked.map(({ path }) => path),
                 left: Object.keys(world.kept()).map((name) => name.split(":", 2).join(":")),
                 who: world.storage.getItem("im:who") };
        """
    )
    assert got == {
        "messages": ["from the tab", "a"],
        "drafts": 1,
        "asked": ["/user/logout"],
        "left": ["im:12", "im:who"],
        "who": "-1",
    }


def test_logging_out_fails(script: Script) -> None:
    """While the server can't be reached, nobody is logged out: everything is kept and the client goes on."""
    assert script(
        """
        const client = await world.online();
        client.drafts.set("10:2", "half");
        world.broken = true;
        const why = await client.logOut().catch(({ status }) => status);
        world.broken = false;
        await world.clock.advance(1000);
        await world.connected();
        return [why, client.drafts.get("10:2"), client.state];
        """
    ) == [0, "half", "online"]


def test_logged_out_by_another_page(script: Script) -> None:
    """Logging out in one page logs out every page and removes what they kept. A login that ends in another way
    removes nothing."""
    got = script(
        """
        const ends = async (mark) => {
          world.loggedOut = false;
          const client = await world.online();
          let told = 0;
          client.on("unauthorized", () => { told += 1; });
          client.drafts.set("10:2", "half");
          world.loggedOut = true;
          if (mark) world.storage.setItem("im:who", mark);
          world.heard(mark);
          await settled();
          client.drafts.set("10:4", "later");
          return [told, client.state, world.client().drafts.get("10:2"), world.client().drafts.get("10:4")];
        };
        return [await ends(null), await ends("-1")];
        """
    )
    assert got == [[1, "offline", "half", "later"], [1, "offline", "", ""]]


def test_token_is_nobody_elses(script: Script) -> None:
    """A client with a token ignores who is logged in by the cookie, and doesn't tell others."""
    assert script(
        """
        const client = world.client(1, { token: "t" });
        client.start();
        await world.connected();
        world.events.dispatchEvent(Object.assign(new Event("storage"), { key: "im:who", newValue: "9" }));
        client.hurry();
        await settled();
        return [client.state, world.asked.map(({ path }) => path), world.storage.getItem("im:who"), world.socket.url];
        """
    ) == ["online", ["/message/conversations"], None, "ws://test/chat?id=1&token=t"]


def test_what_is_read_is_held(script: Script) -> None:
    """While the user reads older messages none are dropped, up to a bound; newer ones are loaded when the user
    returns."""
    got = script(
        """
        world.log.set("10:2", texts(20_001, 20_100));
        const client = await world.online();
        const conversation = client.conversation(10, 2);
        client.reading(conversation, true);
        for (let seq = 1; seq <= 20_100; seq++) conversation.receive(text(seq));
        const reading = [conversation.low, conversation.high, conversation.head];
        client.reading(conversation, false);
        await world.clock.advance(1000);
        return { reading, after: [conversation.low, conversation.high, conversation.head] };
        """
    )
    assert got == {"reading": [1, 20_000, 20_100], "after": [18_101, 20_100, 20_100]}


def test_missed_behind_the_reader(script: Script) -> None:
    """Messages that are missed while the user reads are fetched completely and in order, however many."""
    got = script(
        """
        world.log.set("10:2", texts(1, 900));
        const client = await world.online();
        world.socket.say(text(1));
        const conversation = client.conversation(10, 2);
        client.reading(conversation, true);
        let restarted = 0;
        client.on("restarted", () => { restarted += 1; });
        world.socket.lose();
        await world.clock.advance(1000);
        await world.connected([{ scope: 10, dstid: 2, seq: 900, read: 1, more: true, last: text(900) }]);
        await world.clock.advance(1000);
        return { restarted, low: conversation.low, high: conversation.high, seen: client.seen.length };
        """
    )
    assert got == {"restarted": 0, "low": 1, "high": 900, "seen": 900}


def test_reach(script: Script) -> None:
    """An old message is reached by one request, and left again for the newest ones when the reading ends."""
    got = script(
        """
        world.log.set("10:2", texts(1, 5_000));
        world.conversations = [{ scope: 10, dstid: 2, seq: 5_000, read: 1, unread: 1, last: text(5_000) }];
        const client = await world.online();
        const conversation = client.conversation(10, 2);
        client.reading(conversation, true);
        const asked = world.asked.length;
        const far = await client.reach(conversation, 900);
        const { low, high, apart } = conversation;
        const requests = world.asked.length - asked;
        client.reading(conversation, false);
        return { far, low, high, apart, requests, after: [conversation.low, conversation.high, conversation.apart] };
        """
    )
    assert got == {
        "far": True,
        "low": 875,
        "high": 924,
        "apart": True,
        "requests": 1,
        "after": [5_001, 5_000, False],
    }


def test_drafts_with_what_belongs_to_them(script: Script) -> None:
    """A draft is kept with the reply, edit or mentions that belong to it; drafts of earlier versions can be read."""
    got = script(
        """
        world.storage.setItem("im:1:drafts", JSON.stringify({ "10:2": "of old", "10:3": 7, "10:4": { text: 1 } }));
        const client = await world.online();
        const before = ["10:2", "10:3", "10:4", "10:5"].map((key) => client.drafts.get(key));
        client.drafts.change("10:2", { about: { kind: "reply" } });
        client.drafts.set("10:2", "");
        const about = client.drafts.of("10:2");
        client.drafts.change("10:2", { about: null });
        return { before, about, stored: Object.keys(JSON.parse(world.storage.getItem("im:1:drafts"))) };
        """
    )
    assert got["before"] == ["of old", "", "", ""]
    assert got["about"] == {"text": "", "about": {"kind": "reply"}}
    assert "10:2" not in got["stored"]
