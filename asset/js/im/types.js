// The shapes of what the client and the server say to each other (docs/protocol.md), and of what the client needs of
// its platform. They are for the type checker and for readers: no module loads this file. Use them so:
//   /** @import { Message, User } from "…/im/types.js" */

/**
 * A user as the server gives it. `mobile` is empty but in one's own; `createat` is RFC 3339 in UTC; `online` is 1 while
 * a device of the user is connected; `token` is there after registration and log-in.
 * @typedef {object} User
 * @property {number} id
 * @property {string} mobile
 * @property {string} avatar
 * @property {string} sex `W`, `M` or `U`
 * @property {string} nickname
 * @property {number} online 0 or 1
 * @property {string} memo
 * @property {string} createat
 * @property {string} [token]
 * @property {number} [bot] 1 for a program
 * @property {string} [remark] my own name for a friend
 * @property {string} [role] of a group's member `owner`, `admin` or `member`; one's own on the server `admin` or `member`
 * @property {number} [muted] until when (ms) a group's member may not post; 0 otherwise
 */

/**
 * A group. `ownerid` is 0 when it has no members.
 * @typedef {object} Group
 * @property {number} id
 * @property {string} name
 * @property {number} ownerid
 * @property {string} icon
 * @property {number} cate
 * @property {string} memo
 * @property {string} createat RFC 3339 in UTC
 * @property {string} [join] who may join: `open`, `approve` or `invite`
 * @property {string} [history] what newcomers read: `all` or `joined`
 * @property {string} [post] who may post: `members` or `admins`
 * @property {string} [notice]
 * @property {number} [dissolved] 0 or 1
 * @property {string} [role] mine: `owner`, `admin` or `member`
 * @property {number} [muted] until when (ms) I may not post; 0 otherwise
 */

/**
 * A request for friendship that waits for an answer.
 * @typedef {object} FriendRequest
 * @property {number} id
 * @property {User} user who asks
 * @property {string} memo
 * @property {string} createat RFC 3339 in UTC
 */

/**
 * A device on which the user is logged in.
 * @typedef {object} Device
 * @property {number} id
 * @property {string} agent
 * @property {string} address
 * @property {string} createat RFC 3339 in UTC
 * @property {boolean | number} current whether it is the one that asks
 */

/**
 * An invitation of the caller's. `for` is `server` or a group's id, `expires` in milliseconds since 1970.
 * @typedef {{ id: number, for: string, uses: number, left: number, expires: number }} Invite
 */

/**
 * What a bot of a chat understands: a message that begins with a slash and the word.
 * @typedef {{ word: string, help: string, userid: number }} BotCommand
 */

/**
 * What the server allows and is called.
 * @typedef {object} Settings
 * @property {string} signup
 * @property {string} friend `open` or `approve`
 * @property {string} group
 * @property {number} upload_limit in bytes
 * @property {string} name
 * @property {string} [push] the public key with which a browser subscribes to pushes, "" where nothing is pushed
 */

/**
 * What the sender of a message says in it. Fields that say nothing are left out.
 * @typedef {object} Words
 * @property {number} media how to show it: one of `MEDIA`
 * @property {string} [content]
 * @property {string} [pic]
 * @property {string} [url]
 * @property {string} [memo]
 * @property {number} [amount]
 * @property {number} [ref] the seq of the message that this one answers, recalls, edits or reacts to
 * @property {number[]} [mentions] user ids; 0 is everybody
 */

/**
 * A message on its way to the server. `cmd` and `dstid` name its conversation, `cid` the message itself.
 * @typedef {Words & { cmd: number, dstid: number, cid: string }} Outgoing
 */

/**
 * A message as the server stores and delivers it. `at` is in milliseconds since 1970. A recalled one has
 * `recalled` 1 and nothing that it said; `edited` is when its words were changed last, in milliseconds since 1970;
 * `reactions` has the ids of users by emoji.
 * @typedef {Words & {
 *   seq: number, at: number, userid: number, cmd: number, dstid: number, id?: number, cid?: string,
 *   recalled?: number, edited?: number, reactions?: Record<string, number[]>,
 * }} Message
 */

