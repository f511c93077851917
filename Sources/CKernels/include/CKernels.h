#pragma once
#include <stddef.h>
#include <stdint.h>

// Compute kernels. One file per family; each function picks the instruction set at run time.
//
// Promise: the result of one row never depends on the other rows of a call, on how rows are split
// into calls, or on the number of threads. All sums have one fixed order and every multiply-add is
// fused, so that the portable code gives the same bits as the vector code.

// MARK: Instruction sets (isa.c)

enum {
  FK_ISA_PORTABLE = 0,
  FK_ISA_NEON = 1,
  FK_ISA_AVX2 = 2,
  FK_ISA_AVX512 = 3,
  FK_ISA_AVX512VNNI = 4
};
/// The instruction set in use: the best of the machine, or the one named by FACET_ISA.
int fk_isa(void);
/// Whether this machine can run an instruction set.
int fk_isa_supported(int isa);
/// Chooses another supported set for the whole process (tests, measurements); -1 = by itself again.
void fk_isa_force(int isa);

// MARK: Threads (pool.c)

typedef struct fk_pool fk_pool;
typedef void (*fk_task)(void *context, size_t index);
/// `threads` includes the caller; NULL when memory or threads are refused.
fk_pool *fk_pool_create(int threads);
void fk_pool_destroy(fk_pool *pool);
int fk_pool_threads(const fk_pool *pool);
/// Runs task(context, 0..<count), distributed dynamically; returns when all are done.
void fk_pool_run(fk_pool *pool, size_t count, fk_task task, void *context);
/// +1 before the runs of a step, -1 after: between, workers look longer for the next before they
/// sleep.
void fk_pool_hold(fk_pool *pool, int change);

// MARK: Memory (memory.c)

/// From now on large buffers go back to the system as they are freed.
void fk_keep_little_memory_free(void);
/// Hands what the allocator holds free back to the system, where the C library can.
void fk_release_free_memory(void);

// MARK: Number formats (convert.c)

enum { FK_F32 = 0, FK_F16 = 1, FK_BF16 = 2 };
void fk_to_f32(const void *source, int format, size_t count, float *out);
void fk_from_f32(const float *source, size_t count, int format, void *out);

// MARK: NF4 (nf4.c)

extern const float fk_nf4_codebook[16];
/// The codebook in units of 1 / 2048, which integer products use.
extern const int16_t fk_nf4_codes16[16];

/// bitsandbytes' rule over a flat range; `elements` counts the whole range, blocks of `block`.
/// Writes (elements + 1) / 2 bytes, high nibble first, and one absmax per block.
void fk_nf4_quantize(fk_pool *pool, const void *source, int format, size_t elements, size_t block,
                     uint8_t *codes, float *absmax);
/// codebook * absmax in fp32 over a flat range.
void fk_nf4_dequantize(const uint8_t *codes, const float *absmax, size_t elements, size_t block,
                       float *out);
/// bitsandbytes' nested absmax: 8-bit codes of a 256 entry map, one scale per `block`, an offset.
void fk_nf4_absmax_decode(const uint8_t *codes, const float *map, const float *absmax2,
                          float offset, size_t count, size_t block, float *out);
void fk_nf4_absmax_encode(const float *absmax, const float *map, size_t count, size_t block,
                          uint8_t *codes, float *absmax2, float *offset);

/// A matrix [rows, columns] as tiles of 16 rows × blocks of 64 columns.
/// kind NF4: a block is 512 bytes of codes, then 64 / sub vectors of 16 scales.
/// kind Q8: 1024 bytes of codes (value + 128), then the scales.
/// Rows beyond the last and columns beyond the last are codes of zero.
typedef struct {
  const uint8_t *tiles;
  size_t rows, columns;
  size_t sub; // columns under one scale: 64, or less where bitsandbytes' blocks straddle rows
  int kind;
} fk_tiled;
enum { FK_NF4 = 0, FK_Q8 = 1 };
size_t fk_tiled_block_bytes(int kind, size_t sub);
size_t fk_tiled_bytes(const fk_tiled *matrix);
/// Tiles from bitsandbytes' flat layout; `matrix->tiles` is ignored, `tiles` is written.
void fk_nf4_pack(fk_pool *pool, const fk_tiled *matrix, const uint8_t *codes, const float *absmax,
                 size_t block, uint8_t *tiles);
