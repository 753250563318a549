import assert from "node:assert/strict";
import { test } from "node:test";

import { Refused, Rest } from "../../asset/js/im/index.js";

/** A Rest whose requests are answered with `status` and `body`, what it asked, and of what its owner was told. */
function rig({ status = 200, body = { code: 0, msg: "" }, ...options } = {}) {
  const asked = [];
  const told = [];
  const fetch = async (address, { method, headers, body: form }) => {
    asked.push({ address, method, headers, fields: form && Object.fromEntries(form) });
    return new Response(typeof body === "string" ? body : JSON.stringify(body), { status });
  };
  const refused = (error) => told.push(error);
  return { asked, told, rest: new Rest({ base: "http://test", user: 1, token: "t", fetch, refused, ...options }) };
}

test("a call sends the fields that aren't null, and its token", async () => {
  const { asked, rest } = rig({ body: { code: 0, msg: "", data: { id: 3 } } });
  assert.deepEqual(await rest.data("/user/find", { id: 3, mobile: null, memo: undefined, sex: "" }), { id: 3 });
  const [{ address, method, headers, fields }] = asked;
  assert.deepEqual([address, method, fields], ["http://test/user/find", "POST", { id: "3", sex: "" }]);
  assert.deepEqual(headers, { Authorization: "Bearer t" });
});

test("a page that relies on its cookie says for whom it asks", async () => {
  const { asked, rest } = rig({ token: null });
  await rest.call("/user/find");
  assert.deepEqual(asked[0].headers, { "Twim-User": "1" });
});

test("rows are empty when the answer has none, and settings are asked by GET without a body", async () => {
  const { asked, rest } = rig({ body: { code: 0, msg: "", data: { upload_limit: 5 } } });
  assert.deepEqual(await rest.rows("/contact/loadfriend"), []);
  assert.deepEqual(await rest.settings(), { upload_limit: 5 });
  assert.deepEqual([asked[1].method, asked[1].fields], ["GET", null]);
});

for (const [status, code, what] of [[401, -2, "loggedOut"], [403, -8, "otherUser"]]) {
  test(`a refusal by ${status} and ${code} is ${what}, and its owner is told`, async () => {
    const { told, rest } = rig({ status, body: { code, msg: "no" } });
    const error = await rest.call("/a").catch((refused) => refused);
    assert.ok(error instanceof Refused && error[what] && error.message === "no");
    assert.deepEqual(told, [error]);
  });
}

test("another refusal is thrown with its code and status; an answer that is no JSON with its status", async () => {
  const wrong = rig({ status: 200, body: { code: -1, msg: "mobile taken" } });
  await assert.rejects(wrong.rest.call("/a"), { message: "mobile taken", code: -1, status: 200 });
  await assert.rejects(rig({ status: 502, body: "<html>" }).rest.call("/a"), { message: "answer 502", status: 502 });
  await assert.rejects(rig({ status: 413, body: "" }).rest.call("/a"), { message: "too large" });
  assert.deepEqual(wrong.told, []);
});

test("without a network the status is 0", async () => {
  const fetch = async () => { throw new TypeError("no network"); };
  await assert.rejects(rig({ fetch }).rest.call("/a"), { message: "no connection", status: 0 });
});

test("ended, it asks nothing more, and answers that were under way are refused", async () => {
  let answer = () => {};
  const fetch = () => new Promise((resolve) => { answer = () => resolve(new Response('{"code":0,"msg":""}')); });
  const { rest } = rig({ fetch });
  const underWay = rest.call("/a");
  const why = new Refused("please log in", { status: 401 });
  rest.end(why);
  answer();
  await assert.rejects(underWay, why);
  await assert.rejects(rest.call("/b"), why);
  await assert.rejects(rest.upload(new Blob(["x"])), why);
  assert.equal(rest.ending.aborted, true);
});
