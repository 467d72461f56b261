// What a program that was built with its weights beside it finds there: its constants and the weight files that it
// takes along (xfer/rt/weights.h). An exported program has both inside.
#ifndef XFER_RUNTIME_CLI_WEIGHTSBESIDE_H
#define XFER_RUNTIME_CLI_WEIGHTSBESIDE_H

#include "runtime/cli/Embedded.h"

namespace xfer::rt {

// Fills the program's constants and finds its files where they are not part of the executable. Before this none of its
// functions is called.
Status openWeightsBeside(const xfer_program_t &program, const Manifest &manifest, Executable &executable);

} // namespace xfer::rt

#endif
