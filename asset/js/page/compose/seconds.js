const PATIENCE = 3_000; // ms; a file that isn't audio after all may never tell

/**
 * How long an audio file is, in whole seconds, at least 1; 0 when the browser can't play it.
 * @param {File} file
 * @returns {Promise<number>}
 */
export function secondsOf(file) {
  const audio = new Audio();
  const address = URL.createObjectURL(file);
  return new Promise((resolve) => {
    /** @param {number} seconds */
    const done = (seconds) => {
      URL.revokeObjectURL(address);
      resolve(Number.isFinite(seconds) ? Math.max(1, Math.round(seconds)) : 0);
    };
    audio.onloadedmetadata = () => done(audio.duration);
    audio.onerror = () => done(NaN);
    setTimeout(() => done(NaN), PATIENCE);
    audio.preload = "metadata";
    audio.src = address;
  });
}
