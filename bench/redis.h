/* How clients speak to Redis (RESP 3) instead: a message is added to the stream of its conversation and published to
 * the peer's channel, in one write. With `appendfsync always` Redis lets neither answer nor publication out before the
 * append is on the disk. Included by load.c. */

static void greet_redis(struct client *c) {
  char text[100];
  append(&c->out, text, sprintf(text, "HELLO 3\r\nSUBSCRIBE u%ld\r\n", c->id));
}

static void say_to_redis(struct client *c, const char *message, int length) {
  char head[300], key[60], channel[40];
  struct client *peer = peer_of(c);
  int key_size = sprintf(key, "c%ld-%ld", c->id < peer->id ? c->id : peer->id, c->id < peer->id ? peer->id : c->id);
  int channel_size = sprintf(channel, "u%ld", peer->id);
  append(&c->out, head, sprintf(head, "*5\r\n$4\r\nXADD\r\n$%d\r\n%s\r\n$1\r\n*\r\n$1\r\nm\r\n$%d\r\n", key_size, key, length));
  append(&c->out, message, length);
  append(&c->out, head, sprintf(head, "\r\n*3\r\n$7\r\nPUBLISH\r\n$%d\r\n%s\r\n$%d\r\n", channel_size, channel, length));
  append(&c->out, message, length);
  append(&c->out, "\r\n", 2);
  write_soon(c);
}

static char *end_of_value(char *at, char *end) {       /* NULL: not all of it is here */
  char *line = memchr(at, '\n', end - at);
  if (!line) return NULL;
  long count = atol(at + 1);
  if (*at == '$') return count < 0 ? line + 1 : end - line - 1 >= count + 2 ? line + 1 + count + 2 : NULL;
  char *next = line + 1;
  if (*at != '*' && *at != '>' && *at != '%') return next;
  for (long left = *at == '%' ? 2 * count : count; next && left > 0; left--) next = next < end ? end_of_value(next, end) : NULL;
  return next;
}

static size_t hear_redis(struct client *c, unsigned char *data, size_t length) {
  char *at = (char *)data, *end = at + length, *next;
  while (at < end && c->state != DOWN && (next = end_of_value(at, end))) {
    if (*at == '>' && c->state == DIALLING) c->state = UP, up++, opened++;
    else if (*at == '>') {
      char *stamp = memmem(at, next - at, STAMP, sizeof STAMP - 1);
      if (stamp) hear_message(c, stamp + sizeof STAMP - 1);
      else other++;
    } else if (*at == '$') answered++;
    else if (*at == '-' && !refused++) fprintf(stderr, "refused: %.*s", (int)(next - at), at);
    at = next;
  }
  return at - (char *)data;
}
