// dx += g W with 16-bit integers, for training on 8-bit weights.
//
// W[r, k] = code16[r, k] * scale[r, block of k]. The scale belongs to r, over which the product
// sums, so it goes into g: per row, 64 outputs and 64 columns q[r] = g[r] * scale[r] in 14 bits, by
// one rounding multiply of the 16-bit g by the 14-bit scale. |code16| <= 2^11, |q| < 2^13 and 64 terms
// fit 31 bits, so every sum is exact and every instruction set gives the same bits.
#ifndef FK_BODY
#define FK_FILE "backward16.c"
#include "CKernels.h"
#include <stdlib.h>
enum { GRADIENT_ROWS = 256 };
typedef struct {
  const fk_tiled *w;
  const float *g;
  size_t rows, stride, first; // rows in this pass, from row `first`
  float *dx;
  size_t dx_stride;
  int16_t *q;      // [blocks of 64 outputs][rows][64]
  float *greatest; // [blocks][rows]
} backward16_job;
#define FK_WITH_DOT 1
#include "isa.h"

static fk_task quantize_task(void) { FK_DISPATCH(quantize16, ) }
static fk_task backward_task(void) { FK_DISPATCH(backward16, ) }

void fk_linear_backward_i16(fk_pool *pool, const fk_tiled *w, const float *g, size_t rows,
                            size_t stride, float *dx, size_t dx_stride) {
  size_t blocks = fk_blocks(w->rows), count = blocks * fk_min(rows, GRADIENT_ROWS);
  uint8_t *memory = w->sub == 64 ? malloc(count * (64 * sizeof(int16_t) + sizeof(float))) : NULL;
  if (!memory) {
    fk_linear_backward_f32(pool, w, g, rows, stride, dx, dx_stride);
    return;
  }
  for (size_t first = 0; first < rows; first += GRADIENT_ROWS) {
    backward16_job job = {w, g, fk_min(GRADIENT_ROWS, rows - first), stride, first, dx, dx_stride,
                          (int16_t *)memory, (float *)(memory + count * 64 * sizeof(int16_t))};
    fk_pool_run(pool, blocks, quantize_task(), &job);
    fk_pool_run(pool, fk_blocks(w->columns), backward_task(), &job);
  }
  free(memory);
}
#else
#include "dot16.h"

// g of 64 outputs as 16-bit integers, greatest = 32767; NaN or Inf makes the row's result NaN.
static void K(quantize16_unit)(void *context, size_t b) {
  const backward16_job *job = context;
  size_t count = fk_min(64, job->w->rows - b * 64);
  for (size_t m = 0; m < job->rows; m++) {
    const float *g = job->g + (job->first + m) * job->stride + b * 64;
    int16_t *q = job->q + (b * job->rows + m) * 64;
    float x[64] = {0};
    memcpy(x, g, count * 4);
    v16f greatest = {};
    v16i finite = (v16i){} - 1;
    for (int i = 0; i < 64; i += 16) {
      v16f a = K(absolute)(K(load)(x + i));
      finite &= (v16i)(a < INFINITY);
      greatest = K(maximum)(a, greatest);
    }
    int all = 1;
    for (int i = 0; i < 16; i++) all &= finite[i] != 0;
    float most = K(greatest)(greatest);
    float inverse = all && most > 1e-33f ? 32767.0f / most : 0;
    job->greatest[b * job->rows + m] = !all ? NAN : inverse > 0 ? most : 0;
    for (int i = 0; i < 64; i += 16) {
      v16i r = {};
      if (inverse > 0) r = K(round_to_int)(K(load)(x + i) * inverse);
      for (int j = 0; j < 16; j++) q[i + j] = (int16_t)r[j];
    }
  }
}
static fk_task K(quantize16)(void) { return K(quantize16_unit); }

