//===- ContractionNest.h - the loops around the register tiles --------------------------------------------------===//
//
// A chunk is a box of the result: some of each outer axis, rows, columns (and one part of the reductions, if they are
// split). It is worked on as
//
//   stage its part of the lhs, if the form says so
//   for blocks of the reductions:  for outer, rows, columns (in the order of the schedule):  one register tile
//
// With one block and no split the sums go from registers through the epilogue into the result. Otherwise they wait in
// a box of their own (on the stack, or in scratch memory where another phase joins the parts in order), and the
// epilogue sees them in a last walk over the box. Tails are tiles of their own size, never masks.
//
//===------------------------------------------------------------------------------------------------------------===//

#ifndef XFER_COMPILER_CODEGEN_CPU_CONTRACTIONNEST_H
#define XFER_COMPILER_CODEGEN_CPU_CONTRACTIONNEST_H

#include "compiler/Codegen/CPU/Contraction.h"
#include "compiler/Codegen/CPU/ContractionTile.h"
#include "compiler/Schedule/ContractionSchedule.h"

namespace xfer::cpu {

/// Addresses that a chunk works with. `packed` and `waiting` are parts of the scratch buffer.
struct NestBuffers {
  llvm::ArrayRef<mlir::Value> all;
  mlir::Value lhs, rhs, result, packed, waiting;
  mlir::Value stagedStack, waitingStack;
};

class ContractionNest {
public:
  ContractionNest(KernelBuilder &builder, const ContractionForm &form, const ContractionSchedule &schedule,
                  const TileKind &kind, mlir::Type resultElement, const EpilogueFn &epilogue)
      : k(builder), form(form), schedule(schedule), kind(kind), resultElement(resultElement), epilogue(epilogue) {}

  /// Boxes of the result; the sums have `splits` chunks for each.
  static int64_t boxes(const ContractionForm &form, const ContractionSchedule &schedule);
  /// Blocks that the reductions of one split are cut into.
  static int64_t reductionBlocks(const ContractionForm &form, const ContractionSchedule &schedule);
  /// Elements of the box in which sums wait; 0 if they need not.
  static int64_t waitingElements(const ContractionForm &form, const ContractionSchedule &schedule);
  /// Elements of the staged copy of a chunk; 0 if there is none.
  static int64_t stagedElements(const ContractionForm &form, const ContractionSchedule &schedule);

  void emitSums(mlir::Value chunk, const NestBuffers &buffers);
  void emitJoin(mlir::Value box, const NestBuffers &buffers);

private:
  using RowFn = llvm::function_ref<void(int64_t count)>;
  void enterBox(mlir::Value box);
  void walkOuter(unsigned number, llvm::function_ref<void()> body);
  void walkRows(int64_t step, RowFn body);
  void walkColumns(int64_t step, RowFn body);
  void walkTiles(llvm::function_ref<void(int64_t rows, int64_t columns)> body);
  void stage();
  void enterReductionBlock(mlir::Value number, mlir::Value split);
  llvm::SmallVector<ReductionLoop> reductionLoops(int64_t panelColumns);
  mlir::Value lhsAddress();
  mlir::Value rhsAddress();
  mlir::Value waitingAddress(mlir::Value base, int64_t row, int64_t column);
  void tile(int64_t rows, int64_t columns);
  void finishTile(llvm::ArrayRef<mlir::Value> sums, int64_t rows, llvm::ArrayRef<int64_t> widths);
  void finishBox(llvm::ArrayRef<mlir::Value> parts);
  EpilogueTile describeTile(mlir::Value sums, int64_t row, int64_t column);

  KernelBuilder &k;
  const ContractionForm &form;
  const ContractionSchedule &schedule;
  const TileKind &kind;
  mlir::Type resultElement;
  const EpilogueFn &epilogue;

  // Where the walk stands: first, end and present index of each axis of the form. The row axis may be missing.
  llvm::SmallVector<mlir::Value, 8> first, end, index;
  mlir::Value rowFirst, rowIndex;
  NestBuffers buffers;
};

} // namespace xfer::cpu

#endif // XFER_COMPILER_CODEGEN_CPU_CONTRACTIONNEST_H
