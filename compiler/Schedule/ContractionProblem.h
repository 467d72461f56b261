//===- ContractionProblem.h - matrix products and convolutions as one family ------------------------------------===//
//
// Every contraction is   result[parallel axes] = sum over the reduction axes of lhs[..] * rhs[..]   in which each
// operand is addressed by one stride an axis. A convolution adds windows: the place in the image along one spatial axis
// is `outer * outerStep + tap * tapStep - low`, and what lies outside of [0, extent) counts as zero.
//
// Examples (strides in elements, row-major):
//   a[M,K] * b[K,N]          m (lhs K, result N), n (rhs 1, result 1), k (lhs 1, rhs N)
//   conv, one spatial axis   n, ow, f parallel; kw, c reductions; window {ow, kw}
//   its filter gradient      kw, c, f parallel; n, ow reductions; the same window, with the roles exchanged
//   its input gradient       one problem for each phase of the stride: within a phase the taps that meet it and the
//                            places of dy that they read are arithmetic progressions, so each phase is a plain conv
//
//===------------------------------------------------------------------------------------------------------------===//

#ifndef XFER_COMPILER_SCHEDULE_CONTRACTIONPROBLEM_H
#define XFER_COMPILER_SCHEDULE_CONTRACTIONPROBLEM_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include <cstdint>

namespace xfer {

struct ContractionAxis {
  int64_t extent = 1;
  bool reduction = false;
  int64_t lhs = 0, rhs = 0, result = 0; // strides in elements; 0 where the operand does not depend on the axis
  int64_t source = 0;                   // stride in the lhs itself, where `lhs` is that of a copy (ContractionForm.h)
};

/// lhs index along one spatial axis: outer * outerStep + tap * tapStep - low, zero outside of [0, extent).
struct ContractionWindow {
  unsigned outer = 0, tap = 0; // axes
  int64_t outerStep = 1, tapStep = 1, low = 0, extent = 0;
  int64_t lhsStride = 0; // of the spatial axis in the lhs

  int64_t first(int64_t outerIndex, int64_t taps) const;
};

/// A part of a coordinate of the result: (index of axis / divisor % modulus) * factor; modulus 0 stands for none.
struct CoordinateTerm {
  unsigned axis = 0;
  int64_t divisor = 1, modulus = 0, factor = 1;
};

struct ResultCoordinate {
  llvm::SmallVector<CoordinateTerm, 2> terms;
  int64_t constant = 0;
};

struct ContractionProblem {
  llvm::SmallVector<ContractionAxis, 8> axes; // from the outermost to the innermost
  llvm::SmallVector<ContractionWindow, 3> windows;
  int64_t lhsOffset = 0, rhsOffset = 0, resultOffset = 0; // of the element at index 0 of every axis
  llvm::SmallVector<ResultCoordinate, 5> coordinates;     // one for each axis of the operation's result
  int64_t resultElements = 0;                             // of the whole result, of which a phase is a part
};

/// Shapes and numbers of a convolution: x [n, spatial.., c], w [kernel.., c / groups, f], y [n, out.., f].
struct ConvolutionShape {
  llvm::SmallVector<int64_t, 5> x, w, y;
  llvm::SmallVector<int64_t, 3> strides, low, dilations;
  int64_t groups = 1;
};

/// The axes named are batch axes and contracted axes, as in nn.contract.
ContractionProblem contractProblem(llvm::ArrayRef<int64_t> lhs, llvm::ArrayRef<int64_t> rhs,
                                   llvm::ArrayRef<int64_t> lhsBatch, llvm::ArrayRef<int64_t> rhsBatch,
                                   llvm::ArrayRef<int64_t> lhsContract, llvm::ArrayRef<int64_t> rhsContract);
/// lhs = x, rhs = w.
ContractionProblem convProblem(const ConvolutionShape &shape);
/// lhs = x, rhs = dy.
ContractionProblem convFilterGradientProblem(const ConvolutionShape &shape);
/// lhs = dy, rhs = w: one problem for each phase of the strides, which write disjoint parts of the result.
llvm::SmallVector<ContractionProblem, 4> convInputGradientProblems(const ConvolutionShape &shape);

/// Row-major strides of a shape.
llvm::SmallVector<int64_t, 5> rowMajorStrides(llvm::ArrayRef<int64_t> shape);

} // namespace xfer

#endif // XFER_COMPILER_SCHEDULE_CONTRACTIONPROBLEM_H
