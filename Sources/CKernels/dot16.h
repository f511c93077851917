// Included per instruction set: 16-bit integer products of up to FK_ROWS16 rows with 16 lanes.
//   w    [32 pairs][16 lanes][2]
//   q    [n rows][32 pairs][2]
//   acc  [n rows][16] += float(sum) * (scale * xs[row]), fused

#if defined(FK_HAS_VNNI)
#define FK_ROWS16 8
#elif defined(FK_HAS_AVX2) || defined(FK_HAS_AVX512)
#define FK_ROWS16 6
#else
#define FK_ROWS16 4
#endif

FK_INLINE void K(rows16)(const int16_t *w, const int16_t *q, const float *xs, v16f scale,
                         float *acc, int n) {
#if defined(FK_HAS_AVX512)
  __m512i s[FK_ROWS16] = {};
  for (int g = 0; g < 32; g++) {
    __m512i pair = _mm512_loadu_si512(w + g * 32);
    for (int m = 0; m < n; m++) {
      int32_t both;
      memcpy(&both, q + m * 64 + g * 2, 4);
#if defined(FK_HAS_VNNI)
      s[m] = _mm512_dpwssd_epi32(s[m], pair, _mm512_set1_epi32(both));
#else
      s[m] = _mm512_add_epi32(s[m], _mm512_madd_epi16(pair, _mm512_set1_epi32(both)));
#endif
    }
  }
#elif defined(FK_HAS_AVX2)
  __m256i s[FK_ROWS16][2] = {};
  for (int g = 0; g < 32; g++) {
    __m256i low = _mm256_loadu_si256((const __m256i *)(w + g * 32));
    __m256i high = _mm256_loadu_si256((const __m256i *)(w + g * 32) + 1);
    for (int m = 0; m < n; m++) {
      int32_t both;
      memcpy(&both, q + m * 64 + g * 2, 4);
      __m256i value = _mm256_set1_epi32(both);
      s[m][0] = _mm256_add_epi32(s[m][0], _mm256_madd_epi16(low, value));
      s[m][1] = _mm256_add_epi32(s[m][1], _mm256_madd_epi16(high, value));
    }
  }
#else
  int32_t s[FK_ROWS16][16] = {{0}};
  for (int m = 0; m < n; m++)
    for (int g = 0; g < 32; g++)
      for (int lane = 0; lane < 16; lane++)
        s[m][lane] += w[g * 32 + lane * 2] * q[m * 64 + g * 2] +
                      w[g * 32 + lane * 2 + 1] * q[m * 64 + g * 2 + 1];
#endif
  for (int m = 0; m < n; m++) {
    v16i sum;
    memcpy(&sum, &s[m], 64);
    v16f value = __builtin_convertvector(sum, v16f);
    K(store)(acc + m * 16, K(fma)(value, scale * xs[m], K(load)(acc + m * 16)));
  }
}

static void K(all_rows16)(const int16_t *w, const int16_t *q, const float *xs, v16f scale,
                          float *acc, size_t rows) {
  size_t m = 0;
  for (; m + FK_ROWS16 <= rows; m += FK_ROWS16)
    K(rows16)(w, q + m * 64, xs + m, scale, acc + m * 16, FK_ROWS16);
  for (; m + 4 <= rows; m += 4) K(rows16)(w, q + m * 64, xs + m, scale, acc + m * 16, 4);
  for (; m + 2 <= rows; m += 2) K(rows16)(w, q + m * 64, xs + m, scale, acc + m * 16, 2);
  for (; m < rows; m++) K(rows16)(w, q + m * 64, xs + m, scale, acc + m * 16, 1);
}
#undef FK_ROWS16
