// Parts of a model and tensors of weight files.
#ifndef XFER_RUNTIME_PROGRAM_LOADWEIGHTS_H
#define XFER_RUNTIME_PROGRAM_LOADWEIGHTS_H

#include "runtime/program/Session.h"
#include "runtime/weights/Layout.h"

namespace xfer::rt {

WeightLayout layoutOf(const Variable &variable);

// Reads the weight files that the program starts from (MANIFEST.md, Loads); relative ones are looked up in `folder`,
// then as they are given. The `init` passes have been run.
Status loadWeights(Session &session, const std::string &folder);

} // namespace xfer::rt

#endif
