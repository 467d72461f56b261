//===- Nest.h - loops over iteration spaces, cut into chunks and lanes ------------------------------------------===//
//
// The pieces of which LoopNest.cpp and Sequential.cpp build kernels: loops over axes of which the first few may be one
// flattened range (a chunk), the cut of an axis into vectors of full width and narrower ones for what remains, and
// reductions in registers.
//
// Example: 20 lanes on a machine with vectors of 16 are a vector of 16 and one of 4; 10 with vectors of 8 are 8 and 2.
//
//===------------------------------------------------------------------------------------------------------------===//

#ifndef XFER_COMPILER_CODEGEN_CPU_NEST_H
#define XFER_COMPILER_CODEGEN_CPU_NEST_H

#include "compiler/Codegen/CPU/ElementEmitter.h"
#include "compiler/Codegen/CPU/EmittedKernel.h"
#include "compiler/Codegen/CPU/KernelBuilder.h"

namespace xfer::cpu {

/// One axis of a space: its number, and its extent as a number (or ShapedType::kDynamic) and as a value.
struct Axis {
  int64_t number = 0;
  int64_t size = 1;
  mlir::Value extent;
};

/// A range of i64; both null: everything.
struct Range {
  mlir::Value low, high;
};

/// A few neighbouring elements of an axis: `width` of them from `offset` on.
struct Segment {
  int64_t offset = 0, width = 1;
};
/// `count` elements as vectors of at most `width`: full ones, then powers of two.
llvm::SmallVector<Segment> segmentsOf(int64_t count, int64_t width);

/// How the work of a phase is cut: over the flattened first `prefix` axes, `size` points a chunk.
struct Cut {
  unsigned prefix = 0;
  int64_t size = 0; // 0: not cut
  ChunkCount chunks;
};

/// Elements of work that are worth a chunk of their own, and the most chunks of a phase: enough to keep a machine busy
/// and to even out its cores, few enough that handing them out costs nothing.
constexpr int64_t chunkElements = 16384;
constexpr int64_t mostChunks = 64;

/// The cut of `axes`, each point of which stands for `work` elements. `dynamicExtent` numbers the kernel's dynamic
/// extents by symbol.
Cut cutAxes(llvm::ArrayRef<Axis> axes, int64_t work,
            llvm::function_ref<std::optional<unsigned>(const Axis &)> dynamicExtent);

class Nest {
public:
  Nest(mlir::OpBuilder &builder, mlir::Location loc, KernelContext &context)
      : kb(builder, loc), b(builder), loc(loc), context(context) {}

  using Values = llvm::SmallVector<mlir::Value>;
  using PointBody = llvm::function_ref<Values(llvm::ArrayRef<mlir::Value> index, mlir::ValueRange carried)>;

  Axis axisOf(mlir::Value tensor, int64_t number);
  llvm::SmallVector<Axis> axesOf(mlir::Value tensor, llvm::ArrayRef<int64_t> numbers);
  int64_t width() const { return context.target.lanes(mlir::Float32Type::get(b.getContext())); }

  /// The part of a cut that belongs to chunk number `chunk`.
  Range rangeOf(const Cut &cut, llvm::ArrayRef<Axis> axes, mlir::Value chunk);
  /// All points of `axes` in row-major order, the first `prefix` of them flattened to `range`.
  Values overPoints(llvm::ArrayRef<Axis> axes, unsigned prefix, Range range, mlir::ValueRange carried, PointBody body);
  /// All elements of an axis (or of a range of it that begins at a multiple of the width and ends at one or at the end
  /// of the axis) in segments: body(base of the segment, its width).
  void overLanes(const Axis &axis, Range range, llvm::function_ref<void(mlir::Value base, int64_t width)> body);

  KernelBuilder kb;
  mlir::OpBuilder &b;
  mlir::Location loc;
  KernelContext &context;
};

/// The registers of one reduction: one of the combined elements, for argmax two (element and index).
class Accumulator {
public:
  Accumulator(Nest &nest, mlir::Operation *op) : nest(&nest), op(op) {}

  unsigned slots() const { return mlir::isa<nn::ArgmaxOp>(op) ? 2 : 1; }
  mlir::Type type(unsigned slot) const;
  /// What changes nothing, in `width` lanes.
  Nest::Values initial(int64_t width) const;
  /// Takes in the operand's element at a point of S.
  Nest::Values step(mlir::ValueRange carried, ElementEmitter &emitter, llvm::ArrayRef<LaneIndex> index) const;
  /// The second after the first; equal numbers of lanes.
  Nest::Values merge(mlir::ValueRange first, mlir::ValueRange second) const;
  /// All lanes in one, in a fixed tree.
  Nest::Values acrossLanes(mlir::ValueRange carried) const;
  /// The reduction's result.
  mlir::Value finish(mlir::ValueRange carried) const;
  mlir::Operation *operation() const { return op; }

private:
  Nest *nest;
  mlir::Operation *op;
};

} // namespace xfer::cpu

#endif // XFER_COMPILER_CODEGEN_CPU_NEST_H
