// The AVX-512 intrinsics the kernels use, in plain C: lets their bodies run on machines without.
#pragma once
#include <immintrin.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#define EMULATE static inline __attribute__((always_inline))
typedef int32_t emu_i32 __attribute__((vector_size(64)));
typedef int16_t emu_i16 __attribute__((vector_size(64)));
typedef uint16_t emu_u16 __attribute__((vector_size(64)));
typedef int8_t emu_i8 __attribute__((vector_size(64)));
typedef uint8_t emu_u8 __attribute__((vector_size(64)));

EMULATE __m512i emu_set1_epi32(int32_t x) { return (__m512i)((emu_i32){} + x); }
EMULATE __m512i emu_set1_epi8(char x) { return (__m512i)((emu_i8){} + (int8_t)x); }
EMULATE __m512i emu_loadu(const void *p) {
  __m512i x;
  memcpy(&x, p, 64);
  return x;
}
EMULATE void emu_storeu(void *p, __m512i x) { memcpy(p, &x, 64); }
EMULATE __m512i emu_srli_epi16(__m512i a, int n) { return (__m512i)((emu_u16)a >> n); }
EMULATE __m512i emu_slli_epi16(__m512i a, int n) { return (__m512i)((emu_u16)a << n); }
EMULATE __m512i emu_srai_epi16(__m512i a, int n) { return (__m512i)((emu_i16)a >> n); }
EMULATE __m512i emu_permutexvar_epi16(__m512i index, __m512i table) {
  emu_i16 out;
  for (int k = 0; k < 32; k++) out[k] = ((emu_i16)table)[((emu_i16)index)[k] & 31];
  return (__m512i)out;
}
EMULATE __m512i emu_add_epi32(__m512i a, __m512i b) { return (__m512i)((emu_i32)a + (emu_i32)b); }
EMULATE __m512i emu_dpwssd(__m512i sum, __m512i a, __m512i b) {
  emu_i32 s = (emu_i32)sum;
  for (int k = 0; k < 32; k++) s[k / 2] += ((emu_i16)a)[k] * ((emu_i16)b)[k];
  return (__m512i)s;
}
EMULATE __m512i emu_madd_epi16(__m512i a, __m512i b) {
  return emu_dpwssd((__m512i){}, a, b);
}
EMULATE __m512i emu_mulhrs_epi16(__m512i a, __m512i b) {
  emu_i16 out;
  for (int k = 0; k < 32; k++)
    out[k] = (int16_t)((((emu_i16)a)[k] * ((emu_i16)b)[k] + 0x4000) >> 15);
  return (__m512i)out;
}
EMULATE __m512 emu_max_ps(__m512 a, __m512 b) {
  for (int i = 0; i < 16; i++) b[i] = a[i] > b[i] ? a[i] : b[i];
  return b;
}
EMULATE __m512 emu_min_ps(__m512 a, __m512 b) {
  for (int i = 0; i < 16; i++) b[i] = a[i] < b[i] ? a[i] : b[i];
  return b;
}
EMULATE __m512 emu_cvtph_ps(__m256i h) {
  __m256 low = _mm256_cvtph_ps(_mm256_castsi256_si128(h));
  __m256 high = _mm256_cvtph_ps(_mm256_extracti128_si256(h, 1));
  return __builtin_shufflevector(low, high, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
}
EMULATE __m256i emu_cvtps_ph(__m512 x) {
  __m256 low = __builtin_shufflevector(x, x, 0, 1, 2, 3, 4, 5, 6, 7);
  __m256 high = __builtin_shufflevector(x, x, 8, 9, 10, 11, 12, 13, 14, 15);
  return _mm256_set_m128i(_mm256_cvtps_ph(high, 0), _mm256_cvtps_ph(low, 0));
}
EMULATE __m512 emu_permutexvar_ps(__m512i index, __m512 table) {
  __m512 out;
  for (int i = 0; i < 16; i++) out[i] = table[((emu_i32)index)[i] & 15];
  return out;
}

EMULATE __m512 emu_loadu_ps(const void *p) { return (__m512)emu_loadu(p); }

#undef _mm512_srli_epi16
#undef _mm512_slli_epi16
#undef _mm512_srai_epi16
#undef _mm512_cvtps_ph
#define _mm512_set1_epi32 emu_set1_epi32
#define _mm512_set1_epi8 emu_set1_epi8
#define _mm512_loadu_si512 emu_loadu
#define _mm512_storeu_si512 emu_storeu
#define _mm512_srli_epi16 emu_srli_epi16
#define _mm512_slli_epi16 emu_slli_epi16
#define _mm512_srai_epi16 emu_srai_epi16
#define _mm512_permutexvar_epi16 emu_permutexvar_epi16
#define _mm512_add_epi32 emu_add_epi32
#define _mm512_dpwssd_epi32 emu_dpwssd
#define _mm512_madd_epi16 emu_madd_epi16
#define _mm512_mulhrs_epi16 emu_mulhrs_epi16
#define _mm512_max_ps emu_max_ps
#define _mm512_min_ps emu_min_ps
#define _mm512_cvtph_ps emu_cvtph_ps
#define _mm512_cvtps_ph(x, rounding) emu_cvtps_ph(x)
#define _mm512_permutexvar_ps emu_permutexvar_ps
#define _mm512_loadu_ps emu_loadu_ps
