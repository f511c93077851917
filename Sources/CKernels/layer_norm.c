// LayerNorm: rows less their mean, over their deviation; forward and backward.
#ifndef FK_BODY
#define FK_FILE "layer_norm.c"
#include "CKernels.h"
enum { NORM_ROWS = 8 }; // rows per unit
typedef struct {
  const float *x, *dy;
  size_t rows, columns;
  const float *weight, *bias;
  float offset, eps, *y;
} layer_norm_job;
#include "isa.h"

static fk_task forward_task(void) { FK_DISPATCH(layer_norm, ) }
static fk_task backward_task(void) { FK_DISPATCH(layer_norm_backward, ) }

void fk_layer_norm(fk_pool *pool, const float *x, size_t rows, size_t columns, const float *weight,
                   const float *bias, float offset, float eps, float *y) {
  layer_norm_job job = {x, NULL, rows, columns, weight, bias, offset, eps, y};
  fk_pool_run(pool, (rows + NORM_ROWS - 1) / NORM_ROWS, forward_task(), &job);
}
void fk_layer_norm_backward(fk_pool *pool, const float *x, const float *dy, size_t rows,
                            size_t columns, const float *weight, float offset, float eps,
                            float *dx) {
  layer_norm_job job = {x, dy, rows, columns, weight, NULL, offset, eps, dx};
  fk_pool_run(pool, (rows + NORM_ROWS - 1) / NORM_ROWS, backward_task(), &job);
}
#else

typedef struct {
  float mean, inverse;
} K(moments);

// Mean, and 1 / deviation of what is left without it.
static K(moments) K(measure)(const float *x, size_t columns, float eps) {
  v16f sum = {}, squares = {};
  for (size_t i = 0; i < columns; i += 16) sum += K(load_part)(x + i, fk_min(16, columns - i), 0);
  float mean = K(sum)(sum) / (float)columns;
  for (size_t i = 0; i < columns; i += 16) {
    v16f d = K(load_part)(x + i, fk_min(16, columns - i), mean) - mean;
    squares = K(fma)(d, d, squares);
  }
  K(moments) result = {mean, 1.0f / __builtin_sqrtf(K(sum)(squares) / (float)columns + eps)};
  return result;
}

static void K(layer_norm_unit)(void *context, size_t index) {
  const layer_norm_job *job = context;
  const float *weight = job->weight, *bias = job->bias;
  for (size_t row = index * NORM_ROWS; row < fk_min((index + 1) * NORM_ROWS, job->rows); row++) {
    const float *x = job->x + row * job->columns;
    float *y = job->y + row * job->columns, offset = job->offset;
    K(moments) m = K(measure)(x, job->columns, job->eps);
    for (size_t i = 0; i < job->columns; i++)
      y[i] = (x[i] - m.mean) * m.inverse * (weight[i] + offset);
    if (bias)
      for (size_t i = 0; i < job->columns; i++) y[i] += bias[i];
  }
}
static fk_task K(layer_norm)(void) { return K(layer_norm_unit); }

// With n = (x - mean) * inverse and d = dy * w: dx += inverse * (d - mean(d) - n * mean(d n)).
static void K(layer_norm_back_row)(const layer_norm_job *job, size_t row) {
  const float *x = job->x + row * job->columns, *dy = job->dy + row * job->columns;
  const float *weight = job->weight;
  float *dx = job->y + row * job->columns, offset = job->offset;
  K(moments) m = K(measure)(x, job->columns, job->eps);
  v16f sum = {}, products = {};
  for (size_t i = 0; i < job->columns; i += 16) {
    size_t n = fk_min(16, job->columns - i);
    v16f d = K(load_part)(dy + i, n, 0) * (K(load_part)(weight + i, n, 0) + offset);
    sum += d;
    products = K(fma)(d, (K(load_part)(x + i, n, m.mean) - m.mean) * m.inverse, products);
  }
  float first = K(sum)(sum) / (float)job->columns, second = K(sum)(products) / (float)job->columns;
  for (size_t i = 0; i < job->columns; i++) {
    float d = dy[i] * (weight[i] + offset), n = (x[i] - m.mean) * m.inverse;
    dx[i] += m.inverse * (d - first - n * second);
  }
}

static void K(layer_norm_back_unit)(void *context, size_t index) {
  const layer_norm_job *job = context;
  for (size_t row = index * NORM_ROWS; row < fk_min((index + 1) * NORM_ROWS, job->rows); row++)
    K(layer_norm_back_row)(job, row);
}
static fk_task K(layer_norm_backward)(void) { return K(layer_norm_back_unit); }
#endif
