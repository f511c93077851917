// Attention over the paged cache: 16 keys are 16 lanes. For each query the key blocks are visited
// in order of position, aligned at position 0, with an online softmax; so the bits of a row depend
// neither on the batch nor on how a prompt was cut into chunks.
#ifndef FK_BODY
#define FK_FILE "attention.c"
#include "CKernels.h"
enum { T = FK_BLOCK_TOKENS, TILE_QUERIES = 32, MAX_GROUP = 64, MAX_HEAD_DIM = 512, TOGETHER = 4 };
typedef struct {
  const fk_kv_layer *layer;
  const fk_attention *shape;
  const fk_sequence *sequences;
  size_t count;
  const float *q;
  size_t q_stride;
  float *out;
  size_t out_stride;
  float *lse;
  const float *dout;
  float *delta, *dq, *dk, *dv;
  size_t kv_stride;
} attention_job;

static size_t group_size(const fk_attention *shape) { return shape->heads / shape->kv_heads; }
static size_t tile_rows(const fk_attention *shape) {
  size_t group = group_size(shape);
  return group >= TILE_QUERIES ? 1 : TILE_QUERIES / group;
}
static size_t tiles_of(const fk_attention *shape, const fk_sequence *sequence) {
  return ((size_t)sequence->rows + tile_rows(shape) - 1) / tile_rows(shape);
}
// The keys lo...hi of a block that a position sees; empty when lo > hi.
static inline void visible(const fk_attention *shape, int32_t position, int32_t block, int32_t *lo,
                           int32_t *hi) {
  int32_t first = block * T, oldest = shape->window > 0 ? position - shape->window + 1 : 0;
  *lo = oldest > first ? oldest - first : 0;
  *hi = position - first < T - 1 ? position - first : T - 1;
}
#include "isa.h"

void fk_kv_write(const fk_kv_layer *layer, const fk_attention *shape, const fk_sequence *sequences,
                 size_t count, const float *k, const float *v, size_t stride) {
  FK_DISPATCH(kv_write, layer, shape, sequences, count, k, v, stride)
}

static fk_task forward_task(void) { FK_DISPATCH(attention_forward, ) }

void fk_attention_forward(fk_pool *pool, const fk_kv_layer *layer, const fk_attention *shape,
                          const fk_sequence *sequences, size_t count, const float *q,
                          size_t q_stride, float *out, size_t out_stride, float *lse) {
  attention_job job = {.layer = layer, .shape = shape, .sequences = sequences, .count = count,
                       .q = q, .q_stride = q_stride, .out = out, .out_stride = out_stride,
                       .lse = lse};
  size_t units = 0;
  for (size_t i = 0; i < count; i++) units += tiles_of(shape, &sequences[i]);
  fk_pool_run(pool, units * shape->kv_heads, forward_task(), &job);
}

static fk_task queries_task(void) { FK_DISPATCH(attention_queries, ) }
static fk_task keys_task(void) { FK_DISPATCH(attention_keys, ) }

void fk_attention_backward(fk_pool *pool, const fk_kv_layer *layer, const fk_attention *shape,
                           const fk_sequence *sequences, size_t count, const float *q,
                           size_t q_stride, const float *out, const float *dout, size_t out_stride,
                           const float *lse, float *delta, float *dq, float *dk, float *dv,
                           size_t kv_stride) {
  attention_job job = {layer, shape, sequences, count, q, q_stride, (float *)out, out_stride,
                       (float *)lse, dout, delta, dq, dk, dv, kv_stride};
  size_t tiles = 0, blocks = 0;
  for (size_t i = 0; i < count; i++) {
    tiles += tiles_of(shape, &sequences[i]);
    blocks += ((size_t)sequences[i].rows + T - 1) / T;
  }
  fk_pool_run(pool, tiles * shape->kv_heads, queries_task(), &job);
  fk_pool_run(pool, blocks * shape->kv_heads, keys_task(), &job);
}
#else

static void K(kv_write)(const fk_kv_layer *layer, const fk_attention *shape,
                        const fk_sequence *sequences, size_t count, const float *k, const float *v,
                        size_t stride) {
  size_t dim = shape->head_dim, width = layer->format == FK_F32 ? 4 : 2;
  for (size_t s = 0; s < count; s++)
    for (int32_t r = 0; r < sequences[s].rows; r++) {
      int32_t position = sequences[s].first_position + r;
      size_t block = (size_t)sequences[s].blocks[position / T], slot = (size_t)(position % T);
      const float *kr = k + (size_t)(sequences[s].first_row + r) * stride;
      const float *vr = v + (size_t)(sequences[s].first_row + r) * stride;
      for (size_t head = 0; head < shape->kv_heads; head++, kr += dim, vr += dim) {
        uint8_t *keys = layer->keys + block * layer->block_stride + head * dim * T * width;
        uint8_t *values = layer->values + block * layer->block_stride +
                          (head * T + slot) * dim * width;
        if (layer->format == FK_F32) {
          for (size_t d = 0; d < dim; d++) ((float *)keys)[d * T + slot] = kr[d];
          memcpy(values, vr, dim * 4);
          continue;
        }
        for (size_t d = 0; d < dim; d += 16) {
          size_t n = fk_min(16, dim - d);
          v16f limit = K(set1)(65504.0f);
          v16f kv = K(load_part)(kr + d, n, 0), vv = K(load_part)(vr + d, n, 0);
          // Saturate: an infinity in the cache would poison every later position. NaN stays.
          v16h kh = K(to_f16)(K(minimum)(limit, K(maximum)(-limit, kv)));
          v16h vh = K(to_f16)(K(minimum)(limit, K(maximum)(-limit, vv)));
          for (size_t i = 0; i < n; i++) ((uint16_t *)keys)[(d + i) * T + slot] = kh[i];
          memcpy((uint16_t *)values + d, &vh, n * 2);
        }
      }
    }
}

