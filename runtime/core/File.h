// Files: mapped to be read, replaced as a whole to be written. Every failure names the path and the system's reason.
#ifndef XFER_RUNTIME_CORE_FILE_H
#define XFER_RUNTIME_CORE_FILE_H

#include "runtime/core/Bytes.h"
#include "xfer/rt/Status.h"
#include <optional>
#include <string>
#include <vector>

namespace xfer::rt {

// A regular file, mapped read-only. The file must not be shortened while it is in use: reading what is gone ends the
// program.
Expected<Bytes> mapFile(const std::string &path);

bool fileExists(const std::string &path);

// What a regular file is known by as long as nobody writes to it or puts another one in its place.
struct FileStamp {
  uint64_t device, number, size;
  int64_t seconds, nanoseconds; // of the last change
  bool operator==(const FileStamp &other) const;
};
std::optional<FileStamp> stampOf(const std::string &path);

// Whether a file may be written under this name: there is none yet, or a regular one that may be written.
Status checkTarget(const std::string &path);

// Puts the names in a folder on the disk. Not every file system can do that; then nothing is lost but the guarantee
// against a power cut.
void syncFolder(const std::string &path);

// Makes the folder and the ones above it; those that were not there are added to `made`.
Status makeFolder(const std::string &path, std::vector<std::string> *made = nullptr);

// `path` itself if absolute, else inside `folder`.
std::string joinPath(const std::string &folder, const std::string &path);

// A file that appears under its name only when it is complete: written beside it as `PATH.PID-N.partial`, forced to the
// disk, then renamed over it. Until commit() succeeds the file of before is untouched. What a killed process left
// behind is removed by the next writer of the same file.
class AtomicFile {
public:
  static Expected<AtomicFile> create(const std::string &path);
  AtomicFile(AtomicFile &&other) noexcept;
  AtomicFile &operator=(AtomicFile &&) = delete;
  ~AtomicFile(); // without commit: removes what was written

  Status write(const void *data, uint64_t size);
  Status write(std::string_view text) { return write(text.data(), text.size()); }
  uint64_t size() const { return written; }
  Status makeExecutable();
  Status commit();

private:
  AtomicFile(std::string path, std::string partial, int file) : path(path), partial(partial), file(file) {}
  std::string path, partial;
  int file;
  uint64_t written = 0;
};

// One text or block of bytes, all or nothing.
Status replaceFile(const std::string &path, std::string_view content);

// Where unpacked data is kept: $XFER_CACHE, else $XDG_CACHE_HOME/xfer, else ~/.cache/xfer.
Expected<std::string> cacheFolder();

// The system's words for an error number, as they stand in a message.
std::string systemReason(int number);

} // namespace xfer::rt

#endif
