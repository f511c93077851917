// What this machine can do at best: memory reading and arithmetic, with the pool's threads.
#ifndef FK_BODY
#define FK_FILE "ceilings.c"
#include "CKernels.h"
#include <time.h>
enum { READ_CHUNK = 1 << 20, COMPUTE_LOOPS = 100000 };
typedef struct {
  const uint8_t *data;
  size_t bytes;
  int kind;
  double operations;
  volatile float sink;
} ceiling_job;
#define FK_WITH_DOT 1
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

#if defined(__x86_64__)
// vdpbf16ps has no body of its own in the kernels yet; its rate tells what one would bring.
__attribute__((target("avx512f,avx512bw,avx512vl,avx512bf16"))) static void bf16_unit(
    void *context, size_t index) {
  ceiling_job *job = context;
  enum { CHAINS = 12 };
  __m512 acc[CHAINS] = {};
  __m512i a = _mm512_set1_epi32(0x3f803f80);
  for (int i = 0; i < COMPUTE_LOOPS; i++)
    for (int j = 0; j < CHAINS; j++) {
      __asm__ volatile("" : "+v"(a));
      acc[j] = _mm512_dpbf16_ps(acc[j], (__m512bh)a, (__m512bh)a);
    }
  float total = 0;
  for (int j = 0; j < CHAINS; j++) total += acc[j][0];
  job->sink = total;
  if (index == 0) job->operations = 64.0 * CHAINS * COMPUTE_LOOPS;
}
#endif

static fk_task compute_task(void) { FK_DISPATCH(compute, ) }

double fk_ceiling_compute(fk_pool *pool, int kind) {
  ceiling_job job = {.kind = kind};
  size_t units = (size_t)fk_pool_threads(pool) * 8;
  fk_task task = compute_task();
  if (kind == FK_CEILING_BF16) {
#if defined(__x86_64__)
    if (fk_isa() < FK_ISA_AVX512 || !__builtin_cpu_supports("avx512bf16")) return 0;
    task = bf16_unit;
#else
    return 0;
#endif
  }
  double start = now();
  fk_pool_run(pool, units, task, &job);
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

// The products of the int8 mode as dot16.h makes them on this instruction set.
FK_INLINE double K(compute_i8)(volatile float *sink) {
#if defined(FK_HAS_AVX512)
  enum { CHAINS = 12, OPERATIONS = 64 };
  __m512i acc[CHAINS] = {}, a = _mm512_set1_epi32(3), b = _mm512_set1_epi32(5);
#if defined(FK_HAS_VNNI)
#define FK_STEP(x) _mm512_dpwssd_epi32(x, a, b)
#else
#define FK_STEP(x) _mm512_add_epi32(x, _mm512_madd_epi16(a, b))
#endif
#define FK_HOLD(x) "+v"(x)
#elif defined(FK_HAS_AVX2)
  enum { CHAINS = 10, OPERATIONS = 32 };
  __m256i acc[CHAINS] = {}, a = _mm256_set1_epi16(3), b = _mm256_set1_epi16(5);
#define FK_STEP(x) _mm256_add_epi32(x, _mm256_madd_epi16(a, b))
#define FK_HOLD(x) "+x"(x)
#else
  enum { CHAINS = 4, OPERATIONS = 32 };
  v16i acc[CHAINS] = {}, a = (v16i){} + 3, b = (v16i){} + 5;
#define FK_STEP(x) ((x) + a * b)
#define FK_HOLD(x) "+m"(x)
#endif
  for (int i = 0; i < COMPUTE_LOOPS; i++)
    for (int j = 0; j < CHAINS; j++) {
      __asm__ volatile("" : FK_HOLD(a), FK_HOLD(b)); // the products are not hoisted
      acc[j] = FK_STEP(acc[j]);
    }
#undef FK_STEP
#undef FK_HOLD
  float total = 0;
  for (int j = 0; j < CHAINS; j++) total += (float)((const int32_t *)&acc[j])[0];
  *sink = total;
  return (double)CHAINS * OPERATIONS * COMPUTE_LOOPS;
}

static void K(compute_unit)(void *context, size_t index) {
  ceiling_job *job = context;
  double operations =
      job->kind == FK_CEILING_F32 ? K(compute_f32)(&job->sink) : K(compute_i8)(&job->sink);
  if (index == 0) job->operations = operations;
}
static fk_task K(compute)(void) { return K(compute_unit); }
#endif
