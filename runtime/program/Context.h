// What stands behind the opaque xfer_context of the boundary.
#ifndef XFER_RUNTIME_PROGRAM_CONTEXT_H
#define XFER_RUNTIME_PROGRAM_CONTEXT_H

#include "xfer/rt/abi.h"

namespace xfer::rt {
class ThreadTeam;
}

struct xfer_context {
  xfer::rt::ThreadTeam *team = nullptr;
};

#endif
