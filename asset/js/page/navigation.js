// Which part of the page is shown. The address after "#" is the open conversation, so the phone's back button closes it
// and a reload keeps it.

import { chatIn } from "./chat-address.js";

/** @import { Talk } from "./talk/talk.js" */
/** @import { Show } from "./types.js" */

const WIDE = "(min-width: 760px)"; // windows of this width show the lists and the chat, narrower ones one of them

/**
 * Whether the chat window can be seen.
 * @param {HTMLElement} frame the element that holds the lists and the chat window
 */
export const talkInView = (frame) => frame.dataset.part === "talk" || matchMedia(WIDE).matches;

export class Navigation {
  #frame; #talk; #show; #moved; #ended = false;

  /**
   * `moved()` is called when another conversation, or none, is open.
   * @param {HTMLElement} frame
   * @param {{ talk: Talk, show: Show, moved: () => void }} parts
   */
  constructor(frame, { talk, show, moved }) {
    this.#frame = frame;
    this.#talk = talk;
    this.#show = show;
    this.#moved = moved;
    globalThis.addEventListener("hashchange", () => this.go());
  }

  /** Opens what the address names. */
  go() {
    if (this.#ended) return;
    const [scope, dstid] = chatIn(location.hash);
    this.#frame.dataset.part = scope ? "talk" : "list";
    if (scope) this.#talk.open(Number(scope), Number(dstid));
    else this.#talk.close();
    if (location.hash.startsWith("#user=")) this.#show.contact({ url: location.hash }); // the address of a contact card
    this.#moved();
  }

  /** From now on nothing is opened. */
  end() { this.#ended = true; }
}
