// The bars of a voice message as its sound is: few, and kept for those that were played last.

import { plainAddress } from "../../im/addresses.js";

const LARGEST = 4 * 2 ** 20; // bytes that are looked at
const RATE = 16_000; // samples a second that are enough for bars
const KEPT = 100; // voices whose bars are kept
const STEPS = 5; // heights of a bar

/** @type {Map<string, number[]>} */
const known = new Map();

/**
 * `count` heights from 1 to 5, of samples from -1 to 1: how loud each part is, beside the loudest.
 * @param {ArrayLike<number>} samples
 * @param {number} count
 */
export function heightsOf(samples, count) {
  const part = samples.length / count;
  const loud = Array.from({ length: count }, (_, at) => {
    const [from, to] = [Math.floor(at * part), Math.floor((at + 1) * part)];
    let sum = 0;
    for (let index = from; index < to; index++) sum += samples[index] ** 2;
    return Math.sqrt(sum / Math.max(1, to - from));
  });
  const most = Math.max(...loud) || 1;
  return loud.map((one) => Math.max(1, Math.ceil((one / most) * STEPS)));
}

/**
 * The heights for a voice of this server; null where its sound can't be had: a store elsewhere gives it only to players.
 * @param {string} address
 * @param {number} count
 * @returns {Promise<number[] | null>}
 */
export async function barsOf(address, count) {
  const name = plainAddress(address) ?? address;
  const found = known.get(name);
  if (found) return found;
  if (new URL(address, location.href).origin !== location.origin) return null;
  try {
    const answer = await fetch(address);
    if (!answer.ok || Number(answer.headers.get("Content-Length")) > LARGEST) return null;
    const sound = await new OfflineAudioContext(1, 1, RATE).decodeAudioData(await answer.arrayBuffer());
    const heights = heightsOf(sound.getChannelData(0), count);
    known.set(name, heights);
    if (known.size > KEPT) known.delete([...known.keys()][0]);
    return heights;
  } catch {
    return null;
  }
}
