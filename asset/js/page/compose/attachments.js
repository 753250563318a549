// Pictures, voices and files on their way to the server: chosen, pasted or dropped, shown with how far they are.

import { MEDIA } from "../../im/index.js";
import { button, iconButton } from "../button.js";
import { fill, h } from "../element.js";
import { reason, t } from "../words.js";
import { secondsOf } from "./seconds.js";

const LARGEST = 20 * 1024 * 1024; // bytes, the server's own default; it has the last word
const AT_ONCE = 20; // uploads that may run or wait
const NAME_BOUND = 200; // characters of a file's name that are sent

export class Attachments {
  #talk; #post; #conversation = null; #running = 0; #inputs = {};

  /** `post(message, conversation)` sends what was uploaded. */
  constructor(talk, post) {
    this.#talk = talk;
    this.#post = post;
    this.element = h("div.uploads", { "aria-live": "polite" });
    this.buttons = [
      ...this.#chooser("picture", { accept: "image/*,video/*", multiple: true }),
      ...this.#chooser("camera", { accept: "image/*", capture: "environment" }),
      ...this.#chooser("file", { multiple: true }),
    ];
    this.#dropping(talk.element);
  }

  open(conversation) { this.#conversation = conversation; }

  /** Opens the file chooser for `accept`. */
  choose(accept) {
    const input = this.#inputs.file;
    input.accept = accept;
    input.click();
    input.accept = "";
  }

  take(files) {
    for (const file of files) this.#start(file, () => describe(file));
  }

  voice(file, seconds) {
    this.#start(file, async () => ({ media: MEDIA.VOICE, amount: seconds }));
  }

  #chooser(name, attributes) {
    const words = { picture: t("compose.picture"), camera: t("compose.camera"), file: t("compose.file") }[name];
    const input = h("input", { type: "file", hidden: true, ...attributes, dataset: { choose: name } });
    input.addEventListener("change", () => {
      this.take([...input.files]);
      input.value = "";
    });
    this.#inputs[name] = input;
    return [iconButton(name, words, () => input.click(), `.choose-${name}`), input];
  }

  #dropping(place) {
    const over = (event) => event.dataTransfer?.types.includes("Files") && this.#conversation;
    place.addEventListener("dragover", (event) => {
      if (!over(event)) return;
      event.preventDefault();
      place.classList.add("dropping");
    });
    place.addEventListener("dragleave", ({ relatedTarget }) => {
      if (!place.contains(relatedTarget)) place.classList.remove("dropping");
    });
    place.addEventListener("drop", (event) => {
      place.classList.remove("dropping");
      if (!over(event)) return;
      event.preventDefault();
      this.take([...event.dataTransfer.files]);
    });
  }

  #start(file, describing) {
    const conversation = this.#conversation; // where it was chosen, whatever is open when it has arrived
    if (!conversation || this.#running >= AT_ONCE) return;
    const row = h("div.upload");
    this.element.append(row);
    if (file.size > LARGEST) this.#failed(row, file, t("problem.too-large"));
    else this.#run(row, file, describing, conversation);
  }

  async #run(row, file, describing, conversation) {
    const bar = h("progress", { max: 1, value: 0, "aria-label": t("compose.uploading") });
    const giving = new AbortController();
    fill(row, h("span.upload-name", {}, file.name || t("media.voice")), bar,
      iconButton("close", t("action.cancel"), () => giving.abort()));
    this.#running += 1;
    try {
      const progress = (share) => { bar.value = share; };
      const [message, { url, thumb }] = await Promise.all([describing(), this.#talk.app.client.rest.upload(file,
        { name: file.name, filetype: endingOf(file), progress, signal: giving.signal })]);
      row.remove();
      const small = thumb && message.media === MEDIA.IMAGE ? { pic: thumb } : {};
      this.#post({ ...message, ...small, url }, conversation);
    } catch (error) {
      if (giving.signal.aborted) row.remove();
      else this.#failed(row, file, reason(error), () => this.#run(row, file, describing, conversation));
    } finally {
      this.#running -= 1;
    }
  }

  #failed(row, file, words, again = null) {
    row.classList.add("bad");
    const retry = () => {
      row.classList.remove("bad");
      again();
    };
    fill(row, h("span.upload-name", {}, `${file.name || t("media.voice")}: ${words}`),
      again && button(t("action.retry"), retry), iconButton("close", t("action.discard"), () => row.remove()));
  }
}

/** The message that a file becomes, still without its url. */
async function describe(file) {
  const [kind] = file.type.split("/");
  if (/^image\/(png|jpeg|gif|webp|avif)$/.test(file.type)) return { media: MEDIA.IMAGE };
  if (kind === "video") return { media: MEDIA.VIDEO, content: file.name.slice(0, NAME_BOUND) };
  const seconds = kind === "audio" ? await secondsOf(file) : 0;
  if (seconds) return { media: MEDIA.VOICE, amount: seconds };
  return { media: MEDIA.LINK, content: file.name.slice(0, NAME_BOUND), memo: sizeOf(file.size) };
}

const endingOf = (file) => /\.[a-z0-9]{1,8}$/i.exec(file.name ?? "")?.[0] ?? "";

function sizeOf(bytes) {
  const units = ["B", "KB", "MB"];
  const power = Math.min(2, Math.floor(Math.log2(Math.max(bytes, 1)) / 10));
  return `${(bytes / 1024 ** power).toFixed(power && bytes / 1024 ** power < 10 ? 1 : 0)} ${units[power]}`;
}
