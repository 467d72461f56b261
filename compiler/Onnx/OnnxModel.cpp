//===- OnnxModel.cpp - an export of a program as an ONNX file ----------------------------------------------------===//

#include "compiler/Onnx/OnnxModel.h"
#include "compiler/AutoDiff/Passes.h"
#include "compiler/Dialect/NN/Transforms/Passes.h"
#include "compiler/Elaborate/Elaborate.h"
#include "compiler/Onnx/Translator.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"
#include "xfer/rt/WeightValues.h"
#include "llvm/ADT/BitVector.h"

using namespace mlir;

namespace xfer {

/// Operators of this version have the meaning that the translation gives them.
static constexpr int64_t operatorSet = 18, formatVersion = 8;

static llvm::Error problem(const llvm::Twine &text) { return llvm::createStringError(text); }

static llvm::Expected<pipeline::ExportOp> findExport(ModuleOp program, StringRef name) {
  std::string names;
  for (auto exported : program.getOps<pipeline::ExportOp>()) {
    if (name.empty() || exported.getName() == name)
      return exported;
    names += (names.empty() ? "" : ", ") + exported.getName().str();
  }
  if (names.empty())
    return problem("the program has no export; add one to its text");
  return problem("there is no export '" + name + "'; the program has " + names);
}

/// Leaves tensors and what is computed of them: no meanings, samples one by one or gradients.
static LogicalResult simplify(ModuleOp module) {
  PassManager passes(module.getContext());
  auto fold = [&] {
    passes.addPass(createCanonicalizerPass());
    passes.addPass(createCSEPass());
  };
  passes.addNestedPass<func::FuncOp>(createMarkVariablesPass());
  passes.addNestedPass<func::FuncOp>(createEraseMeaningPass());
  passes.addNestedPass<func::FuncOp>(createBatchPass());
  fold();
  passes.addNestedPass<func::FuncOp>(createAutoDiffPass());
  passes.addNestedPass<func::FuncOp>(createBatchPass());
  fold();
  return passes.run(module);
}

static void addTensor(rt::ProtoMessage &graph, StringRef name, Type element, ArrayRef<int64_t> shape,
                      const std::string &bytes) {
  rt::ProtoMessage tensor;
  for (int64_t extent : shape)
    tensor.number(1, extent);
  tensor.number(2, onnx::dataTypeOf(element));
  tensor.text(8, name);
  tensor.text(9, bytes);
  graph.message(5, tensor);
}

/// A variable of the program in the words of the weight files.
static llvm::Expected<rt::LoadVariable> variableOf(ModuleOp program, pipeline::BindAttr bind) {
  auto make = [&](Type type, StringRef layout, bool isParameter) {
    auto tensor = cast<RankedTensorType>(type);
    return rt::LoadVariable{bind.getName().str(), pipeline::getElementName(tensor.getElementType()), layout.str(),
                            std::vector<int64_t>(tensor.getShape()), isParameter};
  };
  for (auto parameter : program.getOps<pipeline::ParameterOp>())
    if (parameter.getName() == bind.getName())
      return make(parameter.getType(), parameter.getLayout(), true);
  for (auto state : program.getOps<pipeline::StateOp>())
    if (state.getName() == bind.getName() && state.getOwner() == "module")
      return make(state.getType(), "plain", false);
  return problem("it reads the state '" + bind.getName() + "', which is not among the weights of a run");
}

static llvm::Error addInitializers(rt::ProtoMessage &graph, ModuleOp program, const onnx::Translator &translator,
                                   const std::string &weights) {
  std::vector<rt::LoadVariable> variables;
  std::vector<std::pair<std::string, Type>> stored;
  for (const onnx::Translator::Initializer &one : translator.getInitializers()) {
    if (one.bind.getKind() != pipeline::BindKind::Option) {
      llvm::Expected<rt::LoadVariable> variable = variableOf(program, one.bind);
      if (!variable)
        return variable.takeError();
      variables.push_back(std::move(*variable));
      stored.emplace_back(one.name, one.element);
      continue;
    }
    for (auto option : program.getOps<pipeline::OptionOp>())
      if (option.getName() == one.bind.getName()) {
        auto real = dyn_cast<FloatAttr>(option.getDefaultValue());
        auto whole = dyn_cast<IntegerAttr>(option.getDefaultValue());
        if (!real && !whole)
          return problem("it reads the option '" + one.bind.getName() + "', which is no number");
        double value = real                           ? real.getValueAsDouble()
                       : whole.getType().isInteger(1) ? whole.getValue().getBoolValue()
                                                      : static_cast<double>(whole.getInt());
        auto asFloat = static_cast<float>(value);
        auto asInteger = static_cast<int32_t>(value);
        const void *from = isa<FloatType>(one.element) ? static_cast<const void *>(&asFloat) : &asInteger;
        addTensor(graph, one.name, one.element, {}, std::string(static_cast<const char *>(from), 4));
      }
  }
  auto values = rt::readValues(weights, variables);
  if (!values)
    return problem(values.message());
  for (auto [value, name] : llvm::zip(*values, stored))
    addTensor(graph, name.first, name.second, value.shape, value.bytes);
  return llvm::Error::success();
}

/// `map` is over all fields of a domain, of which an export takes those that it names.
static void dropOtherFields(func::FuncOp function, pipeline::ExportOp exported) {
  llvm::BitVector unused(function.getNumArguments());
  for (BlockArgument argument : function.getArguments()) {
    pipeline::BindAttr bind = pipeline::getArgumentBind(function, argument.getArgNumber());
    bool isNamed = llvm::any_of(exported.getInputs().getAsRange<pipeline::FieldAttr>(),
                                [&](pipeline::FieldAttr field) { return field.getName() == bind.getName(); });
    if (bind.getKind() == pipeline::BindKind::Input && !isNamed && argument.use_empty())
      unused.set(argument.getArgNumber());
  }
  (void)function.eraseArguments(unused);
}

llvm::Expected<std::string> makeOnnxModel(ModuleOp program, StringRef exported, const std::string &weights) {
  llvm::Expected<pipeline::ExportOp> found = findExport(program, exported);
  if (!found)
    return found.takeError();
  std::string name = found->getName().str();
  Attribute any = (*found)->getAttr(kAnyBatchAttr);
  auto refuse = [&](const llvm::Twine &why) {
    return problem("the export '" + name + "' cannot be written as ONNX: " + why);
  };
  auto function = isa_and_nonnull<FlatSymbolRefAttr>(any)
                      ? program.lookupSymbol<func::FuncOp>(cast<FlatSymbolRefAttr>(any))
                      : func::FuncOp();
  if (!function)
    return refuse("for any number of samples, " + (any ? cast<StringAttr>(any).getValue() : "it is not there"));
  // Alone: the passes go over a whole module.
  OwningOpRef<ModuleOp> alone = ModuleOp::create(program.getLoc());
  func::FuncOp copy = function.clone();
  alone->push_back(copy);
  if (failed(simplify(*alone)))
    return refuse("its gradients cannot be written out");
  dropOtherFields(copy, *found);
  onnx::Translator translator(copy, program);
  std::optional<rt::ProtoMessage> graph = translator.run();
  if (!graph)
    return refuse(translator.getProblem());
  if (llvm::Error error = addInitializers(*graph, program, translator, weights))
    return refuse(llvm::toString(std::move(error)));
  rt::ProtoMessage operators, model;
  operators.text(1, "");
  operators.number(2, operatorSet);
  model.number(1, formatVersion);
  model.text(2, "xferc");
  model.text(3, XFER_VERSION);
  model.message(7, *graph);
  model.message(8, operators);
  return std::move(model.bytes);
}

} // namespace xfer
