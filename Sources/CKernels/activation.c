// Gated activations and the soft cap, forward and backward, and the polynomials they share.
#ifndef FK_BODY
#define FK_FILE "activation.c"
#include "CKernels.h"
enum { GATED_COLUMNS = 1024 }; // columns per unit
typedef struct {
  int activation;
  const float *gate, *up, *dout;
  size_t rows, columns, stride, out_stride;
  float *out, *dgate, *dup;
} gated_job;
#include "isa.h"

static fk_task gated_task(void) { FK_DISPATCH(gated, ) }
static fk_task gated_backward_task(void) { FK_DISPATCH(gated_backward, ) }
static size_t gated_units(size_t rows, size_t columns) {
  return rows * ((columns + GATED_COLUMNS - 1) / GATED_COLUMNS);
}

void fk_gated(fk_pool *pool, int activation, const float *gate, const float *up, size_t rows,
              size_t columns, size_t stride, float *out, size_t out_stride) {
  gated_job job = {activation, gate, up, NULL, rows, columns, stride, out_stride, out, NULL, NULL};
  fk_pool_run(pool, gated_units(rows, columns), gated_task(), &job);
}
void fk_gated_backward(fk_pool *pool, int activation, const float *gate, const float *up,
                       const float *dout, size_t rows, size_t columns, size_t stride,
                       size_t dout_stride, float *dgate, float *dup) {
  gated_job job = {activation, gate, up, dout, rows, columns, stride, dout_stride,
                   NULL, dgate, dup};
  fk_pool_run(pool, gated_units(rows, columns), gated_backward_task(), &job);
}
void fk_soft_cap(float *x, size_t count, float cap) { FK_DISPATCH(soft_cap, x, count, cap) }
void fk_soft_cap_backward(const float *capped, size_t count, float cap, float *gradient) {
  FK_DISPATCH(soft_cap_backward, capped, count, cap, gradient)
}
void fk_exp(const float *x, size_t count, float *out) { FK_DISPATCH(exp_all, x, count, out) }
void fk_tanh(const float *x, size_t count, float *out) { FK_DISPATCH(tanh_all, x, count, out) }
void fk_erf(const float *x, size_t count, float *out) { FK_DISPATCH(erf_all, x, count, out) }
#else

FK_INLINE v16f K(sigmoid)(v16f x) { return 1.0f / (1.0f + K(exp)(-x)); }

#define FK_SQRT_2_OVER_PI 0.7978845608028654f
FK_INLINE v16f K(gelu_inner)(v16f x) {
  return FK_SQRT_2_OVER_PI * K(fma)(0.044715f * x * x, x, x);
}

FK_INLINE v16f K(act)(int activation, v16f x) {
  if (activation == FK_SILU) return x / (1.0f + K(exp)(-x));
  if (activation == FK_RELU_SQUARED) {
    v16f positive = K(maximum)(x, K(set1)(0));
    return positive * positive;
  }
  if (activation == FK_GELU_TANH) return 0.5f * x * (1.0f + K(tanh)(K(gelu_inner)(x)));
  return 0.5f * x * (1.0f + K(erf)(x * 0.7071067811865476f));
}

FK_INLINE v16f K(act_slope)(int activation, v16f x) {
  if (activation == FK_SILU) {
    v16f s = K(sigmoid)(x);
    return s * (1.0f + x * (1.0f - s));
  }
  if (activation == FK_RELU_SQUARED) return 2.0f * K(maximum)(x, K(set1)(0));
  if (activation == FK_GELU_TANH) {
    v16f t = K(tanh)(K(gelu_inner)(x));
    v16f inner = FK_SQRT_2_OVER_PI * (1.0f + 3.0f * 0.044715f * x * x);
    return 0.5f * (1.0f + t) + 0.5f * x * (1.0f - t * t) * inner;
  }
  v16f density = 0.3989422804014327f * K(exp)(-0.5f * x * x);
  return 0.5f * (1.0f + K(erf)(x * 0.7071067811865476f)) + x * density;
}

