/* What the kernel alone takes of one stored 1:1 message, at light load: the system calls of its way and nothing else.
 *
 *   floor FILE [rate=3000] [seconds=5] [conns=200]
 *
 * One thread waits for 200 loopback connections. What is readable together is received, two pages with their headers
 * are written to FILE for it as SQLite writes them to its WAL, and synced; then the sender gets 85 bytes, its peer 170.
 * FILE is overwritten in place, as a WAL is that has been checkpointed. A child on the other core sends `rate` messages
 * of 190 bytes a second, at even distances.
 * Prints CPU of the thread a message, and how many messages shared a sync.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MESSAGE = 190, ANSWER = 85, DELIVERY = 170, PAGE = 4096, HEADER = 24, PAGES = 2, ROOM = 32 << 20, MOST = 1000 };

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec * 1e-9;
}

static void need(int ok, const char *what) {
  if (!ok) { perror(what); exit(2); }
}

static void pin(int core) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(core, &set);
  sched_setaffinity(0, sizeof set, &set);
}

static void speak(int port, int conns, double rate, double seconds) {
  static int fds[MOST];
  static char data[65536];
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = port, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int one = 1, ep = epoll_create1(0);
  for (int i = 0; i < conns; i++) {
    need((fds[i] = socket(AF_INET, SOCK_STREAM, 0)) >= 0, "socket");
    need(!connect(fds[i], (void *)&to, sizeof to), "connect");
    setsockopt(fds[i], IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fds[i]};
    epoll_ctl(ep, EPOLL_CTL_ADD, fds[i], &event);
  }
  double begin = now();
  for (long sent = 0; now() < begin + seconds;) {
    for (; sent < (now() - begin) * rate; sent++)
      need(send(fds[sent % conns], data, MESSAGE, 0) == MESSAGE, "send");
    struct epoll_event events[64];
    int ready = epoll_wait(ep, events, 64, 0);
    for (int i = 0; i < ready; i++) need(recv(events[i].data.fd, data, sizeof data, 0) > 0, "recv");
  }
  exit(0);
}

int main(int argc, char **argv) {
  double rate = 3000, seconds = 5;
  int conns = 200;
  need(argc > 1, "usage: floor FILE [rate=n] [seconds=n] [conns=n]");
  for (int i = 2; i < argc; i++) {
    sscanf(argv[i], "rate=%lf", &rate);
    sscanf(argv[i], "seconds=%lf", &seconds);
    sscanf(argv[i], "conns=%d", &conns);
  }
  need(conns % 2 == 0 && conns <= MOST, "conns");
  int file = open(argv[1], O_RDWR | O_CREAT, 0600);
  need(file >= 0, argv[1]);
  static char page[PAGE], data[65536];
  for (long at = 0; at < ROOM; at += PAGE) need(pwrite(file, page, PAGE, at) == PAGE, "write");
  fdatasync(file);

  int listener = socket(AF_INET, SOCK_STREAM, 0), one = 1, ep = epoll_create1(0), fds[MOST];
  struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof here;
  need(!bind(listener, (void *)&here, size) && !listen(listener, MOST), "listen");
  getsockname(listener, (void *)&here, &size);
  pid_t child = fork();
  need(child >= 0, "fork");
  pin(child ? 0 : 1);
  if (!child) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    speak(here.sin_port, conns, rate, seconds);
  }
  for (int i = 0; i < conns; i++) {
    need((fds[i] = accept(listener, NULL, NULL)) >= 0, "accept");
    setsockopt(fds[i], IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = i};
    epoll_ctl(ep, EPOLL_CTL_ADD, fds[i], &event);
  }
  long messages = 0, syncs = 0, at = 0;
  struct rusage before, after;
  getrusage(RUSAGE_SELF, &before);
  for (int open = conns; open;) {
    struct epoll_event events[MOST];
    int ready = epoll_wait(ep, events, MOST, -1), from[MOST], got = 0;
    for (int i = 0; i < ready; i++) {
      int who = events[i].data.u32;
      ssize_t n = recv(fds[who], data, sizeof data, 0);
      if (n <= 0) {
        close(fds[who]);
        open--;
        continue;
      }
      for (; n >= MESSAGE && got < MOST; n -= MESSAGE) from[got++] = who;
    }
    if (!got) continue;
    for (int i = 0; i < PAGES; i++, at += HEADER + PAGE) {
      if (at + HEADER + PAGE > ROOM) at = 0;
      need(pwrite(file, page, HEADER, at) == HEADER && pwrite(file, page, PAGE, at + HEADER) == PAGE, "write");
    }
    need(!fdatasync(file), "fdatasync");
    for (int i = 0; i < got; i++) {
      send(fds[from[i]], data, ANSWER, MSG_NOSIGNAL);
      send(fds[from[i] ^ 1], data, DELIVERY, MSG_NOSIGNAL);
    }
    messages += got;
    syncs++;
  }
  getrusage(RUSAGE_SELF, &after);
  waitpid(child, NULL, 0);
  double used = after.ru_utime.tv_sec - before.ru_utime.tv_sec + after.ru_stime.tv_sec - before.ru_stime.tv_sec
              + (after.ru_utime.tv_usec - before.ru_utime.tv_usec + after.ru_stime.tv_usec - before.ru_stime.tv_usec) * 1e-6;
  printf("cpu_us=%.1f together=%.2f\n", messages ? used / messages * 1e6 : 0, syncs ? (double)messages / syncs : 0);
  return 0;
}
