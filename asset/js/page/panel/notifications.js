// How the user is told of messages: on this device, and on all.

import { openDialog } from "../dialog.js";
import { fill, h } from "../element.js";
import { ability, isAllowed, turnOn, unsubscribe } from "../telling/device.js";
import { play } from "../telling/sound.js";
import { toast } from "../toast.js";
import { reason, t } from "../words.js";

/** @import { Rest } from "../../im/index.js" */
/** @import { Choices, Kept } from "../telling/choices.js" */

const NIGHT = "22:00-07:00"; // what is offered to who has no quiet hours yet

const WHY = {
  insecure: () => t("tell.insecure"),
  unable: () => t("tell.unable"),
  denied: () => t("tell.denied"),
  able: () => "",
};

/** @param {{ rest: Rest, choices: Choices }} parts */
export async function showNotifications({ rest, choices }) {
  const list = h("div.tell");
  openDialog(t("tell.title"), list);
  try {
    const kept = await choices.kept();
    fill(list, here(rest, choices), sound(choices), words(choices, kept), quiet(choices, kept),
      h("p.tell-why", {}, t("tell.muted")));
  } catch (error) {
    fill(list, h("p", {}, reason(error)));
  }
}

/**
 * A switch with its words; `changed` gets its new state, and what it throws is told and undone.
 * @param {string} label
 * @param {boolean} on
 * @param {(on: boolean, input: HTMLInputElement) => unknown} changed
 */
function choice(label, on, changed) {
  const input = h("input", { type: "checkbox", role: "switch", checked: on });
  input.addEventListener("change", async () => {
    input.disabled = true;
    try {
      await changed(input.checked, input);
    } catch (error) {
      input.checked = !input.checked;
      toast(reason(error), "bad");
    } finally {
      input.disabled = false;
    }
  });
  return { row: h("label.tell-choice", {}, h("span", {}, label), input), input };
}

/**
 * @param {Rest} rest
 * @param {Choices} choices
 */
function here(rest, choices) {
  const why = h("p.tell-why", { role: "status" });
  const tells = choices.tells && isAllowed();
  const { row, input } = choice(t("tell.here"), tells, async (on, switched) => {
    why.textContent = "";
    if (!on) {
      await unsubscribe(rest);
      choices.tells = false;
      return;
    }
    const how = await turnOn(rest);
    choices.tells = Boolean(how);
    switched.checked = Boolean(how);
    if (how === "open") why.textContent = t("tell.only-open");
    if (!how) why.textContent = WHY[ability()]() || t("tell.not-allowed");
  });
  const found = ability();
  why.textContent = WHY[found]();
  if (found !== "able") input.disabled = true;
  return h("div", {}, row, why);
}

/** @param {Choices} choices */
function sound(choices) {
  return choice(t("tell.sound"), choices.sounds, (on) => {
    choices.sounds = on;
    if (on) play().catch(() => null); // so that one knows it
  }).row;
}

/**
 * @param {Choices} choices
 * @param {Kept} kept
 */
function words(choices, kept) {
  const { row } = choice(t("tell.words"), kept.words === 1, (on) => choices.change({ words: Number(on) }));
  return h("div", {}, row, h("p.tell-why", {}, t("tell.words.why")));
}

/**
 * @param {Choices} choices
 * @param {Kept} kept
 */
function quiet(choices, kept) {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const [from, to] = (kept.quiet || NIGHT).split("-").map((value) => h("input", { type: "time", value, required: true }));
  const store = () => choices.change({ quiet: `${from.value}-${to.value}`, zone });
  const hours = h("div.tell-hours", { hidden: !kept.quiet },
    h("label", {}, t("tell.from"), from), h("label", {}, t("tell.to"), to),
    h("p.tell-why", {}, t("tell.zone", { zone: kept.quiet ? kept.zone || "UTC" : zone })));
  for (const time of [from, to]) {
    time.addEventListener("change", () => {
      if (from.value && to.value) store().catch((error) => toast(reason(error), "bad"));
    });
  }
  const { row } = choice(t("tell.quiet"), Boolean(kept.quiet), async (on) => {
    await (on ? store() : choices.change({ quiet: "" }));
    hours.hidden = !on;
  });
  return h("div", {}, row, hours);
}
