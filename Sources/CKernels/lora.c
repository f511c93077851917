// Low-rank products over segments of rows. With B kept transposed [rank, out] forward and backward
// are the same three kernels: shrink, expand and the outer product of the gradients.
#ifndef FK_BODY
#define FK_FILE "lora.c"
#include "CKernels.h"
enum { SHRINK_RANKS = 4, SEGMENT_ROWS = 64, EXPAND_COLUMNS = 256 };
enum { OUTER_COLUMNS = 64, OUTER_ROWS = 64, OUTER_RANKS = 64 };
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

void fk_lora_shrink(fk_pool *pool, const fk_lora *tasks, size_t count, const float *x,
                    size_t stride, size_t columns, float *t) {
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

// t[m][0..<n] = rows of A dot x[m] for 1 or 2 rows: 16 chains over k each, one tree.
FK_INLINE void K(shrink_rows)(const fk_lora *task, size_t rank, size_t n, const float *x,
                              size_t stride, size_t rows, size_t columns, float *t) {
  v16f acc[2][SHRINK_RANKS] = {};
  for (size_t k = 0; k < columns; k += 16) {
    size_t width = fk_min(16, columns - k);
    v16f v[2];
    for (size_t m = 0; m < rows; m++)
      v[m] = width == 16 ? K(load)(x + m * stride + k) : K(load_part)(x + m * stride + k, width, 0);
    for (size_t j = 0; j < n; j++) {
      size_t at = (rank + j) * columns + k;
      v16f a = width == 16 ? K(load_as)(task->a, task->format, at)
                           : K(load_as_part)(task->a, task->format, at, width);
      for (size_t m = 0; m < rows; m++) acc[m][j] = K(fma)(v[m], a, acc[m][j]);
    }
  }
  for (size_t m = 0; m < rows; m++)
    for (size_t j = 0; j < n; j++) t[m * task->rank + j] = K(sum)(acc[m][j]);
}

static void K(shrink_unit)(void *context, size_t index) {
  const lora_job *job = context;
  const fk_lora *task = job->tasks;
  while (index >= rank_groups(task) * row_groups(task))
    index -= rank_groups(task) * row_groups(task), task++;
  size_t rank = index % rank_groups(task) * SHRINK_RANKS;
  size_t m = index / rank_groups(task) * SEGMENT_ROWS, n = fk_min(SHRINK_RANKS, task->rank - rank);
  size_t end = fk_min(m + SEGMENT_ROWS, task->rows), stride = job->stride;
  const float *x = job->x + task->first * stride;
  float *t = job->y + task->offset + rank;
  for (; m + 2 <= end && n == SHRINK_RANKS; m += 2)
    K(shrink_rows)(task, rank, SHRINK_RANKS, x + m * stride, stride, 2, job->columns,
                   t + m * task->rank);
  for (; m < end; m++)
    if (n == SHRINK_RANKS)
      K(shrink_rows)(task, rank, SHRINK_RANKS, x + m * stride, stride, 1, job->columns,
                     t + m * task->rank);
    else
      K(shrink_rows)(task, rank, n, x + m * stride, stride, 1, job->columns, t + m * task->rank);
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

// acc[4 ranks][16 columns] += p[rows][4 ranks] z[rows][16 columns]; rows in order.
FK_INLINE void K(outer_4)(const float *p, size_t rank, const float *z, size_t rows, float *acc,
                          size_t n) {
  v16f a[4];
  for (size_t j = 0; j < n; j++) a[j] = K(load)(acc + j * OUTER_COLUMNS);
  for (size_t m = 0; m < rows; m++) {
    v16f row = K(load)(z + m * OUTER_COLUMNS);
    for (size_t j = 0; j < n; j++) a[j] = K(fma)(K(set1)(p[m * rank + j]), row, a[j]);
  }
  for (size_t j = 0; j < n; j++) K(store)(acc + j * OUTER_COLUMNS, a[j]);
}

// 64 columns of d; z goes through a contiguous copy, since its rows lie a power of two apart.
static void K(outer_ranks)(const outer_job *job, size_t begin, size_t first, size_t ranks) {
  size_t columns = fk_min(OUTER_COLUMNS, job->columns - begin);
  float acc[OUTER_RANKS * OUTER_COLUMNS] = {0}, z[OUTER_ROWS * OUTER_COLUMNS] = {0};
  for (size_t m = 0; m < job->rows; m += OUTER_ROWS) {
    size_t rows = fk_min(OUTER_ROWS, job->rows - m);
    for (size_t i = 0; i < rows; i++)
      memcpy(z + i * OUTER_COLUMNS, job->z + (m + i) * job->stride + begin, columns * 4);
    for (size_t j = 0; j < ranks; j += 4)
      for (size_t c = 0; c < OUTER_COLUMNS; c += 16) {
        const float *p = job->p + m * job->rank + first + j;
        float *a = acc + j * OUTER_COLUMNS + c;
        if (ranks - j >= 4) K(outer_4)(p, job->rank, z + c, rows, a, 4);
        else K(outer_4)(p, job->rank, z + c, rows, a, ranks - j);
      }
  }
  for (size_t j = 0; j < ranks; j++)
    for (size_t c = 0; c < columns; c++) {
      float *d = job->d + (first + j) * job->columns + begin + c;
      *d = K(fma1)(job->scale, acc[j * OUTER_COLUMNS + c], *d);
    }
}

static void K(outer_unit)(void *context, size_t index) {
  const outer_job *job = context;
  for (size_t first = 0; first < job->rank; first += OUTER_RANKS)
    K(outer_ranks)(job, index * OUTER_COLUMNS, first, fk_min(OUTER_RANKS, job->rank - first));
}
static fk_task K(outer)(void) { return K(outer_unit); }
#endif
