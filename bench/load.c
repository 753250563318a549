/* Many clients of a chat server in one process, to measure it. Linux, IPv4 loopback.
 *
 *   load MODE port=N users=FILE [name=value ...]
 *
 * MODE  pair   clients 2k and 2k+1 write to each other (cmd 10)
 *       group  the first `senders` clients write to the group `gid` (cmd 11), all are in it
 *       idle   clients connect and say nothing: CPU of a connect, memory of a connection
 *       storm  clients reconnect, `rate` a second, the longest connected first
 *       page   clients POST `body` to `path` over HTTP, each the next when it has the answer
 *       catchup  clients send `body`, a catch-up (cmd 4), each the next when it has the answer: `missed` messages and
 *                the list of conversations
 *
 * users    lines "id token", client n is line skip + n
 * ports    client n connects to port + n % ports: the nodes of a cluster (1)
 * conns    clients (100)                skip     lines of the file to leave out (0)
 * seconds  measured time (5)            warm     seconds before it (1)
 * window   messages in flight a sender, each until its witness has it: the peer, or the next in the group (1)
 * rate     messages or reconnects a second, at even distances, instead of a window
 * senders  in a group (1)               gid      the group's id
 * pad      bytes of text after the stamp (32)
 * cid      1: each message has a new one, 128 random bits in hex, as clients make them; 0: none (1)
 * missed   messages that each catch-up brings
 * redis    1: the server is a Redis; `pair` only (0)
 * pid      the server's process: CPU and memory come from /proc
 *
 * One line of name=value figures goes to standard output. In-flight messages are waited for at the end; then
 * `lost` never came, `repeated` came again, `reordered` came after a later one of the same sender. Latency counts
 * from when a message was due, not from when a late generator got round to it.
 * Exit status 1: something was lost, repeated, reordered, refused or cut off.
 */
#define _GNU_SOURCE
#include "figures.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum { READ_SIZE = 1 << 18, LARGEST_MESSAGE = 10000, LARGEST_PAD = 8000, PORTS_OF_AN_ADDRESS = 20000, DIALLING_AT_ONCE = 64 };
enum state { DOWN, DIALLING, UP };

struct bytes { unsigned char *at; size_t used, room; };
struct client {
  int fd, number, waiting_to_write;
  enum state state;
  long id;
  char token[128];
  uint32_t sent;
  int64_t since;                     /* when it began to dial, or asked for a page */
  struct bytes in, out;
};
struct trail { uint32_t newest; uint64_t seen; };   /* of one sender at one receiver: bit n is newest - n */

static struct {
  const char *mode, *users, *path, *body;
  int port, ports, conns, skip, window, senders, pad, cid, missed, pid, redis;
  long gid;
  double seconds, warm, rate;
} want = {.ports = 1, .conns = 100, .window = 1, .senders = 1, .pad = 32, .cid = 1, .seconds = 5, .warm = 1};

static struct client *clients, **to_write;
static struct trail *trails;
static int to_write_count, poller, timer, measuring, sending, quitting, up;
static long sent, fresh, missed_messages, repeated, reordered, answered, refused, other, cut_off, turned_away, opened, pages;
static unsigned char reading[READ_SIZE];

static double server_kib(void) {
  char line[200];
  long kib = 0;
  snprintf(line, sizeof line, "/proc/%d/status", want.pid);
  FILE *file = want.pid ? fopen(line, "r") : NULL;
  if (!file) return 0;
  while (fgets(line, sizeof line, file) && sscanf(line, "VmRSS: %ld", &kib) != 1) {}
  fclose(file);
  return kib;
}

/* Bytes out. */

static void make_room(struct bytes *b, size_t more) {
  if (b->used + more <= b->room) return;
  while (b->room < b->used + more) b->room = b->room ? b->room * 2 : 512;
  if (!(b->at = realloc(b->at, b->room))) die("out of memory");
}

static void append(struct bytes *b, const void *from, size_t length) {
  make_room(b, length);
  memcpy(b->at + b->used, from, length);
  b->used += length;
}

static void drop_front(struct bytes *b, size_t length) {
  memmove(b->at, b->at + length, b->used -= length);
}

