//===- SingleReplica.cpp - the pass nn-single-replica ------------------------------------------------------------===//

#include "compiler/Dialect/NN/Transforms/Passes.h"

using namespace mlir;
using namespace xfer::nn;

namespace xfer {
#define GEN_PASS_DEF_SINGLEREPLICAPASS
#include "compiler/Dialect/NN/Transforms/Passes.h.inc"
} // namespace xfer

namespace {
struct SingleReplicaPass : xfer::impl::SingleReplicaPassBase<SingleReplicaPass> {
  void runOnOperation() override {
    getOperation().walk([](AllReduceOp op) {
      op.replaceAllUsesWith(op.getValues());
      op.erase();
    });
  }
};
} // namespace
