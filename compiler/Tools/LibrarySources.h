//===- LibrarySources.h - the files of the library, parsed when they are needed -----------------------------------===//

#ifndef XFER_COMPILER_TOOLS_LIBRARYSOURCES_H
#define XFER_COMPILER_TOOLS_LIBRARYSOURCES_H

#include "dsl/AST/AST.h"
#include "dsl/Source/Diagnostics.h"
#include "llvm/ADT/StringMap.h"
#include <map>
#include <memory>

namespace xfer {

/// An index of the names that the library defines, so that a program pays only for the files that it uses. Several
/// programs may share it, one after another, if they share the SourceManager too.
class LibrarySources {
public:
  explicit LibrarySources(dsl::SourceManager &sources);

  /// The file that defines `name`, read at the first use; null where none does.
  const dsl::File *find(llvm::StringRef name, dsl::Diagnostics &diagnostics);
  void eachName(llvm::function_ref<void(llvm::StringRef)> visit) const;

private:
  dsl::SourceManager &sources;
  llvm::StringMap<unsigned> fileOf; ///< position in embeddedLibrary by name of a definition
  std::map<unsigned, std::unique_ptr<dsl::File>> files;
};

} // namespace xfer

#endif // XFER_COMPILER_TOOLS_LIBRARYSOURCES_H
