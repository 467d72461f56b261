#include "compiler/Codegen/CPU/KernelBuilder.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace xfer::cpu;

std::optional<int64_t> KernelBuilder::known(Value x) {
  APInt value;
  if (matchPattern(x, m_ConstantInt(&value)))
    return value.getSExtValue();
  return std::nullopt;
}

Value KernelBuilder::constant(int64_t value) { return arith::ConstantOp::create(b, loc, b.getI64IntegerAttr(value)); }

Value KernelBuilder::add(Value x, Value y) {
  auto left = known(x), right = known(y);
  if (left && right)
    return constant(*left + *right);
  if (left == 0)
    return y;
  if (right == 0)
    return x;
  return arith::AddIOp::create(b, loc, x, y);
}

Value KernelBuilder::sub(Value x, Value y) {
  auto left = known(x), right = known(y);
  if (left && right)
    return constant(*left - *right);
  if (right == 0)
    return x;
  return arith::SubIOp::create(b, loc, x, y);
}

Value KernelBuilder::mul(Value x, Value y) {
  auto left = known(x), right = known(y);
  if (left && right)
    return constant(*left * *right);
  if (left == 0 || right == 0)
    return constant(0);
  if (left == 1)
    return y;
  if (right == 1)
    return x;
  return arith::MulIOp::create(b, loc, x, y);
}

Value KernelBuilder::div(Value x, int64_t y) {
  if (y == 1)
    return x;
  if (auto left = known(x))
    return constant(*left / y);
  return arith::DivUIOp::create(b, loc, x, constant(y));
}

Value KernelBuilder::rem(Value x, int64_t y) {
  if (y == 1)
    return constant(0);
  if (auto left = known(x))
    return constant(*left % y);
  return arith::RemUIOp::create(b, loc, x, constant(y));
}

Value KernelBuilder::min(Value x, Value y) {
  auto left = known(x), right = known(y);
  if (left && right)
    return constant(std::min(*left, *right));
  return arith::MinSIOp::create(b, loc, x, y);
}

Value KernelBuilder::max(Value x, Value y) {
  auto left = known(x), right = known(y);
  if (left && right)
    return constant(std::max(*left, *right));
  return arith::MaxSIOp::create(b, loc, x, y);
}

Value KernelBuilder::less(Value x, Value y) {
  return b.createOrFold<arith::CmpIOp>(loc, arith::CmpIPredicate::slt, x, y);
}

Value KernelBuilder::equal(Value x, Value y) {
  return b.createOrFold<arith::CmpIOp>(loc, arith::CmpIPredicate::eq, x, y);
}

Value KernelBuilder::address(Type element, Value base, Value index) {
  if (auto number = known(index))
    return address(element, base, *number);
  return LLVM::GEPOp::create(b, loc, base.getType(), element, base, ArrayRef<LLVM::GEPArg>{index},
                             LLVM::GEPNoWrapFlags::none);
}

Value KernelBuilder::address(Type element, Value base, int64_t index) {
  if (index == 0)
    return base;
  // A constant of a GEP has 29 bits in MLIR.
  if (!llvm::isInt<29>(index))
    return LLVM::GEPOp::create(b, loc, base.getType(), element, base, ArrayRef<LLVM::GEPArg>{constant(index)},
                               LLVM::GEPNoWrapFlags::none);
  return LLVM::GEPOp::create(b, loc, base.getType(), element, base, ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(index)},
                             LLVM::GEPNoWrapFlags::none);
}

Value KernelBuilder::load(Type type, Value address) {
  Type element = getElementTypeOrSelf(type);
  unsigned alignment = isa<LLVM::LLVMPointerType>(element) ? 8 : std::max(1u, element.getIntOrFloatBitWidth() / 8);
  return LLVM::LoadOp::create(b, loc, type, address, alignment);
}

void KernelBuilder::store(Value value, Value address) {
  unsigned alignment = std::max(1u, getElementTypeOrSelf(value.getType()).getIntOrFloatBitWidth() / 8);
  LLVM::StoreOp::create(b, loc, value, address, alignment);
}

