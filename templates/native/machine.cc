// What bounds a kernel on this machine, as kernels of the same C ABI: their loader calls them in turns with what is measured.
#include <time.h>
#include "arithmetic.h"
#include "attnc.h"
#include "lanes.h"

namespace {

/** Calls task(piece) for each piece, on the caller's threads where there are several. */
template <class F>
void spread(const attnc_threads *threads, std::int64_t pieces, F task) {
  if (!threads || threads->workers < 2) {
    for (std::int64_t piece = 0; piece < pieces; ++piece) task(piece);
    return;
  }
  const auto call = [](void *context, std::int64_t piece, std::int32_t) { (*static_cast<F *>(context))(piece); };
  threads->run(threads->pool, call, &task, pieces);
}

/** More sums at once than a fused multiplication takes cycles, on two units; with their factors they fit in 16 registers. */
constexpr int sums = 12;

}  // namespace

extern "C" {

/* Fused multiplications of whole vectors, nothing but registers: each piece does `rounds` of them for each sum. */
struct fma_call {
  attnc_tensor flops;  // of each piece
  const std::int32_t *pieces;
  const std::int32_t *rounds;
};
std::int32_t fma_shapes(const fma_call *call, attnc_fault *) { return call->flops.shape[0] = *call->pieces, 0; }
std::int64_t fma_workspace(const fma_call *, std::int32_t, attnc_fault *) { return 0; }
std::int32_t fma_run(const fma_call *call, void *, const attnc_threads *threads, attnc_fault *) {
  float *const flops = static_cast<float *>(call->flops.data);
  const std::int32_t rounds = *call->rounds;
  spread(threads, *call->pieces, [=](std::int64_t piece) {
    vec::floats sum[sums] = {};
    vec::floats a = vec::wide(0.5f), b = vec::wide(0.25f);
    // Nothing is known of any: else sums that are the same would be one.
    __asm__ volatile("" : "+x"(a), "+x"(b));
    for (int n = 0; n < sums; ++n) __asm__ volatile("" : "+x"(sum[n]));
    for (std::int32_t round = 0; round < rounds; ++round) {
#pragma GCC unroll 12
      for (int n = 0; n < sums; ++n) sum[n] = vec::fuse(sum[n], a, b);
    }
    for (int n = 0; n < sums; ++n) __asm__ volatile("" : : "x"(sum[n]));
    flops[piece] = 2.0f * vec::lanes * sums * float(rounds);
  });
  return 0;
}

/* Reads all of x once. */
struct read_call {
  attnc_tensor x;
  attnc_tensor total;  // of each piece
  const std::int32_t *pieces;
};
std::int32_t read_shapes(const read_call *call, attnc_fault *) { return call->total.shape[0] = *call->pieces, 0; }
std::int64_t read_workspace(const read_call *, std::int32_t, attnc_fault *) { return 0; }
std::int32_t read_run(const read_call *call, void *, const attnc_threads *threads, attnc_fault *) {
  const float *const x = static_cast<const float *>(call->x.data);
  float *const total = static_cast<float *>(call->total.data);
  constexpr std::int64_t step = 8 * vec::lanes;
  const std::int64_t pieces = *call->pieces, length = call->x.shape[0] / pieces / step * step;
  spread(threads, pieces, [=](std::int64_t piece) {
    vec::floats sum[8] = {};
    for (const float *at = x + piece * length, *end = at + length; at < end; at += step)
      for (int n = 0; n < 8; ++n) sum[n] += vec::load(at + n * vec::lanes);
    for (int n = 1; n < 8; ++n) sum[0] += sum[n];
    total[piece] = sum[0][0];
  });
  return 0;
}

/* Processor time of this process and of this thread in ms. What getrusage says, and with it Node, moves in ticks of the system. */
struct clock_call {
  attnc_tensor times;  // f64
};
std::int32_t clock_shapes(const clock_call *call, attnc_fault *) { return call->times.shape[0] = 2, 0; }
std::int64_t clock_workspace(const clock_call *, std::int32_t, attnc_fault *) { return 0; }
std::int32_t clock_run(const clock_call *call, void *, const attnc_threads *, attnc_fault *) {
  const clockid_t clocks[] = { CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID };
  for (int n = 0; n < 2; ++n) {
    timespec now;
    clock_gettime(clocks[n], &now);
    static_cast<double *>(call->times.data)[n] = 1e3 * double(now.tv_sec) + 1e-6 * double(now.tv_nsec);
  }
  return 0;
}
}
