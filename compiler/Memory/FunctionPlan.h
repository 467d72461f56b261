//===- FunctionPlan.h - where every value of a function lies ------------------------------------------------------===//
//
// Input: a function whose body is kernels, library routines, loops, constants and aliases (reshape). Output: a place
// for every value: in an argument's or result's buffer, in the constants, or in the arena.
//
//   1. Every value that is computed gets a buffer of its own; an alias shares that of its operand, an argument of a
//      loop's body that of the carried or invariant value, a scanned value is a part of its operand. What a loop scans
//      reversed lies where it does unreversed, and the loop walks backwards.
//   2. Buffers become one where that saves memory or a copy, in this order: a parameter or state that the function
//      replaces lies in its argument's, if nothing reads the old value later (`inPlace`), and what else is returned in
//      the result's; what a loop carries on lies in the carry's; what a kernel computes lies where one of its inputs
//      did, if that is read nowhere later and the kernel reads it only at the element that it writes.
//   3. What remains in the arena lives from the first to the last position that touches it, and `layout` gives offsets.
//
// Positions are the order of the ops; a loop has a position before its body and one behind.
//
//===------------------------------------------------------------------------------------------------------------===//

#ifndef XFER_COMPILER_MEMORY_FUNCTIONPLAN_H
#define XFER_COMPILER_MEMORY_FUNCTIONPLAN_H

#include "compiler/Dialect/NN/IR/NN.h"
#include "compiler/Dialect/Xfer/IR/Xfer.h"
#include "compiler/Memory/ArenaPlan.h"
#include "compiler/Memory/ConstantPool.h"

namespace xfer {

/// A part of a buffer: it starts `offset` bytes, and `stride` bytes times the number of the step for each loop, after
/// the start. A loop that walks backwards has a negative stride.
struct Place {
  unsigned buffer = 0;
  llvm::SmallVector<std::pair<mlir::Operation *, int64_t>, 1> strides;
  int64_t offset = 0;

  bool operator==(const Place &other) const {
    return buffer == other.buffer && strides == other.strides && offset == other.offset;
  }
  bool operator!=(const Place &other) const { return !(*this == other); }
};

struct PlannedBuffer {
  /// Zeros: a constant that is only returned; it has no bytes, its results are cleared.
  enum Kind { Argument, Result, Constant, Zeros, Arena };
  Kind kind = Arena;
  int64_t index = 0; // number of the argument or result, offset of the constant
  int64_t bytes = 0; // times the product of the extents
  llvm::SmallVector<unsigned, 2> extents;
  mlir::Value value; // that made the buffer, for reports; null for scratch
  mlir::Block *block = nullptr;
  int64_t first = 0, last = 0;
  Placement placement; // of Arena
};

/// May the kernel's result number `output` lie in the buffer of its input number `input`? True when every use of the
/// input leads through element-wise operations only, also to that output, so that an element is read just to write the
/// same one, and no later pass of the kernel reads it again.
bool mayShare(nn::KernelOp kernel, unsigned input, unsigned output);

/// The attribute of an nn.kernel that lists the outputs that share an input's buffer: output, input, output, input, ...
constexpr llvm::StringLiteral kInPlaceAttr = "in_place";

class FunctionPlan {
public:
  /// Fails with a diagnostic where the function holds something that has no place. `reuse` false: step 2 only puts
  /// returned values into the results' buffers. Kernels get the attribute `in_place`.
  static mlir::FailureOr<FunctionPlan> create(mlir::func::FuncOp function, ConstantPool &constants, bool reuse = true);

  /// Room in the arena that lives while `op` runs; gives the number of its buffer.
  unsigned addScratch(mlir::Operation *op, int64_t bytes);
  /// Gives every buffer of the arena its offset. After this nothing may be added.
  void layout();

  Place placeOf(mlir::Value value) const { return resolve(places.lookup(value)); }
  const PlannedBuffer &getBuffer(unsigned index) const { return buffers[index]; }
  bool isLive(unsigned index) const { return !redirects.count(index); }
  /// The place of a loop's step number (an i32) and, where carries change places, of a copy of carry `carry`.
  unsigned stepBuffer(nn::LoopOp loop) const { return steps.lookup(loop); }
  std::optional<unsigned> exchangeBuffer(nn::LoopOp loop, unsigned carry) const;

  llvm::ArrayRef<std::string> getExtents() const { return extents; }
  unsigned extentIndex(llvm::StringRef symbol) const;
  /// For each result the argument whose buffer it shares.
  llvm::ArrayRef<std::optional<unsigned>> getInPlace() const { return inPlace; }
  const ArenaPlan &getArena() const { return arena; }
  mlir::func::FuncOp getFunction() const { return function; }

  /// The plan as a table, and its peak.
  void print(llvm::raw_ostream &os) const;

private:
  struct Use {
    int64_t position;
    mlir::Operation *op;
    unsigned operand;
  };

  FunctionPlan(mlir::func::FuncOp function, ConstantPool &constants) : function(function), constants(&constants) {}

  mlir::LogicalResult collectExtents();
  mlir::LogicalResult assign(mlir::Block &block);
  mlir::LogicalResult assignOp(mlir::Operation &op);
  void assignLoop(nn::LoopOp loop);
  void number(mlir::Block &block);
  void recordUses(mlir::Block &block);

  void placeResults();
  void placeCarries(mlir::Block &block);
  void shareInKernels(mlir::Block &block);
  void computeLifetimes();

  unsigned makeBuffer(PlannedBuffer::Kind kind, mlir::Value value, int64_t index = 0);
  bool isOwnBuffer(mlir::Value value, mlir::Block *block) const;
  bool canTakeOver(unsigned buffer, mlir::OpResult producer) const;
  void redirect(unsigned from, Place to);
  Place resolve(Place place) const;

  mlir::func::FuncOp function;
  ConstantPool *constants;
  llvm::SmallVector<std::string> extents;
  llvm::SmallVector<PlannedBuffer> buffers;
  llvm::DenseMap<mlir::Value, Place> places;
  llvm::DenseMap<unsigned, Place> redirects;
  llvm::DenseMap<unsigned, llvm::SmallVector<Use>> uses; // by resolved buffer
  llvm::DenseMap<mlir::Operation *, std::pair<int64_t, int64_t>> positions;
  llvm::DenseMap<mlir::Operation *, unsigned> steps;
  llvm::DenseMap<std::pair<mlir::Operation *, unsigned>, unsigned> exchanges;
  llvm::SmallVector<std::optional<unsigned>> inPlace;
  int64_t nextPosition = 0;
  ArenaPlan arena;
};

} // namespace xfer

#endif // XFER_COMPILER_MEMORY_FUNCTIONPLAN_H
