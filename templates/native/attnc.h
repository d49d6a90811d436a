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

/* What functions return: 0 where all is well, else what is wrong. `workspace` returns it with a minus. */
enum {
  ATTNC_BAD_CALL = 1,      /* lengths or parameters do not fit, or something is missing */
  ATTNC_BAD_STRIDES = 2,   /* elements of a result would overlap, or a tensor would reach beyond all memory */
  ATTNC_BAD_ALIGNMENT = 3, /* an address is not a multiple of the size of an element, or the workspace not one of 64 */
  ATTNC_BAD_GPU = 4,       /* no GPU, a driver that is too old, or kernels that were compiled for other GPUs */
  ATTNC_BAD_STREAM = 5,    /* the stream is not one of the current device */
  ATTNC_NO_MEMORY = 6,     /* the GPU has no memory left */
  ATTNC_FAILED = 7         /* CUDA refused a kernel, or one that was started before has failed */
};

/* The same for people, ended by a zero. */
typedef struct attnc_fault {
  char text[256];
} attnc_fault;
#endif
