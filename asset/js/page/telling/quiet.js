// The hours in which a user isn't told, as the server counts them (twim/logic/push_words.py).

/** @param {string} time `22:00` */
const minutes = (time) => Number(time.slice(0, 2)) * 60 + Number(time.slice(3));

/**
 * Whether `now` lies in the hours `quiet` (`22:00-07:00`, the end not among them) of the time zone `zone`, or of UTC.
 * @param {string} quiet "" for none
 * @param {string} zone
 * @param {Date} now
 */
export function isQuiet(quiet, zone, now) {
  if (!quiet) return false;
  const [start, end] = quiet.split("-").map(minutes);
  const minute = minutes(clockIn(zone || "UTC", now));
  return start <= end ? start <= minute && minute < end : minute >= start || minute < end;
}

/**
 * @param {string} zone
 * @param {Date} now
 */
function clockIn(zone, now) {
  /** @param {string} timeZone */
  const read = (timeZone) =>
    new Intl.DateTimeFormat("en-GB", { timeZone, hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).format(now);
  try {
    return read(zone);
  } catch {
    return read("UTC"); // a zone that this browser doesn't know
  }
}
