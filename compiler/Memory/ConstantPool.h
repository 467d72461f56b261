//===- ConstantPool.h - the constants of a program, each once -------------------------------------------*- C++ -*-===//

#ifndef XFER_COMPILER_MEMORY_CONSTANTPOOL_H
#define XFER_COMPILER_MEMORY_CONSTANTPOOL_H

#include "mlir/IR/BuiltinAttributes.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringMap.h"
#include <string>

namespace xfer {

/// Bytes of one element in memory: a truth value takes one byte.
int64_t bytesOfElement(mlir::Type element);

class ConstantPool {
public:
  /// The offset of the value's bytes, row-major, aligned as every buffer. Equal bytes get the same place. Fails for an
  /// attribute that is not dense.
  llvm::FailureOr<int64_t> add(mlir::ElementsAttr value);
  llvm::StringRef bytes() const { return data; }

private:
  std::string data;
  llvm::DenseMap<mlir::Attribute, int64_t> byAttribute;
  llvm::StringMap<int64_t> byContent;
};

} // namespace xfer

#endif // XFER_COMPILER_MEMORY_CONSTANTPOOL_H
