#include "runtime/metrics/MetricsLog.h"
#include "runtime/core/File.h"
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace xfer::rt {

Status MetricsLog::cannotWrite() const { return failure("cannot write '{}': {}", path, systemReason(errno)); }

Expected<MetricsLog> MetricsLog::open(const std::string &path, uint64_t length) {
  if (Status status = checkTarget(path); status.failed())
    return status;
  // What is written goes to the end wherever that is, also when a line that had no room was cut off.
  MetricsLog log(path, ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666), length);
  if (log.file < 0)
    return log.cannotWrite();
  struct stat facts;
  if (::fstat(log.file, &facts) != 0)
    return failure("cannot read '{}': {}", path, systemReason(errno));
  if (static_cast<uint64_t>(facts.st_size) < length)
    return failure("'{}' is shorter than when the checkpoint was written; restore it or start anew with --overwrite",
                   path);
  return log;
}

Status MetricsLog::begin() {
  return ::ftruncate(file, static_cast<off_t>(written)) == 0 ? Status::success() : cannotWrite();
}

MetricsLog::MetricsLog(MetricsLog &&other) noexcept
    : path(std::move(other.path)), file(std::exchange(other.file, -1)), written(other.written) {}

MetricsLog::~MetricsLog() {
  if (file >= 0)
    ::close(file);
}

Status MetricsLog::write(std::string_view object) {
  std::string line(object);
  line += '\n';
  for (size_t done = 0; done < line.size();) {
    ssize_t count = ::write(file, line.data() + done, line.size() - done);
    if (count < 0 && errno == EINTR)
      continue;
    if (count <= 0) {
      std::string reason = systemReason(errno);
      if (::ftruncate(file, static_cast<off_t>(written)) != 0)
        reason += ", and its last line is cut";
      return failure("cannot write '{}': {}", path, reason);
    }
    done += static_cast<size_t>(count);
  }
  written += line.size();
  return Status::success();
}

Status MetricsLog::sync() { return ::fdatasync(file) == 0 ? Status::success() : cannotWrite(); }

} // namespace xfer::rt
