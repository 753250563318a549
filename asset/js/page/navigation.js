// Which part of the page is shown. The address after "#" is the open conversation, so the phone's back button closes it
// and a reload keeps it.

import { chatIn, isMessage, messageIn } from "./chat-address.js";
import { toast } from "./toast.js";
import { t } from "./words.js";

/** @import { Talk } from "./talk/talk.js" */
/** @import { Address, Show } from "./types.js" */

const WIDE = "(min-width: 760px)"; // windows of this width show the lists and the chat, narrower ones one of them

/**
 * Whether the chat window can be seen.
 * @param {HTMLElement} frame the element that holds the lists and the chat window
 */
export const talkInView = (frame) => frame.dataset.part === "talk" || matchMedia(WIDE).matches;

export class Navigation {
  #frame; #talk; #show; #me; #moved; #ended = false;

  /**
   * `me` is the user's id; `moved()` is called when another conversation, or none, is open.
   * @param {HTMLElement} frame
   * @param {{ talk: Talk, show: Show, me: number, moved: () => void }} parts
   */
  constructor(frame, { talk, show, me, moved }) {
    this.#frame = frame;
    this.#talk = talk;
    this.#show = show;
    this.#me = me;
    this.#moved = moved;
    globalThis.addEventListener("hashchange", () => this.go());
  }

  /**
   * Opens a conversation at once, as if its address had been followed.
   * @param {Address} address
   */
  open({ scope, dstid }) {
    location.hash = `#${scope}:${dstid}`;
    this.go();
  }

  /** Opens what the address names. */
  go() {
    if (this.#ended) return;
    const seq = this.#message();
    const [scope, dstid] = chatIn(location.hash);
    this.#frame.dataset.part = scope ? "talk" : "list";
    if (scope) this.#talk.open(Number(scope), Number(dstid), seq);
    else this.#talk.close();
    if (location.hash.startsWith("#user=")) this.#show.contact({ url: location.hash }); // the address of a contact card
    this.#moved();
  }

  /** The seq of the message whose address it is, or 0. The address becomes the chat's, as the list and others compare it. */
  #message() {
    if (!isMessage(location.hash)) return 0;
    const message = messageIn(location.hash, this.#me);
    history.replaceState(history.state, "", message ? `#${message.scope}:${message.dstid}` : "#");
    if (!message) toast(t("talk.leads-nowhere"), "bad");
    return message?.seq ?? 0;
  }

  /** From now on nothing is opened. */
  end() { this.#ended = true; }
}