void fk_nf4_unpack(const fk_tiled *matrix, size_t block, uint8_t *codes, float *absmax);
/// 8-bit blocks of 64 from rows in a float format: absmax / 127, round to nearest even.
void fk_q8_pack(fk_pool *pool, const fk_tiled *matrix, const void *source, int format,
                uint8_t *tiles);
/// Row-major exact values.
void fk_tiled_dequantize(fk_pool *pool, const fk_tiled *matrix, float *out);

// MARK: Linear layers over tiles (linear.c, linear16.c, backward16.c)

/// Rows first..<first + rows pass through one pair. `a` [rank, in] and `b` [rank, out] (B
/// transposed), both in `format`; t [rows, rank] at `t + offset`.
typedef struct {
  size_t first, rows, rank, offset;
  const void *a, *b;
  int format;
  float scale;
} fk_lora;

/// One input of linear layers: fp32 rows and their integers, packed block by block.
typedef struct {
  const float *x;     // [rows, columns]
  const int16_t *q;   // [blocks of 64][rows][64], |q| <= 16383, zero beyond the last column
  const float *scale; // [blocks][rows]
  size_t rows, columns;
  int isa; // the instruction set that made q, whose order the 64 have; it multiplies them too
} fk_input;
/// Quantizes input->x to 15 bits, one scale per row and block of 64; a row with NaN or Inf gives NaN.
void fk_input_quantize(fk_pool *pool, fk_input *input, int16_t *q, float *scale);
/// Rounds values to bf16, staying in fp32.
void fk_round_bf16(const float *x, size_t count, float *out);

/// y[m, r] = sum_k x[m, k] W[r, k] for r in first..<last (multiples of 16, or last == rows);
/// y points at column `first`. fp32: one chain of fused multiply-adds over k.
void fk_linear_f32(fk_pool *pool, const fk_tiled *w, size_t first, size_t last, const fk_input *x,
                   int round_bf16, float *y, size_t stride);
/// The same in integers of 12 and 15 bits: exact sums per block, then one fp32 chain over blocks.
void fk_linear_i16(fk_pool *pool, const fk_tiled *w, size_t first, size_t last, const fk_input *x,
                   float *y, size_t stride);
/// One of several matrices that read the same input in one run, and what adapters add to it.
typedef struct {
  const fk_tiled *w;
  float *y; // all of the matrix's rows
  size_t stride;
  const fk_lora *tasks; // their t share one buffer with those of the other parts
  size_t task_count;
} fk_linear_part;
/// Per part: y = x W^T as fk_linear_i16, t = x A^T and y += scale * t B^T as fk_lora_shrink and
/// fk_lora_expand, with the same bits, in one run.
void fk_linear_i16_parts(fk_pool *pool, const fk_linear_part *parts, size_t count,
                        const fk_input *x, float *t);
/// dx[m, k] += sum_r g[m, r] W[r, k], exact fp32 weights, one chain over r.
void fk_linear_backward_f32(fk_pool *pool, const fk_tiled *w, const float *g, size_t rows,
                            size_t stride, float *dx, size_t dx_stride);
/// The same for training in int8 mode: weights as 12-bit integers, gradients as 14-bit ones with a
/// scale per row and 64 outputs, exact integer sums per 64 outputs, then one fp32 chain. About
/// 2^-13 relative, better than bf16. Matrices whose scales straddle rows take the fp32 path.
void fk_linear_backward_i16(fk_pool *pool, const fk_tiled *w, const float *g, size_t rows,
                            size_t stride, float *dx, size_t dx_stride);

// MARK: Dense matrices in source precision (dense.c)

typedef struct {
  const void *data; // [rows, columns] row major
  size_t rows, columns;
  int format;
} fk_dense;
void fk_dense_forward(fk_pool *pool, const fk_dense *w, size_t first, size_t last, const float *x,
                      size_t rows, float *y, size_t stride);
void fk_dense_backward(fk_pool *pool, const fk_dense *w, const float *g, size_t rows, size_t stride,
                       float *dx, size_t dx_stride);

// MARK: Norms, activations, positions (norm.c, layer_norm.c, activation.c, rope.c)

/// y = x / rms(x) * (weight + offset); x and y may be the same.
void fk_rmsnorm(fk_pool *pool, const float *x, size_t rows, size_t columns, size_t stride,
                const float *weight, float offset, float eps, float *y, size_t y_stride);
