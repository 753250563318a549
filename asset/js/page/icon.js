// Line icons, 24 units square, drawn for this project.

const SVG = "http://www.w3.org/2000/svg";

const PATHS = {
  add: "M12 5v14M5 12h14",
  admin: "M12 3l7.5 3v6c0 4.5-3.2 7.5-7.5 9-4.3-1.5-7.5-4.5-7.5-9V6zM8.5 12l2.5 2.5 4.5-5",
  back: "M15 5l-7 7 7 7",
  bell: "M6 16.5V11a6 6 0 0 1 12 0v5.5l1.5 1.5h-15zM10 21h4",
  bin: "M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13M10 11v6M14 11v6",
  camera: "M4 8h3l2-3h6l2 3h3v11H4zM12 17a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7z",
  chat: "M4 5h16v11H10l-5 4v-4H4z",
  check: "M4 12.5l5 5L20 6.5",
  checks: "M1.5 12.5l4.5 4.5L16 7M11.5 15.5L13 17 23 7",
  clock: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 7v5l3.5 2",
  close: "M6 6l12 12M18 6L6 18",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1",
  device: "M3 5h18v11H3zM8 20h8M12 16v4",
  down: "M5 9l7 7 7-7",
  download: "M12 4v11M8 11.5l4 3.5 4-3.5M5 13v7h14v-7",
  edit: "M4 20l1-4L16.5 4.5a2.1 2.1 0 0 1 3 3L8 19z",
  emoji: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM8.5 14.5s1.2 2 3.5 2 3.5-2 3.5-2M9 9.5v.5M15 9.5v.5",
  file: "M6 3h8l4 4v14H6zM14 3v4h4",
  friend: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4.5 20.5c.8-4 3.7-5.8 7.5-5.8s6.7 1.8 7.5 5.8",
  forward: "M14 6l6 6-6 6M20 12h-9a7 7 0 0 0-7 6",
  group: "M9 11.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM2.5 19.5c.6-3.5 3-5 6.5-5s5.9 1.5 6.5 5M16 5a3.2 3.2 0 0 1 0 6.3M18 14.8c2 .6 3.2 2.2 3.5 4.7",
  hide: "M4 12s3-6 8-6 8 6 8 6-3 6-8 6-8-6-8-6zM12 14.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5zM5 19L19 5",
  info: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 11v6M12 7.5v.5",
  key: "M14.5 13.5a5 5 0 1 0-4-4L3 17v4h4v-3h3v-3zM16.5 7.5h.01",
  leave: "M14 4H5v16h9M10 12h11M17.5 8.5L21 12l-3.5 3.5",
  link: "M10 14a4 4 0 0 0 6 .4l3-3a4 4 0 0 0-5.7-5.7L12 7M14 10a4 4 0 0 0-6-.4l-3 3a4 4 0 0 0 5.7 5.7L12 17",
  less: "M5 12h14",
  me: "M12 3l7.5 3v6c0 4.5-3.2 7.5-7.5 9-4.3-1.5-7.5-4.5-7.5-9V6z",
  mic: "M12 15a3.2 3.2 0 0 0 3.2-3.2V6.2a3.2 3.2 0 0 0-6.4 0v5.6A3.2 3.2 0 0 0 12 15zM5.5 11.5a6.5 6.5 0 0 0 13 0M12 18v3",
  more: "M5 12h.01M12 12h.01M19 12h.01",
  mute: "M6 16.5V11a6 6 0 0 1 9.5-4.9M18 10.5v6H8.5M10 20h4M4 4l16 16",
  next: "M9 5l7 7-7 7",
  pause: "M8 5v14M16 5v14",
  picture: "M4 5h16v14H4zM4 16l5-5 4 4 2.5-2.5L20 17M15.5 9.5h.01",
  pin: "M9 4h6l-1 6 3.5 3.5h-11L10 10zM12 13.5V21",
  play: "M8 5l11 7-11 7z",
  reply: "M10 6L4 12l6 6M4 12h9a7 7 0 0 1 7 6",
  search: "M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13zM15.5 15.5L20.5 20.5",
  send: "M4 12L20 4l-5 16-3.5-6.5z",
  share: "M12 15V4M8 7.5L12 4l4 3.5M5 13v7h14v-7",
  sticker: "M20 12.5V6a2 2 0 0 0-2-2H6a2 2 0 0 0-2 2v12a2 2 0 0 0 2 2h6.5zM20 12.5c-5 0-7.5 2.5-7.5 7.5M9 9v1M15 9v1",
  undo: "M8 5L4 9l4 4M4 9h9a6 6 0 0 1 0 12H9",
  up: "M5 15l7-7 7 7",
};

/** @typedef {keyof typeof PATHS} IconName */

/** @param {IconName} name */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  const path = document.createElementNS(SVG, "path");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", `icon icon-${name}`);
  svg.setAttribute("aria-hidden", "true");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}
