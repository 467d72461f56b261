//===- ElementEmitter.h - elements of nn values on demand -------------------------------------------------------===//
//
// Asked for the element of an nn value at an index, emits whatever computes it: a load where the value lies in memory,
// a register where the nest bound one, else the operation's formula over the elements of its operands, asked for at
// the indices that the operation maps to. So a chain of operations becomes one expression without intermediate
// storage, and fusion is nothing but the choice of which values get storage.
//
// Example: for y = relu(transpose(x) + broadcast(b)) the element y[i, j] is max(x[j, i] + b[j], 0).
//
// The same value at the same index is computed once in a scope (a basic block and those that it dominates by
// construction). An element is a scalar when it is the same in every lane, else a vector (Lanes.h).
//
//===------------------------------------------------------------------------------------------------------------===//

#ifndef XFER_COMPILER_CODEGEN_CPU_ELEMENTEMITTER_H
#define XFER_COMPILER_CODEGEN_CPU_ELEMENTEMITTER_H

#include "compiler/Codegen/CPU/Lanes.h"
#include "compiler/Dialect/NN/IR/NN.h"
#include "compiler/Target/TargetDescription.h"

#include "llvm/ADT/StringMap.h"

namespace xfer::cpu {

using Index = llvm::SmallVector<LaneIndex, 4>;

/// What all elements of one kernel function share.
struct KernelContext {
  struct Buffer {
    mlir::Value pointer;
    bool invariant = false; // nothing writes to it while the function runs
  };
  /// The parts of a reduction that was cut into chunks: `count` tensors of `type`, one after the other.
  struct Parts {
    mlir::Value pointer;
    int64_t count = 0, elements = 0;
    mlir::Type type;
  };
  explicit KernelContext(const TargetDescription &target) : target(target) {}

  const TargetDescription &target;
  llvm::DenseMap<mlir::Value, Buffer> buffers;
  llvm::DenseMap<mlir::Value, Parts> parts; // by the reduction's result
  llvm::StringMap<mlir::Value> extents;     // of dynamic axes, by symbol, as i64

  /// The buffers of the kernel's inputs. Those that the memory plan gave to results too (`in_place`) do change.
  void setInputs(nn::KernelOp kernel, llvm::ArrayRef<mlir::Value> pointers);
  /// The extent of an axis as an i64 value.
  mlir::Value extent(mlir::OpBuilder &b, mlir::Location loc, mlir::Value tensor, unsigned axis) const;
};

class ElementEmitter {
public:
  ElementEmitter(mlir::OpBuilder &builder, mlir::Location loc, int64_t lanes, const KernelContext &context)
      : context(context), b(builder), loc(loc), lane(builder, loc, lanes) {}

  /// Whether elements of this operation's results can be computed on demand.
  static bool canEmit(mlir::Operation *op);

  mlir::Value element(mlir::Value value, llvm::ArrayRef<LaneIndex> index);
  /// From now on, in this scope, the element of `value` at `index` is `element`.
  void bind(mlir::Value value, llvm::ArrayRef<LaneIndex> index, mlir::Value element);
  /// The offset of tensors with the shape of `value` at `index` is known without arithmetic.
  void nameOffset(mlir::Value value, llvm::ArrayRef<LaneIndex> index, const LaneIndex &offset) {
    named = {value, Index(index), offset};
  }
  /// Whether an element is bound or known in this scope.
  mlir::Value lookup(mlir::Value value, llvm::ArrayRef<LaneIndex> index) const;
  void store(mlir::Value element, mlir::Value value, mlir::Value pointer, llvm::ArrayRef<LaneIndex> index);
  /// Stores elements that lie side by side, `index` being that of the first.
  void store(llvm::ArrayRef<mlir::Value> elements, mlir::Value value, mlir::Value pointer,
             llvm::ArrayRef<LaneIndex> index);

  /// Everything that is known since `enter` is forgotten by `leave`.
  void enter() { scopes.push_back(log.size()); }
  void leave();

  LaneBuilder &lanes() { return lane; }
  mlir::Value extent(mlir::Value tensor, unsigned axis) { return context.extent(b, loc, tensor, axis); }
  LaneIndex offsetOf(mlir::Value tensor, llvm::ArrayRef<LaneIndex> index);

private:
  using Elements = llvm::function_ref<mlir::Value()>;
  struct Known {
    Index index;
    mlir::Value mask, element;
  };

