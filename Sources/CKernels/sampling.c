// Passes over one row of logits for the sampler: greatest, sums of exponentials, weights, filters.
#ifndef FK_BODY
#define FK_FILE "sampling.c"
#include "isa.h"

#include <stdint.h>

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
double fk_row_keep(float *weights, size_t count, fk_row_cut cut, double *sums) {
  FK_DISPATCH(row_keep, weights, count, cut, sums)
}

static size_t gather(const float *weights, size_t count, float least, float *out) {
  FK_DISPATCH(row_gather, weights, count, least, out)
}
static void block_peaks(const float *weights, size_t count, float *peaks) {
  FK_DISPATCH(row_peaks, weights, count, peaks)
}

// Weights are not negative, so their bits order as they do. A cut is found digit by digit: a
// histogram of the first 12 bits says which bucket the last kept weight is in, one of that bucket's
// next 12 bits goes on, then 8. Three passes at most, whatever the distribution; and first a bound
// on the cut thins the weights out, mostly to a few.
enum { FK_DIGITS = 3, FK_BUCKETS = 4096 };
static const int digit_shift[FK_DIGITS] = {20, 8, 0}, digit_bits[FK_DIGITS] = {12, 12, 8};

static uint32_t weight_bits(float weight) {
  uint32_t bits;
  memcpy(&bits, &weight, sizeof bits);
  return bits;
}
static float bits_weight(uint64_t bits) {
  uint32_t low = (uint32_t)bits;
  float weight;
  memcpy(&weight, &low, sizeof weight);
  return weight;
}

// STATEMENT with `bucket` and `weight` for every weight whose higher digits are `prefix`.
#define FK_EACH(digit, prefix, STATEMENT) \
  for (size_t i = 0; i < found; i++) { \
    float weight = candidates[i]; \
    uint32_t bits = weight_bits(weight) >> digit_shift[digit]; \
    uint32_t bucket = bits & ((1u << digit_bits[digit]) - 1); \
    if ((uint64_t)bits >> digit_bits[digit] == prefix) STATEMENT; \
  }

static fk_row_cut cut_count(const float *candidates, size_t found, size_t limit) {
  uint32_t tally[FK_BUCKETS];
  uint64_t prefix = 0;
  for (int digit = 0; digit < FK_DIGITS; digit++) {
    memset(tally, 0, sizeof tally);
    FK_EACH(digit, prefix, tally[bucket]++)
    int bucket = (1 << digit_bits[digit]) - 1;
    for (; bucket > 0 && tally[bucket] < limit; bucket--) limit -= tally[bucket];
    prefix = prefix << digit_bits[digit] | (uint64_t)bucket;
  }
  return (fk_row_cut){.least = bits_weight(prefix), .ties = limit};
}

fk_row_cut fk_row_cut_count(const float *weights, size_t count, size_t limit, float *scratch) {
  // The limit-th largest of the blocks' peaks: at least that many weights are no smaller.
  size_t blocks = (count + FK_ROW_BLOCK - 1) / FK_ROW_BLOCK;
  float bound = 0;
  if (limit <= blocks) {
    block_peaks(weights, count, scratch);
    bound = cut_count(scratch, blocks, limit).least;
  }
  return cut_count(scratch, gather(weights, count, bound, scratch), limit);
}

fk_row_cut fk_row_cut_mass(const float *weights, size_t count, double total, double goal,
                           float *scratch) {
  // All weights below this bound have less than total - goal together, so the cut is above it.
  float bound = (float)((total - goal) / (double)count * 0.999);
  const float *candidates = scratch;
  size_t found = gather(weights, count, bound < 1 ? bound : 1, scratch);
  double mass[FK_BUCKETS];
  uint64_t prefix = 0;
  for (int digit = 0; digit < FK_DIGITS; digit++) {
    memset(mass, 0, sizeof mass);
    FK_EACH(digit, prefix, mass[bucket] += (double)weight)
    int bucket = (1 << digit_bits[digit]) - 1, least = bucket;
    for (; bucket >= 0; bucket--) {
      if (mass[bucket] <= 0) continue;
      least = bucket; // where rounding leaves the sum short of its goal, everything is kept
      if (mass[bucket] >= goal) break;
      goal -= mass[bucket];
    }
    prefix = prefix << digit_bits[digit] | (uint64_t)least;
  }
  fk_row_cut cut = {.least = bits_weight(prefix), .ties = 1};
  double ties = ceil(goal / (double)cut.least);
  if (ties > 1) cut.ties = ties < (double)count ? (size_t)ties : count;
  return cut;
}

