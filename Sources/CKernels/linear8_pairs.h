// Included by linear8_dot.h for instruction sets that add 8-bit products in pairs of 16 bits.
//
// NF4: unsigned codes (value + 98) times signed activations; the sums start at -98 * sum(x). Two
// products do not saturate: codes are at most 196, and with the last rounding the q of two columns
// add up to at most PAIR + 1; 196 * 167 < 2^15. Blocks of 8 bits: |x| times w with the sign of x;
// 2 * 127 * 127 < 2^15.
#define FK_HAS_FAST_ROWS 1
#define FK_GEMV_ROWS GEMV_ROWS

#ifdef FK_HAS_AVX512
typedef __m512i K(bytes);
enum { K(parts) = 1, K(many) = 8 }; // vectors for 16 lanes of 4 columns; rows at a time
#define FK_V(name) _mm512_##name
#define FK_LOAD(p) _mm512_loadu_si512(p)
#define FK_TABLE(x) _mm512_broadcast_i32x4(x)
#define FK_AND(a, b) _mm512_and_si512(a, b)
FK_INLINE __m512i K(with_sign)(__m512i w, __m512i x) {
  return _mm512_mask_sub_epi8(w, _mm512_movepi8_mask(x), _mm512_set1_epi8(0), w);
}
#else
typedef __m256i K(bytes);
enum { K(parts) = 2, K(many) = 6 };
#define FK_V(name) _mm256_##name
#define FK_LOAD(p) _mm256_loadu_si256((const __m256i *)(p))
#define FK_TABLE(x) _mm256_broadcastsi128_si256(x)
#define FK_AND(a, b) _mm256_and_si256(a, b)
FK_INLINE __m256i K(with_sign)(__m256i w, __m256i x) { return _mm256_sign_epi8(w, x); }
#endif
enum { K(width) = sizeof(K(bytes)), K(offset) = 98 };

FK_INLINE K(bytes) K(dword)(const int8_t *x) {
  int32_t value;
  memcpy(&value, x, 4);
  return FK_V(set1_epi32)(value);
}
FK_INLINE K(bytes) K(table)(void) {
  __m128i codes = _mm_loadu_si128((const __m128i *)fk_nf4_codes8);
  return FK_TABLE(_mm_add_epi8(codes, _mm_set1_epi8(K(offset))));
}
// One vector's codes of 8 columns: of the first 4 and of the others, as `products` takes them.
FK_INLINE void K(unpack)(const uint8_t *codes, int kind, K(bytes) table, K(bytes) *w) {
  if (kind == FK_NF4) {
    const K(bytes) mask = FK_V(set1_epi8)(15);
    K(bytes) pair = FK_LOAD(codes);
    w[0] = FK_V(shuffle_epi8)(table, FK_AND(pair, mask));
    w[1] = FK_V(shuffle_epi8)(table, FK_AND(FK_V(srli_epi16)(pair, 4), mask));
  } else {
    w[0] = FK_LOAD(codes) ^ FK_V(set1_epi8)((char)0x80);
    w[1] = FK_LOAD(codes + 64) ^ FK_V(set1_epi8)((char)0x80);
  }
}
FK_INLINE K(bytes) K(products)(K(bytes) w, K(bytes) x, int kind, K(bytes) sum) {
  K(bytes) pairs = kind == FK_NF4 ? FK_V(maddubs_epi16)(w, x)
                                  : FK_V(maddubs_epi16)(FK_V(abs_epi8)(x), K(with_sign)(w, x));
  return FK_V(add_epi32)(sum, FK_V(madd_epi16)(pairs, FK_V(set1_epi16)(1)));
}
// What the offset of unsigned codes adds, taken away at the start; bias is -128 * sum(x).
FK_INLINE K(bytes) K(start)(int32_t bias, int kind) {
  return FK_V(set1_epi32)(kind == FK_NF4 ? bias / 128 * K(offset) : 0);
}
FK_INLINE v16f K(as_floats)(const K(bytes) *sums) {
  v16i all;
  memcpy(&all, sums, sizeof all);
  return __builtin_convertvector(all, v16f);
}

