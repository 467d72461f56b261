// The constants of a program that was built with its weights beside it: from the model inside an exported program, else
// from the file beside the executable (xfer/rt/weights.h).
#ifndef XFER_RUNTIME_CLI_CONSTANTS_H
#define XFER_RUNTIME_CLI_CONSTANTS_H

#include "runtime/cli/Embedded.h"

namespace xfer::rt {

// Fills the program's constants where they are not part of the executable. Before this none of its functions is called.
Status fillConstants(const xfer_program_t &program, const Manifest &manifest, const Executable &executable);

} // namespace xfer::rt

#endif
