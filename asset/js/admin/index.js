// The administrators' pages: each has one section, which draws itself where its template leaves room.

import { part } from "../page/element.js";
import { readAnewWhenRestored } from "../page/whose.js";
import { audit } from "./audit.js";
import { groups } from "./groups.js";
import { invites } from "./invites.js";
import { keys } from "./keys.js";
import { nodes } from "./nodes.js";
import { overview } from "./overview.js";
import { people } from "./people.js";
import { retention } from "./retention.js";
import { settings } from "./settings.js";
import { storage } from "./storage.js";
import { webhooks } from "./webhooks.js";

/** @type {Record<string, (place: Element) => void>} */
const SECTIONS = { audit, groups, invites, keys, nodes, overview, people, retention, settings, storage, webhooks };

readAnewWhenRestored();
SECTIONS[part(".admin-main").dataset.section ?? ""]?.(part(".admin-content"));
// On a phone the sections stand in one line, of which the chosen one is shown.
document.querySelector(".admin-nav [aria-current]")?.scrollIntoView({ inline: "center", block: "nearest" });
