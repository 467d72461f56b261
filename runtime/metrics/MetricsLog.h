// The log of a run, one JSON object a line. Its length is part of every checkpoint, so that a resumed run cuts off what
// an interrupted one had written beyond it.
#ifndef XFER_RUNTIME_METRICS_METRICSLOG_H
#define XFER_RUNTIME_METRICS_METRICSLOG_H

#include "xfer/rt/Status.h"

namespace xfer::rt {

class MetricsLog {
public:
  // Goes on behind the first `length` bytes of the file, which must have that many. Nothing changes before begin().
  static Expected<MetricsLog> open(const std::string &path, uint64_t length);
  MetricsLog(MetricsLog &&other) noexcept;
  MetricsLog &operator=(MetricsLog &&) = delete;
  ~MetricsLog();

  // Cuts off what stands behind the length; once, before the first line.
  Status begin();
  // A line that cannot be written as a whole is taken back.
  Status write(std::string_view object);
  // Puts what was written on the disk.
  Status sync();
  uint64_t length() const { return written; }

private:
  MetricsLog(std::string path, int file, uint64_t written) : path(std::move(path)), file(file), written(written) {}
  Status cannotWrite() const;
  std::string path;
  int file;
  uint64_t written;
};

} // namespace xfer::rt

#endif
