// Elementwise kernels, dot products in one fixed order, and the AdamW update.
#ifndef FK_BODY
#define FK_FILE "vector.c"
typedef struct {
  float decay, lerp, beta2, rest2, step_size, root, eps, gradient_scale;
} adamw_constants;
#include "isa.h"

void fk_add(const float *x, size_t count, float *y) { FK_DISPATCH(add, x, count, y) }
void fk_scale(float factor, size_t count, float *y) { FK_DISPATCH(scale, factor, count, y) }
void fk_axpy(float factor, const float *x, size_t count, float *y) {
  FK_DISPATCH(axpy, factor, x, count, y)
}
void fk_multiply(const float *x, size_t count, float *y) { FK_DISPATCH(multiply, x, count, y) }
void fk_add_rows(const float *bias, size_t rows, size_t columns, float *y, size_t stride) {
  for (size_t row = 0; row < rows; row++) fk_add(bias, columns, y + row * stride);
}
double fk_dot(const float *x, const float *y, size_t count) { FK_DISPATCH(dot_double, x, y, count) }

static void fk_adamw_apply(const adamw_constants *c, const float *gradient, size_t count,
                           float *parameter, float *m, float *v);

void fk_adamw(const fk_adamw_options *o, const float *gradient, float gradient_scale, size_t count,
              float *parameter, float *m, float *v) {
  double correction1 = 1 - pow(o->beta1, (double)o->step);
  double correction2 = 1 - pow(o->beta2, (double)o->step);
  adamw_constants c = {
      .decay = (float)(1 - o->learning_rate * o->weight_decay),
      .lerp = (float)(1 - o->beta1),
      .beta2 = (float)o->beta2,
      .rest2 = (float)(1 - o->beta2),
      .step_size = (float)(o->learning_rate / correction1),
      .root = (float)sqrt(correction2),
      .eps = (float)o->eps,
      .gradient_scale = gradient_scale,
  };
  fk_adamw_apply(&c, gradient, count, parameter, m, v);
}

static void fk_adamw_apply(const adamw_constants *c, const float *gradient, size_t count,
                           float *parameter, float *m, float *v) {
  FK_DISPATCH(adamw, c, gradient, count, parameter, m, v)
}
#else

static void K(add)(const float *x, size_t count, float *y) {
  for (size_t i = 0; i < count; i++) y[i] += x[i];
}
static void K(scale)(float factor, size_t count, float *y) {
  for (size_t i = 0; i < count; i++) y[i] *= factor;
}
static void K(axpy)(float factor, const float *x, size_t count, float *y) {
  for (size_t i = 0; i < count; i++) y[i] = K(fma1)(factor, x[i], y[i]);
}
static void K(multiply)(const float *x, size_t count, float *y) {
  for (size_t i = 0; i < count; i++) y[i] *= x[i];
}

// Products of two floats are exact in double; lane i % 8 is a chain, then a tree.
static double K(dot_double)(const float *x, const float *y, size_t count) {
  double lanes[8] = {0};
  for (size_t i = 0; i + 8 <= count; i += 8)
    for (size_t j = 0; j < 8; j++) lanes[j] += (double)x[i + j] * (double)y[i + j];
  for (size_t i = count / 8 * 8; i < count; i++) lanes[i % 8] += (double)x[i] * (double)y[i];
  for (int width = 4; width > 0; width /= 2)
    for (int i = 0; i < width; i++) lanes[i] += lanes[i + width];
  return lanes[0];
}

static void K(adamw)(const adamw_constants *constants, const float *gradient, size_t count,
                     float *parameter, float *m, float *v) {
  const adamw_constants c = *constants;
  for (size_t i = 0; i < count; i++) {
    float g = gradient[i] * c.gradient_scale;
    m[i] = m[i] + (g - m[i]) * c.lerp;
    v[i] = v[i] * c.beta2 + c.rest2 * (g * g);
    float denominator = __builtin_sqrtf(v[i]) / c.root + c.eps;
    parameter[i] = parameter[i] * c.decay - c.step_size * (m[i] / denominator);
  }
}
#endif