Value KernelBuilder::stack(int64_t bytes) {
  return LLVM::AllocaOp::create(b, loc, LLVM::LLVMPointerType::get(b.getContext()), b.getI8Type(), constant(bytes),
                                /*alignment=*/64);
}

SmallVector<Value> KernelBuilder::loop(Value lower, Value upper, int64_t step, ValueRange carried, LoopBody body) {
  auto first = known(lower), end = known(upper);
  if (first && end) {
    if (*first >= *end)
      return SmallVector<Value>(carried);
    if (*first + step >= *end)
      return body(lower, carried);
  }
  // The loop is there before its body, which may ask what is known of the index.
  auto loop = scf::ForOp::create(b, loc, lower, upper, constant(step), carried);
  OpBuilder::InsertionGuard guard(b);
  if (carried.empty()) { // it has its terminator already
    b.setInsertionPointToStart(loop.getBody());
    body(loop.getInductionVar(), ValueRange());
  } else {
    b.setInsertionPointToEnd(loop.getBody());
    scf::YieldOp::create(b, loc, body(loop.getInductionVar(), loop.getRegionIterArgs()));
  }
  return SmallVector<Value>(loop.getResults());
}

void KernelBuilder::loop(Value lower, Value upper, int64_t step, function_ref<void(Value)> body) {
  loop(lower, upper, step, ValueRange(), [&](Value index, ValueRange) {
    body(index);
    return SmallVector<Value>();
  });
}

void KernelBuilder::when(Value condition, function_ref<void()> body) {
  if (auto value = known(condition)) {
    if (*value)
      body();
    return;
  }
  auto branch = scf::IfOp::create(b, loc, condition, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(branch.thenYield());
  body();
}

Value KernelBuilder::zero(Type type) { return arith::ConstantOp::create(b, loc, b.getZeroAttr(type)); }

Value KernelBuilder::splat(Value scalar, int64_t lanes) {
  return vector::BroadcastOp::create(b, loc, VectorType::get({lanes}, scalar.getType()), scalar);
}

Value KernelBuilder::multiplyAdd(Value x, Value y, Value sum, bool fused) {
  if (isa<IntegerType>(getElementTypeOrSelf(sum.getType())))
    return arith::AddIOp::create(b, loc, arith::MulIOp::create(b, loc, x, y), sum);
  if (fused)
    return vector::FMAOp::create(b, loc, x, y, sum);
  return arith::AddFOp::create(b, loc, arith::MulFOp::create(b, loc, x, y), sum);
}

Value KernelBuilder::addElements(Value x, Value y) {
  if (isa<IntegerType>(getElementTypeOrSelf(x.getType())))
    return arith::AddIOp::create(b, loc, x, y);
  return arith::AddFOp::create(b, loc, x, y);
}

Value KernelBuilder::convert(Value value, Type element) {
  Type from = getElementTypeOrSelf(value.getType());
  if (from == element)
    return value;
  Type type = element;
  if (auto vector = dyn_cast<VectorType>(value.getType()))
    type = vector.clone(element);
  bool widen = from.getIntOrFloatBitWidth() < element.getIntOrFloatBitWidth();
  if (isa<FloatType>(element))
    return widen ? Value(arith::ExtFOp::create(b, loc, type, value)) : arith::TruncFOp::create(b, loc, type, value);
  return widen ? Value(arith::ExtSIOp::create(b, loc, type, value)) : arith::TruncIOp::create(b, loc, type, value);
}

KernelFunction xfer::cpu::openKernel(OpBuilder &builder, Location loc, StringRef name, unsigned count) {
  Type pointer = LLVM::LLVMPointerType::get(builder.getContext());
  KernelFunction kernel;
  kernel.function = func::FuncOp::create(
      builder, loc, name, builder.getFunctionType({pointer, builder.getI64Type(), pointer}, TypeRange()));
  Block *body = kernel.function.addEntryBlock();
  builder.setInsertionPointToStart(body);
  kernel.chunk = body->getArgument(1);
  kernel.extents = body->getArgument(2);
  KernelBuilder k(builder, loc);
  for (unsigned i = 0; i < count; ++i)
    kernel.buffers.push_back(k.load(pointer, k.address(pointer, body->getArgument(0), i)));
  return kernel;
}
