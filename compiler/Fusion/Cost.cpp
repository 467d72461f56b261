//===- Cost.cpp - what computing an element costs ---------------------------------------------------------------===//

#include "compiler/Fusion/Cost.h"

#include "compiler/Dialect/NN/IR/NN.h"

using namespace mlir;

namespace xfer {

static int64_t product(ArrayRef<int64_t> numbers) {
  int64_t result = 1;
  for (int64_t number : numbers)
    result *= number;
  return result;
}

int64_t elementsOf(Type type) {
  int64_t count = 1;
  for (int64_t extent : cast<RankedTensorType>(type).getShape())
    count *= ShapedType::isDynamic(extent) ? 1024 : extent;
  return count;
}

// Roughly the instructions of a vector, measured on the code that Codegen writes.
int64_t costOf(Operation *op) {
  return llvm::TypeSwitch<Operation *, int64_t>(op)
      .Case<nn::BroadcastOp, nn::ReshapeOp, nn::AnnotateOp, nn::SliceOp, nn::ConstantOp, nn::IotaOp>(
          [](auto) { return 0; })
      .Case<nn::DivOp, nn::SqrtOp, nn::RemOp>([](auto) { return 6; })
      .Case<nn::ExpOp, nn::LogOp, nn::TanhOp, nn::ErfOp, nn::SinOp, nn::CosOp>([](auto) { return 20; })
      .Case<nn::PowOp>([](auto) { return 60; })
      .Case<nn::RandomOp>([](auto) { return 100; })
      .Case<nn::GatherOp, nn::WindowGatherOp, nn::TransposeOp>([](auto) { return 8; })
      .Case([](nn::WindowMaxOp o) { return 6 * product(o.getWindow()); })
      .Case([](nn::WindowSumOp o) { return 2 * product(o.getWindow()); })
      .Case([](nn::WindowSpreadOp o) { return 8 * product(o.getWindow()) / product(o.getStrides()); })
      .Case([](nn::WindowScatterOp o) {
        return 8 * std::max<int64_t>(1, product(o.getWindow()) / product(o.getStrides()));
      })
      .Default([](Operation *) { return 1; });
}

} // namespace xfer
