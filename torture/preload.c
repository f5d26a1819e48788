/*
 * Loaded before the C library of a server under torture (LD_PRELOAD): fsync and fdatasync fail or stall, the wall
 * clock is wrong, as a file of 64 bytes says that the rig writes while the server runs (torture/preload.ts).
 *
 * The executable calls all of these through the dynamic symbol table; the file counts the calls, so that a run in
 * which that is no longer so is seen. Monotonic clocks are left alone.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define SECOND_NS 1000000000LL

enum { SYNC_WORKS = 0, SYNC_FAILS = 1, SYNC_STALLS = 2 };

struct control {
  int32_t sync;
  int32_t stall_ms;
  int64_t clock_offset_ms;
  int64_t syncs;
  int64_t readings;
};

static struct control nothing;
static volatile struct control *control = &nothing;

__attribute__((constructor)) static void begin(void) {
  const char *path = getenv("TORTURE_CONTROL");
  int fd = path == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC);
  if (fd < 0) return;
  void *at = mmap(NULL, sizeof nothing, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  if (at != MAP_FAILED) control = at;
}

static int sync_by(long number, int fd) {
  __atomic_fetch_add(&control->syncs, 1, __ATOMIC_RELAXED);
  if (control->sync == SYNC_STALLS) {
    struct timespec stall = {control->stall_ms / 1000, control->stall_ms % 1000 * 1000000L};
    nanosleep(&stall, NULL);
  }
  if (control->sync == SYNC_FAILS) {
    errno = EIO;
    return -1;
  }
  return (int)syscall(number, fd);
}

int fsync(int fd) { return sync_by(SYS_fsync, fd); }

int fdatasync(int fd) { return sync_by(SYS_fdatasync, fd); }

int clock_gettime(clockid_t clock, struct timespec *at) {
  static int (*next)(clockid_t, struct timespec *);
  if (next == NULL) next = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
  int status = next(clock, at);
  if (status != 0 || clock != CLOCK_REALTIME) return status;
  __atomic_fetch_add(&control->readings, 1, __ATOMIC_RELAXED);
  int64_t offset = control->clock_offset_ms;
  int64_t ns = at->tv_nsec + offset % 1000 * 1000000;
  at->tv_sec += offset / 1000 + (ns < 0 ? -1 : ns >= SECOND_NS ? 1 : 0);
  at->tv_nsec = ns < 0 ? ns + SECOND_NS : ns >= SECOND_NS ? ns - SECOND_NS : ns;
  return 0;
}

int gettimeofday(struct timeval *restrict at, void *restrict zone) {
  (void)zone;
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  at->tv_sec = now.tv_sec;
  at->tv_usec = now.tv_nsec / 1000;
  return 0;
}

time_t time(time_t *at) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (at != NULL) *at = now.tv_sec;
  return now.tv_sec;
}
