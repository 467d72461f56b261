//===- Each.cpp - `each p in xs along d => e` ---------------------------------------------------------------------===//
//
// Becomes one nn.each: the body is elaborated once, for one element. What is mapped may be a tensor or any mixture of
// tuples, records and trees of tensors; the body sees the same mixture of elements, and what it gives, of tensors
// again, comes back with the elements one after another.
//
//===------------------------------------------------------------------------------------------------------------===//

#include "compiler/Elaborate/Emit.h"
#include "compiler/Elaborate/Evaluator.h"
#include <functional>

using namespace mlir;
using llvm::Twine;

namespace xfer {

namespace {
/// One `each` under construction.
class Mapping {
public:
  Mapping(Evaluator &evaluator, const dsl::EachExpr &each, const ScopePtr &scope)
      : evaluator(evaluator), each(each), scope(scope), where(evaluator.location(each.range)) {}

  Value run();

private:
  using Leafwise = llvm::function_ref<Value(const Value &)>;
  Value rebuild(const Value &value, Leafwise leaf);
  bool collect(const Value &source);
  bool add(const Tensor &tensor);
  std::optional<Value> body(Evaluator::Iteration &loop, const Value &source, SmallVectorImpl<mlir::Value> &yielded);
  Value outOf(const Value &made, ArrayRef<mlir::Value> results, size_t &next);

