#include "compiler/Schedule/ContractionSchedule.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"
#include "llvm/Support/MathExtras.h"

using namespace llvm;
using namespace xfer;

bool xfer::packingPays(const ContractionProblem &problem, FormOptions options, int64_t elementBytes) {
  options.pack = options.tapsInnermost = false;
  ContractionForm form = contractionForm(problem, options);
  if (form.pack || form.dot || form.scalar || form.lhsVector || form.reductions.empty())
    return false;
  int64_t sharing = 1;
  for (const ContractionAxis &axis : form.problem.axes)
    if (!axis.reduction && axis.rhs == 0)
      sharing *= axis.extent;
  int64_t pitch = form.axis(form.reductions.back()).rhs * elementBytes;
  // Rows a multiple of 512 bytes apart begin in 8 of the 64 sets of the first cache, far ones lie in as many pages.
  bool conflicts = pitch >= 2048 || (pitch > 0 && pitch % 512 == 0);
  return sharing >= 96 && conflicts;
}

/// With fewer registers a tile of so many rows would have one vector only, and wait for loads.
int64_t xfer::rowCutRows(const TargetDescription &target) { return target.vectorRegisters >= 32 ? 12 : 0; }

/// A single unit of multiply-adds waits for no loads; the scalars want registers.
bool xfer::sharingScalarsPays(const TargetDescription &target) {
  return target.fusedMultiplyAdd && target.fusedUnits > 1 && target.vectorRegisters >= 32;
}

int64_t xfer::sumsInFlight(const TargetDescription &target) { return target.fusedUnits * target.fusedLatency; }

int64_t xfer::setsOfSums(int64_t sums, int64_t inFlight) { return sums >= inFlight ? 1 : 2 * sums >= inFlight ? 2 : 4; }

int64_t xfer::rowsOfTail(const ContractionForm &form, const TargetDescription &target, int64_t lanes, int64_t tail) {
  // Blending broadcasts takes units of its own where it has wide vectors to win.
  if (form.dot || form.scalar || form.lhsVector || !form.row || !target.fusedMultiplyAdd || lanes < 8 ||
      2 * tail > lanes)
    return 1;
  return lanes / PowerOf2Ceil(tail);
}

namespace {
/// Cycles of register tiles.
struct TileModel {
  const ContractionForm &form;
  const TargetDescription &target;
  int64_t lanes;

  /// Vectors of sums of a tile of rows x vectors, the last of which has `tail` lanes.
  int64_t sumsOf(int64_t rows, int64_t vectors, int64_t tail) const {
    int64_t share = rows > 1 ? rowsOfTail(form, target, lanes, tail) : 1;
    return rows * (vectors - 1) + divideCeil(rows, share);
  }

  /// Whether tiles of few sums have several sets of them.
  bool isLong() const {
    return !form.dot && !form.rowCut && !form.reductions.empty() && form.axis(form.reductions.back()).extent >= 8;
  }

  /// Scalars that rows load in a step, in the mean of an unrolled loop where they share them.
  double scalarsOf(int64_t rows) const {
    int64_t shared = sharedScalars(rows);
    return shared ? double(shared) / form.axis(form.reductions.back()).extent : rows;
  }

  /// Cycles of one step of the innermost reduction for a tile of rows x vectors, the last of which has `tail` lanes.
  double step(int64_t rows, int64_t vectors, int64_t tail) const {
    double sums = sumsOf(rows, vectors, tail), blends = rows * vectors - sums, units = target.fusedUnits;
    // A single unit that joins two halves does two narrow operations at a time.
    double narrow = target.fusedUnits == 1 && tail * 2 <= lanes && blends == 0 ? rows * 0.5 : 0;
    double arithmetic = (sums - narrow) / units;
    double loads = form.lhsVector ? sums + vectors : scalarsOf(rows) + vectors;
    double issue = sums + blends + loads + 2;
    if (!target.fusedMultiplyAdd) // A product, a sum and a copy each; a broadcast is a load and a shuffle.
      issue += 2 * sums + rows;
    loads /= 1.8;
    issue /= 5;
    double latency = double(target.fusedLatency) / (isLong() ? setsOfSums(sums, sumsInFlight(target)) : 1);
    double start = 0.5; // what a step costs beside its work: bubbles of the loop
    return (std::max({arithmetic, loads, issue, latency}) + start) * (1 + 0.5 * units / sums);
  }

