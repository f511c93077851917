// Linear layers in integers: weights of up to 12 bits times activations of 15, exact int32 sums per
// block of 64, then per output one fp32 chain over blocks, acc = fma(sum, weight scale * activation
// scale, acc). Integers make every instruction set, tile shape and number of rows give the same bits.
//
// 64 * 2048 * 16383 < 2^31. With 8 bits on either side the products would be as many on AVX2 (two
// instructions for 32 of them, whose sum is at least one more) and cost real models more of their
// quality than the weights' scales do.
#ifndef FK_BODY
#define FK_FILE "linear16.c"
#include "CKernels.h"
#include "units.h"

#include <sched.h>
#include <stdatomic.h>
enum { ROW_CHUNK = 96, TILES = 2, GEMV_ROWS = 4, GEMV_TILES = 4 };
enum { NF4_BYTES = 512 + 64, Q8_BYTES = 1024 + 64, FETCH_BLOCKS = 4 }; // of a block with one scale a row
enum { GEMV_BYTES = 128 << 10, QUANTIZE_ROWS = 32, QUANTIZE_VALUES = 16 << 10 };
typedef struct {
  const fk_tiled *w;
  size_t first, last; // output rows
  const fk_input *x;
  float *y;
  size_t stride;
} job16;
typedef struct {
  const fk_linear_part *parts;
  size_t first, last; // output rows, of a single part
  const fk_input *x;
  float *t;
  unsigned shrinks; // units that make t, before those of the parts
  atomic_uint shrunk;
} parts_job;
typedef struct {
  const float *x;
  size_t rows, columns, row_parts, blocks; // blocks of one unit
  int16_t *q;
  float *scale;
} quantize_job;
// Tiles one unit computes: one row's units are short, so that all threads end at the same time.
static size_t unit_tiles(const fk_tiled *w, const fk_input *x) {
  size_t bytes = fk_blocks(w->columns) * fk_tiled_block_bytes(w->kind, w->sub);
  if (x->rows > GEMV_ROWS) return TILES;
  return bytes * GEMV_TILES <= GEMV_BYTES ? GEMV_TILES : bytes * 2 <= GEMV_BYTES ? 2 : 1;
}
static size_t units(const fk_tiled *w, const fk_input *x, size_t rows) {
  size_t step = unit_tiles(w, x);
  return ((rows + 15) / 16 + step - 1) / step;
}
// Whoever took a unit that makes t is computing it.
static void await(const atomic_uint *count, unsigned all) {
  for (unsigned looks = 1; atomic_load_explicit(count, memory_order_acquire) < all; looks++)
    if (looks % 1024 == 0) sched_yield();
}
#define FK_WITH_DOT 1
#include "isa.h"

static fk_task linear_task(const fk_input *x) { FK_DISPATCH_ON(x->isa, linear_i16, ) }

void fk_linear_i16(fk_pool *pool, const fk_tiled *w, size_t first, size_t last, const fk_input *x,
                  float *y, size_t stride) {
  fk_linear_part part = {w, y, stride, NULL, 0};
  parts_job job = {.parts = &part, .first = first, .last = last, .x = x};
  if (last > first) fk_pool_run(pool, units(w, x, last - first), linear_task(x), &job);
}

void fk_linear_i16_parts(fk_pool *pool, const fk_linear_part *parts, size_t count,
                        const fk_input *x, float *t) {
  parts_job job = {.parts = parts, .x = x, .t = t};
  size_t all = 0;
  for (size_t i = 0; i < count; i++) {
    all += units(parts[i].w, x, parts[i].w->rows);
    for (size_t j = 0; j < parts[i].task_count; j++)
      job.shrinks += (unsigned)fk_lora_units(&parts[i].tasks[j]);
  }
  fk_pool_run(pool, job.shrinks + all, linear_task(x), &job);
}

static fk_task quantize_task(int isa) { FK_DISPATCH_ON(isa, quantize, ) }

void fk_input_quantize(fk_pool *pool, fk_input *input, int16_t *q, float *scale) {
  input->q = q, input->scale = scale, input->isa = fk_isa();
  if (input->rows == 0) return;
  size_t rows = input->rows, columns = input->columns;
  size_t high = fk_min(rows, QUANTIZE_ROWS), blocks = QUANTIZE_VALUES / 64 / high;
  quantize_job job = {input->x, rows, columns, (rows + high - 1) / high, blocks, q, scale};
  size_t wide = (fk_blocks(columns) + blocks - 1) / blocks;
  fk_pool_run(pool, job.row_parts * wide, quantize_task(input->isa), &job);
}
#else

