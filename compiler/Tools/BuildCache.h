//===- BuildCache.h - executables of `xferc run`, by what they were made of ---------------------------------------===//
//
// An entry is a folder named after the request (path of the program, options, this compiler). It holds the executable
// and a list: the executable's size and time, and the files that it was made of with the hash of each; it serves as
// long as all of them are as they were. Both are made beside their place and moved there, by one compiler at a time, so
// that neither one that is killed nor a full disk leaves an executable that passes for what it is not.
//
//===------------------------------------------------------------------------------------------------------------===//

#ifndef XFER_COMPILER_TOOLS_BUILDCACHE_H
#define XFER_COMPILER_TOOLS_BUILDCACHE_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/Support/Error.h"
#include <string>
#include <vector>

namespace xfer {

class BuildCache {
public:
  /// In $XFER_CACHE, else in the user's cache folder.
  static llvm::Expected<BuildCache> open();

  /// The executable for the request. When there is none, or a file changed, `build` writes one to the path that it is
  /// given and returns the files that it read.
  llvm::Expected<std::string>
  get(llvm::StringRef request, llvm::StringRef name,
      llvm::function_ref<llvm::Expected<std::vector<std::string>>(llvm::StringRef output)> build);

private:
  explicit BuildCache(std::string folder) : folder(std::move(folder)) {}
  std::string folder;
};

/// A file by its size and time, which stay when it is renamed; empty if there is none.
std::string stampOf(llvm::StringRef path);

/// The hash of a file's content, of its size and time if it is large; of the empty text if it cannot be read.
std::string hashFile(llvm::StringRef path);

} // namespace xfer

#endif // XFER_COMPILER_TOOLS_BUILDCACHE_H
