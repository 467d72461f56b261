//===- Outline.h - a part of a function as a function of its own --------------------------------------------------===//

#ifndef XFER_COMPILER_BINDINGTIME_OUTLINE_H
#define XFER_COMPILER_BINDINGTIME_OUTLINE_H

#include "compiler/Dialect/Xfer/IR/Xfer.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/MapVector.h"

namespace xfer {

/// A value and what it is bound to, as an argument or result of the new function.
using BoundValue = std::pair<mlir::Value, pipeline::BindAttr>;

/// A clone with the types that `typeOf` gives for the results and for the values in its regions.
mlir::Operation *cloneWithTypes(mlir::OpBuilder &builder, mlir::Operation &op, mlir::IRMapping &mapping,
                                llvm::function_ref<mlir::Type(mlir::Value)> typeOf);

/// Makes the function `name` after `function`, which computes `results` from the function's arguments, of which it
/// takes those that it needs, and from `given`, which it takes instead of computing them. `typeOf` gives the type that
/// a value has in the new function.
mlir::func::FuncOp outline(mlir::func::FuncOp function, llvm::StringRef name, llvm::ArrayRef<BoundValue> given,
                           llvm::ArrayRef<BoundValue> results, llvm::function_ref<mlir::Type(mlir::Value)> typeOf);

} // namespace xfer

#endif // XFER_COMPILER_BINDINGTIME_OUTLINE_H
