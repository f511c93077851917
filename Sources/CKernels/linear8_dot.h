// Included by linear8.c once per instruction set: integer dot products, one scale per 64 columns.
//   gemv       up to FK_GEMV_ROWS rows: codes go from memory through a table into the products
//   fast_rows  more rows: a block of each tile is decoded once and used for all of them

// The block some blocks on.
FK_INLINE void K(prefetch_block)(const uint8_t *codes, int kind) {
  size_t size = kind == FK_NF4 ? NF4_BYTES : Q8_BYTES;
#pragma clang loop unroll(full)
  for (size_t i = 0; i < size; i += 64) __builtin_prefetch(codes + FETCH_BLOCKS * size + i);
}

#if defined(FK_HAS_VNNI)
#define FK_HAS_FAST_ROWS 1
#define FK_GEMV_ROWS 1
// Unsigned codes (value + 128) times signed activations; the sums start at -128 * sum(x).

FK_INLINE __m512i K(table)(void) {
  __m128i codes = _mm_loadu_si128((const __m128i *)fk_nf4_codes8);
  return _mm512_broadcast_i32x4(_mm_xor_si128(codes, _mm_set1_epi8((char)0x80)));
}
FK_INLINE __m512i K(dword)(const int8_t *x) {
  int32_t value;
  memcpy(&value, x, 4);
  return _mm512_set1_epi32(value);
}

FK_INLINE void K(gemv_tile)(const job8 *job, size_t tile, int kind) {
  const fk_tiled *w = job->w;
  const fk_input *x = job->x;
  const __m512i table = K(table)(), mask = _mm512_set1_epi8(15);
  size_t blocks = fk_blocks(w->columns), size = fk_tiled_block_bytes(kind, 64);
  const uint8_t *codes = w->tiles + tile * blocks * size;
  float factor = K(factor)(w);
  v16f acc = {};
  for (size_t b = 0; b < blocks; b++, codes += size) {
    const int8_t *q = x->q + b * 64;
    K(prefetch_block)(codes, kind);
    __m512i s[4] = {_mm512_set1_epi32(x->bias[b])};
    if (kind == FK_NF4)
      for (int g = 0; g < 8; g++) {
        __m512i pair = _mm512_loadu_si512(codes + g * 64);
        __m512i low = _mm512_shuffle_epi8(table, _mm512_and_si512(pair, mask));
        pair = _mm512_and_si512(_mm512_srli_epi16(pair, 4), mask);
        __m512i high = _mm512_shuffle_epi8(table, pair);
        s[g % 2 * 2] = _mm512_dpbusd_epi32(s[g % 2 * 2], low, K(dword)(q + g * 8));
        s[g % 2 * 2 + 1] = _mm512_dpbusd_epi32(s[g % 2 * 2 + 1], high, K(dword)(q + g * 8 + 4));
      }
    else
      for (int g = 0; g < 16; g++)
        s[g % 4] = _mm512_dpbusd_epi32(s[g % 4], _mm512_loadu_si512(codes + g * 64),
                                       K(dword)(q + g * 4));
    v16i sum = (v16i)s[0] + (v16i)s[1] + (v16i)s[2] + (v16i)s[3];
    v16f scale = K(load)((const float *)(codes + (kind == FK_NF4 ? 512 : 1024)));
    scale = scale * (x->scale[b] * factor);
    acc = K(fma)(__builtin_convertvector(sum, v16f), scale, acc);
  }
  K(store_rows)(job, tile, 0, 1, (const float *)&acc);
}

static void K(gemv)(const job8 *job, size_t tile, size_t tiles) {
  for (size_t t = tile; t < tile + tiles; t++)
    if (job->w->kind == FK_NF4) K(gemv_tile)(job, t, FK_NF4);
    else K(gemv_tile)(job, t, FK_Q8);
}

FK_INLINE void K(decode)(const uint8_t *codes, int kind, __m512i *out) {
  if (kind == FK_Q8) {
    for (int g = 0; g < 16; g++) out[g] = _mm512_loadu_si512(codes + g * 64);
    return;
  }
  const __m512i table = K(table)(), mask = _mm512_set1_epi8(15);
  for (int g = 0; g < 8; g++) {
    __m512i pair = _mm512_loadu_si512(codes + g * 64);
    out[2 * g] = _mm512_shuffle_epi8(table, _mm512_and_si512(pair, mask));
    pair = _mm512_and_si512(_mm512_srli_epi16(pair, 4), mask);
    out[2 * g + 1] = _mm512_shuffle_epi8(table, pair);
  }
}

// n rows, the weights of a block in 16 registers.
FK_INLINE void K(block_rows)(const __m512i *w, const int8_t *q, const int32_t *bias,
                             const float *xs, v16f scale, float *acc, int n) {
  __m512i s[8];
  for (int m = 0; m < n; m++) s[m] = _mm512_set1_epi32(bias[m]);
#pragma unroll
  for (int g = 0; g < 16; g++)
    for (int m = 0; m < n; m++)
      s[m] = _mm512_dpbusd_epi32(s[m], w[g], K(dword)(q + m * 64 + g * 4));
  for (int m = 0; m < n; m++) {
    v16f sum = __builtin_convertvector((v16i)s[m], v16f);
    K(store)(acc + m * 16, K(fma)(sum, scale * xs[m], K(load)(acc + m * 16)));
  }
}

