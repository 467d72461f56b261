//===- Outline.cpp - a part of a function as a function of its own ------------------------------------------------===//

#include "compiler/BindingTime/Outline.h"
#include "compiler/Dialect/NN/IR/NN.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace xfer::pipeline;

namespace xfer {

/// The ops that `results` need, without those behind `given`, and the arguments that these read.
static void collect(func::FuncOp function, ArrayRef<BoundValue> given, ArrayRef<BoundValue> results,
                    llvm::SetVector<Operation *> &ops, llvm::SmallSetVector<BlockArgument, 8> &arguments) {
  llvm::DenseSet<Value> stop;
  for (auto &[value, bind] : given)
    stop.insert(value);
  SmallVector<Value> work;
  for (auto &[value, bind] : results)
    work.push_back(value);
  llvm::DenseSet<Value> seen;
  while (!work.empty()) {
    Value value = work.pop_back_val();
    if (stop.contains(value) || !seen.insert(value).second)
      continue;
    if (auto argument = dyn_cast<BlockArgument>(value)) {
      arguments.insert(argument);
      continue;
    }
    ops.insert(value.getDefiningOp());
    llvm::append_range(work, value.getDefiningOp()->getOperands());
  }
}

/// A clone may have other types than the original: what an attribute says of the extents follows them.
static void adaptAttributes(Operation *clone) {
  auto slice = dyn_cast<nn::SliceOp>(clone);
  if (!slice || slice.getSizes().empty())
    return;
  SmallVector<int64_t> sizes(slice.getSizes());
  auto type = cast<RankedTensorType>(slice.getX().getType());
  for (auto [axis, size] : llvm::enumerate(sizes))
    if (ShapedType::isDynamic(size) && !type.isDynamicDim(axis))
      size = type.getDimSize(axis);
  slice.setSizes(sizes);
}

/// Gives a clone, and all that stands in its regions, the types that they have in the new function.
static void adapt(Operation &from, Operation &to, llvm::function_ref<Type(Value)> typeOf) {
  for (auto [a, b] : llvm::zip_equal(from.getResults(), to.getResults()))
    b.setType(typeOf(a));
  adaptAttributes(&to);
  for (auto [source, target] : llvm::zip_equal(from.getRegions(), to.getRegions()))
    for (auto [a, b] : llvm::zip_equal(source, target)) {
      for (auto [x, y] : llvm::zip_equal(a.getArguments(), b.getArguments()))
        y.setType(typeOf(x));
      for (auto [x, y] : llvm::zip_equal(a, b))
        adapt(x, y, typeOf);
    }
}

Operation *cloneWithTypes(OpBuilder &builder, Operation &op, IRMapping &mapping,
                          llvm::function_ref<Type(Value)> typeOf) {
  Operation *clone = builder.clone(op, mapping);
  adapt(op, *clone, typeOf);
  return clone;
}

func::FuncOp outline(func::FuncOp function, StringRef name, ArrayRef<BoundValue> given, ArrayRef<BoundValue> results,
                     llvm::function_ref<Type(Value)> typeOf) {
  llvm::SetVector<Operation *> ops;
  llvm::SmallSetVector<BlockArgument, 8> needed;
  collect(function, given, results, ops, needed);
  SmallVector<BoundValue> arguments;
  for (BlockArgument argument : function.getArguments())
    if (needed.contains(argument))
      arguments.push_back({argument, getArgumentBind(function, argument.getArgNumber())});
  llvm::append_range(arguments, given);

  SmallVector<Type> argumentTypes, resultTypes;
  for (auto &[value, bind] : arguments)
    argumentTypes.push_back(typeOf(value));
  for (auto &[value, bind] : results)
    resultTypes.push_back(typeOf(value));
  OpBuilder builder(function);
  builder.setInsertionPointAfter(function);
  auto outlined =
      func::FuncOp::create(builder, function.getLoc(), name, builder.getFunctionType(argumentTypes, resultTypes));
  for (auto [index, argument] : llvm::enumerate(arguments))
    setArgumentBind(outlined, index, argument.second);
  for (auto [index, result] : llvm::enumerate(results))
    setResultBind(outlined, index, result.second);

  Block *body = outlined.addEntryBlock();
  IRMapping mapping;
  for (auto [argument, inside] : llvm::zip_equal(arguments, body->getArguments())) {
    mapping.map(argument.first, inside);
    inside.setLoc(argument.first.getLoc());
  }
  builder.setInsertionPointToEnd(body);
  for (Operation &op : function.getBody().front())
    if (ops.contains(&op))
      cloneWithTypes(builder, op, mapping, typeOf);
  SmallVector<Value> values;
  for (auto &[value, bind] : results)
    values.push_back(mapping.lookup(value));
  func::ReturnOp::create(builder, function.getBody().front().getTerminator()->getLoc(), values);
  return outlined;
}

} // namespace xfer
