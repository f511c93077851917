// Runs every kernel that has bodies of its own on each instruction set and prints a digest of the
// outputs: all sets, real or emulated, must print the same.
#include "CKernels.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t state = 1, hash = 1469598103934665603u;
static float uniform(void) {
  state += 0x9e3779b97f4a7c15u;
  uint64_t z = state;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return (float)((int64_t)((z ^ (z >> 31)) >> 40) - (1 << 23)) / (float)(1 << 23);
}
static float *fill(size_t count) {
  float *x = aligned_alloc(64, (count * 4 + 127) / 64 * 64);
  for (size_t i = 0; i < count; i++) x[i] = uniform();
  return x;
}
static void digest(const char *name, const void *data, size_t bytes) {
  for (size_t i = 0; i < bytes; i++) hash = (hash ^ ((const uint8_t *)data)[i]) * 1099511628211u;
  printf("%s %016llx\n", name, (unsigned long long)hash);
}

static void linear(size_t rows, size_t columns, int kind) {
  fk_tiled w = {NULL, rows, columns, 64, kind};
  size_t n = rows * columns, m = 29;
  for (size_t r = columns; kind == FK_NF4 && r % w.sub; ) w.sub /= 2;
  uint8_t *tiles = aligned_alloc(64, fk_tiled_bytes(&w)), *codes = malloc(n);
  float *absmax = malloc(n * 4), *source = fill(n), *x = fill(m * columns), *y = fill(m * rows);
  if (kind == FK_NF4) {
    fk_nf4_quantize(NULL, source, FK_F32, n, 64, codes, absmax);
    fk_nf4_pack(NULL, &w, codes, absmax, 64, tiles);
  } else {
    fk_q8_pack(NULL, &w, source, FK_F32, tiles);
  }
  w.tiles = tiles;
  size_t blocks = (columns + 63) / 64;
  int16_t *q = malloc(m * blocks * 128);
  float *scale = malloc(m * blocks * 4);
  size_t counts[] = {1, 2, 3, 4, 5, 7, 8, 13, 29};
  float *z = malloc(m * rows * 4), t[151];
  for (int i = 0; i < 9; i++) {
    fk_input input = {.x = x, .rows = counts[i], .columns = columns};
    fk_input_quantize(NULL, &input, q, scale);
    fk_linear_i16(NULL, &w, 0, rows, &input, y, rows);
    digest("linear_i16", y, counts[i] * rows * 4);
    fk_lora tasks[] = {{0, counts[i], 5, 0, source, x, FK_F32, 0.5f}, {0, 1, 1, 150, x, source, FK_F32, 1}};
    fk_linear_part parts[] = {{&w, y, rows, tasks, 2}, {&w, z, rows, NULL, 0}};
    fk_linear_i16_parts(NULL, parts, 2, &input, t);
    digest("linear_i16_parts", y, counts[i] * rows * 4);
    digest("linear_i16_parts", z, counts[i] * rows * 4);
    fk_linear_f32(NULL, &w, 0, rows, &input, i % 2, y, rows);
    digest("linear_f32", y, counts[i] * rows * 4);
  }
  float *g = fill(m * rows), *dx = fill(m * columns);
  fk_linear_backward_f32(NULL, &w, g, m, rows, dx, columns);
  digest("backward_f32", dx, m * columns * 4);
  fk_linear_backward_i16(NULL, &w, g, m, rows, dx, columns);
  digest("backward_i16", dx, m * columns * 4);
}

