//===- Scan.cpp - `scan p in xs from c = e { next c = ..; yield y }` ----------------------------------------------===//
//
// Becomes one nn.loop: the body is elaborated once, with the carries, the element and the index as arguments. What the
// body reads from around it becomes an invariant of the loop. What is yielded may be a mixture of lists, records and
// trees; `out` is the same mixture of stacked tensors.
//
//===------------------------------------------------------------------------------------------------------------===//

#include "compiler/Elaborate/Carries.h"
#include "compiler/Elaborate/Emit.h"
#include "compiler/Elaborate/Evaluator.h"
#include <functional>

using namespace mlir;
using llvm::Twine;

namespace xfer {

namespace {
/// What is walked over: tensors along their first axis, or `range(k)`.
struct Walked {
  int64_t count = 0;
  std::vector<Tensor> tensors;
  bool isTuple = false;
  int64_t axis = 0; ///< of the first tensor, before it came to the front
};
} // namespace

static std::optional<Walked> walked(Evaluator &evaluator, const dsl::ScanExpr &scan, const ScopePtr &scope) {
  Value source = evaluator.evaluate(*scan.source, scope);
  if (source.isPoison())
    return std::nullopt;
  Walked result;
  const List *list = source.list();
  bool isRange = list && !list->elements.empty() &&
                 llvm::all_of(list->elements, [](const Value &one) { return one.asInteger().has_value(); });
  if (isRange) {
    result.count = list->elements.size();
    for (auto [i, one] : llvm::enumerate(list->elements))
      if (*one.asInteger() != static_cast<int64_t>(i)) {
        evaluator.error(scan.source->range, "bad-range", "a 'scan' goes over 'range(k)' or over tensors");
        return std::nullopt;
      }
    return result;
  }
  std::vector<Value> all{source};
  if (list) {
    all = list->elements;
    result.isTuple = true;
  }
  for (const Value &one : all) {
    std::optional<Tensor> tensor = evaluator.toTensor(one, scan.source->range);
    if (!tensor)
      return std::nullopt;
    if (tensor->rank() == 0) {
      evaluator.error(scan.source->range, "bad-range",
                      "a 'scan' goes over 'range(k)' or over tensors that have an axis, found " + one.describe());
      return std::nullopt;
    }
    Value along = scan.along ? evaluator.evaluate(*scan.along, scope) : Value(int64_t(0));
    std::optional<int64_t> axis = evaluator.axis(along, *tensor, "scan", scan.range);
    if (!axis)
      return std::nullopt;
    if (result.tensors.empty())
      result.axis = *axis;
    bool ragged = evaluator.isRagged(*tensor, *axis);
    if (!ragged && !evaluator.wantsDense(*tensor, *axis, "scan", scan.range))
      return std::nullopt;
    Tensor front = toFront(evaluator.builder(), evaluator.location(scan.range), *tensor, *axis);
    for (Tensor &before : result.tensors) {
      std::optional<AxisId> met = evaluator.meet(before, 0, front, 0, scan.range);
      if (!met)
        return std::nullopt;
      if (ragged)
        before.axes.front() = front.axes.front();
    }
    Extent extent = extentsOf(front.value).front();
    if (extent.isDynamic() || (!result.tensors.empty() && extent.size != result.count)) {
      evaluator.error(scan.source->range, "shapes-differ",
                      "what is scanned has one static extent along the axis, found " + describeExtent(extent));
      return std::nullopt;
    }
    result.count = extent.size;
    result.tensors.push_back(front);
  }
  return result;
}

/// A bounded dimension that a body made has lengths that stay inside: false after saying so.
bool Evaluator::escapes(const Tensor &tensor, Region &body, dsl::SourceRange range) {
  for (int64_t i = 0; i < tensor.rank(); ++i) {
    const Bound *bound = boundOf(tensor.axes[i]);
    mlir::Value length = bound ? bound->length.value : mlir::Value();
    if (length && body.isAncestor(length.getParentRegion()))
      return wantsDense(tensor, i, "yield", range);
  }
  return true;
}

/// Past the end of its sample a carry stays what it was.
std::optional<Tensor> Evaluator::standingStill(const Tensor &goesOn, const Tensor &next, const Tensor &before,
                                               dsl::SourceRange range) {
  std::vector<Dim> shape = shapeOf(before), column(shape.size(), Dim{Extent(1), 0});
  SmallVector<int64_t> over;
  for (AxisId axis : goesOn.axes) {
    auto found = llvm::find_if(before.axes, [&](AxisId own) { return own && isSameAxis(own, axis); });
    if (found == before.axes.end()) {
      error(
          range, "carry-without-samples",
          "a 'scan' along a bounded dimension ends for each sample at its own step, but this carry has no axis of the "
          "samples; give its first value one, such as 'zeros([n, ..])'");
      return std::nullopt;
    }
    int64_t at = found - before.axes.begin();
    if (!over.empty() && at < over.back()) {
      error(range, "carry-without-samples", "this carry has the axes of the samples in another order");
      return std::nullopt;
    }
    over.push_back(at);
    column[at] = shape[at];
  }
  Location where = location(range);
  Tensor wide = broadcastTo(builder(), where, reshapeTo(builder(), where, goesOn, column), shape);
  return Tensor{nn::SelectOp::create(builder(), where, wide.value, next.value, before.value), before.axes};
}

/// The tensors that a step yields, in order, in their mixture; nothing after an error.
static std::optional<Value> yieldedBy(Evaluator &evaluator, const Value &value, std::vector<Tensor> &tensors,
                                      dsl::SourceRange range) {
  bool ok = true;
  std::function<Value(const Value &)> leaf = [&](const Value &one) -> Value {
    if (one.isNone() || one.text())
      return one;
    if (one.module())
      return mapLeaves(Value(std::shared_ptr<const Tree>(evaluator.parameters(*one.module(), range))), leaf);
    std::optional<Tensor> tensor = evaluator.toTensor(one, range);
    ok &= tensor.has_value();
    if (!tensor)
      return Value();
    tensors.push_back(*tensor);
    return Value(*tensor);
  };
  Value made = mapLeaves(value, leaf);
  return ok ? std::optional(made) : std::nullopt;
}

/// What the next value of a carry gives the loop for one of its tensors; nothing after an error.
std::optional<Tensor> Evaluator::nextOf(const Tensor &next, const Tensor &first, const Tensor &before,
                                        const std::optional<Tensor> &goesOn, dsl::SourceRange range) {
  Tensor shaped = convert(next, first.type().getElementType(), range);
  std::optional<Tensor> fits = broadcast(shaped, shapeOf(first), range);
  if (!fits)
    return std::nullopt;
  for (int64_t i = 0; i < shaped.rank() && shaped.rank() == first.rank(); ++i)
    if (isRagged(shaped, i) && !isSameAxis(shaped.axes[i], first.axes[i])) {
      wantsDense(shaped, i, "next", range);
      return std::nullopt;
    }
  return goesOn ? standingStill(*goesOn, *fits, before, range) : fits;
}

Value Evaluator::scan(const dsl::ScanExpr &expression, const ScopePtr &scope) {
  std::optional<Walked> source = walked(*this, expression, scope);
  if (!source)
    return Value();
  std::vector<Carry> carries;
  std::vector<Tensor> first; // of all carries
  for (const dsl::Carry &carry : expression.carries) {
    Value value = evaluate(*carry.value, scope);
    if (value.isPoison() || !carries.emplace_back(*this, carry.name).begin(value, carry.value->range))
      return Value();
    llvm::append_range(first, carries.back().tensors);
  }
  // Each carry with its part of what there is of all.
  auto parts = [&](llvm::ArrayRef<mlir::Value> values, llvm::function_ref<void(const dsl::Name &, Value)> define) {
    for (auto [carry, syntax] : llvm::zip_equal(carries, expression.carries)) {
      define(syntax.name, carry.with(values.take_front(carry.tensors.size())));
      values = values.drop_front(carry.tensors.size());
    }
  };
  Location where = location(expression.range);
  Region body;
  ScopePtr inner = Scope::inside(scope);
  inner->barrier = true;
  SmallVector<Type> resultTypes;
  std::vector<std::optional<Value>> next(carries.size());
  std::optional<Value> yielded;
  std::vector<Tensor> stacked; // the tensors of what is yielded
  bool conditional = expression.whileCondition != nullptr;
  Iteration iteration;
  {
    OpBuilder::InsertionGuard guard(builder());
    Block *block = builder().createBlock(&body);
    mlir::Value index = block->addArgument(RankedTensorType::get({}, builder().getI32Type()), where);
    SmallVector<mlir::Value> before;
    for (const Tensor &tensor : first)
      before.push_back(block->addArgument(tensor.value.getType(), where));
    parts(before, [&](const dsl::Name &name, const Value &value) { inner->define(name.text, value); });
    std::vector<Value> elements;
    for (const Tensor &tensor : source->tensors)
      elements.push_back(Value(Tensor{block->addArgument(elementType(tensor.value.getType()), where),
                                      llvm::SmallVector<AxisId>(llvm::drop_begin(tensor.axes))}));
    Value element = elements.empty()  ? Value(Tensor{index, {}})
                    : source->isTuple ? Value::list(std::move(elements), true)
                                      : elements.front();
    if (!bindPattern(expression.pattern, element, *inner, expression.source->range))
      return Value();
    Frame frame;
    frame.name = "scan";
    frame.call = expression.range;
    frame.module = frames.empty() ? nullptr : frames.back().module;
    iteration.number = ++loopCount;
    iteration.block = block;
    iteration.index = index;
    iteration.count = Extent(source->count);
    iterations.push_back(&iteration);
    frames.push_back(std::move(frame));
    ScanResults results{&expression, &next, &yielded};
    ScanResults *around = scanning;
    scanning = &results;
    std::optional<Tensor> goesOn;
    bool ok = true;
    if (conditional) {
      goesOn = toTensor(evaluate(*expression.whileCondition, inner), expression.whileCondition->range,
                        builder().getI1Type());
      ok = goesOn && goesOn->rank() == 0;
      if (goesOn && !ok)
        error(expression.whileCondition->range, "wrong-type", "the condition of 'while' is a scalar");
    }
    if (expression.body.value) {
      // `=> e` is the next value of the only carry.
      Value value = evaluate(*expression.body.value, inner);
      ok = ok && !value.isPoison() && carries.size() == 1;
      if (ok)
        next[0] = value;
    } else {
      ok = runItems(*expression.body.block, inner) && ok;
    }
    scanning = around;
    frames.pop_back();
    iterations.pop_back();
    if (ok && yielded) {
      yielded = yieldedBy(*this, *yielded, stacked, expression.range);
      ok = yielded.has_value();
    }
    if (!ok)
      return Value();
    SmallVector<mlir::Value> values;
    const Tensor *ragged = nullptr;
    for (const Tensor &tensor : source->tensors)
      if (isRagged(tensor, 0))
        ragged = &tensor;
    std::optional<Tensor> goesOnHere; // for each sample: is the step before its end?
    if (ragged) {
      Tensor length = boundOf(ragged->axes.front())->length;
      Value isBefore = binary(dsl::BinaryOp::Less, Value(Tensor{index, {}}), Value(length), expression.range);
      if (!isBefore.tensor())
        return Value();
      goesOnHere = *isBefore.tensor();
    }
    for (const Tensor &tensor : stacked)
      if (!escapes(tensor, body, expression.range))
        return Value();
    for (auto [carry, syntax, value] : llvm::zip_equal(carries, expression.carries, next)) {
      if (!value)
        return error(syntax.name.range, "carry-without-next", "'next' gives '" + syntax.name.text + "' no value");
      std::optional<std::vector<Tensor>> taken = carry.take(*value);
      if (!taken)
        return Value();
      for (auto [made, began] : llvm::zip_equal(*taken, carry.tensors)) {
        Tensor held{before[values.size()], began.axes};
        std::optional<Tensor> fits = nextOf(made, began, held, goesOnHere, syntax.name.range);
        if (!fits)
          return Value();
        values.push_back(annotate(builder(), where, fits->value, nn::Meaning()));
        resultTypes.push_back(began.value.getType());
      }
    }
    for (const Tensor &tensor : stacked)
      values.push_back(tensor.value);
    for (const Iteration::Proposal &proposal : iteration.proposals)
      values.push_back(proposal.value);
    for (mlir::Value value : llvm::ArrayRef(values).drop_front(first.size()))
      resultTypes.push_back(stackedType(value.getType(), Extent(source->count)));
    if (goesOn)
      values.push_back(goesOn->value);
    nn::YieldOp::create(builder(), where, values);
  }
  SmallVector<mlir::Value> began, scanned;
  for (const Tensor &tensor : first)
    began.push_back(tensor.value);
  for (const Tensor &tensor : source->tensors)
    scanned.push_back(tensor.value);
  takeDependentsWhole(body, scanned, 1 + first.size(), iteration.index);
  SmallVector<mlir::Value> invariants = isolate(body, where);
  auto loop = nn::LoopOp::create(builder(), where, resultTypes, builder().getI64IntegerAttr(source->count), began,
                                 scanned, invariants, conditional ? builder().getUnitAttr() : UnitAttr());
  loop.getBody().takeBody(body);
  if (!proposeMerged(iteration, loop.getResults().take_back(iteration.proposals.size()), conditional))
    return Value();
  std::vector<std::pair<std::string, Value>> fields;
  SmallVector<mlir::Value> made(loop.getResults());
  parts(made, [&](const dsl::Name &name, const Value &value) { fields.push_back({name.text, value}); });
  if (yielded) {
    size_t number = first.size();
    auto outOf = [&](const Value &one) {
      if (!one.tensor())
        return one;
      llvm::SmallVector<AxisId> axes{source->tensors.empty() ? 0 : source->tensors.front().axes.front()};
      axes.append(one.tensor()->axes.begin(), one.tensor()->axes.end());
      // What was walked along axis d comes back along axis d.
      return Value(fromFront(builder(), where, Tensor{made[number++], axes}, source->axis));
    };
    fields.push_back({"out", mapLeaves(*yielded, outOf, /*stacked=*/true)});
  }
  return Value::record(std::move(fields));
}

} // namespace xfer
