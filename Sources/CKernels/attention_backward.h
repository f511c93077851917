// Included by attention.c once per instruction set. Two passes, so that the units of each write
// disjoint outputs: queries gather dq over blocks in order, blocks of keys gather dk and dv over
// queries in order of position, then head.

typedef struct {
  float k_columns[MAX_HEAD_DIM * T], v_columns[MAX_HEAD_DIM * T]; // [dim][16 keys]
  float k_rows[MAX_HEAD_DIM * T];                                 // [16 keys][dim]
} K(backward_block);

static void K(load_backward)(const attention_job *job, const fk_sequence *sequence, int32_t block,
                             size_t kv_head, K(backward_block) *to) {
  float copy[MAX_HEAD_DIM * T];
  const float *k, *v;
  size_t dim = job->shape->head_dim;
  K(load_block)(job, sequence, block, kv_head, to->k_columns, copy, &k, &v);
  if (k != to->k_columns) memcpy(to->k_columns, k, dim * T * sizeof(float));
  for (size_t j = 0; j < T; j++)
    for (size_t d = 0; d < dim; d++) {
      to->k_rows[j * dim + d] = k[d * T + j];
      to->v_columns[d * T + j] = v[j * dim + d];
    }
}

// p = exp(score - lse) and ds = p (dp - delta), through the cap, of n queries with 16 keys each.
FK_INLINE void K(slopes)(const attention_job *job, const K(backward_block) *keys,
                         const K(query) *query, int32_t lo, int32_t hi, float (*p)[16],
                         float (*ds)[16], int n) {
  const fk_attention *shape = job->shape;
  const float *q[TOGETHER], *dout[TOGETHER];
  v16f s[TOGETHER], dp[TOGETHER];
  for (int i = 0; i < n; i++) {
    q[i] = job->q + K(q_at)(job, query[i]);
    dout[i] = job->dout + K(out_at)(job, query[i]);
  }
  K(chains)(q, keys->k_columns, shape->head_dim, s, n);
  K(chains)(dout, keys->v_columns, shape->head_dim, dp, n);
  v16i mask = K(between)(lo, hi);
  for (int i = 0; i < n; i++) {
    size_t at = query[i].row * shape->heads + query[i].head;
    v16f score = K(capped)(shape, s[i]);
    v16f weight = K(select)(mask, K(exp)(score - job->lse[at]), (v16f){});
    v16f slope = weight * (dp[i] - job->delta[at]);
    if (shape->soft_cap > 0) {
      v16f t = score / shape->soft_cap;
      slope = slope * (1.0f - t * t);
    }
    K(store)(p[i], weight);
    K(store)(ds[i], K(select)(mask, slope * shape->scale, (v16f){}));
  }
}

static void K(query_tile)(const attention_job *job, const fk_sequence *sequence, size_t first,
                          size_t rows, size_t kv_head) {
  const fk_attention *shape = job->shape;
  size_t count = rows * group_size(shape), dim = shape->head_dim, n;
  K(query) query[MAX_GROUP];
  float *dq[MAX_GROUP], p[TOGETHER][16], ds[TOGETHER][16];
  const float one[TOGETHER] = {1, 1, 1, 1};
  K(backward_block) keys;
  int32_t position = sequence->first_position + (int32_t)first, lo, hi;
  int32_t last = (position + (int32_t)rows - 1) / T;
  int32_t oldest = shape->window > 0 ? position - shape->window + 1 : 0;
  for (size_t i = 0; i < count; i++) {
    query[i] = K(query_at)(job, sequence, first, kv_head, i);
    dq[i] = job->dq + K(q_at)(job, query[i]);
    memset(dq[i], 0, dim * 4);
  }
  for (int32_t block = oldest > 0 ? oldest / T : 0; block <= last; block++) {
    K(load_backward)(job, sequence, block, kv_head, &keys);
    for (size_t i = 0; i < count; i += n) {
      n = K(together)(job, sequence, first, kv_head, i, count, block, &lo, &hi);
      if (lo > hi) continue;
      if (n == TOGETHER) {
        K(slopes)(job, &keys, query + i, 0, T - 1, p, ds, TOGETHER);
        K(mix)(ds, keys.k_rows, 0, T - 1, dim, one, dq + i, TOGETHER);
      } else {
        K(slopes)(job, &keys, query + i, lo, hi, p, ds, 1);
        K(mix)(ds, keys.k_rows, lo, hi, dim, one, dq + i, 1);
      }
    }
  }
}