// One head's K [dim][16] and V [16][dim] of a block as fp32: the cache itself, or a copy.
static void K(load_block)(const attention_job *job, const fk_sequence *sequence, int32_t block,
                          size_t head, float *k_copy, float *v_copy, const float **k,
                          const float **v) {
  size_t dim = job->shape->head_dim, width = job->layer->format == FK_F32 ? 4 : 2;
  size_t at = (size_t)sequence->blocks[block] * job->layer->block_stride + head * dim * T * width;
  *k = (const float *)(job->layer->keys + at);
  *v = (const float *)(job->layer->values + at);
  if (job->layer->format == FK_F32) return;
  for (size_t i = 0; i < dim * T; i += 16) {
    K(store)(k_copy + i, K(load_as)(*k, FK_F16, i));
    K(store)(v_copy + i, K(load_as)(*v, FK_F16, i));
  }
  *k = k_copy;
  *v = v_copy;
}

FK_INLINE v16i K(between)(int32_t lo, int32_t hi) {
  v16i lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  return (v16i)(lane >= lo) & (v16i)(lane <= hi);
}

FK_INLINE v16f K(capped)(const fk_attention *shape, v16f s) {
  s = s * shape->scale;
  return shape->soft_cap > 0 ? shape->soft_cap * K(tanh)(s / shape->soft_cap) : s;
}

// The queries of a tile: row i / group, head i % group of one kv head.
typedef struct {
  size_t row, head; // in the batch
  int32_t position;
} K(query);
FK_INLINE K(query) K(query_at)(const attention_job *job, const fk_sequence *sequence, size_t first,
                               size_t kv_head, size_t i) {
  size_t group = group_size(job->shape), r = first + i / group;
  return (K(query)){(size_t)sequence->first_row + r, kv_head * group + i % group,
                    sequence->first_position + (int32_t)r};
}
FK_INLINE size_t K(q_at)(const attention_job *job, K(query) q) {
  return q.row * job->q_stride + q.head * job->shape->head_dim;
}
FK_INLINE size_t K(out_at)(const attention_job *job, K(query) q) {
  return q.row * job->out_stride + q.head * job->shape->head_dim;
}

// out[i][16 keys] = one chain over the head dims of x[i] with columns[dim][16], for n queries.
FK_INLINE void K(chains)(const float *const *x, const float *columns, size_t dim, v16f *out,
                         int n) {
  v16f s[TOGETHER] = {};
  for (size_t d = 0; d < dim; d++) {
    v16f c = K(load)(columns + d * T);
    for (int i = 0; i < n; i++) s[i] = K(fma)(K(set1)(x[i][d]), c, s[i]);
  }
  for (int i = 0; i < n; i++) out[i] = s[i];
}

// out[i] = out[i] * factor[i] + sum over keys lo...hi of weights[i][key] rows[key], keys in order.
FK_INLINE void K(mix)(const float (*weights)[16], const float *rows, int32_t lo, int32_t hi,
                      size_t dim, const float *factor, float *const *out, int n) {
  size_t d = 0;
  for (; d + 16 <= dim; d += 16) {
    v16f acc[TOGETHER];
    for (int i = 0; i < n; i++) acc[i] = K(load)(out[i] + d) * factor[i];
    for (int32_t j = lo; j <= hi; j++) {
      v16f row = K(load)(rows + (size_t)j * dim + d);
      for (int i = 0; i < n; i++) acc[i] = K(fma)(K(set1)(weights[i][j]), row, acc[i]);
    }
    for (int i = 0; i < n; i++) K(store)(out[i] + d, acc[i]);
  }
  for (; d < dim; d++)
    for (int i = 0; i < n; i++) {
      float acc = out[i][d] * factor[i];
      for (int32_t j = lo; j <= hi; j++)
        acc = K(fma1)(weights[i][j], rows[(size_t)j * dim + d], acc);
      out[i][d] = acc;
    }
}

typedef struct {
  float greatest, sum;
} K(softmax_state);