FK_INLINE const uint8_t *K(block_codes)(const fk_tiled *w, size_t tile, size_t b) {
  return w->tiles + (tile * fk_blocks(w->columns) + b) * fk_tiled_block_bytes(w->kind, w->sub);
}
FK_INLINE const float *K(block_scales)(const fk_tiled *w, const uint8_t *codes) {
  return (const float *)(codes + (w->kind == FK_NF4 ? 512 : 1024));
}
FK_INLINE float K(factor)(const fk_tiled *w) { return w->kind == FK_NF4 ? 1.0f / 2048 : 1; }
// A block's weight as an integer.
FK_INLINE int16_t K(code)(const uint8_t *codes, int kind, size_t column, size_t lane) {
  if (kind == FK_Q8) return (int16_t)(codes[column / 4 * 64 + lane * 4 + column % 4] - 128);
  uint8_t byte = codes[column / 8 * 64 + lane * 4 + column % 4];
  return fk_nf4_codes16[column % 8 < 4 ? byte & 15 : byte >> 4];
}

// Rows first..<first + rows of one tile: acc[m][lane] to y.
static void K(store_rows)(const job16 *job, size_t tile, size_t first, size_t rows,
                          const float *acc) {
  size_t row = tile * 16, count = fk_min(16, job->last - row);
  for (size_t m = 0; m < rows; m++)
    memcpy(job->y + (first + m) * job->stride + row - job->first, acc + m * 16, count * 4);
}

#include "linear16_rows.h"

// The greatest magnitude of a row's block is 16383 steps.
static void K(quantize_block)(const float *x, size_t count, int16_t *q, float *scale) {
  v16f v[4], greatest = {};
  v16i finite = (v16i){} - 1;
  for (size_t i = 0; i < 4; i++) {
    size_t n = count > i * 16 ? fk_min(16, count - i * 16) : 0;
    v[i] = n == 16 ? K(load)(x + i * 16) : K(load_part)(x + i * 16, n, 0);
    v16f magnitude = K(absolute)(v[i]);
    finite &= (v16i)(magnitude < INFINITY);
    greatest = K(maximum)(magnitude, greatest);
  }
  int all = 1;
  for (int i = 0; i < 16; i++) all &= finite[i] != 0;
  float most = K(greatest)(greatest);
  float inverse = all && most > 1e-33f ? 16383.0f / most : 0;
  *scale = !all ? NAN : inverse > 0 ? most / 16383.0f : 0;
  for (int i = 0; i < 4; i++) {
    v16i r = {};
    if (inverse > 0) r = K(round_to_int)(v[i] * inverse);
    v16s narrow = K(column_order)(__builtin_convertvector(r, v16s));
    memcpy(q + i * 16, &narrow, 32);
  }
}

// Rows by blocks, so that threads write to places of their own.
static void K(quantize_unit)(void *context, size_t index) {
  const quantize_job *job = context;
  size_t row = index % job->row_parts * QUANTIZE_ROWS, b = index / job->row_parts * job->blocks;
  size_t end = fk_min(row + QUANTIZE_ROWS, job->rows);
  size_t last = fk_min(b + job->blocks, fk_blocks(job->columns));
  for (; row < end; row++)
    for (size_t i = b; i < last; i++) {
      size_t at = i * job->rows + row;
      K(quantize_block)(job->x + row * job->columns + i * 64, fk_min(64, job->columns - i * 64),
                        job->q + at * 64, job->scale + at);
    }
}
static fk_task K(quantize)(void) { return K(quantize_unit); }

