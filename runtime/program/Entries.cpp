// What compiled code calls back (entries.def), but for the library routines (Sort.cpp, Cholesky.cpp).
#include "runtime/cpu/ThreadTeam.h"
#include "runtime/program/Context.h"

extern "C" xfer_status_t xfer_parallel(xfer_context *context, xfer_queue_t queue, xfer_kernel_t kernel,
                                       void *const *buffers, int64_t chunks, const int64_t *extents) {
  (void)queue; // the CPU's only queue completes before it returns
  context->team->run(kernel, buffers, chunks, extents);
  return XFER_OK;
}
