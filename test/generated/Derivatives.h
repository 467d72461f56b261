//===- Derivatives.h - gradients of a step beside differences of its loss ---------------------------------------===//

#ifndef XFER_TEST_GENERATED_DERIVATIVES_H
#define XFER_TEST_GENERATED_DERIVATIVES_H

#include "test/reference/Reference.h"

namespace xfer::generated {

struct DerivativeFindings {
  unsigned checked = 0;
  unsigned kinks = 0; ///< where the loss bends on the way, or is a piece of code with a derivative of its own
  std::vector<std::string> mistakes;
};

/// For every nn.gradient that stands at the top of `function`: the derivative of its loss along a random direction of
/// all its variables, from the gradient that the compiler writes out and from central differences of the loss, both by
/// the reference in double precision.
DerivativeFindings checkGradients(mlir::func::FuncOp function, llvm::ArrayRef<reference::HostTensor> inputs);

} // namespace xfer::generated

#endif // XFER_TEST_GENERATED_DERIVATIVES_H
