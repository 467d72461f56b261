// Whether an evaluation judged the model that a run ends with.
#ifndef XFER_RUNTIME_CLI_FINALMODEL_H
#define XFER_RUNTIME_CLI_FINALMODEL_H

#include "runtime/program/Manifest.h"

namespace xfer::rt {

// True unless something behind its last turn writes a parameter or a state that it reads: a stage, an update of the
// program, a sweep that goes back to its best point. Baselines leave the model as they found it.
bool judgesFinalModel(const Manifest &manifest, size_t evaluation);

} // namespace xfer::rt

#endif
