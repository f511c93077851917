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
#define FK_HAS_FAST_ROWS 1
#define FK_GEMV_ROWS GEMV_ROWS
#include "dot16.h"

// Without an 8-bit dot product. One row: bytes, |x| times w with the sign of x; |w| <= 128 and
// |x| <= 127, so that the 16-bit sums of two products do not saturate. More rows: 16-bit products,
// where the weights and activations are widened once per block.

FK_INLINE __m256i K(dword)(const int8_t *x) {
  int32_t value;
  memcpy(&value, x, 4);
  return _mm256_set1_epi32(value);
}
FK_INLINE __m256i K(products)(__m256i w, const int8_t *flips, const int8_t *magnitudes,
                              __m256i sum) {
  __m256i pairs = _mm256_maddubs_epi16(K(dword)(magnitudes), _mm256_xor_si256(w, K(dword)(flips)));
  sum = _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
  __asm__("" : "+x"(sum)); // one chain: as a tree the parts would not fit the registers
  return sum;
}

// 64 columns of NF4 codes for n rows: s[m][0], s[m][1] are the lanes' sums, s[m][2], s[m][3] more of
// them where there are registers for two chains a row.
FK_INLINE void K(nf4_sums)(const uint8_t *codes, const int8_t *flips, const int8_t *magnitudes,
                           __m256i (*s)[4], int n) {
  const __m256i mask = _mm256_set1_epi8(15);
  const __m256i table =
      _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)fk_nf4_codes8));
  int second = n <= 2 ? 2 : 0;
#pragma clang loop unroll_count(2)
  for (int g = 0; g < 8; g++)
    for (int h = 0; h < 2; h++) {
      __m256i pair = _mm256_loadu_si256((const __m256i *)(codes + g * 64) + h);
      __m256i low = _mm256_shuffle_epi8(table, _mm256_and_si256(pair, mask));
      pair = _mm256_and_si256(_mm256_srli_epi16(pair, 4), mask);
      __m256i high = _mm256_shuffle_epi8(table, pair);
      for (int m = 0; m < n; m++) {
        int at = m * 64 + g * 8;
        s[m][h] = K(products)(low, flips + at, magnitudes + at, s[m][h]);
        s[m][second + h] = K(products)(high, flips + at + 4, magnitudes + at + 4, s[m][second + h]);
      }
    }
}

FK_INLINE void K(q8_sums)(const uint8_t *codes, const int8_t *flips, const int8_t *magnitudes,
                          __m256i (*s)[4], int n) {
#pragma clang loop unroll_count(4)
  for (int g = 0; g < 16; g++)
    for (int h = 0; h < 2; h++) {
      __m256i c = _mm256_loadu_si256((const __m256i *)(codes + g * 64) + h);
      for (int m = 0; m < n; m++) {
        int at = m * 64 + g * 4, chain = (n <= 2 ? g % 2 * 2 : 0) + h;
        s[m][chain] = K(products)(c, flips + at, magnitudes + at, s[m][chain]);
      }
    }
}

// The activations of up to GEMV_BLOCKS blocks of rows as magnitudes and signs, made once for the
// tiles of a unit. Where x < 0 all bits of w are flipped, w becomes -w - 1, so that the sums begin
// at the sum of those |x|; unsigned codes flip their highest bit too.
typedef struct {
  int8_t magnitudes[GEMV_BLOCKS * 64], flips[GEMV_BLOCKS * 64];
  int32_t starts[GEMV_BLOCKS];
} K(gemv_input);

static void K(split_signs)(const int8_t *q, size_t blocks, int kind, K(gemv_input) *out) {
  __m256i zero = _mm256_setzero_si256();
  __m256i flip = _mm256_set1_epi8(kind == FK_Q8 ? (char)0x80 : 0);
  for (size_t b = 0; b < blocks; b++) {
    __m256i total = zero;
    for (size_t i = b * 64; i < b * 64 + 64; i += 32) {
      __m256i x = _mm256_loadu_si256((const __m256i *)(q + i));
      __m256i magnitude = _mm256_abs_epi8(x), negative = _mm256_cmpgt_epi8(zero, x);
      total = _mm256_add_epi64(
          total, _mm256_sad_epu8(_mm256_and_si256(magnitude, negative), zero));
      _mm256_storeu_si256((__m256i *)(out->magnitudes + i), magnitude);
      _mm256_storeu_si256((__m256i *)(out->flips + i), _mm256_xor_si256(negative, flip));
    }
    int64_t parts[4];
    memcpy(parts, &total, 32);
    out->starts[b] = (int32_t)(parts[0] + parts[1] + parts[2] + parts[3]);
  }
}

