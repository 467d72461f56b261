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
#include <utility>

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

/// One `scan` under construction.
class ScanBuilder {
public:
  ScanBuilder(Evaluator &evaluator, const dsl::ScanExpr &scan, const ScopePtr &scope)
      : evaluator(evaluator), scan(scan), scope(scope), builder(evaluator.builder()),
        where(evaluator.location(scan.range)) {}

  Value run();

private:
  // Each is false after an error.
  bool walk();
  bool walk(const Value &source);
  bool beginCarries();
  bool enterBody();
  bool evaluateBody();
  bool takeYielded();
  bool escapes(const Tensor &tensor);
  std::optional<Tensor> standingStill(const Tensor &next, const Tensor &before, dsl::SourceRange range);
  std::optional<Tensor> nextOf(const Tensor &next, const Tensor &first, const Tensor &before, dsl::SourceRange range);
  bool findEnd();
  bool finishBody();
  Value close();
  /// Each carry with its part of what there is of all.
  void eachCarry(llvm::ArrayRef<mlir::Value> values, llvm::function_ref<void(const dsl::Name &, Value)> visit);

  Evaluator &evaluator;
  const dsl::ScanExpr &scan;
  const ScopePtr &scope;
  OpBuilder &builder;
  Location where;
  Walked source;
  std::vector<Carry> carries;
  std::vector<Tensor> first;     ///< of all carries
  std::vector<mlir::Value> held; ///< what they are in a step
  Region body;
  ScopePtr inner;
  Evaluator::Iteration iteration;
  std::vector<std::optional<Value>> next;
  std::optional<Value> yielded;
  std::vector<Tensor> stacked;       ///< the tensors of what is yielded
  std::optional<Tensor> goesOn;      ///< the condition of `while`
  std::optional<Tensor> isBeforeEnd; ///< along a bounded dimension: of each sample, is the step before its end?
  SmallVector<Type> resultTypes;
};

bool ScanBuilder::walk(const Value &one) {
  std::optional<Tensor> tensor = evaluator.toTensor(one, scan.source->range);
  if (!tensor)
    return false;
  if (tensor->rank() == 0) {
    evaluator.error(scan.source->range, "bad-range",
                    "a 'scan' goes over 'range(k)' or over tensors that have an axis, found " + one.describe());
    return false;
  }
  Value along = scan.along ? evaluator.evaluate(*scan.along, scope) : Value(int64_t(0));
  std::optional<int64_t> axis = evaluator.axis(along, *tensor, "scan", scan.range);
  if (!axis)
    return false;
  if (source.tensors.empty())
    source.axis = *axis;
  bool ragged = evaluator.isRagged(*tensor, *axis);
  if (!ragged && !evaluator.wantsDense(*tensor, *axis, "scan", scan.range))
    return false;
  Tensor front = toFront(builder, where, *tensor, *axis);
  for (Tensor &before : source.tensors) {
    if (!evaluator.meet(before, 0, front, 0, scan.range))
      return false;
    if (ragged)
      before.axes.front() = front.axes.front();
  }
  Extent extent = extentsOf(front.value).front();
  if (extent.isDynamic() || (!source.tensors.empty() && extent.size != source.count)) {
    evaluator.error(scan.source->range, "shapes-differ",
                    "what is scanned has one static extent along the axis, found " + describeExtent(extent));
    return false;
  }
  source.count = extent.size;
  source.tensors.push_back(front);
  return true;
}

bool ScanBuilder::walk() {
  Value value = evaluator.evaluate(*scan.source, scope);
  if (value.isPoison())
    return false;
  const List *list = value.list();
  bool isRange = list && !list->elements.empty() &&
                 llvm::all_of(list->elements, [](const Value &one) { return one.asInteger().has_value(); });
  if (isRange) {
    source.count = list->elements.size();
    for (auto [i, one] : llvm::enumerate(list->elements))
      if (*one.asInteger() != static_cast<int64_t>(i)) {
        evaluator.error(scan.source->range, "bad-range", "a 'scan' goes over 'range(k)' or over tensors");
        return false;
      }
    return true;
  }
  source.isTuple = list != nullptr;
  return list ? llvm::all_of(list->elements, [&](const Value &one) { return walk(one); }) : walk(value);
}

