// The threads of a program. A kernel is cut into chunks at compile time; the team hands chunks to its threads, and
// since a chunk writes the same whoever runs it and whenever, no result depends on the number of threads.
//
// Every thread has a share of its own, the same part of the chunk numbers each time (what the kernel before left in its
// cache is likely there), and takes from the others' shares when it is done. Idle threads spin for a moment, because
// the next kernel usually follows within microseconds, then sleep.
//
// How a job is published: `Share::next` holds (ticket, chunk). A job is closed by writing an odd ticket everywhere,
// then described, then opened by writing an even one. A chunk is claimed by compare-and-swap on (ticket, chunk), which
// fails if the job has been closed since; so a thread that was late can neither claim from an old job nor read a mixed
// description of it.
#ifndef XFER_RUNTIME_CPU_THREADTEAM_H
#define XFER_RUNTIME_CPU_THREADTEAM_H

#include "xfer/rt/abi.h"
#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace xfer::rt {

class ThreadTeam {
public:
  // `threads` counts the caller of run(): 1 starts no thread. At most 1024.
  explicit ThreadTeam(unsigned threads);
  ~ThreadTeam();
  ThreadTeam(const ThreadTeam &) = delete;
  ThreadTeam &operator=(const ThreadTeam &) = delete;

  unsigned size() const { return static_cast<unsigned>(shares.size()); }

  // Runs kernel(buffers, c, extents) for each c in 0 .. chunks - 1 and returns when all are done. One caller at a time;
  // a call from inside a kernel runs its chunks in order on its own thread.
  void run(xfer_kernel_t kernel, void *const *buffers, int64_t chunks, const int64_t *extents);

  // The processors that this process may use: its affinity mask, cut by the CPU quota of its control group.
  static unsigned availableThreads();

private:
  struct alignas(64) Share {
    std::atomic<uint64_t> next{0}; // ticket and chunk, 32 bits each
  };
  void work(unsigned thread);
  bool waitForJob(uint64_t seen);
  void runChunks(unsigned thread, uint64_t ticket);
  void publish(xfer_kernel_t kernel, void *const *buffers, int64_t chunks, const int64_t *extents);
  void awaitChunks();

  std::vector<Share> shares;
  std::atomic<xfer_kernel_t> kernel{nullptr};
  std::atomic<void *const *> buffers{nullptr};
  std::atomic<const int64_t *> extents{nullptr};
  std::atomic<int64_t> chunks{0};
  alignas(64) std::atomic<int64_t> remaining{0}; // chunks that are not done
  alignas(64) std::atomic<uint64_t> ticket{0};   // of the job in work; the number of jobs times 2
  std::atomic<bool> stopping{false};
  std::atomic<unsigned> sleepers{0};
  std::atomic<bool> callerSleeps{false};
  std::mutex mutex;
  std::condition_variable jobReady, jobDone;
  std::vector<std::thread> threads;
};

} // namespace xfer::rt

#endif
