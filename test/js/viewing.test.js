import assert from "node:assert/strict";
import { test } from "node:test";

import { Gallery } from "../../asset/js/page/talk/gallery.js";
import { MOST, WHOLE, bounded, pinched, zoomed } from "../../asset/js/page/talk/zoom.js";

const VIEW = { width: 1000, height: 800 };

test("what is under the pointer stays there while a picture grows and shrinks", () => {
  const point = { x: 100, y: -50 };
  const large = zoomed(WHOLE, 4, point);
  assert.deepEqual(large, { scale: 4, x: -300, y: 150 });
  assert.deepEqual(zoomed(large, 0.25, point), WHOLE);
  assert.deepEqual([zoomed(WHOLE, 1000).scale, zoomed(WHOLE, 0.001).scale], [MOST, 1]);
});

test("a picture is moved to its edges and no further", () => {
  const picture = { width: 600, height: 200 };
  assert.deepEqual(bounded({ scale: 1, x: 50, y: 50 }, picture, VIEW), { scale: 1, x: 0, y: 0 });
  assert.deepEqual(bounded({ scale: 2, x: 500, y: 50 }, picture, VIEW), { scale: 2, x: 100, y: 0 });
  assert.deepEqual(bounded({ scale: 8, x: -9999, y: -9999 }, picture, VIEW), { scale: 8, x: -1900, y: -400 });
});

test("two fingers enlarge and move it, as far as they part and go", () => {
  const before = [{ x: -50, y: 0 }, { x: 50, y: 0 }];
  assert.deepEqual(pinched(WHOLE, before, [{ x: -100, y: 0 }, { x: 100, y: 0 }]), { scale: 2, x: 0, y: 0 });
  assert.deepEqual(pinched({ scale: 2, x: 0, y: 0 }, before, [{ x: -30, y: 10 }, { x: 70, y: 10 }]), { scale: 2, x: 20, y: 10 });
  assert.ok(Number.isFinite(pinched(WHOLE, [{ x: 0, y: 0 }, { x: 0, y: 0 }], before).scale));
});

/** A conversation that holds the messages 81 to 100, every fifth a picture, and a server that has those before it, too. */
function rig(pages) {
  const asked = [];
  const rest = { call: async (path, fields) => { asked.push([path, fields.before]); return pages.shift(); } };
  const held = Array.from({ length: 20 }, (_, at) => ({ seq: 81 + at, media: (81 + at) % 5 ? 1 : 4 }));
  const gallery = new Gallery({ rest }, { scope: 10, dstid: 2, messages: () => held }, ({ media, recalled }) => media === 4 && !recalled);
  return { asked, gallery, held };
}

test("the pictures of a conversation are gone through in order, older ones a page at a time", async () => {
  const page = (next, ...seqs) => ({ rows: seqs.map((seq) => ({ seq, media: 4 })), next });
  const { asked, gallery, held } = rig([page(60, 85, 80, 62), page(40), page(0, 7)]);
  assert.equal((await gallery.beside(90, 1)).seq, 95);
  assert.equal((await gallery.beside(100, -1)).seq, 95);
  assert.equal(await gallery.beside(100, 1), null);
  assert.deepEqual(asked, []);
  assert.equal((await gallery.beside(85, -1)).seq, 80);
  assert.equal((await gallery.beside(80, -1)).seq, 62);
  assert.equal((await gallery.beside(62, 1)).seq, 80);
  assert.equal((await gallery.beside(62, -1)).seq, 7);
  assert.equal(await gallery.beside(7, -1), null);
  assert.deepEqual(asked, [["/message/files", 85], ["/message/files", 60], ["/message/files", 40]]);
  held[4].recalled = 1;
  assert.equal((await gallery.beside(90, -1)).seq, 80);
});

test("a page that can't be had is asked for again", async () => {
  const { gallery } = rig([Promise.reject(new Error("offline")), { rows: [{ seq: 3, media: 4 }], next: 0 }]);
  await assert.rejects(gallery.beside(85, -1), /offline/);
  assert.equal((await gallery.beside(85, -1)).seq, 3);
});
