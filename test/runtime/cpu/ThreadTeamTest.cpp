#include "runtime/cpu/ThreadTeam.h"
#include "runtime/cpu/SeparateThread.h"
#include <chrono>
#include <gtest/gtest.h>
#include <numeric>
#include <sched.h>

using namespace xfer::rt;

// Adds 1 to the counter of its chunk: a chunk that runs twice or never shows.
static void count(void *const *buffers, int64_t chunk, const int64_t *) { ++static_cast<int *>(buffers[0])[chunk]; }

// Every chunk runs exactly once, for all numbers of threads and chunks, more threads than processors included.
TEST(ThreadTeam, EveryChunkOnce) {
  for (unsigned threads : {1u, 2u, 3u, 8u}) {
    ThreadTeam team(threads);
    EXPECT_EQ(team.size(), threads);
    for (int64_t chunks : {0, 1, 2, 3, 7, 64, 1000}) {
      std::vector<int> counters(chunks + 1);
      void *buffers[] = {counters.data()};
      team.run(count, buffers, chunks, nullptr);
      EXPECT_EQ(std::accumulate(counters.begin(), counters.end(), 0), chunks);
      for (int64_t i = 0; i < chunks; ++i)
        EXPECT_EQ(counters[i], 1);
    }
  }
}

// Each chunk writes a sum of its own part; extents reach the kernel.
static void sumPart(void *const *buffers, int64_t chunk, const int64_t *extents) {
  const float *x = static_cast<float *>(buffers[0]);
  float sum = 0;
  for (int64_t i = chunk * extents[0]; i < (chunk + 1) * extents[0]; ++i)
    sum += x[i];
  static_cast<float *>(buffers[1])[chunk] = sum;
}

// The bits do not depend on the number of threads.
TEST(ThreadTeam, SameBitsForAnyNumberOfThreads) {
  std::vector<float> x(64 * 1000), one(64), many(64);
  for (size_t i = 0; i < x.size(); ++i)
    x[i] = 1.0f / static_cast<float>(i + 1);
  int64_t extents[] = {1000};
  void *first[] = {x.data(), one.data()}, *second[] = {x.data(), many.data()};
  ThreadTeam(1).run(sumPart, first, 64, extents);
  ThreadTeam team(4);
  for (int i = 0; i < 100; ++i) {
    team.run(sumPart, second, 64, extents);
    ASSERT_EQ(one, many);
  }
}

// Many short jobs in a row, with pauses in which the threads fall asleep: no chunk is lost, no job is mixed with the
// one before.
TEST(ThreadTeam, ShortJobsAndSleep) {
  ThreadTeam team(3);
  for (int i = 0; i < 3000; ++i) {
    std::vector<int> counters(1 + i % 5);
    void *buffers[] = {counters.data()};
    team.run(count, buffers, counters.size(), nullptr);
    for (int counter : counters)
      ASSERT_EQ(counter, 1);
    if (i % 500 == 0)
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

#ifdef XFER_WATCHES_THREADS
static void countTogether(void *const *buffers, int64_t, const int64_t *) { ++*static_cast<int *>(buffers[0]); }

// Two chunks that touch the same bytes are reported, whichever threads run them.
TEST(ThreadTeam, ReportsRacesOfChunks) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  auto race = [](unsigned threads, int64_t chunks) {
    ThreadTeam team(threads);
    int counter = 0;
    void *buffers[] = {&counter};
    team.run(countTogether, buffers, chunks, nullptr);
    exit(0);
  };
  for (unsigned threads : {1, 2, 3}) {
    EXPECT_EXIT(race(threads, 2), testing::ExitedWithCode(66), "data race");
    EXPECT_EXIT(race(threads, 1), testing::ExitedWithCode(0), "");
  }
}
#endif

struct Nested {
  ThreadTeam *team;
  std::atomic<int> inner{0};
};
static void innerKernel(void *const *buffers, int64_t, const int64_t *) { ++static_cast<Nested *>(buffers[0])->inner; }
static void outerKernel(void *const *buffers, int64_t, const int64_t *) {
  static_cast<Nested *>(buffers[0])->team->run(innerKernel, buffers, 5, nullptr);
}

// A kernel that starts another one runs it on its own thread instead of waiting for itself.
TEST(ThreadTeam, NestedRunsInline) {
  ThreadTeam team(3);
  Nested nested{&team, {}};
  void *buffers[] = {&nested};
  team.run(outerKernel, buffers, 20, nullptr);
  EXPECT_EQ(nested.inner, 100);
}

static void slowFirst(void *const *buffers, int64_t chunk, const int64_t *) {
  if (chunk == 0)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  ++static_cast<int *>(buffers[0])[chunk];
}

// The caller waits for a chunk that another thread took, also when that takes long enough for it to fall asleep.
TEST(ThreadTeam, CallerWaits) {
  ThreadTeam team(2);
  for (int i = 0; i < 20; ++i) {
    std::vector<int> counters(4);
    void *buffers[] = {counters.data()};
    team.run(slowFirst, buffers, 4, nullptr);
    EXPECT_EQ(counters, (std::vector<int>{1, 1, 1, 1}));
  }
}

// A team that never ran, and one that has just run, end without a hang.
TEST(ThreadTeam, Ends) {
  for (int i = 0; i < 50; ++i) {
    ThreadTeam team(1 + i % 4);
    int counters[8] = {};
    void *buffers[] = {counters};
    if (i % 2)
      team.run(count, buffers, 8, nullptr);
  }
}

// At least one processor, never more than the affinity mask holds.
TEST(ThreadTeam, AvailableThreads) {
  cpu_set_t set;
  ASSERT_EQ(sched_getaffinity(0, sizeof(set), &set), 0);
  EXPECT_GE(ThreadTeam::availableThreads(), 1u);
  EXPECT_LE(ThreadTeam::availableThreads(), static_cast<unsigned>(CPU_COUNT(&set)));
}
