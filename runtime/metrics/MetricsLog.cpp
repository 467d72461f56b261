#include "runtime/metrics/MetricsLog.h"
#include "runtime/core/File.h"
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace xfer::rt {

Expected<MetricsLog> MetricsLog::open(const std::string &path, uint64_t length) {
  int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
  if (file < 0)
    return failure("'{}' cannot be written: {}", path, systemReason(errno));
  MetricsLog log(path, file, length);
  struct stat facts;
  if (::fstat(file, &facts) != 0)
    return failure("'{}' cannot be read: {}", path, systemReason(errno));
  if (static_cast<uint64_t>(facts.st_size) < length)
    return failure("'{}' is shorter than when the checkpoint was written; restore it or start anew with --overwrite",
                   path);
  if (::ftruncate(file, static_cast<off_t>(length)) != 0 || ::lseek(file, 0, SEEK_END) < 0)
    return failure("'{}' cannot be written: {}", path, systemReason(errno));
  return log;
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
      return failure("'{}' cannot be written: {}", path, reason);
    }
    done += static_cast<size_t>(count);
  }
  written += line.size();
  return Status::success();
}

Status MetricsLog::sync() {
  // Devices and pipes have nothing to be put anywhere.
  if (::fdatasync(file) != 0 && errno != EINVAL && errno != EROFS)
    return failure("'{}' cannot be written: {}", path, systemReason(errno));
  return Status::success();
}

} // namespace xfer::rt
