//===- Lanes.cpp - indices and elements of several lanes at once ------------------------------------------------===//

#include "compiler/Codegen/CPU/Lanes.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace xfer::cpu {

namespace {

std::optional<int64_t> constantOf(Value value) {
  APInt constant;
  if (value && matchPattern(value, m_ConstantInt(&constant)))
    return constant.getSExtValue();
  return std::nullopt;
}

// Up to this step the elements between those that are wanted are cheaper to load than to leave out.
constexpr int64_t mostInterleaved = 4;

constexpr auto noWrap = arith::IntegerOverflowFlags::nsw;

} // namespace

Type registerType(Type element) {
  if (auto integer = dyn_cast<IntegerType>(element))
    return IntegerType::get(element.getContext(), integer.getWidth());
  return element;
}

Type storageType(Type element) {
  if (element.isInteger(1))
    return IntegerType::get(element.getContext(), 8);
  return registerType(element);
}

int64_t storageBytes(Type element) { return (storageType(element).getIntOrFloatBitWidth() + 7) / 8; }

Value LaneBuilder::constant(int64_t value) { return arith::ConstantOp::create(b, loc, b.getI64IntegerAttr(value)); }

Type LaneBuilder::laneType(Type type) { return lanes == 1 ? type : VectorType::get({lanes}, type); }

Value LaneBuilder::splat(Value element) {
  if (lanes == 1 || isa<VectorType>(element.getType()))
    return element;
  return vector::BroadcastOp::create(b, loc, laneType(element.getType()), element);
}

Value LaneBuilder::constantElement(TypedAttr value) { return arith::ConstantOp::create(b, loc, value); }

Value LaneBuilder::toVector(const LaneIndex &x) {
  if (x.vector)
    return x.vector;
  Value base = b.createOrFold<arith::TruncIOp>(loc, b.getI32Type(), x.scalar);
  Value all = splat(base);
  if (x.step == 0 || lanes == 1)
    return all;
  SmallVector<int32_t> steps;
  for (int64_t lane = 0; lane < lanes; ++lane)
    steps.push_back(static_cast<int32_t>(lane * x.step));
  auto type = VectorType::get({lanes}, b.getI32Type());
  Value offsets = arith::ConstantOp::create(b, loc, DenseElementsAttr::get(type, ArrayRef<int32_t>(steps)));
  return arith::AddIOp::create(b, loc, all, offsets, noWrap);
}

LaneIndex LaneBuilder::add(const LaneIndex &x, const LaneIndex &y) {
  if (!x.isVarying() && !y.isVarying())
    return {b.createOrFold<arith::AddIOp>(loc, x.scalar, y.scalar, noWrap), x.step + y.step, {}};
  return {{}, 0, arith::AddIOp::create(b, loc, toVector(x), toVector(y), noWrap)};
}

LaneIndex LaneBuilder::add(const LaneIndex &x, int64_t y) { return y == 0 ? x : add(x, uniform(y)); }

LaneIndex LaneBuilder::sub(const LaneIndex &x, const LaneIndex &y) {
  if (!x.isVarying() && !y.isVarying())
    return {b.createOrFold<arith::SubIOp>(loc, x.scalar, y.scalar, noWrap), x.step - y.step, {}};
  return {{}, 0, arith::SubIOp::create(b, loc, toVector(x), toVector(y), noWrap)};
}

LaneIndex LaneBuilder::mul(const LaneIndex &x, int64_t factor) {
  if (factor == 1)
    return x;
  if (x.isVarying())
    return {{}, 0, arith::MulIOp::create(b, loc, x.vector, toVector(uniform(factor)), noWrap)};
  return {b.createOrFold<arith::MulIOp>(loc, x.scalar, constant(factor), noWrap), x.step * factor, {}};
}

LaneIndex LaneBuilder::mul(const LaneIndex &x, Value factor) {
  if (auto constantFactor = constantOf(factor))
    return mul(x, *constantFactor);
  if (x.isUniform())
    return {b.createOrFold<arith::MulIOp>(loc, x.scalar, factor, noWrap), 0, {}};
  return {{}, 0, arith::MulIOp::create(b, loc, toVector(x), toVector(uniform(factor)), noWrap)};
}

LaneIndex LaneBuilder::div(const LaneIndex &x, Value divisor) {
  auto known = constantOf(divisor);
  if (known && *known == 1)
    return x;
  if (x.isUniform())
    return {b.createOrFold<arith::DivUIOp>(loc, x.scalar, divisor), 0, {}};
  return {{}, 0, arith::DivUIOp::create(b, loc, toVector(x), toVector(uniform(divisor)))};
}

LaneIndex LaneBuilder::rem(const LaneIndex &x, Value divisor) {
  auto known = constantOf(divisor);
  if (known && *known == 1)
    return uniform(0);
  if (x.isUniform())
    return {b.createOrFold<arith::RemUIOp>(loc, x.scalar, divisor), 0, {}};
  return {{}, 0, arith::RemUIOp::create(b, loc, toVector(x), toVector(uniform(divisor)))};
}