  Evaluator &evaluator;
  const dsl::EachExpr &each;
  const ScopePtr &scope;
  Location where;
  Value along;
  std::vector<Tensor> mapped; ///< with the mapped axis in front
  std::vector<mlir::Value> arguments;
  std::optional<Extent> count;
  AxisId axis = 0;
  int64_t position = 0; ///< of the mapped axis, where `along` names one
  bool overNumbers = false;
};
} // namespace

/// The same mixture with `leaf` of each of its tensors.
Value Mapping::rebuild(const Value &value, Leafwise leaf) {
  if (value.tensor())
    return leaf(value);
  if (const List *list = value.list()) {
    std::vector<Value> all;
    for (const Value &one : list->elements)
      all.push_back(rebuild(one, leaf));
    return Value::list(std::move(all), list->tuple);
  }
  if (const Record *record = value.record()) {
    std::vector<std::pair<std::string, Value>> fields;
    for (auto &[name, one] : record->fields)
      fields.push_back({name, rebuild(one, leaf)});
    return Value::record(std::move(fields));
  }
  if (const Tree *tree = value.tree()) {
    auto result = std::make_shared<Tree>();
    for (auto &[path, one] : tree->leaves)
      result->leaves[path] = rebuild(one, leaf);
    return Value(std::shared_ptr<const Tree>(result));
  }
  return value;
}

bool Mapping::add(const Tensor &tensor) {
  std::optional<llvm::SmallVector<int64_t>> axes = evaluator.axes(along, tensor, each.source->range);
  if (!axes)
    return false;
  if (axes->size() != 1) {
    evaluator.error(each.along->range, "bad-axis", "'each' goes along one axis");
    return false;
  }
  // An element of a batch with a bounded dimension has one length, which the body would have to know.
  if (!evaluator.wantsDense(tensor, axes->front(), "each", each.source->range))
    return false;
  Extent extent = extentsOf(tensor.value)[axes->front()];
  if (count && *count != extent) {
    evaluator.error(each.source->range, "shapes-differ",
                    "what 'each' goes over has one extent along the axis, found " + describeExtent(*count) + " and " +
                        describeExtent(extent));
    return false;
  }
  if (!count)
    position = axes->front();
  count = extent;
  mapped.push_back(toFront(evaluator.builder(), where, tensor, axes->front()));
  axis = axis ? axis : mapped.back().axes.front();
  return true;
}

/// Finds the tensors that are mapped.
bool Mapping::collect(const Value &source) {
  if (source.isPoison())
    return false;
  auto fits = [&](const Value &value) {
    return value.tensor() || value.record() || value.tree() || (value.list() && value.list()->tuple);
  };
  const List *list = source.list();
  if (list && !list->tuple && !list->elements.empty()) {
    bool counts = llvm::all_of(llvm::enumerate(list->elements),
                               [](auto one) { return one.value().asInteger() == static_cast<int64_t>(one.index()); });
    if (counts) {
      overNumbers = true;
      count = Extent(list->elements.size());
      return true;
    }
  }
  if (!fits(source)) {
    evaluator.error(each.source->range, "wrong-type",
                    "'each' goes over 'range(k)', a tensor, or a tuple, record or tree of tensors, found " +
                        source.describe() + (list ? "; a list is walked by '[.. for x in xs]'" : ""));
    return false;
  }
  bool ok = true, broken = false;
  std::function<void(const Value &)> visit = [&](const Value &value) {
    broken |= value.isPoison(); // a field that was reported
    if (!ok || value.isPoison())
      return;
    if (value.list() && !value.list()->tuple) {
      evaluator.error(each.source->range, "wrong-type",
                      "'each' goes over tensors, and tuples, records and trees of them; here is " + value.describe());
      ok = false;
      return;
    }
    rebuild(value, [&](const Value &leaf) {
      ok = ok && add(*leaf.tensor());
      return leaf;
    });
  };
  std::vector<Value> parts{source};
  if (list || source.record())
    parts = *evaluator.elements(source, each.source->range);
  for (const Value &part : parts)
    visit(part);
  if (ok && !count && !broken)
    evaluator.error(each.source->range, "wrong-type", "there is no tensor in what 'each' goes over");
  return ok && count.has_value();
}

/// Elaborates the body at the end of the block at hand; its value, with the tensors to yield in the order in which
/// `outOf` takes them up again.
std::optional<Value> Mapping::body(Evaluator::Iteration &loop, const Value &source,
                                   SmallVectorImpl<mlir::Value> &yielded) {
  ScopePtr inner = Scope::inside(scope);
  inner->barrier = true;
  size_t next = 0;
  Value element = overNumbers ? Value(Tensor{loop.index, {}}) : rebuild(source, [&](const Value &) {
    const Tensor &whole = mapped[next];
    return Value(Tensor{arguments[next++], llvm::SmallVector<AxisId>(llvm::drop_begin(whole.axes))});
  });
  if (!evaluator.bindPattern(each.pattern, element, *inner, each.source->range))
    return std::nullopt;
  Evaluator::Frame frame;
  frame.name = "each";
  frame.call = each.range;
  frame.module = evaluator.frames.empty() ? nullptr : evaluator.frames.back().module;
  evaluator.frames.push_back(std::move(frame));
  Value value =
      each.body.value ? evaluator.evaluate(*each.body.value, inner) : evaluator.runBody(*each.body.block, inner);
  evaluator.frames.pop_back();
  if (value.isPoison())
    return std::nullopt;
  bool ok = true;
  std::function<Value(const Value &)> give = [&](const Value &one) -> Value {
    if (const List *list = one.list()) {
      std::vector<Value> all;
      for (const Value &part : list->elements)
        all.push_back(give(part));
      return Value::list(std::move(all), list->tuple);
    }
    if (const Record *record = one.record()) {
      std::vector<std::pair<std::string, Value>> fields;
      for (auto &[name, part] : record->fields)
        fields.push_back({name, give(part)});
      return Value::record(std::move(fields));
    }
    if (one.tree() || one.module()) { // a module's parameters are a tree for each element
      std::shared_ptr<const Tree> own = one.module() ? evaluator.parameters(*one.module(), each.range) : nullptr;
      auto result = std::make_shared<Tree>();
      for (auto &[path, leaf] : (own ? own.get() : one.tree())->leaves)
        result->leaves[path] = give(leaf);
      return Value(std::shared_ptr<const Tree>(result));
    }
    if (one.isNone() || one.text())
      return one;
    if (one.function() || one.constructor() || one.place()) {
      evaluator.error(each.body.value ? each.body.value->range : each.range, "wrong-type",
                      "an 'each' gives tensors, found " + one.describe());
      ok = false;
      return Value();
    }
    std::optional<Tensor> tensor = evaluator.toTensor(one, each.range);
    ok = ok && tensor.has_value();
    if (!tensor)
      return Value();
    yielded.push_back(tensor->value);
    return Value(*tensor);
  };
  Value shaped = give(value);
  return ok ? std::optional(shaped) : std::nullopt;
}

/// The body's value with the results of the whole map for its tensors.
Value Mapping::outOf(const Value &made, ArrayRef<mlir::Value> results, size_t &next) {
  if (const Tree *tree = made.tree()) {
    auto result = std::make_shared<Tree>();
    result->stacked = true;
    for (auto &[path, one] : tree->leaves)
      result->leaves[path] = outOf(one, results, next);
    return Value(std::shared_ptr<const Tree>(result));
  }
  if (const List *list = made.list()) {
    std::vector<Value> all;
    for (const Value &one : list->elements)
      all.push_back(outOf(one, results, next));
    return Value::list(std::move(all), list->tuple);
  }
  if (const Record *record = made.record()) {
    std::vector<std::pair<std::string, Value>> fields;
    for (auto &[name, one] : record->fields)
      fields.push_back({name, outOf(one, results, next)});
    return Value::record(std::move(fields));
  }
  if (!made.tensor())
    return made;
  llvm::SmallVector<AxisId> names{axis};
  names.append(made.tensor()->axes.begin(), made.tensor()->axes.end());
  Tensor out{results[next++], names};
  // What was mapped along an axis comes back along it, as from a `scan`.
  return Value(fromFront(evaluator.builder(), where, out, position));
}

Value Mapping::run() {
  Value source = evaluator.evaluate(*each.source, scope);
  along = each.along ? evaluator.evaluate(*each.along, scope) : Value(int64_t(0));
  if (const Place *place = source.place())
    source = evaluator.pipeline.sourceRecord(*place, each.source->range);
  if (along.isPoison() || !collect(source))
    return Value();
  OpBuilder &builder = evaluator.builder();
  // The number of the element, for draws.
  mlir::Value numbers = nn::IotaOp::create(builder, where, llvm::ArrayRef<Extent>{*count}, int64_t(0));
  Region region;
  Evaluator::Iteration loop;
  loop.count = *count;
  loop.number = ++evaluator.loopCount;
  Value made;
  SmallVector<mlir::Value> yielded, operands;
  {
    OpBuilder::InsertionGuard guard(builder);
    loop.block = builder.createBlock(&region);
    auto argument = [&](mlir::Value whole) {
      nn::TensorInfo info = nn::TensorInfo::of(whole.getType());
      info.extents.erase(info.extents.begin());
      operands.push_back(whole);
      return loop.block->addArgument(info.type(), where);
    };
    for (const Tensor &tensor : mapped)
      arguments.push_back(argument(tensor.value));
    loop.index = argument(numbers);
    evaluator.iterations.push_back(&loop);
    std::optional<Value> value = body(loop, source, yielded);
    evaluator.iterations.pop_back();
    if (!value)
      return Value();
    made = *value;
    for (const Evaluator::Iteration::Proposal &proposal : loop.proposals)
      yielded.push_back(proposal.value);
    if (yielded.empty())
      return made;
    nn::YieldOp::create(builder, where, yielded);
  }
  takeDependentsWhole(region, operands, 0, loop.index);
  // A field that the body does not read needs no source; something must be mapped, and be it the numbers.
  for (unsigned i = operands.size(); i-- > 0;)
    if (loop.block->getArgument(i).use_empty() && operands.size() > 1) {
      loop.block->eraseArgument(i);
      operands.erase(operands.begin() + i);
    }
  SmallVector<Type> types;
  for (mlir::Value value : yielded) {
    nn::TensorInfo info = nn::TensorInfo::of(value.getType());
    info.extents.insert(info.extents.begin(), *count);
    types.push_back(info.type());
  }
  SmallVector<mlir::Value> invariants = isolate(region, where);
  auto op = nn::EachOp::create(builder, where, types, operands, invariants);
  op.getBody().takeBody(region);
  SmallVector<mlir::Value> results(op.getResults());
  size_t own = results.size() - loop.proposals.size();
  if (!evaluator.proposeMerged(loop, ArrayRef(results).drop_front(own), /*stopsEarly=*/false))
    return Value();
  size_t next = 0;
  return outOf(made, results, next);
}

Value Evaluator::map(const dsl::EachExpr &expression, const ScopePtr &scope) {
  return Mapping(*this, expression, scope).run();
}

} // namespace xfer
