//===- ContractionForm.h - which axis of a contraction does what ------------------------------------------------===//
//
// Input: a ContractionProblem. Output: the same sums with axes dropped and merged where strides allow it, and a role
// for each that is left:
//   column      the lanes of vectors: neighbours in the result, and in the rhs (or in its packed copy)
//   row         the sums that one register tile shares each vector of the rhs with
//   outer       loops around the tile
//   reductions  loops inside of it, innermost last
// Operands may change places, so that the lhs is what is broadcast (or a vector too, where both have the column axis,
// as in a depthwise convolution).
//
// Zeros outside of an image are met in one of three ways. If a tap is a loop around the tile (a filter gradient), the
// loop over places is cut to those inside of the image. If a tap is a reduction, one tile has rows with and without the
// tap: where a tile has all rows of an image, each tap has the rows that it is known to meet (`rowCut`); elsewhere the
// chunk first copies its part of the image with zeros around it (`stage`).
//
// Example, 3x3 convolution of [16,56,56,64] to 64 filters: outer n and oh, row ow, column f, reductions kh and the
// merged (kw, c), which is contiguous in the staged rows: 192 steps for each kh.
//
//===------------------------------------------------------------------------------------------------------------===//

#ifndef XFER_COMPILER_SCHEDULE_CONTRACTIONFORM_H
#define XFER_COMPILER_SCHEDULE_CONTRACTIONFORM_H

#include "compiler/Schedule/ContractionProblem.h"
#include <optional>

namespace xfer {

/// A spatial axis of the copy of the lhs with zeros around it. Place p of the copy is place p + first * outerStep - low
/// of the lhs, where `first` is the chunk's first index of the axis that the form's `stageBlock` names, or 0.
struct StagedAxis {
  int64_t sourceStride = 0, sourceExtent = 0; // in the lhs
  int64_t pitch = 0;                          // in the copy
  int64_t outerStep = 1, low = 0;
  int64_t tapReach = 0;    // places from the first tap to the last
  int64_t outerExtent = 1; // of the axis that moves the window

  int64_t places(int64_t outerCount) const { return (outerCount - 1) * outerStep + tapReach + 1; }
};

/// An axis of the packed copy of the rhs. The copy is [parallel axes][panel of columns][reductions][columns of a
/// panel].
struct PackedAxis {
  int64_t sourceStride = 0;
  int64_t extent = 1;
  bool reduction = false;
};

struct ContractionForm {
  /// Axes, windows that loops are cut to, coordinates. If packed, the rhs strides of reductions count rows of a panel.
  ContractionProblem problem;
  bool swapped = false; // the lhs is the operation's second operand
  bool dot = false;     // lanes run along the innermost reduction instead, which is contiguous on both sides
  bool stage = false;
  bool pack = false;
  bool lhsVector = false; // the lhs has the column axis too
  bool scalar = false;    // one lane only: an operand is not contiguous along the columns
  unsigned column = 0;
  std::optional<unsigned> row;
  std::optional<unsigned> rowCut; // the window along the rows, if a tile has all of them
  llvm::SmallVector<unsigned, 4> outer, reductions;

  llvm::SmallVector<StagedAxis, 3> staged; // outermost first
  int64_t stagedRun = 1;                   // neighbours that every place of the copy has
  int64_t stageOffset = 0;                 // of the lhs, at index 0 of all axes and place 0 of every window
  std::optional<unsigned> stageBlock;      // the axis of staged[0], of which a chunk may take a part
  llvm::SmallVector<PackedAxis, 6> packed;
  int64_t packSourceColumn = 1; // stride of the columns in the rhs
  int64_t packOffset = 0;       // of the source

  const ContractionAxis &axis(unsigned i) const { return problem.axes[i]; }
  int64_t rows() const { return row ? axis(*row).extent : 1; }
  int64_t columns() const { return axis(column).extent; }
  /// Elements of the staged copy for `count` indices of the blocked axis.
  int64_t stagedElements(int64_t count) const;
  /// Elements of the packed copy.
  int64_t packedElements(int64_t lanes) const;
  int64_t outerProduct() const;
  int64_t reductionProduct() const;
  /// Multiply-adds of the whole problem.
  int64_t work() const { return outerProduct() * rows() * columns() * reductionProduct(); }
};

struct FormOptions {
  bool convolution = false; // columns are channels, never places
  bool pack = false;        // packs a rhs that may also be read in place
  int64_t lanes = 1;
  int64_t tileRows = 0;       // the most rows that a tile may have for the sake of `rowCut`
  bool tapsInnermost = false; // where columns are one vector: neighbouring rows share what taps along them read
};
ContractionForm contractionForm(const ContractionProblem &problem, const FormOptions &options);

} // namespace xfer

#endif // XFER_COMPILER_SCHEDULE_CONTRACTIONFORM_H
