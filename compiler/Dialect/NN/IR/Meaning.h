//===- Meaning.h - extents and meaning of tensors ---------------------------------------------------------------===//
//
// What a tensor's type says, as plain values that rules can compute with: its extents (static, or named by a symbol),
// its element type, and its meaning. `TensorInfo::of` reads a type, `TensorInfo::type` makes one.
//
//===------------------------------------------------------------------------------------------------------------===//

#ifndef XFER_COMPILER_DIALECT_NN_IR_MEANING_H
#define XFER_COMPILER_DIALECT_NN_IR_MEANING_H

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/TensorEncoding.h"
#include "llvm/ADT/SmallVector.h"
#include <string>

#include "compiler/Dialect/NN/IR/NNEnums.h.inc"

#define GET_ATTRDEF_CLASSES
#include "compiler/Dialect/NN/IR/NNAttributes.h.inc"

namespace xfer::nn {

/// The size of one axis: a number, or one that is known when the data is opened and has a name until then.
struct Extent {
  int64_t size = mlir::ShapedType::kDynamic;
  std::string symbol; // names a dynamic extent; empty: unknown

  Extent() = default;
  Extent(int64_t size) : size(size) {}
  static Extent symbolic(llvm::StringRef name) {
    Extent extent;
    extent.symbol = name.str();
    return extent;
  }
  /// The extent of what stands one after the other. That of named extents has a name that says so, its terms in one
  /// order and a number last, so that equal sums have equal names: "a.train + b.train + 3".
  static Extent sum(const Extent &a, const Extent &b);
  bool isDynamic() const { return mlir::ShapedType::isDynamic(size); }
  /// The terms of the name.
  llvm::SmallVector<llvm::StringRef, 2> terms() const;
  /// Equal numbers or equal names; an unnamed dynamic extent agrees with every dynamic one.
  bool agrees(const Extent &other) const {
    return size == other.size && (symbol == other.symbol || symbol.empty() || other.symbol.empty());
  }
  bool operator==(const Extent &other) const { return size == other.size && symbol == other.symbol; }
  bool operator!=(const Extent &other) const { return !(*this == other); }
};
using Extents = llvm::SmallVector<Extent, 4>;

/// What is known of a tensor beside extents and element type. The default is "nothing".
struct Meaning {
  Tag tag = Tag::None;
  int64_t classes = 0;                       // of Tag::Class and Tag::Token; 0: unknown
  llvm::SmallVector<std::string, 2> domains; // sorted, without repetition
  bool hidden = false;                       // may not be read by training
  bool normalised = false;
  /// Of normalised values, where known: the means, then the deviations, of all values or of each channel.
  llvm::SmallVector<float, 6> statistics;

  static Meaning of(mlir::Type type);
  /// The union of the domains and the stricter right to be read; no tag, not normalised.
  static Meaning join(const Meaning &a, const Meaning &b);
  bool isEmpty() const { return *this == Meaning(); }
  bool operator==(const Meaning &other) const;
  bool operator!=(const Meaning &other) const { return !(*this == other); }
};

/// A tensor type taken apart.
struct TensorInfo {
  mlir::Type element;
  Extents extents;
  Meaning meaning;

  static TensorInfo of(mlir::Type type);
  mlir::RankedTensorType type() const;
  size_t rank() const { return extents.size(); }
};

/// Is it a tensor of floating-point numbers? Only those have derivatives.
bool isFloat(mlir::Type type);
/// The extents of a ranked tensor type.
Extents extentsOf(mlir::Type type);
/// `type` with other extents, another element type, or another meaning.
mlir::RankedTensorType withExtents(mlir::Type type, llvm::ArrayRef<Extent> extents);
mlir::RankedTensorType withElement(mlir::Type type, mlir::Type element);
mlir::RankedTensorType withMeaning(mlir::Type type, const Meaning &meaning);
/// `type` with nothing in its encoding but the symbols of its dynamic extents.
mlir::RankedTensorType withoutMeaning(mlir::Type type);
/// "[64, usps.test, ?]", for messages.
std::string toString(llvm::ArrayRef<Extent> extents);

/// Same element type and agreeing extents; meaning is ignored. This is how all verifiers compare types.
bool compatible(mlir::Type a, mlir::Type b);
bool compatible(mlir::TypeRange a, mlir::TypeRange b);

} // namespace xfer::nn

#endif // XFER_COMPILER_DIALECT_NN_IR_MEANING_H