static void watch(struct client *c, uint32_t events, int operation) {
  struct epoll_event event = {.events = events, .data.ptr = c};
  epoll_ctl(poller, operation, c->fd, &event);
}

static void write_soon(struct client *c) {
  if (!c->waiting_to_write) to_write[to_write_count++] = c;
  c->waiting_to_write = 1;
}

static void hang_up(struct client *c) {
  if (c->state == DOWN) return;
  close(c->fd);
  up -= c->state == UP;
  c->state = DOWN;
  c->in.used = c->out.used = 0;
}

static void lose(struct client *c) {
  if (c->state != DOWN && !quitting) cut_off++;
  hang_up(c);
}

static void write_now(struct client *c) {
  c->waiting_to_write = 0;
  if (c->state == DOWN || !c->out.used) return;
  ssize_t n = send(c->fd, c->out.at, c->out.used, MSG_NOSIGNAL);
  if (n < 0 && errno != EAGAIN) return lose(c);
  if (n > 0) drop_front(&c->out, n);
  watch(c, c->out.used ? EPOLLIN | EPOLLOUT : EPOLLIN, EPOLL_CTL_MOD);
}

static void send_frame(struct client *c, int opcode, const char *payload, size_t length) {
  static uint32_t mask = 2463534242u;
  unsigned char head[8], *key, *body;
  size_t size = 2;
  mask ^= mask << 13, mask ^= mask >> 17, mask ^= mask << 5;
  head[0] = 0x80 | opcode;
  if (length < 126) head[1] = 0x80 | length;
  else head[1] = 0x80 | 126, head[2] = length >> 8, head[3] = length, size = 4;
  memcpy(head + size, &mask, 4);
  key = head + size;
  append(&c->out, head, size + 4);
  append(&c->out, payload, length);
  body = c->out.at + c->out.used - length;
  for (size_t i = 0; i < length; i++) body[i] ^= key[i & 3];
  write_soon(c);
}

/* What the clients say. The stamp in a message's text: who, its how-manieth, when it was due (ns). */

static const char STAMP[] = "\"content\":\"@";

static int in_group(void) { return !strcmp(want.mode, "group"); }
static int catching_up(void) { return !strcmp(want.mode, "catchup"); }
static struct client *peer_of(struct client *c) { return &clients[c->number ^ 1]; }

static uint64_t random_bits(void) {   /* splitmix64, begun anew in each run: no cid is another run's */
  static uint64_t state;
  if (!state) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    state = t.tv_sec * 1000000000ULL + t.tv_nsec + ((uint64_t)getpid() << 48);
  }
  uint64_t z = state += 0x9e3779b97f4a7c15;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
  z = (z ^ z >> 27) * 0x94d049bb133111eb;
  return z ^ z >> 31;
}

static char *add_cid(char *at) {
  static const char digits[] = "0123456789abcdef";
  memcpy(at, ",\"cid\":\"", 8);
  at += 8;
  for (int half = 0; half < 2; half++) {
    uint64_t bits = random_bits();
    for (int i = 0; i < 16; i++, bits >>= 4) *at++ = digits[bits & 15];
  }
  *at++ = '"';
  return at;
}

static void say_to_redis(struct client *c, const char *message, int length);

static void say(struct client *c, int64_t due) {
  static char filler[LARGEST_PAD], text[LARGEST_MESSAGE];
  if (c->state != UP) return;
  if (!*filler) memset(filler, 'x', sizeof filler);
  c->sent++;
  char *end = text + sprintf(text, "{\"id\":%u", c->sent);
  if (want.cid) end = add_cid(end);
  end += sprintf(end, ",\"userid\":%ld,\"dstid\":%ld,\"cmd\":%d,\"media\":1,%s%d,%u,%lld,%.*s\"}", c->id,
                 in_group() ? want.gid : peer_of(c)->id, in_group() ? 11 : 10, STAMP, c->number, c->sent, (long long)due,
                 want.pad, filler);
  if (want.redis) say_to_redis(c, text, end - text);
  else send_frame(c, 1, text, end - text);
  sent++;
}

static int is_witness(struct client *receiver, struct client *sender) {
  return receiver == (in_group() ? &clients[(sender->number + 1) % want.conns] : peer_of(sender));
}

