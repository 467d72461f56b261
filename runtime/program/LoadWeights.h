// Parts of a model and tensors of weight files.
#ifndef XFER_RUNTIME_PROGRAM_LOADWEIGHTS_H
#define XFER_RUNTIME_PROGRAM_LOADWEIGHTS_H

#include "runtime/program/Session.h"

namespace xfer::rt {

// A weight file that a run started from, for run.json.
struct LoadedFile {
  std::string path, into; // as the program or the option names it; the part of the model that it filled
  uint64_t bytes = 0;
  std::string hash;
  bool taken = false; // the program takes it along
};

// Reads the weight files that the program starts from (MANIFEST.md, Loads) and gives what was read. Relative ones that
// the program does not take along are looked up in `folder`, then as they are given. The `init` passes have been run.
Expected<std::vector<LoadedFile>> loadWeights(Session &session, const std::string &folder);

} // namespace xfer::rt

#endif
