#include "compiler/Codegen/CPU/ContractionNest.h"
#include "compiler/Codegen/CPU/ContractionOperands.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace xfer;
using namespace xfer::cpu;
using llvm::divideCeil;

//===------------------------------------------------------------------------------------------------------------===//
// Sizes
//===------------------------------------------------------------------------------------------------------------===//

int64_t ContractionNest::boxes(const ContractionForm &form, const ContractionSchedule &schedule) {
  int64_t product = divideCeil(form.rows(), schedule.rowBlock) * divideCeil(form.columns(), schedule.columnBlock);
  for (auto [i, block] : llvm::zip_equal(form.outer, schedule.outerBlocks))
    product *= divideCeil(form.axis(i).extent, block);
  return product;
}

/// Indices of the first reduction axis that one split sums over.
static int64_t splitExtent(const ContractionForm &form, const ContractionSchedule &schedule) {
  return divideCeil(form.axis(form.reductions.front()).extent, schedule.splits);
}

/// Blocks of reduction axis number `number` within one split.
static int64_t blocksOf(const ContractionForm &form, const ContractionSchedule &schedule, unsigned number) {
  int64_t extent = number == 0 ? splitExtent(form, schedule) : form.axis(form.reductions[number]).extent;
  return std::max<int64_t>(1, divideCeil(extent, schedule.reductionBlocks[number]));
}

int64_t ContractionNest::reductionBlocks(const ContractionForm &form, const ContractionSchedule &schedule) {
  int64_t product = 1;
  for (unsigned i = 0; i < form.reductions.size(); ++i)
    product *= blocksOf(form, schedule, i);
  return product;
}

int64_t ContractionNest::waitingElements(const ContractionForm &form, const ContractionSchedule &schedule) {
  if (schedule.splits == 1 && reductionBlocks(form, schedule) == 1)
    return 0;
  int64_t product = schedule.rowBlock * schedule.columnBlock;
  for (int64_t block : schedule.outerBlocks)
    product *= block;
  return product;
}

/// Indices of the axis that moves the first window which one chunk has.
static int64_t stagedCount(const ContractionForm &form, const ContractionSchedule &schedule) {
  if (!form.stageBlock)
    return 1;
  if (form.stageBlock == form.row)
    return std::min(schedule.rowBlock, form.rows());
  for (auto [i, block] : llvm::zip_equal(form.outer, schedule.outerBlocks))
    if (i == *form.stageBlock)
      return std::min(block, form.axis(i).extent);
  return form.axis(*form.stageBlock).extent;
}

int64_t ContractionNest::stagedElements(const ContractionForm &form, const ContractionSchedule &schedule) {
  return form.stage ? form.stagedElements(stagedCount(form, schedule)) : 0;
}

//===------------------------------------------------------------------------------------------------------------===//
// Walks
//===------------------------------------------------------------------------------------------------------------===//

/// Decodes the number of a box: the columns change fastest, then the rows, then the outer axes from the last.
void ContractionNest::enterBox(Value box) {
  Value zero = k.constant(0);
  first.assign(form.problem.axes.size(), zero);
  end.assign(form.problem.axes.size(), zero);
  index.assign(form.problem.axes.size(), zero);
  rowFirst = rowIndex = zero;
  auto take = [&](unsigned axis, int64_t block) {
    int64_t extent = form.axis(axis).extent, count = divideCeil(extent, block);
    if (count <= 1) {
      end[axis] = k.constant(extent);
      return;
    }
    first[axis] = k.mul(k.rem(box, count), block);
    end[axis] = extent % block == 0 ? k.add(first[axis], block) : k.min(k.add(first[axis], block), k.constant(extent));
    box = k.div(box, count);
  };
  take(form.column, schedule.columnBlock);
  if (form.row) {
    take(*form.row, schedule.rowBlock);
    rowFirst = first[*form.row];
  }
  for (unsigned i = form.outer.size(); i-- > 0;)
    take(form.outer[i], schedule.outerBlocks[i]);
  index = first;
}

void ContractionNest::walkOuter(unsigned number, llvm::function_ref<void()> body) {
  if (number == form.outer.size())
    return body();
  unsigned axis = form.outer[number];
  Value saved = index[axis];
  auto at = [&](Value i) {
    index[axis] = i;
    walkOuter(number + 1, body);
  };
  if (schedule.outerBlocks[number] == 1)
    at(first[axis]);
  else
    k.loop(first[axis], end[axis], 1, at);
  index[axis] = saved;
}