static int first_time(struct trail *trail, uint32_t number) {
  uint32_t back;
  if (number > trail->newest) {
    uint32_t ahead = number - trail->newest;
    trail->seen = (ahead < 64 ? trail->seen << ahead : 0) | 1;
    trail->newest = number;
    return 1;
  }
  back = trail->newest - number;
  if (back >= 64 || trail->seen >> back & 1) return repeated++, 0;
  trail->seen |= 1ull << back;
  reordered++;
  return 1;
}

static void hear_message(struct client *c, char *stamp) {
  long from = strtol(stamp, &stamp, 10), number = strtol(stamp + 1, &stamp, 10);
  int64_t due = strtoll(stamp + 1, &stamp, 10), late = now_ns() - due;
  struct client *sender = &clients[from];
  if (from < 0 || from >= want.conns || sender == c) { other++; return; }
  if (!first_time(&trails[in_group() ? (long)c->number * want.senders + from : c->number], number)) return;
  fresh++;
  if (measuring) note_latency(late);
  if (sending && want.rate <= 0 && is_witness(c, sender)) say(sender, now_ns());
}

static void ask_catch_up(struct client *c) {
  c->since = now_ns();
  send_frame(c, 1, want.body, strlen(want.body));
  sent++;
}

#include "redis.h"

static void end_catch_up(struct client *c) {
  fresh++;
  if (measuring) note_latency(now_ns() - c->since);
  if (sending) ask_catch_up(c);
}

static void hear_catch_up(struct client *c, char *text, size_t length) {
  if (memmem(text, length, "\"cmd\":4,", 8) == text + 1) end_catch_up(c);
  else if (memmem(text, length, "\"seq\":", 6)) missed_messages++;
  else if (memmem(text, length, "\"cmd\":1,", 8)) refused++;
}

static void hear_text(struct client *c, char *text, size_t length) {
  if (catching_up()) return hear_catch_up(c, text, length);
  char *stamp = memmem(text, length, STAMP, sizeof STAMP - 1);
  if (stamp) return hear_message(c, stamp + sizeof STAMP - 1);
  if (!memmem(text, length, "\"cmd\":1,", 8)) other++;
  else if (memmem(text, length, "\"code\":0", 8)) answered++;
  else refused++;
}

/* Bytes in: how many of these belong to things now dealt with. */

static size_t hear_frames(struct client *c, unsigned char *data, size_t length) {
  size_t done = 0;
  while (length - done >= 2 && c->state == UP) {
    unsigned char *at = data + done;
    size_t head = at[1] < 126 ? 2 : at[1] == 126 ? 4 : 10, size = at[1];
    if (length - done < head) break;
    if (head > 2) { size = 0; for (size_t i = 2; i < head; i++) size = size << 8 | at[i]; }
    if (length - done < head + size) break;
    switch (at[0]) {
      case 0x81: hear_text(c, (char *)at + head, size); break;
      case 0x89: send_frame(c, 10, (char *)at + head, size); break;
      case 0x88: lose(c); return length;
      case 0x01: case 0x00: break;                     /* parts of the list that ends a catch-up, but for the last */
      case 0x80: if (catching_up()) { end_catch_up(c); break; }     /* fall through */
      default: other++;
    }
    done += head + size;
  }
  return done;
}

static void ask_page(struct client *c) {
  char text[LARGEST_MESSAGE];
  c->since = now_ns();
  int length = snprintf(text, sizeof text, "POST %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nAuthorization: Bearer %s\r\n"
                        "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %zu\r\n\r\n%s",
                        want.path, want.port, c->token, strlen(want.body), want.body);
  append(&c->out, text, length);
  write_soon(c);
}

static size_t body_size(char *head, unsigned char *body, size_t length) {     /* SIZE_MAX: not all of it is here */
  char *at = strcasestr(head, "\r\ncontent-length:");
  if (at) return (size_t)atol(at + 17) <= length ? (size_t)atol(at + 17) : SIZE_MAX;
  if (!strcasestr(head, "\r\ntransfer-encoding: chunked")) die("an answer without a length: %.200s", head);
  for (size_t done = 0;;) {
    unsigned char *line = memmem(body + done, length - done, "\r\n", 2);
    if (!line) return SIZE_MAX;
    size_t chunk = strtoul((char *)body + done, NULL, 16);
    done = line - body + 2 + chunk + 2;
    if (done > length) return SIZE_MAX;
    if (!chunk) return done;
  }
}