bool ScanBuilder::beginCarries() {
  for (const dsl::Carry &carry : scan.carries) {
    Value value = evaluator.evaluate(*carry.value, scope);
    if (value.isPoison() || !carries.emplace_back(evaluator, carry.name).begin(value, carry.value->range))
      return false;
    llvm::append_range(first, carries.back().tensors);
  }
  next.resize(carries.size());
  return true;
}

void ScanBuilder::eachCarry(llvm::ArrayRef<mlir::Value> values,
                            llvm::function_ref<void(const dsl::Name &, Value)> visit) {
  for (auto [carry, syntax] : llvm::zip_equal(carries, scan.carries)) {
    visit(syntax.name, carry.with(values.take_front(carry.tensors.size())));
    values = values.drop_front(carry.tensors.size());
  }
}

/// Opens the body's block: its arguments are the index, the carries and the element.
bool ScanBuilder::enterBody() {
  Block *block = builder.createBlock(&body);
  inner = Scope::inside(scope);
  inner->barrier = true;
  iteration.number = ++evaluator.loopCount;
  iteration.block = block;
  iteration.index = block->addArgument(RankedTensorType::get({}, builder.getI32Type()), where);
  iteration.count = Extent(source.count);
  for (const Tensor &tensor : first)
    held.push_back(block->addArgument(tensor.value.getType(), where));
  eachCarry(held, [&](const dsl::Name &name, const Value &value) { inner->define(name.text, value); });
  std::vector<Value> elements;
  for (const Tensor &tensor : source.tensors)
    elements.push_back(Value(Tensor{block->addArgument(elementType(tensor.value.getType()), where),
                                    llvm::SmallVector<AxisId>(llvm::drop_begin(tensor.axes))}));
  Value element = elements.empty() ? Value(Tensor{iteration.index, {}})
                  : source.isTuple ? Value::list(std::move(elements), true)
                                   : elements.front();
  return evaluator.bindPattern(scan.pattern, element, *inner, scan.source->range);
}

bool ScanBuilder::evaluateBody() {
  Evaluator::Frame frame;
  frame.name = "scan";
  frame.call = scan.range;
  frame.module = evaluator.frames.empty() ? nullptr : evaluator.frames.back().module;
  evaluator.iterations.push_back(&iteration);
  evaluator.frames.push_back(std::move(frame));
  Evaluator::ScanResults results{&scan, &next, &yielded};
  Evaluator::ScanResults *around = std::exchange(evaluator.scanning, &results);
  bool ok = true;
  if (scan.whileCondition) {
    goesOn = evaluator.toTensor(evaluator.evaluate(*scan.whileCondition, inner), scan.whileCondition->range,
                                builder.getI1Type());
    ok = goesOn && goesOn->rank() == 0;
    if (goesOn && !ok)
      evaluator.error(scan.whileCondition->range, "wrong-type", "the condition of 'while' is a scalar");
  }
  if (scan.body.value) {
    // `=> e` is the next value of the only carry.
    Value value = evaluator.evaluate(*scan.body.value, inner);
    ok = ok && !value.isPoison() && carries.size() == 1;
    if (ok)
      next[0] = value;
  } else {
    ok = evaluator.runItems(*scan.body.block, inner) && ok;
  }
  evaluator.scanning = around;
  evaluator.frames.pop_back();
  evaluator.iterations.pop_back();
  return ok && takeYielded();
}

