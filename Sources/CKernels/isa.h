// Compiles the including file's FK_BODY section once per instruction set. Use:
//
//   #ifndef FK_BODY
//   #define FK_FILE "norm.c"
//   #include "isa.h"
//   …public functions that FK_DISPATCH…
//   #else
//   …bodies, every name wrapped in K(…)…
//   #endif
//
// Bodies are written with 16-wide vector types, so one text gives SSE2, AVX2, AVX-512 and NEON code
// with the same bits; intrinsics appear only where FK_HAS_… says so.
#pragma once
#include "CKernels.h"
#include "units.h"

#include <math.h>
#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#pragma clang diagnostic ignored "-Wpsabi"         // 64-byte vectors stay inside static functions
#pragma clang diagnostic ignored "-Wunused-function"

typedef float v16f __attribute__((vector_size(64)));
typedef float v8f __attribute__((vector_size(32)));
typedef float v4f __attribute__((vector_size(16)));
typedef int32_t v16i __attribute__((vector_size(64)));
typedef uint32_t v16u __attribute__((vector_size(64)));
typedef uint16_t v16h __attribute__((vector_size(32)));
typedef int16_t v16s __attribute__((vector_size(32)));
typedef uint8_t v16b __attribute__((vector_size(16)));
typedef int8_t v16c __attribute__((vector_size(16)));
typedef float v16f_at __attribute__((vector_size(64), aligned(4), may_alias));
typedef int32_t v16i_at __attribute__((vector_size(64), aligned(4), may_alias));
typedef uint16_t v16h_at __attribute__((vector_size(32), aligned(2), may_alias));
#define FK_INLINE static inline __attribute__((always_inline))

#ifndef FK_TARGET_AVX512 // scripts/check-simd names others, to emulate what its machine lacks
#define FK_TARGET_AVX512 "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl"
#define FK_TARGET_VNNI FK_TARGET_AVX512 ",avx512vnni"
#endif

#define FK_BODY 1
#define FK_JOIN2(name, isa) name##_##isa
#define FK_JOIN(name, isa) FK_JOIN2(name, isa)
#define K(name) FK_JOIN(name, FK_ISA_NAME)

#define FK_ISA_NAME portable
#include "simd.h"
#include FK_FILE
#undef FK_ISA_NAME

#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
#define FK_ISA_NAME avx2
#define FK_HAS_AVX2 1
#include "simd.h"
#include FK_FILE
#undef FK_HAS_AVX2
#undef FK_ISA_NAME
#pragma clang attribute pop

#pragma clang attribute push(__attribute__((target(FK_TARGET_AVX512))), apply_to = function)
#define FK_ISA_NAME avx512
#define FK_HAS_AVX512 1
#include "simd.h"
#include FK_FILE
#undef FK_HAS_AVX512
#undef FK_ISA_NAME
#pragma clang attribute pop

#ifdef FK_WITH_DOT // families with integer dot products have one more body
#pragma clang attribute push(__attribute__((target(FK_TARGET_VNNI))), apply_to = function)
#define FK_ISA_NAME avx512vnni
#define FK_HAS_AVX512 1
#define FK_HAS_VNNI 1
#include "simd.h"
#include FK_FILE
#undef FK_HAS_VNNI
#undef FK_HAS_AVX512
#undef FK_ISA_NAME
#pragma clang attribute pop
#define FK_DOT_NAME avx512vnni
#else
#define FK_DOT_NAME avx512
#endif

#define FK_DISPATCH_ON(isa, name, ...) \
  switch (isa) { \
  case FK_ISA_AVX512VNNI: return FK_JOIN(name, FK_DOT_NAME)(__VA_ARGS__); \
  case FK_ISA_AVX512: return FK_JOIN2(name, avx512)(__VA_ARGS__); \
  case FK_ISA_AVX2: return FK_JOIN2(name, avx2)(__VA_ARGS__); \
  default: return FK_JOIN2(name, portable)(__VA_ARGS__); \
  }
#elif defined(__aarch64__) && defined(FK_WITH_DOT)
#pragma clang attribute push(__attribute__((target("dotprod"))), apply_to = function)
#define FK_ISA_NAME neon
#define FK_HAS_SDOT 1
#include "simd.h"
#include FK_FILE
#undef FK_HAS_SDOT
#undef FK_ISA_NAME
#pragma clang attribute pop
#define FK_DISPATCH_ON(isa, name, ...) \
  switch (isa) { \
  case FK_ISA_NEON: return FK_JOIN2(name, neon)(__VA_ARGS__); \
  default: return FK_JOIN2(name, portable)(__VA_ARGS__); \
  }
#else
#define FK_DISPATCH_ON(isa, name, ...) return FK_JOIN2(name, portable)(__VA_ARGS__);
#endif
#define FK_DISPATCH(...) FK_DISPATCH_ON(fk_isa(), __VA_ARGS__)
#undef FK_BODY
