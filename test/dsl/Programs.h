//===- Programs.h - all programs of the tree, for tests -----------------------------------------------------------===//

#ifndef XFER_TEST_DSL_PROGRAMS_H
#define XFER_TEST_DSL_PROGRAMS_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include <algorithm>
#include <string>
#include <vector>

/// Paths of the programs of the language's design, of the library and of the examples, sorted.
inline std::vector<std::string> findPrograms() {
  std::vector<std::string> paths;
  for (const char *folder : {"/test/dsl/programs", "/stdlib", "/examples"}) {
    std::error_code error;
    for (llvm::sys::fs::recursive_directory_iterator at(XFER_SOURCE_DIR + std::string(folder), error), end;
         at != end && !error; at.increment(error))
      if (llvm::sys::path::extension(at->path()) == ".xfer")
        paths.push_back(at->path());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

#endif // XFER_TEST_DSL_PROGRAMS_H