// MARK: Few rows

// As `products`, in one chain: as a tree the parts of several rows would not fit 16 registers.
FK_INLINE K(bytes) K(chained)(K(bytes) w, const int8_t *x, int kind, K(bytes) sum) {
  sum = K(products)(w, K(dword)(x), kind, sum);
#ifndef FK_HAS_AVX512
  __asm__("" : "+x"(sum));
#endif
  return sum;
}

// 64 columns for n rows: the sums of each row's even and odd groups of 4 columns, which are two
// chains where there are registers for them and one where not.
FK_INLINE void K(block_sums)(const uint8_t *codes, const int8_t *q, int kind,
                             K(bytes) (*s)[2][K(parts)], int n) {
  const K(bytes) table = K(table)();
  const size_t group = kind == FK_NF4 ? 64 : 128; // bytes of 8 columns
  const int odd = n <= 2;
#pragma clang loop unroll_count(2)
  for (size_t g = 0; g < 8; g++)
    for (size_t p = 0; p < K(parts); p++) {
      K(bytes) w[2];
      K(unpack)(codes + g * group + p * K(width), kind, table, w);
      for (int m = 0; m < n; m++) {
        const int8_t *x = q + (size_t)m * 64 + g * 8;
        s[m][0][p] = K(chained)(w[0], x, kind, s[m][0][p]);
        s[m][odd][p] = K(chained)(w[1], x + 4, kind, s[m][odd][p]);
      }
    }
}

FK_INLINE void K(gemv_tile)(const job8 *job, size_t tile, int kind, int n) {
  const fk_input *x = job->x;
  size_t blocks = fk_blocks(job->w->columns), size = fk_tiled_block_bytes(kind, 64);
  const uint8_t *codes = job->w->tiles + tile * blocks * size;
  float factor = K(factor)(job->w);
  v16f acc[GEMV_ROWS] = {};
  for (size_t b = 0; b < blocks; b++, codes += size) {
    size_t at = b * (size_t)n;
    K(bytes) s[GEMV_ROWS][2][K(parts)] = {};
    K(prefetch_block)(codes, kind);
    for (int m = 0; m < n; m++)
      for (int p = 0; p < K(parts); p++) s[m][0][p] = K(start)(x->bias[at + (size_t)m], kind);
    K(block_sums)(codes, x->q + at * 64, kind, s, n);
    v16f scale = K(load)((const float *)(codes + (kind == FK_NF4 ? 512 : 1024)));
    for (int m = 0; m < n; m++) {
      for (int p = 0; p < K(parts); p++)
        s[m][0][p] = FK_V(add_epi32)(s[m][0][p], s[m][1][p]);
      acc[m] = K(fma)(K(as_floats)(s[m][0]), scale * (x->scale[at + (size_t)m] * factor), acc[m]);
    }
  }
  K(store_rows)(job, tile, 0, (size_t)n, (const float *)acc);
}

#define FK_GEMV(n) \
  static void K(gemv##n)(const job8 *job, size_t tile, size_t tiles) { \
    for (size_t t = tile; t < tile + tiles; t++) \
      if (job->w->kind == FK_NF4) K(gemv_tile)(job, t, FK_NF4, n); \
      else K(gemv_tile)(job, t, FK_Q8, n); \
  }
FK_GEMV(1)
FK_GEMV(2)
FK_GEMV(3)
FK_GEMV(4)
#undef FK_GEMV
static void K(gemv)(const job8 *job, size_t tile, size_t tiles) {
  switch (job->x->rows) {
  case 1: K(gemv1)(job, tile, tiles); break;
  case 2: K(gemv2)(job, tile, tiles); break;
  case 3: K(gemv3)(job, tile, tiles); break;
  default: K(gemv4)(job, tile, tiles);
  }
}