  /// Cycles of one step for all rows and columns.
  double cost(int64_t rows, int64_t vectors) const {
    int64_t width = form.dot || form.scalar ? vectors : vectors * lanes;
    int64_t fullRows = form.rows() / rows, restRows = form.rows() % rows;
    int64_t fullColumns = form.columns() / width;
    int64_t rest = form.columns() % width, unit = form.dot || form.scalar ? 1 : lanes;
    int64_t restVectors = divideCeil(rest, unit), tail = rest % unit ? rest % unit : lanes;
    double total = fullRows * fullColumns * step(rows, vectors, lanes);
    if (restRows)
      total += fullColumns * step(restRows, vectors, lanes);
    if (restVectors)
      total += fullRows * step(rows, restVectors, tail);
    if (restRows && restVectors)
      total += step(restRows, restVectors, tail);
    // Rows in pages of their own are as many streams to prefetch and, if whole pages apart, lines of one set.
    if (form.row && !form.stage && form.axis(*form.row).lhs * target.vectorBits / 8 / lanes >= 4096)
      total *= 1 + 0.001 * rows;
    // Each tail is more code to compile and to fetch.
    return total * (1 + 0.007 * (restRows != 0) + 0.007 * (restVectors != 0));
  }

  /// Where neighbouring rows read the same scalars at different steps of a short loop, and the loop is unrolled, LLVM
  /// keeps all of them.
  int64_t sharedScalars(int64_t rows) const {
    if (!form.row || form.reductions.empty() || form.lhsVector)
      return 0;
    const ContractionAxis &steps = form.axis(form.reductions.back());
    int64_t rowStride = form.axis(*form.row).lhs;
    if (steps.extent > 8 || steps.lhs == 0 || rowStride % steps.lhs != 0 || rowStride / steps.lhs >= steps.extent)
      return 0;
    return (rows - 1) * rowStride / steps.lhs + steps.extent;
  }

  /// Whether sums, one row of vectors and a broadcast fit into the registers.
  bool fits(int64_t rows, int64_t vectors) const {
    // Tiles of whole vectors, or one tile with the tail of all columns.
    int64_t unit = form.dot || form.scalar ? 1 : lanes, tail = form.columns() % unit;
    bool isWhole = tail == 0 || form.columns() >= vectors * unit;
    int64_t sums = sumsOf(rows, vectors, isWhole ? lanes : tail), blended = sums < rows * vectors ? 1 : 0;
    int64_t most = target.vectorRegisters >= 32 ? 24 : target.fusedMultiplyAdd ? 12 : 8;
    int64_t scalars = std::max<int64_t>(2, sharedScalars(rows));
    return sums <= most && sums + vectors + blended + scalars <= target.vectorRegisters;
  }
};
} // namespace

static void chooseTile(const TileModel &model, ContractionSchedule &schedule) {
  double best = 0;
  int64_t columns = divideCeil(model.form.columns(), model.form.dot || model.form.scalar ? 1 : model.lanes);
  for (int64_t vectors = 1; vectors <= std::min<int64_t>(columns, 8); ++vectors)
    for (int64_t rows = 1; rows <= std::min<int64_t>(model.form.rows(), 24); ++rows) {
      if (!model.fits(rows, vectors) || (model.form.rowCut && rows != model.form.rows()))
        continue;
      double cost = model.cost(rows, vectors);
      if (best == 0 || cost < best) {
        best = cost;
        schedule.rows = rows;
        schedule.vectors = vectors;
      }
    }
}

/// Taps that have rows of their own are unrolled, so they stay together.
static void keepCutTaps(const ContractionForm &form, ContractionSchedule &schedule) {
  for (auto [i, block] : zip_equal(form.reductions, schedule.reductionBlocks))
    if (form.rowCut && form.problem.windows[*form.rowCut].tap == i)
      block = std::max<int64_t>(form.axis(i).extent, 1); // of none where all taps lie in the padding
}