/**
 * A row of the list of conversations. `scope` is the cmd of its messages, `dstid` the other user's id or the group's;
 * `seq` is the newest message's. `unread` and `mentions` are exact to 1,000, and 1,001 means more. `more` is set in the
 * answer to a catch-up for a conversation that missed too much to be sent whole.
 * @typedef {object} Row
 * @property {number} scope
 * @property {number} dstid
 * @property {number} seq
 * @property {number} [read]
 * @property {number} [peerread]
 * @property {number} [unread]
 * @property {number} [mentions]
 * @property {boolean} [more]
 * @property {number} [floor] the first seq that the user may read, when it isn't 1
 * @property {number} [mute] 0 or 1, as the next two: what the user has set; hidden ones are no rows
 * @property {number} [pin]
 * @property {number} [hide]
 * @property {Message} [last]
 */

/**
 * The body of every answer. `code` is 0 when it was done. What else there is depends on the path.
 * @typedef {{ code: number, msg: string, data?: unknown, rows?: unknown[], total?: number, wait?: number }} Envelope
 */

/**
 * What `data` is, by path. Paths that aren't named answer without one.
 * (No line begins with a quoted name: tsc would copy the asterisk before it into the declarations.)
 * @typedef {Record<"/user/register" | "/user/login" | "/user/find" | "/user/update", User>
 *   & Record<"/contact/addfriend", { friend: number }>
 *   & Record<"/contact/createcommunity" | "/contact/updatecommunity", Group>
 *   & Record<"/contact/joincommunity", { member: number } & Partial<Group>>
 *   & Record<"/invite/create", { id: number, code: string, url: string, expires: number }>
 *   & Record<"/message/setting", { mute: number, pin: number, hide: number }>
 *   & Record<"/user/setting", { words: number, quiet: string, zone: string }>
 *   & Record<"/message/preview", { title: string, description: string, site: string }>
 *   & Record<"/settings", Settings> & Record<"/attach/presign" | "/attach/upload", string>} DataByPath
 */

/**
 * A message that a search found: `scope` and `dstid` name its conversation as the user does.
 * @typedef {Message & { scope: number }} Found
 */

/**
 * What is searched for besides words: in one conversation, of one sender, of one kind, said from and to a time (ms),
 * before the `next` of another page, and at most so many.
 * @typedef {{ scope?: number, dstid?: number, userid?: number, media?: number, from?: number, to?: number,
 *   before?: number, limit?: number }} SearchOptions
 */

/**
 * What one of `rows` is, by path.
 * @typedef {Record<"/user/sessions", Device> & Record<"/contact/loadrequest", FriendRequest>
 *   & Record<"/contact/loadfriend" | "/contact/loadmember" | "/contact/loadblock", User>
 *   & Record<"/contact/loadcommunity", Group> & Record<"/invite/list", Invite>
 *   & Record<"/contact/commands", BotCommand>
 *   & Record<"/contact/loadjoin", { requestid: number, userid: number, nickname: string, avatar: string, at: string }>
 *   & Record<"/message/conversations", Row> & Record<"/message/history" | "/message/around" | "/message/files", Message>
 *   & Record<"/message/search", Found>
 *   & Record<"/message/readers", { userid: number, at: number }>
 *   & Record<"/message/edits", { content: string, at: number }>} ItemByPath
 */

/**
 * @template {string} Path
 * @typedef {Path extends keyof DataByPath ? DataByPath[Path] : unknown} DataOf
 */

/**
 * @template {string} Path
 * @typedef {Path extends keyof ItemByPath ? ItemByPath[Path] : unknown} ItemOf
 */

/**
 * What there is beside `data` and `rows`, by path: of a signed upload the request that sends the file, of the list of
 * conversations the name of the log.
 * @typedef {Record<"/attach/presign", { url: string, method: string, headers: Record<string, string> }>
 *   & Record<"/message/conversations", { epoch: string }>
 *   & Record<"/message/search" | "/message/files", { next: number }>} MoreByPath
 */

/**
 * The body of an answer from `Path`.
 * @template {string} Path
 * @typedef {Omit<Envelope, "data" | "rows"> & { data: DataOf<Path>, rows?: ItemOf<Path>[] }
 *   & (Path extends keyof MoreByPath ? MoreByPath[Path] : unknown)} AnswerOf
 */

