//===- ArenaPlan.h - where temporaries lie in the arena of a function ---------------------------------------------===//
//
// Input: allocations with a size, a first and a last position (both inclusive). Output: an offset for each, so that two
// that live at the same time do not overlap.
//
// Allocations of fixed size: largest first, each into the smallest gap between those placed before that live at the
// same time (greedy by size, best fit; Pisarchyk and Lee 2020, section 5.2). Allocations whose size is a product of
// dynamic extents cannot be compared before the program runs: those with the same extents share slots, a slot being as
// large as its largest member, and the slots follow the fixed part one after the other.
//
//   a: 256 bytes [0, 1]   b: 128 bytes [1, 2]   c: 256 bytes [2, 3]   ->   a at 0, c at 0, b at 256; 384 bytes
//
//===------------------------------------------------------------------------------------------------------------===//

#ifndef XFER_COMPILER_MEMORY_ARENAPLAN_H
#define XFER_COMPILER_MEMORY_ARENAPLAN_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include <cstdint>

namespace xfer {

/// What every buffer is aligned to, and what every size is rounded up to (XFER_ALIGNMENT of abi.h).
constexpr int64_t kBufferAlignment = 64;

inline int64_t alignBuffer(int64_t bytes) {
  return (bytes + kBufferAlignment - 1) / kBufferAlignment * kBufferAlignment;
}

struct Allocation {
  int64_t bytes = 0; // times the product of the extents
  /// Numbers of dynamic extents, ascending, with repetition; empty: the size is fixed.
  llvm::SmallVector<unsigned, 2> extents;
  int64_t first = 0, last = 0;

  bool meets(const Allocation &other) const { return first <= other.last && other.first <= last; }
};

/// Where an allocation lies: at `offset` in the fixed part, or at the start of slot number `slot`.
struct Placement {
  int64_t offset = 0;
  int slot = -1;
};

struct ArenaSlot {
  int64_t bytes = 0;
  llvm::SmallVector<unsigned, 2> extents;
};

struct ArenaPlan {
  int64_t fixedBytes = 0;
  llvm::SmallVector<ArenaSlot> slots;
  llvm::SmallVector<Placement> placements; // one for each allocation, in their order
  /// The largest sum of sizes that live at one position: no plan can be smaller (fixed part only).
  int64_t lowerBound = 0;
};

ArenaPlan planArena(llvm::ArrayRef<Allocation> allocations);

} // namespace xfer

#endif // XFER_COMPILER_MEMORY_ARENAPLAN_H