/// Cuts the reductions so that `limit` steps or fewer stay together, in equal parts, outermost axis first.
static void blockReductions(const ContractionForm &form, int64_t limit, ContractionSchedule &schedule) {
  int64_t inner = form.reductionProduct();
  for (unsigned i : form.reductions) {
    int64_t extent = form.axis(i).extent;
    inner = extent ? inner / extent : 0;
    int64_t block = std::clamp<int64_t>(limit / std::max<int64_t>(inner, 1), 1, std::max<int64_t>(extent, 1));
    schedule.reductionBlocks.push_back(extent ? divideCeil(extent, divideCeil(extent, block)) : 1);
    if (inner <= limit) { // The axes further inside stay whole.
      for (unsigned rest : ArrayRef(form.reductions).drop_front(schedule.reductionBlocks.size()))
        schedule.reductionBlocks.push_back(std::max<int64_t>(form.axis(rest).extent, 1));
      break;
    }
  }
  keepCutTaps(form, schedule);
}

namespace {
/// Splits the parallel work into chunks.
struct ChunkModel {
  const ContractionForm &form;
  const TargetDescription &target;
  ContractionSchedule &schedule;
  int64_t tileColumns, elementBytes;

  int64_t outerChunks() const {
    int64_t product = 1;
    for (auto [i, block] : zip_equal(form.outer, schedule.outerBlocks))
      product *= divideCeil(form.axis(i).extent, block);
    return product;
  }
  int64_t chunks() const {
    return outerChunks() * divideCeil(form.rows(), schedule.rowBlock) *
           divideCeil(form.columns(), schedule.columnBlock) * schedule.splits;
  }

  void splitRows(int64_t parts, int64_t smallest) {
    parts = std::clamp<int64_t>(parts, 1, std::max<int64_t>(1, form.rows() / std::max(smallest, schedule.rows)));
    schedule.rowBlock = alignTo(divideCeil(form.rows(), parts), schedule.rows);
  }
  void splitColumns(int64_t parts) {
    parts = std::clamp<int64_t>(parts, 1, divideCeil(form.columns(), tileColumns));
    schedule.columnBlock = alignTo(divideCeil(form.columns(), parts), tileColumns);
  }
  /// Gives each chunk less of the outer axes, first axis first, until there are `wanted` chunks.
  void splitOuter(int64_t wanted) {
    for (auto [number, i] : enumerate(form.outer)) {
      int64_t missing = divideCeil(wanted, chunks()), extent = form.axis(i).extent;
      if (missing > 1)
        schedule.outerBlocks[number] = divideCeil(extent, std::min(extent, missing));
    }
  }
};
} // namespace

/// One chunk copies one image (one index of every axis that the copy has not) and as many rows of it as the second
/// cache holds well.
static void blockStaged(ChunkModel &model) {
  const ContractionForm &form = model.form;
  int64_t budget = model.target.level2Bytes / 4 / model.elementBytes;
  auto fitting = [&](int64_t extent) {
    int64_t block = extent;
    while (block > 1 && form.stagedElements(block) > budget)
      block = divideCeil(block, 2);
    return divideCeil(extent, divideCeil(extent, block));
  };
  for (auto [number, i] : enumerate(form.outer)) {
    bool windowed =
        any_of(form.problem.windows, [axis = i](const ContractionWindow &window) { return window.outer == axis; });
    if (form.axis(i).source != 0 || (form.rowCut && !windowed))
      model.schedule.outerBlocks[number] = 1;
    if (form.stageBlock == i)
      model.schedule.outerBlocks[number] = fitting(form.axis(i).extent);
  }
  if (form.row && form.stageBlock == form.row)
    model.schedule.rowBlock =
        std::min<int64_t>(model.schedule.rowBlock, alignTo(fitting(form.rows()), model.schedule.rows));
}