// A loop over 16 lanes with the tail through a padded copy, so that every element sees one formula.
#define FK_LOOP(count, full, part) \
  for (size_t i = 0; i < (count); i += 16) { \
    size_t n = fk_min(16, (count) - i); \
    if (n == 16) { \
      full; \
    } else { \
      part; \
    } \
  }

static void K(gated_unit)(void *context, size_t index) {
  const gated_job *job = context;
  size_t parts = (job->columns + GATED_COLUMNS - 1) / GATED_COLUMNS, row = index / parts;
  size_t begin = index % parts * GATED_COLUMNS, count = fk_min(GATED_COLUMNS, job->columns - begin);
  const float *gate = job->gate + row * job->stride + begin;
  float *out = job->out + row * job->out_stride + begin;
  if (!job->up) {
    FK_LOOP(count, K(store)(out + i, K(act)(job->activation, K(load)(gate + i))),
            K(store_part)(out + i, n, K(act)(job->activation, K(load_part)(gate + i, n, 0))))
    return;
  }
  const float *up = job->up + row * job->stride + begin;
  FK_LOOP(count,
          K(store)(out + i, K(act)(job->activation, K(load)(gate + i)) * K(load)(up + i)),
          K(store_part)(out + i, n, K(act)(job->activation, K(load_part)(gate + i, n, 0)) *
                                        K(load_part)(up + i, n, 0)))
}
static fk_task K(gated)(void) { return K(gated_unit); }

static void K(gated_backward_unit)(void *context, size_t index) {
  const gated_job *job = context;
  size_t parts = (job->columns + GATED_COLUMNS - 1) / GATED_COLUMNS, row = index / parts;
  size_t begin = index % parts * GATED_COLUMNS, count = fk_min(GATED_COLUMNS, job->columns - begin);
  size_t at = row * job->stride + begin;
  const float *dout = job->dout + row * job->out_stride + begin;
  for (size_t i = 0; i < count; i += 16) {
    size_t n = fk_min(16, count - i);
    v16f g = K(load_part)(job->gate + at + i, n, 0), d = K(load_part)(dout + i, n, 0);
    if (!job->up) {
      K(store_part)(job->dgate + at + i, n, d * K(act_slope)(job->activation, g));
      continue;
    }
    v16f u = K(load_part)(job->up + at + i, n, 0);
    v16f dg = d * u * K(act_slope)(job->activation, g), du = d * K(act)(job->activation, g);
    K(store_part)(job->dgate + at + i, n, dg);
    K(store_part)(job->dup + at + i, n, du);
  }
}
static fk_task K(gated_backward)(void) { return K(gated_backward_unit); }

static void K(soft_cap)(float *x, size_t count, float cap) {
  FK_LOOP(count, K(store)(x + i, cap * K(tanh)(K(load)(x + i) / cap)),
          K(store_part)(x + i, n, cap * K(tanh)(K(load_part)(x + i, n, 0) / cap)))
}

static void K(soft_cap_backward)(const float *capped, size_t count, float cap, float *gradient) {
  for (size_t i = 0; i < count; i++) {
    float t = capped[i] / cap;
    gradient[i] *= 1.0f - t * t;
  }
}

static void K(exp_all)(const float *x, size_t count, float *out) {
  FK_LOOP(count, K(store)(out + i, K(exp)(K(load)(x + i))),
          K(store_part)(out + i, n, K(exp)(K(load_part)(x + i, n, 0))))
}
static void K(tanh_all)(const float *x, size_t count, float *out) {
  FK_LOOP(count, K(store)(out + i, K(tanh)(K(load)(x + i))),
          K(store_part)(out + i, n, K(tanh)(K(load_part)(x + i, n, 0))))
}
static void K(erf_all)(const float *x, size_t count, float *out) {
  FK_LOOP(count, K(store)(out + i, K(erf)(K(load)(x + i))),
          K(store_part)(out + i, n, K(erf)(K(load_part)(x + i, n, 0))))
}
#undef FK_LOOP
#undef FK_SQRT_2_OVER_PI
#endif
