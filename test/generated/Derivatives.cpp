//===- Derivatives.cpp - gradients of a step beside differences of its loss -------------------------------------===//

#include "Derivatives.h"
#include "compiler/AutoDiff/Passes.h"
#include "compiler/Dialect/NN/Transforms/Passes.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/Support/FormatVariadic.h"
#include <random>

using namespace mlir;
using namespace xfer::reference;

namespace xfer::generated {

namespace {

/// A copy of a function up to one of its gradients, in a module of its own.
struct Part {
  OwningOpRef<ModuleOp> module;
  func::FuncOp function;
  nn::GradientOp gradient;

  Part(func::FuncOp original, unsigned number)
      : module(ModuleOp::create(original.getLoc())), function(original.clone()) {
    module->push_back(function);
    unsigned count = 0;
    for (auto op : function.getBody().front().getOps<nn::GradientOp>())
      if (count++ == number)
        gradient = op;
    Operation *last = function.getBody().front().getTerminator();
    last->setOperands({});
    while (last->getPrevNode() != gradient.getOperation())
      last->getPrevNode()->erase();
  }
  void giveBack(ValueRange values) {
    function.getBody().front().getTerminator()->setOperands(values);
    function.setFunctionType(FunctionType::get(function.getContext(), function.getArgumentTypes(), values.getTypes()));
    function.setResAttrsAttr(ArrayAttr());
  }
  LogicalResult expandGradients() {
    PassManager passes(module->getContext());
    passes.addNestedPass<func::FuncOp>(createAutoDiffPass());
    passes.addNestedPass<func::FuncOp>(createBatchPass());
    passes.addNestedPass<func::FuncOp>(createSingleReplicaPass());
    return passes.run(*module);
  }
  bool holds(llvm::function_ref<bool(Operation *)> is) {
    return function.walk([&](Operation *op) { return is(op) ? WalkResult::interrupt() : WalkResult::advance(); })
        .wasInterrupted();
  }
};

/// A direction of the size of what it starts from.
std::vector<HostTensor> drawDirection(ArrayRef<HostTensor> from, uint64_t seed) {
  std::mt19937_64 bits(seed);
  std::vector<HostTensor> direction(from.begin(), from.end());
  for (HostTensor &tensor : direction) {
    double squares = 0;
    for (double value : tensor.values)
      squares += value * value;
    double length = std::max(0.1, std::sqrt(squares / double(std::max<int64_t>(tensor.size(), 1))));
    for (double &value : tensor.values)
      value = length * (double(bits() >> 11) * 0x1p-52 - 1);
  }
  return direction;
}

class Check {
public:
  Check(func::FuncOp function, unsigned number, ArrayRef<HostTensor> inputs, DerivativeFindings &findings)
      : name(function.getName().str()), inputs(inputs), findings(findings), slopes(function, number),
        loss(function, number) {}

  void run();

private:
  std::optional<double> lossAt(ArrayRef<HostTensor> direction, double distance);