/// dx += d(rmsnorm)/dx^T dy
void fk_rmsnorm_backward(fk_pool *pool, const float *x, const float *dy, size_t rows,
                         size_t columns, size_t stride, const float *weight, float offset,
                         float eps, float *dx);

/// y = (x - mean) / deviation * (weight + offset) + bias of dense rows; x and y may be the same, the
/// bias may be missing.
void fk_layer_norm(fk_pool *pool, const float *x, size_t rows, size_t columns, const float *weight,
                   const float *bias, float offset, float eps, float *y);
/// dx += d(layer_norm)/dx^T dy
void fk_layer_norm_backward(fk_pool *pool, const float *x, const float *dy, size_t rows,
                            size_t columns, const float *weight, float offset, float eps,
                            float *dx);

enum { FK_SILU = 0, FK_GELU_TANH = 1, FK_GELU_ERF = 2, FK_RELU_SQUARED = 3 };
/// out = act(gate) * up; gate and up share one stride. Without up it is act(gate) alone.
void fk_gated(fk_pool *pool, int activation, const float *gate, const float *up, size_t rows,
              size_t columns, size_t stride, float *out, size_t out_stride);
/// dgate = dout * up * act'(gate), dup = dout * act(gate); both with gate's stride.
void fk_gated_backward(fk_pool *pool, int activation, const float *gate, const float *up,
                       const float *dout, size_t rows, size_t columns, size_t stride,
                       size_t dout_stride, float *dgate, float *dup);
/// x = cap * tanh(x / cap), and its gradient through the capped value: dy *= 1 - (y / cap)^2
void fk_soft_cap(float *x, size_t count, float cap);
void fk_soft_cap_backward(const float *capped, size_t count, float cap, float *gradient);
/// The polynomials all kernels share, for tests.
void fk_exp(const float *x, size_t count, float *out);
void fk_tanh(const float *x, size_t count, float *out);
void fk_erf(const float *x, size_t count, float *out);

/// Angle = fp32 position * inverse frequency, as transformers computes it. Tables [rows, half].
void fk_rope_table(const int32_t *positions, size_t rows, const float *inverse_frequency,
                   size_t half, float factor, float *cosines, float *sines);
/// Rotates pairs (i, i + half) of the first 2 * half dims of each head, in place; direction ±1.
void fk_rope(float *x, size_t rows, size_t heads, size_t head_dim, size_t stride, size_t half,
             const float *cosines, const float *sines, float direction);
/// The same on pairs (2i, 2i + 1).
void fk_rope_pairs(float *x, size_t rows, size_t heads, size_t head_dim, size_t stride,
                   size_t half, const float *cosines, const float *sines, float direction);

// MARK: Attention over a paged cache (attention.c)

enum { FK_BLOCK_TOKENS = 16 };
/// One layer of the cache. K block [kv head][head dim][16], V block [kv head][16][head dim].
typedef struct {
  uint8_t *keys, *values;
  size_t block_stride; // bytes between one block's K (or V) and the next block's
  int format;          // FK_F32 or FK_F16
} fk_kv_layer;
/// Rows first_row..<first_row + rows of a batch are one sequence's positions first_position...
typedef struct {
  int32_t first_row, rows, first_position, unused;
  const int32_t *blocks;
} fk_sequence;
typedef struct {
  size_t heads, kv_heads, head_dim;
  float scale;
  float soft_cap;  // 0 = none
  int32_t window;  // 0 = none; else a position sees itself and window - 1 before it
} fk_attention;
void fk_kv_write(const fk_kv_layer *layer, const fk_attention *shape, const fk_sequence *sequences,
                 size_t count, const float *k, const float *v, size_t stride);
/// lse [total rows][heads] may be NULL.
void fk_attention_forward(fk_pool *pool, const fk_kv_layer *layer, const fk_attention *shape,
                          const fk_sequence *sequences, size_t count, const float *q,
                          size_t q_stride, float *out, size_t out_stride, float *lse);
/// Sequences start at position 0. delta [total rows][heads] is scratch. dq, dk, dv are written.
void fk_attention_backward(fk_pool *pool, const fk_kv_layer *layer, const fk_attention *shape,
                           const fk_sequence *sequences, size_t count, const float *q,
                           size_t q_stride, const float *out, const float *dout, size_t out_stride,
                           const float *lse, float *delta, float *dq, float *dk, float *dv,
                           size_t kv_stride);

