// Softmax, logsumexp, argmax and cross-entropy over rows of logits.
#ifndef FK_BODY
#define FK_FILE "loss.c"
#include "CKernels.h"
typedef struct {
  float *logits;
  size_t vocabulary, stride;
  const int32_t *targets;
  const float *weights;
  float scale;
  int gradient;
  float *loss;
  uint8_t *correct;
} loss_job;
#include "isa.h"

void fk_softmax(const float *x, size_t count, float *out) { FK_DISPATCH(softmax, x, count, out) }
float fk_logsumexp(const float *x, size_t count) { FK_DISPATCH(logsumexp, x, count) }

size_t fk_argmax(const float *x, size_t count) {
  size_t best = 0;
  int found = 0;
  for (size_t i = 0; i < count; i++)
    if (x[i] == x[i] && (!found || x[i] > x[best])) {
      best = i;
      found = 1;
    }
  return best;
}

static fk_task loss_task(void) { FK_DISPATCH(loss, ) }

void fk_cross_entropy(fk_pool *pool, float *logits, size_t rows, size_t vocabulary, size_t stride,
                      const int32_t *targets, const float *weights, float scale, int gradient,
                      float *loss, uint8_t *correct) {
  loss_job job = {logits, vocabulary, stride, targets, weights, scale, gradient, loss, correct};
  fk_pool_run(pool, rows, loss_task(), &job);
}
#else

static float K(row_greatest)(const float *x, size_t count) {
  v16f greatest = K(set1)(-INFINITY);
  for (size_t i = 0; i < count; i += 16) {
    size_t n = fk_min(16, count - i);
    v16f v = n == 16 ? K(load)(x + i) : K(load_part)(x + i, n, -INFINITY);
    greatest = K(maximum)(v, greatest);
  }
  return K(greatest)(greatest);
}

// sum exp(x - greatest); 16 chains in double would not help: terms are at most 1.
static float K(exp_sum)(const float *x, size_t count, float greatest, float *out) {
  v16f sum = {};
  for (size_t i = 0; i < count; i += 16) {
    size_t n = fk_min(16, count - i);
    v16f v = n == 16 ? K(load)(x + i) : K(load_part)(x + i, n, -INFINITY);
    v16f e = K(exp)(v - greatest);
    sum += e;
    if (out) n == 16 ? K(store)(out + i, e) : K(store_part)(out + i, n, e);
  }
  return K(sum)(sum);
}

static float K(finite_greatest)(const float *x, size_t count) {
  float greatest = K(row_greatest)(x, count);
  return greatest > -INFINITY ? greatest : 0; // all -inf: exp gives zeros, not NaN
}

static float K(logsumexp)(const float *x, size_t count) {
  float greatest = K(finite_greatest)(x, count);
  return greatest == INFINITY ? INFINITY
                              : greatest + logf(K(exp_sum)(x, count, greatest, NULL));
}

static void K(softmax)(const float *x, size_t count, float *out) {
  float sum = K(exp_sum)(x, count, K(finite_greatest)(x, count), out);
  for (size_t i = 0; i < count; i++) out[i] = out[i] / sum;
}

static void K(loss_row)(void *context, size_t row) {
  const loss_job *job = context;
  float *x = job->logits + row * job->stride;
  int32_t target = job->targets[row];
  if (target < 0 || (size_t)target >= job->vocabulary) {
    job->loss[row] = 0;
    job->correct[row] = 0;
    if (job->gradient) memset(x, 0, job->vocabulary * sizeof(float));
    return;
  }
  float lse = K(logsumexp)(x, job->vocabulary);
  job->loss[row] = lse - x[target];
  job->correct[row] = fk_argmax(x, job->vocabulary) == (size_t)target;
  if (!job->gradient) return;
  float weight = job->scale * (job->weights ? job->weights[row] : 1);
  float hit = x[target];
  for (size_t i = 0; i < job->vocabulary; i += 16) {
    size_t n = fk_min(16, job->vocabulary - i);
    v16f v = n == 16 ? K(load)(x + i) : K(load_part)(x + i, n, 0);
    v16f d = K(exp)(v - lse) * weight;
    n == 16 ? K(store)(x + i, d) : K(store_part)(x + i, n, d);
  }
  v16f p = K(exp)(K(set1)(hit - lse));
  x[target] = (p[0] - 1.0f) * weight;
}
static fk_task K(loss)(void) { return K(loss_row); }
#endif
