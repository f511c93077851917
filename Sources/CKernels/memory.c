// Memory of the process.
#include "CKernels.h"

#include <stdlib.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

void fk_keep_little_memory_free(void) {
#ifdef __GLIBC__
  // Set, they stay as they are: the C library would raise both with the first large buffer freed.
  mallopt(M_MMAP_THRESHOLD, 1 << 20);
  mallopt(M_TRIM_THRESHOLD, 4 << 20);
#endif
}

void fk_release_free_memory(void) {
#ifdef __GLIBC__
  malloc_trim(0);
#endif
}
