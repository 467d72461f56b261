//===- RowWise.cpp - which values are computed sample by sample ---------------------------------------------------===//

#include "compiler/BindingTime/RowWise.h"
#include "compiler/Dialect/NN/IR/NN.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace xfer {
namespace {

constexpr RowState kMixed{RowState::Mixed, -1, 0};

bool has(ArrayRef<int64_t> axes, int64_t axis) { return llvm::is_contained(axes, axis); }

/// Rows of values that meet row by row: those of one source, and those that are equal anyway.
RowState join(ArrayRef<RowState> states) {
  RowState result{RowState::Uniform, -1};
  bool allUniform = true;
  if (llvm::any_of(states, [](RowState state) { return state.axis != 0; }))
    return llvm::all_equal(states) ? states.front() : kMixed;
  for (RowState state : states) {
    if (state.kind == RowState::Mixed || (state.isRow() && result.isRow() && state.source != result.source))
      return kMixed;
    allUniform &= state.kind == RowState::Uniform;
    if (state.isRow())
      result = state;
  }
  if (!result.isRow())
    return {allUniform ? RowState::Uniform : RowState::Invariant, -1};
  bool positional = llvm::any_of(states, [](RowState state) { return state.kind == RowState::Invariant; });
  return positional ? kMixed : result;
}

/// An op that keeps the first axis apart if `keeps` holds, and mixes rows otherwise.
RowState keepIf(bool keeps, RowState state) {
  if (state.isRow() && !keeps)
    return kMixed;
  return state.kind == RowState::Uniform && !keeps ? RowState{} : state;
}

RowState ofBroadcast(nn::BroadcastOp op, RowState x) {
  auto from = cast<RankedTensorType>(op.getX().getType());
  ArrayRef<int64_t> dimensions = op.getDimensions();
  bool fromFirst = !dimensions.empty() && dimensions[0] == 0;
  if (x.isRow())
    return keepIf(fromFirst, x);
  if (!x.knowsNoSample())
    return x;
  bool stretched = !fromFirst || from.getDimSize(0) == 1;
  return {stretched || x.kind == RowState::Uniform ? RowState::Uniform : RowState::Invariant, -1};
}

RowState ofReshape(nn::ReshapeOp op, RowState x) {
  auto from = cast<RankedTensorType>(op.getX().getType()), to = cast<RankedTensorType>(op.getResult().getType());
  bool keeps = from.getRank() > 0 && to.getRank() > 0 && from.getDimSize(0) == to.getDimSize(0);
  return keepIf(keeps, x);
}

/// Rows along another axis than the first, of which a reduction makes rows along an axis of its result; Mixed where it
/// does not.
RowState ofMoved(Operation &op, RowState x) {
  auto reduce = dyn_cast<nn::ReduceOp>(op);
  if (!reduce || has(reduce.getAxes(), x.axis))
    return kMixed;
  x.axis -= llvm::count_if(reduce.getAxes(), [&](int64_t axis) { return axis < x.axis; });
  return x;
}

/// A product has its batch axes, then the free ones of the left side, then those of the right side.
RowState ofContract(nn::ContractOp op, RowState a, RowState b) {
  if (a.knowsNoSample() && b.knowsNoSample())
    return {};
  if (has(op.getLhsBatch(), 0) && op.getLhsBatch()[0] == 0 && op.getRhsBatch()[0] == 0)
    return join({a, b});
  bool left = a.kind == RowState::Row && b.knowsNoSample(), right = b.kind == RowState::Row && a.knowsNoSample();
  if (!left && !right)
    return kMixed;
  SmallVector<int64_t> free = left ? op.getLhsFree() : op.getRhsFree();
  RowState rows = left ? a : b;
  auto found = llvm::find(free, rows.axis);
  if (found == free.end())
    return kMixed;
  rows.axis = op.getLhsBatch().size() + (left ? 0 : op.getLhsFree().size()) + (found - free.begin());
  return rows;
}

RowState ofGather(nn::GatherOp op, RowState x, RowState indices) {
  if (x.knowsNoSample() && indices.knowsNoSample())
    return {};
  if (op.getBatch() > 0)
    return join({x, indices});
  if (op.getAxis() == 0)
    return x.knowsNoSample() ? indices : kMixed;
  return indices.knowsNoSample() ? x : kMixed;
}

RowState ofConstant(Operation &op) {
  if (auto constant = dyn_cast<nn::ConstantOp>(op))
    return {constant.getValue().isSplat() ? RowState::Uniform : RowState::Invariant, -1};
  if (auto iota = dyn_cast<nn::IotaOp>(op)) {
    if (iota.getAxis() != 0)
      return {RowState::Uniform, -1};
    bool overSamples = cast<RankedTensorType>(iota.getResult().getType()).isDynamicDim(0);
    return overSamples ? kMixed : RowState{};
  }
  return {};
}

} // namespace