LaneIndex LaneBuilder::min(const LaneIndex &x, Value bound) {
  if (x.isUniform())
    return {b.createOrFold<arith::MinSIOp>(loc, x.scalar, bound), 0, {}};
  return {{}, 0, arith::MinSIOp::create(b, loc, toVector(x), toVector(uniform(bound)))};
}

LaneIndex LaneBuilder::max(const LaneIndex &x, int64_t bound) {
  if (x.isUniform())
    return {b.createOrFold<arith::MaxSIOp>(loc, x.scalar, constant(bound)), 0, {}};
  return {{}, 0, arith::MaxSIOp::create(b, loc, toVector(x), toVector(uniform(bound)))};
}

Value LaneBuilder::compare(arith::CmpIPredicate predicate, const LaneIndex &x, Value bound) {
  if (x.isUniform())
    return b.createOrFold<arith::CmpIOp>(loc, predicate, x.scalar, bound);
  return arith::CmpIOp::create(b, loc, predicate, toVector(x), toVector(uniform(bound)));
}

Value LaneBuilder::toElement(const LaneIndex &x, Type type) {
  unsigned width = type.getIntOrFloatBitWidth();
  if (x.isUniform())
    return width == 64 ? x.scalar : b.createOrFold<arith::TruncIOp>(loc, type, x.scalar);
  Value vector = toVector(x);
  return width == 64 ? Value(arith::ExtSIOp::create(b, loc, laneType(type), vector)) : vector;
}

LaneIndex LaneBuilder::fromElement(Value element) {
  Type scalar = getElementTypeOrSelf(element.getType());
  unsigned width = scalar.getIntOrFloatBitWidth();
  if (isa<VectorType>(element.getType()))
    return {{}, 0, width == 64 ? Value(arith::TruncIOp::create(b, loc, laneType(b.getI32Type()), element)) : element};
  return {width == 64 ? element : b.createOrFold<arith::ExtSIOp>(loc, b.getI64Type(), element), 0, {}};
}

Value LaneBuilder::address(Type storage, Value base, Value offset) {
  auto pointer = LLVM::LLVMPointerType::get(b.getContext());
  if (auto vector = dyn_cast<VectorType>(offset.getType())) {
    Type pointers = VectorType::get(vector.getShape(), pointer);
    return LLVM::GEPOp::create(b, loc, pointers, storage, base, ValueRange{offset}, LLVM::GEPNoWrapFlags::inbounds);
  }
  return LLVM::GEPOp::create(b, loc, pointer, storage, base, ValueRange{offset}, LLVM::GEPNoWrapFlags::inbounds);
}

static Value reverseLanes(OpBuilder &b, Location loc, Value vector, int64_t lanes) {
  SmallVector<int64_t> order;
  for (int64_t lane = lanes; lane-- > 0;)
    order.push_back(lane);
  return vector::ShuffleOp::create(b, loc, vector, vector, order);
}

Value LaneBuilder::load(Type type, Value base, const LaneIndex &offset, Value mask, bool invariant) {
  Type storage = storageType(type);
  unsigned alignment = static_cast<unsigned>(storageBytes(type));
  Value loaded;
  if (mask && !isa<VectorType>(mask.getType()))
    mask = splat(mask);
  if (offset.isUniform() || lanes == 1) {
    // Under a mask the address is still that of lanes which may be read, or of none: read lane by lane then.
    Value scalar = offset.isVarying() ? vector::ExtractOp::create(b, loc, offset.vector, 0).getResult() : offset.scalar;
    if (mask) {
      Value pointers = address(storage, base, splat(scalar));
      Value zero = arith::ConstantOp::create(b, loc, b.getZeroAttr(laneType(storage)));
      loaded = LLVM::masked_gather::create(b, loc, laneType(storage), pointers, mask, ValueRange{zero},
                                           b.getI32IntegerAttr(alignment));
    } else {
      auto load = LLVM::LoadOp::create(b, loc, storage, address(storage, base, scalar), alignment);
      load.setInvariant(invariant);
      loaded = load;
    }
  } else if (!offset.isVarying() && (offset.step == 1 || (offset.step == -1 && !mask))) {
    Value first = offset.scalar;
    if (offset.step == -1)
      first = add(uniform(first), 1 - lanes).scalar;
    Value pointer = address(storage, base, first);
    if (mask) {
      Value zero = arith::ConstantOp::create(b, loc, b.getZeroAttr(laneType(storage)));
      loaded = LLVM::MaskedLoadOp::create(b, loc, laneType(storage), pointer, mask, zero,
                                          b.getI32IntegerAttr(alignment), UnitAttr());
    } else {
      auto load = LLVM::LoadOp::create(b, loc, laneType(storage), pointer, alignment);
      load.setInvariant(invariant);
      loaded = load;
      if (offset.step == -1)
        loaded = reverseLanes(b, loc, loaded, lanes);
    }
  } else if (!offset.isVarying() && !mask && invariant && offset.step > 1 && offset.step <= mostInterleaved) {
    // From the first of the elements to the last, and no further. Nobody writes between them meanwhile.
    int64_t span = (lanes - 1) * offset.step + 1;
    auto load = LLVM::LoadOp::create(b, loc, VectorType::get({span}, storage), address(storage, base, offset.scalar),
                                     alignment);
    load.setInvariant(invariant);
    SmallVector<int64_t> order;
    for (int64_t lane = 0; lane < lanes; ++lane)
      order.push_back(lane * offset.step);
    loaded = vector::ShuffleOp::create(b, loc, load, load, order);
  } else {
    // The scalar part of a linear offset goes into the base, so that the vector part is a constant.
    Value pointers;
    if (offset.isVarying()) {
      pointers = address(storage, base, offset.vector);
    } else {
      Value first = address(storage, base, offset.scalar);
      pointers = address(storage, first, toVector({constant(0), offset.step, {}}));
    }
    if (!mask)
      mask = arith::ConstantOp::create(b, loc, DenseElementsAttr::get(VectorType::get({lanes}, b.getI1Type()), true));
    Value zero = arith::ConstantOp::create(b, loc, b.getZeroAttr(laneType(storage)));
    loaded = LLVM::masked_gather::create(b, loc, laneType(storage), pointers, mask, ValueRange{zero},
                                         b.getI32IntegerAttr(alignment));
  }
  if (!type.isInteger(1))
    return loaded;
  Value zero = arith::ConstantOp::create(b, loc, b.getZeroAttr(loaded.getType()));
  return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne, loaded, zero);
}

