// What the administrators' paths say (docs/protocol.md), for the type checker and for readers: no module loads this file.

/**
 * A user in the list of people. `disabled` and `waiting` are 0 or 1, times are in milliseconds since 1970, 0 for never.
 * @typedef {object} Account
 * @property {number} id
 * @property {string} mobile
 * @property {string} nickname
 * @property {string} avatar
 * @property {string} role `admin` or `member`
 * @property {number} disabled
 * @property {number} waiting
 * @property {number} createat
 * @property {number} last when a device of theirs was last used
 * @property {number} devices
 */

/**
 * A group in the list of groups.
 * @typedef {object} GroupLine
 * @property {number} id
 * @property {string} name
 * @property {string} icon
 * @property {number} owner
 * @property {string} ownername
 * @property {number} members
 * @property {number} messages
 * @property {string} join
 * @property {number} dissolved
 * @property {number} createat
 */

/** @typedef {{ id: number, for: string, maker: number, uses: number, left: number, expires: number }} InviteLine */

/** @typedef {{ id: number, name: string, scopes: string | string[], createat?: number, last?: number }} KeyLine */

/**
 * A webhook. `state` is `ok`, `failing` (since the time `since`, in milliseconds since 1970) or `failed`, `failure` says
 * why, `waiting` is how many events wait, `group` the number of the only group it is told of, or 0.
 * @typedef {object} WebhookLine
 * @property {number} id
 * @property {string} url
 * @property {string[]} events
 * @property {number} group
 * @property {string} state
 * @property {number} since
 * @property {string} failure
 * @property {number} waiting
 * @property {number} createat
 */

/** @typedef {{ name: string, value: string, fixed: number }} Setting */

/** @typedef {{ id: number, at: number, who: string, act: string, what: Record<string, unknown> }} AuditLine */

/** @typedef {{ user: number, nickname: string, files: number, bytes: number }} StorageLine */

/**
 * What a node measured: lists of equal length, with null where nothing could be measured. `step` is in seconds, `at` in
 * milliseconds since 1970, `commit` and `slow` are milliseconds, `database` and `free` bytes.
 * @typedef {object} Figures
 * @property {number} step
 * @property {number[]} at
 * @property {(number | null)[]} connections
 * @property {(number | null)[]} messages a second
 * @property {(number | null)[]} commit
 * @property {(number | null)[]} slow
 * @property {(number | null)[]} database
 * @property {(number | null)[]} free
 */

/**
 * A list as it is answered; `next` is the cursor of what follows, 0 at the end.
 * @template Row
 * @typedef {{ rows: Row[], total: number, next: number } & Record<string, unknown>} Listed
 */

export {};
