//===- Iterations.cpp - what is peculiar to a body that runs many times -------------------------------------------===//
//
// Inside the body of a `scan` or an `each`: the key of a draw has the number of the iteration in it, and what a module
// proposes for a state is one proposal for each iteration, merged behind the loop. Definitions of a stage and fields of
// a source that a body happens to read first belong to the function around it: `OutsideLoops`.
//
//===------------------------------------------------------------------------------------------------------------===//

#include "compiler/Elaborate/Emit.h"
#include "compiler/Elaborate/Evaluator.h"
#include <utility>

using namespace mlir;
using llvm::Twine;

namespace xfer {

Evaluator::OutsideLoops::OutsideLoops(Evaluator &evaluator)
    : evaluator(evaluator), guard(evaluator.builder()), sampleKey(std::exchange(evaluator.sampleKey, {})),
      scanning(std::exchange(evaluator.scanning, nullptr)) {
  std::swap(iterations, evaluator.iterations);
  evaluator.function().moveToEnd();
}

Evaluator::OutsideLoops::~OutsideLoops() {
  evaluator.sampleKey = sampleKey;
  evaluator.scanning = scanning;
  std::swap(iterations, evaluator.iterations);
}

mlir::Value Evaluator::key() {
  mlir::Value outer = sampleKey ? sampleKey : function().stepKey();
  if (iterations.empty())
    return outer;
  Iteration &inner = *iterations.back();
  if (inner.key)
    return inner.key;
  // k3 + number: another counter for each iteration, counted through all loops around the draw.
  OpBuilder::InsertionGuard guard(builder());
  builder().setInsertionPointToStart(inner.block);
  Location where = inner.index.getLoc();
  auto scalar = [&](int64_t number) -> mlir::Value {
    auto type = RankedTensorType::get({}, builder().getI32Type());
    return nn::ConstantOp::create(builder(), where, DenseElementsAttr::get(type, static_cast<int32_t>(number)));
  };
  // An extent that is known only when the data is opened is below this.
  constexpr int64_t anyCount = 1 << 20;
  mlir::Value number;
  for (Iteration *loop : iterations) {
    if (!number) {
      number = loop->index;
      continue;
    }
    mlir::Value count = scalar(loop->count.isDynamic() ? anyCount : loop->count.size);
    number = nn::AddOp::create(builder(), where, nn::MulOp::create(builder(), where, number, count), loop->index);
  }
  auto type = RankedTensorType::get({4}, builder().getI32Type());
  mlir::Value last =
      nn::ConstantOp::create(builder(), where, DenseElementsAttr::get(type, llvm::ArrayRef<int32_t>({0, 0, 0, 1})));
  mlir::Value wide = nn::BroadcastOp::create(builder(), where, number, llvm::ArrayRef<nn::Extent>{nn::Extent(4)});
  inner.key = nn::AddOp::create(builder(), where, outer, nn::MulOp::create(builder(), where, last, wide));
  return inner.key;
}

bool Evaluator::propose(const Leaf &leaf, const std::string &site, mlir::Value value, int64_t count,
                        dsl::SourceRange range) {
  if (!iterations.empty()) {
    auto &all = iterations.back()->proposals;
    bool known =
        llvm::any_of(all, [&](const Iteration::Proposal &one) { return one.leaf == &leaf && one.site == site; });
    if (!known)
      all.push_back({&leaf, site, value, count, range});
    return true;
  }
  if (function().propose(leaf, site, value, count))
    return true;
  error(range, "state-written-twice",
        "'" + leaf.path +
            "' is written by two calls in one step and has no 'merge'; say how they join, such as "
            "'merge average', or call once on both batches ('jointly')");
  return false;
}

bool Evaluator::proposeMerged(const Iteration &loop, mlir::ValueRange stacked, bool stopsEarly) {
  for (auto [proposal, all] : llvm::zip_equal(loop.proposals, stacked)) {
    const Leaf &leaf = *proposal.leaf;
    if (leaf.merge.empty() || loop.count.isDynamic() || stopsEarly) {
      error(proposal.range, "state-written-twice",
            leaf.merge.empty() ? "'" + leaf.path + "' is written by each iteration of a loop and has no 'merge'"
                               : "'" + leaf.path + "' is written by a loop whose number of iterations is not known");
      return false;
    }
    auto kind = leaf.merge == "max" ? nn::ReduceKind::Max : nn::ReduceKind::Sum;
    mlir::Value merged = nn::ReduceOp::create(builder(), location(proposal.range), kind, all, ArrayRef<int64_t>{0});
    if (!propose(leaf, proposal.site, merged, proposal.count * loop.count.size, proposal.range))
      return false;
  }
  return true;
}

} // namespace xfer