// Scales of fewer than 64 columns, which few shapes have: exact sums under each.
static void K(any_rows)(const job16 *job, size_t tile, size_t first, size_t rows) {
  const fk_tiled *w = job->w;
  float factor = K(factor)(w), acc[ROW_CHUNK * 16] = {0};
  int16_t weights[64 * 16], order[64];
  for (size_t i = 0; i < 64; i++) order[i] = (int16_t)i;
  for (size_t i = 0; i < 64; i += 16) { // where a column is in the activations
    v16s columns;
    memcpy(&columns, order + i, 32);
    columns = K(column_order)(columns);
    memcpy(order + i, &columns, 32);
  }
  for (size_t b = 0; b < fk_blocks(w->columns); b++) {
    const uint8_t *codes = K(block_codes)(w, tile, b);
    const float *scales = K(block_scales)(w, codes);
    for (size_t i = 0; i < 64 * 16; i++)
      weights[i] = K(code)(codes, w->kind, (size_t)order[i / 16], i % 16);
    for (size_t m = 0; m < rows; m++) {
      size_t at = b * job->x->rows + first + m;
      float xs = job->x->scale[at] * factor;
      int32_t sums[64][16] = {{0}}; // per group of columns
      for (size_t k = 0; k < 64; k++)
        for (size_t lane = 0; lane < 16; lane++)
          sums[(size_t)order[k] / w->sub][lane] += weights[k * 16 + lane] * job->x->q[at * 64 + k];
      for (size_t s = 0; s < 64 / w->sub; s++) {
        v16f sum = __builtin_convertvector(*(const v16i_at *)sums[s], v16f);
        v16f scale = K(load)(scales + s * 16) * xs;
        K(store)(acc + m * 16, K(fma)(sum, scale, K(load)(acc + m * 16)));
      }
    }
  }
  K(store_rows)(job, tile, first, rows, acc);
}

#include "lora_rows.h"

static void K(multiply)(const job16 *job, size_t tile, size_t end) {
  size_t rows = job->x->rows;
#if defined(FK_HAS_AVX2) || defined(FK_HAS_AVX512)
  if (job->w->sub == 64 && rows <= K(gemv_rows)) return K(gemv)(job, tile, end - tile);
#endif
  for (size_t m = 0; m < rows; m += ROW_CHUNK) {
    size_t n = fk_min(ROW_CHUNK, rows - m);
    if (job->w->sub < 64)
      for (size_t t = tile; t < end; t++) K(any_rows)(job, t, m, n);
    else if (job->w->kind == FK_NF4) K(tiles_nf4)(job, tile, end - tile, m, n);
    else K(tiles_q8)(job, tile, end - tile, m, n);
  }
}

// Lines of B lie far apart: they are on their way while the tiles are computed.
static void K(fetch_adapters)(const fk_linear_part *part, size_t begin, size_t end) {
  for (size_t i = 0; i < part->task_count; i++) {
    const fk_lora *task = &part->tasks[i];
    size_t width = task->format == FK_F32 ? 4 : 2;
    for (size_t j = 0; j < task->rank; j++) {
      const char *line = (const char *)task->b + (j * part->w->rows + begin) * width;
      for (size_t at = 0; at < (end - begin) * width; at += 64) __builtin_prefetch(line + at);
    }
  }
}

static void K(shrink_unit)(parts_job *job, size_t index) {
  const fk_linear_part *part = job->parts;
  size_t task = 0;
  for (;; task++) {
    while (task >= part->task_count) part++, task = 0;
    if (index < fk_lora_units(&part->tasks[task])) break;
    index -= fk_lora_units(&part->tasks[task]);
  }
  size_t columns = job->x->columns;
  K(shrink_part)(&part->tasks[task], index, job->x->x, columns, columns, job->t);
  atomic_fetch_add_explicit(&job->shrunk, 1, memory_order_release);
}

static void K(linear_unit)(void *context, size_t index) {
  parts_job *job = context;
  if (index < job->shrinks) return K(shrink_unit)(job, index);
  index -= job->shrinks;
  const fk_linear_part *part = job->parts;
  if (!job->last) // several parts, each whole
    while (index >= units(part->w, job->x, part->w->rows))
      index -= units(part->w, job->x, part->w->rows), part++;
  size_t last = job->last ? job->last : part->w->rows, step = unit_tiles(part->w, job->x);
  size_t tile = job->first / 16 + index * step, end = fk_min(tile + step, (last + 15) / 16);
  job16 own = {part->w, job->first, last, job->x, part->y, part->stride};
  if (!part->task_count) return K(multiply)(&own, tile, end);
  size_t from = tile * 16, to = fk_min(end * 16, last);
  K(fetch_adapters)(part, from, to);
  K(multiply)(&own, tile, end);
  await(&job->shrunk, job->shrinks);
  for (size_t i = 0; i < part->task_count; i++)
    K(expand_columns)(&part->tasks[i], job->t, from, to, part->w->rows, part->y, part->stride);
}
static fk_task K(linear_i16)(void) { return K(linear_unit); }
#endif