static void attention(size_t dim, int format, int window, float cap) {
  fk_attention shape = {8, 2, dim, 0.2f, cap, window};
  size_t t = 70, bytes = 2 * 2 * dim * 16 * 4;
  uint8_t *memory = aligned_alloc(64, bytes * 5);
  memset(memory, 0, bytes * 5);
  fk_kv_layer layer = {memory, memory + bytes / 2, bytes, format};
  int32_t table[5] = {3, 1, 4, 0, 2};
  fk_sequence sequence = {0, (int32_t)t, 0, 0, table};
  float *q = fill(t * 8 * dim), *k = fill(t * 2 * dim), *v = fill(t * 2 * dim);
  float *out = fill(t * 8 * dim), *lse = fill(t * 8), *delta = fill(t * 8), *d = fill(t * 8 * dim);
  float *dq = fill(t * 8 * dim), *dk = fill(t * 2 * dim), *dv = fill(t * 2 * dim);
  fk_kv_write(&layer, &shape, &sequence, 1, k, v, 2 * dim);
  fk_attention_forward(NULL, &layer, &shape, &sequence, 1, q, 8 * dim, out, 8 * dim, lse);
  digest("attention", out, t * 8 * dim * 4);
  fk_attention_backward(NULL, &layer, &shape, &sequence, 1, q, 8 * dim, out, d, 8 * dim, lse, delta,
                        dq, dk, dv, 2 * dim);
  digest("attention dq", dq, t * 8 * dim * 4);
  digest("attention dk", dk, t * 2 * dim * 4);
  digest("attention dv", dv, t * 2 * dim * 4);
}

static void others(size_t columns) {
  size_t rows = 9;
  float *x = fill(rows * columns), *y = fill(rows * columns), *w = fill(columns);
  float *z = fill(rows * columns), *u = fill(rows * columns);
  fk_rmsnorm(NULL, x, rows, columns, columns, w, 1, 1e-5f, y, columns);
  fk_rmsnorm_backward(NULL, x, y, rows, columns, columns, w, 0, 1e-5f, z);
  digest("rmsnorm", z, rows * columns * 4);
  fk_layer_norm(NULL, x, rows, columns, w, w, 1, 1e-5f, y);
  fk_layer_norm_backward(NULL, x, y, rows, columns, w, 0, 1e-5f, z);
  digest("layer norm", z, rows * columns * 4);
  for (int activation = 0; activation < 4; activation++) {
    fk_gated(NULL, activation, x, y, rows, columns, columns, z, columns);
    digest("gated", z, rows * columns * 4);
    fk_gated_backward(NULL, activation, x, y, z, rows, columns, columns, columns, u, w);
    digest("gated backward", u, columns * 4);
  }
  uint16_t *halves = malloc(rows * columns * 2);
  for (int format = FK_F16; format <= FK_BF16; format++) {
    fk_from_f32(x, rows * columns, format, halves);
    digest("halves", halves, rows * columns * 2);
    fk_lora tasks[] = {{0, 4, 5, 0, halves, halves, format, 0.5f}, {3, 2, 1, 20, halves, halves, format, 1}};
    fk_lora_shrink(NULL, tasks, 2, x, columns, columns / 2, y);
    fk_lora_expand(NULL, tasks, 2, y, z, columns, columns / 2);
    digest("lora", z, rows * columns * 4);
  }
  fk_lora_outer(NULL, x, 5, 3, y, columns, columns, 0.5f, z);
  digest("lora outer", z, 3 * columns * 4);
  float loss[9];
  uint8_t correct[9];
  int32_t targets[9] = {0, 1, -100, 2, 0, 1, 1, 0, 2};
  fk_cross_entropy(NULL, x, rows, columns, columns, targets, NULL, 0.1f, 1, loss, correct);
  digest("cross entropy", x, rows * columns * 4);
  fk_dense dense = {halves, rows, columns, FK_BF16};
  fk_dense_forward(NULL, &dense, 0, rows, y, 7, z, rows);
  digest("dense", z, 7 * rows * 4);
  fk_dense_backward(NULL, &dense, y, 7, rows, u, columns);
  digest("dense backward", u, 7 * columns * 4);
}

int main(void) {
  linear(48, 256, FK_NF4);
  linear(37, 192, FK_NF4);
  linear(20, 48, FK_NF4);
  linear(33, 100, FK_Q8);
  attention(64, FK_F16, 0, 0);
  attention(40, FK_F32, 33, 2);
  attention(10, FK_F32, 0, 0);
  others(333);
  others(64);
  return 0;
}
