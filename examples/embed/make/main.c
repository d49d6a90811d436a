/* Two attentions from C, on the same tensors. */
#include <stdio.h>
#include <stdlib.h>

#include "capped.h"
#include "plain.h"

enum { heads = 2, queries = 3, keys = 7, width = 64 };

static float q[heads * queries * width], k[heads * keys * width], v[heads * keys * width], out[heads * queries * width];

/* All keys are the same, so that each result is the mean of the values: of 0 .. 6 that is 3. */
static void fill(void) {
  for (int n = 0; n < heads * queries * width; ++n) q[n] = 1;
  for (int n = 0; n < heads * keys * width; ++n) k[n] = 1, v[n] = (float)(n / width % keys);
}

static void stop(const attnc_fault *fault) {
  fprintf(stderr, "%s\n", fault->text);
  exit(1);
}

#define RUN(NAME)                                                                                             \
  do {                                                                                                        \
    int64_t few[] = {1, heads, queries, width}, many[] = {1, heads, keys, width}, shape[4];                   \
    NAME##_call call = {.q = {q, few, NULL}, .k = {k, many, NULL}, .v = {v, many, NULL}, .out = {out, shape, NULL}}; \
    attnc_fault fault;                                                                                        \
    if (NAME##_shapes(&call, &fault)) stop(&fault);                                                           \
    const int64_t bytes = NAME##_workspace(&call, 1, &fault);                                                 \
    if (bytes < 0) stop(&fault);                                                                              \
    void *workspace = aligned_alloc(64, ((size_t)bytes + 63) / 64 * 64 + 64);                                 \
    if (NAME##_run(&call, workspace, NULL, &fault)) stop(&fault);                                             \
    free(workspace);                                                                                          \
    printf(#NAME " %.3f\n", out[0]);                                                                          \
  } while (0)

int main(void) {
  fill();
  RUN(capped);
  RUN(plain);
  return 0;
}
