// Included once per instruction set by isa.h: small helpers over 16 lanes.

FK_INLINE v16f K(set1)(float x) { return x - (v16f){}; } // 0 + x would lose the sign of -0
FK_INLINE v16f K(load)(const float *p) { return *(const v16f_at *)p; }
FK_INLINE void K(store)(float *p, v16f x) { *(v16f_at *)p = x; }
FK_INLINE v16f K(fma)(v16f a, v16f b, v16f c) { return __builtin_elementwise_fma(a, b, c); }
FK_INLINE float K(fma1)(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
FK_INLINE v16f K(select)(v16i mask, v16f a, v16f b) {
  return (v16f)(((v16i)a & mask) | ((v16i)b & ~mask));
}
// a > b ? a : b and a < b ? a : b, the second operand where one is NaN, as the x86 instructions do.
FK_INLINE v16f K(maximum)(v16f a, v16f b) {
#if defined(FK_HAS_AVX512)
  return (v16f)_mm512_max_ps((__m512)a, (__m512)b);
#else
  return K(select)((v16i)(a > b), a, b);
#endif
}
FK_INLINE v16f K(minimum)(v16f a, v16f b) {
#if defined(FK_HAS_AVX512)
  return (v16f)_mm512_min_ps((__m512)a, (__m512)b);
#else
  return K(select)((v16i)(a < b), a, b);
#endif
}
FK_INLINE v16f K(absolute)(v16f x) { return (v16f)((v16i)x & 0x7fffffff); }

// The first `count` (< 16) lanes; the others are `fill`.
FK_INLINE v16f K(load_part)(const float *p, size_t count, float fill) {
  float lanes[16];
  for (size_t i = 0; i < 16; i++) lanes[i] = i < count ? p[i] : fill;
  return K(load)(lanes);
}
FK_INLINE void K(store_part)(float *p, size_t count, v16f x) {
  float lanes[16];
  K(store)(lanes, x);
  for (size_t i = 0; i < count; i++) p[i] = lanes[i];
}

// Sums and maxima over lanes as one fixed tree: 8 apart, 4, 2, 1.
FK_INLINE float K(sum)(v16f x) {
  v8f a = __builtin_shufflevector(x, x, 0, 1, 2, 3, 4, 5, 6, 7) +
          __builtin_shufflevector(x, x, 8, 9, 10, 11, 12, 13, 14, 15);
  v4f b = __builtin_shufflevector(a, a, 0, 1, 2, 3) + __builtin_shufflevector(a, a, 4, 5, 6, 7);
  v4f c = b + __builtin_shufflevector(b, b, 2, 3, 2, 3);
  return c[0] + c[1];
}
FK_INLINE float K(greatest)(v16f x) {
  v16f a = K(maximum)(x, __builtin_shufflevector(x, x, 8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11,
                                                 12, 13, 14, 15));
  float most = a[0];
  for (int i = 1; i < 8; i++) most = most > a[i] ? most : a[i];
  return most;
}

// sum x[i] y[i]: lane i % 16 is a chain, then the tree. The tail adds to its own lanes.
FK_INLINE float K(dot)(const float *x, const float *y, size_t count) {
  v16f acc = {};
  size_t i = 0;
  for (; i + 16 <= count; i += 16) acc = K(fma)(K(load)(x + i), K(load)(y + i), acc);
  if (i < count)
    acc = K(fma)(K(load_part)(x + i, count - i, 0), K(load_part)(y + i, count - i, 0), acc);
  return K(sum)(acc);
}

// Halves. Portable code by integer arithmetic: exact, denormals, infinities and NaN included.
FK_INLINE v16f K(from_f16)(v16h h) {
#if defined(FK_HAS_AVX512)
  return (v16f)_mm512_cvtph_ps((__m256i)h);
#elif defined(FK_HAS_AVX2)
  __m256i bits = (__m256i)h;
  __m256 low = _mm256_cvtph_ps(_mm256_castsi256_si128(bits));
  __m256 high = _mm256_cvtph_ps(_mm256_extracti128_si256(bits, 1));
  return __builtin_shufflevector(low, high, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
#else
  v16u wide = __builtin_convertvector(h, v16u);
  v16u sign = (wide & 0x8000u) << 16, magnitude = wide & 0x7fffu;
  v16f value = (v16f)(magnitude << 13) * 0x1p112f;
  v16u special = (v16u)(magnitude >= 0x7c00u);
  return (v16f)(((v16u)value | (special & 0x7f800000u)) | sign);
#endif
}
FK_INLINE v16h K(to_f16)(v16f x) {
#if defined(FK_HAS_AVX512)
  return (v16h)_mm512_cvtps_ph((__m512)x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
#elif defined(FK_HAS_AVX2)
  __m256 low = __builtin_shufflevector(x, x, 0, 1, 2, 3, 4, 5, 6, 7);
  __m256 high = __builtin_shufflevector(x, x, 8, 9, 10, 11, 12, 13, 14, 15);
  return (v16h)_mm256_set_m128i(_mm256_cvtps_ph(high, 0), _mm256_cvtps_ph(low, 0));
#else
  v16u bits = (v16u)x, sign = (bits >> 16) & 0x8000u, magnitude = bits & 0x7fffffffu;
  v16u nan = (v16u)(magnitude > 0x7f800000u);
  v16u over = (v16u)(magnitude >= 0x477ff000u); // rounds to 65536 or more
  v16u small = (v16u)(magnitude < 0x38800000u); // below the least normal half
  v16u normal = (magnitude + 0xfffu + ((magnitude >> 13) & 1) - 0x38000000u) >> 13;
  v16u tiny = (v16u)((v16f)magnitude + 0.5f) - 0x3f000000u; // the adder rounds at 2^-24
  v16u half = (small & tiny) | (~small & normal);
  half = (over & 0x7c00u) | (~over & half);
  half = (nan & (0x7e00u | ((magnitude >> 13) & 0x3ffu))) | (~nan & half);
  return __builtin_convertvector(half | sign, v16h);
#endif
}
FK_INLINE v16f K(from_bf16)(v16h h) {
  return (v16f)(__builtin_convertvector(h, v16u) << 16);
}
FK_INLINE v16u K(bf16_bits)(v16f x) { // round to nearest even, NaN stays NaN
  v16u bits = (v16u)x;
  v16u nan = (v16u)((bits & 0x7fffffffu) > 0x7f800000u);
  v16u rounded = bits + 0x7fffu + ((bits >> 16) & 1);
  return ((nan & (bits | 0x400000u)) | (~nan & rounded)) >> 16;
}
// 16 values of a format at element `index`.
FK_INLINE v16f K(load_as)(const void *p, int format, size_t index) {
  if (format == FK_F32) return K(load)((const float *)p + index);
  v16h h = *(const v16h_at *)((const uint16_t *)p + index);
  return format == FK_F16 ? K(from_f16)(h) : K(from_bf16)(h);
}
FK_INLINE v16f K(load_as_part)(const void *p, int format, size_t index, size_t count) {
  if (format == FK_F32) return K(load_part)((const float *)p + index, count, 0);
  uint16_t lanes[16] = {0};
  memcpy(lanes, (const uint16_t *)p + index, count * 2);
  return K(load_as)(lanes, format, 0);
}

// Round to the nearest integer, ties to even, |x| < 2^22.
FK_INLINE v16i K(round_to_int)(v16f x) {
  return (v16i)(x + 12582912.0f) - 0x4b400000;
}

// exp within 1 ulp: 2^n * p(r), |r| <= ln 2 / 2. Below -104 it is 0, above 88.73 infinity.
FK_INLINE v16f K(exp)(v16f x) {
  v16f clamped = K(minimum)(K(maximum)(x, K(set1)(-105.0f)), K(set1)(90.0f));
  v16f shifted = K(fma)(clamped, K(set1)(0x1.715476p+0f), K(set1)(12582912.0f));
  v16f n = shifted - 12582912.0f;
  v16f r = K(fma)(n, K(set1)(-0x1.62e400p-1f), clamped);
  r = K(fma)(n, K(set1)(-0x1.7f7d1cp-20f), r);
  v16f p = K(set1)(0x1.6850e4p-10f);
  p = K(fma)(p, r, K(set1)(0x1.123bccp-7f));
  p = K(fma)(p, r, K(set1)(0x1.555b98p-5f));
  p = K(fma)(p, r, K(set1)(0x1.55548ep-3f));
  p = K(fma)(p, r, K(set1)(0x1.fffff8p-2f));
  p = K(fma)(p, r, K(set1)(1.0f));
  p = K(fma)(p, r, K(set1)(1.0f));
  v16i exponent = (v16i)shifted - 0x4b400000;
  v16i half = exponent >> 1; // in two steps: results may be denormal
  p = p * (v16f)((half + 127) << 23) * (v16f)((exponent - half + 127) << 23);
  return K(select)((v16i)(x != x), x, p);
}

// tanh: odd polynomial near zero, 1 - 2 / (exp(2x) + 1) beyond.
FK_INLINE v16f K(tanh)(v16f x) {
  v16f a = K(absolute)(x), s = x * x;
  v16f p = K(set1)(-5.70498872745e-3f);
  p = K(fma)(p, s, K(set1)(2.06390887954e-2f));
  p = K(fma)(p, s, K(set1)(-5.37397155531e-2f));
  p = K(fma)(p, s, K(set1)(1.33314422036e-1f));
  p = K(fma)(p, s, K(set1)(-3.33332819422e-1f));
  v16f small = K(fma)(p * s, x, x);
  v16f large = 1.0f - 2.0f / (K(exp)(a + a) + 1.0f);
  large = (v16f)((v16i)large | ((v16i)x & (v16i)K(set1)(-0.0f)));
  v16f y = K(select)((v16i)(a < 0.625f), small, large);
  return K(select)((v16i)(x != x), x, y);
}

// erf: odd polynomial near zero, 1 - exp(polynomial) beyond; both within about 1 ulp.
FK_INLINE v16f K(erf)(v16f x) {
  v16f t = K(absolute)(x), s = x * x;
  v16f r = K(fma)(K(set1)(-1.72853470e-5f), t, K(set1)(3.83197126e-4f));
  v16f u = K(fma)(K(set1)(-3.88396438e-3f), t, K(set1)(2.42546219e-2f));
  r = K(fma)(r, s, u);
  r = K(fma)(r, t, K(set1)(-1.06777877e-1f));
  r = K(fma)(r, t, K(set1)(-6.34846687e-1f));
  r = K(fma)(r, t, K(set1)(-1.28717512e-1f));
  r = K(fma)(r, t, -t);
  v16f large = 1.0f - K(exp)(K(maximum)(r, K(set1)(-100.0f)));
  large = (v16f)((v16i)large | ((v16i)x & (v16i)K(set1)(-0.0f)));
  v16f p = K(set1)(-5.96761703e-4f);
  p = K(fma)(p, s, K(set1)(4.99119423e-3f));
  p = K(fma)(p, s, K(set1)(-2.67681349e-2f));
  p = K(fma)(p, s, K(set1)(1.12819925e-1f));
  p = K(fma)(p, s, K(set1)(-3.76125336e-1f));
  p = K(fma)(p, s, K(set1)(1.28379166e-1f));
  p = K(fma)(p, x, x);
  v16f y = K(select)((v16i)(t > 0.927734375f), large, p);
  return K(select)((v16i)(x != x), x, y);
}