/// Takes what a step yields apart: its tensors, in order, and their mixture.
bool ScanBuilder::takeYielded() {
  if (!yielded)
    return true;
  bool ok = true;
  std::function<Value(const Value &)> leaf = [&](const Value &one) -> Value {
    if (one.isNone() || one.text())
      return one;
    if (one.module())
      return mapLeaves(Value(std::shared_ptr<const Tree>(evaluator.parameters(*one.module(), scan.range))), leaf);
    std::optional<Tensor> tensor = evaluator.toTensor(one, scan.range);
    ok &= tensor.has_value();
    if (!tensor)
      return Value();
    stacked.push_back(*tensor);
    return Value(*tensor);
  };
  yielded = mapLeaves(*yielded, leaf);
  return ok;
}

/// A bounded dimension that a body made has lengths that stay inside: false after saying so.
bool ScanBuilder::escapes(const Tensor &tensor) {
  for (int64_t i = 0; i < tensor.rank(); ++i) {
    const Bound *bound = evaluator.boundOf(tensor.axes[i]);
    mlir::Value length = bound ? bound->length.value : mlir::Value();
    if (length && body.isAncestor(length.getParentRegion()))
      return evaluator.wantsDense(tensor, i, "yield", scan.range);
  }
  return true;
}

/// Past the end of its sample a carry stays what it was.
std::optional<Tensor> ScanBuilder::standingStill(const Tensor &next, const Tensor &before, dsl::SourceRange range) {
  std::vector<Dim> shape = evaluator.shapeOf(before), column(shape.size(), Dim{Extent(1), 0});
  SmallVector<int64_t> over;
  for (AxisId axis : isBeforeEnd->axes) {
    auto found = llvm::find_if(before.axes, [&](AxisId own) { return own && evaluator.isSameAxis(own, axis); });
    if (found == before.axes.end()) {
      evaluator.error(
          range, "carry-without-samples",
          "a 'scan' along a bounded dimension ends for each sample at its own step, but this carry has no axis of the "
          "samples; give its first value one, such as 'zeros([n, ..])'");
      return std::nullopt;
    }
    int64_t at = found - before.axes.begin();
    if (!over.empty() && at < over.back()) {
      evaluator.error(range, "carry-without-samples", "this carry has the axes of the samples in another order");
      return std::nullopt;
    }
    over.push_back(at);
    column[at] = shape[at];
  }
  Location here = evaluator.location(range);
  Tensor wide = broadcastTo(builder, here, reshapeTo(builder, here, *isBeforeEnd, column), shape);
  return Tensor{nn::SelectOp::create(builder, here, wide.value, next.value, before.value), before.axes};
}

/// What the next value of a carry gives the loop for one of its tensors; nothing after an error.
std::optional<Tensor> ScanBuilder::nextOf(const Tensor &next, const Tensor &first, const Tensor &before,
                                          dsl::SourceRange range) {
  Tensor shaped = evaluator.convert(next, first.type().getElementType(), range);
  std::optional<Tensor> fits = evaluator.broadcast(shaped, evaluator.shapeOf(first), range);
  if (!fits)
    return std::nullopt;
  for (int64_t i = 0; i < shaped.rank() && shaped.rank() == first.rank(); ++i)
    if (evaluator.isRagged(shaped, i) && !evaluator.isSameAxis(shaped.axes[i], first.axes[i])) {
      evaluator.wantsDense(shaped, i, "next", range);
      return std::nullopt;
    }
  return isBeforeEnd ? standingStill(*fits, before, range) : fits;
}

/// Along a bounded dimension each sample ends at a step of its own.
bool ScanBuilder::findEnd() {
  const Tensor *ragged = nullptr;
  for (const Tensor &tensor : source.tensors)
    if (evaluator.isRagged(tensor, 0))
      ragged = &tensor;
  if (!ragged)
    return true;
  Tensor length = evaluator.boundOf(ragged->axes.front())->length;
  Value before = evaluator.binary(dsl::BinaryOp::Less, Value(Tensor{iteration.index, {}}), Value(length), scan.range);
  if (before.tensor())
    isBeforeEnd = *before.tensor();
  return isBeforeEnd.has_value();
}

