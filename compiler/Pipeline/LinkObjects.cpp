//===- LinkObjects.cpp - objects to the file that was asked for ---------------------------------------------------===//

#include "compiler/Pipeline/LinkObjects.h"
#include "compiler/Support/TemporaryFile.h"
#include "compiler/Target/Link.h"
#include "compiler/Target/ProgramObject.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/raw_ostream.h"
#include <fcntl.h>

using namespace llvm;

namespace xfer {

static std::error_code writeFile(StringRef path, ArrayRef<char> bytes, ArrayRef<StringRef> files = {}) {
  std::error_code error;
  raw_fd_ostream file(path, error);
  if (error)
    return error;
  file.write(bytes.data(), bytes.size());
  if (!files.empty())
    appendFiles(file, bytes.size(), files);
  file.close();
  error = file.error();
  file.clear_error();
  return error;
}

static Error cannotLinkIn(StringRef folder, std::error_code error) {
  return createStringError(error, "cannot link in '%s': %s; set TMPDIR to a folder with room", folder.str().c_str(),
                           error.message().c_str());
}

/// Whether `bytes` fit there. The linker maps what it writes, and a mapped file on a full disk ends the process.
static Error reserve(StringRef path, uint64_t bytes) {
  int file = -1;
  std::error_code error = sys::fs::openFileForWrite(path, file);
  if (!error) {
    error = std::error_code(posix_fallocate(file, 0, static_cast<off_t>(bytes)), std::generic_category());
    sys::Process::SafelyCloseFileDescriptor(file);
    sys::fs::remove(path);
  }
  return error ? cannotLinkIn(sys::path::parent_path(path), error) : Error::success();
}

/// Puts the linked file in its place, in one piece, with the weight files that it takes along.
static Error moveInto(StringRef linked, StringRef output, ArrayRef<StringRef> files) {
  auto cannot = [&](std::error_code error) {
    return createStringError(error, "cannot write '%s': %s", output.str().c_str(), error.message().c_str());
  };
  auto content = MemoryBuffer::getFile(linked, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (!content)
    return cannot(content.getError());
  auto mode = sys::fs::getPermissions(linked);
  TemporaryFile partial(output + ".");
  std::error_code code = writeFile(partial.path(), (*content)->getBuffer(), files);
  if (!code)
    code = mode ? sys::fs::setPermissions(partial.path(), *mode) : mode.getError();
  if (!code)
    code = partial.moveTo(output);
  return code ? cannot(code) : Error::success();
}

Error linkObjects(ArrayRef<SmallVector<char, 0>> objects, StringRef output, const LinkRequest &request) {
  sys::fs::file_status status;
  if (!sys::fs::status(output, status) && !sys::fs::is_regular_file(status))
    return createStringError("cannot write '%s': it is %s", output.str().c_str(),
                             sys::fs::is_directory(status) ? "a folder" : "no ordinary file");
  // Files of their own and no folder: a signal that ends the process takes files along.
  SmallString<128> folder;
  sys::path::system_temp_directory(/*ErasedOnReboot=*/true, folder);
  std::vector<std::unique_ptr<TemporaryFile>> files;
  std::vector<std::string> paths;
  uint64_t bytes = 16 << 20; // of the C++ library, amply
  for (const SmallVector<char, 0> &object : objects) {
    bytes += object.size();
    files.push_back(std::make_unique<TemporaryFile>(folder + "/xferc-", ".o"));
    paths.push_back(files.back()->path().str());
    if (std::error_code error = writeFile(paths.back(), object))
      return cannotLinkIn(folder, error);
  }
  TemporaryFile linked(folder + "/xferc-", ".linked");
  if (request.relocatable) {
    if (Error error = reserve(linked.path(), bytes))
      return error;
    if (Error error = mergeObjects(paths, linked.path()))
      return error;
  } else {
    Expected<std::string> runtime = findRuntime(request.compiler);
    if (!runtime)
      return runtime.takeError();
    uint64_t archive = 0;
    sys::fs::file_size(*runtime, archive);
    if (Error error = reserve(linked.path(), bytes + archive))
      return error;
    if (Error error = linkProgram(paths, *runtime, linked.path(), {request.strip}))
      return error;
  }
  return moveInto(linked.path(), output, request.files);
}

} // namespace xfer
