// RMSNorm, forward and backward.
#ifndef FK_BODY
#define FK_FILE "norm.c"
#include "CKernels.h"
enum { NORM_ROWS = 8 }; // rows per unit
typedef struct {
  const float *x, *dy;
  size_t rows, columns, stride;
  const float *weight;
  float offset, eps, *y;
  size_t y_stride;
} norm_job;
#include "isa.h"

static fk_task forward_task(void) { FK_DISPATCH(rmsnorm, ) }
static fk_task backward_task(void) { FK_DISPATCH(rmsnorm_backward, ) }

void fk_rmsnorm(fk_pool *pool, const float *x, size_t rows, size_t columns, size_t stride,
                const float *weight, float offset, float eps, float *y, size_t y_stride) {
  norm_job job = {x, NULL, rows, columns, stride, weight, offset, eps, y, y_stride};
  fk_pool_run(pool, (rows + NORM_ROWS - 1) / NORM_ROWS, forward_task(), &job);
}
void fk_rmsnorm_backward(fk_pool *pool, const float *x, const float *dy, size_t rows,
                         size_t columns, size_t stride, const float *weight, float offset,
                         float eps, float *dx) {
  norm_job job = {x, dy, rows, columns, stride, weight, offset, eps, dx, stride};
  fk_pool_run(pool, (rows + NORM_ROWS - 1) / NORM_ROWS, backward_task(), &job);
}
#else

static float K(inverse_rms)(const float *x, size_t columns, float eps) {
  return 1.0f / __builtin_sqrtf(K(dot)(x, x, columns) / (float)columns + eps);
}

static void K(forward_unit)(void *context, size_t index) {
  const norm_job *job = context;
  const float *weight = job->weight;
  for (size_t row = index * NORM_ROWS; row < fk_min((index + 1) * NORM_ROWS, job->rows); row++) {
    const float *x = job->x + row * job->stride;
    float *y = job->y + row * job->y_stride;
    float inverse = K(inverse_rms)(x, job->columns, job->eps), offset = job->offset;
    for (size_t i = 0; i < job->columns; i++) y[i] = x[i] * inverse * (weight[i] + offset);
  }
}
static fk_task K(rmsnorm)(void) { return K(forward_unit); }

// With n = x * inverse and d = dy * w: dx += inverse * (d - n * mean(d n)).
static void K(backward_row)(const norm_job *job, size_t row) {
  const float *x = job->x + row * job->stride, *dy = job->dy + row * job->stride;
  const float *weight = job->weight;
  float *dx = job->y + row * job->y_stride, offset = job->offset;
  float inverse = K(inverse_rms)(x, job->columns, job->eps);
  v16f acc = {};
  for (size_t i = 0; i < job->columns; i += 16) {
    size_t n = fk_min(16, job->columns - i);
    int full = n == 16;
    v16f w = full ? K(load)(weight + i) : K(load_part)(weight + i, n, 0);
    v16f d = full ? K(load)(dy + i) : K(load_part)(dy + i, n, 0);
    v16f v = full ? K(load)(x + i) : K(load_part)(x + i, n, 0);
    acc = K(fma)(d * (w + offset), v, acc);
  }
  float mean = K(sum)(acc) * inverse / (float)job->columns;
  for (size_t i = 0; i < job->columns; i++)
    dx[i] += inverse * (dy[i] * (weight[i] + offset) - x[i] * inverse * mean);
}

static void K(backward_unit)(void *context, size_t index) {
  const norm_job *job = context;
  for (size_t row = index * NORM_ROWS; row < fk_min((index + 1) * NORM_ROWS, job->rows); row++)
    K(backward_row)(job, row);
}
static fk_task K(rmsnorm_backward)(void) { return K(backward_unit); }
#endif
