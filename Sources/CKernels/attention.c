// Attention over the paged cache: 16 keys are 16 lanes. For each query the key blocks are visited in
// order of position, aligned at position 0, with an online softmax; so the bits of a row depend
// neither on the batch nor on how a prompt was cut into chunks.
#ifndef FK_BODY
#define FK_FILE "attention.c"
#include "CKernels.h"
enum { T = FK_BLOCK_TOKENS, TILE_QUERIES = 32, MAX_GROUP = 64, MAX_HEAD_DIM = 512 };
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
  size_t rows = 0, blocks = 0;
  for (size_t i = 0; i < count; i++) {
    rows += (size_t)sequences[i].rows;
    blocks += ((size_t)sequences[i].rows + T - 1) / T;
  }
  fk_pool_run(pool, rows, queries_task(), &job);
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

// Scores of 16 keys: one chain over the head dims per key.
FK_INLINE v16f K(scores)(const fk_attention *shape, const float *q, const float *k) {
  v16f s = {};
  for (size_t d = 0; d < shape->head_dim; d++) s = K(fma)(K(set1)(q[d]), K(load)(k + d * T), s);
  return K(capped)(shape, s);
}

typedef struct {
  float greatest, sum;
} K(softmax_state);

// Takes one block into a query's state: out = out * correction + p V, keys lo...hi in order.
FK_INLINE void K(absorb)(K(softmax_state) *state, v16f s, int32_t lo, int32_t hi, const float *v,
                         size_t dim, float *out) {
  s = K(select)(K(between)(lo, hi), s, K(set1)(-INFINITY));
  float greatest = K(greatest)(s);
  if (!(greatest > state->greatest)) greatest = state->greatest;
  if (greatest == -INFINITY) greatest = 0; // every visible score is -inf
  v16f change = K(exp)(K(set1)(state->greatest - greatest));
  v16f p = K(exp)(s - greatest);
  state->sum = K(fma1)(state->sum, change[0], K(sum)(p));
  state->greatest = greatest;
  float weights[16];
  K(store)(weights, p);
  size_t d = 0;
  for (; d + 16 <= dim; d += 16) {
    v16f acc = K(load)(out + d) * change[0];
    for (int32_t j = lo; j <= hi; j++)
      acc = K(fma)(K(set1)(weights[j]), K(load)(v + (size_t)j * dim + d), acc);
    K(store)(out + d, acc);
  }
  for (; d < dim; d++) {
    float acc = out[d] * change[0];
    for (int32_t j = lo; j <= hi; j++) acc = K(fma1)(weights[j], v[(size_t)j * dim + d], acc);
    out[d] = acc;
  }
}

static void K(forward_tile)(const attention_job *job, const fk_sequence *sequence, size_t first,
                            size_t rows, size_t kv_head) {
  const fk_attention *shape = job->shape;
  size_t group = group_size(shape), dim = shape->head_dim;
  K(softmax_state) state[MAX_GROUP];
  float k_copy[MAX_HEAD_DIM * T], v_copy[MAX_HEAD_DIM * T];
  int32_t position = sequence->first_position + (int32_t)first;
  int32_t last = (position + (int32_t)rows - 1) / T, lo, hi;
  int32_t oldest = shape->window > 0 ? position - shape->window + 1 : 0;
  for (size_t i = 0; i < rows * group; i++) {
    size_t row = (size_t)sequence->first_row + first + i / group;
    state[i] = (K(softmax_state)){-INFINITY, 0};
    memset(job->out + row * job->out_stride + (kv_head * group + i % group) * dim, 0, dim * 4);
  }
  for (int32_t block = oldest > 0 ? oldest / T : 0; block <= last; block++) {
    const float *k, *v;
    K(load_block)(job, sequence, block, kv_head, k_copy, v_copy, &k, &v);
    for (size_t i = 0; i < rows * group; i++) {
      size_t row = (size_t)sequence->first_row + first + i / group;
      size_t at = (kv_head * group + i % group) * dim;
      visible(shape, position + (int32_t)(i / group), block, &lo, &hi);
      if (lo > hi) continue;
      v16f s = K(scores)(shape, job->q + row * job->q_stride + at, k);
      K(absorb)(&state[i], s, lo, hi, v, dim, job->out + row * job->out_stride + at);
    }
  }
  for (size_t i = 0; i < rows * group; i++) {
    size_t row = (size_t)sequence->first_row + first + i / group, head = kv_head * group + i % group;
    float *out = job->out + row * job->out_stride + head * dim;
    for (size_t d = 0; d < dim; d++) out[d] = out[d] / state[i].sum;
    if (job->lse) job->lse[row * shape->heads + head] = state[i].greatest + logf(state[i].sum);
  }
}

static void K(forward_unit)(void *context, size_t index) {
  const attention_job *job = context;
  size_t kv_head = index % job->shape->kv_heads, tile = index / job->shape->kv_heads;
  const fk_sequence *sequence = job->sequences;
  while (tile >= tiles_of(job->shape, sequence)) tile -= tiles_of(job->shape, sequence++);
  size_t first = tile * tile_rows(job->shape);
  K(forward_tile)(job, sequence, first,
                  fk_min(tile_rows(job->shape), (size_t)sequence->rows - first), kv_head);
}
static fk_task K(attention_forward)(void) { return K(forward_unit); }

// MARK: Backward