RowState RowWiseAnalysis::transfer(Operation &op) const {
  SmallVector<RowState> operands;
  for (Value operand : op.getOperands())
    operands.push_back(stateOf(operand));
  if (operands.empty())
    return ofConstant(op);
  RowState first = operands.front();
  if (auto transpose = dyn_cast<nn::TransposeOp>(op); transpose && first.kind == RowState::Row) {
    first.axis = llvm::find(transpose.getPermutation(), first.axis) - transpose.getPermutation().begin();
    return first.axis == 0 || followsLoops ? first : kMixed;
  }
  if (auto contract = dyn_cast<nn::ContractOp>(op)) {
    RowState rows = ofContract(contract, operands[0], operands[1]);
    return rows.axis == 0 || followsLoops ? rows : kMixed;
  }
  bool moved = llvm::any_of(operands, [](RowState state) { return state.axis != 0; });
  if (moved && !op.hasTrait<nn::PerElement>())
    return ofMoved(op, operands.front());
  bool batchRank = cast<RankedTensorType>(op.getOperand(0).getType()).getRank() > 2;
  if (op.hasTrait<nn::PerElement>())
    return join(operands);
  return llvm::TypeSwitch<Operation *, RowState>(&op)
      .Case<nn::AnnotateOp, nn::StopGradientOp, nn::ScaleGradientOp, nn::WindowMaxOp, nn::WindowSumOp,
            nn::WindowSpreadOp, nn::PadOp>([&](auto) { return first; })
      .Case<nn::SliceOp>([&](nn::SliceOp o) {
        bool whole = cast<RankedTensorType>(o.getX().getType()).getShape().take_front() ==
                     cast<RankedTensorType>(o.getResult().getType()).getShape().take_front();
        return keepIf(whole, first);
      })
      .Case<nn::BroadcastOp>([&](nn::BroadcastOp o) { return ofBroadcast(o, first); })
      .Case<nn::ReshapeOp>([&](nn::ReshapeOp o) { return ofReshape(o, first); })
      .Case<nn::TransposeOp>([&](nn::TransposeOp o) { return keepIf(o.getPermutation()[0] == 0, first); })
      .Case<nn::ReverseOp, nn::ReduceOp>([&](auto o) { return keepIf(!has(o.getAxes(), 0), first); })
      .Case<nn::ArgmaxOp, nn::CumsumOp, nn::SortOp>([&](auto o) { return keepIf(o.getAxis() != 0, first); })
      .Case<nn::ConcatOp>([&](nn::ConcatOp o) {
        RowState all = join(operands);
        return keepIf(o.getAxis() != 0, all);
      })
      .Case<nn::GatherOp>([&](nn::GatherOp o) { return ofGather(o, operands[0], operands[1]); })
      .Case<nn::ScatterOp>([&](nn::ScatterOp o) { return keepIf(o.getBatch() > 0, join(operands)); })
      .Case<nn::ConvOp, nn::ConvInputGradientOp>([&](auto) { return operands[1].knowsNoSample() ? first : kMixed; })
      .Case<nn::WindowGatherOp, nn::WindowScatterOp>([&](auto) { return join(operands); })
      .Case<nn::RandomOp>(
          [&](nn::RandomOp o) { return keepIf(cast<RankedTensorType>(o.getKey().getType()).getRank() > 1, first); })
      .Case<nn::CholeskyOp, nn::TriangularSolveOp>([&](auto) { return keepIf(batchRank, join(operands)); })
      .Default([&](Operation *) {
        bool free = llvm::all_of(operands, [](RowState state) { return state.knowsNoSample(); });
        return free ? RowState{} : kMixed;
      });
}

/// Samples are the extents that are known only when the data is opened.
static bool hasSamples(Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  return type.getRank() > 0 && type.isDynamicDim(0);
}

