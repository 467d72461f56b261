//===- Regions.cpp - derivatives of loops, maps and custom operations -------------------------------------------===//
//
// A loop's derivative is a loop that runs backwards: step i gets the carries that step i had (stacked by the forward
// loop), computes the step again, but for its products if they are kept, and differentiates it. It carries the
// carries' cotangents, sums up the invariants', and stacks those of the scanned values.
//
// Example: c' = c * v over 3 steps, c0 and v active. Forward stacks c0, c1, c2. Backward, from i = 2 down to 0:
// v_bar += c_bar * c_i; c_bar = c_bar * v. In the end c_bar is the cotangent of c0, v_bar that of v.
//
//===------------------------------------------------------------------------------------------------------------===//

#include "compiler/AutoDiff/Backward.h"
#include "compiler/Dialect/NN/Transforms/Loops.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace xfer::nn;

/// Clones `body`, prepares it and differentiates it: the cotangents of the clones of `wrt`. `outputs` are positions
/// among the yielded values. Zeros where no path leads.
static SmallVector<Value> differentiateBody(Block &body, IRMapping &mapping, ArrayRef<unsigned> outputs,
                                            ValueRange seeds, ValueRange wrt, OpBuilder &builder,
                                            RuleContext &context) {
  Location location = context.location;
  // The yield is needed while values are replaced, and then in the way.
  auto yield = YieldOp::create(builder, location, cloneBody(body, mapping, builder));
  builder.setInsertionPoint(yield);
  auto selected = [&] {
    return llvm::map_to_vector(outputs, [&](unsigned index) { return yield.getValues()[index]; });
  };
  SmallVector<Value> mapped = llvm::map_to_vector(wrt, [&](Value value) { return mapping.lookup(value); });
  prepareLoops(*builder.getInsertionBlock(), selected(), mapped, context.keepProducts);
  auto found = backward(selected(), SmallVector<Value>(seeds), mapped, builder, location, context.keepProducts);
  context.failed |= failed(found);
  Cotangents result = succeeded(found) ? *found : Cotangents(mapped.size());
  for (auto [value, cotangent] : llvm::zip(mapped, result))
    if (!cotangent)
      cotangent = createFilledLike(builder, location, 0, value.getType());
  yield.erase();
  builder.setInsertionPointToEnd(builder.getInsertionBlock());
  return SmallVector<Value>(result.begin(), result.end());
}

namespace {
/// One application of the loop's rule.
class LoopBackward {
public:
  LoopBackward(LoopOp loop, ArrayRef<Value> cotangents, RuleContext &context)
      : loop(loop), cotangents(cotangents), context(context), arguments(loop.getBodyArguments()) {}

  Cotangents run() {
    findCarries();
    findInputs();
    SmallVector<Value> carries, scanned;
    for (unsigned index : carried)
      carries.push_back(context.orZero(cotangents[index], loop.getResult(index)));
    for (unsigned index : invariants)
      carries.push_back(context.term(arguments.invariants[index]).filled(0));
    for (Value carry : arguments.carries)
      scanned.push_back(backwards(stackOf(loop, carry)));
    for (Value value : loop.getScanned())
      scanned.push_back(backwards(value));
    for (unsigned index : stacked)
      scanned.push_back(backwards(cotangents[index]));
    if (context.keepProducts)
      for (Value value : keptProducts(loop)) {
        kept.push_back(value);
        scanned.push_back(backwards(stackOf(loop, value)));
      }
    auto body = [&](OpBuilder &builder, Location, LoopArguments inner) { emitBody(builder, inner); };
    auto made = LoopOp::create(context.builder, context.location, loop.getCount(), carries, scanned,
                               loop.getInvariants(), /*conditional=*/false, body);
    return distribute(made);
  }

private:
  Value backwards(Value value) { return reverse(context.term(value), {0}); }

  /// The carries that are both active and useful, over any number of steps.
  void findCarries() {
    SmallVector<Value> from, to;
    for (OpOperand &operand : loop->getOpOperands())
      if (isFloat(operand.get().getType()) && context.wants(operand.get()))
        from.push_back(loop.getBody().getArgument(operand.getOperandNumber() + 1));
    for (auto [index, cotangent] : llvm::enumerate(cotangents))
      if (cotangent)
        to.push_back(loop.getYield().getValues()[index]);
    Block &block = loop.getBody().front();
    for (bool changed = true; changed;) {
      changed = false;
      active = activeValues(block, from);
      useful = usefulValues(block, to);
      for (auto [argument, next] : llvm::zip(arguments.carries, loop.getYieldedCarries())) {
        if (!isFloat(argument.getType()))
          continue;
        if (active.contains(next) && !llvm::is_contained(from, argument)) {
          from.push_back(argument);
          changed = true;
        }
        if (useful.contains(argument) && !llvm::is_contained(to, next)) {
          to.push_back(next);
          changed = true;
        }
      }
    }
    for (auto [index, argument] : llvm::enumerate(arguments.carries))
      if (active.contains(argument) && (cotangents[index] || useful.contains(argument)))
        carried.push_back(index);
  }

  void findInputs() {
    for (auto [index, argument] : llvm::enumerate(arguments.scanned))
      if (active.contains(argument) && useful.contains(argument))
        inputs.push_back(index);
    for (auto [index, argument] : llvm::enumerate(arguments.invariants))
      if (active.contains(argument) && useful.contains(argument))
        invariants.push_back(index);
    for (unsigned index = loop.getCarryCount(); index < loop.getNumResults(); ++index)
      if (cotangents[index])
        stacked.push_back(index);
  }

