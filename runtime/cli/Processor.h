// Whether this processor has the instructions that a program was compiled for. Compiled without any of them itself.
#ifndef XFER_RUNTIME_CLI_PROCESSOR_H
#define XFER_RUNTIME_CLI_PROCESSOR_H

#include "xfer/rt/Status.h"
#include <vector>

namespace xfer::rt {

// The features, by LLVM's names, that this processor or its operating system lacks. Names that say nothing about
// instructions of vector code are passed over.
std::vector<std::string> missingFeatures(const std::vector<std::string> &features);

// A sentence for the user if the triple's architecture or one of the features is not this machine's.
Status checkProcessor(const std::string &triple, const std::vector<std::string> &features);

} // namespace xfer::rt

#endif
