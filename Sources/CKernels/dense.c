// Products with a row-major matrix in its source precision: 16 chains over k per output, one tree.
#ifndef FK_BODY
#define FK_FILE "dense.c"
#include "CKernels.h"
enum { DENSE_ROWS = 16 };
typedef struct {
  const fk_dense *w;
  size_t first, last;
  const float *x;
  size_t rows;
  float *y;
  size_t stride;
} dense_job;
#include "isa.h"

static fk_task dense_task(void) { FK_DISPATCH(dense, ) }

void fk_dense_forward(fk_pool *pool, const fk_dense *w, size_t first, size_t last, const float *x,
                      size_t rows, float *y, size_t stride) {
  dense_job job = {w, first, last, x, rows, y, stride};
  if (last > first)
    fk_pool_run(pool, (last - first + DENSE_ROWS - 1) / DENSE_ROWS, dense_task(), &job);
}
#else

#define FK_DOTS(N) \
  FK_INLINE void K(dots##N)(const fk_dense *w, size_t row, const float *x, float *y, \
                            size_t stride) { \
    size_t columns = w->columns, at = row * columns, k = 0; \
    v16f acc[N] = {}; \
    for (; k + 16 <= columns; k += 16) { \
      v16f weight = K(load_as)(w->data, w->format, at + k); \
      for (int i = 0; i < N; i++) acc[i] = K(fma)(K(load)(x + i * columns + k), weight, acc[i]); \
    } \
    if (k < columns) { \
      size_t n = columns - k; \
      v16f weight = K(load_as_part)(w->data, w->format, at + k, n); \
      for (int i = 0; i < N; i++) \
        acc[i] = K(fma)(K(load_part)(x + i * columns + k, n, 0), weight, acc[i]); \
    } \
    for (int i = 0; i < N; i++) y[i * stride] = K(sum)(acc[i]); \
  }
FK_DOTS(4)
FK_DOTS(1)
#undef FK_DOTS

static void K(dense_unit)(void *context, size_t index) {
  const dense_job *job = context;
  size_t begin = job->first + index * DENSE_ROWS;
  size_t end = fk_min(begin + DENSE_ROWS, job->last), m = 0;
  for (; m < job->rows; m += job->rows - m >= 4 ? 4 : 1) {
    const float *x = job->x + m * job->w->columns;
    for (size_t row = begin; row < end; row++) {
      float *y = job->y + m * job->stride + row - job->first;
      if (job->rows - m >= 4) K(dots4)(job->w, row, x, y, job->stride);
      else K(dots1)(job->w, row, x, y, job->stride);
    }
  }
}
static fk_task K(dense)(void) { return K(dense_unit); }
#endif
