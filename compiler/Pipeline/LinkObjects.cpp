//===- LinkObjects.cpp - objects to the file that was asked for ---------------------------------------------------===//

#include "compiler/Pipeline/LinkObjects.h"
#include "compiler/Target/Link.h"
#include "compiler/Target/ProgramObject.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/raw_ostream.h"
#include <fcntl.h>

using namespace llvm;

namespace xfer {

static Error writeFile(StringRef path, ArrayRef<char> bytes, ArrayRef<StringRef> files = {}) {
  std::error_code error;
  raw_fd_ostream file(path, error);
  if (!error) {
    file.write(bytes.data(), bytes.size());
    if (!files.empty())
      appendFiles(file, bytes.size(), files);
  }
  file.close();
  if (error || (error = file.error())) {
    file.clear_error();
    return createStringError(error, "cannot write '%s': %s", path.str().c_str(), error.message().c_str());
  }
  return Error::success();
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
  SmallString<128> partial;
  sys::fs::createUniquePath(output + ".%%%%%%", partial, /*MakeAbsolute=*/false);
  Error error = writeFile(partial, (*content)->getBuffer(), files);
  if (error) {
    std::error_code code = errorToErrorCode(std::move(error));
    sys::fs::remove(partial);
    return cannot(code);
  }
  std::error_code code = mode ? sys::fs::setPermissions(partial, *mode) : mode.getError();
  if (!code)
    code = sys::fs::rename(partial, output);
  if (!code)
    return Error::success();
  sys::fs::remove(partial);
  return cannot(code);
}

Error linkObjects(ArrayRef<SmallVector<char, 0>> objects, StringRef output, const LinkRequest &request) {
  sys::fs::file_status status;
  if (!sys::fs::status(output, status) && !sys::fs::is_regular_file(status))
    return createStringError("cannot write '%s': it is %s", output.str().c_str(),
                             sys::fs::is_directory(status) ? "a folder" : "no ordinary file");
  SmallString<128> folder;
  if (std::error_code error = sys::fs::createUniqueDirectory("xferc", folder))
    return createStringError(error, "cannot make a temporary folder: %s; TMPDIR says where", error.message().c_str());
  std::vector<std::string> paths;
  std::string linked = (folder + "/linked").str();
  uint64_t bytes = 16 << 20; // of the C++ library, amply
  Error result = Error::success();
  for (auto [number, object] : enumerate(objects)) {
    bytes += object.size();
    paths.push_back(formatv("{0}/{1}.o", folder, number).str());
    if (std::error_code error = errorToErrorCode(writeFile(paths.back(), object))) {
      result = cannotLinkIn(folder, error);
      break;
    }
  }
  if (!result) {
    if (request.relocatable) {
      result = reserve(linked, bytes);
      if (!result)
        result = mergeObjects(paths, linked);
    } else if (Expected<std::string> runtime = findRuntime(request.compiler)) {
      uint64_t archive = 0;
      sys::fs::file_size(*runtime, archive);
      result = reserve(linked, bytes + archive);
      if (!result)
        result = linkProgram(paths, *runtime, linked, {request.strip});
    } else {
      result = runtime.takeError();
    }
  }
  if (!result)
    result = moveInto(linked, output, request.files);
  sys::fs::remove_directories(folder);
  return result;
}

} // namespace xfer
