// What stands behind the opaque xfer_context of the boundary.
#ifndef XFER_RUNTIME_PROGRAM_CONTEXT_H
#define XFER_RUNTIME_PROGRAM_CONTEXT_H

#include "xfer/rt/abi.h"

namespace xfer::rt {
class ThreadTeam;
}

struct xfer_context {
  xfer::rt::ThreadTeam *team = nullptr;
  xfer_status_t failure = XFER_OK; // site of the last failure
};

#endif
