// What a stage leaves to those who come after it, besides the model: the states of its own that evaluations and exports
// read, such as an average of the weights.
#ifndef XFER_RUNTIME_PROGRAM_OUTCOME_H
#define XFER_RUNTIME_PROGRAM_OUTCOME_H

#include "runtime/program/Session.h"

namespace xfer::rt {

// By position: is it a state that an evaluation or an export reads?
std::vector<bool> statesRead(const Manifest &manifest);
// The same: is it a state of a stage that an evaluation or an export reads?
std::vector<bool> readBehindStages(const Manifest &manifest);

// The model, and the states of stage `of` that are read behind it: of a baseline with a run of its own (`stage`) the
// values are those of its stage's states of the same name.
Snapshot outcome(const Session &session, int of, int stage);

// As it is now, every variable that one of the snapshots holds.
Snapshot current(const Session &session, const std::vector<Snapshot> &snapshots);

} // namespace xfer::rt

#endif // XFER_RUNTIME_PROGRAM_OUTCOME_H
