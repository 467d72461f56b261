//===- Each.cpp - `each p in xs along d => e` ---------------------------------------------------------------------===//
//
// Becomes one nn.each: the body is elaborated once, for one element. What is mapped may be a tensor or any mixture of
// tuples, records and trees of tensors; the body sees the same mixture of elements, and what it gives, of tensors
// again, comes back with the elements one after another.
//
// Of a batch with a bounded dimension an element has one length: it goes into the body with its element, as the length
// of an axis of its own. What the body gives with a bounded dimension is bounded again, by the lengths of all elements;
// where the dimension is the element's own, it is the batch's again.
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
  bool collect(const Value &source);
  bool add(const Tensor &tensor);
  struct Length {
    AxisId axis; ///< the bounded axis of the batch
    Tensor all;  ///< the lengths of its elements, one after the other
  };
  void findLengths(const Tensor &tensor);
  void enterLength(AxisId root, Length &length, mlir::Value argument);
  Tensor elementOf(const Tensor &tensor, mlir::Value argument);
  void yieldLengths(const Value &made, Region &region, SmallVectorImpl<mlir::Value> &yielded);
  std::optional<Value> body(Evaluator::Iteration &loop, const Value &source, SmallVectorImpl<mlir::Value> &yielded);
  Value outOf(const Value &made, ArrayRef<mlir::Value> results);

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
  std::map<AxisId, Length> lengths;     ///< by the root of the bounded axis
  std::map<AxisId, AxisId> elementAxis; ///< of a bounded axis of the batch (its root): what it is in the body
  std::map<AxisId, AxisId> batchAxis;   ///< the other way round, and of bounded axes that the body made
  std::vector<AxisId> madeInside;       ///< those, in the order in which their lengths are yielded
};
} // namespace

