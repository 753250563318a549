"""The page's client counts unread messages as the server's list does, whatever happens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from test.browser.person import Person
from test.browser.test_client import Script, script

__all__ = ["script"]
PeopleOf = Callable[..., Person]

# A server that keeps a group's log and the mark of user 1, and gives the row of the list as the protocol describes it.
SERVER = """
    const events = [];
    let mark = 0;
    const names = ({ media, content, memo, mentions = [] }) =>
      media === 23 ? content === "removed" && memo === "1" : mentions.includes(0) || mentions.includes(1);
    const counts = (one) => {
      if (one.media === 23) return names(one);
      return one.userid !== 1 && !one.recalled && (one.media < 20 || one.media > 22);
    };
    const row = () => {
      const unread = folded(events).filter((one) => one.seq > mark && counts(one));
      const cap = (count) => Math.min(count, 1001);
      return { scope: 11, dstid: 7, seq: events.length, read: mark, unread: cap(unread.length),
        mentions: cap(unread.filter(names).length), last: events.at(-1) };
    };
    const publish = () => {
      world.log.set("11:7", folded(events));
      world.conversations = events.length ? [row()] : [];
    };
    const happen = (fields) => {
      const seq = events.length + 1;
      events.push({ cmd: 11, userid: 2, dstid: 7, media: 1, content: `${seq}`, seq, at: seq, ...fields });
      if (events.at(-1).userid === 1) mark = seq;
      publish();
      return events.at(-1);
    };
    const told = () => {
      const { unread, mentions } = client.conversation(11, 7);
      return [unread, mentions];
    };
    const wait = async (ms) => {
      await settled();
      await world.clock.advance(ms);
    };
    const right = () => [row().unread, row().mentions];
