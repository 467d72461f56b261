#include "runtime/data/ImageRows.h"
#include <cstdlib>

namespace xfer::rt {

ImageRows::ImageRows(Decode decode, uint64_t rowBytes, size_t kept, size_t passing, unsigned count)
    : decode(std::move(decode)), rowBytes(rowBytes), kept(kept), passing(passing) {
  for (unsigned i = 0; i < count; ++i)
    threads.emplace_back([this] { work(); });
}

ImageRows::~ImageRows() {
  {
    std::lock_guard<std::mutex> guard(mutex);
    stopping = true;
  }
  wanted.notify_all();
  for (std::thread &thread : threads)
    thread.join();
}

// The entry of a sample, made if there is none. A new one stays, or goes when enough others have come after it.
std::shared_ptr<ImageRows::Entry> ImageRows::find(int32_t sample) const {
  std::shared_ptr<Entry> &entry = entries[sample];
  if (entry)
    return entry;
  entry = std::make_shared<Entry>();
  std::shared_ptr<Entry> made = entry;
  if (held < kept) {
    ++held;
    return made;
  }
  transient.push_back(sample);
  if (transient.size() > passing) {
    entries.erase(transient.front());
    transient.pop_front();
  }
  return made;
}

void ImageRows::fill(int32_t sample, Entry &entry, std::unique_lock<std::mutex> &guard) const {
  entry.state = Entry::Working;
  guard.unlock();
  std::shared_ptr<uint8_t> row(static_cast<uint8_t *>(std::malloc(rowBytes)), std::free);
  Status status = row ? decode(static_cast<size_t>(sample), row.get())
                      : failure("there is not enough memory for a picture of {} bytes", rowBytes);
  guard.lock();
  entry.row = std::move(row);
  entry.failure = status.failed() ? status.message() : "";
  entry.state = Entry::Done;
  done.notify_all();
}

Expected<std::shared_ptr<const uint8_t>> ImageRows::row(int32_t sample) const {
  std::unique_lock<std::mutex> guard(mutex);
  std::shared_ptr<Entry> entry = find(sample);
  if (entry->state == Entry::Waiting)
    fill(sample, *entry, guard);
  done.wait(guard, [&] { return entry->state == Entry::Done; });
  if (!entry->failure.empty())
    return failure("{}", entry->failure);
  return std::shared_ptr<const uint8_t>(entry->row);
}

void ImageRows::expect(const int32_t *samples, size_t count) const {
  {
    std::lock_guard<std::mutex> guard(mutex);
    for (size_t i = 0; i < count; ++i)
      if (!entries.count(samples[i])) {
        find(samples[i]);
        queue.push_back(samples[i]);
      }
  }
  wanted.notify_all();
}

void ImageRows::work() {
  std::unique_lock<std::mutex> guard(mutex);
  while (true) {
    wanted.wait(guard, [&] { return stopping || !queue.empty(); });
    if (stopping)
      return;
    int32_t sample = queue.front();
    queue.pop_front();
    auto found = entries.find(sample);
    if (found == entries.end() || found->second->state != Entry::Waiting)
      continue;
    std::shared_ptr<Entry> entry = found->second;
    fill(sample, *entry, guard);
  }
}

} // namespace xfer::rt
