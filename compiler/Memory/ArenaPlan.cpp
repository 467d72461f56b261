//===- ArenaPlan.cpp - where temporaries lie in the arena of a function -------------------------------------------===//

#include "compiler/Memory/ArenaPlan.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Sequence.h"
#include <limits>

using namespace llvm;

namespace xfer {
namespace {

/// The start of the smallest gap of at least `size` bytes that the `taken` [offset, end) leave; the end of all of them
/// counts as a gap that always fits and is only taken when no other does.
int64_t bestFit(SmallVectorImpl<std::pair<int64_t, int64_t>> &taken, int64_t size) {
  llvm::sort(taken);
  int64_t best = -1, bestGap = std::numeric_limits<int64_t>::max(), end = 0;
  for (auto [offset, next] : taken) {
    int64_t gap = offset - end;
    if (gap >= size && gap < bestGap) {
      best = end;
      bestGap = gap;
    }
    end = std::max(end, next);
  }
  return best < 0 ? end : best;
}

int64_t computeLowerBound(ArrayRef<Allocation> allocations) {
  int64_t bound = 0;
  for (const Allocation &at : allocations) { // the sum can only rise where one begins
    int64_t sum = 0;
    for (const Allocation &other : allocations)
      if (other.extents.empty() && other.first <= at.first && at.first <= other.last)
        sum += alignBuffer(other.bytes);
    bound = std::max(bound, sum);
  }
  return bound;
}

} // namespace

ArenaPlan planArena(ArrayRef<Allocation> allocations) {
  ArenaPlan plan;
  plan.placements.resize(allocations.size());
  SmallVector<unsigned> order = llvm::to_vector(llvm::seq<unsigned>(0, allocations.size()));
  llvm::sort(order, [&](unsigned a, unsigned b) {
    if (allocations[a].bytes != allocations[b].bytes)
      return allocations[a].bytes > allocations[b].bytes;
    return std::make_pair(allocations[a].first, a) < std::make_pair(allocations[b].first, b);
  });

  SmallVector<unsigned> placed;
  SmallVector<SmallVector<unsigned>> members;
  for (unsigned index : order) {
    const Allocation &allocation = allocations[index];
    if (!allocation.extents.empty()) {
      unsigned slot = 0;
      for (; slot != plan.slots.size(); ++slot)
        if (plan.slots[slot].extents == allocation.extents &&
            llvm::none_of(members[slot], [&](unsigned other) { return allocations[other].meets(allocation); }))
          break;
      if (slot == plan.slots.size()) {
        plan.slots.push_back({allocation.bytes, allocation.extents});
        members.emplace_back();
      }
      members[slot].push_back(index);
      plan.placements[index].slot = slot;
      continue;
    }
    int64_t size = alignBuffer(allocation.bytes);
    SmallVector<std::pair<int64_t, int64_t>> taken;
    for (unsigned other : placed)
      if (allocations[other].meets(allocation))
        taken.push_back(
            {plan.placements[other].offset, plan.placements[other].offset + alignBuffer(allocations[other].bytes)});
    int64_t offset = bestFit(taken, size);
    plan.placements[index].offset = offset;
    plan.fixedBytes = std::max(plan.fixedBytes, offset + size);
    placed.push_back(index);
  }
  plan.lowerBound = computeLowerBound(allocations);
  return plan;
}

} // namespace xfer