// Takes the visible keys lo...hi of one block into the states and outputs of n queries.
FK_INLINE void K(absorb)(const attention_job *job, const float *const *q, const float *k,
                         const float *v, int32_t lo, int32_t hi, K(softmax_state) *state,
                         float *const *out, int n) {
  v16f s[TOGETHER], p[TOGETHER], change = {};
  float weights[TOGETHER][16], factor[16];
  K(chains)(q, k, job->shape->head_dim, s, n);
  for (int i = 0; i < n; i++) {
    s[i] = K(select)(K(between)(lo, hi), K(capped)(job->shape, s[i]), K(set1)(-INFINITY));
    float greatest = K(greatest)(s[i]);
    if (!(greatest > state[i].greatest)) greatest = state[i].greatest;
    if (greatest == -INFINITY) greatest = 0; // every visible score is -inf
    change[i] = state[i].greatest - greatest;
    state[i].greatest = greatest;
    p[i] = K(exp)(s[i] - greatest);
    K(store)(weights[i], p[i]);
  }
  K(store)(factor, K(exp)(change));
  for (int i = 0; i < n; i++) state[i].sum = K(fma1)(state[i].sum, factor[i], K(sum)(p[i]));
  K(mix)(weights, v, lo, hi, job->shape->head_dim, factor, out, n);
}

// How many of the queries from `i` on see all of a block: TOGETHER, or 1 with its own range.
FK_INLINE size_t K(together)(const attention_job *job, const fk_sequence *sequence, size_t first,
                             size_t kv_head, size_t i, size_t count, int32_t block, int32_t *lo,
                             int32_t *hi) {
  if (i + TOGETHER <= count) {
    int32_t low = 0, high = T - 1;
    for (size_t j = i; j < i + TOGETHER && low == 0 && high == T - 1; j++)
      visible(job->shape, K(query_at)(job, sequence, first, kv_head, j).position, block, &low,
              &high);
    *lo = low;
    *hi = high;
    if (low == 0 && high == T - 1) return TOGETHER;
  }
  visible(job->shape, K(query_at)(job, sequence, first, kv_head, i).position, block, lo, hi);
  return 1;
}

static void K(forward_tile)(const attention_job *job, const fk_sequence *sequence, size_t first,
                            size_t rows, size_t kv_head) {
  const fk_attention *shape = job->shape;
  size_t count = rows * group_size(shape), dim = shape->head_dim, n;
  K(softmax_state) state[MAX_GROUP];
  float *out[MAX_GROUP];
  const float *q[MAX_GROUP], *k, *v;
  float k_copy[MAX_HEAD_DIM * T], v_copy[MAX_HEAD_DIM * T];
  int32_t position = sequence->first_position + (int32_t)first, lo, hi;
  int32_t last = (position + (int32_t)rows - 1) / T;
  int32_t oldest = shape->window > 0 ? position - shape->window + 1 : 0;
  for (size_t i = 0; i < count; i++) {
    K(query) query = K(query_at)(job, sequence, first, kv_head, i);
    state[i] = (K(softmax_state)){-INFINITY, 0};
    q[i] = job->q + K(q_at)(job, query);
    out[i] = job->out + K(out_at)(job, query);
    memset(out[i], 0, dim * 4);
  }
  for (int32_t block = oldest > 0 ? oldest / T : 0; block <= last; block++) {
    K(load_block)(job, sequence, block, kv_head, k_copy, v_copy, &k, &v);
    for (size_t i = 0; i < count; i += n) {
      n = K(together)(job, sequence, first, kv_head, i, count, block, &lo, &hi);
      if (lo > hi) continue;
      if (n == TOGETHER) K(absorb)(job, q + i, k, v, 0, T - 1, state + i, out + i, TOGETHER);
      else K(absorb)(job, q + i, k, v, lo, hi, state + i, out + i, 1);
    }
  }
  for (size_t i = 0; i < count; i++) {
    K(query) query = K(query_at)(job, sequence, first, kv_head, i);
    for (size_t d = 0; d < dim; d++) out[i][d] = out[i][d] / state[i].sum;
    if (job->lse)
      job->lse[query.row * shape->heads + query.head] = state[i].greatest + logf(state[i].sum);
  }
}

static const fk_sequence *K(find_tile)(const attention_job *job, size_t *tile) {
  const fk_sequence *sequence = job->sequences;
  while (*tile >= tiles_of(job->shape, sequence)) *tile -= tiles_of(job->shape, sequence++);
  return sequence;
}

static void K(forward_unit)(void *context, size_t index) {
  const attention_job *job = context;
  size_t kv_head = index % job->shape->kv_heads, tile = index / job->shape->kv_heads;
  const fk_sequence *sequence = K(find_tile)(job, &tile);
  size_t first = tile * tile_rows(job->shape);
  K(forward_tile)(job, sequence, first,
                  fk_min(tile_rows(job->shape), (size_t)sequence->rows - first), kv_head);
}
static fk_task K(attention_forward)(void) { return K(forward_unit); }

#include "attention_backward.h"
#endif