/// Whole steps of one axis of the box, then the tail of the axis where the box has it.
static void walkSteps(KernelBuilder &k, int64_t extent, int64_t block, int64_t step, Value first,
                      llvm::function_ref<void(Value, int64_t)> body) {
  int64_t whole = extent / step * step, tail = extent - whole;
  bool single = block >= extent;
  if (whole) {
    Value end = k.add(first, block);
    if (single)
      end = k.constant(whole);
    else if (extent % block != 0)
      end = k.min(end, k.constant(whole));
    k.loop(first, end, step, [&](Value i) { body(i, step); });
  }
  if (!tail)
    return;
  Value last = k.constant(whole);
  if (single)
    return body(last, tail);
  k.when(k.less(k.constant(extent - 1), k.add(first, block)), [&] { body(last, tail); });
}

void ContractionNest::walkRows(int64_t step, RowFn body) {
  if (!form.row)
    return body(1);
  walkSteps(k, form.rows(), schedule.rowBlock, step, rowFirst, [&](Value row, int64_t count) {
    index[*form.row] = rowIndex = row;
    body(count);
  });
  index[*form.row] = rowIndex = rowFirst;
}

void ContractionNest::walkColumns(int64_t step, RowFn body) {
  walkSteps(k, form.columns(), schedule.columnBlock, step, first[form.column], [&](Value column, int64_t count) {
    index[form.column] = column;
    body(count);
  });
  index[form.column] = first[form.column];
}

void ContractionNest::walkTiles(llvm::function_ref<void(int64_t, int64_t)> body) {
  int64_t columnStep = schedule.tileColumns(form, kind.lanes);
  if (schedule.rowsInner)
    return walkColumns(columnStep, [&](int64_t columns) {
      walkOuter(0, [&] { walkRows(schedule.rows, [&](int64_t rows) { body(rows, columns); }); });
    });
  walkOuter(0, [&] {
    walkRows(schedule.rows,
             [&](int64_t rows) { walkColumns(columnStep, [&](int64_t columns) { body(rows, columns); }); });
  });
}

//===------------------------------------------------------------------------------------------------------------===//
// Reductions
//===------------------------------------------------------------------------------------------------------------===//

/// Sets first and end of the reduction axes to those of one block of one split.
void ContractionNest::enterReductionBlock(Value number, Value split) {
  for (unsigned i = form.reductions.size(); i-- > 0;) {
    unsigned axis = form.reductions[i];
    int64_t extent = form.axis(axis).extent, blocks = blocksOf(form, schedule, i), block = schedule.reductionBlocks[i];
    Value lower = k.constant(0), upper = k.constant(extent);
    if (i == 0 && schedule.splits > 1) {
      int64_t length = splitExtent(form, schedule);
      lower = k.mul(split, length);
      upper = k.min(k.add(lower, length), k.constant(extent));
    }
    if (blocks > 1) {
      lower = k.add(lower, k.mul(k.rem(number, blocks), block));
      upper = k.min(k.add(lower, block), upper);
      number = k.div(number, blocks);
    }
    first[axis] = lower;
    end[axis] = upper;
  }
}

/// ceil(x / divisor) of any x above -2^32.
static Value ceilDiv(KernelBuilder &k, Value x, int64_t divisor) {
  if (divisor == 1)
    return x;
  int64_t shift = int64_t(1) << 32;
  return k.add(k.div(k.add(x, shift * divisor + divisor - 1), divisor), -shift);
}

/// The loops over the reductions of the block, each cut to the places that lie inside of the image.
SmallVector<ReductionLoop> ContractionNest::reductionLoops(int64_t panelColumns) {
  SmallVector<ReductionLoop> loops;
  for (unsigned axis : form.reductions) {
    int64_t rhs = form.axis(axis).rhs * (form.pack ? panelColumns : 1);
    loops.push_back({first[axis], end[axis], form.axis(axis).lhs, rhs});
  }
  for (auto [number, window] : llvm::enumerate(form.problem.windows)) {
    bool tapReduces = form.axis(window.tap).reduction;
    unsigned cut = tapReduces ? window.tap : window.outer, fixed = tapReduces ? window.outer : window.tap;
    int64_t cutStep = tapReduces ? window.tapStep : window.outerStep;
    int64_t fixedStep = tapReduces ? window.outerStep : window.tapStep;
    // 0 <= cut * cutStep + fixed * fixedStep - low < extent
    Value shift = k.sub(k.constant(window.low), k.mul(index[fixed], fixedStep));
    ReductionLoop &loop = loops[llvm::find(form.reductions, cut) - form.reductions.begin()];
    if (form.rowCut == number) {
      loop.rowCut = &window;
      continue;
    }
    loop.lower = k.max(loop.lower, ceilDiv(k, shift, cutStep));
    loop.upper = k.min(loop.upper, ceilDiv(k, k.add(shift, window.extent), cutStep));
  }
  return loops;
}

