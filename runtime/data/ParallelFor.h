// Work on many independent items by some threads. Which thread takes which item is chance, so an item may write only
// what is its own.
#ifndef XFER_RUNTIME_DATA_PARALLELFOR_H
#define XFER_RUNTIME_DATA_PARALLELFOR_H

#include <atomic>
#include <cstddef>
#include <thread>
#include <vector>

namespace xfer::rt {

// Calls work(i) for each i in 0 .. count - 1, on the caller and `threads` - 1 threads of its own.
template <typename Work> void parallelFor(size_t count, unsigned threads, const Work &work) {
  std::atomic<size_t> next{0};
  auto run = [&] {
    for (size_t i = next.fetch_add(1); i < count; i = next.fetch_add(1))
      work(i);
  };
  std::vector<std::thread> others;
  for (unsigned i = 1; i < threads && i < count; ++i)
    others.emplace_back(run);
  run();
  for (std::thread &other : others)
    other.join();
}

} // namespace xfer::rt

#endif
