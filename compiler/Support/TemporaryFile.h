//===- TemporaryFile.h - files that go when they are not kept, also with an interrupt -----------------------------===//

#ifndef XFER_COMPILER_SUPPORT_TEMPORARYFILE_H
#define XFER_COMPILER_SUPPORT_TEMPORARYFILE_H

#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Signals.h"

namespace xfer {

/// A new file that somebody is about to write. It is removed in the end, or by the signal that ends the process, if it
/// was not moved to its place.
class TemporaryFile {
public:
  /// `model` has a '%' for each random character. Where no file can be made, writing it says why.
  explicit TemporaryFile(const llvm::Twine &model) {
    if (llvm::sys::fs::createUniqueFile(model, name))
      llvm::sys::fs::createUniquePath(model, name, /*MakeAbsolute=*/false);
    llvm::sys::RemoveFileOnSignal(name);
  }
  TemporaryFile(const TemporaryFile &) = delete;
  TemporaryFile &operator=(const TemporaryFile &) = delete;
  ~TemporaryFile() {
    llvm::sys::fs::remove(name);
    llvm::sys::DontRemoveFileOnSignal(name);
  }

  llvm::StringRef path() const { return name; }
  std::error_code moveTo(const llvm::Twine &place) { return llvm::sys::fs::rename(name, place); }

private:
  llvm::SmallString<128> name;
};

} // namespace xfer

#endif // XFER_COMPILER_SUPPORT_TEMPORARYFILE_H
