// NF4: quantization as bitsandbytes does it, nested absmax, and the tiled layout.
#ifndef FK_BODY
#define FK_FILE "nf4.c"
#include "CKernels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const float fk_nf4_codebook[16] = {
    -1.0f, -0.6961928009986877f, -0.5250730514526367f, -0.39491748809814453f,
    -0.28444138169288635f, -0.18477343022823334f, -0.09105003625154495f, 0.0f,
    0.07958029955625534f, 0.16093020141124725f, 0.24611230194568634f, 0.33791524171829224f,
    0.44070982933044434f, 0.5626170039176941f, 0.7229568362236023f, 1.0f};

const int16_t fk_nf4_codes16[16] = {-2048, -1426, -1075, -809, -583, -378, -186, 0,
                                    163,   330,   504,   692,  903,  1152, 1481, 2048};

static const float bounds[15] = {
    -0x1.b239b0p-1f, -0x1.38a4e0p-1f, -0x1.d70900p-2f, -0x1.5bd4ecp-2f, -0x1.e079d8p-3f,
    -0x1.1a7178p-3f, -0x1.74f0e2p-5f, 0x1.45f5fep-5f, 0x1.ec90c4p-4f, 0x1.a0cfc0p-3f,
    0x1.2b05a8p-2f, 0x1.8ea7f2p-2f, 0x1.00da08p-1f, 0x1.491b5ep-1f, 0x1.b913b4p-1f};

#include "isa.h"

enum { CHUNK_BLOCKS = 256 }; // blocks per task

// MARK: Flat quantization

typedef struct {
  const void *source;
  int format;
  size_t elements, block;
  uint8_t *codes;
  float *absmax;
} quantization;

static void quantize_block(const float *x, size_t count, int partial, float *absmax,
                           uint8_t *nibble) {
  FK_DISPATCH(block, x, count, partial, absmax, nibble)
}

static void quantize_chunk(void *context, size_t index) {
  const quantization *job = context;
  uint8_t nibble[4097];
  size_t blocks = (job->elements + job->block - 1) / job->block;
  size_t width = job->format == FK_F32 ? 4 : 2;
  size_t last = (index + 1) * CHUNK_BLOCKS < blocks ? (index + 1) * CHUNK_BLOCKS : blocks;
  for (size_t b = index * CHUNK_BLOCKS; b < last; b++) {
    size_t first = b * job->block;
    size_t count = job->elements - first < job->block ? job->elements - first : job->block;
    float x[4096];
    fk_to_f32((const uint8_t *)job->source + first * width, job->format, count, x);
    quantize_block(x, count, count < job->block, &job->absmax[b], nibble);
    if (count % 2) nibble[count] = 7; // an odd tail is padded with the code of zero
    for (size_t i = 0; i < count; i += 2)
      job->codes[(first + i) / 2] = (uint8_t)(nibble[i] << 4 | nibble[i + 1]);
  }
}

void fk_nf4_quantize(fk_pool *pool, const void *source, int format, size_t elements, size_t block,
                     uint8_t *codes, float *absmax) {
  quantization job = {source, format, elements, block, codes, absmax};
  size_t blocks = (elements + block - 1) / block;
  fk_pool_run(pool, (blocks + CHUNK_BLOCKS - 1) / CHUNK_BLOCKS, quantize_chunk, &job);
}

static inline unsigned nibble_at(const uint8_t *codes, size_t index) {
  return index % 2 ? codes[index / 2] & 15 : codes[index / 2] >> 4;
}

void fk_nf4_dequantize(const uint8_t *codes, const float *absmax, size_t elements, size_t block,
                       float *out) {
  for (size_t i = 0; i < elements; i++)
    out[i] = fk_nf4_codebook[nibble_at(codes, i)] * absmax[i / block];
}

// MARK: Nested absmax

void fk_nf4_absmax_decode(const uint8_t *codes, const float *map, const float *absmax2,
                          float offset, size_t count, size_t block, float *out) {
  for (size_t i = 0; i < count; i++) out[i] = map[codes[i]] * absmax2[i / block] + offset;
}

static float pairwise_sum(const float *x, size_t count) {
  if (count <= 8) {
    float sum = 0;
    for (size_t i = 0; i < count; i++) sum += x[i];
    return sum;
  }
  size_t half = count / 2;
  return pairwise_sum(x, half) + pairwise_sum(x + half, count - half);
}

static uint8_t nearest8(const float *map, float value) {
  int low = 0, high = 255; // first midpoint not below the value
  while (low < high) {
    int middle = (low + high) / 2;
    if ((map[middle] + map[middle + 1]) / 2 < value) low = middle + 1;
    else high = middle;
  }
  return (uint8_t)low;
}

