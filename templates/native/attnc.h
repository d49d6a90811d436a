/* The C ABI of generated kernels. Plain C99: nothing allocates, nothing is global, nothing is thrown. */
#ifndef ATTNC_ABI
#define ATTNC_ABI 1
#include <stdint.h>

/* A tensor: its first element, the length of each axis, and how many elements apart its neighbours along each axis are.
   `strides` may be null: then elements lie row by row, without gaps. f16 and bf16 are their bits, a bool is a byte of 0 or 1. */
typedef struct attnc_tensor {
  void *data;
  int64_t *shape;
  const int64_t *strides;
} attnc_tensor;

/* Threads of the caller. `run` calls task(context, index, worker) for each index below `count`, in any order and from any
   threads, worker being below `workers` and different for calls that overlap; it returns when all have. It may leave out calls
   to end early: then results are unfinished. */
typedef struct attnc_threads {
  int32_t workers;
  void *pool;
  void (*run)(void *pool, void (*task)(void *context, int64_t index, int32_t worker), void *context, int64_t count);
} attnc_threads;

/* What was wrong with a call, ended by a zero. */
typedef struct attnc_fault {
  char text[256];
} attnc_fault;
#endif
