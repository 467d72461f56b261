//===- ContractionSchedule.h - the knobs of a contraction, and a model that sets them ---------------------------===//
//
// A schedule is data: a dictionary in the IR that the tuner, a reader and the tests all see.
//
//   pack              whether the rhs is copied into panels first (it is anyway where its columns are not contiguous)
//   rows, vectors     the register tile: rows x vectors sums (a `dot` form: rows x columns)
//   reduction_blocks  one for each reduction axis of the form: how far sums go before they leave the registers
//   outer_blocks      one for each outer axis: how much of it is one chunk's
//   row_block, column_block   the same for the row axis and the columns
//   splits            parts of the first reduction axis, summed by different chunks, joined in order at the end
//   rows_inner        inside a chunk: true walks the rows for each panel of columns, false the panels for each row tile
//   phases            a dictionary of these for each of several contractions, as an input gradient with strides has
//
// The model counts cycles of the register tile and its tails on the target's units, then blocks for the caches.
//
//===------------------------------------------------------------------------------------------------------------===//

#ifndef XFER_COMPILER_SCHEDULE_CONTRACTIONSCHEDULE_H
#define XFER_COMPILER_SCHEDULE_CONTRACTIONSCHEDULE_H

#include "compiler/Schedule/ContractionForm.h"
#include "compiler/Target/TargetDescription.h"
#include "mlir/IR/BuiltinAttributes.h"

namespace xfer {

/// Sums of one chunk that may wait on the stack while reductions go on.
constexpr int64_t maximalWaiting = 1 << 16;

struct ContractionSchedule {
  int64_t rows = 1, vectors = 1;
  llvm::SmallVector<int64_t, 4> reductionBlocks, outerBlocks;
  int64_t rowBlock = 1, columnBlock = 1;
  int64_t splits = 1;
  bool rowsInner = false;

  /// Columns of a register tile, for vectors of `lanes` elements.
  int64_t tileColumns(const ContractionForm &form, int64_t lanes) const {
    return form.dot || form.scalar ? vectors : vectors * lanes;
  }
};

/// Whether packing pays for this problem, by the model.
bool packingPays(const ContractionProblem &problem, FormOptions options, int64_t elementBytes);
/// The rows that a tile may have on this target for the sake of the form's `rowCut`.
int64_t rowCutRows(const TargetDescription &target);
/// Whether scalars that are loaded once for several rows pay on this target (`FormOptions::tapsInnermost`).
bool sharingScalarsPays(const TargetDescription &target);

/// Multiply-adds to different sums that keep the target's units busy.
int64_t sumsInFlight(const TargetDescription &target);
/// Sets of `sums` sums that a tile carries, each for its steps of the innermost loop, so that so many are in flight.
int64_t setsOfSums(int64_t sums, int64_t inFlight);
/// Rows of a register tile that share one vector for the last `tail` columns; 1 where each has its own.
int64_t rowsOfTail(const ContractionForm &form, const TargetDescription &target, int64_t lanes, int64_t tail);

/// What the model chooses; `elementBytes` is the size of an accumulator.
ContractionSchedule chooseSchedule(const ContractionForm &form, const TargetDescription &target, int64_t lanes,
                                   int64_t elementBytes);

/// The schedule with the knobs of `attributes` set; those that are missing stay. Fails with a message if a knob has the
/// wrong type or a value that does not fit the form.
llvm::Expected<ContractionSchedule> applyKnobs(ContractionSchedule schedule, const ContractionForm &form,
                                               mlir::DictionaryAttr attributes, int64_t lanes);
mlir::DictionaryAttr toAttribute(const ContractionSchedule &schedule, const ContractionForm &form,
                                 mlir::MLIRContext *context);

} // namespace xfer

#endif // XFER_COMPILER_SCHEDULE_CONTRACTIONSCHEDULE_H
