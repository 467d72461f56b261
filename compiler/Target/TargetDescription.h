//===- TargetDescription.h - the machine that kernels are written for -------------------------------------------===//
//
// What the emitters and the models of the schedules know of a CPU: how wide and how many its vector registers are, how
// many multiply-adds it starts a cycle, how large its caches are; and what LLVM has to know to produce its code. One
// description serves every emitter, so that a new machine is one more row of a table.
//
//===------------------------------------------------------------------------------------------------------------===//

#ifndef XFER_COMPILER_TARGET_TARGETDESCRIPTION_H
#define XFER_COMPILER_TARGET_TARGETDESCRIPTION_H

#include "mlir/IR/Types.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <cstdint>
#include <string>

namespace xfer {

struct TargetDescription {
  std::string name;     // what --target-cpu said
  std::string triple;   // of LLVM
  std::string cpu;      // of LLVM
  std::string features; // of LLVM: "+avx2,+fma,..", empty if the cpu says everything

  unsigned vectorBits = 128;
  unsigned vectorRegisters = 16;
  unsigned fusedUnits = 2;   // multiply-adds of a whole vector that start in one cycle
  unsigned fusedLatency = 4; // cycles until the sum can be used
  bool fusedMultiplyAdd = false;

  int64_t level1Bytes = 32 << 10;
  int64_t level2Bytes = 512 << 10; // of one core

  /// Elements of this type in one vector register; at least 1.
  unsigned lanes(mlir::Type element) const { return std::max(1u, vectorBits / element.getIntOrFloatBitWidth()); }

  /// `native`, or a name of `names()`. An unknown name is an error that lists them.
  static llvm::Expected<TargetDescription> get(llvm::StringRef name);
  static llvm::ArrayRef<llvm::StringRef> names();
};

} // namespace xfer

#endif // XFER_COMPILER_TARGET_TARGETDESCRIPTION_H
