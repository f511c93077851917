// A pool of threads that share counted work. The caller takes part and waits for the work, never for
// a worker that came too late for it. Waiting workers look for the next run for some microseconds
// and then sleep in the kernel, so an idle process costs nothing; between the runs of one step
// (fk_pool_hold) they look longer.
//
// Where a pool has one thread per processor, or one per core, each worker is bound to its own:
// schedulers may put threads that often sleep on one processor, where they would take turns.
#define _GNU_SOURCE
#include "CKernels.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { SPIN_NS = 50 * 1000, HELD_SPIN_NS = 2 * 1000 * 1000, LOOKS = 64 };

struct fk_pool {
  int threads, started, bound;
  pthread_t *handles;
  cpu_set_t *places; // one per thread, the caller's first
  fk_task task;
  void *context;
  size_t count;
  _Alignas(64) atomic_uint generation; // bumped for each run; the word workers sleep on
  atomic_int held;
  _Alignas(64) atomic_llong left; // units nobody has taken; less than 0 when asked too often
  _Alignas(64) atomic_uint done;  // units finished; the word the caller sleeps on
  atomic_int stop, sleepers, caller_sleeps;
};

static void relax(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

static int64_t nanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000000000ll + now.tv_nsec;
}

static void sleep_while(atomic_uint *word, unsigned value) {
  syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
}

static void wake(atomic_uint *word, int count) {
  syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count, NULL, NULL, 0);
}

// Takes units until there are none. A run cannot end, nor the next begin, while a taken unit is not
// finished: what describes the run stays as it is.
static void work(fk_pool *pool) {
  unsigned finished = 0;
  for (;;) {
    long long left = atomic_fetch_sub_explicit(&pool->left, 1, memory_order_acquire);
    if (left <= 0) break;
    pool->task(pool->context, pool->count - (size_t)left);
    finished++;
  }
  if (!finished) return;
  // Once it is counted the caller may go on: nothing of the run may be read after.
  atomic_fetch_add(&pool->done, finished);
  if (atomic_load(&pool->caller_sleeps)) wake(&pool->done, 1);
}

// Looks for a change of `word` for a while: 1 when there is one. After some time others that want
// this processor are let through.
static int changes(fk_pool *pool, atomic_uint *word, unsigned seen) {
  int64_t start = nanoseconds(), waited = 0, most = SPIN_NS;
  while (waited < most) {
    for (int i = 0; i < LOOKS; i++) {
      if (atomic_load_explicit(word, memory_order_acquire) != seen) return 1;
      relax();
    }
    waited = nanoseconds() - start;
    most = atomic_load_explicit(&pool->held, memory_order_relaxed) > 0 ? HELD_SPIN_NS : SPIN_NS;
    if (waited > SPIN_NS) sched_yield();
  }
  return 0;
}

static unsigned await_generation(fk_pool *pool, unsigned seen) {
  unsigned now;
  if (!changes(pool, &pool->generation, seen)) {
    atomic_fetch_add(&pool->sleepers, 1);
    while ((now = atomic_load(&pool->generation)) == seen) sleep_while(&pool->generation, seen);
    atomic_fetch_sub(&pool->sleepers, 1);
  }
  return atomic_load_explicit(&pool->generation, memory_order_acquire);
}

static void *worker(void *argument) {
  fk_pool *pool = argument;
  unsigned seen = 0;
  for (;;) {
    seen = await_generation(pool, seen);
    if (atomic_load(&pool->stop)) return NULL;
    work(pool);
  }
}

// MARK: Places

static int topology(int cpu, const char *name) {
  char path[96];
  snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%d/topology/%s", cpu, name);
  FILE *file = fopen(path, "r");
  int value = -1;
  if (file && fscanf(file, "%d", &value) != 1) value = -1;
  if (file) fclose(file);
  return value;
}

// The place of a processor: of its core, or its own; places are numbered in order.
static int place_of(int cpu, int whole_cores, int (*known)[2], int *count) {
  int package = whole_cores ? topology(cpu, "physical_package_id") : cpu;
  int core = whole_cores ? topology(cpu, "core_id") : cpu, place = 0;
  while (place < *count && (known[place][0] != package || known[place][1] != core)) place++;
  if (place == *count) {
    known[place][0] = package;
    known[place][1] = core;
    ++*count;
  }
  return place;
}