// One block of a tile times n rows.
FK_INLINE void K(gemv_block)(const K(gemv_input) *in, size_t at, const uint8_t *codes,
                             const float *xs, float factor, int kind, v16f *acc, int n) {
  __m256i s[GEMV_ROWS][4] = {};
  for (int m = 0; m < n; m++) s[m][0] = s[m][1] = _mm256_set1_epi32(in->starts[at + m]);
  K(prefetch_block)(codes, kind);
  const int8_t *flips = in->flips + at * 64, *magnitudes = in->magnitudes + at * 64;
  if (kind == FK_NF4) K(nf4_sums)(codes, flips, magnitudes, s, n);
  else K(q8_sums)(codes, flips, magnitudes, s, n);
  v16f scale = K(load)((const float *)(codes + (kind == FK_NF4 ? 512 : 1024)));
  for (int m = 0; m < n; m++) {
    __m256i halves[2] = {_mm256_add_epi32(s[m][0], s[m][2]), _mm256_add_epi32(s[m][1], s[m][3])};
    v16i sum;
    memcpy(&sum, halves, 64);
    acc[m] = K(fma)(__builtin_convertvector(sum, v16f), scale * (xs[m] * factor), acc[m]);
  }
}

FK_INLINE void K(gemv_rows)(const job8 *job, size_t tile, size_t tiles, int kind, int n) {
  const fk_tiled *w = job->w;
  const fk_input *x = job->x;
  size_t blocks = fk_blocks(w->columns), size = fk_tiled_block_bytes(kind, 64);
  const uint8_t *codes = w->tiles + tile * blocks * size;
  float factor = K(factor)(w);
  K(gemv_input) in;
  v16f acc[GEMV_TILES][GEMV_ROWS] = {};
  for (size_t first = 0; first < blocks; first += GEMV_BLOCKS / (size_t)n) {
    size_t count = fk_min(GEMV_BLOCKS / (size_t)n, blocks - first), at = first * (size_t)n;
    K(split_signs)(x->q + at * 64, count * (size_t)n, kind, &in);
    for (size_t t = 0; t < tiles; t++) {
      const uint8_t *p = codes + (t * blocks + first) * size;
      v16f sums[GEMV_ROWS];
      for (int m = 0; m < n; m++) sums[m] = acc[t][m];
      for (size_t b = 0; b < count; b++)
        K(gemv_block)(&in, b * (size_t)n, p + b * size, x->scale + at + b * (size_t)n, factor,
                      kind, sums, n);
      for (int m = 0; m < n; m++) acc[t][m] = sums[m];
    }
  }
  for (size_t t = 0; t < tiles; t++)
    K(store_rows)(job, tile + t, 0, (size_t)n, (const float *)acc[t]);
}

#define FK_GEMV(n) \
  if (job->w->kind == FK_NF4) K(gemv_rows)(job, tile, tiles, FK_NF4, n); \
  else K(gemv_rows)(job, tile, tiles, FK_Q8, n);
static void K(gemv1)(const job8 *job, size_t tile, size_t tiles) { FK_GEMV(1) }
static void K(gemv2)(const job8 *job, size_t tile, size_t tiles) { FK_GEMV(2) }
static void K(gemv3)(const job8 *job, size_t tile, size_t tiles) { FK_GEMV(3) }
static void K(gemv4)(const job8 *job, size_t tile, size_t tiles) { FK_GEMV(4) }
#undef FK_GEMV
static void K(gemv)(const job8 *job, size_t tile, size_t tiles) {
  switch (job->x->rows) {
  case 1: K(gemv1)(job, tile, tiles); break;
  case 2: K(gemv2)(job, tile, tiles); break;
  case 3: K(gemv3)(job, tile, tiles); break;
  default: K(gemv4)(job, tile, tiles);
  }
}