void fk_nf4_absmax_encode(const float *absmax, const float *map, size_t count, size_t block,
                          uint8_t *codes, float *absmax2, float *offset) {
  *offset = count ? pairwise_sum(absmax, count) / (float)count : 0;
  for (size_t first = 0; first < count; first += block) {
    size_t n = count - first < block ? count - first : block;
    float greatest = 0;
    for (size_t i = 0; i < n; i++) {
      float d = fabsf(absmax[first + i] - *offset);
      greatest = d > greatest ? d : greatest;
    }
    if (n < block && greatest < 1e-38f) greatest = 1e-38f;
    absmax2[first / block] = greatest;
    float inverse = 1.0f / (greatest < 1e-38f ? 1e-38f : greatest);
    for (size_t i = 0; i < n; i++) {
      float d = absmax[first + i] - *offset;
      float v = n < block ? d / greatest : d * inverse;
      codes[first + i] = nearest8(map, v < -1 ? -1 : v > 1 ? 1 : v);
    }
  }
}

// MARK: Tiles

size_t fk_tiled_block_bytes(int kind, size_t sub) {
  return (kind == FK_NF4 ? 512 : 1024) + 64 / sub * 64;
}

static size_t blocks_of(size_t columns) { return (columns + 63) / 64; }

size_t fk_tiled_bytes(const fk_tiled *matrix) {
  return (matrix->rows + 15) / 16 * blocks_of(matrix->columns) *
         fk_tiled_block_bytes(matrix->kind, matrix->sub);
}

typedef struct {
  const fk_tiled *matrix;
  const uint8_t *codes;
  const float *absmax;
  size_t block;
  const void *source;
  int format;
  uint8_t *tiles;
  float *out;
} packing;

// Within a block of 64 columns: byte of the pair of groups (column / 8), row lane, column % 4;
// columns 0-3 of eight are its low nibbles, 4-7 its high ones.
static inline size_t nf4_byte(size_t lane, size_t column) {
  return column / 8 * 64 + lane * 4 + column % 4;
}

// A block of 64 columns whose codes and scale lie together: 8 columns of a row at a time.
static void pack_aligned(const packing *job, size_t tile, size_t b, uint8_t *codes) {
  const fk_tiled *m = job->matrix;
  float *scales = (float *)(codes + 512);
  for (size_t lane = 0; lane < 16 && tile * 16 + lane < m->rows; lane++) {
    size_t block = (tile * 16 + lane) * (m->columns / 64) + b;
    const uint8_t *from = job->codes + block * 32;
    scales[lane] = job->absmax[block];
    for (size_t group = 0; group < 8; group++, from += 4) {
      uint8_t *to = codes + group * 64 + lane * 4;
      to[0] = (uint8_t)(from[0] >> 4 | (from[2] & 0xf0));
      to[1] = (uint8_t)((from[0] & 15) | from[2] << 4);
      to[2] = (uint8_t)(from[1] >> 4 | (from[3] & 0xf0));
      to[3] = (uint8_t)((from[1] & 15) | from[3] << 4);
    }
  }
}

static void nf4_pack_tile(void *context, size_t tile) {
  const packing *job = context;
  const fk_tiled *m = job->matrix;
  size_t size = fk_tiled_block_bytes(FK_NF4, m->sub), blocks = blocks_of(m->columns);
  for (size_t b = 0; b < blocks; b++) {
    uint8_t *codes = job->tiles + (tile * blocks + b) * size;
    float *scales = (float *)(codes + 512);
    if (m->columns % 64 == 0 && job->block == 64) {
      memset(codes, 0x77, 512);
      memset(scales, 0, 64);
      pack_aligned(job, tile, b, codes);
      continue;
    }
    memset(codes, 0, size);
    for (size_t lane = 0; lane < 16; lane++) {
      size_t row = tile * 16 + lane;
      for (size_t c = 0; c < 64; c++) {
        size_t column = b * 64 + c, flat = row * m->columns + column;
        int inside = row < m->rows && column < m->columns;
        unsigned nibble = inside ? nibble_at(job->codes, flat) : 7;
        codes[nf4_byte(lane, c)] |= (uint8_t)(c % 8 < 4 ? nibble : nibble << 4);
        if (c % m->sub == 0)
          scales[c / m->sub * 16 + lane] = inside ? job->absmax[flat / job->block] : 0;
      }
    }
  }
}

void fk_nf4_pack(fk_pool *pool, const fk_tiled *matrix, const uint8_t *codes, const float *absmax,
                 size_t block, uint8_t *tiles) {
  packing job = {matrix, codes, absmax, block, NULL, 0, tiles, NULL};
  fk_pool_run(pool, (matrix->rows + 15) / 16, nf4_pack_tile, &job);
}

static const uint8_t *block_at(const fk_tiled *m, size_t tile, size_t b) {
  return m->tiles + (tile * blocks_of(m->columns) + b) * fk_tiled_block_bytes(m->kind, m->sub);
}

static unsigned tiled_nibble(const fk_tiled *m, size_t row, size_t column) {
  uint8_t byte = block_at(m, row / 16, column / 64)[nf4_byte(row % 16, column % 64)];
  return column % 8 < 4 ? byte & 15 : byte >> 4;
}

