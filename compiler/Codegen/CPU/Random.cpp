//===- Random.cpp - counter-based random numbers ----------------------------------------------------------------===//
//
// Philox4x32-10 (Salmon, Moraes, Dror, Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3"). Each lane computes
// the block that its element lies in and takes its word of it, so that a number can be asked for anywhere. Neighbours
// that begin with a block share it: 16 of them are the words of 4 blocks, and are computed in 4 lanes of 64 bits, where
// a product with all its bits is one instruction.
//
//===------------------------------------------------------------------------------------------------------------===//

#include "compiler/Codegen/CPU/ElementEmitter.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Matchers.h"

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

/// Whether it is known that `factor`, a power of two, divides the index.
bool isMultiple(Value index, int64_t factor) {
  APInt constant;
  if (matchPattern(index, m_ConstantInt(&constant)))
    return constant.getSExtValue() % factor == 0;
  if (auto sum = index.getDefiningOp<arith::AddIOp>())
    return isMultiple(sum.getLhs(), factor) && isMultiple(sum.getRhs(), factor);
  if (auto product = index.getDefiningOp<arith::MulIOp>())
    return isMultiple(product.getLhs(), factor) || isMultiple(product.getRhs(), factor);
  auto argument = dyn_cast<BlockArgument>(index);
  auto loop = argument ? dyn_cast_if_present<scf::ForOp>(argument.getOwner()->getParentOp()) : scf::ForOp();
  return loop && argument == loop.getInductionVar() && isMultiple(loop.getLowerBound(), factor) &&
         isMultiple(loop.getStep(), factor);
}

/// The words of `lanes` neighbours, the first of which has number `first`, a multiple of 4. Lanes have 64 bits; those
/// above a word hold anything, because a product masks them and the end drops them.
Value wordsOfBlocks(OpBuilder &b, Location loc, int64_t lanes, Value first, ArrayRef<Value> key, uint64_t site) {
  int64_t blocks = lanes / 4;
  Type i64 = b.getI64Type();
  auto type = VectorType::get({blocks}, i64);
  auto constant = [&](uint64_t value) -> Value {
    auto attribute = b.getI64IntegerAttr(static_cast<int64_t>(value));
    return arith::ConstantOp::create(b, loc, DenseElementsAttr::get(type, Attribute(attribute)));
  };
  auto all = [&](Value word) -> Value {
    return vector::BroadcastOp::create(b, loc, type, arith::ExtUIOp::create(b, loc, i64, word));
  };
  auto exclusiveOr = [&](Value x, Value y) -> Value { return arith::XOrIOp::create(b, loc, x, y); };
  Value low = constant(0xFFFFFFFFu), half = constant(32);
  auto product = [&](Value word, uint32_t factor) -> Value {
    return arith::MulIOp::create(b, loc, arith::AndIOp::create(b, loc, word, low), constant(factor));
  };
  auto high = [&](Value x) -> Value { return arith::ShRUIOp::create(b, loc, x, half); };

  SmallVector<int64_t> steps = llvm::to_vector(llvm::seq<int64_t>(0, blocks));
  Value two = arith::ConstantOp::create(b, loc, b.getI64IntegerAttr(2));
  Value block = vector::BroadcastOp::create(b, loc, type, arith::ShRUIOp::create(b, loc, first, two));
  Value offsets = arith::ConstantOp::create(b, loc, DenseElementsAttr::get(type, ArrayRef<int64_t>(steps)));
  SmallVector<Value, 4> x{arith::AddIOp::create(b, loc, block, offsets), constant(0), all(key[2]), all(key[3])};
  Value k0 = exclusiveOr(all(key[0]), constant(static_cast<uint32_t>(site)));
  Value k1 = exclusiveOr(all(key[1]), constant(static_cast<uint32_t>(site >> 32)));
  for (int round = 0; round < 10; ++round) {
    Value p = product(x[0], multipliers[0]), q = product(x[2], multipliers[1]);
    x = {exclusiveOr(exclusiveOr(high(q), x[1]), k0), q, exclusiveOr(exclusiveOr(high(p), x[3]), k1), p};
    k0 = arith::AddIOp::create(b, loc, k0, constant(weyl[0]));
    k1 = arith::AddIOp::create(b, loc, k1, constant(weyl[1]));
  }
  auto pair = [&](Value first, Value second) -> Value {
    return arith::OrIOp::create(b, loc, arith::AndIOp::create(b, loc, first, low),
                                arith::ShLIOp::create(b, loc, second, half));
  };
  SmallVector<int64_t> order;
  for (int64_t i = 0; i < blocks; ++i)
    llvm::append_range(order, std::initializer_list<int64_t>{i, blocks + i});
  Value pairs = vector::ShuffleOp::create(b, loc, pair(x[0], x[1]), pair(x[2], x[3]), order);
  return vector::BitCastOp::create(b, loc, VectorType::get({lanes}, b.getI32Type()), pairs);
}

} // namespace

/// The words of elements with any numbers: in each lane that of its own block.
Value ElementEmitter::wordOf(Value position, SmallVector<Value, 4> key, uint64_t site) {
  if (llvm::any_of(key, [](Value word) { return isa<VectorType>(word.getType()); }) ||
      isa<VectorType>(position.getType())) {
    position = lane.splat(position);
    for (Value &word : key)
      word = lane.splat(word);
  }

  Words w{b, loc};
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
  return arith::SelectOp::create(b, loc, bitSet(2), high, low);
}

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
  auto isVector = [](Value word) { return isa<VectorType>(word.getType()); };
  uint64_t site = static_cast<uint64_t>(op.getSite());
  bool sharesBlocks = lane.laneCount() >= 8 && lane.laneCount() % 4 == 0 && !number.isVarying() && number.step == 1 &&
                      isMultiple(number.scalar, 4) && llvm::none_of(key, isVector);
  Value word = sharesBlocks ? wordsOfBlocks(b, loc, lane.laneCount(), number.scalar, key, site)
                            : wordOf(lane.toElement(number, b.getI32Type()), key, site);
  // 24 bits are exact in f32, and as signed numbers convert in one instruction.
  Value bits = arith::ShRUIOp::create(b, loc, word, Words{b, loc}.constant(word, 8));
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
