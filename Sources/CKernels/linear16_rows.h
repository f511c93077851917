// Included by linear16.c once per instruction set: blocks of 64 columns whose scales are one a row.
//   gemv      up to gemv_rows rows: codes go from memory through tables into the products
//   all_rows  more rows: a block of each tile is decoded once into 16 bits and used for all of them
//
// A vector of codes is 8 columns (of 8 bits: 4) of the lanes of its part of a tile. `unpack` makes
// 16-bit weights of them in the order the instruction set likes best; `column_order` puts the
// activations into the same.

// The block some blocks on.
FK_INLINE void K(prefetch_block)(const uint8_t *codes, int kind) {
  size_t size = kind == FK_NF4 ? NF4_BYTES : Q8_BYTES;
#pragma clang loop unroll(full)
  for (size_t i = 0; i < size; i += 64) __builtin_prefetch(codes + FETCH_BLOCKS * size + i);
}

#if defined(FK_HAS_AVX512)
// A 16-bit word of codes is columns c and c + 1 of one row, with c + 4 and c + 5 in the high
// nibbles: shifted by 0, 4, 8 and 12 it is an index, and pairs of words are columns (0, 2), (4, 6),
// (1, 3) and (5, 7).
enum { K(parts) = 1, K(lanes) = 16, K(many_tiles) = 2, K(gemv_rows) = 8 };
typedef __m512i K(words);
typedef struct {
  __m512i entries;
} K(tables);
FK_INLINE v16s K(column_order)(v16s q) {
  return __builtin_shufflevector(q, q, 0, 2, 4, 6, 1, 3, 5, 7, 8, 10, 12, 14, 9, 11, 13, 15);
}
FK_INLINE K(tables) K(load_tables)(void) {
  __m512i twice; // an index's fifth bit is of the next nibble
  memcpy(&twice, fk_nf4_codes16, 32);
  memcpy((char *)&twice + 32, fk_nf4_codes16, 32);
  return (K(tables)){twice};
}
FK_INLINE void K(unpack)(const uint8_t *codes, int kind, K(tables) t, __m512i w[4]) {
  if (kind == FK_NF4) {
    __m512i c = _mm512_loadu_si512(codes);
    w[0] = _mm512_permutexvar_epi16(c, t.entries);
    w[1] = _mm512_permutexvar_epi16(_mm512_srli_epi16(c, 4), t.entries);
    w[2] = _mm512_permutexvar_epi16(_mm512_srli_epi16(c, 8), t.entries);
    w[3] = _mm512_permutexvar_epi16(_mm512_srli_epi16(c, 12), t.entries);
  } else {
    const __m512i sign = _mm512_set1_epi8((char)0x80);
    for (int i = 0; i < 2; i++) {
      __m512i c = _mm512_loadu_si512(codes + i * 64) ^ sign;
      w[i] = _mm512_srai_epi16(_mm512_slli_epi16(c, 8), 8);
      w[2 + i] = _mm512_srai_epi16(c, 8);
    }
  }
}
FK_INLINE __m512i K(products)(__m512i w, __m512i x, __m512i sum) {
#ifdef FK_HAS_VNNI
  return _mm512_dpwssd_epi32(sum, w, x);
#else
  return _mm512_add_epi32(sum, _mm512_madd_epi16(w, x));
#endif
}
FK_INLINE __m512i K(pair)(const int16_t *q) {
  int32_t both;
  memcpy(&both, q, 4);
  return _mm512_set1_epi32(both);
}
// One vector of codes for n rows.
FK_INLINE void K(multiply_codes)(const __m512i w[4], const int16_t *q, __m512i (*s)[2], int n) {
  for (int i = 0; i < 4; i++)
    for (int m = 0; m < n; m++)
      s[m][i % 2] = K(products)(w[i], K(pair)(q + (size_t)m * 64 + i * 2), s[m][i % 2]);
}
FK_INLINE void K(lane_sums)(const __m512i *s, int32_t *out) {
  _mm512_storeu_si512(out, _mm512_add_epi32(s[0], s[1]));
}
// 32 pairs of columns of one of `tiles` tiles that lie side by side.
FK_INLINE void K(decode)(const uint8_t *codes, int kind, int16_t *out, size_t tiles) {
  const K(tables) t = K(load_tables)();
  const size_t group = kind == FK_NF4 ? 64 : 128;
  for (size_t g = 0; g < 8; g++) {
    __m512i w[4];
    K(unpack)(codes + g * group, kind, t, w);
    for (size_t i = 0; i < 4; i++) _mm512_storeu_si512(out + (g * 4 + i) * tiles * 32, w[i]);
  }
}