//===------------------------------------------------------------------------------------------------------------===//
// Addresses
//===------------------------------------------------------------------------------------------------------------===//

Value ContractionNest::lhsAddress() {
  Value place = k.constant(form.stage ? 0 : form.problem.lhsOffset);
  for (auto [i, axis] : llvm::enumerate(form.problem.axes)) {
    if (axis.reduction || axis.lhs == 0)
      continue;
    Value at = form.stage && form.stageBlock == i ? k.sub(index[i], first[i]) : index[i];
    place = k.add(place, k.mul(at, axis.lhs));
  }
  return k.address(kind.element, form.stage ? buffers.stagedStack : buffers.lhs, place);
}

Value ContractionNest::rhsAddress() {
  Value place = k.constant(form.pack ? 0 : form.problem.rhsOffset);
  for (auto [i, axis] : llvm::enumerate(form.problem.axes)) {
    if (axis.reduction || axis.rhs == 0)
      continue;
    int64_t stride = form.pack && i == form.column ? form.reductionProduct() : axis.rhs;
    place = k.add(place, k.mul(index[i], stride));
  }
  return k.address(kind.element, form.pack ? buffers.packed : buffers.rhs, place);
}

/// Where the sum of (row, column) of the present tile waits.
Value ContractionNest::waitingAddress(Value base, int64_t row, int64_t column) {
  Value place = k.constant(0);
  for (auto [i, block] : llvm::zip_equal(form.outer, schedule.outerBlocks))
    place = k.add(k.mul(place, block), k.sub(index[i], first[i]));
  place = k.add(k.mul(place, schedule.rowBlock), k.sub(rowIndex, rowFirst));
  place = k.add(k.mul(place, schedule.columnBlock), k.sub(index[form.column], first[form.column]));
  return k.address(kind.accumulator, k.address(kind.accumulator, base, place), row * schedule.columnBlock + column);
}

//===------------------------------------------------------------------------------------------------------------===//
// Tiles
//===------------------------------------------------------------------------------------------------------------===//

/// The lanes of each vector of a row of `columns` columns.
static SmallVector<int64_t> vectorWidths(int64_t columns, int64_t lanes) {
  SmallVector<int64_t> widths(columns / lanes, lanes);
  if (columns % lanes)
    widths.push_back(columns % lanes);
  return widths;
}

void ContractionNest::tile(int64_t rows, int64_t columns) {
  SmallVector<int64_t> widths = form.dot      ? SmallVector<int64_t>{columns}
                                : form.scalar ? SmallVector<int64_t>(columns, 1)
                                              : vectorWidths(columns, kind.lanes);
  SmallVector<int64_t> loaded = widths;
  if (form.pack) // The copy has zeros behind the last column: a round number of lanes is one load.
    for (int64_t &width : loaded)
      width = llvm::PowerOf2Ceil(width);
  SmallVector<ReductionLoop> loops = reductionLoops(widths.size() * kind.lanes);
  SmallVector<Value> sums = SumsTile(k, kind, rows, loaded, loops).sums(lhsAddress(), rhsAddress());
  bool resumes = reductionBlocks(form, schedule) > 1;
  Value base = buffers.waiting ? buffers.waiting : buffers.waitingStack;
  auto eachVector = [&](llvm::function_ref<void(int64_t, int64_t, int64_t, Value &)> body) {
    for (int64_t r = 0, i = 0; r < rows; ++r) {
      int64_t column = 0;
      for (int64_t width : widths) {
        body(r, column, width, sums[i++]);
        column += width;
      }
    }
  };
  eachVector([&](int64_t, int64_t, int64_t width, Value &sum) {
    if (cast<VectorType>(sum.getType()).getDimSize(0) != width)
      sum = vector::ExtractStridedSliceOp::create(k.builder(), k.location(), sum, ArrayRef<int64_t>{0},
                                                  ArrayRef<int64_t>{width}, ArrayRef<int64_t>{1});
  });
  if (!base)
    return finishTile(sums, rows, widths);
  eachVector([&](int64_t r, int64_t column, int64_t width, Value &sum) {
    Value address = waitingAddress(base, r, column);
    if (resumes)
      sum = k.addElements(k.load(sum.getType(), address), sum);
    k.store(sum, address);
  });
}

