#include "compiler/Codegen/CPU/ContractionOperands.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace xfer;
using namespace xfer::cpu;

//===------------------------------------------------------------------------------------------------------------===//
// The packed rhs
//===------------------------------------------------------------------------------------------------------------===//

int64_t RhsPacker::chunks() const {
  int64_t product = llvm::divideCeil(form.columns(), panelColumns);
  for (const PackedAxis &axis : form.packed)
    if (!axis.reduction)
      product *= axis.extent;
  return product;
}

void RhsPacker::emit(Value chunk, Value source, Value target) {
  int64_t steps = 1;
  for (const PackedAxis &axis : form.packed)
    if (axis.reduction) {
      reductions.push_back(axis);
      steps *= axis.extent;
    }
  int64_t whole = steps * llvm::alignTo(form.columns(), lanes), panels = llvm::divideCeil(form.columns(), panelColumns);
  Value number = k.rem(chunk, panels), rest = k.div(chunk, panels);
  Value from = k.constant(form.packOffset), to = k.mul(rest, whole);
  for (const PackedAxis &axis : llvm::reverse(form.packed))
    if (!axis.reduction) {
      from = k.add(from, k.mul(k.rem(rest, axis.extent), axis.sourceStride));
      rest = k.div(rest, axis.extent);
    }
  Value column = k.mul(number, panelColumns);
  from = k.address(element, source, k.add(from, k.mul(column, form.packSourceColumn)));
  to = k.address(element, target, k.add(to, k.mul(column, steps)));
  int64_t tail = form.columns() % panelColumns, full = form.columns() / panelColumns;
  if (full)
    k.when(k.less(number, k.constant(full)), [&] { panel(from, to, panelColumns); });
  if (tail)
    k.when(k.equal(number, k.constant(full)), [&] { panel(from, to, tail); });
}

void RhsPacker::panel(Value source, Value target, int64_t columns) {
  rows(source, target, 0, columns, llvm::alignTo(columns, lanes));
}

void RhsPacker::rows(Value source, Value target, unsigned number, int64_t columns, int64_t pitch) {
  if (number == reductions.size())
    return row(source, target, columns, pitch);
  const PackedAxis &axis = reductions[number];
  int64_t inner = pitch;
  for (const PackedAxis &other : ArrayRef(reductions).drop_front(number + 1))
    inner *= other.extent;
  auto at = [&](Value index) {
    return std::pair(k.address(element, source, k.mul(index, axis.sourceStride)),
                     k.address(element, target, k.mul(index, inner)));
  };
  bool last = number + 1 == reductions.size();
  int64_t squares = 0;
  if (last && axis.sourceStride == 1 && form.packSourceColumn != 1 && llvm::isPowerOf2_64(lanes) && lanes > 1) {
    squares = axis.extent / lanes * lanes;
    k.loop(k.constant(0), k.constant(squares), lanes, [&](Value index) {
      auto [from, to] = at(index);
      transpose(from, to, lanes, columns, pitch);
    });
  }
  k.loop(k.constant(squares), k.constant(axis.extent), 1, [&](Value index) {
    auto [from, to] = at(index);
    rows(from, to, number + 1, columns, pitch);
  });
}

/// One row of a panel: `columns` elements and zeros up to `pitch`.
void RhsPacker::row(Value source, Value target, int64_t columns, int64_t pitch) {
  for (int64_t column = 0; column < columns; column += lanes) {
    int64_t count = std::min(lanes, columns - column);
    VectorType type = VectorType::get({count}, element);
    Value vector;
    if (form.packSourceColumn == 1) {
      vector = k.load(type, k.address(element, source, column));
    } else {
      SmallVector<Value> scalars;
      for (int64_t i = 0; i < count; ++i)
        scalars.push_back(k.load(element, k.address(element, source, (column + i) * form.packSourceColumn)));
      vector = vector::FromElementsOp::create(k.builder(), k.location(), type, scalars);
    }
    k.store(vector, k.address(element, target, column));
  }
  if (pitch > columns)
    k.store(k.zero(VectorType::get({pitch - columns}, element)), k.address(element, target, columns));
}

