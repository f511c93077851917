// Low-rank products over segments of rows. With B kept transposed [rank, out] forward and backward
// are the same three kernels: shrink, expand and the outer product of the gradients.
#ifndef FK_BODY
#define FK_FILE "lora.c"
#include "CKernels.h"
#include "units.h"
enum { EXPAND_COLUMNS = 256 };
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
#include "isa.h"

static fk_task shrink_task(void) { FK_DISPATCH(shrink, ) }

void fk_lora_shrink(fk_pool *pool, const fk_lora *tasks, size_t count, const float *x,
                    size_t stride, size_t columns, float *t) {
  size_t units = 0;
  for (size_t i = 0; i < count; i++) units += fk_lora_units(&tasks[i]);
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

#include "lora_rows.h"

static void K(shrink_unit)(void *context, size_t index) {
  const lora_job *job = context;
  const fk_lora *task = job->tasks;
  while (index >= fk_lora_units(task)) index -= fk_lora_units(task), task++;
  K(shrink_part)(task, index, job->x, job->stride, job->columns, job->y);
}
static fk_task K(shrink)(void) { return K(shrink_unit); }

static void K(expand_unit)(void *context, size_t index) {
  const lora_job *job = context;
  size_t begin = index * EXPAND_COLUMNS, end = fk_min(begin + EXPAND_COLUMNS, job->columns);
  for (size_t i = 0; i < job->count; i++)
    K(expand_columns)(job->tasks + i, job->x, begin, end, job->columns, job->y, job->stride);
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