EpilogueTile ContractionNest::describeTile(Value sums, int64_t row, int64_t column) {
  Value rowAt = k.add(rowIndex, row), columnAt = k.add(index[form.column], column);
  auto indexOf = [this, rowAt, columnAt](unsigned axis) {
    return axis == form.column ? columnAt : form.row == axis ? rowAt : index[axis];
  };
  EpilogueTile tile;
  tile.sums = sums;
  tile.lanes = cast<VectorType>(sums.getType()).getDimSize(0);
  tile.buffers = buffers.all;
  tile.axis = 0;
  for (auto [i, coordinate] : llvm::enumerate(form.problem.coordinates))
    for (const CoordinateTerm &term : coordinate.terms)
      if (term.axis == form.column)
        tile.axis = i;
  tile.coordinate = [this, indexOf](unsigned resultAxis) {
    const ResultCoordinate &coordinate = form.problem.coordinates[resultAxis];
    Value sum = k.constant(coordinate.constant);
    for (const CoordinateTerm &term : coordinate.terms) {
      Value part = k.div(indexOf(term.axis), term.divisor);
      if (term.modulus)
        part = k.rem(part, term.modulus);
      sum = k.add(sum, k.mul(part, term.factor));
    }
    return sum;
  };
  Value offset = k.constant(form.problem.resultOffset);
  for (auto [i, axis] : llvm::enumerate(form.problem.axes))
    if (!axis.reduction)
      offset = k.add(offset, k.mul(indexOf(i), axis.result));
  tile.offset = offset;
  return tile;
}

/// Sends the sums through the epilogue, all of them before the first is stored, so that what the epilogue reads for
/// several rows is read once.
void ContractionNest::finishTile(ArrayRef<Value> sums, int64_t rows, ArrayRef<int64_t> widths) {
  SmallVector<std::pair<Value, Value>> stores;
  for (int64_t r = 0, i = 0; r < rows; ++r) {
    int64_t column = 0;
    for (int64_t width : widths) {
      EpilogueTile tile = describeTile(sums[i++], r, column);
      Value value = epilogue ? epilogue(k.builder(), k.location(), tile) : k.convert(tile.sums, resultElement);
      if (value)
        stores.push_back({value, tile.offset});
      column += width;
    }
  }
  for (auto [value, offset] : stores)
    k.store(value, k.address(resultElement, buffers.result, offset));
}

/// Adds the parts of every sum of the box in their order and finishes it.
void ContractionNest::finishBox(ArrayRef<Value> parts) {
  walkOuter(0, [&] {
    walkRows(1, [&](int64_t) {
      walkColumns(kind.lanes, [&](int64_t columns) {
        VectorType type = VectorType::get({columns}, kind.accumulator);
        Value sum;
        for (Value part : parts) {
          Value value = k.load(type, waitingAddress(part, 0, 0));
          sum = sum ? k.addElements(sum, value) : value;
        }
        finishTile(sum, 1, columns);
      });
    });
  });
}

//===------------------------------------------------------------------------------------------------------------===//
// Chunks
//===------------------------------------------------------------------------------------------------------------===//

void ContractionNest::stage() {
  if (!form.stage || form.reductionProduct() == 0)
    return;
  Value place = k.constant(form.stageOffset);
  for (auto [i, axis] : llvm::enumerate(form.problem.axes))
    if (axis.source != 0)
      place = k.add(place, k.mul(index[i], axis.source));
  Value from = form.stageBlock ? first[*form.stageBlock] : k.constant(0);
  emitStage(k, form, kind.element, k.address(kind.element, buffers.lhs, place), buffers.stagedStack, from,
            stagedCount(form, schedule));
}

void ContractionNest::emitSums(Value chunk, const NestBuffers &given) {
  buffers = given;
  int64_t elements = waitingElements(form, schedule);
  int64_t blocks = reductionBlocks(form, schedule);
  Value split = k.rem(chunk, schedule.splits), box = k.div(chunk, schedule.splits);
  enterBox(box);
  stage();
  if (schedule.splits > 1)
    buffers.waiting = k.address(kind.accumulator, buffers.waiting, k.mul(chunk, elements));
  if (blocks > 1)
    LLVM::MemsetOp::create(k.builder(), k.location(), buffers.waiting ? buffers.waiting : buffers.waitingStack,
                           k.zero(k.builder().getI8Type()),
                           k.constant(elements * kind.accumulator.getIntOrFloatBitWidth() / 8), /*isVolatile=*/false);
  k.loop(k.constant(0), k.constant(blocks), 1, [&](Value block) {
    enterReductionBlock(block, split);
    walkTiles([&](int64_t rows, int64_t columns) { tile(rows, columns); });
  });
  if (blocks > 1 && schedule.splits == 1)
    finishBox(buffers.waitingStack);
}

void ContractionNest::emitJoin(Value box, const NestBuffers &given) {
  buffers = given;
  int64_t elements = waitingElements(form, schedule);
  enterBox(box);
  SmallVector<Value> parts;
  for (int64_t split = 0; split < schedule.splits; ++split)
    parts.push_back(
        k.address(kind.accumulator, buffers.waiting, k.mul(k.add(k.mul(box, schedule.splits), split), elements)));
  finishBox(parts);
}