/**
 * The fields of a request. Those that are null or undefined are left out.
 * @typedef {Record<string, string | number | null | undefined>} Fields
 */

/**
 * An uploaded file: its address, its media type and, of a picture, its size in pixels and the address of a small copy.
 * @typedef {object} Uploaded
 * @property {string} url
 * @property {string} [name]
 * @property {string} [type]
 * @property {number} [width]
 * @property {number} [height]
 * @property {string} [thumb]
 */

/**
 * How to upload: `progress` is called with 0 to 1, `signal` gives it up, `filetype` is an ending (`.png`).
 * @typedef {object} UploadOptions
 * @property {string} [name]
 * @property {string} [filetype]
 * @property {(part: number) => void} [progress]
 * @property {AbortSignal | null} [signal]
 */

/**
 * The answer to a message, or to a frame that was refused.
 * @typedef {object} AnswerFrame
 * @property {string} [cid]
 * @property {number} code
 * @property {string} [msg]
 * @property {number} [scope]
 * @property {number} [dstid]
 * @property {number} [seq]
 * @property {number} [at]
 * @property {number} [wait] ms after which what is refused would pass
 */

/**
 * The end of a catch-up. With `reset` everything the client holds is of another log.
 * @typedef {object} CatchUpFrame
 * @property {string} [epoch]
 * @property {Row[]} [rows]
 * @property {boolean} [reset]
 */

/** @typedef {{ scope: number, dstid: number, userid: number }} TypingFrame somebody is typing */
/** @typedef {{ scope: number, dstid: number, userid: number, seq: number }} ReadFrame `userid` has read up to `seq` */
/** @typedef {{ userid: number, online: number }} PresenceFrame a friend came (1) or left (0) */

/**
 * Something changed that isn't a message: `what` is `friend`, `friend-request`, `group`, `profile` or
 * `setting`.
 * @typedef {{ what: string, userid?: number, scope?: number, dstid?: number, mute?: number, pin?: number,
 *   hide?: number }} ChangedFrame
 */

/**
 * What the server sends, told apart by `cmd`.
 * @typedef {(Message & { cmd: 10 | 11 }) | (AnswerFrame & { cmd: 1 }) | (CatchUpFrame & { cmd: 4 })
 *   | (TypingFrame & { cmd: 5 }) | (ReadFrame & { cmd: 6 }) | (PresenceFrame & { cmd: 7 })
 *   | (ChangedFrame & { cmd: 8 })} AnyFrame
 */

/**
 * A message that waits for its answer. `made` and `sent` are when it was written and sent last, in milliseconds, `sent`
 * 0 when it wasn't; `error` is the server's refusal, or "".
 * @typedef {{ message: Outgoing, made: number, sent: number, error: string }} Entry
 */

/** @typedef {"online" | "connecting" | "offline"} State */

/** @typedef {Pick<Storage, "length" | "key" | "getItem" | "setItem" | "removeItem">} Store what is used of a Storage */

/** @typedef {Pick<WebSocket, "readyState" | "send" | "close" | "onopen" | "onmessage" | "onclose">} Socket */

/**
 * What the client needs of its platform: the clock, timers, randomness, sockets, requests, storage and, in a page, where
 * the events "online", "offline" and "storage" come from.
 * @typedef {object} Environment
 * @property {() => number} now milliseconds since 1970
 * @property {(call: () => void, ms: number) => number} setTimeout
 * @property {(timer: number | null) => void} clearTimeout
 * @property {() => number} random from 0 up to 1
 * @property {new (url: string) => Socket} WebSocket
 * @property {(address: string, request: RequestInit) => Promise<Response>} fetch
 * @property {Store} storage
 * @property {Pick<EventTarget, "addEventListener" | "removeEventListener">} [events]
 */

/**
 * A half-written message: its text, what it answers or edits (in the latter case with the new text), and who was chosen
 * to be mentioned in it, by the name that stands in the text.
 * @typedef {object} Draft
 * @property {string} text
 * @property {{ kind: string, message: Message, text?: string } | null} [about]
 * @property {[name: string, id: number][]} [mentions]
 */

export {};