/// Yields the next carries, what a step gives, and the proposals of its modules.
bool ScanBuilder::finishBody() {
  if (!findEnd() || !llvm::all_of(stacked, [&](const Tensor &tensor) { return escapes(tensor); }))
    return false;
  SmallVector<mlir::Value> values;
  for (auto [carry, syntax, value] : llvm::zip_equal(carries, scan.carries, next)) {
    if (!value) {
      evaluator.error(syntax.name.range, "carry-without-next", "'next' gives '" + syntax.name.text + "' no value");
      return false;
    }
    std::optional<std::vector<Tensor>> taken = carry.take(*value);
    if (!taken)
      return false;
    for (auto [made, began] : llvm::zip_equal(*taken, carry.tensors)) {
      Tensor before{held[values.size()], began.axes};
      std::optional<Tensor> fits = nextOf(made, began, before, syntax.name.range);
      if (!fits)
        return false;
      values.push_back(annotate(builder, where, fits->value, nn::Meaning()));
      resultTypes.push_back(began.value.getType());
    }
  }
  for (const Tensor &tensor : stacked)
    values.push_back(tensor.value);
  for (const Evaluator::Iteration::Proposal &proposal : iteration.proposals)
    values.push_back(proposal.value);
  for (mlir::Value value : llvm::ArrayRef(values).drop_front(first.size()))
    resultTypes.push_back(stackedType(value.getType(), Extent(source.count)));
  if (goesOn)
    values.push_back(goesOn->value);
  nn::YieldOp::create(builder, where, values);
  return true;
}

/// The loop around the body, and the record of its results.
Value ScanBuilder::close() {
  SmallVector<mlir::Value> began, scanned;
  for (const Tensor &tensor : first)
    began.push_back(tensor.value);
  for (const Tensor &tensor : source.tensors)
    scanned.push_back(tensor.value);
  takeDependentsWhole(body, scanned, 1 + first.size(), iteration.index);
  SmallVector<mlir::Value> invariants = isolate(body, where);
  bool conditional = goesOn.has_value();
  auto loop = nn::LoopOp::create(builder, where, resultTypes, builder.getI64IntegerAttr(source.count), began, scanned,
                                 invariants, conditional ? builder.getUnitAttr() : UnitAttr());
  loop.getBody().takeBody(body);
  if (!evaluator.proposeMerged(iteration, loop.getResults().take_back(iteration.proposals.size()), conditional))
    return Value();
  std::vector<std::pair<std::string, Value>> fields;
  SmallVector<mlir::Value> made(loop.getResults());
  eachCarry(made, [&](const dsl::Name &name, const Value &value) { fields.push_back({name.text, value}); });
  if (yielded) {
    size_t number = first.size();
    auto outOf = [&](const Value &one) {
      if (!one.tensor())
        return one;
      llvm::SmallVector<AxisId> axes{source.tensors.empty() ? 0 : source.tensors.front().axes.front()};
      axes.append(one.tensor()->axes.begin(), one.tensor()->axes.end());
      // What was walked along axis d comes back along axis d.
      return Value(fromFront(builder, where, Tensor{made[number++], axes}, source.axis));
    };
    fields.push_back({"out", mapLeaves(*yielded, outOf, /*stacked=*/true)});
  }
  return Value::record(std::move(fields));
}

Value ScanBuilder::run() {
  if (!walk() || !beginCarries())
    return Value();
  {
    OpBuilder::InsertionGuard guard(builder);
    if (!enterBody() || !evaluateBody() || !finishBody())
      return Value();
  }
  return close();
}

Value Evaluator::scan(const dsl::ScanExpr &expression, const ScopePtr &scope) {
  return ScanBuilder(*this, expression, scope).run();
}

} // namespace xfer
