/**
 * Shows the chat in a page of another site, which the server lists in `--sites`:
 *
 *   <script type="module" src="https://chat.example/embed.js" data-token="TOKEN" data-group="1234567890"></script>
 *
 * or, with events and a hand on the frame:
 *
 *   import { mount } from "https://chat.example/embed.js";
 *
 *   const chat = mount(element, { token, to: { group: 1234567890 } }); // without `to` the whole chat
 *   chat.addEventListener("unread", ({ detail }) => console.log(detail.unread, detail.mentions));
 *   chat.unmount();
 *
 * The token goes to the server's own page in the frame and nowhere else.
 */

/**
 * `token` is one device's. `to` is whom it is about: a user or a group by its number; without it the whole chat is
 * shown. `theme` sets CSS variables (`{"--accent": "#0a7"}`). `lang` is `en` or `zh`, else the browser's. `renew` is
 * called when the token has ended, and gives another one.
 * @typedef {object} Options
 * @property {string} token
 * @property {{ user?: number | string, group?: number | string } | null} [to]
 * @property {Record<string, string>} [theme]
 * @property {string} [lang]
 * @property {() => string | Promise<string>} [renew]
 */

const SERVER = new URL(".", import.meta.url);
const HEIGHT = "min(600px, 100vh)"; // of a chat that a script element shows by itself

/**
 * A chat in a frame. Events: `unread` (`detail` is `{unread, mentions}`), `state` (`detail` is `online`, `connecting` or
 * `offline`), `ended` (the token is good no more, and there is no other).
 */
export class Embedded extends EventTarget {
  #frame; #token; #to; #theme; #renew; #renewed = false; #unread = 0;

  /**
   * @param {Element} element is filled by the frame; its size is the frame's
   * @param {Options} options
   */
  constructor(element, { token, to = null, theme = {}, lang = "", renew }) {
    super();
    if (!(element instanceof Element)) throw new TypeError("mount: the first argument is an element");
    if (typeof token !== "string" || !token) throw new TypeError("mount: token is the text of a token");
    this.#token = token;
    this.#to = conversationOf(to);
    this.#theme = theme;
    this.#renew = renew;
    this.#frame = frameOf(lang);
    this.#frame.addEventListener("load", this.#open);
    globalThis.addEventListener("message", this.#heard);
    element.append(this.#frame);
  }

  /** How many messages are unread; 1,001 of one conversation stands for more than 1,000. */
  get unread() { return this.#unread; }

  /**
   * Sets other variables than before.
   * @param {Record<string, string>} theme
   */
  setTheme(theme) {
    this.#theme = theme;
    this.#say({ twim: "theme", theme });
  }

  /** Removes the frame. Nothing is told any more. */
  unmount() {
    this.#token = "";
    globalThis.removeEventListener("message", this.#heard);
    this.#frame.remove();
  }

  #open = () => this.#say({ twim: "open", token: this.#token, to: this.#to, theme: this.#theme });

  /** @param {object} what is heard by the server's own page alone, whatever the frame shows */
  #say(what) { this.#frame.contentWindow?.postMessage(what, SERVER.origin); }

  /** @param {MessageEvent} event */
  #heard = ({ source, origin, data }) => {
    if (source !== this.#frame.contentWindow || origin !== SERVER.origin) return;
    if (data?.twim === "state") this.#tell("state", data.state);
    else if (data?.twim === "token") this.#replaceToken(data.worked);
    else if (data?.twim === "unread") {
      this.#unread = data.unread;
      this.#tell("unread", { unread: data.unread, mentions: data.mentions });
    }
  };

  /**
   * Gives the page in the frame another token, once for each that worked.
   * @param {boolean} worked whether the one that ended ever did
   */
  async #replaceToken(worked) {
    const again = worked || !this.#renewed;
    this.#renewed = true;
    const token = again && this.#renew ? await Promise.resolve().then(this.#renew).catch(() => "") : "";
    if (!this.#token) return; // unmounted meanwhile
    if (typeof token !== "string" || !token) return this.#tell("ended", null);
    this.#token = token;
    this.#frame.src = String(this.#frame.src); // it loads anew, and is opened as it was the first time
  }

  /**
   * @param {string} name
   * @param {unknown} detail
   */
  #tell(name, detail) { this.dispatchEvent(new CustomEvent(name, { detail })); }
}

/**
 * Shows the chat in `element`. Throws a TypeError for options that can't be.
 * @param {Element} element
 * @param {Options} options
 */
export const mount = (element, options) => new Embedded(element, options);

/** @param {string} lang */
function frameOf(lang) {
  const frame = document.createElement("iframe");
  const address = new URL("embed", SERVER);
  if (lang) address.searchParams.set("lang", lang);
  frame.src = address.href;
  frame.title = "Chat";
  frame.allow = "microphone; camera; fullscreen";
  Object.assign(frame.style, { display: "block", width: "100%", height: "100%", border: "0" });
  return frame;
}

/** @param {Options["to"]} to */
function conversationOf(to) {
  if (!to) return null;
  const [[kind, id], ...more] = Object.entries(to).filter(([, value]) => value !== undefined);
  if (more.length || !["user", "group"].includes(kind) || !/^[1-9]\d{0,15}$/.test(String(id))) {
    throw new TypeError("mount: to is {user: NUMBER} or {group: NUMBER}");
  }
  return { [kind]: Number(id) };
}

/** @param {HTMLScriptElement} script whose attributes are the options, and at which the events are told */
function mountBy(script) {
  const { token = "", user, group, lang, theme } = script.dataset;
  const element = document.createElement("div");
  Object.assign(element.style, { height: HEIGHT });
  const options = { token, to: user || group ? { user, group } : null, lang, theme: theme ? JSON.parse(theme) : {} };
  const chat = mount(element, options);
  for (const name of ["unread", "state", "ended"]) {
    chat.addEventListener(name, (event) => {
      script.dispatchEvent(new CustomEvent(name, { detail: /** @type {CustomEvent} */ (event).detail }));
    });
  }
  if (script.closest("head")) document.body.append(element);
  else script.after(element);
}

for (const script of document.querySelectorAll("script[data-token]")) {
  if (script instanceof HTMLScriptElement && script.src === import.meta.url) mountBy(script);
}
