// Included per instruction set: one low-rank pair over rows, for lora.c and for the runs of linear
// layers that take their adapters along.

// t[m][0..<n] = rows of A dot x[m] for 1 or 2 rows: 16 chains over k each, one tree.
FK_INLINE void K(shrink_rows)(const fk_lora *task, size_t rank, size_t n, const float *x,
                              size_t stride, size_t rows, size_t columns, float *t) {
  v16f acc[2][SHRINK_RANKS] = {};
  for (size_t k = 0; k < columns; k += 16) {
    size_t width = fk_min(16, columns - k);
    v16f v[2];
    for (size_t m = 0; m < rows; m++)
      v[m] = width == 16 ? K(load)(x + m * stride + k) : K(load_part)(x + m * stride + k, width, 0);
    for (size_t j = 0; j < n; j++) {
      size_t at = (rank + j) * columns + k;
      v16f a = width == 16 ? K(load_as)(task->a, task->format, at)
                           : K(load_as_part)(task->a, task->format, at, width);
      for (size_t m = 0; m < rows; m++) acc[m][j] = K(fma)(v[m], a, acc[m][j]);
    }
  }
  for (size_t m = 0; m < rows; m++)
    for (size_t j = 0; j < n; j++) t[m * task->rank + j] = K(sum)(acc[m][j]);
}

// Unit `index` of a task's shrink: SHRINK_RANKS of t for SEGMENT_ROWS of x; `x` is the batch's.
static void K(shrink_part)(const fk_lora *task, size_t index, const float *x, size_t stride,
                           size_t columns, float *t) {
  size_t groups = fk_lora_rank_groups(task), rank = index % groups * SHRINK_RANKS;
  size_t m = index / groups * SEGMENT_ROWS, n = fk_min(SHRINK_RANKS, task->rank - rank);
  size_t end = fk_min(m + SEGMENT_ROWS, task->rows);
  x += task->first * stride;
  t += task->offset + rank;
  for (; m + 2 <= end && n == SHRINK_RANKS; m += 2)
    K(shrink_rows)(task, rank, SHRINK_RANKS, x + m * stride, stride, 2, columns,
                   t + m * task->rank);
  for (; m < end; m++)
    if (n == SHRINK_RANKS)
      K(shrink_rows)(task, rank, SHRINK_RANKS, x + m * stride, stride, 1, columns,
                     t + m * task->rank);
    else
      K(shrink_rows)(task, rank, n, x + m * stride, stride, 1, columns, t + m * task->rank);
}

// 32 columns of one row: a chain over the rank, then one fused multiply-add with the scale.
FK_INLINE void K(expand_32)(const fk_lora *task, const float *t, size_t column, size_t columns,
                            float *y) {
  v16f a = {}, b = {};
  for (size_t j = 0; j < task->rank; j++) {
    v16f s = K(set1)(t[j]);
    a = K(fma)(s, K(load_as)(task->b, task->format, j * columns + column), a);
    b = K(fma)(s, K(load_as)(task->b, task->format, j * columns + column + 16), b);
  }
  v16f scale = K(set1)(task->scale);
  K(store)(y + column, K(fma)(scale, a, K(load)(y + column)));
  K(store)(y + column + 16, K(fma)(scale, b, K(load)(y + column + 16)));
}

FK_INLINE void K(expand_part)(const fk_lora *task, const float *t, size_t column, size_t n,
                              size_t columns, float *y) {
  v16f a = {};
  for (size_t j = 0; j < task->rank; j++)
    a = K(fma)(K(set1)(t[j]), K(load_as_part)(task->b, task->format, j * columns + column, n), a);
  K(store_part)(y + column, n,
                K(fma)(K(set1)(task->scale), a, K(load_part)(y + column, n, 0)));
}

// Columns begin..<end of all of a task's rows; y is the batch's first row, `columns` those of B.
static void K(expand_columns)(const fk_lora *task, const float *t, size_t begin, size_t end,
                              size_t columns, float *y, size_t stride) {
  t += task->offset;
  y += task->first * stride;
  for (size_t m = 0; m < task->rows; m++, t += task->rank, y += stride) {
    size_t column = begin;
    for (; column + 32 <= end; column += 32) K(expand_32)(task, t, column, columns, y);
    for (; column < end; column += 16)
      K(expand_part)(task, t, column, fk_min(16, end - column), columns, y);
  }
}
