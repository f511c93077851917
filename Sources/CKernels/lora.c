// Low-rank products over segments of rows. With B kept transposed [rank, out] forward and backward
// are the same three kernels: shrink, expand and the outer product of the gradients.
#ifndef FK_BODY
#define FK_FILE "lora.c"
#include "CKernels.h"
enum { SHRINK_RANKS = 4, EXPAND_COLUMNS = 256, OUTER_COLUMNS = 64, SEGMENT_ROWS = 64 };
typedef struct {
  const fk_lora *tasks;
  size_t count, units;
  const float *x; // input of shrink, t of expand
  size_t stride, columns;
  float *y;
} lora_job;
typedef struct {
  const float *p, *z;
  size_t rows, rank, stride, columns;
  float scale, *d;
} outer_job;
static size_t rank_groups(const fk_lora *task) {
  return (task->rank + SHRINK_RANKS - 1) / SHRINK_RANKS;
}
static size_t row_groups(const fk_lora *task) {
  return (task->rows + SEGMENT_ROWS - 1) / SEGMENT_ROWS;
}
#include "isa.h"

static fk_task shrink_task(void) { FK_DISPATCH(shrink, ) }

void fk_lora_shrink(fk_pool *pool, const fk_lora *tasks, size_t count, const float *x, size_t stride,
                    size_t columns, float *t) {
  size_t units = 0;
  for (size_t i = 0; i < count; i++) units += rank_groups(&tasks[i]) * row_groups(&tasks[i]);
  lora_job job = {tasks, count, units, x, stride, columns, t};
  fk_pool_run(pool, units, shrink_task(), &job);
}

static fk_task expand_task(void) { FK_DISPATCH(expand, ) }

void fk_lora_expand(fk_pool *pool, const fk_lora *tasks, size_t count, const float *t, float *y,
                    size_t stride, size_t columns) {
  size_t units = (columns + EXPAND_COLUMNS - 1) / EXPAND_COLUMNS;
  lora_job job = {tasks, count, units, t, stride, columns, y};
  if (count) fk_pool_run(pool, units, expand_task(), &job);
}

static fk_task outer_task(void) { FK_DISPATCH(outer, ) }

void fk_lora_outer(fk_pool *pool, const float *p, size_t rows, size_t rank, const float *z,
                   size_t stride, size_t columns, float scale, float *d) {
  outer_job job = {p, z, rows, rank, stride, columns, scale, d};
  fk_pool_run(pool, (columns + OUTER_COLUMNS - 1) / OUTER_COLUMNS, outer_task(), &job);
}
#else

// t[0..<n] = rows of A dot x: 16 chains over k each, one tree.
FK_INLINE void K(shrink_row)(const fk_lora *task, size_t rank, size_t n, const float *x,
                             size_t columns, float *t) {
  v16f acc[SHRINK_RANKS] = {};
  size_t k = 0;
  for (; k + 16 <= columns; k += 16) {
    v16f v = K(load)(x + k);
    for (size_t j = 0; j < n; j++)
      acc[j] = K(fma)(v, K(load_as)(task->a, task->format, (rank + j) * columns + k), acc[j]);
  }
  if (k < columns) {
    v16f v = K(load_part)(x + k, columns - k, 0);
    for (size_t j = 0; j < n; j++)
      acc[j] = K(fma)(
          v, K(load_as_part)(task->a, task->format, (rank + j) * columns + k, columns - k), acc[j]);
  }
  for (size_t j = 0; j < n; j++) t[j] = K(sum)(acc[j]);
}

static void K(shrink_unit)(void *context, size_t index) {
  const lora_job *job = context;
  const fk_lora *task = job->tasks;
  while (index >= rank_groups(task) * row_groups(task))
    index -= rank_groups(task) * row_groups(task), task++;
  size_t rank = index % rank_groups(task) * SHRINK_RANKS;
  size_t begin = index / rank_groups(task) * SEGMENT_ROWS, n = task->rank - rank;
  for (size_t m = begin; m < fk_min(begin + SEGMENT_ROWS, task->rows); m++) {
    const float *x = job->x + (task->first + m) * job->stride;
    float *t = job->y + task->offset + m * task->rank + rank;
    if (n >= SHRINK_RANKS) K(shrink_row)(task, rank, SHRINK_RANKS, x, job->columns, t);
    else K(shrink_row)(task, rank, n, x, job->columns, t);
  }
}
static fk_task K(shrink)(void) { return K(shrink_unit); }

// 32 columns of one row: a chain over the rank, then one fused multiply-add with the scale.
FK_INLINE void K(expand_32)(const fk_lora *task, const float *t, size_t column, size_t columns,
                            float *y) {
  v16f a = {}, b = {};
  for (size_t j = 0; j < task->rank; j++) {
    v16f s = K(set1)(t[j]);
    a = K(fma)(s, K(load_as)(task->b, task->format, j * columns + column), a);
    b = K(fma)(s, K(load_as)(task->b, task->format, j * columns + column + 16), b);
  }
  v16f scale = K(set1)(task->scale);
  K(store)(y + column, K(fma)(scale, a, K(load)(y + column)));
  K(store)(y + column + 16, K(fma)(scale, b, K(load)(y + column + 16)));
}

FK_INLINE void K(expand_part)(const fk_lora *task, const float *t, size_t column, size_t n,
                              size_t columns, float *y) {
  v16f a = {};
  for (size_t j = 0; j < task->rank; j++)
    a = K(fma)(K(set1)(t[j]), K(load_as_part)(task->b, task->format, j * columns + column, n), a);
  K(store_part)(y + column, n,
                K(fma)(K(set1)(task->scale), a, K(load_part)(y + column, n, 0)));
}

static void K(expand_unit)(void *context, size_t index) {
  const lora_job *job = context;
  size_t begin = index * EXPAND_COLUMNS, end = fk_min(begin + EXPAND_COLUMNS, job->columns);
  for (size_t i = 0; i < job->count; i++) {
    const fk_lora *task = job->tasks + i;
    for (size_t m = 0; m < task->rows; m++) {
      const float *t = job->x + task->offset + m * task->rank;
      float *y = job->y + (task->first + m) * job->stride;
      size_t column = begin;
      for (; column + 32 <= end; column += 32) K(expand_32)(task, t, column, job->columns, y);
      for (; column < end; column += 16)
        K(expand_part)(task, t, column, fk_min(16, end - column), job->columns, y);
    }
  }
}
static fk_task K(expand)(void) { return K(expand_unit); }

static void K(outer_unit)(void *context, size_t index) {
  const outer_job *job = context;
  size_t begin = index * OUTER_COLUMNS, end = fk_min(begin + OUTER_COLUMNS, job->columns);
  for (size_t j = 0; j < job->rank; j++)
    for (size_t c = begin; c < end; c += 16) {
      size_t n = fk_min(16, end - c);
      v16f acc = {};
      for (size_t m = 0; m < job->rows; m++) {
        const float *z = job->z + m * job->stride + c;
        v16f v = n == 16 ? K(load)(z) : K(load_part)(z, n, 0);
        acc = K(fma)(K(set1)(job->p[m * job->rank + j]), v, acc);
      }
      float *d = job->d + j * job->columns + c;
      v16f sum = K(fma)(K(set1)(job->scale), acc, n == 16 ? K(load)(d) : K(load_part)(d, n, 0));
      n == 16 ? K(store)(d, sum) : K(store_part)(d, n, sum);
    }
}
static fk_task K(outer)(void) { return K(outer_unit); }
#endif
