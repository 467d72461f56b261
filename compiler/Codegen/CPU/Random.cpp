//===- Random.cpp - counter-based random numbers ----------------------------------------------------------------===//
//
// Philox4x32-10 (Salmon, Moraes, Dror, Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3"). Each lane computes
// the block that its element lies in and takes its word of it, so that a number can be asked for anywhere.
//
//===------------------------------------------------------------------------------------------------------------===//

#include "compiler/Codegen/CPU/ElementEmitter.h"

using namespace mlir;

namespace xfer::cpu {

namespace {

constexpr uint32_t multipliers[] = {0xD2511F53u, 0xCD9E8D57u};
constexpr uint32_t weyl[] = {0x9E3779B9u, 0xBB67AE85u};

struct Words {
  OpBuilder &b;
  Location loc;

  Value constant(Value like, uint32_t value) {
    auto attr = b.getI32IntegerAttr(static_cast<int32_t>(value));
    if (auto vector = dyn_cast<VectorType>(like.getType()))
      return arith::ConstantOp::create(b, loc, DenseElementsAttr::get(vector, Attribute(attr)));
    return arith::ConstantOp::create(b, loc, attr);
  }
  Value exclusiveOr(Value x, Value y) { return arith::XOrIOp::create(b, loc, x, y); }
};

} // namespace

Value ElementEmitter::random(nn::RandomOp op, ArrayRef<LaneIndex> index) {
  auto type = cast<RankedTensorType>(op.getResult().getType());
  int64_t leading = cast<RankedTensorType>(op.getKey().getType()).getRank() - 1;
  LaneIndex number = lane.uniform(0);
  for (int64_t axis = leading; axis < type.getRank(); ++axis)
    number = lane.add(lane.mul(number, type.getDimSize(axis)), index[axis]);
  SmallVector<Value, 4> key;
  for (int64_t word = 0; word < 4; ++word) {
    Index at(index.take_front(leading));
    at.push_back(lane.uniform(word));
    key.push_back(element(op.getKey(), at));
  }
  Value position = lane.toElement(number, b.getI32Type());
  if (llvm::any_of(key, [](Value word) { return isa<VectorType>(word.getType()); }) ||
      isa<VectorType>(position.getType())) {
    position = lane.splat(position);
    for (Value &word : key)
      word = lane.splat(word);
  }

  Words w{b, loc};
  uint64_t site = static_cast<uint64_t>(op.getSite());
  Value k0 = w.exclusiveOr(key[0], w.constant(position, static_cast<uint32_t>(site)));
  Value k1 = w.exclusiveOr(key[1], w.constant(position, static_cast<uint32_t>(site >> 32)));
  Value block = arith::ShRUIOp::create(b, loc, position, w.constant(position, 2));
  SmallVector<Value, 4> counter{block, w.constant(position, 0), key[2], key[3]};
  for (int round = 0; round < 10; ++round) {
    auto first = arith::MulUIExtendedOp::create(b, loc, w.constant(position, multipliers[0]), counter[0]);
    auto second = arith::MulUIExtendedOp::create(b, loc, w.constant(position, multipliers[1]), counter[2]);
    counter = {w.exclusiveOr(w.exclusiveOr(second.getHigh(), counter[1]), k0), second.getLow(),
               w.exclusiveOr(w.exclusiveOr(first.getHigh(), counter[3]), k1), first.getLow()};
    if (round == 9)
      break;
    k0 = arith::AddIOp::create(b, loc, k0, w.constant(position, weyl[0]));
    k1 = arith::AddIOp::create(b, loc, k1, w.constant(position, weyl[1]));
  }
  auto bitSet = [&](uint32_t bit) -> Value {
    Value part = arith::AndIOp::create(b, loc, position, w.constant(position, bit));
    return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne, part, w.constant(position, 0));
  };
  Value odd = bitSet(1);
  Value low = arith::SelectOp::create(b, loc, odd, counter[1], counter[0]);
  Value high = arith::SelectOp::create(b, loc, odd, counter[3], counter[2]);
  Value word = arith::SelectOp::create(b, loc, bitSet(2), high, low);
  // 24 bits are exact in f32, and as signed numbers convert in one instruction.
  Value bits = arith::ShRUIOp::create(b, loc, word, w.constant(word, 8));
  auto like = [&](Type element) -> Type {
    if (auto vector = dyn_cast<VectorType>(word.getType()))
      return vector.clone(element);
    return element;
  };
  Type f32 = like(b.getF32Type());
  Value real = arith::SIToFPOp::create(b, loc, f32, bits);
  FloatAttr unit = b.getF32FloatAttr(0x1p-24f);
  Value scale;
  if (auto vector = dyn_cast<VectorType>(f32))
    scale = arith::ConstantOp::create(b, loc, DenseElementsAttr::get(vector, Attribute(unit)));
  else
    scale = arith::ConstantOp::create(b, loc, unit);
  Value uniform = arith::MulFOp::create(b, loc, real, scale);
  Type target = type.getElementType();
  if (target.isF64())
    return arith::ExtFOp::create(b, loc, like(target), uniform);
  if (target.isBF16())
    return roundToBF16(b, loc, uniform);
  return uniform;
}

} // namespace xfer::cpu
