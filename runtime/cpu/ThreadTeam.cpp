#include "runtime/cpu/ThreadTeam.h"
#include "runtime/cpu/SeparateThread.h"
#include <algorithm>
#include <cassert>
#include <chrono>
#include <fstream>
#include <sched.h>

namespace xfer::rt {

static constexpr unsigned chunkBits = 32;
static constexpr uint64_t chunkMask = (uint64_t(1) << chunkBits) - 1, ticketMask = chunkMask;

static uint64_t packed(uint64_t ticket, uint64_t chunk) { return (ticket & ticketMask) << chunkBits | chunk; }

static thread_local bool insideKernel = false;

static void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Polls for a short time; false if the condition did not come true. It never yields: on a busy machine a thread that
// yields goes behind all others and misses many kernels, while one that sleeps is scheduled soon after it is woken.
template <typename Condition> static bool spinUntil(Condition condition) {
  using Clock = std::chrono::steady_clock;
  constexpr std::chrono::microseconds longest(100);
  Clock::time_point start = Clock::now();
  do {
    for (int i = 0; i < 32; ++i) {
      if (condition())
        return true;
      relax();
    }
  } while (Clock::now() - start < longest);
  return false;
}

ThreadTeam::ThreadTeam(unsigned count) : shares(std::clamp(count, 1u, 1024u)) {
  for (unsigned i = 1; i < size(); ++i)
    threads.emplace_back([this, i] { work(i); });
}

ThreadTeam::~ThreadTeam() {
  stopping.store(true);
  {
    std::lock_guard<std::mutex> lock(mutex);
    jobReady.notify_all();
  }
  for (std::thread &thread : threads)
    thread.join();
}

void ThreadTeam::run(xfer_kernel_t kernel, void *const *buffers, int64_t chunks, const int64_t *extents) {
  assert(chunks < int64_t(chunkMask) && "more chunks than a ticket can count");
  if ((size() == 1 && !watchesThreads) || chunks <= 1 || insideKernel) {
    for (int64_t chunk = 0; chunk < chunks; ++chunk)
      kernel(buffers, chunk, extents);
    return;
  }
  publish(kernel, buffers, chunks, extents);
  insideKernel = true;
  runChunks(0, ticket.load(std::memory_order_relaxed));
  awaitChunks();
  insideKernel = false;
}

void ThreadTeam::publish(xfer_kernel_t newKernel, void *const *newBuffers, int64_t newChunks,
                         const int64_t *newExtents) {
  uint64_t next = ticket.load(std::memory_order_relaxed) + 2;
  for (Share &share : shares)
    share.next.store(packed(next - 1, chunkMask), std::memory_order_release);
  kernel.store(newKernel, std::memory_order_release);
  buffers.store(newBuffers, std::memory_order_release);
  extents.store(newExtents, std::memory_order_release);
  chunks.store(newChunks, std::memory_order_release);
  remaining.store(newChunks, std::memory_order_relaxed);
  for (unsigned i = 0; i < size(); ++i)
    shares[i].next.store(packed(next, newChunks * i / size()), std::memory_order_release);
  // Either a thread that is about to sleep sees the new ticket, or this sees that it sleeps.
  ticket.store(next, std::memory_order_seq_cst);
  if (sleepers.load(std::memory_order_seq_cst) > 0) {
    std::lock_guard<std::mutex> lock(mutex);
    jobReady.notify_all();
  }
}

void ThreadTeam::runChunks(unsigned thread, uint64_t job) {
  for (unsigned turn = 0; turn < size(); ++turn) {
    unsigned owner = (thread + turn) % size();
    std::atomic<uint64_t> &next = shares[owner].next;
    while (true) {
      uint64_t claim = next.load(std::memory_order_acquire);
      if (claim >> chunkBits != (job & ticketMask))
        return; // the job is over
      int64_t total = chunks.load(std::memory_order_acquire), first = claim & chunkMask;
      int64_t end = total * (owner + 1) / size();
      xfer_kernel_t work = kernel.load(std::memory_order_acquire);
      void *const *data = buffers.load(std::memory_order_acquire);
      const int64_t *sizes = extents.load(std::memory_order_acquire);
      if (first >= end)
        break;
      // A quarter of what is left of the own share at once, single chunks of another's.
      int64_t count = turn == 0 && !watchesThreads ? std::max<int64_t>(1, (end - first) / 4) : 1;
      if (!next.compare_exchange_strong(claim, claim + count, std::memory_order_acq_rel))
        continue;
      bool isLast;
      {
        SeparateThread separate;
        for (int64_t chunk = first; chunk < first + count; ++chunk)
          work(data, chunk, sizes);
        isLast = remaining.fetch_sub(count, std::memory_order_seq_cst) == count;
      }
      if (isLast && callerSleeps.load(std::memory_order_seq_cst)) {
        std::lock_guard<std::mutex> lock(mutex);
        jobDone.notify_one();
      }
    }
  }
}

void ThreadTeam::awaitChunks() {
  auto done = [this] { return remaining.load(std::memory_order_acquire) == 0; };
  if (spinUntil(done))
    return;
  std::unique_lock<std::mutex> lock(mutex);
  callerSleeps.store(true, std::memory_order_seq_cst);
  jobDone.wait(lock, [this] { return remaining.load(std::memory_order_seq_cst) == 0; });
  callerSleeps.store(false, std::memory_order_relaxed);
}

bool ThreadTeam::waitForJob(uint64_t seen) {
  auto ready = [this, seen] { return ticket.load(std::memory_order_acquire) != seen || stopping.load(); };
  if (!spinUntil(ready)) {
    std::unique_lock<std::mutex> lock(mutex);
    sleepers.fetch_add(1, std::memory_order_seq_cst);
    jobReady.wait(lock, [this, seen] { return ticket.load(std::memory_order_seq_cst) != seen || stopping.load(); });
    sleepers.fetch_sub(1, std::memory_order_relaxed);
  }
  return !stopping.load();
}

void ThreadTeam::work(unsigned thread) {
  insideKernel = true; // what it runs is nothing else
  for (uint64_t seen = 0; waitForJob(seen);) {
    seen = ticket.load(std::memory_order_acquire);
    runChunks(thread, seen);
  }
}

// "max 100000" or "150000 100000": microseconds that the group may run in a period.
static unsigned quotaOfControlGroup(unsigned otherwise) {
  std::ifstream file("/sys/fs/cgroup/cpu.max");
  double quota = 0, period = 0;
  if (!(file >> quota >> period) || quota <= 0 || period <= 0)
    return otherwise;
  return std::max(1u, std::min(otherwise, static_cast<unsigned>(quota / period + 0.5)));
}

unsigned ThreadTeam::availableThreads() {
  cpu_set_t set;
  CPU_ZERO(&set);
  unsigned count = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : std::thread::hardware_concurrency();
  return quotaOfControlGroup(std::max(1u, count));
}

} // namespace xfer::rt
