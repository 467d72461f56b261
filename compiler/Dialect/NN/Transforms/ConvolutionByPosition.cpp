//===- ConvolutionByPosition.cpp - a convolution as contractions, one a position of the kernel ------------------===//

#include "compiler/Dialect/NN/Transforms/ConvolutionByPosition.h"

using namespace mlir;
using namespace xfer::nn;

void ConvolutionByPosition::eachPosition(function_ref<void(Position)> visit) {
  SmallVector<int64_t> at(count, 0);
  for (int64_t axis = 0; axis >= 0;) {
    visit(at);
    for (axis = count - 1; axis >= 0 && ++at[axis] == filter[own + axis].size; --axis)
      at[axis] = 0;
  }
}

/// A part of the spatial axes; the others whole.
Value ConvolutionByPosition::slice(Value value, Position from, Position sizes, Position steps) {
  Extents extents = extentsOf(value.getType());
  SmallVector<int64_t> offsets(extents.size(), 0), all, strides(extents.size(), 1);
  for (const Extent &extent : extents)
    all.push_back(extent.size);
  for (int64_t i = 0; i < count; ++i) {
    offsets[lead + i] = from[i];
    all[lead + i] = sizes[i];
    strides[lead + i] = steps[i];
  }
  return SliceOp::create(builder, location, value, offsets, all, strides);
}

/// Padding of the spatial axes.
Value ConvolutionByPosition::pad(Value value, Position before, Position after, Position between) {
  auto isZero = [](Position numbers) { return llvm::all_of(numbers, [](int64_t number) { return number == 0; }); };
  if (isZero(before) && isZero(after) && isZero(between))
    return value;
  auto full = [&](Position numbers) {
    SmallVector<int64_t> all(lead, 0);
    llvm::append_range(all, numbers);
    all.push_back(0);
    return all;
  };
  return PadOp::create(builder, location, value, full(before), full(after), full(between));
}

/// The channels of a group: a part of the last axis.
Value ConvolutionByPosition::group(Value value, int64_t number) {
  SmallVector<int64_t> offsets, sizes;
  for (const Extent &extent : extentsOf(value.getType())) {
    offsets.push_back(0);
    sizes.push_back(extent.size);
  }
  sizes.back() /= groups;
  offsets.back() = number * sizes.back();
  return SliceOp::create(builder, location, value, offsets, sizes, SmallVector<int64_t>(sizes.size(), 1));
}

/// What the windows see of the images at a position of the kernel: [.., out.., c].
Value ConvolutionByPosition::seen(Value x, Position at) {
  SmallVector<int64_t> from, sizes;
  for (int64_t i = 0; i < count; ++i) {
    from.push_back(at[i] * dilations[i]);
    sizes.push_back(output[lead + i].size);
  }
  return slice(pad(x, low, high, SmallVector<int64_t>(count, 0)), from, sizes, strides);
}

/// [c, f] of [kernel.., c, f], behind the samples where they have filters of their own.
Value ConvolutionByPosition::filterAt(Value w, Position at) {
  Extents extents = extentsOf(w.getType());
  SmallVector<int64_t> offsets(extents.size(), 0), sizes, strides(extents.size(), 1);
  for (const Extent &extent : extents)
    sizes.push_back(extent.size);
  for (int64_t i = 0; i < count; ++i) {
    offsets[own + i] = at[i];
    sizes[own + i] = 1;
  }
  Value part = SliceOp::create(builder, location, w, offsets, sizes, strides);
  extents.erase(extents.begin() + own, extents.begin() + own + count);
  return ReshapeOp::create(builder, location, part, extents);
}

Value ConvolutionByPosition::contract(Value a, Value b, Position lhs, Position rhs) {
  SmallVector<int64_t> batch(own ? 1 : 0, 0);
  return ContractOp::create(builder, location, a, b, batch, batch, lhs, rhs);
}

/// The channels of `a` contracted with axis `contracted` of the filters [c, f], group by group.
Value ConvolutionByPosition::inGroups(Value a, Value filter, int64_t contracted) {
  int64_t channels = lead + count;
  if (groups == 1)
    return contract(a, filter, channels, own + contracted);
  SmallVector<Value> parts;
  for (int64_t number = 0; number < groups; ++number)
    parts.push_back(contract(group(a, number), group(filter, number), channels, own + contracted));
  return ConcatOp::create(builder, location, parts, channels);
}

Value ConvolutionByPosition::forward(Value x, Value w) {
  Value sum;
  eachPosition([&](Position at) {
    Value term = inGroups(seen(x, at), filterAt(w, at), /*contracted=*/0);
    sum = sum ? Value(AddOp::create(builder, location, sum, term)) : term;
  });
  return sum;
}

Value ConvolutionByPosition::filterGradient(Value x, Value dy) {
  SmallVector<Value> parts;
  SmallVector<int64_t> places = llvm::to_vector(llvm::seq<int64_t>(1, lead + count));
  eachPosition([&](Position at) {
    Value part = contract(seen(x, at), dy, places, places);
    Extents extents = extentsOf(part.getType());
    extents.insert(extents.begin() + 1, Extent(1));
    parts.push_back(ReshapeOp::create(builder, location, part, extents));
  });
  Value all = parts.size() == 1 ? parts.front() : ConcatOp::create(builder, location, parts, int64_t(1)).getResult();
  return ReshapeOp::create(builder, location, all, filter);
}

Value ConvolutionByPosition::inputGradient(Value dy, Value w) {
  Value sum;
  eachPosition([&](Position at) {
    Value term = inGroups(dy, filterAt(w, at), /*contracted=*/1);
    SmallVector<int64_t> before, after, between;
    for (int64_t i = 0; i < count; ++i) {
      before.push_back(at[i] * dilations[i]);
      between.push_back(strides[i] - 1);
      after.push_back(padded(i) - before.back() - span(i));
    }
    term = pad(term, before, after, between);
    sum = sum ? Value(AddOp::create(builder, location, sum, term)) : term;
  });
  SmallVector<int64_t> sizes;
  for (int64_t i = 0; i < count; ++i)
    sizes.push_back(image[lead + i].size);
  return slice(sum, low, sizes, SmallVector<int64_t>(count, 1));
}
