//===- Loops.cpp - scans in ONNX ---------------------------------------------------------------------------------===//
//
// `nn.loop` is ONNX' Scan: carries are its states, what is stacked are its scan outputs, and the body sees the names
// around it, so that invariants need no place of their own. The number of the step is scanned as well. A conditional
// loop goes its whole length with one more state, whether it still goes on.
//
//===------------------------------------------------------------------------------------------------------------===//

#include "compiler/Onnx/Translator.h"

using namespace mlir;

namespace xfer::onnx {

static RankedTensorType typeOf(Value value) { return llvm::cast<RankedTensorType>(value.getType()); }

LogicalResult Translator::translate(nn::LoopOp op) {
  auto count = static_cast<int64_t>(op.getCount());
  if (count == 0)
    return refuse(op, "ONNX scans nothing of no length");
  nn::LoopArguments arguments = op.getBodyArguments();
  Type i64 = IntegerType::get(op.getContext(), 64), i1 = IntegerType::get(op.getContext(), 1);
  SmallVector<std::string> inputs, outputs;
  std::vector<rt::ProtoMessage> bodyInputs, bodyOutputs;
  for (auto [outer, inner] : llvm::zip(op.getInvariants(), arguments.invariants))
    if (!inner.use_empty())
      set(inner, whole(outer));
  for (Value carry : op.getCarries())
    inputs.push_back(whole(carry));
  if (op.getConditional())
    inputs.push_back(graph.scalar(i1, 1));
  std::string end = graph.scalar(i64, static_cast<double>(count));
  std::string steps = graph.shared("Range", {graph.scalar(i64, 0), end, graph.scalar(i64, 1)});
  inputs.push_back(cast(steps, typeOf(arguments.index).getElementType()));
  for (Value scanned : op.getScanned())
    inputs.push_back(whole(scanned));

  graph.open();
  forms.emplace_back();
  auto take = [&](RankedTensorType type) {
    std::string name = graph.fresh();
    bodyInputs.push_back(Graph::describe(name, type));
    return name;
  };
  SmallVector<std::string> before;
  for (Value carry : arguments.carries)
    set(carry, before.emplace_back(take(typeOf(carry))));
  auto flag = RankedTensorType::get({}, i1);
  std::string active = op.getConditional() ? take(flag) : std::string();
  set(arguments.index, take(typeOf(arguments.index)));
  for (Value scanned : arguments.scanned)
    set(scanned, take(typeOf(scanned)));
  LogicalResult done = translate(op.getBody().front());
  auto give = [&](const std::string &value, RankedTensorType type) {
    bodyOutputs.push_back(Graph::describe(graph.node("Identity", {value}), type));
  };
  if (succeeded(done)) {
    std::string goesOn = active.empty() ? "" : graph.node("And", {active, whole(op.getContinue())});
    for (auto [i, carry] : llvm::enumerate(op.getYieldedCarries()))
      give(active.empty() ? whole(carry) : graph.node("Where", {goesOn, whole(carry), before[i]}), typeOf(carry));
    if (!active.empty())
      give(goesOn, flag);
    for (Value stacked : op.getYieldedStacked()) {
      std::string zero = graph.scalar(typeOf(stacked).getElementType(), 0);
      give(active.empty() ? whole(stacked) : graph.node("Where", {goesOn, whole(stacked), zero}), typeOf(stacked));
    }
  }
  forms.pop_back();
  rt::ProtoMessage body = graph.close(bodyInputs, bodyOutputs);
  if (failed(done))
    return failure();
  for (unsigned i = 0; i != op.getCarryCount(); ++i)
    set(op.getResult(i), outputs.emplace_back(graph.fresh()));
  if (op.getConditional())
    outputs.push_back(graph.fresh());
  for (unsigned i = op.getCarryCount(); i != op.getNumResults(); ++i)
    set(op.getResult(i), outputs.emplace_back(graph.fresh()));
  auto scanned = static_cast<int64_t>(op.getScanned().size()) + 1;
  graph.node("Scan", inputs, outputs, Attributes().graph("body", body).number("num_scan_inputs", scanned));
  return success();
}

/// Of a computation with a derivative of its own the computation.
LogicalResult Translator::translate(nn::CustomOp op) {
  Block &body = op.getForward().front();
  for (auto [outer, inner] : llvm::zip(op.getInputs(), body.getArguments()))
    set(inner, whole(outer));
  if (failed(translate(body)))
    return failure();
  for (auto [result, value] : llvm::zip(op.getResults(), op.getForwardYield().getValues()))
    set(result, whole(value));
  return success();
}

} // namespace xfer::onnx
