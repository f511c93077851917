// Linear layers over 16-row tiles in exact fp32, forward and transposed.
//
// Forward: lane = output row; each output is one chain of fused multiply-adds over k, so its bits
// do not depend on the number of rows. Transposed: each dx[m, k] is one chain over the outputs r.
#ifndef FK_BODY
#define FK_FILE "linear.c"
#include <stdlib.h>
#include "CKernels.h"
enum { ROW_CHUNK = 64, PANEL_ROWS = 64, PANEL_COLUMNS = 64, BACKWARD_ROWS = 128 };
typedef struct {
  const fk_tiled *w;
  size_t first, last; // output rows
  const float *x;     // [rows, columns]
  size_t rows;
  int round_bf16;
  float *y;
  size_t stride;
} forward_job;
typedef struct {
  const fk_tiled *w;
  const fk_dense *dense;
  const float *g;
  size_t rows, stride;
  float *dx;
  size_t dx_stride;
} backward_job;
#include "isa.h"

static fk_task forward_task(void) { FK_DISPATCH(forward_tile, ) }

void fk_linear_f32(fk_pool *pool, const fk_tiled *w, size_t first, size_t last, const fk_input *x,
                   int round_bf16, float *y, size_t stride) {
  forward_job job = {w, first, last, x->x, x->rows, round_bf16, y, stride};
  if (last > first) fk_pool_run(pool, (last - first + 15) / 16, forward_task(), &job);
}

static fk_task backward_task(void) { FK_DISPATCH(backward_panel, ) }

void fk_linear_backward_f32(fk_pool *pool, const fk_tiled *w, const float *g, size_t rows,
                            size_t stride, float *dx, size_t dx_stride) {
  backward_job job = {w, NULL, g, rows, stride, dx, dx_stride};
  fk_pool_run(pool, fk_blocks(w->columns), backward_task(), &job);
}

void fk_dense_backward(fk_pool *pool, const fk_dense *w, const float *g, size_t rows, size_t stride,
                       float *dx, size_t dx_stride) {
  backward_job job = {NULL, w, g, rows, stride, dx, dx_stride};
  fk_pool_run(pool, fk_blocks(w->columns), backward_task(), &job);
}
#else

FK_INLINE v16f K(codebook)(v16u index) {
#if defined(FK_HAS_AVX512)
  return (v16f)_mm512_permutexvar_ps((__m512i)index, _mm512_loadu_ps(fk_nf4_codebook));
#elif defined(FK_HAS_AVX2)
  __m256 low = _mm256_loadu_ps(fk_nf4_codebook), high = _mm256_loadu_ps(fk_nf4_codebook + 8);
  __m256 value[2];
  __m256i part[2];
  memcpy(part, &index, 64);
  for (int i = 0; i < 2; i++) {
    __m256 a = _mm256_permutevar8x32_ps(low, part[i]), b = _mm256_permutevar8x32_ps(high, part[i]);
    value[i] = _mm256_blendv_ps(a, b, _mm256_castsi256_ps(_mm256_slli_epi32(part[i], 28)));
  }
  v16f out;
  memcpy(&out, value, 64);
  return out;
#else
  v16f out;
  for (int i = 0; i < 16; i++) out[i] = fk_nf4_codebook[index[i]];
  return out;
#endif
}

// One block of a tile: out[column][lane], exact fp32 values.
static void K(decode_f32)(const fk_tiled *w, size_t tile, size_t b, float *out) {
  size_t size = fk_tiled_block_bytes(w->kind, w->sub);
  const uint8_t *codes = w->tiles + (tile * fk_blocks(w->columns) + b) * size;
  const float *scales = (const float *)(codes + (w->kind == FK_NF4 ? 512 : 1024));
  if (w->kind == FK_NF4) {
    for (size_t group = 0; group < 8; group++) {
      v16u words;
      memcpy(&words, codes + group * 64, 64);
      for (size_t j = 0; j < 4; j++) {
        K(store)(out + (group * 8 + j) * 16, K(codebook)((words >> (8 * j)) & 15));
        K(store)(out + (group * 8 + 4 + j) * 16, K(codebook)((words >> (8 * j + 4)) & 15));
      }
    }
  } else {
    for (size_t group = 0; group < 16; group++)
      for (size_t lane = 0; lane < 16; lane++)
        for (size_t j = 0; j < 4; j++)
          out[(group * 4 + j) * 16 + lane] = (float)(codes[group * 64 + lane * 4 + j] - 128);
  }
  for (size_t column = 0; column < 64; column++) {
    v16f scale = K(load)(scales + column / w->sub * 16);
    K(store)(out + column * 16, K(load)(out + column * 16) * scale);
  }
}

#define FK_ROWS(N) \
  FK_INLINE void K(chains##N)(const float *weights, size_t columns, const float *x, size_t stride, \
                              float *acc) { \
    v16f a[N]; \
    for (int i = 0; i < N; i++) a[i] = K(load)(acc + i * 16); \
    for (size_t k = 0; k < columns; k++) { \
      v16f w = K(load)(weights + k * 16); \
      for (int i = 0; i < N; i++) a[i] = K(fma)(K(set1)(x[(size_t)i * stride + k]), w, a[i]); \
    } \
    for (int i = 0; i < N; i++) K(store)(acc + i * 16, a[i]); \
  }
FK_ROWS(6)
FK_ROWS(1)
#undef FK_ROWS

