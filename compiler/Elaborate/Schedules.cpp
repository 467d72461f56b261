//===- Schedules.cpp - the factor on every rate of a stage --------------------------------------------------------===//
//
// A schedule is a scalar, such as a function of `progress` makes it, or a module without inputs that returns one: its
// states belong to the stage, so that a schedule may remember. It is asked once in a step, whoever moves how often.
//
//===------------------------------------------------------------------------------------------------------------===//

#include "compiler/Elaborate/Builtins.h"
#include "compiler/Elaborate/Pipeline.h"

using namespace mlir;
using llvm::Twine;

namespace xfer {

Value Pipeline::scheduleFactor() {
  if (current->scheduleFactor)
    return *current->scheduleFactor;
  const Clause &clause = *current->stage->schedule;
  const dsl::Expr &text = *llvm::cast<dsl::SettingItem>(*clause.item).value;
  Evaluator::Frame frame;
  frame.name = current->stage->key + ":schedule";
  std::vector<Evaluator::Frame> outside = std::exchange(evaluator.frames, {frame});
  Value factor = evaluator.evaluate(text, clause.scope);
  if (factor.constructor()) {
    std::string owner = std::exchange(evaluator.surroundings.owner, "stage:" + current->stage->name);
    // As an optimizer it lives in one step only, so that its arguments may be options; its states are those of a
    // module.
    Tree none;
    Evaluator::Acting once{&none, evaluator.surroundings.owner};
    evaluator.acting = &once;
    Value placed = evaluator.place(factor, current->stage->name + ".schedule", {}, text.range);
    evaluator.acting = nullptr;
    factor = placed.module() ? evaluator.apply(*placed.module(), {}, text.range) : placed;
    evaluator.surroundings.owner = std::move(owner);
  }
  evaluator.frames = std::move(outside);
  bool isFactor = factor.isNumber() || (factor.tensor() && factor.tensor()->rank() == 0);
  if (!isFactor && !factor.isPoison())
    factor =
        error(text.range, "wrong-type",
              "a schedule is a factor on the rate, a scalar such as cosine(), or a module that returns one; found " +
                  factor.describe());
  current->scheduleFactor = factor;
  return factor;
}

Value Pipeline::delayed(int64_t steps, llvm::function_ref<Value()> call) {
  int64_t before = std::exchange(counterDelay, counterDelay + steps);
  Value value = call();
  counterDelay = before;
  return value;
}

std::optional<Value> Pipeline::counter(llvm::StringRef name, dsl::SourceRange range) {
  static constexpr llvm::StringRef integers[] = {"step", "epoch", "steps", "epochs", "stale"};
  bool integer = llvm::is_contained(integers, name);
  if (!integer && name != "progress")
    return std::nullopt;
  if (!current || !current->counters)
    return std::nullopt;
  // What waits for `keep` to improve would wait for ever where nothing is kept.
  if (name == "stale" && (!current->stage || !current->stage->keep))
    return std::nullopt;
  auto read = [&](llvm::StringRef which) {
    Type element = which == "progress" ? Type(builder.getF32Type()) : Type(builder.getI32Type());
    return Value(Tensor{
        evaluator.function().argument(pipeline::BindKind::Counter, which, RankedTensorType::get({}, element)), {}});
  };
  if (!counterDelay || name == "stale")
    return read(name);
  // The run as if it began `counterDelay` steps later; an epoch has as many steps as before.
  using dsl::BinaryOp;
  auto binary = [&](BinaryOp op, const Value &a, const Value &b) { return evaluator.binary(op, a, b, range); };
  auto atLeast = [&](const Value &value, int64_t bound) {
    return runBuiltin(evaluator, "max", {value, Value(bound)}, range);
  };
  auto later = [&](llvm::StringRef which, int64_t bound) {
    return atLeast(binary(BinaryOp::Subtract, read(which), Value(counterDelay)), bound);
  };
  if (name == "step" || name == "steps")
    return later(name, name == "step" ? 0 : 1);
  if (name == "progress")
    return binary(BinaryOp::Divide, later("step", 0), later("steps", 1));
  Value inEpoch = atLeast(binary(BinaryOp::FloorDivide, read("steps"), atLeast(read("epochs"), 1)), 1);
  return binary(BinaryOp::FloorDivide, later(name == "epoch" ? "step" : "steps", 0), inEpoch);
}

} // namespace xfer