// MARK: LoRA (lora.c)

/// t = x A^T
void fk_lora_shrink(fk_pool *pool, const fk_lora *tasks, size_t count, const float *x,
                    size_t stride, size_t columns, float *t);
/// y += scale * t B^T
void fk_lora_expand(fk_pool *pool, const fk_lora *tasks, size_t count, const float *t, float *y,
                    size_t stride, size_t columns);
/// d[rank, columns] += scale * sum_m p[m, rank] z[m, columns]
void fk_lora_outer(fk_pool *pool, const float *p, size_t rows, size_t rank, const float *z,
                   size_t stride, size_t columns, float scale, float *d);

// MARK: Loss and sampling helpers (loss.c)

void fk_softmax(const float *x, size_t count, float *out);
float fk_logsumexp(const float *x, size_t count);
/// Index of the greatest value, the lowest index of equals; NaN never wins; 0 when there is none.
size_t fk_argmax(const float *x, size_t count);
/// Per row: loss[i] = logsumexp - logit[target] and correct[i]; targets < 0 are ignored (0, 0).
/// gradient: logits become weight * (softmax - onehot), 0 for ignored rows. weights may be NULL.
void fk_cross_entropy(fk_pool *pool, float *logits, size_t rows, size_t vocabulary, size_t stride,
                      const int32_t *targets, const float *weights, float scale, int gradient,
                      float *loss, uint8_t *correct);

// MARK: Drawing tokens (sampling.c)

enum { FK_ROW_BLOCK = 512 }; // elements whose sum is kept: what a draw skips at once
/// The greatest logit; 0 when the row holds NaN or +Inf, or nothing above -Inf.
int fk_row_greatest(const float *x, size_t count, float *greatest);
/// The first index that holds a value; 0 when none does.
size_t fk_row_find(const float *x, size_t count, float value);
/// sum exp(x - greatest)
double fk_row_exp_sum(const float *x, size_t count, float greatest);
/// weights = exp((x - greatest) * inverse_temperature), 0 below floor; may be in place. sums
/// [blocks of FK_ROW_BLOCK]. Returns the sum of all.
double fk_row_weights(const float *x, size_t count, float greatest, float inverse_temperature,
                      float floor, float *weights, double *sums);
/// What a filter keeps: weights above `least`, and the first `ties` of those equal to it.
typedef struct {
  float least;
  size_t ties;
} fk_row_cut;
/// The `limit` largest weights (1 or more), the lower index first among equals; scratch [count].
fk_row_cut fk_row_cut_count(const float *weights, size_t count, size_t limit, float *scratch);
/// The fewest largest weights (at most 1 each) of `total` that sum to at least `goal`, one or more.
fk_row_cut fk_row_cut_mass(const float *weights, size_t count, double total, double goal,
                           float *scratch);
/// Weights that a filter drops become 0; sums as above. Returns the sum of all.
double fk_row_keep(float *weights, size_t count, fk_row_cut cut, double *sums);
/// The index at which the running sum of weights passes `goal`; never one without weight.
size_t fk_row_draw(const float *weights, size_t count, const double *sums, double goal);

// MARK: Vectors (vector.c)

void fk_add(const float *x, size_t count, float *y);               // y += x
void fk_add_rows(const float *bias, size_t rows, size_t columns, float *y, size_t stride);
void fk_scale(float factor, size_t count, float *y);               // y *= factor
void fk_axpy(float factor, const float *x, size_t count, float *y); // y += factor * x
void fk_multiply(const float *x, size_t count, float *y);          // y *= x
double fk_dot(const float *x, const float *y, size_t count);       // fixed order, double sums
typedef struct {
  double learning_rate, beta1, beta2, eps, weight_decay;
  uint64_t step; // 1 for the first update
} fk_adamw_options;
void fk_adamw(const fk_adamw_options *options, const float *gradient, float gradient_scale,
              size_t count, float *parameter, float *m, float *v);

// MARK: Ceilings (ceilings.c)

double fk_ceiling_read(fk_pool *pool, const void *data, size_t bytes);   // bytes per second
double fk_ceiling_compute(fk_pool *pool, int kind);                      // operations per second
enum { FK_CEILING_F32 = 0, FK_CEILING_I8 = 1, FK_CEILING_BF16 = 2 };
