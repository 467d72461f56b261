#include "compiler/Elaborate/Builtins.h"
#include "llvm/ADT/StringMap.h"

namespace xfer {

static const llvm::StringMap<const Builtin *> &table() {
  static const llvm::StringMap<const Builtin *> all = [] {
    llvm::StringMap<const Builtin *> result;
    for (const Builtins *group : {&elementwiseBuiltins(), &reductionBuiltins(), &shapeBuiltins(), &makingBuiltins(),
                                  &windowBuiltins(), &boundedBuiltins(), &textBuiltins(), &pictureBuiltins(),
                                  &compileTimeBuiltins(), &gradientBuiltins(), &moduleBuiltins()})
      for (const Builtin &builtin : *group) {
        assert(!result.count(builtin.name) && "a builtin is defined twice");
        result[builtin.name] = &builtin;
      }
    return result;
  }();
  return all;
}

const Builtin *findBuiltin(llvm::StringRef name) { return table().lookup(name); }

void eachBuiltin(llvm::function_ref<void(llvm::StringRef)> visit) {
  for (auto &entry : table())
    visit(entry.getKey());
}

Value runBuiltin(Evaluator &evaluator, llvm::StringRef name, std::vector<Value> given, dsl::SourceRange range) {
  const Builtin &builtin = *findBuiltin(name);
  assert(given.size() <= builtin.formals.size() && "more arguments than the builtin takes");
  if (llvm::any_of(given, [](const Value &one) { return one.isPoison(); }))
    return Value();
  given.resize(builtin.formals.size(), Value::none());
  return builtin.run(evaluator, given, range);
}

std::optional<int64_t> axisArgument(Evaluator &evaluator, const Value &value, int64_t otherwise, const Tensor &tensor,
                                    llvm::StringRef what, dsl::SourceRange range) {
  return evaluator.axis(value.isNone() ? Value(otherwise) : value, tensor, what, range);
}

std::optional<int64_t> intArgument(Evaluator &evaluator, const Value &value, std::optional<int64_t> otherwise,
                                   llvm::StringRef what, dsl::SourceRange range) {
  if (value.isNone() && otherwise)
    return otherwise;
  if (std::optional<int64_t> number = value.asInteger())
    return number;
  if (!value.isPoison())
    evaluator.suggestConst(
        evaluator.report(range, "wrong-type",
                         "'" + what + "' is an int known at compile time, found " + value.describe()),
        value);
  return std::nullopt;
}

} // namespace xfer