// One set of processors per thread, single ones or those of a core; 0 where it does not come out.
static int places(int threads, cpu_set_t *sets) {
  cpu_set_t allowed;
  if (threads < 2 || sched_getaffinity(0, sizeof allowed, &allowed) != 0) return 0;
  for (int whole_cores = 0; whole_cores < 2; whole_cores++) {
    int known[CPU_SETSIZE][2], count = 0;
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
      if (!CPU_ISSET(cpu, &allowed)) continue;
      int place = place_of(cpu, whole_cores, known, &count);
      if (place < threads) CPU_SET(cpu, &sets[place]);
    }
    if (count == threads) return 1;
    memset(sets, 0, (size_t)threads * sizeof *sets);
  }
  return 0;
}

// The caller is not bound, since threads that it starts would inherit that: where it comes to a
// worker's place, the two places are exchanged.
static void keep_apart(fk_pool *pool) {
  int cpu = sched_getcpu();
  if (cpu < 0 || CPU_ISSET(cpu, &pool->places[0])) return;
  for (int i = 1; i <= pool->started; i++)
    if (CPU_ISSET(cpu, &pool->places[i])) {
      cpu_set_t place = pool->places[i];
      pool->places[i] = pool->places[0];
      pool->places[0] = place;
      pthread_setaffinity_np(pool->handles[i - 1], sizeof place, &pool->places[i]);
      return;
    }
}

// MARK: Life

static void dismiss(fk_pool *pool) {
  free(pool->handles);
  free(pool->places);
  free(pool);
}

fk_pool *fk_pool_create(int threads) {
  if (threads < 1) threads = 1;
  fk_pool *pool = aligned_alloc(64, (sizeof(fk_pool) + 63) / 64 * 64);
  if (!pool) return NULL;
  *pool = (fk_pool){.threads = threads};
  pool->handles = calloc((size_t)threads, sizeof(pthread_t));
  pool->places = calloc((size_t)threads, sizeof(cpu_set_t));
  if (!pool->handles || !pool->places) {
    dismiss(pool);
    return NULL;
  }
  pool->bound = places(threads, pool->places);
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 4 << 20);
  for (int i = 0; i + 1 < threads; i++) {
    if (pool->bound)
      pthread_attr_setaffinity_np(&attributes, sizeof(cpu_set_t), &pool->places[i + 1]);
    if (pthread_create(&pool->handles[i], &attributes, worker, pool) != 0) break;
    pool->started++;
  }
  pthread_attr_destroy(&attributes);
  pool->threads = pool->started + 1;
  return pool;
}

void fk_pool_destroy(fk_pool *pool) {
  if (!pool) return;
  atomic_store(&pool->stop, 1);
  atomic_fetch_add(&pool->generation, 1);
  wake(&pool->generation, pool->threads);
  for (int i = 0; i < pool->started; i++) pthread_join(pool->handles[i], NULL);
  dismiss(pool);
}

int fk_pool_threads(const fk_pool *pool) { return pool ? pool->threads : 1; }

void fk_pool_hold(fk_pool *pool, int change) {
  if (pool) atomic_fetch_add_explicit(&pool->held, change, memory_order_relaxed);
}

void fk_pool_run(fk_pool *pool, size_t count, fk_task task, void *context) {
  if (!pool || pool->started == 0 || count < 2) {
    for (size_t i = 0; i < count; i++) task(context, i);
    return;
  }
  if (pool->bound) keep_apart(pool);
  pool->task = task;
  pool->context = context;
  pool->count = count;
  atomic_store(&pool->caller_sleeps, 0);
  atomic_store(&pool->done, 0);
  atomic_store_explicit(&pool->left, (long long)count, memory_order_release);
  atomic_fetch_add(&pool->generation, 1);
  if (atomic_load(&pool->sleepers) > 0) wake(&pool->generation, pool->started);
  work(pool);
  unsigned done;
  while ((done = atomic_load(&pool->done)) != (unsigned)count) {
    if (changes(pool, &pool->done, done)) continue;
    atomic_store(&pool->caller_sleeps, 1);
    if (atomic_load(&pool->done) == done) sleep_while(&pool->done, done);
  }
}