static size_t hear_page(struct client *c, unsigned char *data, size_t length) {
  unsigned char *end = memmem(data, length, "\r\n\r\n", 4);
  if (!end) return 0;
  size_t head = end + 4 - data;
  end[3] = 0;
  size_t body = body_size((char *)data, data + head, length - head);
  end[3] = '\n';
  if (body == SIZE_MAX) return 0;
  if (memcmp(data, "HTTP/1.1 200", 12) || !memmem(data + head, body, "\"code\":0", 8)) {
    if (!refused++) fprintf(stderr, "refused: %.*s\n", (int)(head + body), data);
  } else pages++;
  if (measuring) note_latency(now_ns() - c->since);
  if (sending) ask_page(c);
  return head + body;
}

static size_t hear_upgrade(struct client *c, unsigned char *data, size_t length) {
  unsigned char *end = memmem(data, length, "\r\n\r\n", 4);
  if (!end) return 0;
  if (memcmp(data, "HTTP/1.1 101", 12)) {
    if (!turned_away++) fprintf(stderr, "turned away: %.200s\n", data);
    hang_up(c);
    return length;
  }
  c->state = UP;
  up++, opened++;
  if (measuring && !strcmp(want.mode, "storm")) note_latency(now_ns() - c->since);
  size_t head = end + 4 - data;
  return head + hear_frames(c, data + head, length - head);
}

static size_t hear(struct client *c, unsigned char *data, size_t length) {
  if (want.redis) return hear_redis(c, data, length);
  if (c->state == DIALLING) return hear_upgrade(c, data, length);
  return strcmp(want.mode, "page") ? hear_frames(c, data, length) : hear_page(c, data, length);
}

static void read_now(struct client *c) {
  ssize_t n = recv(c->fd, reading, sizeof reading, 0);
  if (n < 0 && errno == EAGAIN) return;
  if (n <= 0) return lose(c);
  if (!c->in.used) {
    size_t done = hear(c, reading, n);
    if (c->state != DOWN && (size_t)n > done) append(&c->in, reading + done, n - done);
  } else {
    append(&c->in, reading, n);
    size_t done = hear(c, c->in.at, c->in.used);
    if (c->state != DOWN) drop_front(&c->in, done);
  }
}

/* Connecting. Each loopback address has its own ports: 10,000 clients and their TIME_WAITs need several. */

static void dial(struct client *c) {
  static unsigned dialled;
  struct sockaddr_in server = {.sin_family = AF_INET, .sin_port = htons(want.port + c->number % want.ports), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  struct sockaddr_in self = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK + dialled++ / PORTS_OF_AN_ADDRESS)};
  int yes = 1;
  char text[600];
  c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  if (c->fd < 0) die("socket: %s", strerror(errno));
  setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  setsockopt(c->fd, IPPROTO_IP, 24 /* IP_BIND_ADDRESS_NO_PORT */, &yes, sizeof yes);
  bind(c->fd, (void *)&self, sizeof self);
  if (connect(c->fd, (void *)&server, sizeof server) && errno != EINPROGRESS) die("connect: %s", strerror(errno));
  c->since = now_ns();
  c->state = DIALLING;
  watch(c, EPOLLIN, EPOLL_CTL_ADD);
  if (!strcmp(want.mode, "page")) { c->state = UP; up++; opened++; return; }
  if (want.redis) greet_redis(c);
  else append(&c->out, text, snprintf(text, sizeof text, "GET /chat?id=%ld&token=%s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAECAwQFBgcICQoLDA0ODw==\r\n\r\n", c->id, c->token, want.port));
  watch(c, EPOLLIN | EPOLLOUT, EPOLL_CTL_MOD);
}

/* The loop. */

static double due_at_rate;           /* ns, of the next message or reconnect */
static int next_client;

