/* What the load generators measure with: time, what /proc knows of the server, latencies. */
#include <dirent.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void die(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vfprintf(stderr, format, arguments);
  fputc('\n', stderr);
  exit(2);
}

static int64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static double cpu_of(int pid) {      /* seconds, all threads, to the nanosecond unlike /proc/PID/stat */
  char path[300];
  double total = 0;
  struct dirent *entry;
  snprintf(path, sizeof path, "/proc/%d/task", pid);
  DIR *tasks = pid ? opendir(path) : NULL;
  if (!tasks) return 0;
  while ((entry = readdir(tasks))) {
    long long spent;
    snprintf(path, sizeof path, "/proc/%d/task/%s/schedstat", pid, entry->d_name);
    FILE *file = entry->d_name[0] == '.' ? NULL : fopen(path, "r");
    if (!file) continue;
    if (fscanf(file, "%lld", &spent) == 1) total += spent * 1e-9;
    fclose(file);
  }
  closedir(tasks);
  return total;
}

static double own_cpu(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return t.tv_sec + t.tv_nsec * 1e-9;
}

/* Latencies, in buckets at most 3 % wide: 32 to each doubling of the microseconds. */

static long buckets[32 * 40], samples, slowest;

static void note_latency(int64_t ns) {
  uint64_t us = ns < 0 ? 0 : ns / 1000;
  int shift = us < 32 ? 0 : 58 - __builtin_clzll(us);
  buckets[us < 32 ? us : 32 * (shift + 1) + ((us >> shift) - 32)]++;
  samples++;
  if ((long)us > slowest) slowest = us;
}

static double quantile_ms(double part) {
  long wanted = samples * part, passed = 0;
  for (int i = 0; samples && i < 32 * 40; i++)
    if ((passed += buckets[i]) > wanted) return (i < 32 ? i : (double)(32 + i % 32) * (1 << (i / 32 - 1))) / 1e3;
  return 0;
}

/* What every run says: `done` things in `took` seconds, for `cpu` seconds of the server and `own` of the generator. */
static void print_figures(const char *mode, int conns, long done, double took, double cpu, double own) {
  printf("mode=%s conns=%d done=%ld per_s=%.0f per_cpu_s=%.0f cpu_us=%.2f server_busy=%.2f load_busy=%.2f "
         "p50_ms=%.3f p99_ms=%.3f p999_ms=%.3f max_ms=%.1f ",
         mode, conns, done, done / took, cpu > 0 ? done / cpu : 0, done ? cpu / done * 1e6 : 0, cpu / took, own / took,
         quantile_ms(.5), quantile_ms(.99), quantile_ms(.999), slowest / 1e3);
}