// Lane 0 of all vectors, then lane 1 of all, and so on.
static Value interleave(OpBuilder &b, Location loc, ArrayRef<Value> vectors, int64_t lanes) {
  // Side by side first: shuffles take two vectors of one length.
  Value row = vectors.front();
  for (int64_t number = 1; number < static_cast<int64_t>(vectors.size()); ++number) {
    Value next = vectors[number];
    SmallVector<int64_t> order;
    if (number > 1) {
      for (int64_t at = 0; at < number * lanes; ++at)
        order.push_back(at % lanes);
      next = vector::ShuffleOp::create(b, loc, next, next, order);
      order.clear();
    }
    for (int64_t at = 0; at < (number + 1) * lanes; ++at)
      order.push_back(at);
    row = vector::ShuffleOp::create(b, loc, row, next, order);
  }
  SmallVector<int64_t> order;
  for (int64_t lane = 0; lane < lanes; ++lane)
    for (int64_t number = 0; number < static_cast<int64_t>(vectors.size()); ++number)
      order.push_back(number * lanes + lane);
  return vector::ShuffleOp::create(b, loc, row, row, order);
}

void LaneBuilder::storeNeighbours(ArrayRef<Value> elements, Type type, Value base, const LaneIndex &offset) {
  int64_t count = elements.size();
  if (count == 1 || lanes == 1 || offset.isVarying() || offset.step != count || type.isInteger(1)) {
    for (auto [number, element] : llvm::enumerate(elements))
      store(element, type, base, add(offset, number));
    return;
  }
  SmallVector<Value> vectors = llvm::map_to_vector(elements, [&](Value element) { return splat(element); });
  LLVM::StoreOp::create(b, loc, interleave(b, loc, vectors, lanes), address(storageType(type), base, offset.scalar),
                        static_cast<unsigned>(storageBytes(type)));
}

void LaneBuilder::store(Value element, Type type, Value base, const LaneIndex &offset) {
  Type storage = storageType(type);
  unsigned alignment = static_cast<unsigned>(storageBytes(type));
  if (!offset.isUniform())
    element = splat(element);
  if (type.isInteger(1)) {
    Type wide = isa<VectorType>(element.getType()) ? laneType(storage) : storage;
    element = arith::ExtUIOp::create(b, loc, wide, element);
  }
  if (lanes == 1 || offset.isUniform()) {
    LLVM::StoreOp::create(b, loc, element, address(storage, base, offset.scalar), alignment);
    return;
  }
  if (!offset.isVarying() && offset.step == 1) {
    LLVM::StoreOp::create(b, loc, element, address(storage, base, offset.scalar), alignment);
    return;
  }
  for (int64_t lane = 0; lane < lanes; ++lane) {
    Value scalar = vector::ExtractOp::create(b, loc, element, lane);
    Value at = offset.isVarying() ? vector::ExtractOp::create(b, loc, offset.vector, lane).getResult()
                                  : add(uniform(offset.scalar), lane * offset.step).scalar;
    LLVM::StoreOp::create(b, loc, scalar, address(storage, base, at), alignment);
  }
}

} // namespace xfer::cpu