  mlir::Value compute(mlir::Operation *op, unsigned result, llvm::ArrayRef<LaneIndex> index);
  mlir::Value load(mlir::Value value, const KernelContext::Buffer &buffer, llvm::ArrayRef<LaneIndex> index);
  mlir::Value sumParts(mlir::Value value, const KernelContext::Parts &parts, llvm::ArrayRef<LaneIndex> index);

  /// Where `condition` holds the first, elsewhere the second: by a branch when all lanes agree, else by a mask under
  /// which nothing outside is read.
  mlir::Value choose(mlir::Value condition, mlir::Type type, Elements then, Elements otherwise);
  mlir::Value chooseOrZero(mlir::Value condition, mlir::Type type, Elements then);
  mlir::Value both(mlir::Value x, mlir::Value y); // logical and; null is true
  mlir::Value inRange(const LaneIndex &x, int64_t low, mlir::Value high);
  mlir::Value zero(mlir::Type type);

  // Elementwise.cpp
  mlir::Value elementwise(mlir::Operation *op, llvm::ArrayRef<LaneIndex> index);
  mlir::Value fusedMultiplyAdd(mlir::Operation *op, llvm::ArrayRef<LaneIndex> index);
  bool isNumber(mlir::Value value);
  // Structural.cpp
  mlir::Value constant(nn::ConstantOp op, llvm::ArrayRef<LaneIndex> index);
  mlir::Value broadcast(nn::BroadcastOp op, llvm::ArrayRef<LaneIndex> index);
  mlir::Value reshape(nn::ReshapeOp op, llvm::ArrayRef<LaneIndex> index);
  mlir::Value concat(nn::ConcatOp op, llvm::ArrayRef<LaneIndex> index);
  mlir::Value pad(nn::PadOp op, llvm::ArrayRef<LaneIndex> index);
  mlir::Value gather(nn::GatherOp op, llvm::ArrayRef<LaneIndex> index);
  // Window.cpp
  struct Window;
  struct Place;
  Place placeOf(const Window &window, llvm::ArrayRef<LaneIndex> index, llvm::ArrayRef<LaneIndex> offsets,
                mlir::Value input);
  mlir::Value windowMax(nn::WindowMaxOp op, unsigned result, llvm::ArrayRef<LaneIndex> index);
  mlir::Value windowSum(nn::WindowSumOp op, llvm::ArrayRef<LaneIndex> index);
  mlir::Value windowGather(nn::WindowGatherOp op, llvm::ArrayRef<LaneIndex> index);
  mlir::Value windowAdjoint(mlir::Operation *op, llvm::ArrayRef<LaneIndex> index);
  llvm::SmallVector<mlir::Value> overOffsets(
      llvm::ArrayRef<int64_t> counts, llvm::ArrayRef<mlir::Value> initial,
      llvm::function_ref<llvm::SmallVector<mlir::Value>(llvm::ArrayRef<mlir::Value>, llvm::ArrayRef<mlir::Value>)>
          body);
  // Random.cpp
  mlir::Value random(nn::RandomOp op, llvm::ArrayRef<LaneIndex> index);
  mlir::Value wordOf(mlir::Value position, llvm::SmallVector<mlir::Value, 4> key, uint64_t site);

  const KernelContext &context;
  mlir::OpBuilder &b;
  mlir::Location loc;
  LaneBuilder lane;
  struct {
    mlir::Value value;
    Index index;
    LaneIndex offset;
  } named;
  mlir::Value mask; // the lanes that may read; null: all
  llvm::DenseMap<mlir::Value, llvm::SmallVector<Known, 1>> known;
  llvm::SmallVector<mlir::Value> log; // values in the order in which they became known
  llvm::SmallVector<size_t> scopes;
};

/// How two elements of a reduction combine, and the element that changes nothing.
mlir::Value combine(mlir::OpBuilder &b, mlir::Location loc, nn::ReduceKind kind, mlir::Type type, mlir::Value x,
                    mlir::Value y);
/// f32 (or a vector of it) to bf16, to the nearest, ties to even.
mlir::Value roundToBF16(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x);
mlir::TypedAttr neutralElement(nn::ReduceKind kind, mlir::Type type);

} // namespace xfer::cpu

#endif // XFER_COMPILER_CODEGEN_CPU_ELEMENTEMITTER_H
