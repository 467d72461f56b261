//===- DistributeJoined.cpp - what is made of joined splits, made of each -----------------------------------------===//

#include "compiler/BindingTime/DistributeJoined.h"
#include "compiler/BindingTime/Outline.h"
#include "compiler/BindingTime/RowWise.h"
#include "compiler/Dialect/NN/IR/NN.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/DenseSet.h"

using namespace mlir;

namespace xfer {

namespace {

/// Samples of a number that is known when the data is opened, one part after the other. A join in a loop is one again
/// in each step, and stays there.
bool isJoin(Value value) {
  auto concat = value.getDefiningOp<nn::ConcatOp>();
  return concat && isa<func::FuncOp>(concat->getParentOp()) && concat.getAxis() == 0 && concat.getXs().size() > 1 &&
         concat.getResult().getType().isDynamicDim(0);
}

/// Does row i of the result need row i of each operand with rows? Of others, equal rows may be the operand as a whole.
bool alignsOperands(Operation *op) {
  if (auto contract = dyn_cast<nn::ContractOp>(op))
    return !contract.getLhsBatch().empty() && contract.getLhsBatch().front() == 0;
  if (auto gather = dyn_cast<nn::GatherOp>(op))
    return gather.getBatch() > 0;
  return !isa<nn::ConvOp, nn::ConvInputGradientOp>(op);
}

/// What a reduction makes of two elements, of two tensors.
Value combine(OpBuilder &builder, Location location, nn::ReduceKind kind, Value a, Value b) {
  switch (kind) {
  case nn::ReduceKind::Sum:
    return nn::AddOp::create(builder, location, a, b);
  case nn::ReduceKind::Prod:
    return nn::MulOp::create(builder, location, a, b);
  case nn::ReduceKind::Max:
    return nn::MaxOp::create(builder, location, a, b);
  case nn::ReduceKind::Min:
    return nn::MinOp::create(builder, location, a, b);
  case nn::ReduceKind::Any:
    return nn::OrOp::create(builder, location, a, b);
  case nn::ReduceKind::All:
    return nn::AndOp::create(builder, location, a, b);
  }
  llvm_unreachable("all kinds are handled");
}

/// Values other than joins that are computed from one, and joins of them, which wait until these are joins themselves.
llvm::DenseSet<Value> findMadeOfJoins(func::FuncOp function) {
  llvm::DenseSet<Value> found;
  for (Operation &op : function.getBody().front())
    for (Value result : op.getResults())
      if (llvm::any_of(op.getOperands(),
                       [&](Value operand) { return found.contains(operand) || (isJoin(operand) && !isJoin(result)); }))
        found.insert(result);
  return found;
}

class Distributor {
public:
  explicit Distributor(func::FuncOp function)
      : function(function), madeOfJoins(findMadeOfJoins(function)),
        rows(function, [&](Value value) { return layoutOf(value); }, /*loops=*/true) {}

  /// False where there was nothing to do.
  bool run();

private:
  using Parts = SmallVector<Value, 2>;

  int layoutOf(Value value);
  void collectExtents(Value value, nn::Extents &extents);
  void flatten(Value value, Parts &parts);
  bool isJoined(Value value) const { return rows.stateOf(value).kind == RowState::Row; }
  Type partType(Value value, const nn::Extent &whole, const nn::Extent &part) const;
  Value equalRows(Value value, const nn::Extent &whole, const nn::Extent &part);
  void distribute(Operation *op);
  void reduce(nn::ReduceOp op);
  void joinWhereRead(Operation *op);

