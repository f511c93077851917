// fp32 ↔ fp16 and bf16, and rounding to bf16 in place.
#ifndef FK_BODY
#define FK_FILE "convert.c"
#include "isa.h"

void fk_to_f32(const void *source, int format, size_t count, float *out) {
  FK_DISPATCH(to_f32, source, format, count, out)
}
void fk_from_f32(const float *source, size_t count, int format, void *out) {
  FK_DISPATCH(from_f32, source, count, format, out)
}
void fk_round_bf16(const float *x, size_t count, float *out) {
  FK_DISPATCH(round_bf16, x, count, out)
}
#else

static void K(to_f32)(const void *source, int format, size_t count, float *out) {
  size_t i = 0;
  for (; i + 16 <= count; i += 16) K(store)(out + i, K(load_as)(source, format, i));
  if (i < count)
    K(store_part)(out + i, count - i, K(load_as_part)(source, format, i, count - i));
}

static void K(from_f32)(const float *source, size_t count, int format, void *out) {
  if (format == FK_F32) {
    memmove(out, source, count * sizeof(float));
    return;
  }
  uint16_t *halves = out;
  for (size_t i = 0; i < count; i += 16) {
    size_t n = fk_min(16, count - i);
    v16f x = n == 16 ? K(load)(source + i) : K(load_part)(source + i, n, 0);
    v16h h = format == FK_F16 ? K(to_f16)(x) : __builtin_convertvector(K(bf16_bits)(x), v16h);
    memcpy(halves + i, &h, n * 2);
  }
}

static void K(round_bf16)(const float *x, size_t count, float *out) {
  for (size_t i = 0; i < count; i += 16) {
    size_t n = fk_min(16, count - i);
    v16f v = n == 16 ? K(load)(x + i) : K(load_part)(x + i, n, 0);
    v = (v16f)(K(bf16_bits)(v) << 16);
    n == 16 ? K(store)(out + i, v) : K(store_part)(out + i, n, v);
  }
}
#endif
