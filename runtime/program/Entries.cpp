// What compiled code calls back (entries.def), but for the library routines (Sort.cpp, Cholesky.cpp).
#include "runtime/program/Context.h"

extern "C" xfer_status_t xfer_fail(xfer_context *context, xfer_status_t site) {
  context->failure = site;
  return site;
}
