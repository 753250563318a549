// Where the line "new messages" stands: after what was read when the chat was opened, or when its end was last out of sight.

/** @typedef {{ head: number, read: number, unread: number }} Readable a conversation, and how much of it was read */

export class NewMark {
  /** @type {number | null} */
  #after = Infinity;

  /** Everything after this seq was new; Infinity where nothing was. */
  get after() { return this.#after ?? Infinity; }

  /**
   * A chat is opened.
   * @param {Readable} conversation
   * @param {boolean} known whether an empty conversation is known to be empty
   */
  begin(conversation, known) { this.#after = conversation.head || !known ? null : Infinity; }

  /** There is none any more: whoever writes has seen all. */
  clear() { this.#after = Infinity; }

  /**
   * Before it is drawn.
   * @param {Readable} conversation
   * @param {boolean} seen whether what is new is seen at once
   */
  look({ head, read, unread }, seen) {
    if (this.#after === null) {
      if (head) this.#after = unread ? read : Infinity;
    } else if (unread && !seen && (this.#after === Infinity || this.#after < read)) this.#after = read;
  }
}