bool Mapping::add(const Tensor &tensor) {
  std::optional<int64_t> goes = evaluator.axis(along, tensor, "each", each.source->range);
  if (!goes)
    return false;
  // Elements along the bounded dimension itself would not know which samples they are real in.
  if (evaluator.isRagged(tensor, *goes))
    return evaluator.wantsDense(tensor, *goes, "each", each.source->range);
  Extent extent = extentsOf(tensor.value)[*goes];
  if (count && *count != extent) {
    evaluator.error(each.source->range, "shapes-differ",
                    "what 'each' goes over has one extent along the axis, found " + describeExtent(*count) + " and " +
                        describeExtent(extent));
    return false;
  }
  if (!count)
    position = *goes;
  count = extent;
  mapped.push_back(toFront(evaluator.builder(), where, tensor, *goes));
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
    mapLeaves(value, [&](const Value &leaf) {
      ok = ok && (!leaf.tensor() || add(*leaf.tensor()));
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

/// The lengths of the bounded dimensions of a mapped tensor, by their root, with the mapped axis in front.
void Mapping::findLengths(const Tensor &tensor) {
  for (int64_t i : evaluator.raggedAmong(tensor, {0})) {
    AxisId root = evaluator.rootOf(tensor.axes[i]);
    if (!lengths.try_emplace(root, Length{tensor.axes[i], {}}).second)
      continue;
    SmallVector<int64_t> over = *evaluator.raggedOver(tensor, i);
    int64_t mappedAxis = llvm::find(over, 0) - over.begin();
    lengths[root].all = toFront(evaluator.builder(), where, evaluator.boundOf(root)->length, mappedAxis);
  }
}

/// In the body: a bounded axis of one element has the element's length.
void Mapping::enterLength(AxisId root, Length &length, mlir::Value argument) {
  Tensor element{argument, llvm::SmallVector<AxisId>(llvm::drop_begin(length.all.axes))};
  AxisId own = evaluator.boundedAxis({element});
  evaluator.noteElementAxis(own, length.axis);
  elementAxis[root] = own;
  batchAxis[own] = length.axis;
}

/// An element as the body sees it.
Tensor Mapping::elementOf(const Tensor &tensor, mlir::Value argument) {
  Tensor element{argument, llvm::SmallVector<AxisId>(llvm::drop_begin(tensor.axes))};
  for (int64_t i : evaluator.raggedAmong(tensor, {0}))
    element.axes[i - 1] = elementAxis.at(evaluator.rootOf(tensor.axes[i]));
  return element;
}

/// Elaborates the body at the end of the block at hand; its value, with the tensors to yield in the order in which
/// `outOf` takes them up again.
std::optional<Value> Mapping::body(Evaluator::Iteration &loop, const Value &source,
                                   SmallVectorImpl<mlir::Value> &yielded) {
  ScopePtr inner = Scope::inside(scope);
  inner->barrier = true;
  size_t next = 0;
  Value element = overNumbers ? Value(Tensor{loop.index, {}}) : mapLeaves(source, [&](const Value &leaf) {
    if (leaf.textField() || leaf.pictureField()) // which is no value of one element
      return Value::none();
    if (!leaf.tensor())
      return leaf;
    size_t number = next++;
    return Value(elementOf(mapped[number], arguments[number]));
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
    if (one.module()) // its parameters are a tree for each element
      return mapLeaves(Value(std::shared_ptr<const Tree>(evaluator.parameters(*one.module(), each.range))), give);
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
  Value shaped = mapLeaves(value, give);
  return ok ? std::optional(shaped) : std::nullopt;
}

/// Bounded dimensions that the body made have lengths of their own, an element after the other.
void Mapping::yieldLengths(const Value &made, Region &region, SmallVectorImpl<mlir::Value> &yielded) {
  mapLeaves(made, [&](const Value &leaf) {
    for (int64_t i = 0; leaf.tensor() && i < leaf.tensor()->rank(); ++i) {
      AxisId root = evaluator.rootOf(leaf.tensor()->axes[i]);
      if (!evaluator.isRagged(*leaf.tensor(), i) || batchAxis.count(root))
        continue;
      mlir::Value length = evaluator.boundOf(root)->length.value;
      if (!region.isAncestor(length.getParentRegion()))
        continue; // of something around
      yielded.push_back(length);
      batchAxis[root] = 0; // until there are the results
      madeInside.push_back(root);
    }
    return leaf;
  });
}

/// The body's value with the results of the whole map for its tensors; behind these are the lengths.
Value Mapping::outOf(const Value &value, ArrayRef<mlir::Value> results) {
  axis = axis ? axis : evaluator.freshAxis();
  // Elements of several batches go by the samples of the first.
  for (auto &[root, length] : lengths)
    if (!evaluator.isSameAxis(length.all.axes.front(), axis)) {
      length.all.axes.front() = axis;
      batchAxis[elementAxis[root]] = evaluator.boundedAxis({length.all});
    }
  for (auto [root, made] : llvm::zip_equal(madeInside, results.take_back(madeInside.size()))) {
    Tensor length{made, {axis}};
    const Tensor &inside = evaluator.boundOf(root)->length;
    length.axes.append(inside.axes.begin(), inside.axes.end());
    batchAxis[root] = evaluator.boundedAxis({length});
  }
  size_t next = 0;
  return mapLeaves(
      value,
      [&](const Value &leaf) {
        if (!leaf.tensor())
          return leaf;
        llvm::SmallVector<AxisId> names{axis};
        for (auto [i, own] : llvm::enumerate(leaf.tensor()->axes)) {
          auto found = batchAxis.find(evaluator.rootOf(own));
          names.push_back(found == batchAxis.end() ? own : found->second);
        }
        Tensor out{results[next++], names};
        // What was mapped along an axis comes back along it, as from a `scan`.
        return Value(fromFront(evaluator.builder(), where, out, position));
      },
      /*stacked=*/true);
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
  for (const Tensor &tensor : mapped)
    findLengths(tensor);
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
      operands.push_back(whole);
      return loop.block->addArgument(elementType(whole.getType()), where);
    };
    for (const Tensor &tensor : mapped)
      arguments.push_back(argument(tensor.value));
    for (auto &[root, length] : lengths)
      enterLength(root, length, argument(length.all.value));
    loop.index = argument(numbers);
    evaluator.iterations.push_back(&loop);
    std::optional<Value> value = body(loop, source, yielded);
    evaluator.iterations.pop_back();
    if (!value)
      return Value();
    made = *value;
    yieldLengths(made, region, yielded);
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
  for (mlir::Value value : yielded)
    types.push_back(stackedType(value.getType(), *count));
  SmallVector<mlir::Value> invariants = isolate(region, where);
  auto op = nn::EachOp::create(builder, where, types, operands, invariants);
  op.getBody().takeBody(region);
  SmallVector<mlir::Value> results(op.getResults());
  size_t own = results.size() - loop.proposals.size();
  if (!evaluator.proposeMerged(loop, ArrayRef(results).drop_front(own), /*stopsEarly=*/false))
    return Value();
  return outOf(made, ArrayRef(results).take_front(own));
}

Value Evaluator::map(const dsl::EachExpr &expression, const ScopePtr &scope) {
  return Mapping(*this, expression, scope).run();
}

} // namespace xfer