// 16 rows of block b as panel[quarter of the columns][row / 2][column % 16][row % 2].
static void K(fill16)(const fk_tiled *w, size_t tile, size_t b, int16_t *panel) {
  const uint8_t *codes =
      w->tiles + (tile * fk_blocks(w->columns) + b) * fk_tiled_block_bytes(w->kind, w->sub);
  if (w->kind == FK_Q8) {
    for (size_t lane = 0; lane < 16; lane++)
      for (size_t c = 0; c < 64; c++)
        panel[c / 16 * 1024 + lane / 2 * 32 + c % 16 * 2 + lane % 2] =
            (int16_t)(codes[c / 4 * 64 + lane * 4 + c % 4] - 128);
    return;
  }
#if defined(FK_HAS_AVX2) || defined(FK_HAS_AVX512)
  const __m256i mask = _mm256_set1_epi8(15);
  uint8_t low_bytes[16], high_bytes[16];
  for (int i = 0; i < 16; i++) {
    low_bytes[i] = (uint8_t)(fk_nf4_codes16[i] & 255);
    high_bytes[i] = (uint8_t)(fk_nf4_codes16[i] >> 8);
  }
  const __m256i low_table = _mm256_broadcastsi128_si256(_mm_loadu_si128((__m128i *)low_bytes));
  const __m256i high_table = _mm256_broadcastsi128_si256(_mm_loadu_si128((__m128i *)high_bytes));
  for (size_t pair = 0; pair < 8; pair++) {
    __m256i index[2][2]; // [row][columns 0-15 and 32-47, columns 16-31 and 48-63]
    for (size_t r = 0; r < 2; r++) {
      uint32_t words[8];
      for (size_t g = 0; g < 8; g++) memcpy(&words[g], codes + g * 64 + (pair * 2 + r) * 4, 4);
      __m256i bytes = _mm256_loadu_si256((const __m256i *)words);
      __m256i low = _mm256_and_si256(bytes, mask);
      __m256i high = _mm256_and_si256(_mm256_srli_epi16(bytes, 4), mask);
      index[r][0] = _mm256_unpacklo_epi32(low, high);
      index[r][1] = _mm256_unpackhi_epi32(low, high);
    }
    for (size_t half = 0; half < 2; half++) {
      __m256i wide[2][2];
      for (size_t r = 0; r < 2; r++) {
        __m256i low = _mm256_shuffle_epi8(low_table, index[r][half]);
        __m256i high = _mm256_shuffle_epi8(high_table, index[r][half]);
        wide[r][0] = _mm256_unpacklo_epi8(low, high);
        wide[r][1] = _mm256_unpackhi_epi8(low, high);
      }
      for (size_t part = 0; part < 2; part++) {
        __m256i a = _mm256_unpacklo_epi16(wide[0][part], wide[1][part]);
        __m256i c = _mm256_unpackhi_epi16(wide[0][part], wide[1][part]);
        int16_t *first = panel + half * 1024 + pair * 32 + part * 16, *second = first + 2048;
        _mm_storeu_si128((__m128i *)first, _mm256_castsi256_si128(a));
        _mm_storeu_si128((__m128i *)(first + 8), _mm256_castsi256_si128(c));
        _mm_storeu_si128((__m128i *)second, _mm256_extracti128_si256(a, 1));
        _mm_storeu_si128((__m128i *)(second + 8), _mm256_extracti128_si256(c, 1));
      }
    }
  }
#else
  for (size_t lane = 0; lane < 16; lane++)
    for (size_t c = 0; c < 64; c++) {
      uint8_t byte = codes[c / 8 * 64 + lane * 4 + c % 4];
      panel[c / 16 * 1024 + lane / 2 * 32 + c % 16 * 2 + lane % 2] =
          fk_nf4_codes16[c % 8 < 4 ? byte & 15 : byte >> 4];
    }
#endif
}

