//===- ContractionReference.h - the plain sums that kernels are compared with -----------------------------------===//

#ifndef XFER_TEST_COMPILER_CODEGEN_CPU_CONTRACTIONREFERENCE_H
#define XFER_TEST_COMPILER_CODEGEN_CPU_CONTRACTIONREFERENCE_H

#include "mlir/IR/Operation.h"
#include <vector>

namespace xfer::test {

/// The result of an nn contraction in double precision, and the sum of the absolute products of each element.
struct ReferenceSums {
  std::vector<double> sums, magnitudes;
};
ReferenceSums referenceContraction(mlir::Operation *op, const std::vector<double> &lhs, const std::vector<double> &rhs);

} // namespace xfer::test

#endif // XFER_TEST_COMPILER_CODEGEN_CPU_CONTRACTIONREFERENCE_H
