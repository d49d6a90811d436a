/* Attention from C: a generated kernel, called through its C ABI. Nothing of attnc is needed to build or run this. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "causal.h"

enum { heads = 2, length = 100, width = 64 };

int main(void) {
  int64_t shape[] = {1, heads, length, width};
  int64_t out_shape[4];
  const size_t elements = (size_t)heads * length * width;
  float *q = malloc(elements * sizeof *q), *k = malloc(elements * sizeof *k), *v = malloc(elements * sizeof *v);
  float *out = malloc(elements * sizeof *out);
  if (!q || !k || !v || !out) return 1;
  for (size_t n = 0; n < elements; ++n) {
    q[n] = sinf((float)n);
    k[n] = cosf((float)n);
    v[n] = (float)(n / width % length); /* the number of its key */
  }

  /* Tensors without strides lie row by row. */
  causal_call call = {
      .q = {q, shape, NULL}, .k = {k, shape, NULL}, .v = {v, shape, NULL}, .out = {out, out_shape, NULL}};
  attnc_fault fault;
  if (causal_shapes(&call, &fault) != 0) return fprintf(stderr, "%s\n", fault.text), 1;

  /* One thread: `threads` is null. */
  const int64_t bytes = causal_workspace(&call, 1, &fault);
  if (bytes < 0) return fprintf(stderr, "%s\n", fault.text), 1;
  void *workspace = aligned_alloc(64, (size_t)(bytes + 63) / 64 * 64 + 64);
  if (!workspace || causal_run(&call, workspace, NULL, &fault) != 0) return 1;

  /* The first query sees the first key alone; a mean of the numbers 0 .. i lies between them. */
  int right = 1;
  for (int i = 0; i < length; ++i) {
    const float mean = out[(size_t)i * width];
    right = right && mean >= 0 && mean <= (float)i + 1e-4f * (float)i;
  }
  printf("%lld x %lld: first %.1f, last %.3f, %s\n", (long long)out_shape[2], (long long)out_shape[3], out[0],
         out[(size_t)(length - 1) * width], right && out[0] == 0 ? "as it should be" : "wrong");

  /* What does not fit is said, and nothing is computed. */
  int64_t other[] = {1, heads, length, width + 1};
  call.k.shape = other;
  if (causal_run(&call, workspace, NULL, &fault) != 0) printf("%s\n", fault.text);

  free(q), free(k), free(v), free(out), free(workspace);
  return right ? 0 : 1;
}