/// Parts of the first reduction that together make at most 4 MiB of sums to join: as many as wanted, at least four, and
/// nearly equal ones; else 1.
static int64_t reductionSplits(const ContractionForm &form, int64_t wanted, int64_t resultBytes) {
  int64_t affordable = (4 << 20) / std::max<int64_t>(resultBytes, 1);
  if (form.reductions.empty() || affordable < std::min<int64_t>(wanted, 4))
    return 1;
  int64_t extent = form.axis(form.reductions.front()).extent, splits = std::min({wanted, affordable, extent});
  while (splits > 4 && static_cast<int64_t>(divideCeil(extent, splits)) * splits * 16 > extent * 17)
    --splits;
  return splits;
}

ContractionSchedule xfer::chooseSchedule(const ContractionForm &form, const TargetDescription &target, int64_t lanes,
                                         int64_t elementBytes) {
  ContractionSchedule schedule;
  chooseTile({form, target, lanes}, schedule);
  int64_t width = schedule.tileColumns(form, lanes);
  for (unsigned i : form.outer)
    schedule.outerBlocks.push_back(form.axis(i).extent);
  schedule.rowBlock = alignTo(form.rows(), schedule.rows);
  schedule.columnBlock = alignTo(form.columns(), width);
  ChunkModel model{form, target, schedule, width, elementBytes};

  bool sumsDominate = form.reductionProduct() > 8 * form.rows() * form.outerProduct();
  schedule.rowsInner = form.stage || sumsDominate || !form.problem.windows.empty();
  // Steps that stay together: a panel of the rhs (and a line of the lhs a step) in the first cache if it is narrow
  // enough, else a panel in the second; or a row tile of the lhs in the first.
  int64_t steps = 384;
  if (schedule.rowsInner) {
    steps = target.level1Bytes / (width * elementBytes + 64);
    if (steps < 192)
      steps = std::max<int64_t>(target.level2Bytes * 3 / 8 / (width * elementBytes), 64);
  }
  blockReductions(form, steps, schedule);

  constexpr int64_t chunkWork = 1 << 17; // vector operations, some 30 microseconds
  int64_t wanted = std::clamp<int64_t>(form.work() / lanes / chunkWork, 1, 64);
  int64_t resultElements = form.outerProduct() * form.rows() * form.columns();
  if (form.stage || form.rowCut) {
    blockStaged(model);
    model.splitColumns(divideCeil(wanted, model.chunks()));
  } else if (int64_t splits = reductionSplits(form, std::min<int64_t>(wanted, 16), resultElements * elementBytes);
             splits > 1 && sumsDominate) {
    schedule.splits = splits;
    model.splitOuter(std::min<int64_t>(wanted, 12)); // each cut reads an operand once more
  } else {
    int64_t steps = 1;
    for (int64_t block : schedule.reductionBlocks)
      steps *= block;
    int64_t widest = std::max(width, target.level2Bytes / 2 / (steps * elementBytes));
    model.splitOuter(wanted);
    model.splitColumns(divideCeil(form.columns(), widest));
    model.splitRows(divideCeil(wanted, model.chunks()), 8 * schedule.rows);
    model.splitColumns(divideCeil(form.columns(), schedule.columnBlock) * divideCeil(wanted, model.chunks()));
  }
  // Sums that leave the registers wait on the stack.
  auto waiting = [&] {
    int64_t elements = schedule.rowBlock * schedule.columnBlock;
    for (int64_t block : schedule.outerBlocks)
      elements *= block;
    return elements;
  };
  for (int64_t parts = 2; waiting() > maximalWaiting && schedule.splits == 1 && parts <= form.columns(); parts *= 2)
    model.splitColumns(parts);
  for (int64_t parts = 2; waiting() > maximalWaiting && schedule.splits == 1 && parts <= form.rows(); parts *= 2)
    model.splitRows(parts, schedule.rows);
  if (waiting() > maximalWaiting && schedule.splits == 1)
    for (int64_t &block : schedule.outerBlocks)
      block = 1;
  return schedule;
}