#elif defined(FK_HAS_AVX2)
// Low and high bytes come from two tables and are put together: words of 4 columns of lanes 0, 1, 4
// and 5 of the part's 8, and of the others.
enum { K(parts) = 2, K(lanes) = 8, K(many_tiles) = 1, K(gemv_rows) = GEMV_ROWS };
typedef __m256i K(words);
typedef struct {
  __m256i low, high;
} K(tables);
FK_INLINE v16s K(column_order)(v16s q) { return q; }
FK_INLINE K(tables) K(load_tables)(void) {
  uint8_t low[16], high[16];
  for (int i = 0; i < 16; i++) {
    low[i] = (uint8_t)(fk_nf4_codes16[i] & 255);
    high[i] = (uint8_t)(fk_nf4_codes16[i] >> 8);
  }
  return (K(tables)){_mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)low)),
                     _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)high))};
}
FK_INLINE void K(unpack)(const uint8_t *codes, int kind, K(tables) t, __m256i w[4]) {
  const __m256i mask = _mm256_set1_epi8(15), zero = _mm256_setzero_si256();
  for (int i = 0; i < 2; i++) {
    __m256i low, high;
    if (kind == FK_NF4) {
      __m256i c = _mm256_loadu_si256((const __m256i *)codes);
      c = _mm256_and_si256(i ? _mm256_srli_epi16(c, 4) : c, mask);
      low = _mm256_shuffle_epi8(t.low, c);
      high = _mm256_shuffle_epi8(t.high, c);
    } else {
      low = _mm256_loadu_si256((const __m256i *)(codes + i * 64));
      low = _mm256_xor_si256(low, _mm256_set1_epi8((char)0x80));
      high = _mm256_cmpgt_epi8(zero, low);
    }
    w[i * 2] = _mm256_unpacklo_epi8(low, high);
    w[i * 2 + 1] = _mm256_unpackhi_epi8(low, high);
  }
}
// In one chain: as a tree the parts of several rows would not fit 16 registers.
FK_INLINE __m256i K(products)(__m256i w, __m256i x, __m256i sum) {
  sum = _mm256_add_epi32(sum, _mm256_madd_epi16(w, x));
  __asm__("" : "+x"(sum));
  return sum;
}
FK_INLINE void K(multiply_codes)(const __m256i w[4], const int16_t *q, __m256i (*s)[2], int n) {
  for (int i = 0; i < 2; i++)
    for (int m = 0; m < n; m++) {
      int64_t four;
      memcpy(&four, q + (size_t)m * 64 + i * 4, 8);
      __m256i x = _mm256_set1_epi64x(four);
      s[m][0] = K(products)(w[i * 2], x, s[m][0]);
      s[m][1] = K(products)(w[i * 2 + 1], x, s[m][1]);
    }
}
FK_INLINE void K(lane_sums)(const __m256i *s, int32_t *out) {
  _mm256_storeu_si256((__m256i *)out, _mm256_hadd_epi32(s[0], s[1]));
}
FK_INLINE void K(decode)(const uint8_t *codes, int kind, int16_t *out, size_t tiles) {
  const K(tables) t = K(load_tables)();
  const size_t group = kind == FK_NF4 ? 64 : 128;
  (void)tiles;
  for (size_t g = 0; g < 8; g++)
    for (size_t p = 0; p < 2; p++) {
      __m256i w[4];
      K(unpack)(codes + g * group + p * 32, kind, t, w);
      for (size_t i = 0; i < 2; i++) {
        __m256 a = _mm256_castsi256_ps(w[i * 2]), b = _mm256_castsi256_ps(w[i * 2 + 1]);
        __m256i *to = (__m256i *)(out + (g * 4 + i * 2) * 32 + p * 16);
        _mm256_storeu_si256(to, _mm256_castps_si256(_mm256_shuffle_ps(a, b, 0x88)));
        _mm256_storeu_si256(to + 2, _mm256_castps_si256(_mm256_shuffle_ps(a, b, 0xdd)));
      }
    }
}

#else
enum { K(many_tiles) = 1 };
FK_INLINE v16s K(column_order)(v16s q) { return q; }
FK_INLINE void K(decode)(const uint8_t *codes, int kind, int16_t *out, size_t tiles) {
  (void)tiles;
  for (size_t i = 0; i < 16 * 64; i++) {
    size_t column = i / 16, lane = i % 16;
    out[column / 2 * 32 + lane * 2 + column % 2] = K(code)(codes, kind, column, lane);
  }
}
#endif

#include "dot16.h"