"""


def test_as_it_happens(script: Script) -> None:
    """Recalling an unread message lowers the count; what isn't a message of another person doesn't change it."""
    got = script(
        SERVER
        + """
        const client = await world.online();
        const steps = [{}, { mentions: [1] }, { mentions: [0] }, { media: 22, ref: 1, content: "x" },
          { media: 21, ref: 1, content: "y" }, { media: 21, ref: 1, content: "z", mentions: [1] },
          { media: 20, ref: 2 }, { media: 20, ref: 1 }, { media: 23, content: "renamed", memo: "1", userid: 3 },
          { media: 23, content: "removed", memo: "3", userid: 3 }, {}];
        const seen = [];
        for (const step of steps) {
          world.socket.say(happen(step));
          await settled();
          seen.push([told(), right()]);
        }
        return { seen, asked: world.asked.filter(({ path }) => path.endsWith("conversations")).length };
        """
    )
    assert [told for told, _ in got["seen"]] == [right for _, right in got["seen"]]
    assert [told[0] for told, _ in got["seen"]] == [1, 2, 3, 3, 3, 3, 2, 1, 1, 1, 2]
    assert got["asked"] == 1


def test_asks_where_it_cannot_know(script: Script) -> None:
    """After a recall among messages that mention me, or a mark in their middle, the client asks the server once."""
    got = script(
        SERVER
        + """
        for (const mentions of [[1], [2], [0], []]) happen({ mentions });
        const client = await world.online(1, [row()]);
        const before = world.asked.length;
        world.socket.say(happen({ media: 20, ref: 3 }));
        await wait(2000);
        const first = [told(), right()];
        mark = 2;
        publish();
        world.socket.say({ cmd: 6, scope: 11, dstid: 7, userid: 1, seq: 2 });
        await wait(2000);
        return { first, second: [told(), right()], asked: world.asked.length - before };
        """
    )
    assert got == {"first": [[3, 1], [3, 1]], "second": [[1, 0], [1, 0]], "asked": 2}


def test_a_list_read_before(script: Script) -> None:
    """Events after a list was read are applied to it, even though the list arrives later."""
    assert script(
        SERVER
        + """
        for (let count = 0; count < 4; count++) happen({});
        const client = await world.online(1, [row()]);
        const old = row();
        for (const step of [{}, { media: 20, ref: 2 }, { media: 20, ref: 5 }, { media: 22, ref: 1, content: "x" }]) {
          world.socket.say(happen(step));
        }
        world.conversations = [old];
        await client.refresh();
        return [told(), right()];
        """
    ) == [[3, 0], [3, 0]]


def test_more_than_a_thousand(script: Script) -> None:
    """Counts are exact up to 1,000, and right again when fewer are left."""
    assert script(
        SERVER
        + """
        for (let count = 0; count < 1003; count++) happen({});
        const client = await world.online(1, [row()]);
        const seen = [told()[0]];
        world.socket.say(happen({}));
        seen.push(told()[0]);
        for (let ref = 1; ref <= 5; ref++) world.socket.say(happen({ media: 20, ref }));
        await wait(2000);
        seen.push(told()[0], right()[0]);
        client.read(client.conversation(11, 7));
        seen.push(told()[0]);
        return seen;
        """
    ) == [1001, 1001, 999, 999, 0]


@pytest.mark.parametrize("seed", range(8))
def test_random(script: Script, seed: int) -> None:
    """After random events and losses, and whenever the list is loaded, client and server count the same."""
    got: list[Any] = script(
        f"const roll = dice({seed} * 104_729 + 7);"
        + SERVER
        + """
        const any = (list) => list[Math.floor(roll() * list.length)];
        const standing = () => folded(events).filter(({ media, recalled }) => media === 1 && !recalled);
        const say = () => {
          const media = standing().length < 3 ? 1 : any([1, 1, 1, 1, 20, 21, 22, 23]);
          const userid = any([1, 2, 2, 3, 3, 3, 3]);
          const notice = { content: any(["removed", "renamed"]), memo: any(["1", "2"]) };
          if (media === 23) return happen({ media, userid, ...notice });
          const mentions = media === 1 || media === 21 ? any([undefined, undefined, [1], [2, 3], [0, 1]]) : undefined;
          const ref = media === 1 ? undefined : any(standing()).seq;
          return happen({ media, userid: media === 20 ? any(standing()).userid : userid, ref, mentions });
        };
        for (let count = 0; count < 30; count++) say();
        const client = await world.online(1, [row()]);
        const heard = () => {
          for (const { seq } of world.socket.of(6)) if (seq <= events.length) mark = Math.max(mark, seq);
          publish();
        };
        const wrong = [];
        for (let step = 0; step < 250; step++) {
          const chance = roll();
          if (chance < 0.04) {
            world.socket.lose();
            for (let count = 0; count < 4; count++) say();
            await wait(2000);
            world.socket.open();
            const have = world.socket.sent[0].have["11:7"] ?? 0;
            const missed = folded(events).slice(have);
            for (const one of missed) world.socket.say(one);
            world.socket.say({ cmd: 4, epoch: "e1", rows: [row()] });
          } else if (chance < 0.1) {
            mark = Math.max(mark, Math.floor(roll() * events.length) + 1);
            publish();
            world.socket.say({ cmd: 6, scope: 11, dstid: 7, userid: 1, seq: mark });
          } else if (chance < 0.13) client.read(client.conversation(11, 7));
          else if (chance < 0.2) {
            const old = [row()];
            world.socket.say(say());
            world.conversations = old;
            await client.refresh();
          } else {
            const event = say();
            if (roll() > 0.1) world.socket.say(event);
          }
          heard();
          if (step % 5 === 0) {
            world.socket.say(say());
            for (let count = 0; count < 3; count++) {
              await world.clock.advance(2500);
              heard();
            }
            if (JSON.stringify(told()) !== JSON.stringify(right())) wrong.push([step, told(), right()]);
          }
        }
        return wrong;
        """
    )
    assert got == []


@pytest.mark.parametrize("phone", [False, True])
def test_badge(logged_out: PeopleOf, phone: bool) -> None:
    """The badge, the title and the mention mark follow recalls, edits and reactions, live and after a reload."""
    anna, bo = logged_out("Anna"), logged_out("Bo", phone=phone)
    anna.arrive()
    bo.arrive()
    anna.become_friend(bo)
    to_bo = {"cmd": 10, "dstid": bo.id}
    anna.post(to_bo | {"media": 1, "content": "one"}, to_bo | {"media": 1, "content": "two", "mentions": [bo.id]})
    row = bo.page.locator(f"[data-conversation='10:{anna.id}']")
    expect(row.locator(".badge")).to_have_text("2")
    expect(row.locator(".mentioned")).to_have_attribute("aria-label", "You are mentioned: 1")
    bo.shot(f"mentioned-{'phone' if phone else 'desktop'}")
    anna.post(to_bo | {"media": 22, "ref": 1, "content": "👍"}, to_bo | {"media": 21, "ref": 1, "content": "first"})
    expect(row.locator(".badge")).to_have_text("2")
    anna.post(to_bo | {"media": 20, "ref": 2})
    for _ in range(2):
        expect(row.locator(".badge")).to_have_text("1")
        expect(row.locator(".mentioned")).to_have_count(0)
        expect(bo.page).to_have_title("(1) twim")
        bo.page.reload()
    anna.post(to_bo | {"media": 20, "ref": 1})
    expect(row.locator(".badge")).to_have_count(0)
    expect(bo.page).to_have_title("twim")


def test_many(logged_out: PeopleOf) -> None:
    """More than a thousand are shown as such where there is space, and as 99+ in the badge."""
    anna, bo = logged_out("Anna"), logged_out("Bo")
    anna.arrive()
    bo.arrive()
    anna.become_friend(bo)
    anna.post(*[{"cmd": 10, "dstid": bo.id, "media": 1, "content": f"{count}"} for count in range(1, 1003)])
    row = bo.page.locator(f"[data-conversation='10:{anna.id}']")
    for _ in range(2):
        expect(bo.page).to_have_title("(1000+) twim")
        expect(row.locator(".badge")).to_have_text("99+")
        expect(row.locator(".badge")).to_have_attribute("aria-label", "1000+ unread")
        bo.page.reload()
    bo.shot("many-unread")
    recalls = [{"cmd": 10, "dstid": bo.id, "media": 20, "ref": ref} for ref in (1, 2, 3)]
    anna.post(*recalls)
    expect(bo.page).to_have_title("(999) twim")
