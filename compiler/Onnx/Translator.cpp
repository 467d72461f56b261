//===- Translator.cpp - one function of nn operations as an ONNX graph -------------------------------------------===//

#include "compiler/Onnx/Translator.h"
#include "xfer/rt/WeightValues.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using llvm::Twine;

namespace xfer::onnx {

Translator::Translator(func::FuncOp function, ModuleOp program)
    : function(function), program(program), graph(function.getContext()), forms(1) {}

LogicalResult Translator::refuse(Location where, const Twine &why) {
  problem = why.str();
  if (auto place = where->findInstanceOf<FileLineColLoc>())
    problem += " (" + place.getFilename().str() + ":" + std::to_string(place.getLine()) + ")";
  return failure();
}

//===--- values -------------------------------------------------------------------------------------------------===//

const std::string *Translator::find(DenseMap<Value, std::string> Forms::*kind, Value value) const {
  for (const Forms &scope : llvm::reverse(forms))
    if (auto found = (scope.*kind).find(value); found != (scope.*kind).end())
      return &found->second;
  return nullptr;
}

std::string Translator::whole(Value value) {
  if (const std::string *known = find(&Forms::whole, value))
    return *known;
  auto type = llvm::cast<RankedTensorType>(value.getType());
  std::string name;
  if (const std::string *stored = find(&Forms::stored, value)) {
    SmallVector<int64_t> permutation;
    for (int64_t i = 2; i < type.getRank(); ++i)
      permutation.push_back(i);
    permutation.append({1, 0});
    name = permuted(*stored, permutation);
  } else {
    const std::string *stretched = find(&Forms::loose, value);
    assert(stretched && "a value is translated before it is read");
    name = graph.shared("Expand", {*stretched, shapeOf(type)});
  }
  set(value, name);
  return name;
}

std::string Translator::loose(Value value) {
  const std::string *stretched = find(&Forms::loose, value);
  return stretched ? *stretched : whole(value);
}

std::string Translator::shapeOf(RankedTensorType type) {
  if (type.hasStaticShape())
    return graph.integers(type.getShape());
  std::string batch = graph.shared("Shape", {firstInput}, Attributes().number("start", 0).number("end", 1));
  SmallVector<std::string> parts;
  SmallVector<int64_t> known;
  auto flush = [&] {
    if (!known.empty())
      parts.push_back(graph.integers(known));
    known.clear();
  };
  for (int64_t extent : type.getShape()) {
    if (!ShapedType::isDynamic(extent)) {
      known.push_back(extent);
      continue;
    }
    flush();
    parts.push_back(batch);
  }
  flush();
  return parts.size() == 1 ? parts[0] : graph.shared("Concat", parts, Attributes().number("axis", 0));
}

std::string Translator::permuted(const std::string &name, ArrayRef<int64_t> permutation) {
  if (llvm::equal(permutation, llvm::seq<int64_t>(0, permutation.size())))
    return name;
  return graph.shared("Transpose", {name}, Attributes().numbers("perm", permutation));
}

std::string Translator::cast(const std::string &name, Type element) {
  return graph.node("Cast", {name}, Attributes().number("to", dataTypeOf(element)));
}

std::string Translator::channelsFirst(const std::string &name, int64_t rank) {
  SmallVector<int64_t> permutation = {0, rank - 1};
  for (int64_t i = 1; i + 1 < rank; ++i)
    permutation.push_back(i);
  return permuted(name, permutation);
}

std::string Translator::channelsLast(const std::string &name, int64_t rank) {
  SmallVector<int64_t> permutation = {0};
  for (int64_t i = 2; i < rank; ++i)
    permutation.push_back(i);
  permutation.push_back(1);
  return permuted(name, permutation);
}

//===--- the function -------------------------------------------------------------------------------------------===//

/// Inputs, and initialisers for what the program has: parameters in the layout of files, states, options.
LogicalResult Translator::bindArguments(std::vector<rt::ProtoMessage> &inputs) {
  llvm::StringMap<StringRef> layouts;
  for (auto parameter : program.getOps<pipeline::ParameterOp>())
    layouts[parameter.getName()] = parameter.getLayout();
  for (BlockArgument argument : function.getArguments()) {
    pipeline::BindAttr bind = pipeline::getArgumentBind(function, argument.getArgNumber());
    auto type = llvm::cast<RankedTensorType>(argument.getType());
    std::string name = bind.getName().str();
    switch (bind.getKind()) {
    case pipeline::BindKind::Input:
      inputs.push_back(Graph::describe(name, type));
      if (firstInput.empty())
        firstInput = name;
      set(argument, name);
      continue;
    case pipeline::BindKind::Param:
    case pipeline::BindKind::State:
      name = rt::keyOf(name);
      if (StringRef layout = layouts.lookup(bind.getName()); !layout.empty() && layout != "plain" && type.getRank() > 1)
        forms.back().stored[argument] = name;
      else
        set(argument, name);
      break;
    case pipeline::BindKind::Option:
      name = "option/" + name;
      set(argument, name);
      break;
    default:
      if (argument.use_empty())
        continue;
      if (bind.getKind() == pipeline::BindKind::Key || bind.getKind() == pipeline::BindKind::StepKey)
        return refuse(function.getLoc(), "it draws random numbers, which ONNX would draw otherwise");
      return refuse(function.getLoc(), "it reads what only a run has, " +
                                           Twine(pipeline::stringifyBindKind(bind.getKind())) + " '" + name + "'");
    }
    if (!argument.use_empty())
      initializers.push_back({bind, name, type.getElementType()});
  }
  if (firstInput.empty())
    return refuse(function.getLoc(), "it has no input");
  return success();
}

std::optional<rt::ProtoMessage> Translator::run() {
  std::vector<rt::ProtoMessage> inputs, outputs;
  if (failed(bindArguments(inputs)) || failed(translate(function.getBody().front())))
    return std::nullopt;
  for (auto [i, value] : llvm::enumerate(function.getBody().front().getTerminator()->getOperands())) {
    std::string name = pipeline::getResultBind(function, i).getName().str();
    // A value may be two outputs, or an input as it is.
    graph.node("Identity", {whole(value)}, ArrayRef(name));
    outputs.push_back(Graph::describe(name, llvm::cast<RankedTensorType>(value.getType())));
  }
  return graph.close(inputs, outputs);
}

LogicalResult Translator::translate(Block &block) {
  for (Operation &op : block.without_terminator())
    if (failed(translate(op)))
      return failure();
  return success();
}

LogicalResult Translator::translate(Operation &op) {
  if (elementwise(op))
    return success();
  return llvm::TypeSwitch<Operation *, LogicalResult>(&op)
      .Case<nn::ContractOp, nn::ConvOp, nn::ConvInputGradientOp, nn::WindowMaxOp, nn::WindowSumOp, nn::ConstantOp,
            nn::IotaOp, nn::BroadcastOp, nn::ReshapeOp, nn::ConcatOp, nn::SliceOp, nn::PadOp, nn::ReverseOp,
            nn::ReduceOp, nn::ArgmaxOp, nn::CumsumOp, nn::GatherOp, nn::ScatterOp, nn::SortOp, nn::LoopOp,
            nn::CustomOp>([&](auto known) { return translate(known); })
      .Case([&](nn::TransposeOp transpose) {
        set(transpose, permuted(whole(transpose.getX()), transpose.getPermutation()));
        return success();
      })
      .Default([&](Operation *other) {
        return refuse(other, "ONNX has no operator for '" + other->getName().getStringRef() + "'");
      });
}

} // namespace xfer::onnx
