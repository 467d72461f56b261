//===- BuildCache.cpp - executables of `xferc run`, by what they were made of -------------------------------------===//

#include "compiler/Tools/BuildCache.h"
#include "compiler/Support/TemporaryFile.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/SHA256.h"
#include "llvm/Support/raw_ostream.h"
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

using namespace llvm;

namespace xfer {

static std::string hashText(StringRef text) {
  return toHex(SHA256::hash(arrayRefFromStringRef(text)), /*LowerCase=*/true);
}

/// Files above this size are known by their size and time: to hash a network of hundreds of megabytes at every start
/// would take longer than starting it.
static constexpr uint64_t largest = 16 << 20;

std::string stampOf(StringRef path) {
  sys::fs::file_status status;
  if (sys::fs::status(path, status))
    return "";
  return (Twine(status.getSize()) + " " + Twine(status.getLastModificationTime().time_since_epoch().count())).str();
}

std::string hashFile(StringRef path) {
  uint64_t size = 0;
  if (!sys::fs::file_size(path, size) && size > largest)
    return hashText(stampOf(path));
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
    return createStringError(error, "cannot make the cache folder '%s': %s; set XFER_CACHE to a folder with room",
                             folder.c_str(), error.message().c_str());
  return BuildCache(folder.str().str());
}

/// Was the list made with this executable (its first line), and are all files of it (lines `HASH PATH`) as they were?
/// Another build, or one that was killed, may have replaced one of the two alone.
static bool isFresh(StringRef list, StringRef program) {
  auto buffer = MemoryBuffer::getFile(list);
  if (!buffer)
    return false;
  auto [stamp, rest] = (*buffer)->getBuffer().split('\n');
  if (stamp.empty() || stamp != stampOf(program))
    return false;
  SmallVector<StringRef> lines;
  rest.split(lines, '\n', -1, /*KeepEmpty=*/false);
  return !lines.empty() && all_of(lines, [](StringRef line) {
    auto [hash, path] = line.split(' ');
    return hashFile(path) == hash;
  });
}

namespace {
/// Keeps others from building the same program at once; it goes with the process. Where folders cannot be locked they
/// do.
class EntryLock {
public:
  explicit EntryLock(const Twine &entry) : folder(::open(entry.str().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
    held = folder >= 0 && ::flock(folder, LOCK_EX) == 0;
  }
  ~EntryLock() {
    if (folder >= 0)
      ::close(folder);
  }
  bool isHeld() const { return held; }

private:
  int folder;
  bool held;
};
} // namespace

/// Removes what builds that were killed have left in an entry.
static void removeAbandoned(StringRef entry, ArrayRef<std::string> kept) {
  std::error_code error;
  std::vector<std::string> found;
  for (sys::fs::directory_iterator at(entry, error), end; at != end && !error; at.increment(error))
    if (!is_contained(kept, at->path()))
      found.push_back(at->path());
  for (const std::string &path : found)
    sys::fs::remove(path);
}

Expected<std::string> BuildCache::get(StringRef request, StringRef name,
                                      function_ref<Expected<std::vector<std::string>>(StringRef output)> build) {
  SmallString<128> entry(folder);
  sys::path::append(entry, hashText(request).substr(0, 32));
  std::string program = (entry + "/" + name).str(), list = (entry + "/files").str();
  if (isFresh(list, program))
    return program;

  auto noRoom = [&](StringRef what, StringRef path, std::error_code error) {
    return createStringError(error, "cannot %s '%s': %s; set XFER_CACHE to a folder with room", what.str().c_str(),
                             path.str().c_str(), error.message().c_str());
  };
  if (std::error_code error = sys::fs::create_directories(entry))
    return noRoom("make", entry, error);
  EntryLock lock(entry);
  if (isFresh(list, program)) // somebody else has built it meanwhile
    return program;
  if (lock.isHeld())
    removeAbandoned(entry, {program, list});
  TemporaryFile newProgram(program + "."), newList(list + ".");
  Expected<std::vector<std::string>> files = build(newProgram.path());
  if (!files)
    return files.takeError();
  std::error_code error;
  {
    raw_fd_ostream stream(newList.path(), error);
    stream << stampOf(newProgram.path()) << "\n";
    for (const std::string &file : *files)
      stream << hashFile(file) << " " << file << "\n";
    stream.close();
    if (!error)
      error = stream.error();
    stream.clear_error();
  }
  if (!error)
    error = newProgram.moveTo(program);
  if (!error)
    error = newList.moveTo(list);
  if (!error)
    return program;
  return noRoom("write", program, error);
}

} // namespace xfer