/// Squares of vectors, transposed by rounds in which row i and row i + lanes / 2 become the interleaved rows 2i, 2i
/// + 1.
void RhsPacker::transpose(Value source, Value target, int64_t steps, int64_t columns, int64_t pitch) {
  VectorType type = VectorType::get({lanes}, element);
  SmallVector<int64_t> low, high;
  for (int64_t i = 0; i < lanes; ++i) {
    low.push_back(i / 2 + (i % 2 ? lanes : 0));
    high.push_back(i / 2 + lanes / 2 + (i % 2 ? lanes : 0));
  }
  for (int64_t column = 0; column < pitch; column += lanes) {
    SmallVector<Value> vectors;
    for (int64_t i = 0; i < lanes; ++i)
      vectors.push_back(column + i < columns
                            ? k.load(type, k.address(element, source, (column + i) * form.packSourceColumn))
                            : k.zero(type));
    for (int64_t round = 1; round < lanes; round *= 2) {
      SmallVector<Value> next;
      for (int64_t i = 0; i < lanes / 2; ++i)
        for (ArrayRef<int64_t> mask : {ArrayRef(low), ArrayRef(high)})
          next.push_back(
              vector::ShuffleOp::create(k.builder(), k.location(), vectors[i], vectors[i + lanes / 2], mask));
      vectors = std::move(next);
    }
    for (int64_t i = 0; i < steps; ++i)
      k.store(vectors[i], k.address(element, target, i * pitch + column));
  }
}

//===------------------------------------------------------------------------------------------------------------===//
// The staged lhs
//===------------------------------------------------------------------------------------------------------------===//

namespace {
struct Stage {
  KernelBuilder &k;
  const ContractionForm &form;
  Type element;
  Value first;
  int64_t count;

  Value bytes(Value elements) { return k.mul(elements, element.getIntOrFloatBitWidth() / 8); }
  void zero(Value target, Value from, Value to, int64_t pitch) {
    Value length = bytes(k.mul(k.sub(to, from), pitch));
    LLVM::MemsetOp::create(k.builder(), k.location(), k.address(element, target, k.mul(from, pitch)),
                           k.zero(k.builder().getI8Type()), length, /*isVolatile=*/false);
  }
  void copy(Value source, Value target, Value elements) {
    LLVM::MemcpyOp::create(k.builder(), k.location(), target, source, bytes(elements), /*isVolatile=*/false);
  }
  void axis(unsigned number, Value source, Value target);
};
} // namespace

/// Along one spatial axis: zeros before the image, the places inside of it, zeros behind.
void Stage::axis(unsigned number, Value source, Value target) {
  const StagedAxis &axis = form.staged[number];
  bool blocked = number == 0, last = number + 1 == form.staged.size();
  int64_t places = axis.places(blocked ? count : axis.outerExtent);
  Value shift = blocked ? k.sub(k.constant(axis.low), k.mul(first, axis.outerStep)) : k.constant(axis.low);
  Value zeros = k.constant(0), end = k.constant(places);
  Value lower = k.min(k.max(shift, zeros), end);
  Value upper = k.min(k.max(k.add(shift, axis.sourceExtent), lower), end);
  zero(target, zeros, lower, axis.pitch);
  Value from = k.address(element, source, k.mul(k.sub(lower, shift), axis.sourceStride));
  Value to = k.address(element, target, k.mul(lower, axis.pitch));
  if (last && axis.sourceStride == form.stagedRun) {
    copy(from, to, k.mul(k.sub(upper, lower), form.stagedRun));
  } else {
    k.loop(zeros, k.sub(upper, lower), 1, [&](Value place) {
      Value placeFrom = k.address(element, from, k.mul(place, axis.sourceStride));
      Value placeTo = k.address(element, to, k.mul(place, axis.pitch));
      if (last)
        copy(placeFrom, placeTo, k.constant(form.stagedRun));
      else
        this->axis(number + 1, placeFrom, placeTo);
    });
  }
  zero(target, upper, end, axis.pitch);
}

void xfer::cpu::emitStage(KernelBuilder &builder, const ContractionForm &form, Type element, Value source, Value target,
                          Value first, int64_t count) {
  Stage{builder, form, element, first, count}.axis(0, source, target);
}