// p = exp(score - lse) and ds = p (dp - delta) through the cap, for one query and 16 keys.
FK_INLINE void K(slopes)(const attention_job *job, size_t row, size_t head, const float *k,
                         const float *v, int32_t lo, int32_t hi, v16f *p, v16f *ds) {
  const fk_attention *shape = job->shape;
  size_t dim = shape->head_dim;
  v16i mask = K(between)(lo, hi);
  v16f s = K(scores)(shape, job->q + row * job->q_stride + head * dim, k);
  *p = K(select)(mask, K(exp)(s - job->lse[row * shape->heads + head]), (v16f){});
  const float *dout = job->dout + row * job->out_stride + head * dim;
  float dp[16] = {0};
  for (int32_t j = lo; j <= hi; j++) dp[j] = K(dot)(dout, v + (size_t)j * dim, dim);
  v16f slope = *p * (K(load)(dp) - job->delta[row * shape->heads + head]);
  if (shape->soft_cap > 0) {
    v16f t = s / shape->soft_cap;
    slope = slope * (1.0f - t * t);
  }
  *ds = K(select)(mask, slope * shape->scale, (v16f){});
}

static void K(query_row)(const attention_job *job, const fk_sequence *sequence, size_t r) {
  const fk_attention *shape = job->shape;
  size_t row = (size_t)sequence->first_row + r, dim = shape->head_dim, group = group_size(shape);
  int32_t position = sequence->first_position + (int32_t)r, lo, hi;
  float k_copy[MAX_HEAD_DIM * T], v_copy[MAX_HEAD_DIM * T];
  for (size_t head = 0; head < shape->heads; head++) {
    size_t at = row * job->out_stride + head * dim;
    job->delta[row * shape->heads + head] = K(dot)(job->out + at, job->dout + at, dim);
    memset(job->dq + row * job->q_stride + head * dim, 0, dim * 4);
  }
  for (size_t kv_head = 0; kv_head < shape->kv_heads; kv_head++)
    for (int32_t block = 0; block <= position / T; block++) {
      visible(shape, position, block, &lo, &hi);
      if (lo > hi) continue;
      const float *k, *v;
      K(load_block)(job, sequence, block, kv_head, k_copy, v_copy, &k, &v);
      for (size_t head = kv_head * group; head < (kv_head + 1) * group; head++) {
        v16f p, ds;
        K(slopes)(job, row, head, k, v, lo, hi, &p, &ds);
        float *dq = job->dq + row * job->q_stride + head * dim;
        for (size_t d = 0; d < dim; d++) dq[d] += K(sum)(ds * K(load)(k + d * T));
      }
    }
}

static void K(query_unit)(void *context, size_t index) {
  const attention_job *job = context;
  const fk_sequence *sequence = job->sequences;
  while (index >= (size_t)sequence->rows) index -= (size_t)(sequence++)->rows;
  K(query_row)(job, sequence, index);
}
static fk_task K(attention_queries)(void) { return K(query_unit); }

// dk, dv of one block of keys and one kv head: queries in order of position, then of head.
static void K(key_block)(const attention_job *job, const fk_sequence *sequence, int32_t block,
                         size_t kv_head) {
  const fk_attention *shape = job->shape;
  size_t dim = shape->head_dim, group = group_size(shape);
  float k_copy[MAX_HEAD_DIM * T], v_copy[MAX_HEAD_DIM * T], weights[16], slopes[16];
  const float *k, *v;
  int32_t end = sequence->rows < (block + 1) * T ? sequence->rows : (block + 1) * T, lo, hi;
  size_t base = ((size_t)sequence->first_row + (size_t)block * T) * job->kv_stride + kv_head * dim;
  K(load_block)(job, sequence, block, kv_head, k_copy, v_copy, &k, &v);
  for (int32_t j = block * T; j < end; j++) {
    memset(job->dk + base + (size_t)(j - block * T) * job->kv_stride, 0, dim * 4);
    memset(job->dv + base + (size_t)(j - block * T) * job->kv_stride, 0, dim * 4);
  }
  for (int32_t position = block * T; position < sequence->rows; position++) {
    visible(shape, position, block, &lo, &hi);
    if (lo > hi) break;
    size_t row = (size_t)sequence->first_row + (size_t)position;
    for (size_t head = kv_head * group; head < (kv_head + 1) * group; head++) {
      v16f p, ds;
      K(slopes)(job, row, head, k, v, lo, hi, &p, &ds);
      K(store)(weights, p);
      K(store)(slopes, ds);
      const float *q = job->q + row * job->q_stride + head * dim;
      const float *dout = job->dout + row * job->out_stride + head * dim;
      for (int32_t j = lo; j <= hi; j++) {
        float *dk = job->dk + base + (size_t)j * job->kv_stride;
        float *dv = job->dv + base + (size_t)j * job->kv_stride;
        for (size_t d = 0; d < dim; d++) dk[d] = K(fma1)(slopes[j], q[d], dk[d]);
        for (size_t d = 0; d < dim; d++) dv[d] = K(fma1)(weights[j], dout[d], dv[d]);
      }
    }
  }
}

static void K(key_unit)(void *context, size_t index) {
  const attention_job *job = context;
  size_t kv_head = index % job->shape->kv_heads, block = index / job->shape->kv_heads;
  const fk_sequence *sequence = job->sequences;
  while (block >= ((size_t)sequence->rows + T - 1) / T)
    block -= ((size_t)(sequence++)->rows + T - 1) / T;
  K(key_block)(job, sequence, (int32_t)block, kv_head);
}
static fk_task K(attention_keys)(void) { return K(key_unit); }
#endif