  func::FuncOp function;
  /// The extents of the parts of each kind of join, which is its number as a source of rows.
  SmallVector<nn::Extents> layouts;
  llvm::DenseSet<Value> madeOfJoins;
  RowWiseAnalysis rows;
  DenseMap<Value, Parts> parts;
};

void Distributor::collectExtents(Value value, nn::Extents &extents) {
  if (!isJoin(value))
    return extents.push_back(nn::extentsOf(value.getType()).front());
  for (Value part : value.getDefiningOp<nn::ConcatOp>().getXs())
    collectExtents(part, extents);
}

/// Joins of equal parts meet row by row.
int Distributor::layoutOf(Value value) {
  if (!isJoin(value) || madeOfJoins.contains(value))
    return -1;
  nn::Extents extents;
  collectExtents(value, extents);
  auto found = llvm::find(layouts, extents);
  if (found == layouts.end()) {
    layouts.push_back(extents);
    return layouts.size() - 1;
  }
  return found - layouts.begin();
}

/// The parts of a join; a join among them has parts of its own.
void Distributor::flatten(Value value, Parts &found) {
  if (!isJoin(value))
    return found.push_back(value);
  for (Value part : value.getDefiningOp<nn::ConcatOp>().getXs())
    flatten(part, found);
}

/// The type of a part of the rows, or of what has as many equal rows.
Type Distributor::partType(Value value, const nn::Extent &whole, const nn::Extent &part) const {
  nn::Extents extents = nn::extentsOf(value.getType());
  RowState state = rows.stateOf(value);
  int64_t axis = state.kind == RowState::Row ? state.axis : 0;
  bool hasRows = state.kind == RowState::Row || state.kind == RowState::Uniform;
  if (hasRows && axis < static_cast<int64_t>(extents.size()) && extents[axis] == whole)
    extents[axis] = part;
  return nn::withExtents(value.getType(), extents);
}

/// Equal rows, as many as the part has.
Value Distributor::equalRows(Value value, const nn::Extent &whole, const nn::Extent &part) {
  Operation *op = value.getDefiningOp();
  if (!op || rows.stateOf(value).kind != RowState::Uniform || partType(value, whole, part) == value.getType())
    return value;
  IRMapping mapping;
  OpBuilder builder(op);
  for (Value operand : op->getOperands())
    mapping.map(operand, equalRows(operand, whole, part));
  builder.setInsertionPointAfter(op);
  Operation *clone = cloneWithTypes(builder, *op, mapping, [&](Value one) { return partType(one, whole, part); });
  return clone->getResult(cast<OpResult>(value).getResultNumber());
}

/// The operation for each part.
void Distributor::distribute(Operation *op) {
  const nn::Extents &layout = layouts[rows.stateOf(op->getResult(0)).source];
  nn::Extent whole = nn::Extent(0);
  for (const nn::Extent &part : layout)
    whole = nn::Extent::sum(whole, part);
  OpBuilder builder(op);
  for (unsigned number = 0; number != layout.size(); ++number) {
    const nn::Extent &part = layout[number];
    IRMapping mapping;
    for (Value operand : op->getOperands()) {
      if (isJoined(operand))
        mapping.map(operand, parts[operand][number]);
      else if (alignsOperands(op))
        mapping.map(operand, equalRows(operand, whole, part));
    }
    Operation *clone = cloneWithTypes(builder, *op, mapping, [&](Value value) { return partType(value, whole, part); });
    for (auto [from, to] : llvm::zip_equal(op->getResults(), clone->getResults()))
      parts[from].push_back(to);
  }
}

/// Over all samples: over those of each part, and then over the parts.
void Distributor::reduce(nn::ReduceOp op) {
  OpBuilder builder(op);
  Value all;
  for (Value part : parts[op.getX()]) {
    Value own = nn::ReduceOp::create(builder, op.getLoc(), op.getKind(), part, op.getAxes());
    all = all ? combine(builder, op.getLoc(), op.getKind(), all, own) : own;
  }
  op.getResult().replaceAllUsesWith(all);
}

/// The rows of all parts, for what reads them at once.
void Distributor::joinWhereRead(Operation *op) {
  for (Value result : op->getResults()) {
    auto readsJoined = [&](OpOperand &use) {
      Operation *user = use.getOwner();
      bool isReduced = isa<nn::ReduceOp>(user) && rows.stateOf(result).isRow();
      return !isReduced && (user->getNumResults() == 0 || !isJoined(user->getResult(0)));
    };
    if (llvm::none_of(result.getUses(), readsJoined))
      continue;
    OpBuilder builder(op->getContext());
    builder.setInsertionPointAfter(parts[result].back().getDefiningOp());
    Value joined = nn::ConcatOp::create(builder, op->getLoc(), parts[result], rows.stateOf(result).axis);
    result.replaceUsesWithIf(joined, readsJoined);
  }
}

bool Distributor::run() {
  Block &body = function.getBody().front();
  SmallVector<Operation *> old;
  bool found = false;
  for (Operation &op : body)
    old.push_back(&op);
  for (Operation *op : old) {
    auto reduction = dyn_cast<nn::ReduceOp>(op);
    if (op->getNumResults() > 0 && isJoined(op->getResult(0))) {
      if (layoutOf(op->getResult(0)) >= 0) {
        flatten(op->getResult(0), parts[op->getResult(0)]);
        continue;
      }
      distribute(op);
      joinWhereRead(op);
      found = true;
    } else if (reduction && isJoined(reduction.getX()) && rows.stateOf(reduction.getX()).isRow()) {
      reduce(reduction);
      found = true;
    }
  }
  for (Operation *op : llvm::reverse(old))
    if (isOpTriviallyDead(op))
      op->erase();
  return found;
}

} // namespace

void distributeJoined(func::FuncOp function) {
  while (Distributor(function).run())
    continue;
}

} // namespace xfer
