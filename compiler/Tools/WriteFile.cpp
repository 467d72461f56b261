#include "compiler/Tools/WriteFile.h"
#include "compiler/Support/TemporaryFile.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"
#include <unistd.h>

using namespace llvm;

static Error cannotWrite(StringRef path, std::error_code error) {
  return createStringError(error, "cannot write '%s': %s", path.str().c_str(), error.message().c_str());
}

/// Writes and closes; the descriptor is gone either way. `onDisk`: a power cut shall not take it, as it stands for what
/// somebody wrote by hand.
static std::error_code fill(int descriptor, StringRef content, bool onDisk = false) {
  raw_fd_ostream os(descriptor, /*shouldClose=*/true);
  os << content;
  os.flush();
  if (onDisk && !os.has_error())
    fsync(descriptor);
  os.close();
  std::error_code error = os.error();
  os.clear_error();
  return error;
}

Error xfer::replaceFile(StringRef path, StringRef content) {
  SmallString<128> real;
  if (std::error_code error = sys::fs::real_path(path, real))
    return cannotWrite(path, error);
  sys::fs::file_status status;
  if (std::error_code error = sys::fs::status(real, status))
    return cannotWrite(path, error);
  if (status.type() != sys::fs::file_type::regular_file)
    return createStringError("cannot write '%s': it is no regular file", path.str().c_str());
  // A file that may not be written is not replaced either, though the folder would allow it.
  if (std::error_code error = sys::fs::access(real, sys::fs::AccessMode::Write))
    return cannotWrite(path, error);
  int descriptor = -1;
  TemporaryFile partial(real + ".");
  if (std::error_code error = sys::fs::openFileForWrite(partial.path(), descriptor, sys::fs::CD_OpenExisting))
    return cannotWrite(path, error);
  std::error_code error = fill(descriptor, content, /*onDisk=*/true);
  if (!error)
    error = sys::fs::setPermissions(partial.path(), status.permissions());
  if (!error)
    error = partial.moveTo(real);
  return error ? cannotWrite(path, error) : Error::success();
}

Error xfer::writeFile(StringRef path, StringRef content) {
  sys::fs::file_status status;
  std::error_code none = sys::fs::status(path, status);
  if (!none && status.type() == sys::fs::file_type::regular_file)
    return replaceFile(path, content);
  int descriptor = -1;
  if (std::error_code error = sys::fs::openFileForWrite(path, descriptor))
    return cannotWrite(path, error);
  std::error_code error = fill(descriptor, content);
  if (error && none == std::errc::no_such_file_or_directory) // half of a new file; a device stays
    sys::fs::remove(path);
  return error ? cannotWrite(path, error) : Error::success();
}

Error xfer::createFile(StringRef path, StringRef content) {
  int descriptor = -1;
  std::error_code error = sys::fs::openFileForWrite(path, descriptor, sys::fs::CD_CreateNew, sys::fs::OF_None);
  if (error == std::errc::file_exists)
    return createStringError(error, "'%s' is there already; choose another name or move it away", path.str().c_str());
  if (error)
    return cannotWrite(path, error);
  error = fill(descriptor, content);
  if (!error)
    return Error::success();
  sys::fs::remove(path);
  return cannotWrite(path, error);
}
