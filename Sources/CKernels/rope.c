// Rotary position embedding: on halves, pair i with i + half, or on neighbours, 2i with 2i + 1.
#ifndef FK_BODY
#define FK_FILE "rope.c"
#include "isa.h"

void fk_rope_table(const int32_t *positions, size_t rows, const float *inverse_frequency,
                   size_t half, float factor, float *cosines, float *sines) {
  for (size_t row = 0; row < rows; row++)
    for (size_t i = 0; i < half; i++) {
      float angle = (float)positions[row] * inverse_frequency[i];
      cosines[row * half + i] = (float)cos((double)angle) * factor;
      sines[row * half + i] = (float)sin((double)angle) * factor;
    }
}

void fk_rope(float *x, size_t rows, size_t heads, size_t head_dim, size_t stride, size_t half,
             const float *cosines, const float *sines, float direction) {
  FK_DISPATCH(rope, x, rows, heads, head_dim, stride, half, cosines, sines, direction)
}

void fk_rope_pairs(float *x, size_t rows, size_t heads, size_t head_dim, size_t stride,
                   size_t half, const float *cosines, const float *sines, float direction) {
  FK_DISPATCH(rope_pairs, x, rows, heads, head_dim, stride, half, cosines, sines, direction)
}
#else

static void K(rope)(float *x, size_t rows, size_t heads, size_t head_dim, size_t stride,
                    size_t half, const float *cosines, const float *sines, float direction) {
  for (size_t row = 0; row < rows; row++)
    for (size_t head = 0; head < heads; head++) {
      float *low = x + row * stride + head * head_dim, *high = low + half;
      const float *c = cosines + row * half, *s = sines + row * half;
      for (size_t i = 0; i < half; i++) {
        float a = low[i], b = high[i], sine = s[i] * direction;
        low[i] = a * c[i] - b * sine;
        high[i] = b * c[i] + a * sine;
      }
    }
}

static void K(rope_pairs)(float *x, size_t rows, size_t heads, size_t head_dim, size_t stride,
                          size_t half, const float *cosines, const float *sines,
                          float direction) {
  for (size_t row = 0; row < rows; row++)
    for (size_t head = 0; head < heads; head++) {
      float *pair = x + row * stride + head * head_dim;
      const float *c = cosines + row * half, *s = sines + row * half;
      for (size_t i = 0; i < half; i++) {
        float a = pair[2 * i], b = pair[2 * i + 1], sine = s[i] * direction;
        pair[2 * i] = a * c[i] - b * sine;
        pair[2 * i + 1] = b * c[i] + a * sine;
      }
    }
}
#endif