static void act_at_rate(void) {
  while (now_ns() >= due_at_rate) {
    if (!strcmp(want.mode, "storm")) {
      struct client *c = &clients[next_client++ % want.conns];
      if (c->state == DIALLING) other++;               /* the server is late: this one has no session yet */
      else { hang_up(c); dial(c); sent++; }
    } else say(&clients[next_client++ % (in_group() ? want.senders : want.conns)], due_at_rate);
    due_at_rate += 1e9 / want.rate;
  }
  int64_t next = due_at_rate;
  struct itimerspec at = {.it_value = {next / 1000000000, next % 1000000000}};
  timerfd_settime(timer, TFD_TIMER_ABSTIME, &at, NULL);
}

static void pump_once(int milliseconds) {
  struct epoll_event events[256];
  int count = epoll_wait(poller, events, 256, milliseconds);
  for (int i = 0; i < count; i++) {
    struct client *c = events[i].data.ptr;
    uint64_t ticks;
    if (!c) { if (read(timer, &ticks, sizeof ticks) < 0) continue; }
    else if (c->state == DOWN) continue;
    else if (events[i].events & (EPOLLIN | EPOLLERR | EPOLLHUP)) read_now(c);
    if (c && c->out.used) write_soon(c);
  }
  if (want.rate > 0 && sending) act_at_rate();
  for (int i = 0; i < to_write_count; i++) write_now(to_write[i]);
  to_write_count = 0;
}

static void pump(double seconds) {
  int64_t until = now_ns() + seconds * 1e9;
  while (now_ns() < until) pump_once(20);
}

static long expected(void) { return in_group() ? sent * (want.conns - 1) : sent; }

static void drain(void) {            /* until all is there, or nothing has come for 3 s */
  long before = -1;
  int64_t quiet_since = now_ns();
  while (now_ns() - quiet_since < 3000000000LL && (fresh < expected() || answered + refused < sent)) {
    pump_once(20);
    if (fresh + answered != before) before = fresh + answered, quiet_since = now_ns();
    if (fresh == expected() && !answered) return;      /* a server that doesn't answer */
  }
}

static void connect_all(int from, int to) {
  int next = from;
  int64_t give_up = now_ns() + 60000000000LL;
  long goal = opened + turned_away + cut_off + (to - from);
  while (opened + turned_away + cut_off < goal && now_ns() < give_up) {
    while (next < to && goal - (to - next) - (opened + turned_away + cut_off) < DIALLING_AT_ONCE) dial(&clients[next++]);
    pump_once(20);
  }
  if (up < to) die("only %d of %d clients are connected", up, to);
}

static void prepare(void) {
  FILE *file = fopen(want.users, "r");
  struct rlimit files = {1 << 20, 1 << 20};
  struct epoll_event event = {.events = EPOLLIN};
  char line[200];
  setrlimit(RLIMIT_NOFILE, &files);
  prctl(PR_SET_TIMERSLACK, 1);
  if (!file) die("%s: %s", want.users, strerror(errno));
  clients = calloc(want.conns, sizeof *clients);
  to_write = calloc(want.conns, sizeof *to_write);
  trails = calloc((size_t)want.conns * (in_group() ? want.senders : 1), sizeof *trails);
  for (int i = 0; i < want.skip; i++) if (!fgets(line, sizeof line, file)) die("too few users");
  for (int i = 0; i < want.conns; i++) {
    clients[i].number = i;
    if (fscanf(file, "%ld %127s", &clients[i].id, clients[i].token) != 2) die("only %d users in %s", i, want.users);
  }
  fclose(file);
  poller = epoll_create1(0);
  timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
  epoll_ctl(poller, EPOLL_CTL_ADD, timer, &event);
}

static int measure_idle(void) {
  int first = want.conns > 100 ? 20 : 1;               /* they pay for what is made once */
  connect_all(0, first);
  pump(want.warm);
  double kib = server_kib(), cpu = cpu_of(want.pid);
  int64_t began = now_ns();
  connect_all(first, want.conns);
  double took = (now_ns() - began) * 1e-9;
  pump(0.3);                                           /* what a connect leaves to be done */
  cpu = cpu_of(want.pid) - cpu;
  pump(want.seconds);
  int count = want.conns - first;
  printf("mode=idle conns=%d connects_per_s=%.0f connect_cpu_us=%.1f kib_per_conn=%.2f server_kib=%.0f turned_away=%ld cut_off=%ld\n",
         want.conns, count / took, cpu / count * 1e6, (server_kib() - kib) / count, server_kib(), turned_away, cut_off);
  return turned_away || cut_off;
}

