//===- FusedContraction.cpp - contractions with what follows them -----------------------------------------------===//

#include "compiler/Codegen/CPU/FusedContraction.h"

#include "compiler/Codegen/CPU/Contraction.h"
#include "compiler/Codegen/CPU/ElementEmitter.h"
#include "compiler/Codegen/CPU/KernelBuilder.h"
#include "compiler/Fusion/FormKernel.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace xfer {

using namespace cpu;

namespace {

// Vectors of one lane are scalars to the emitter of elements.
Value asElement(OpBuilder &b, Location loc, Value sums) {
  auto type = dyn_cast<VectorType>(sums.getType());
  if (type && type.getNumElements() == 1)
    return vector::ExtractOp::create(b, loc, sums, ArrayRef<int64_t>{0});
  return sums;
}

Value asVector(OpBuilder &b, Location loc, Value element, int64_t lanes) {
  if (isa<VectorType>(element.getType()))
    return element;
  return vector::BroadcastOp::create(b, loc, VectorType::get({lanes}, element.getType()), element);
}

} // namespace

FailureOr<EmittedKernel> emitFusedContraction(OpBuilder &builder, nn::KernelOp kernel, StringRef name,
                                              const TargetDescription &target) {
  Block &body = kernel.getBody().front();
  auto found = llvm::find_if(body, [](Operation &op) { return isContraction(&op); });
  if (found == body.end())
    return kernel.emitOpError("of the kind 'contraction' holds none");
  Operation *contraction = &*found;
  for (Operation &op : body.without_terminator())
    if (&op != contraction && !ElementEmitter::canEmit(&op))
      return kernel.emitOpError("cannot have '") << op.getName() << "' after its contraction";
  unsigned inputs = kernel.getInputs().size();
  auto numberOf = [&](Value operand) -> FailureOr<unsigned> {
    auto argument = dyn_cast<BlockArgument>(operand);
    if (!argument)
      return kernel.emitOpError("computes an operand of its contraction");
    return argument.getArgNumber();
  };
  auto lhs = numberOf(contraction->getOperand(0)), rhs = numberOf(contraction->getOperand(1));
  if (failed(lhs) || failed(rhs))
    return failure();
  Value sums = contraction->getResult(0);
  SmallVector<Value> roots(body.getTerminator()->getOperands());
  ContractionBuffers buffers{*lhs, *rhs, inputs, inputs + static_cast<unsigned>(roots.size())};
  if (roots.size() == 1 && roots.front() == sums)
    return emitContraction(builder, contraction, name, buffers, {}, kernel.getScheduleAttr(), target);

  EpilogueFn epilogue = [&](OpBuilder &b, Location loc, const EpilogueTile &tile) -> Value {
    KernelContext context(target);
    context.setInputs(kernel, tile.buffers);
    ElementEmitter emitter(b, loc, tile.lanes, context);
    auto type = cast<RankedTensorType>(sums.getType());
    Index index;
    for (unsigned axis = 0; axis < type.getRank(); ++axis)
      index.push_back({tile.coordinate(axis), axis == tile.axis && tile.lanes > 1 ? 1 : 0, {}});
    emitter.nameOffset(sums, index, {tile.offset, tile.lanes > 1 ? 1 : 0, {}});
    Value element = asElement(b, loc, tile.sums);
    Type held = getElementTypeOrSelf(element.getType());
    if (type.getElementType().isBF16() && held.isF32())
      element = roundToBF16(b, loc, element);
    else if (held != registerType(type.getElementType()))
      element = KernelBuilder(b, loc).convert(element, registerType(type.getElementType()));
    emitter.bind(sums, index, element);
    SmallVector<Value> elements;
    for (Value root : roots)
      elements.push_back(emitter.element(root, index));
    // The first result is left to the contraction, which stores after all reads of a tile.
    bool first = cast<RankedTensorType>(roots.front().getType()).getElementType() == type.getElementType();
    for (unsigned number = first ? 1 : 0; number < roots.size(); ++number)
      emitter.store(elements[number], roots[number], tile.buffers[inputs + number], index);
    return first ? asVector(b, loc, elements.front(), tile.lanes) : Value();
  };
  return emitContraction(builder, contraction, name, buffers, epilogue, kernel.getScheduleAttr(), target);
}

} // namespace xfer
