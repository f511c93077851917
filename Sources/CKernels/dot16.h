// Included per instruction set: 16-bit integer products of rows with `tiles` tiles of 16 lanes.
//   w    [32 pairs][tiles][16 lanes][2]
//   q    [rows][32 pairs][2]
//   acc  tile t, row m: acc[t * tile_stride + m * 16 + lane] += float(sum) * (scale[t] * xs[m]), fused

#if defined(FK_HAS_AVX512)
#define FK_ROWS16 8
#elif defined(FK_HAS_AVX2)
#define FK_ROWS16 6
#else
#define FK_ROWS16 4
#endif

FK_INLINE void K(rows16)(const int16_t *w, const int16_t *q, const float *xs, const v16f *scale,
                         float *acc, size_t tile_stride, int tiles, int n) {
#if defined(FK_HAS_AVX512)
  __m512i s[2][FK_ROWS16] = {};
#pragma clang loop unroll_count(2)
  for (int g = 0; g < 32; g++) {
    __m512i pair[2];
    for (int t = 0; t < tiles; t++) pair[t] = _mm512_loadu_si512(w + (g * tiles + t) * 32);
    for (int m = 0; m < n; m++) {
      int32_t both;
      memcpy(&both, q + m * 64 + g * 2, 4);
      __m512i value = _mm512_set1_epi32(both);
      for (int t = 0; t < tiles; t++)
#if defined(FK_HAS_VNNI)
        s[t][m] = _mm512_dpwssd_epi32(s[t][m], pair[t], value);
#else
        s[t][m] = _mm512_add_epi32(s[t][m], _mm512_madd_epi16(pair[t], value));
#endif
    }
  }
#elif defined(FK_HAS_AVX2)
  __m256i s[1][FK_ROWS16][2] = {};
  for (int g = 0; g < 32; g++) {
    __m256i low = _mm256_loadu_si256((const __m256i *)(w + g * 32));
    __m256i high = _mm256_loadu_si256((const __m256i *)(w + g * 32) + 1);
    for (int m = 0; m < n; m++) {
      int32_t both;
      memcpy(&both, q + m * 64 + g * 2, 4);
      __m256i value = _mm256_set1_epi32(both);
      s[0][m][0] = _mm256_add_epi32(s[0][m][0], _mm256_madd_epi16(low, value));
      s[0][m][1] = _mm256_add_epi32(s[0][m][1], _mm256_madd_epi16(high, value));
    }
  }
#else
  int32_t s[1][FK_ROWS16][16] = {{{0}}};
  for (int m = 0; m < n; m++)
    for (int g = 0; g < 32; g++)
      for (int lane = 0; lane < 16; lane++)
        s[0][m][lane] += w[g * 32 + lane * 2] * q[m * 64 + g * 2] +
                         w[g * 32 + lane * 2 + 1] * q[m * 64 + g * 2 + 1];
#endif
  for (int t = 0; t < tiles; t++)
    for (int m = 0; m < n; m++) {
      v16i sum;
      memcpy(&sum, &s[t][m], 64);
      v16f value = __builtin_convertvector(sum, v16f);
      float *to = acc + (size_t)t * tile_stride + m * 16;
      K(store)(to, K(fma)(value, scale[t] * xs[m], K(load)(to)));
    }
}

// Groups of FK_ROWS16 rows; what is more than one group and less than two is halved, since a
// group's cost is mostly that of reading the weights when it has few rows.
FK_INLINE void K(all_rows16)(const int16_t *w, const int16_t *q, const float *xs, const v16f *scale,
                             float *acc, size_t tile_stride, size_t rows, int tiles) {
  while (rows > 0) {
    size_t n = rows >= 2 * FK_ROWS16 ? FK_ROWS16 : rows > FK_ROWS16 ? (rows + 1) / 2 : rows;
    switch (n) {
#if FK_ROWS16 > 6
    case 8: K(rows16)(w, q, xs, scale, acc, tile_stride, tiles, 8); break;
    case 7: K(rows16)(w, q, xs, scale, acc, tile_stride, tiles, 7); break;
#endif
#if FK_ROWS16 > 4
    case 6: K(rows16)(w, q, xs, scale, acc, tile_stride, tiles, 6); break;
    case 5: K(rows16)(w, q, xs, scale, acc, tile_stride, tiles, 5); break;
#endif
    case 4: K(rows16)(w, q, xs, scale, acc, tile_stride, tiles, 4); break;
    case 3: K(rows16)(w, q, xs, scale, acc, tile_stride, tiles, 3); break;
    case 2: K(rows16)(w, q, xs, scale, acc, tile_stride, tiles, 2); break;
    default: K(rows16)(w, q, xs, scale, acc, tile_stride, tiles, 1);
    }
    rows -= n, q += n * 64, xs += n, acc += n * 16;
  }
}
#undef FK_ROWS16