// MARK: Many rows

// A block's codes as `products` takes them, [columns of 4][lane][column of the 4].
FK_INLINE void K(decode)(const uint8_t *codes, int kind, uint8_t *out) {
  const K(bytes) table = K(table)();
  const size_t group = kind == FK_NF4 ? 64 : 128;
  for (size_t g = 0; g < 8; g++)
    for (size_t at = 0; at < 64; at += K(width)) {
      K(bytes) w[2];
      K(unpack)(codes + g * group + at, kind, table, w);
      memcpy(out + g * 128 + at, &w[0], K(width));
      memcpy(out + g * 128 + 64 + at, &w[1], K(width));
    }
}

// n rows times a block of a tile.
FK_INLINE void K(block_rows)(const uint8_t *w, int kind, const fk_input *x, size_t at,
                             const float *xs, v16f scale, float *acc, int n) {
  K(bytes) s[K(many)][K(parts)];
  for (int m = 0; m < n; m++)
    for (int p = 0; p < K(parts); p++) s[m][p] = K(start)(x->bias[at + (size_t)m], kind);
  const int8_t *q = x->q + at * 64;
  for (int g = 0; g < 16; g++) {
    K(bytes) group[K(parts)];
    for (int p = 0; p < K(parts); p++) group[p] = FK_LOAD(w + g * 64 + p * K(width));
    for (int m = 0; m < n; m++) {
      K(bytes) value = K(dword)(q + m * 64 + g * 4);
      for (int p = 0; p < K(parts); p++) s[m][p] = K(products)(group[p], value, kind, s[m][p]);
    }
  }
  for (int m = 0; m < n; m++)
    K(store)(acc + m * 16, K(fma)(K(as_floats)(s[m]), scale * xs[m], K(load)(acc + m * 16)));
}

FK_INLINE void K(all_rows)(const job8 *job, size_t tile, size_t tiles, size_t first, size_t rows,
                           int kind) {
  const fk_tiled *w = job->w;
  const fk_input *x = job->x;
  float factor = K(factor)(w), xs[ROW_CHUNK];
  _Alignas(64) float acc[TILES][ROW_CHUNK * 16];
  _Alignas(64) uint8_t weights[1024];
  for (size_t t = 0; t < tiles; t++) memset(acc[t], 0, rows * 64);
  for (size_t b = 0; b < fk_blocks(w->columns); b++) {
    size_t at = b * x->rows + first;
    for (size_t i = 0; i < rows; i++) xs[i] = x->scale[at + i] * factor;
    for (size_t t = 0; t < tiles; t++) {
      const uint8_t *codes = K(block_codes)(w, tile + t, b);
      v16f scale = K(load)(K(block_scales)(w, codes));
      K(prefetch_block)(codes, kind);
      K(decode)(codes, kind, weights);
      size_t m = 0;
      for (; m + K(many) <= rows; m += K(many))
        K(block_rows)(weights, kind, x, at + m, xs + m, scale, acc[t] + m * 16, K(many));
      for (; m + 4 <= rows; m += 4)
        K(block_rows)(weights, kind, x, at + m, xs + m, scale, acc[t] + m * 16, 4);
      for (; m < rows; m++)
        K(block_rows)(weights, kind, x, at + m, xs + m, scale, acc[t] + m * 16, 1);
    }
  }
  for (size_t t = 0; t < tiles; t++) K(store_rows)(job, tile + t, first, rows, acc[t]);
}
static void K(fast_rows)(const job8 *job, size_t tile, size_t tiles, size_t first, size_t rows) {
  if (job->w->kind == FK_NF4) K(all_rows)(job, tile, tiles, first, rows, FK_NF4);
  else K(all_rows)(job, tile, tiles, first, rows, FK_Q8);
}
#undef FK_V
#undef FK_LOAD
#undef FK_TABLE
#undef FK_AND
