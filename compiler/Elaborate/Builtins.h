//===- Builtins.h - the functions that the language offers without a library --------------------------------------===//

#ifndef XFER_COMPILER_ELABORATE_BUILTINS_H
#define XFER_COMPILER_ELABORATE_BUILTINS_H

#include "compiler/Elaborate/Emit.h"
#include "compiler/Elaborate/Evaluator.h"

namespace xfer {

using Builtins = std::vector<Builtin>;
const Builtins &elementwiseBuiltins();
const Builtins &reductionBuiltins();
const Builtins &shapeBuiltins();
const Builtins &makingBuiltins();
const Builtins &windowBuiltins();
const Builtins &textBuiltins();
const Builtins &pictureBuiltins();
const Builtins &boundedBuiltins();
const Builtins &compileTimeBuiltins();
const Builtins &gradientBuiltins();
const Builtins &moduleBuiltins();

/// Applies a function of one tensor leaf by leaf where it is given a tree or a module.
template <typename Callable> Value lift(Evaluator &evaluator, const Value &x, dsl::SourceRange range, Callable apply) {
  if (x.isPoison())
    return x;
  if (x.tree() || x.module())
    return evaluator.overLeaves({x}, range, [&](llvm::ArrayRef<Value> parts) { return apply(parts[0]); });
  return apply(x);
}

/// Calls a builtin by its name; those of its last arguments that are not given are left out. Poison gives poison.
Value runBuiltin(Evaluator &evaluator, llvm::StringRef name, std::vector<Value> given, dsl::SourceRange range);

/// The one axis among the arguments of `what`, `otherwise` where it was left out; nothing after an error.
std::optional<int64_t> axisArgument(Evaluator &evaluator, const Value &value, int64_t otherwise, const Tensor &tensor,
                                    llvm::StringRef what, dsl::SourceRange range);

/// Says that a compile-time int is beyond 64 bits.
Value reportOverflow(Evaluator &evaluator, dsl::SourceRange range);

/// A compile-time int among the arguments; `otherwise` where it was left out; nothing after an error.
std::optional<int64_t> intArgument(Evaluator &evaluator, const Value &value, std::optional<int64_t> otherwise,
                                   llvm::StringRef what, dsl::SourceRange range);

} // namespace xfer

#endif // XFER_COMPILER_ELABORATE_BUILTINS_H
