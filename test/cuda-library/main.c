/* Calls causal attention of f16 through its C ABI. Takes how tensors lie, or what is wrong with the call; reads the lengths b, h, i and
   j as int64_t, then q, k and v row by row; writes the result row by row. Exits with what the functions return. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "causal.h"

enum { width = 16 };

/* A tensor [n, m, rows, width] in memory that is just as large as it has to be. */
struct placed {
  int64_t shape[4], strides[4];
  uint16_t *memory, *first;
};

static uint16_t *at(const struct placed *tensor, int64_t n, int64_t m, int64_t row, int64_t column) {
  const int64_t *s = tensor->strides;
  return tensor->first + n * s[0] + m * s[1] + row * s[2] + column * s[3];
}

static void place(struct placed *tensor, const char *how, int64_t n, int64_t m, int64_t rows) {
  int64_t gap = 0, count;
  const int64_t shape[4] = {n, m, rows, width};
  memcpy(tensor->shape, shape, sizeof shape);
  tensor->strides[3] = 1;
  if (strcmp(how, "tokens") == 0) { /* heads lie side by side, with a gap that keeps them on 16 bytes */
    gap = 8;
    tensor->strides[1] = width + gap;
    tensor->strides[2] = m * tensor->strides[1];
    tensor->strides[0] = rows * tensor->strides[2];
  } else { /* row by row; backwards: rows from the last to the first, with a gap that is odd */
    gap = strcmp(how, "backwards") == 0;
    tensor->strides[2] = width + gap;
    tensor->strides[1] = rows * tensor->strides[2];
    tensor->strides[0] = m * tensor->strides[1];
  }
  count = n * m * rows * (width + gap) - (n * m * rows > 0 ? gap : 0);
  tensor->memory = malloc((size_t)(count > 0 ? count : 1) * sizeof *tensor->memory);
  if (!tensor->memory) exit(100);
  tensor->first = tensor->memory;
  if (strcmp(how, "backwards") == 0 && rows > 0) {
    tensor->first += (rows - 1) * tensor->strides[2];
    tensor->strides[2] = -tensor->strides[2];
  }
}

static void move(const struct placed *tensor, int reads) {
  const int64_t *shape = tensor->shape;
  for (int64_t n = 0; n < shape[0]; ++n)
    for (int64_t m = 0; m < shape[1]; ++m)
      for (int64_t row = 0; row < shape[2]; ++row)
        for (int64_t column = 0; column < width; ++column) {
          uint16_t *one = at(tensor, n, m, row, column);
          if ((reads ? fread(one, sizeof *one, 1, stdin) : fwrite(one, sizeof *one, 1, stdout)) != 1) exit(101);
        }
}

int main(int argc, char **argv) {
  const char *const how = argc > 1 ? argv[1] : "dense";
  int64_t lengths[4], out_shape[4] = {-1, -1, -1, -1}, bytes;
  struct placed q, k, v, out;
  if (fread(lengths, sizeof lengths, 1, stdin) != 1) return 102;
  place(&q, how, lengths[0], lengths[1], lengths[2]);
  place(&k, how, lengths[0], lengths[1], lengths[3]);
  place(&v, how, lengths[0], lengths[1], lengths[3]);
  place(&out, how, lengths[0], lengths[1], lengths[2]);
  move(&q, 1), move(&k, 1), move(&v, 1);

  const int is_dense = strcmp(how, "tokens") != 0 && strcmp(how, "backwards") != 0;
  causal_call call = {{q.first, q.shape, is_dense ? NULL : q.strides},
                      {k.first, k.shape, is_dense ? NULL : k.strides},
                      {v.first, v.shape, is_dense ? NULL : v.strides},
                      {out.first, out_shape, is_dense ? NULL : out.strides}};
  int64_t strides[4];
  memcpy(strides, out.strides, sizeof strides);
  if (strcmp(how, "width") == 0) k.shape[3] = width + 1;
  if (strcmp(how, "keys") == 0) v.shape[2] += 1;
  if (strcmp(how, "negative") == 0) q.shape[0] = -1;
  if (strcmp(how, "shapeless") == 0) call.q.shape = NULL;
  if (strcmp(how, "missing") == 0) call.k.data = NULL;
  if (strcmp(how, "odd") == 0) call.v.data = (char *)call.v.data + 1;
  if (strcmp(how, "far") == 0) call.k.strides = strides, strides[0] = INT64_MAX / 2;
  attnc_fault fault, *const told = strcmp(how, "silent") == 0 ? NULL : &fault;
  if (!told) call.q.data = NULL;

  int32_t code = causal_shapes(&call, told);
  if (code == 0 && memcmp(out_shape, out.shape, sizeof out_shape) != 0) return 103;
  bytes = code == 0 ? causal_workspace(&call, 1, told) : 0;
  if (bytes < 0) code = (int32_t)-bytes;
  char *const workspace = code == 0 && bytes > 0 ? aligned_alloc(64, (size_t)((bytes + 63) / 64 * 64)) : NULL;
  if (code == 0) {
    void *memory = workspace;
    if (strcmp(how, "workspace") == 0) memory = NULL;
    if (strcmp(how, "crooked") == 0) memory = workspace + 32;
    if (strcmp(how, "nowhere") == 0) call.out.data = NULL;
    if (strcmp(how, "overlap") == 0) call.out.strides = strides, strides[1] = 0;
    if (strcmp(how, "distant") == 0) call.out.strides = strides, strides[0] = INT64_MIN / 2;
    code = causal_run(&call, memory, NULL, told);
  }
  if (code == 0) move(&out, 0);
  else if (told) fputs(fault.text, stderr);
  free(q.memory), free(k.memory), free(v.memory), free(out.memory), free(workspace);
  return code;
}