// Signed 16-bit weights of a block: out[column / 4][parity of the column][lane][2], that is pairs
// of columns (0, 2) and (1, 3) of each four, which need no shuffles across lanes.
FK_INLINE void K(widen_half)(__m256i c, int g, int half, int16_t *out) {
  __m256i *even = (__m256i *)(out + g * 64) + half, *odd = even + 2;
  _mm256_storeu_si256(even, _mm256_srai_epi16(_mm256_slli_epi16(c, 8), 8));
  _mm256_storeu_si256(odd, _mm256_srai_epi16(c, 8));
}
FK_INLINE void K(widen_weights)(const uint8_t *codes, int kind, int16_t *out) {
  const __m256i mask = _mm256_set1_epi8(15), flip = _mm256_set1_epi8((char)0x80);
  const __m256i table =
      _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)fk_nf4_codes8));
  if (kind == FK_Q8) {
    for (int g = 0; g < 16; g++)
      for (int h = 0; h < 2; h++) {
        __m256i c = _mm256_loadu_si256((const __m256i *)(codes + g * 64) + h);
        K(widen_half)(_mm256_xor_si256(c, flip), g, h, out);
      }
    return;
  }
  for (int g = 0; g < 16; g += 2)
    for (int h = 0; h < 2; h++) {
      __m256i pair = _mm256_loadu_si256((const __m256i *)(codes + g * 32) + h);
      K(widen_half)(_mm256_shuffle_epi8(table, _mm256_and_si256(pair, mask)), g, h, out);
      pair = _mm256_and_si256(_mm256_srli_epi16(pair, 4), mask);
      K(widen_half)(_mm256_shuffle_epi8(table, pair), g + 1, h, out);
    }
}
// The same order for activations: [column / 4][parity][2].
FK_INLINE void K(widen_inputs)(const int8_t *q, size_t rows, int16_t *out) {
  for (size_t i = 0; i < rows * 64; i += 32) {
    __m256i c = _mm256_loadu_si256((const __m256i *)(q + i));
    __m256i even = _mm256_srai_epi16(_mm256_slli_epi16(c, 8), 8), odd = _mm256_srai_epi16(c, 8);
    __m256i a = _mm256_unpacklo_epi32(even, odd), b = _mm256_unpackhi_epi32(even, odd);
    _mm256_storeu_si256((__m256i *)(out + i), _mm256_permute2x128_si256(a, b, 0x20));
    _mm256_storeu_si256((__m256i *)(out + i + 16), _mm256_permute2x128_si256(a, b, 0x31));
  }
}

static void K(fast_rows)(const job8 *job, size_t tile, size_t tiles, size_t first, size_t rows) {
  const fk_tiled *w = job->w;
  const fk_input *x = job->x;
  float factor = K(factor)(w), xs[ROW_CHUNK];
  _Alignas(64) float acc[TILES][ROW_CHUNK * 16];
  _Alignas(64) int16_t weights[1024], inputs[ROW_CHUNK * 64];
  for (size_t t = 0; t < tiles; t++) memset(acc[t], 0, rows * 64);
  for (size_t b = 0; b < fk_blocks(w->columns); b++) {
    size_t at = b * x->rows + first;
    K(widen_inputs)(x->q + at * 64, rows, inputs);
    for (size_t i = 0; i < rows; i++) xs[i] = x->scale[at + i] * factor;
    for (size_t t = 0; t < tiles; t++) {
      const uint8_t *codes = K(block_codes)(w, tile + t, b);
      K(prefetch_block)(codes, w->kind);
      K(widen_weights)(codes, w->kind, weights);
      v16f scale = K(load)(K(block_scales)(w, codes));
      K(all_rows16)(weights, inputs, xs, scale, acc[t], rows);
    }
  }
  for (size_t t = 0; t < tiles; t++) K(store_rows)(job, tile + t, first, rows, acc[t]);
}

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
