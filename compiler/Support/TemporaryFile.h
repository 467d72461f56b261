//===- TemporaryFile.h - files that go when they are not kept, also with an interrupt -----------------------------===//

#ifndef XFER_COMPILER_SUPPORT_TEMPORARYFILE_H
#define XFER_COMPILER_SUPPORT_TEMPORARYFILE_H

#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/FileSystem.h"

namespace xfer {

/// While one lives, a signal that would end the process (SIGINT, SIGTERM, SIGHUP) waits for its end. For what makes files
/// and only then says that they are to be removed, as the linker does. One at a time.
class InterruptDelay {
public:
  InterruptDelay();
  InterruptDelay(const InterruptDelay &) = delete;
  InterruptDelay &operator=(const InterruptDelay &) = delete;
  ~InterruptDelay();
};

/// A new file that somebody is about to write. It is removed in the end, or by the signal that ends the process, if it
/// was not moved to its place.
class TemporaryFile {
public:
  /// Six random digits stand between `front` and `end`. Where no file can be made, writing it says why.
  explicit TemporaryFile(const llvm::Twine &front, llvm::StringRef end = "");
  TemporaryFile(const TemporaryFile &) = delete;
  TemporaryFile &operator=(const TemporaryFile &) = delete;
  ~TemporaryFile();

  llvm::StringRef path() const { return name; }
  std::error_code moveTo(const llvm::Twine &place) { return llvm::sys::fs::rename(name, place); }

private:
  llvm::SmallString<128> name;
};

} // namespace xfer

#endif // XFER_COMPILER_SUPPORT_TEMPORARYFILE_H