  void emitBody(OpBuilder &builder, LoopArguments inner) {
    unsigned carryCount = loop.getCarryCount(), inputCount = loop.getScanned().size();
    Term step{&builder, context.location, inner.index};
    IRMapping mapping;
    mapping.map(arguments.index, Value(step.filled(double(loop.getCount()) - 1) - step));
    mapping.map(arguments.carries, inner.scanned.take_front(carryCount));
    mapping.map(arguments.scanned, inner.scanned.slice(carryCount, inputCount));
    mapping.map(arguments.invariants, inner.invariants);
    SmallVector<unsigned> outputs(carried);
    llvm::append_range(outputs, stacked);
    SmallVector<Value> seeds(inner.carries.take_front(carried.size())), wrt;
    llvm::append_range(seeds, inner.scanned.slice(carryCount + inputCount, stacked.size()));
    for (unsigned index : carried)
      wrt.push_back(arguments.carries[index]);
    for (unsigned index : invariants)
      wrt.push_back(arguments.invariants[index]);
    for (unsigned index : inputs)
      wrt.push_back(arguments.scanned[index]);
    SmallVector<Value> values =
        differentiateBody(loop.getBody().front(), mapping, outputs, seeds, wrt, builder, context);
    // Only now: what leads through a product has been differentiated. The product itself is dead.
    for (auto [value, again] : llvm::zip_equal(kept, inner.scanned.take_back(kept.size())))
      mapping.lookup(value).replaceAllUsesWith(again);
    for (unsigned index = 0; index < invariants.size(); ++index) {
      unsigned place = carried.size() + index;
      values[place] = AddOp::create(builder, context.location, inner.carries[place], values[place]);
    }
    YieldOp::create(builder, context.location, values);
  }

  Cotangents distribute(LoopOp made) {
    Cotangents result(loop->getNumOperands());
    unsigned next = 0, scannedAt = loop.getCarryCount(), invariantsAt = scannedAt + loop.getScanned().size();
    for (unsigned index : carried)
      result[index] = made.getResult(next++);
    for (unsigned index : invariants)
      result[invariantsAt + index] = made.getResult(next++);
    for (unsigned index : inputs)
      result[scannedAt + index] = backwards(made.getResult(next++));
    return result;
  }

  LoopOp loop;
  ArrayRef<Value> cotangents;
  RuleContext &context;
  LoopArguments arguments;
  DenseSet<Value> active, useful;
  SmallVector<unsigned> carried, inputs, invariants, stacked; // the parts that matter, by number
  SmallVector<Value> kept;                                    // products of the body, from the forward loop
};
} // namespace

/// The map of the body's derivative; cotangents of invariants are summed over the samples.
static Cotangents eachRule(EachOp op, ArrayRef<Value> cotangents, RuleContext &context) {
  SmallVector<Value> mapped(op.getMapped()), wrt;
  SmallVector<unsigned> outputs, operands;
  for (auto [index, cotangent] : llvm::enumerate(cotangents))
    if (cotangent) {
      outputs.push_back(index);
      mapped.push_back(cotangent);
    }
  for (OpOperand &operand : op->getOpOperands())
    if (isFloat(operand.get().getType()) && context.wants(operand.get())) {
      operands.push_back(operand.getOperandNumber());
      wrt.push_back(op.getBody().getArgument(operand.getOperandNumber()));
    }
  unsigned mappedCount = op.getMapped().size();
  auto body = [&](OpBuilder &builder, Location location, ValueRange arguments) {
    IRMapping mapping;
    ValueRange own = op.getBody().getArguments();
    mapping.map(own.take_front(mappedCount), arguments.take_front(mappedCount));
    mapping.map(own.drop_front(mappedCount), arguments.drop_front(mapped.size()));
    ValueRange seeds = arguments.slice(mappedCount, outputs.size());
    YieldOp::create(builder, location,
                    differentiateBody(op.getBody().front(), mapping, outputs, seeds, wrt, builder, context));
  };
  auto made = EachOp::create(context.builder, context.location, mapped, op.getInvariants(), body);
  Cotangents result(op->getNumOperands());
  for (auto [operand, cotangent] : llvm::zip(operands, made.getResults()))
    result[operand] = operand < mappedCount ? Value(cotangent) : Value(sum(context.term(cotangent), {0}));
  return result;
}

/// What the program says the derivative is, written out in place.
static Cotangents customRule(CustomOp op, ArrayRef<Value> cotangents, RuleContext &context) {
  IRMapping mapping;
  SmallVector<Value> given(op.getInputs());
  for (auto [cotangent, result] : llvm::zip(cotangents, op.getResults()))
    if (isFloat(result.getType()))
      given.push_back(context.orZero(cotangent, result));
  mapping.map(op.getVjp().getArguments(), given);
  SmallVector<Value> values = cloneBody(op.getVjp().front(), mapping, context.builder);
  Cotangents result(op->getNumOperands());
  unsigned next = 0;
  for (auto [operand, cotangent] : llvm::zip(op.getInputs(), result))
    if (isFloat(operand.getType()))
      cotangent = values[next++];
  return result;
}

void xfer::nn::addRegionRules(RuleTable &table) {
  table.addGeneral<LoopOp>([](LoopOp op, ArrayRef<Value> cotangents, RuleContext &context) {
    return LoopBackward(op, cotangents, context).run();
  });
  table.addGeneral<EachOp>(eachRule);
  table.addGeneral<CustomOp>(customRule);
}