static float tiled_scale(const fk_tiled *m, size_t row, size_t column) {
  const uint8_t *block = block_at(m, row / 16, column / 64) + (m->kind == FK_NF4 ? 512 : 1024);
  return ((const float *)block)[column % 64 / m->sub * 16 + row % 16];
}

void fk_nf4_unpack(const fk_tiled *matrix, size_t block, uint8_t *codes, float *absmax) {
  size_t count = matrix->rows * matrix->columns;
  for (size_t i = 0; i < count; i++) {
    size_t row = i / matrix->columns, column = i % matrix->columns;
    unsigned nibble = tiled_nibble(matrix, row, column);
    if (i % 2) codes[i / 2] = (uint8_t)(codes[i / 2] | nibble);
    else codes[i / 2] = (uint8_t)(nibble << 4 | (i + 1 == count ? 7 : 0));
    if (i % block == 0) absmax[i / block] = tiled_scale(matrix, row, column);
  }
}

static void q8_pack_tile(void *context, size_t tile) {
  const packing *job = context;
  const fk_tiled *m = job->matrix;
  size_t size = fk_tiled_block_bytes(FK_Q8, 64), blocks = blocks_of(m->columns);
  size_t width = job->format == FK_F32 ? 4 : 2;
  for (size_t b = 0; b < blocks; b++) {
    uint8_t *codes = job->tiles + (tile * blocks + b) * size;
    memset(codes, 128, 1024);
    for (size_t lane = 0; lane < 16; lane++) {
      size_t row = tile * 16 + lane, n = m->columns - b * 64 < 64 ? m->columns - b * 64 : 64;
      float x[64], absmax = 0;
      if (row >= m->rows) n = 0;
      else
        fk_to_f32((const uint8_t *)job->source + (row * m->columns + b * 64) * width, job->format,
                  n, x);
      for (size_t i = 0; i < n; i++) absmax = fabsf(x[i]) > absmax ? fabsf(x[i]) : absmax;
      if (!(absmax > 1e-30f && absmax < INFINITY)) absmax = 0;
      float inverse = absmax > 0 ? 127.0f / absmax : 0;
      for (size_t i = 0; i < n; i++) {
        float v = x[i] * inverse;
        int code = v == v ? (int)rintf(v) : 0;
        codes[i / 4 * 64 + lane * 4 + i % 4] = (uint8_t)(code + 128);
      }
      ((float *)(codes + 1024))[lane] = absmax / 127.0f;
    }
  }
}

void fk_q8_pack(fk_pool *pool, const fk_tiled *matrix, const void *source, int format,
                uint8_t *tiles) {
  packing job = {matrix, NULL, NULL, 64, source, format, tiles, NULL};
  fk_pool_run(pool, (matrix->rows + 15) / 16, q8_pack_tile, &job);
}

static void dequantize_tile(void *context, size_t tile) {
  const packing *job = context;
  const fk_tiled *m = job->matrix;
  for (size_t row = tile * 16; row < tile * 16 + 16 && row < m->rows; row++)
    for (size_t column = 0; column < m->columns; column++) {
      float scale = tiled_scale(m, row, column), value;
      if (m->kind == FK_NF4) value = fk_nf4_codebook[tiled_nibble(m, row, column)];
      else {
        size_t c = column % 64;
        value = block_at(m, tile, column / 64)[c / 4 * 64 + row % 16 * 4 + c % 4] - 128;
      }
      job->out[row * m->columns + column] = value * scale;
    }
}

void fk_tiled_dequantize(fk_pool *pool, const fk_tiled *matrix, float *out) {
  packing job = {.matrix = matrix, .out = out};
  fk_pool_run(pool, (matrix->rows + 15) / 16, dequantize_tile, &job);
}
#else

// One block by bitsandbytes' rule: the greatest magnitude and a code per element. Full blocks
// multiply by the reciprocal, the short one at the end divides.
static void K(block)(const float *x, size_t count, int partial, float *absmax, uint8_t *nibble) {
  v16f most = {};
  for (size_t i = 0; i < count; i += 16) {
    size_t n = fk_min(16, count - i);
    v16f a = K(absolute)(n == 16 ? K(load)(x + i) : K(load_part)(x + i, n, 0));
    most = K(maximum)(a, most);
  }
  float greatest = K(greatest)(most);
  if (partial && greatest < 1e-38f) greatest = 1e-38f;
  *absmax = greatest;
  float inverse = 1.0f / (greatest < 1e-38f ? 1e-38f : greatest);
  for (size_t i = 0; i < count; i += 16) {
    size_t n = fk_min(16, count - i);
    v16f v = n == 16 ? K(load)(x + i) : K(load_part)(x + i, n, 0);
    v = partial ? v / greatest : v * inverse;
    v16i code = {};
    for (int b = 0; b < 15; b++) code -= (v16i)(v > bounds[b]);
    v16b bytes = __builtin_convertvector(code, v16b);
    memcpy(nibble + i, &bytes, n);
  }
}
#endif
