// Counting: blocks of columns, and the units a low-rank product is cut into.
#pragma once
#include "CKernels.h"

static inline size_t fk_min(size_t a, size_t b) { return a < b ? a : b; }
static inline size_t fk_blocks(size_t columns) { return (columns + 63) / 64; }

enum { SHRINK_RANKS = 4, SEGMENT_ROWS = 64 };
static inline size_t fk_lora_rank_groups(const fk_lora *task) {
  return (task->rank + SHRINK_RANKS - 1) / SHRINK_RANKS;
}
static inline size_t fk_lora_units(const fk_lora *task) {
  return fk_lora_rank_groups(task) * ((task->rows + SEGMENT_ROWS - 1) / SEGMENT_ROWS);
}