static void K(fast_rows)(const job8 *job, size_t tile, size_t tiles, size_t first, size_t rows) {
  const fk_tiled *w = job->w;
  const fk_input *x = job->x;
  float factor = K(factor)(w), xs[ROW_CHUNK + 16];
  for (size_t t = tile; t < tile + tiles; t++) {
    _Alignas(64) float acc[ROW_CHUNK * 16];
    memset(acc, 0, rows * 64);
    for (size_t b = 0; b < fk_blocks(w->columns); b++) {
      const uint8_t *codes = K(block_codes)(w, t, b);
      size_t at = b * x->rows + first, m = 0;
      const int8_t *q = x->q + at * 64;
      __m512i weights[16];
      K(prefetch_block)(codes, w->kind);
      K(decode)(codes, w->kind, weights);
      for (size_t i = 0; i < rows; i++) xs[i] = x->scale[at + i] * factor;
      v16f scale = K(load)(K(block_scales)(w, codes));
      for (; m + 8 <= rows; m += 8)
        K(block_rows)(weights, q + m * 64, x->bias + at + m, xs + m, scale, acc + m * 16, 8);
      for (; m + 4 <= rows; m += 4)
        K(block_rows)(weights, q + m * 64, x->bias + at + m, xs + m, scale, acc + m * 16, 4);
      for (; m < rows; m++)
        K(block_rows)(weights, q + m * 64, x->bias + at + m, xs + m, scale, acc + m * 16, 1);
    }
    K(store_rows)(job, t, first, rows, acc);
  }
}

#elif defined(FK_HAS_AVX2) || defined(FK_HAS_AVX512)
#include "linear8_pairs.h"

#elif defined(FK_HAS_SDOT)
#define FK_HAS_FAST_ROWS 1
#define FK_GEMV_ROWS 1

FK_INLINE void K(decode)(const uint8_t *codes, int kind, int8x16_t *out) {
  const int8x16_t table = vld1q_s8(fk_nf4_codes8);
  for (int i = 0; i < 64; i++) {
    if (kind == FK_Q8) {
      out[i] = vreinterpretq_s8_u8(veorq_u8(vld1q_u8(codes + i * 16), vdupq_n_u8(0x80)));
    } else {
      uint8x16_t pair = vld1q_u8(codes + i / 8 * 64 + i % 4 * 16);
      pair = i % 8 < 4 ? vandq_u8(pair, vdupq_n_u8(15)) : vshrq_n_u8(pair, 4);
      out[i] = vqtbl1q_s8(table, pair);
    }
  }
}

FK_INLINE v16i K(row_sums)(const int8x16_t *w, const int8_t *q) {
  int32x4_t s[4] = {};
  for (int part = 0; part < 4; part++) {
    int8x16_t x = vld1q_s8(q + part * 16);
    const int8x16_t *p = w + part * 16;
    for (int lane = 0; lane < 4; lane++) {
      s[lane] = vdotq_laneq_s32(s[lane], p[lane], x, 0);
      s[lane] = vdotq_laneq_s32(s[lane], p[4 + lane], x, 1);
      s[lane] = vdotq_laneq_s32(s[lane], p[8 + lane], x, 2);
      s[lane] = vdotq_laneq_s32(s[lane], p[12 + lane], x, 3);
    }
  }
  v16i sum;
  memcpy(&sum, s, 64);
  return sum;
}

static void K(fast_rows)(const job8 *job, size_t tile, size_t tiles, size_t first, size_t rows) {
  const fk_tiled *w = job->w;
  const fk_input *x = job->x;
  float factor = K(factor)(w), acc[ROW_CHUNK * 16];
  int8x16_t weights[64];
  for (size_t t = tile; t < tile + tiles; t++) {
    memset(acc, 0, rows * 64);
    for (size_t b = 0; b < fk_blocks(w->columns); b++) {
      const uint8_t *codes = K(block_codes)(w, t, b);
      K(prefetch_block)(codes, w->kind);
      K(decode)(codes, w->kind, weights);
      v16f scale = K(load)(K(block_scales)(w, codes));
      for (size_t m = 0; m < rows; m++) {
        size_t at = b * x->rows + first + m;
        v16f sum = __builtin_convertvector(K(row_sums)(weights, x->q + at * 64), v16f);
        float xs = x->scale[at] * factor;
        K(store)(acc + m * 16, K(fma)(sum, scale * xs, K(load)(acc + m * 16)));
      }
    }
    K(store_rows)(job, t, first, rows, acc);
  }
}
static void K(gemv)(const job8 *job, size_t tile, size_t tiles) {
  K(fast_rows)(job, tile, tiles, 0, 1);
}
#endif
