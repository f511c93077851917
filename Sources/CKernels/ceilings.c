// What this machine can do at best: memory reading and arithmetic, with the pool's threads.
#ifndef FK_BODY
#define FK_FILE "ceilings.c"
#include "CKernels.h"
#include <time.h>
enum { READ_CHUNK = 1 << 20, COMPUTE_LOOPS = 200000 };
typedef struct {
  const uint8_t *data;
  size_t bytes;
  int kind;
  double operations;
  volatile float sink;
} ceiling_job;
#include "isa.h"

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static fk_task read_task(void) { FK_DISPATCH(read, ) }

double fk_ceiling_read(fk_pool *pool, const void *data, size_t bytes) {
  ceiling_job job = {.data = data, .bytes = bytes / READ_CHUNK * READ_CHUNK};
  double start = now();
  fk_pool_run(pool, bytes / READ_CHUNK, read_task(), &job);
  return (double)job.bytes / (now() - start);
}

static fk_task compute_task(void) { FK_DISPATCH(compute, ) }

double fk_ceiling_compute(fk_pool *pool, int kind) {
  ceiling_job job = {.kind = kind};
  size_t units = (size_t)fk_pool_threads(pool) * 8;
  double start = now();
  fk_pool_run(pool, units, compute_task(), &job);
  return job.operations * (double)units / (now() - start);
}
#else

static void K(read_unit)(void *context, size_t index) {
  ceiling_job *job = context;
  const uint8_t *p = job->data + index * READ_CHUNK;
  v16i a = {}, b = {};
  for (size_t i = 0; i < READ_CHUNK; i += 128) {
    a ^= *(const v16i_at *)(p + i);
    b ^= *(const v16i_at *)(p + i + 64);
  }
  a ^= b;
  job->sink = (float)a[0];
}
static fk_task K(read)(void) { return K(read_unit); }

FK_INLINE double K(compute_f32)(volatile float *sink) {
  v16f acc[6];
  for (int i = 0; i < 6; i++) acc[i] = K(set1)((float)i);
  v16f a = K(set1)(0.999f), b = K(set1)(0.001f);
  for (int i = 0; i < COMPUTE_LOOPS; i++) {
    __asm__ volatile("" : "+m"(*sink));
    for (int j = 0; j < 6; j++) acc[j] = K(fma)(acc[j], a, b);
  }
  *sink = acc[0][0] + acc[1][0] + acc[2][0] + acc[3][0] + acc[4][0] + acc[5][0];
  return 6.0 * 32 * COMPUTE_LOOPS;
}

static void K(compute_unit)(void *context, size_t index) {
  ceiling_job *job = context;
  double operations = K(compute_f32)(&job->sink);
  if (index == 0) job->operations = operations;
}
static fk_task K(compute)(void) { return K(compute_unit); }
#endif