#if defined(FK_HAS_AVX2) || defined(FK_HAS_AVX512)
FK_INLINE void K(gemv_tile)(const job16 *job, size_t tile, int kind, int n) {
  const fk_input *x = job->x;
  const size_t blocks = fk_blocks(job->w->columns), size = fk_tiled_block_bytes(kind, 64);
  const size_t group = kind == FK_NF4 ? 64 : 128; // bytes of 8 columns
  const uint8_t *codes = job->w->tiles + tile * blocks * size;
  const K(tables) t = K(load_tables)();
  float factor = K(factor)(job->w);
  v16f acc[K(gemv_rows)] = {};
  for (size_t b = 0; b < blocks; b++, codes += size) {
    size_t at = b * (size_t)n;
    const int16_t *q = x->q + at * 64;
    int32_t sums[K(gemv_rows)][16];
    K(prefetch_block)(codes, kind);
    for (size_t p = 0; p < K(parts); p++) {
      K(words) s[K(gemv_rows)][2] = {};
#pragma clang loop unroll_count(2)
      for (size_t g = 0; g < 8; g++) {
        K(words) w[4];
        K(unpack)(codes + g * group + p * 32, kind, t, w);
        K(multiply_codes)(w, q + g * 8, s, n);
      }
      for (int m = 0; m < n; m++) K(lane_sums)(s[m], sums[m] + p * K(lanes));
    }
    v16f scale = K(load)((const float *)(codes + (kind == FK_NF4 ? 512 : 1024)));
    for (int m = 0; m < n; m++) {
      v16f sum = __builtin_convertvector(*(const v16i_at *)sums[m], v16f);
      acc[m] = K(fma)(sum, scale * (x->scale[at + (size_t)m] * factor), acc[m]);
    }
  }
  K(store_rows)(job, tile, 0, (size_t)n, (const float *)acc);
}

#define FK_GEMV(n) \
  static void K(gemv##n)(const job16 *job, size_t tile, size_t tiles) { \
    for (size_t t = tile; t < tile + tiles; t++) \
      if (job->w->kind == FK_NF4) K(gemv_tile)(job, t, FK_NF4, n); \
      else K(gemv_tile)(job, t, FK_Q8, n); \
  }
FK_GEMV(1)
FK_GEMV(2)
FK_GEMV(3)
FK_GEMV(4)
#ifdef FK_HAS_AVX512
FK_GEMV(5)
FK_GEMV(6)
FK_GEMV(7)
FK_GEMV(8)
#endif
#undef FK_GEMV
static void K(gemv)(const job16 *job, size_t tile, size_t tiles) {
  switch (job->x->rows) {
  case 1: K(gemv1)(job, tile, tiles); break;
  case 2: K(gemv2)(job, tile, tiles); break;
  case 3: K(gemv3)(job, tile, tiles); break;
#ifdef FK_HAS_AVX512
  case 5: K(gemv5)(job, tile, tiles); break;
  case 6: K(gemv6)(job, tile, tiles); break;
  case 7: K(gemv7)(job, tile, tiles); break;
  case 8: K(gemv8)(job, tile, tiles); break;
#endif
  default: K(gemv4)(job, tile, tiles);
  }
}
#endif

// `tiles` tiles, decoded side by side, for rows first..<first + rows.
FK_INLINE void K(some_tiles)(const job16 *job, size_t tile, size_t tiles, size_t first, size_t rows,
                             int kind) {
  const fk_tiled *w = job->w;
  const fk_input *x = job->x;
  float factor = K(factor)(w), xs[ROW_CHUNK];
  _Alignas(64) float acc[K(many_tiles)][ROW_CHUNK * 16];
  _Alignas(64) int16_t weights[K(many_tiles) * 1024];
  for (size_t t = 0; t < tiles; t++) memset(acc[t], 0, rows * 64);
  for (size_t b = 0; b < fk_blocks(w->columns); b++) {
    size_t at = b * x->rows + first;
    v16f scales[K(many_tiles)];
    for (size_t t = 0; t < tiles; t++) {
      const uint8_t *codes = K(block_codes)(w, tile + t, b);
      K(prefetch_block)(codes, kind);
      K(decode)(codes, kind, weights + t * 32, tiles);
      scales[t] = K(load)(K(block_scales)(w, codes));
    }
    for (size_t i = 0; i < rows; i++) xs[i] = x->scale[at + i] * factor;
    K(all_rows16)(weights, x->q + at * 64, xs, scales, acc[0], ROW_CHUNK * 16, rows, (int)tiles);
  }
  for (size_t t = 0; t < tiles; t++) K(store_rows)(job, tile + t, first, rows, acc[t]);
}
static void K(tiles_nf4)(const job16 *job, size_t tile, size_t tiles, size_t first, size_t rows) {
  for (; tiles >= K(many_tiles); tile += K(many_tiles), tiles -= K(many_tiles))
    K(some_tiles)(job, tile, K(many_tiles), first, rows, FK_NF4);
  for (; tiles > 0; tile++, tiles--) K(some_tiles)(job, tile, 1, first, rows, FK_NF4);
}
static void K(tiles_q8)(const job16 *job, size_t tile, size_t tiles, size_t first, size_t rows) {
  for (; tiles >= K(many_tiles); tile += K(many_tiles), tiles -= K(many_tiles))
    K(some_tiles)(job, tile, K(many_tiles), first, rows, FK_Q8);
  for (; tiles > 0; tile++, tiles--) K(some_tiles)(job, tile, 1, first, rows, FK_Q8);
}