/// The steps of a loop, over and over until the carries keep their state; false where a step mixes rows.
bool RowWiseAnalysis::enterLoop(Operation &op, SourceOf sourceOf) {
  auto loop = cast<nn::LoopOp>(op);
  Block &body = loop.getBody().front();
  SmallVector<RowState> carries;
  for (Value carry : loop.getCarries())
    carries.push_back(stateOf(carry));
  // Equal rows, such as zeros, are rows of whatever the steps read, if there is one a sample. A counter has none.
  for (Value operand : loop->getOperands())
    if (RowState rows = stateOf(operand); rows.kind == RowState::Row)
      for (auto [carry, value] : llvm::zip(carries, loop.getCarries()))
        if (carry.kind == RowState::Uniform && hasSamples(value))
          carry = RowState::row(rows.source);
  auto yield = cast<nn::YieldOp>(body.getTerminator());
  for (bool again = true; again;) {
    again = false;
    unsigned number = 1; // behind the index of the step
    auto argument = [&](RowState state) {
      states[body.getArgument(number++)] = state.axis == 0 ? state : kMixed;
      return state.axis == 0 && state.kind != RowState::Mixed;
    };
    bool apart = true;
    for (RowState carry : carries)
      apart &= argument(carry);
    for (Value scanned : loop.getScanned()) {
      RowState state = stateOf(scanned);
      if (state.kind == RowState::Row && state.axis == 1)
        state.axis = 0;
      else if (!state.knowsNoSample())
        state = kMixed;
      else
        state = {};
      apart &= argument(state);
    }
    for (Value invariant : loop.getInvariants())
      apart &= argument(stateOf(invariant));
    if (!apart)
      return false;
    for (Operation &inner : body.without_terminator())
      enter(inner, sourceOf);
    for (auto [carry, next] : llvm::zip(carries, yield.getValues())) {
      RowState after = stateOf(next), joined = carry == after ? carry : join({carry, after});
      if (joined.kind == RowState::Mixed)
        return false;
      again |= !(joined == carry);
      carry = joined;
    }
  }
  if (loop.getConditional() && !stateOf(yield.getValues().back()).knowsNoSample())
    return false;
  for (unsigned i = 0; i < loop.getNumResults(); ++i) {
    bool isCarry = i < carries.size();
    RowState state = isCarry ? carries[i] : stateOf(yield.getValues()[i]);
    if (state.kind == RowState::Mixed || state.axis != 0)
      return false;
    if (!isCarry && state.isRow())
      state.axis = 1;
    else if (!isCarry)
      state = {};
    states[loop.getResult(i)] = state;
  }
  // All that are read or none: they are computed in one place.
  auto isRead = [](Value result) { return !result.use_empty(); };
  return llvm::all_equal(llvm::map_range(llvm::make_filter_range(loop.getResults(), isRead),
                                         [&](Value result) { return stateOf(result).kind == RowState::Row; }));
}

void RowWiseAnalysis::enter(Operation &op, SourceOf sourceOf) {
  if (followsLoops && isa<nn::LoopOp>(op)) {
    bool reads = llvm::any_of(op.getResults(), [&](Value result) { return stranded.contains(result); });
    if (!reads && enterLoop(op, sourceOf))
      return;
    for (Value result : op.getResults())
      states[result] = kMixed;
    return;
  }
  RowState state = transfer(op);
  if (op.getNumResults() == 1)
    if (int source = sourceOf(op.getResult(0)); source >= 0)
      state = RowState::row(source);
  for (Value result : op.getResults())
    states[result] = state.axis != 0 && stranded.contains(result) ? kMixed : state;
}

/// Finds rows along another axis that are read by what is not computed sample by sample: they cannot be handed over.
bool RowWiseAnalysis::findStranded(Block &block) {
  bool found = false;
  for (Operation &op : block)
    for (Value operand : op.getOperands()) {
      RowState state = stateOf(operand);
      bool stays = isRow(op);
      if (state.axis != 0 && !stays)
        found |= stranded.insert(operand).second;
    }
  return found;
}

RowWiseAnalysis::RowWiseAnalysis(func::FuncOp function, SourceOf sourceOf, bool loops) : followsLoops(loops) {
  Block &body = function.getBody().front();
  do {
    states.clear();
    for (BlockArgument argument : function.getArguments())
      if (int source = sourceOf(argument); source >= 0)
        states[argument] = RowState::row(source);
    for (Operation &op : body)
      enter(op, sourceOf);
  } while (followsLoops && findStranded(body));
}

} // namespace xfer