static void begin_sending(void) {
  sending = 1;
  due_at_rate = now_ns();
  if (!strcmp(want.mode, "page")) for (int i = 0; i < want.conns; i++) ask_page(&clients[i]);
  else if (catching_up()) for (int i = 0; i < want.conns; i++) ask_catch_up(&clients[i]);
  else if (want.rate <= 0)
    for (int n = 0; n < want.window; n++)
      for (int i = 0; i < (in_group() ? want.senders : want.conns); i++) say(&clients[i], now_ns());
  pump(want.warm);
}

static long done_so_far(void) {
  return !strcmp(want.mode, "storm") ? opened : !strcmp(want.mode, "page") ? pages : fresh;
}

static int measure_traffic(void) {
  begin_sending();
  long done = done_so_far();
  double cpu = cpu_of(want.pid), own = own_cpu();
  int64_t began = now_ns();
  measuring = 1;
  pump(want.seconds);
  measuring = 0;
  double took = (now_ns() - began) * 1e-9;
  done = done_so_far() - done, cpu = cpu_of(want.pid) - cpu, own = own_cpu() - own;
  sending = 0;
  int talking = !strcmp(want.mode, "pair") || in_group();
  if (talking || catching_up()) drain();
  else pump(0.5);
  long lost = talking || catching_up() ? expected() - fresh : 0;
  if (catching_up()) lost += labs(fresh * want.missed - missed_messages);
  print_figures(want.mode, want.conns, done, took, cpu, own);
  printf("sent=%ld lost=%ld repeated=%ld reordered=%ld answered=%ld refused=%ld other=%ld turned_away=%ld cut_off=%ld server_kib=%.0f\n",
         sent, lost, repeated, reordered, answered, refused, other, turned_away, cut_off, server_kib());
  return lost || repeated || reordered || refused || turned_away || cut_off;
}

static void understand(char *argument) {
  char *value = strchr(argument, '=');
  if (!value) die("not name=value: %s", argument);
  *value++ = 0;
  struct { const char *name; int *number; double *real; const char **text; } known[] = {
    {"port", &want.port, 0, 0}, {"ports", &want.ports, 0, 0}, {"conns", &want.conns, 0, 0}, {"skip", &want.skip, 0, 0}, {"window", &want.window, 0, 0},
    {"senders", &want.senders, 0, 0}, {"pad", &want.pad, 0, 0}, {"cid", &want.cid, 0, 0},
    {"missed", &want.missed, 0, 0}, {"redis", &want.redis, 0, 0}, {"pid", &want.pid, 0, 0}, {"seconds", 0, &want.seconds, 0},
    {"warm", 0, &want.warm, 0}, {"rate", 0, &want.rate, 0}, {"users", 0, 0, &want.users}, {"path", 0, 0, &want.path},
    {"body", 0, 0, &want.body}};
  if (!strcmp(argument, "gid")) { want.gid = atol(value); return; }
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    if (strcmp(argument, known[i].name)) continue;
    if (known[i].number) *known[i].number = atoi(value);
    if (known[i].real) *known[i].real = atof(value);
    if (known[i].text) *known[i].text = value;
    return;
  }
  die("unknown: %s", argument);
}

int main(int count, char **arguments) {
  if (count < 4) die("usage: load MODE port=N users=FILE [name=value ...]; see the head of load.c");
  want.mode = arguments[1];
  for (int i = 2; i < count; i++) understand(arguments[i]);
  if (!strcmp(want.mode, "pair") && want.conns % 2) die("clients talk in pairs: conns must be even");
  if (want.pad > LARGEST_PAD) die("pad is at most %d", LARGEST_PAD);
  if (catching_up() && !want.body) die("a catch-up needs a body");
  prepare();
  if (!strcmp(want.mode, "idle")) return measure_idle();
  connect_all(0, want.conns);
  pump(0.3);
  return measure_traffic();
}
