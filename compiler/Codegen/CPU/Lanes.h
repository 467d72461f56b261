//===- Lanes.h - indices and elements of several lanes at once --------------------------------------------------===//
//
// A loop nest computes `lanes` neighbouring elements of its iteration space in one go. Each coordinate of these
// elements is one of
//   uniform   the same in every lane                      an i64 value
//   linear    scalar + lane * step                        an i64 value and a compile-time step
//   varying   anything                                    a vector of i32
// and each element value is a scalar (the same in every lane) or a 1-D vector. Index arithmetic keeps the most
// precise kind, so that a load becomes a scalar load, a vector load, or a gather without any pattern matching.
// Varying indices have 32 bits: no tensor of a kernel has 2^31 elements or more along varying coordinates.
//
// Example: in a nest over [n, c] with lanes along c, the transposed operand x[c, n] is read at (linear step 1,
// uniform), so its flat offset is linear with step n: a gather. Of a small step all elements between are loaded, too.
//
//===------------------------------------------------------------------------------------------------------------===//

#ifndef XFER_COMPILER_CODEGEN_CPU_LANES_H
#define XFER_COMPILER_CODEGEN_CPU_LANES_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Builders.h"

namespace xfer::cpu {

struct LaneIndex {
  mlir::Value scalar; // i64; null when varying
  int64_t step = 0;   // of a linear index
  mlir::Value vector; // vector<lanes x i32>; null unless varying

  bool isVarying() const { return static_cast<bool>(vector); }
  bool isUniform() const { return !vector && step == 0; }
};

/// Builds index arithmetic, loads and stores of one lane count at the insertion point of a builder.
class LaneBuilder {
public:
  LaneBuilder(mlir::OpBuilder &builder, mlir::Location loc, int64_t lanes) : b(builder), loc(loc), lanes(lanes) {}

  mlir::OpBuilder &builder() { return b; }
  int64_t laneCount() const { return lanes; }

  mlir::Value constant(int64_t value);
  LaneIndex uniform(int64_t value) { return {constant(value), 0, {}}; }
  LaneIndex uniform(mlir::Value value) { return {value, 0, {}}; }

  LaneIndex add(const LaneIndex &x, const LaneIndex &y);
  LaneIndex add(const LaneIndex &x, int64_t y);
  LaneIndex sub(const LaneIndex &x, const LaneIndex &y);
  LaneIndex mul(const LaneIndex &x, int64_t factor);
  LaneIndex mul(const LaneIndex &x, mlir::Value factor);
  /// Quotient and remainder of a non-negative index by a positive divisor.
  LaneIndex div(const LaneIndex &x, mlir::Value divisor);
  LaneIndex rem(const LaneIndex &x, mlir::Value divisor);
  LaneIndex min(const LaneIndex &x, mlir::Value bound);
  LaneIndex max(const LaneIndex &x, int64_t bound);
  /// x `predicate` bound in each lane: an i1 or a vector of i1.
  mlir::Value compare(mlir::arith::CmpIPredicate predicate, const LaneIndex &x, mlir::Value bound);

  /// The index as a vector of i32, whatever its kind.
  mlir::Value toVector(const LaneIndex &x);
  /// The index as an element value of integer type `type`.
  mlir::Value toElement(const LaneIndex &x, mlir::Type type);
  /// An integer element value (signed, scalar or vector) as an index.
  LaneIndex fromElement(mlir::Value element);

  /// A scalar as a vector of all lanes; vectors and single lanes stay as they are.
  mlir::Value splat(mlir::Value element);
  /// The type of an element value of each lane: the vector type, or `type` itself for one lane.
  mlir::Type laneType(mlir::Type type);
  mlir::Value constantElement(mlir::TypedAttr value);

  /// Loads elements of tensor element type `type` at `base[offset]`. `mask` (a vector of i1, or null) says which lanes
  /// may be read; the others are zero. `invariant`: nothing writes to that memory while the kernel runs.
  mlir::Value load(mlir::Type type, mlir::Value base, const LaneIndex &offset, mlir::Value mask, bool invariant);
  /// Stores elements of tensor element type `type`; a scalar is stored in every lane.
  void store(mlir::Value element, mlir::Type type, mlir::Value base, const LaneIndex &offset);
  /// Stores one element after the other, the first at `base[offset]` in each lane.
  void storeNeighbours(llvm::ArrayRef<mlir::Value> elements, mlir::Type type, mlir::Value base,
                       const LaneIndex &offset);

private:
  mlir::Value address(mlir::Type storage, mlir::Value base, mlir::Value offset);

  mlir::OpBuilder &b;
  mlir::Location loc;
  int64_t lanes;
};

/// The type of a tensor element in a register: signless, bool as i1.
mlir::Type registerType(mlir::Type element);
/// The type of a tensor element in memory: bool as i8.
mlir::Type storageType(mlir::Type element);
/// Bytes of a tensor element in memory.
int64_t storageBytes(mlir::Type element);

} // namespace xfer::cpu

#endif // XFER_COMPILER_CODEGEN_CPU_LANES_H
