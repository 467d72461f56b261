//===- BuildCache.cpp - executables of `xferc run`, by what they were made of -------------------------------------===//

#include "compiler/Tools/BuildCache.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/SHA256.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace xfer {

static std::string hashText(StringRef text) {
  return toHex(SHA256::hash(arrayRefFromStringRef(text)), /*LowerCase=*/true);
}

/// Files above this size are known by their size and time: to hash a network of hundreds of megabytes at every start
/// would take longer than starting it.
static constexpr uint64_t largest = 16 << 20;

std::string hashFile(StringRef path) {
  sys::fs::file_status status;
  if (!sys::fs::status(path, status) && status.getSize() > largest)
    return hashText(
        (Twine(status.getSize()) + " " + Twine(status.getLastModificationTime().time_since_epoch().count())).str());
  auto buffer = MemoryBuffer::getFile(path, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  return hashText(buffer ? (*buffer)->getBuffer() : StringRef());
}

Expected<BuildCache> BuildCache::open() {
  SmallString<128> folder;
  if (std::optional<std::string> chosen = sys::Process::GetEnv("XFER_CACHE"); chosen && !chosen->empty()) {
    folder = *chosen;
  } else if (sys::path::cache_directory(folder)) {
    sys::path::append(folder, "xfer");
  } else {
    return createStringError("there is no folder for the cache: set XFER_CACHE");
  }
  sys::path::append(folder, "programs");
  if (std::error_code error = sys::fs::create_directories(folder))
    return createStringError(error, "cannot make the cache folder '%s': %s", folder.c_str(), error.message().c_str());
  return BuildCache(folder.str().str());
}

/// Are all files of the list (lines `HASH PATH`) as they were?
static bool isFresh(StringRef list) {
  auto buffer = MemoryBuffer::getFile(list);
  if (!buffer)
    return false;
  SmallVector<StringRef> lines;
  (*buffer)->getBuffer().split(lines, '\n', -1, /*KeepEmpty=*/false);
  return !lines.empty() && all_of(lines, [](StringRef line) {
    auto [hash, path] = line.split(' ');
    return hashFile(path) == hash;
  });
}

Expected<std::string> BuildCache::get(StringRef request, StringRef name,
                                      function_ref<Expected<std::vector<std::string>>(StringRef output)> build) {
  SmallString<128> entry(folder);
  sys::path::append(entry, hashText(request).substr(0, 32));
  std::string program = (entry + "/" + name).str(), list = (entry + "/files").str();
  if (sys::fs::exists(program) && isFresh(list))
    return program;

  if (std::error_code error = sys::fs::create_directories(entry))
    return createStringError(error, "cannot make '%s': %s", entry.c_str(), error.message().c_str());
  SmallString<128> newProgram, newList;
  sys::fs::createUniquePath(program + ".%%%%%%", newProgram, /*MakeAbsolute=*/false);
  sys::fs::createUniquePath(list + ".%%%%%%", newList, /*MakeAbsolute=*/false);
  Expected<std::vector<std::string>> files = build(newProgram);
  if (!files) {
    sys::fs::remove(newProgram);
    return files.takeError();
  }
  std::error_code error;
  {
    raw_fd_ostream stream(newList, error);
    for (const std::string &file : *files)
      stream << hashFile(file) << " " << file << "\n";
    stream.close();
    if (!error)
      error = stream.error();
    stream.clear_error();
  }
  // The list comes last: an executable without its list is made again.
  if (!error)
    error = sys::fs::rename(newProgram, program);
  if (!error)
    error = sys::fs::rename(newList, list);
  if (error)
    return createStringError(error, "cannot write '%s': %s", program.c_str(), error.message().c_str());
  return program;
}

} // namespace xfer
