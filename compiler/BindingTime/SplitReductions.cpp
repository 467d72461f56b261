//===- SplitReductions.cpp - each sample's share of a reduction first ---------------------------------------------===//

#include "compiler/BindingTime/SplitReductions.h"
#include "compiler/Dialect/NN/IR/NN.h"

using namespace mlir;

namespace xfer {

void splitReductions(func::FuncOp function, const RowWiseAnalysis &rows) {
  for (auto reduce : llvm::make_early_inc_range(function.getBody().front().getOps<nn::ReduceOp>())) {
    ArrayRef<int64_t> axes = reduce.getAxes();
    if (!rows.stateOf(reduce.getX()).isRow() || axes.size() < 2 || axes.front() != 0)
      continue;
    OpBuilder builder(reduce);
    Value share = nn::ReduceOp::create(builder, reduce.getLoc(), reduce.getKind(), reduce.getX(), axes.drop_front());
    Value all = nn::ReduceOp::create(builder, reduce.getLoc(), reduce.getKind(), share, ArrayRef<int64_t>{0});
    reduce.getResult().replaceAllUsesWith(all);
    reduce.erase();
  }
}

} // namespace xfer
