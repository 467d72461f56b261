//===- Graph.cpp - an ONNX graph while it is made ----------------------------------------------------------------===//

#include "compiler/Onnx/Graph.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace xfer::onnx {

DataType dataTypeOf(Type element) {
  return llvm::TypeSwitch<Type, DataType>(element)
      .Case([](Float64Type) { return Double; })
      .Case([](BFloat16Type) { return BFloat16; })
      .Case([](IntegerType type) {
        return type.getWidth() == 1 ? Bool : type.isUnsigned() ? UInt8 : type.getWidth() == 64 ? Int64 : Int32;
      })
      .Default([](Type) { return Float; });
}

//===--- attributes ---------------------------------------------------------------------------------------------===//

rt::ProtoMessage &Attributes::add(StringRef name, int64_t type) {
  rt::ProtoMessage &attribute = list.emplace_back();
  attribute.text(1, name);
  attribute.number(20, type);
  return attribute;
}

Attributes &Attributes::number(StringRef name, int64_t value) {
  add(name, 2).number(3, value);
  return *this;
}

Attributes &Attributes::numbers(StringRef name, ArrayRef<int64_t> values) {
  rt::ProtoMessage &attribute = add(name, 7);
  for (int64_t value : values)
    attribute.number(8, value);
  return *this;
}

Attributes &Attributes::text(StringRef name, StringRef value) {
  add(name, 3).text(4, value);
  return *this;
}

Attributes &Attributes::graph(StringRef name, const rt::ProtoMessage &value) {
  add(name, 5).message(6, value);
  return *this;
}

//===--- nodes --------------------------------------------------------------------------------------------------===//

void Graph::node(StringRef type, ArrayRef<std::string> inputs, ArrayRef<std::string> outputs,
                 const Attributes &attributes) {
  rt::ProtoMessage message;
  for (const std::string &input : inputs)
    message.text(1, input);
  for (const std::string &output : outputs)
    message.text(2, output);
  message.text(4, type);
  for (const rt::ProtoMessage &attribute : attributes.list)
    message.message(5, attribute);
  scopes.back().nodes.push_back(std::move(message));
}

std::string Graph::node(StringRef type, ArrayRef<std::string> inputs, const Attributes &attributes) {
  std::string result = fresh();
  node(type, inputs, ArrayRef(result), attributes);
  return result;
}

std::string Graph::shared(StringRef type, ArrayRef<std::string> inputs, const Attributes &attributes) {
  std::string key = type.str();
  for (const std::string &input : inputs)
    key += "\n" + input;
  for (const rt::ProtoMessage &attribute : attributes.list)
    key += "\n" + attribute.bytes;
  for (const Scope &scope : scopes)
    if (auto found = scope.known.find(key); found != scope.known.end())
      return found->second;
  return scopes.back().known[key] = node(type, inputs, attributes);
}

rt::ProtoMessage Graph::close(ArrayRef<rt::ProtoMessage> inputs, ArrayRef<rt::ProtoMessage> outputs) {
  rt::ProtoMessage graph;
  for (const rt::ProtoMessage &one : scopes.back().nodes)
    graph.message(1, one);
  graph.text(2, scopes.size() == 1 ? "main" : "body");
  if (scopes.size() == 1)
    for (const rt::ProtoMessage &constant : constants)
      graph.message(5, constant);
  for (const rt::ProtoMessage &input : inputs)
    graph.message(11, input);
  for (const rt::ProtoMessage &output : outputs)
    graph.message(12, output);
  scopes.pop_back();
  return graph;
}

//===--- constants ----------------------------------------------------------------------------------------------===//

std::string Graph::constant(StringRef key, const rt::ProtoMessage &tensor) {
  std::string &known = knownConstants[key];
  if (known.empty()) {
    known = "c/" + std::to_string(constants.size());
    constants.push_back(tensor);
    constants.back().text(8, known);
  }
  return known;
}

std::string Graph::constant(DenseElementsAttr values) {
  Type element = values.getElementType();
  rt::ProtoMessage tensor;
  for (int64_t extent : values.getType().getShape())
    tensor.number(1, extent);
  tensor.number(2, dataTypeOf(element));
  std::string bytes;
  if (element.isInteger(1)) // packed by MLIR
    for (bool value : values.getValues<bool>())
      bytes += static_cast<char>(value);
  else if (!values.isSplat())
    bytes.assign(values.getRawData().begin(), values.getRawData().end());
  else
    for (int64_t i = 0, e = values.getNumElements(); i != e; ++i)
      bytes.append(values.getRawData().begin(), values.getRawData().end());
  tensor.text(9, bytes);
  return constant(tensor.bytes, tensor);
}

std::string Graph::integers(ArrayRef<int64_t> values) {
  auto type = RankedTensorType::get({static_cast<int64_t>(values.size())}, IntegerType::get(context, 64));
  return constant(DenseElementsAttr::get(type, values));
}

std::string Graph::scalar(Type element, double value) {
  auto type = RankedTensorType::get({}, element);
  if (auto real = dyn_cast<FloatType>(element))
    return constant(DenseElementsAttr::get(type, ArrayRef<Attribute>(FloatAttr::get(real, value))));
  return constant(
      DenseElementsAttr::get(type, ArrayRef<Attribute>(IntegerAttr::get(element, static_cast<int64_t>(value)))));
}

rt::ProtoMessage Graph::describe(StringRef name, RankedTensorType type) {
  rt::ProtoMessage shape, tensor, whole, info;
  for (int64_t extent : type.getShape()) {
    rt::ProtoMessage dimension;
    if (ShapedType::isDynamic(extent))
      dimension.text(2, "batch");
    else
      dimension.number(1, extent);
    shape.message(1, dimension);
  }
  tensor.number(1, dataTypeOf(type.getElementType()));
  tensor.message(2, shape);
  whole.message(1, tensor);
  info.text(1, name);
  info.message(2, whole);
  return info;
}

} // namespace xfer::onnx