static void K(query_unit)(void *context, size_t index) {
  const attention_job *job = context;
  size_t kv_head = index % job->shape->kv_heads, tile = index / job->shape->kv_heads;
  const fk_sequence *sequence = K(find_tile)(job, &tile);
  size_t first = tile * tile_rows(job->shape);
  size_t rows = fk_min(tile_rows(job->shape), (size_t)sequence->rows - first);
  for (size_t i = 0; i < rows * group_size(job->shape); i++) {
    K(query) q = K(query_at)(job, sequence, first, kv_head, i);
    job->delta[q.row * job->shape->heads + q.head] = K(dot)(
        job->out + K(out_at)(job, q), job->dout + K(out_at)(job, q), job->shape->head_dim);
  }
  K(query_tile)(job, sequence, first, rows, kv_head);
}
static fk_task K(attention_queries)(void) { return K(query_unit); }

// d[16 keys][dim] += sum over queries of weights[query][key] x[query], queries in order. Keys no
// query sees have weight 0 and x is finite, or the results are NaN anyway.
FK_INLINE void K(gather)(const float (*weights)[16], const float *const *x, size_t count,
                         size_t dim, float *d) {
  size_t c = 0;
  for (; c + 16 <= dim; c += 16)
    for (size_t j = 0; j < T; j += 4) {
      v16f acc[4];
      for (size_t i = 0; i < 4; i++) acc[i] = K(load)(d + (j + i) * dim + c);
      for (size_t m = 0; m < count; m++) {
        v16f row = K(load)(x[m] + c);
        for (size_t i = 0; i < 4; i++) acc[i] = K(fma)(K(set1)(weights[m][j + i]), row, acc[i]);
      }
      for (size_t i = 0; i < 4; i++) K(store)(d + (j + i) * dim + c, acc[i]);
    }
  for (; c < dim; c++)
    for (size_t j = 0; j < T; j++)
      for (size_t m = 0; m < count; m++)
        d[j * dim + c] = K(fma1)(weights[m][j], x[m][c], d[j * dim + c]);
}

static void K(key_block)(const attention_job *job, const fk_sequence *sequence, int32_t block,
                         size_t kv_head) {
  const fk_attention *shape = job->shape;
  size_t dim = shape->head_dim, group = group_size(shape), filled = 0;
  size_t first = (size_t)block * T, end = fk_min((size_t)sequence->rows, first + T);
  float p[TILE_QUERIES][16], ds[TILE_QUERIES][16];
  float dk[MAX_HEAD_DIM * T], dv[MAX_HEAD_DIM * T];
  const float *q[TILE_QUERIES], *dout[TILE_QUERIES];
  K(backward_block) keys;
  int32_t lo, hi;
  K(load_backward)(job, sequence, block, kv_head, &keys);
  memset(dk, 0, dim * T * sizeof(float));
  memset(dv, 0, dim * T * sizeof(float));
  size_t count = ((size_t)sequence->rows - first) * group;
  for (size_t i = 0, n; i < count; i += n) {
    n = K(together)(job, sequence, first, kv_head, i, count, block, &lo, &hi);
    if (lo > hi) break; // the window has left the block behind
    K(query) query[TOGETHER];
    for (size_t j = 0; j < n; j++) {
      query[j] = K(query_at)(job, sequence, first, kv_head, i + j);
      q[filled + j] = job->q + K(q_at)(job, query[j]);
      dout[filled + j] = job->dout + K(out_at)(job, query[j]);
    }
    if (n == TOGETHER) K(slopes)(job, &keys, query, 0, T - 1, p + filled, ds + filled, TOGETHER);
    else K(slopes)(job, &keys, query, lo, hi, p + filled, ds + filled, 1);
    filled += n;
    if (filled + TOGETHER > TILE_QUERIES) {
      K(gather)(ds, q, filled, dim, dk);
      K(gather)(p, dout, filled, dim, dv);
      filled = 0;
    }
  }
  K(gather)(ds, q, filled, dim, dk);
  K(gather)(p, dout, filled, dim, dv);
  for (size_t j = first; j < end; j++) {
    size_t at = ((size_t)sequence->first_row + j) * job->kv_stride + kv_head * dim;
    memcpy(job->dk + at, dk + (j - first) * dim, dim * 4);
    memcpy(job->dv + at, dv + (j - first) * dim, dim * 4);
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