  std::string name;
  ArrayRef<HostTensor> inputs;
  DerivativeFindings &findings;
  Part slopes, loss;
  SmallVector<Value> variables; ///< in `loss`
  std::vector<HostTensor> start;
  Anchor anchor;
};

std::optional<double> Check::lossAt(ArrayRef<HostTensor> direction, double distance) {
  std::map<void *, HostTensor> moved;
  for (auto [variable, from, way] : llvm::zip_equal(variables, start, direction)) {
    HostTensor tensor = from;
    for (auto [value, step] : llvm::zip_equal(tensor.values, way.values))
      value += distance * step;
    moved[keyOf(variable)] = std::move(tensor);
  }
  anchor.next.clear();
  Options options{/*doublePrecision=*/true};
  options.replaced = &moved;
  options.anchor = &anchor;
  auto result = evaluate(loss.function, inputs, options);
  if (failed(result))
    return std::nullopt;
  return result->front().values[0];
}

void Check::run() {
  auto broken = [&] { findings.mistakes.push_back(name + ": a derivative cannot be evaluated"); };
  auto isSpecial = [](Operation *op) { return isa<nn::StopGradientOp, nn::ScaleGradientOp>(op); };
  slopes.giveBack(slopes.gradient.getGradients());
  variables = llvm::to_vector(loss.gradient.getWrt());
  Value value = loss.gradient.getLoss();
  loss.gradient.erase();
  SmallVector<Value> shown = {value};
  llvm::append_range(shown, variables);
  loss.giveBack(shown);
  // What has a derivative of its own choice is not what differences see. An inner gradient has to be written out
  // first, which would forget where derivatives stop.
  bool nested = loss.holds([](Operation *op) { return isa<nn::GradientOp>(op); });
  auto isOwn = [](Operation *op) { return isa<nn::CustomOp>(op) && !op->hasAttr(nn::kVariableAttr); };
  if (loss.holds(isOwn) || (nested && loss.holds(isSpecial))) {
    ++findings.kinks;
    return;
  }
  if (nested) {
    if (failed(loss.expandGradients()))
      return broken();
    variables = llvm::to_vector(llvm::drop_begin(loss.function.getBody().front().getTerminator()->getOperands()));
  }
  if (failed(slopes.expandGradients()))
    return broken();
  Options options{/*doublePrecision=*/true};
  auto gradients = evaluate(slopes.function, inputs, options);
  options.anchor = &anchor;
  auto base = evaluate(loss.function, inputs, options);
  if (failed(gradients) || failed(base))
    return broken();
  anchor.recording = false;
  start.assign(base->begin() + 1, base->end());

  for (uint64_t attempt = 0; attempt < 3; ++attempt) {
    std::vector<HostTensor> direction = drawDirection(start, 17 + attempt);
    double slope = 0, size = 0;
    for (auto [gradient, way] : llvm::zip_equal(*gradients, direction))
      for (auto [g, v] : llvm::zip_equal(gradient.values, way.values)) {
        slope += g * v;
        size += std::fabs(g * v);
      }
    double here = base->front().values[0], distance = 1e-6;
    auto ahead = lossAt(direction, distance), behind = lossAt(direction, -distance);
    if (!ahead || !behind)
      return broken();
    double difference = (*ahead - *behind) / (2 * distance);
    // Differences of numbers near `here` have 53 bits; third derivatives times the square of the distance are less.
    double allowed = 1e-5 * size + 1e-8 * (1 + std::fabs(here));
    if (std::fabs(difference - slope) <= allowed) {
      ++findings.checked;
      return;
    }
    // Where the loss bends, the slopes of both sides differ, and stay different at a smaller distance.
    auto near = lossAt(direction, distance / 8), nearBehind = lossAt(direction, -distance / 8);
    if (!near || !nearBehind)
      return broken();
    double forward = (*near - here) / (distance / 8), backward = (here - *nearBehind) / (distance / 8);
    double nearer = (*near - *nearBehind) / (distance / 4);
    bool bends = std::fabs(forward - backward) > allowed || std::fabs(nearer - difference) > allowed ||
                 !std::isfinite(difference);
    // A gradient that is nothing but rounding (of distances between equal points) is another with other rounding.
    Options erring{/*doublePrecision=*/true};
    erring.noise = 0x1p-48;
    auto other = evaluate(slopes.function, inputs, erring);
    if (failed(other))
      return broken();
    double otherSlope = 0;
    for (auto [gradient, way] : llvm::zip_equal(*other, direction))
      for (auto [g, v] : llvm::zip_equal(gradient.values, way.values))
        otherSlope += g * v;
    bool isRounding = !(std::fabs(otherSlope - slope) <= allowed);
    if (!bends && !isRounding) {
      findings.mistakes.push_back(llvm::formatv("{0}: the derivative of a loss of {1:e6} along a direction is {2:e6}, "
                                                "differences give {3:e6}",
                                                name, here, slope, difference));
      return;
    }
  }
  ++findings.kinks;
}

} // namespace

DerivativeFindings checkGradients(func::FuncOp function, ArrayRef<HostTensor> inputs) {
  DerivativeFindings findings;
  unsigned count = llvm::range_size(function.getBody().front().getOps<nn::GradientOp>());
  for (unsigned number = 0; number < count; ++number)
    Check(function, number, inputs, findings).run();
  return findings;
}

} // namespace xfer::generated