mlir::DictionaryAttr xfer::toAttribute(const ContractionSchedule &schedule, const ContractionForm &form,
                                       mlir::MLIRContext *context) {
  mlir::Builder b(context);
  return b.getDictionaryAttr({
      b.getNamedAttr("pack", b.getBoolAttr(form.pack)),
      b.getNamedAttr("rows", b.getI64IntegerAttr(schedule.rows)),
      b.getNamedAttr("vectors", b.getI64IntegerAttr(schedule.vectors)),
      b.getNamedAttr("reduction_blocks", b.getDenseI64ArrayAttr(schedule.reductionBlocks)),
      b.getNamedAttr("outer_blocks", b.getDenseI64ArrayAttr(schedule.outerBlocks)),
      b.getNamedAttr("row_block", b.getI64IntegerAttr(schedule.rowBlock)),
      b.getNamedAttr("column_block", b.getI64IntegerAttr(schedule.columnBlock)),
      b.getNamedAttr("splits", b.getI64IntegerAttr(schedule.splits)),
      b.getNamedAttr("rows_inner", b.getBoolAttr(schedule.rowsInner)),
  });
}

static Error wrong(StringRef knob, StringRef why) {
  return createStringError(inconvertibleErrorCode(), "schedule knob '%s' %s", knob.str().c_str(), why.str().c_str());
}

/// Reads a positive number; a knob that is missing leaves `value` as it is.
static Error readNumber(mlir::DictionaryAttr knobs, StringRef name, int64_t &value) {
  mlir::Attribute attribute = knobs.get(name);
  if (!attribute)
    return Error::success();
  auto number = mlir::dyn_cast<mlir::IntegerAttr>(attribute);
  if (!number || number.getInt() < 1)
    return wrong(name, "is not a positive number");
  value = number.getInt();
  return Error::success();
}

static Error readBlocks(mlir::DictionaryAttr knobs, StringRef name, SmallVectorImpl<int64_t> &blocks) {
  mlir::Attribute attribute = knobs.get(name);
  if (!attribute)
    return Error::success();
  auto list = mlir::dyn_cast<mlir::DenseI64ArrayAttr>(attribute);
  if (!list || list.size() != static_cast<int64_t>(blocks.size()) ||
      any_of(list.asArrayRef(), [](int64_t block) { return block < 1; }))
    return wrong(name, "is not a list of " + std::to_string(blocks.size()) + " positive numbers");
  blocks.assign(list.asArrayRef().begin(), list.asArrayRef().end());
  return Error::success();
}

Expected<ContractionSchedule> xfer::applyKnobs(ContractionSchedule schedule, const ContractionForm &form,
                                               mlir::DictionaryAttr knobs, int64_t lanes) {
  if (!knobs)
    return schedule;
  for (auto [name, value] : {std::pair<StringRef, int64_t *>("rows", &schedule.rows),
                             {"vectors", &schedule.vectors},
                             {"row_block", &schedule.rowBlock},
                             {"column_block", &schedule.columnBlock},
                             {"splits", &schedule.splits}})
    if (Error error = readNumber(knobs, name, *value))
      return std::move(error);
  if (Error error = readBlocks(knobs, "reduction_blocks", schedule.reductionBlocks))
    return std::move(error);
  if (Error error = readBlocks(knobs, "outer_blocks", schedule.outerBlocks))
    return std::move(error);
  if (auto order = knobs.getAs<mlir::BoolAttr>("rows_inner"))
    schedule.rowsInner = order.getValue();
  if (schedule.rows * schedule.vectors > 64)
    return wrong("rows", "times 'vectors' is more than any register file holds");
  schedule.rows = form.rowCut ? form.rows() : std::min(schedule.rows, form.rows());
  keepCutTaps(form, schedule);
  schedule.rowBlock = alignTo(schedule.rowBlock, schedule.rows);
  schedule.columnBlock = alignTo(schedule.columnBlock, schedule.tileColumns(form, lanes));
  if (form.stage)
    for (auto [number, i] : enumerate(form.outer))
      if (form.axis(i).source != 0 && schedule.outerBlocks[number] != 1)
        return wrong("outer_blocks", "joins images that are copied one by one");
  if (schedule.splits > 1 && (form.reductions.empty() || schedule.splits > form.axis(form.reductions.front()).extent))
    return wrong("splits", "is more than the extent of the first reduction axis");
  return schedule;
}
