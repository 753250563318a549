// A shop on Express whose customers chat in its page, with a bot that answers. `npm install express`, then
//
//   twim run --sites http://localhost:8000 --webhooks private
//   TWIM_KEY=twk_… node express_host.js            // the key is one of `twim key create shop`

import { createHmac, randomUUID, timingSafeEqual } from "node:crypto";
import express from "express";

const CHAT = process.env.TWIM_URL ?? "http://localhost:8080";
const PORT = Number(process.env.PORT ?? 8000);
const heard = []; // the texts of the shop's messages
const sessions = new Map(); // what is known of a customer, by the cookie

/** Call the chat server's `/api/v1`. */
async function chat(method, path, body) {
  const headers = { Authorization: `Bearer ${process.env.TWIM_KEY}`, "Content-Type": "application/json" };
  const answer = await fetch(`${CHAT}/api/v1/${path}`, { method, headers, body: body && JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${method} ${path}: ${await answer.text()}`);
  return answer.json();
}

/** Post into the shop's group as its bot. */
const post = (content) => chat("POST", "messages", { from: "bot", to: { group: "shop" }, content });

function page({ token, group } = {}) {
  const head = "<!doctype html><title>Shop</title><h1>Shop</h1>";
  if (!token)
    return `${head}<form method="post" action="/login">Name <input name="name"> <button>Log in</button></form>`;
  return `${head}<p>Heard of <b id="heard">${heard.length}</b> messages.</p>
    <script type="module" src="${CHAT}/embed.js" data-token="${token}" data-group="${group}"></script>`;
}

const app = express();
app.get("/", (request, response) => {
  const cookie = /(?:^|; )shop=([^;]+)/.exec(request.headers.cookie ?? "");
  response.set("Cache-Control", "no-store").send(page(cookie ? sessions.get(cookie[1]) : undefined));
});

// Here a real shop asks for a password. Its customer is made in the chat at first sight.
app.post("/login", express.urlencoded({ extended: false }), async (request, response) => {
  const { name } = request.body;
  const user = `customer-${Buffer.from(name).toString("hex").slice(0, 50)}`;
  await chat("PUT", `users/${user}`, { nickname: name });
  await chat("PUT", `groups/shop/members/${user}`);
  const { data: group } = await chat("GET", "groups/shop");
  const { data: device } = await chat("POST", `users/${user}/token`);
  const id = randomUUID();
  sessions.set(id, { token: device.token, group: group.id });
  await post(`Welcome, ${name}!`);
  response.cookie("shop", id, { httpOnly: true, sameSite: "lax" }).redirect("/");
});

// The chat server tells what was said.
app.post("/events", express.raw({ type: () => true }), async (request, response) => {
  const [, stamp, mark] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(request.get("Twim-Signature") ?? "") ?? [];
  if (!stamp) return response.sendStatus(401);
  const due = createHmac("sha256", secret).update(`${stamp}.`).update(request.body).digest();
  const fresh = Math.abs(Date.now() / 1000 - stamp) <= 300;
  if (!fresh || !timingSafeEqual(due, Buffer.from(mark, "hex"))) return response.sendStatus(401);
  const { data } = JSON.parse(request.body);
  response.sendStatus(204);
  if (data.from === "bot") return undefined;
  heard.push(data.content);
  return post(`You asked: ${data.content}`);
});

await chat("PUT", "bots/bot", { nickname: "Shop bot" });
await chat("PUT", "groups/shop", { name: "Shop", owner: "bot" });
for (const old of (await chat("GET", "webhooks")).rows) await chat("DELETE", `webhooks/${old.id}`);
const hook = { url: `http://localhost:${PORT}/events`, events: ["message"], filter: { group: "shop" } };
const { secret } = (await chat("POST", "webhooks", hook)).data;
app.listen(PORT, "localhost");