size_t fk_row_draw(const float *weights, size_t count, const double *sums, double goal) {
  double reached = 0;
  size_t start = 0, last = 0;
  while (start + FK_ROW_BLOCK < count && reached + sums[start / FK_ROW_BLOCK] <= goal) {
    reached += sums[start / FK_ROW_BLOCK];
    start += FK_ROW_BLOCK;
  }
  for (size_t i = start; i < count; i++) {
    reached += (double)weights[i];
    if (weights[i] > 0 && reached > goal) return i;
  }
  // Rounding left the sum a hair short of the goal: the last with any weight.
  for (size_t i = 0; i < count; i++)
    if (weights[i] > 0) last = i;
  return last;
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
  size_t i = 0;
  for (; i + 64 <= count; i += 64) {
    v16i hit = (v16i)(K(load)(x + i) == value) | (v16i)(K(load)(x + i + 16) == value) |
               (v16i)(K(load)(x + i + 32) == value) | (v16i)(K(load)(x + i + 48) == value);
    int32_t any = 0;
    for (int lane = 0; lane < 16; lane++) any |= hit[lane];
    if (any) break;
  }
  for (; i < count; i++)
    if (x[i] == value) return i;
  return 0;
}

// Weights of at least `least` that are not zero, in order; out has room for all.
static size_t K(row_gather)(const float *weights, size_t count, float least, float *out) {
  size_t found = 0;
  for (size_t i = 0; i < count; i += 16) {
    size_t n = fk_min(16, count - i);
    v16f v = n == 16 ? K(load)(weights + i) : K(load_part)(weights + i, n, 0);
    v16i hit = (v16i)(v >= K(set1)(least)) & (v16i)(v > K(set1)(0));
    int32_t any = 0;
    for (int lane = 0; lane < 16; lane++) any |= hit[lane];
    if (!any) continue;
    for (size_t lane = 0; lane < n; lane++) {
      out[found] = weights[i + lane];
      found += hit[lane] != 0;
    }
  }
  return found;
}

static void K(row_peaks)(const float *weights, size_t count, float *peaks) {
  for (size_t start = 0; start < count; start += FK_ROW_BLOCK) {
    v16f peak = {};
    for (size_t i = start; i < fk_min(start + FK_ROW_BLOCK, count); i += 16) {
      size_t n = fk_min(16, count - i);
      peak = K(maximum)(n == 16 ? K(load)(weights + i) : K(load_part)(weights + i, n, 0), peak);
    }
    peaks[start / FK_ROW_BLOCK] = K(greatest)(peak);
  }
}

static double K(row_keep)(float *weights, size_t count, fk_row_cut cut, double *sums) {
  double total = 0;
  size_t ties = cut.ties;
  for (size_t start = 0; start < count; start += FK_ROW_BLOCK) {
    size_t end = fk_min(start + FK_ROW_BLOCK, count);
    v16f sum = {};
    for (size_t i = start; i < end; i += 16) {
      size_t n = fk_min(16, end - i);
      v16f v = n == 16 ? K(load)(weights + i) : K(load_part)(weights + i, n, 0);
      v16f kept = K(select)((v16i)(v > K(set1)(cut.least)), v, K(set1)(0));
      v16i equal = (v16i)(v == K(set1)(cut.least));
      int32_t any = 0;
      for (int lane = 0; lane < 16; lane++) any |= equal[lane];
      if (any)
        for (int lane = 0; lane < 16 && ties > 0; lane++)
          if (equal[lane]) {
            kept[lane] = cut.least;
            ties--;
          }
      sum += kept;
      n == 16 ? K(store)(weights + i, kept) : K(store_part)(weights + i, n, kept);
    }
    sums[start / FK_ROW_BLOCK] = (double)K(sum)(sum);
    total += sums[start / FK_ROW_BLOCK];
  }
  return total;
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
