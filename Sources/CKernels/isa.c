#include "CKernels.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[] = {"portable", "neon", "avx2", "avx512", "avx512vnni"};
enum { NAMES = sizeof names / sizeof names[0] };

#if defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#endif

int fk_isa_supported(int isa) {
  if (isa == FK_ISA_PORTABLE) return 1;
#if defined(__x86_64__)
  __builtin_cpu_init();
  int avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
             __builtin_cpu_supports("f16c");
  int avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  if (isa == FK_ISA_AVX2) return avx2;
  if (isa == FK_ISA_AVX512) return avx512;
  if (isa == FK_ISA_AVX512VNNI) return avx512 && __builtin_cpu_supports("avx512vnni");
#elif defined(__aarch64__) && defined(__linux__)
  if (isa == FK_ISA_NEON) return (getauxval(AT_HWCAP) & (1ul << 20)) != 0; // HWCAP_ASIMDDP
#endif
  return 0;
}

static int choose(void) {
  const char *wanted = getenv("FACET_ISA");
  for (int isa = NAMES - 1; isa >= 0; isa--)
    if (wanted && strcmp(wanted, names[isa]) == 0 && fk_isa_supported(isa)) return isa;
  for (int isa = NAMES - 1; isa > 0; isa--)
    if (fk_isa_supported(isa)) return isa;
  return FK_ISA_PORTABLE;
}

static atomic_int current = -1;

int fk_isa(void) {
  int isa = atomic_load_explicit(&current, memory_order_relaxed);
  if (isa < 0) {
    isa = choose();
    atomic_store_explicit(&current, isa, memory_order_relaxed);
  }
  return isa;
}

void fk_isa_force(int isa) {
  atomic_store_explicit(&current, isa >= 0 && fk_isa_supported(isa) ? isa : -1,
                        memory_order_relaxed);
}