// The scales of 64 outputs as 14-bit integers; returns the greatest magnitude.
static float K(scales16)(const fk_tiled *w, size_t outputs, size_t b, int16_t *out) {
  float scales[64] = {0}, greatest = 0;
  size_t size = fk_tiled_block_bytes(w->kind, w->sub), codes = w->kind == FK_NF4 ? 512 : 1024;
  for (size_t r = 0; r < 64 && outputs + r < w->rows; r += 16)
    memcpy(scales + r, w->tiles + (((outputs + r) / 16) * fk_blocks(w->columns) + b) * size + codes,
           64);
  for (int i = 0; i < 64; i++) greatest = fabsf(scales[i]) > greatest ? fabsf(scales[i]) : greatest;
  float inverse = greatest > 1e-33f && greatest < INFINITY ? 8191.0f / greatest : 0;
  for (int i = 0; i < 64; i += 16) {
    v16i r = {};
    if (inverse > 0) r = K(round_to_int)(K(load)(scales + i) * inverse);
    for (int j = 0; j < 16; j++) out[i + j] = (int16_t)r[j];
  }
  return inverse > 0 ? greatest : 0;
}

// out = round(q * s / 2^15), one row of 64.
FK_INLINE void K(scale_row)(const int16_t *q, const int16_t *s, int16_t *out) {
#if defined(FK_HAS_AVX2) || defined(FK_HAS_AVX512)
  for (int i = 0; i < 64; i += 16) {
    __m256i a = _mm256_loadu_si256((const __m256i *)(q + i));
    __m256i c = _mm256_loadu_si256((const __m256i *)(s + i));
    _mm256_storeu_si256((__m256i *)(out + i), _mm256_mulhrs_epi16(a, c));
  }
#else
  for (int i = 0; i < 64; i++) out[i] = (int16_t)((q[i] * s[i] + 0x4000) >> 15);
#endif
}

static void K(backward16_unit)(void *context, size_t b) {
  const backward16_job *job = context;
  const fk_tiled *w = job->w;
  size_t columns = fk_min(64, w->columns - b * 64), rows = job->rows;
  _Alignas(64) int16_t panel[4 * 1024], q[GRADIENT_ROWS * 64], scales[64];
  _Alignas(64) float acc[4][GRADIENT_ROWS * 16], factors[GRADIENT_ROWS];
  float *dx = job->dx + job->first * job->dx_stride + b * 64;
  float unit = 32768.0f / 32767.0f / 8191.0f / (w->kind == FK_NF4 ? 2048.0f : 1.0f);
  const v16f units = K(set1)(unit);
  for (size_t quarter = 0; quarter < 4; quarter++) memset(acc[quarter], 0, rows * 64);
  for (size_t m = 0; m < rows; m++)
    for (size_t c = 0; c < columns; c++) acc[c / 16][m * 16 + c % 16] = dx[m * job->dx_stride + c];
  for (size_t block = 0; block < fk_blocks(w->rows); block++) {
    for (size_t t = 0; t < 4; t++)
      if (block * 64 + t * 16 < w->rows) K(fill16)(w, block * 4 + t, b, panel + t * 256);
      else
        for (size_t quarter = 0; quarter < 4; quarter++)
          memset(panel + quarter * 1024 + t * 256, 0, 512);
    float greatest = K(scales16)(w, block * 64, b, scales);
    const int16_t *g = job->q + block * rows * 64;
    for (size_t m = 0; m < rows; m++) {
      K(scale_row)(g + m * 64, scales, q + m * 64);
      factors[m] = job->greatest[block * rows + m] * greatest;
    }
    for (size_t quarter = 0; quarter < 4; quarter++)
      K(all_rows16)(panel + quarter * 1024, q, factors, &units, acc[quarter], 0, rows, 1);
  }
  for (size_t m = 0; m < rows; m++)
    for (size_t c = 0; c < columns; c++) dx[m * job->dx_stride + c] = acc[c / 16][m * 16 + c % 16];
}
static fk_task K(backward16)(void) { return K(backward16_unit); }
#endif
