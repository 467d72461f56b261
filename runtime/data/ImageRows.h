// Pictures that are decoded when they are used, by threads of their own: those of the next batch while the step of this
// one runs. What is decoded first stays while there is room; of the rest, as many as were last used.
//
// What a row holds depends on its sample alone, so nothing depends on who decodes it and when.
#ifndef XFER_RUNTIME_DATA_IMAGEROWS_H
#define XFER_RUNTIME_DATA_IMAGEROWS_H

#include "runtime/data/Array.h"
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <unordered_map>

namespace xfer::rt {

class ImageRows : public RowSource {
public:
  // Puts the picture of a sample into a row.
  using Decode = std::function<Status(size_t sample, uint8_t *row)>;
  // `kept`: rows that stay for ever; `passing`: that are held beside them, at least as many as two batches have.
  ImageRows(Decode decode, uint64_t rowBytes, size_t kept, size_t passing, unsigned threads);
  ~ImageRows() override;

  Expected<std::shared_ptr<const uint8_t>> row(int32_t sample) const override;
  void expect(const int32_t *samples, size_t count) const override;

private:
  struct Entry {
    enum State { Waiting, Working, Done } state = Waiting;
    std::shared_ptr<uint8_t> row;
    std::string failure; // empty if it could be read
  };
  std::shared_ptr<Entry> find(int32_t sample) const;
  void fill(int32_t sample, Entry &entry, std::unique_lock<std::mutex> &guard) const;
  void work();

  Decode decode;
  uint64_t rowBytes;
  size_t kept, passing;
  mutable std::mutex mutex;
  mutable std::condition_variable wanted, done;
  mutable std::unordered_map<int32_t, std::shared_ptr<Entry>> entries;
  mutable std::deque<int32_t> queue, transient;
  mutable size_t held = 0; // that stay
  bool stopping = false;
  std::vector<std::thread> threads;
};

} // namespace xfer::rt

#endif
