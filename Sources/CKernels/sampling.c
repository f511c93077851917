// Passes over one row of logits for the sampler: greatest, sums of exponentials, weights.
#ifndef FK_BODY
#define FK_FILE "sampling.c"
#include "isa.h"

int fk_row_greatest(const float *x, size_t count, float *greatest) {
  FK_DISPATCH(row_scan, x, count, greatest)
}
size_t fk_row_find(const float *x, size_t count, float value) {
  FK_DISPATCH(row_find, x, count, value)
}
double fk_row_exp_sum(const float *x, size_t count, float greatest) {
  FK_DISPATCH(row_exp_sum, x, count, greatest)
}
double fk_row_weights(const float *x, size_t count, float greatest, float inverse_temperature,
                      float floor, float *weights, double *sums) {
  FK_DISPATCH(row_weights, x, count, greatest, inverse_temperature, floor, weights, sums)
}
#else

static int K(row_scan)(const float *x, size_t count, float *greatest) {
  v16f best = K(set1)(-INFINITY);
  v16i broken = {};
  for (size_t i = 0; i < count; i += 16) {
    size_t n = fk_min(16, count - i);
    v16f v = n == 16 ? K(load)(x + i) : K(load_part)(x + i, n, -INFINITY);
    broken |= (v16i)(v != v);
    best = K(maximum)(v, best);
  }
  int32_t any = 0;
  for (int i = 0; i < 16; i++) any |= broken[i];
  *greatest = K(greatest)(best);
  return any == 0 && *greatest > -INFINITY && *greatest < INFINITY;
}

static size_t K(row_find)(const float *x, size_t count, float value) {
  for (size_t i = 0; i < count; i++)
    if (x[i] == value) return i;
  return 0;
}

// Lanes over a block, their tree, then blocks in double: precise for any vocabulary.
static double K(row_exp_sum)(const float *x, size_t count, float greatest) {
  double total = 0;
  for (size_t start = 0; start < count; start += FK_ROW_BLOCK) {
    size_t end = fk_min(start + FK_ROW_BLOCK, count);
    v16f sum = {};
    for (size_t i = start; i < end; i += 16) {
      size_t n = fk_min(16, end - i);
      v16f v = n == 16 ? K(load)(x + i) : K(load_part)(x + i, n, -INFINITY);
      sum += K(exp)(v - greatest);
    }
    total += (double)K(sum)(sum);
  }
  return total;
}

static double K(row_weights)(const float *x, size_t count, float greatest,
                             float inverse_temperature, float floor, float *weights,
                             double *sums) {
  double total = 0;
  for (size_t start = 0; start < count; start += FK_ROW_BLOCK) {
    size_t end = fk_min(start + FK_ROW_BLOCK, count);
    v16f sum = {};
    for (size_t i = start; i < end; i += 16) {
      size_t n = fk_min(16, end - i);
      v16f v = n == 16 ? K(load)(x + i) : K(load_part)(x + i, n, -INFINITY);
      v16f w = K(exp)((v - greatest) * inverse_temperature);
      w = K(select)((v16i)(w < K(set1)(floor)), K(set1)(0), w);
      sum += w;
      n == 16 ? K(store)(weights + i, w) : K(store_part)(weights + i, n, w);
    }
    sums[start / FK_ROW_BLOCK] = (double)K(sum)(sum);
    total += sums[start / FK_ROW_BLOCK];
  }
  return total;
}
#endif