static void K(forward_rows)(const forward_job *job, size_t tile, size_t first, size_t rows) {
  const fk_tiled *w = job->w;
  float acc[ROW_CHUNK * 16], weights[64 * 16];
  memset(acc, 0, rows * 64);
  for (size_t b = 0; b < fk_blocks(w->columns); b++) {
    K(decode_f32)(w, tile, b, weights);
    if (job->round_bf16) fk_round_bf16(weights, 64 * 16, weights);
    size_t columns = fk_min(64, w->columns - b * 64), m = 0;
    const float *x = job->x + first * w->columns + b * 64;
    for (; m + 6 <= rows; m += 6)
      K(chains6)(weights, columns, x + m * w->columns, w->columns, acc + m * 16);
    for (; m < rows; m++)
      K(chains1)(weights, columns, x + m * w->columns, w->columns, acc + m * 16);
  }
  size_t row = tile * 16, count = fk_min(16, job->last - row);
  for (size_t m = 0; m < rows; m++)
    memcpy(job->y + (first + m) * job->stride + row - job->first, acc + m * 16, count * 4);
}

static void K(forward_unit)(void *context, size_t index) {
  const forward_job *job = context;
  for (size_t m = 0; m < job->rows; m += ROW_CHUNK)
    K(forward_rows)(job, job->first / 16 + index, m, fk_min(ROW_CHUNK, job->rows - m));
}
static fk_task K(forward_tile)(void) { return K(forward_unit); }

// MARK: Transposed

// panel[r][64] = exact weights of rows first..<first + count, columns of block b; zero beyond.
static void K(fill_panel)(const backward_job *job, size_t first, size_t count, size_t b,
                          float *panel) {
  if (job->dense) {
    const fk_dense *w = job->dense;
    size_t columns = fk_min(64, w->columns - b * 64), width = w->format == FK_F32 ? 4 : 2;
    memset(panel, 0, count * PANEL_COLUMNS * sizeof(float));
    for (size_t r = 0; r < count; r++)
      fk_to_f32((const uint8_t *)w->data + ((first + r) * w->columns + b * 64) * width, w->format,
                columns, panel + r * PANEL_COLUMNS);
    return;
  }
  float block[64 * 16];
  for (size_t r = 0; r < count; r += 16) {
    K(decode_f32)(job->w, (first + r) / 16, b, block);
    for (size_t lane = 0; lane < fk_min(16, count - r); lane++)
      for (size_t c = 0; c < 64; c++) panel[(r + lane) * PANEL_COLUMNS + c] = block[c * 16 + lane];
  }
}

// acc[N rows][16 columns of 64] += g[N rows][count] panel[count][16 columns]
#define FK_UPDATE(N) \
  FK_INLINE void K(update##N)(const float *g, size_t stride, const float *panel, size_t count, \
                              float *acc) { \
    v16f a[N]; \
    for (int i = 0; i < N; i++) a[i] = K(load)(acc + i * PANEL_COLUMNS); \
    for (size_t r = 0; r < count; r++) { \
      v16f p = K(load)(panel + r * PANEL_COLUMNS); \
      for (int i = 0; i < N; i++) a[i] = K(fma)(K(set1)(g[i * stride + r]), p, a[i]); \
    } \
    for (int i = 0; i < N; i++) K(store)(acc + i * PANEL_COLUMNS, a[i]); \
  }
#ifdef FK_HAS_AVX512
#define FK_UPDATE_ROWS 12
FK_UPDATE(12)
#define FK_UPDATE_MANY K(update12)
#else
#define FK_UPDATE_ROWS 6
FK_UPDATE(6)
#define FK_UPDATE_MANY K(update6)
#endif
FK_UPDATE(1)
#undef FK_UPDATE

// One block of 64 columns for up to BACKWARD_ROWS rows, gathered in contiguous memory.
static void K(backward_rows)(const backward_job *job, size_t b, size_t first, size_t rows) {
  size_t outputs = job->dense ? job->dense->rows : job->w->rows;
  size_t columns = fk_min(64, (job->dense ? job->dense->columns : job->w->columns) - b * 64);
  float panel[PANEL_ROWS * PANEL_COLUMNS], acc[BACKWARD_ROWS * PANEL_COLUMNS];
  float *dx = job->dx + first * job->dx_stride + b * 64;
  memset(acc, 0, sizeof acc);
  for (size_t m = 0; m < rows; m++)
    memcpy(acc + m * PANEL_COLUMNS, dx + m * job->dx_stride, columns * 4);
  for (size_t r = 0; r < outputs; r += PANEL_ROWS) {
    size_t count = fk_min(PANEL_ROWS, outputs - r);
    K(fill_panel)(job, r, count, b, panel);
    const float *g = job->g + first * job->stride + r;
    for (size_t c = 0; c < 64; c += 16) {
      size_t m = 0;
      for (; m + FK_UPDATE_ROWS <= rows; m += FK_UPDATE_ROWS)
        FK_UPDATE_MANY(g + m * job->stride, job->stride, panel + c, count,
                       acc + m * PANEL_COLUMNS + c);
      for (; m < rows; m++)
        K(update1)(g + m * job->stride, job->stride, panel + c, count,
                   acc + m * PANEL_COLUMNS + c);
    }
  }
  for (size_t m = 0; m < rows; m++)
    memcpy(dx + m * job->dx_stride, acc + m * PANEL_COLUMNS, columns * 4);
}
#undef FK_UPDATE_MANY
#undef FK_UPDATE_ROWS

static void K(backward_unit)(void *context, size_t b) {
  const backward_job *job = context;
  for (size_t m = 0; m < job->rows; m += BACKWARD_ROWS)
    K(backward_rows)(job, b, m, fk_min(BACKWARD_ROWS, job->rows - m));
}
static fk_task K(backward_panel)(void) { return K(backward_unit); }
#endif
