//===- RowWise.h - which values are computed sample by sample -----------------------------------------------------===//
//
// Input: a function and the source of each argument that has one row a sample. Output: for every value whether its rows
// (along the first axis) are each computed from the same row of one source alone.
//
//   logits = x @ w          row of x's source: row i of the result needs row i of x, and all of w
//   p      = softmax(logits, axis: 1)      the same
//   m      = mean(p, axis: 0)              mixed: one value of all rows
//   p - broadcast(m)                       mixed, because m is
//   onehot(label) * broadcast(prior)       row: a broadcast of what knows no sample has equal rows
//
//===------------------------------------------------------------------------------------------------------------===//

#ifndef XFER_COMPILER_BINDINGTIME_ROWWISE_H
#define XFER_COMPILER_BINDINGTIME_ROWWISE_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Value.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/STLFunctionalExtras.h"

namespace xfer {

struct RowState {
  enum Kind {
    Invariant, // knows no sample
    Uniform,   // knows no sample, and its rows are equal
    Row,       // row i is computed from row i of `source`
    Mixed      // knows samples in any other way
  };
  Kind kind = Invariant;
  int source = -1;  // of Row
  int64_t axis = 0; // of Row: that of the samples; loops have the steps before it

  static RowState row(int source) { return {Row, source}; }
  bool operator==(const RowState &other) const {
    return kind == other.kind && source == other.source && axis == other.axis;
  }
  bool isRow() const { return kind == Row && axis == 0; }
  bool knowsNoSample() const { return kind == Invariant || kind == Uniform; }
};

class RowWiseAnalysis {
public:
  using SourceOf = llvm::function_ref<int(mlir::Value)>;
  /// `sourceOf` gives the number of the source of an argument, or of what else is the beginning of rows, with a row a
  /// sample, else -1. With `loops` a loop whose steps keep rows apart keeps them apart; between it and what reads only
  /// rows, rows may stand along another axis.
  RowWiseAnalysis(mlir::func::FuncOp function, SourceOf sourceOf, bool loops = false);

  RowState stateOf(mlir::Value value) const { return states.lookup(value); }
  /// Is it computed sample by sample?
  bool isRow(mlir::Operation &op) const {
    return llvm::any_of(op.getResults(), [&](mlir::Value result) { return stateOf(result).kind == RowState::Row; });
  }

private:
  RowState transfer(mlir::Operation &op) const;
  void enter(mlir::Operation &op, SourceOf sourceOf);
  bool enterLoop(mlir::Operation &op, SourceOf sourceOf);
  bool findStranded(mlir::Block &block);

  /// Rows along another axis that something reads which wants them along the first.
  llvm::DenseSet<mlir::Value> stranded;
  bool followsLoops;
  llvm::DenseMap<mlir::Value, RowState> states;
};

} // namespace xfer

#endif // XFER_COMPILER_BINDINGTIME_ROWWISE_H
