//===- ContractionTile.h - the sums that stay in registers ------------------------------------------------------===//
//
// A register tile is rows x columns sums, carried through the loops over the reduction axes. One step loads a row of
// the rhs as vectors and each lhs scalar once, broadcast, so r x v multiply-adds cost r + v loads:
//
//   for k:   b0, b1 = rhs[k, 0..], rhs[k, 16..];   for r: a = splat(lhs[r, k]);  s[r][0] += a * b0;  s[r][1] += a * b1
//
// Where the last columns fill at most half of a vector, several rows share one for them, each with its part of the
// lanes: of 20 columns and 16 lanes, four rows have 4 lanes each, `a` is put together of their broadcasts, and the 4
// columns are repeated. 12 rows then take 12 + 3 multiply-adds and 9 blends, which other units do, instead of 24
// multiply-adds.
//
// A tile of few sums would wait for each multiply-add before the next one to the same sum. It has two or four sets of
// them, for every second or fourth step of the innermost loop, which are added up at the end.
//
// In the dot form lanes run along k instead and are added up at the end.
//
//===------------------------------------------------------------------------------------------------------------===//

#ifndef XFER_COMPILER_CODEGEN_CPU_CONTRACTIONTILE_H
#define XFER_COMPILER_CODEGEN_CPU_CONTRACTIONTILE_H

#include "compiler/Codegen/CPU/KernelBuilder.h"
#include "compiler/Schedule/ContractionProblem.h"
#include "llvm/Support/MathExtras.h"

namespace xfer::cpu {

struct ReductionLoop {
  mlir::Value lower, upper;
  int64_t lhsStride = 0, rhsStride = 0;
  /// Not null if the loop runs over taps, each of which meets some rows of the tile only: it is unrolled then.
  const ContractionWindow *rowCut = nullptr;
};

/// What does not change from tile to tile of one kernel.
struct TileKind {
  mlir::Type element, accumulator;
  bool fused = true; // multiply-adds of the target round once
  bool dot = false, lhsVector = false;
  bool shareTails = false;     // rows share a vector for their last columns
  int64_t lanes = 1;           // of a whole vector
  int64_t inFlight = 1;        // multiply-adds to different sums that keep the units busy
  int64_t lhsRowStride = 0;    // elements
  int64_t lhsColumnStride = 0; // where the lhs is a vector too
  int64_t rhsColumnStride = 1;
};

class SumsTile {
public:
  /// `widths` are the lanes of each vector of a row; in the dot form one entry, the number of columns. `loops` are
  /// those over the reductions, outermost first.
  SumsTile(KernelBuilder &builder, const TileKind &kind, int64_t rows, llvm::ArrayRef<int64_t> widths,
           llvm::ArrayRef<ReductionLoop> loops);

  /// The products along the loops, summed, row by row, each row as one vector for each of `widths`. `lhs` and `rhs` are
  /// the addresses of the tile's first row and column at index 0 of every loop.
  llvm::SmallVector<mlir::Value> sums(mlir::Value lhs, mlir::Value rhs);

private:
  /// Sums of one set.
  int64_t count() const { return rows * widths.size() + (tail ? llvm::divideCeil(rows, share) : 0); }
  llvm::SmallVector<mlir::Value> zeros();
  /// Adds the products along the loops to `sums`: set by set, row by row, then the vectors that rows share.
  llvm::SmallVector<mlir::Value> accumulate(mlir::Value lhs, mlir::Value rhs, llvm::ArrayRef<ReductionLoop> loops,
                                            mlir::ValueRange sums);
  llvm::SmallVector<mlir::Value> rowByRow(mlir::ValueRange sums);
  /// Rows `first` to `end` of the tile, for products that the others have no part in.
  SumsTile part(int64_t first, int64_t end) const;
  /// The sums of such a part, by their numbers among all.
  llvm::SmallVector<unsigned> partOfSums(int64_t first, int64_t end) const;
  mlir::Value sharedLeft(llvm::ArrayRef<mlir::Value> broadcasts, int64_t group);
  llvm::SmallVector<mlir::Value> rowsOfTaps(mlir::Value lhs, mlir::Value rhs, llvm::ArrayRef<ReductionLoop> loops,
                                            mlir::ValueRange sums);
  llvm::SmallVector<mlir::Value> step(mlir::Value lhs, mlir::Value rhs, mlir::ValueRange sums);
  llvm::SmallVector<mlir::Value> dotLoop(mlir::Value lhs, mlir::Value rhs, const ReductionLoop &loop,
                                         mlir::ValueRange sums);
  mlir::Value loadElements(mlir::Value base, int64_t index, int64_t lanes, int64_t stride);

  KernelBuilder &k;
  const TileKind &kind;
  int64_t rows;
  llvm::SmallVector<int64_t, 8> widths; // without that of a shared vector
  int64_t tail = 0, share = 1;          // columns of a shared vector, rows that share it
  llvm::ArrayRef<ReductionLoop> loops;
  int64_t sets = 1;
  int64_t firstRow = 0; // of a part: where it begins in the whole tile
  bool isPart = false;
};

} // namespace xfer::cpu

#endif // XFER_COMPILER_CODEGEN_CPU_CONTRACTIONTILE_H
