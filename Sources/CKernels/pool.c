// A pool of threads that share counted work. The caller takes part. Waiting workers look at the
// generation for a few microseconds and then sleep in the kernel, so an idle process costs nothing.
#define _GNU_SOURCE
#include "CKernels.h"

#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { SPINS = 2000 };

struct fk_pool {
  int threads, started;
  pthread_t *handles;
  fk_task task;
  void *context;
  size_t count;
  _Alignas(64) atomic_uint generation; // bumped for each run; the word workers sleep on
  _Alignas(64) atomic_size_t next;
  _Alignas(64) atomic_uint busy; // workers that have not finished this run; the caller's word
  atomic_int stop, sleepers, caller_sleeps;
};

static void relax(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

static void sleep_while(atomic_uint *word, unsigned value) {
  syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
}

static void wake(atomic_uint *word, int count) {
  syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count, NULL, NULL, 0);
}

static void work(fk_pool *pool) {
  for (;;) {
    size_t index = atomic_fetch_add_explicit(&pool->next, 1, memory_order_relaxed);
    if (index >= pool->count) return;
    pool->task(pool->context, index);
  }
}

static unsigned await_generation(fk_pool *pool, unsigned seen) {
  for (int i = 0; i < SPINS; i++) {
    unsigned now = atomic_load_explicit(&pool->generation, memory_order_acquire);
    if (now != seen) return now;
    relax();
  }
  atomic_fetch_add(&pool->sleepers, 1);
  unsigned now;
  while ((now = atomic_load(&pool->generation)) == seen) sleep_while(&pool->generation, seen);
  atomic_fetch_sub(&pool->sleepers, 1);
  return now;
}

static void *worker(void *argument) {
  fk_pool *pool = argument;
  unsigned seen = 0;
  for (;;) {
    seen = await_generation(pool, seen);
    if (atomic_load(&pool->stop)) return NULL;
    work(pool);
    if (atomic_fetch_sub(&pool->busy, 1) == 1 && atomic_load(&pool->caller_sleeps))
      wake(&pool->busy, 1);
  }
}

fk_pool *fk_pool_create(int threads) {
  if (threads < 1) threads = 1;
  fk_pool *pool = aligned_alloc(64, (sizeof(fk_pool) + 63) / 64 * 64);
  if (!pool) return NULL;
  *pool = (fk_pool){.threads = threads};
  pool->handles = calloc((size_t)threads, sizeof(pthread_t));
  if (!pool->handles) {
    free(pool);
    return NULL;
  }
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 4 << 20);
  for (int i = 0; i + 1 < threads; i++) {
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
  free(pool->handles);
  free(pool);
}

int fk_pool_threads(const fk_pool *pool) { return pool ? pool->threads : 1; }

void fk_pool_run(fk_pool *pool, size_t count, fk_task task, void *context) {
  if (!pool || pool->started == 0 || count < 2) {
    for (size_t i = 0; i < count; i++) task(context, i);
    return;
  }
  pool->task = task;
  pool->context = context;
  pool->count = count;
  atomic_store_explicit(&pool->next, 0, memory_order_relaxed);
  atomic_store(&pool->caller_sleeps, 0);
  atomic_store(&pool->busy, (unsigned)pool->started);
  atomic_fetch_add(&pool->generation, 1);
  if (atomic_load(&pool->sleepers) > 0) wake(&pool->generation, pool->started);
  work(pool);
  unsigned left;
  for (int i = 0; i < SPINS; i++) {
    if (atomic_load_explicit(&pool->busy, memory_order_acquire) == 0) return;
    relax();
  }
  atomic_store(&pool->caller_sleeps, 1);
  while ((left = atomic_load(&pool->busy)) != 0) sleep_while(&pool->busy, left);
}
