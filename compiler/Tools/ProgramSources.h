//===- ProgramSources.h - the files of a program and of the library, parsed when they are needed ------------------===//

#ifndef XFER_COMPILER_TOOLS_PROGRAMSOURCES_H
#define XFER_COMPILER_TOOLS_PROGRAMSOURCES_H

#include "compiler/Elaborate/Elaborate.h"
#include "llvm/ADT/StringMap.h"
#include <memory>
#include <vector>

namespace xfer {

class ProgramSources : public FileLoader {
public:
  ProgramSources(dsl::SourceManager &sources, dsl::Diagnostics &diagnostics);

  /// Reads and parses the program's own file; null after an error, which was reported.
  const dsl::File *open(llvm::StringRef path);
  const dsl::File *import(llvm::StringRef path, dsl::FileId importer, dsl::SourceRange range) override;
  const dsl::File *library(llvm::StringRef name) override;
  void eachLibraryName(llvm::function_ref<void(llvm::StringRef)> visit) override;
  /// The program's own files in the order in which they were read: part of what a build is keyed by.
  llvm::ArrayRef<dsl::FileId> programFiles() const { return ownFiles; }

private:
  const dsl::File *parse(dsl::FileId file);

  dsl::SourceManager &sources;
  dsl::Diagnostics &diagnostics;
  llvm::StringMap<dsl::FileId> opened;     ///< by real path
  llvm::StringMap<unsigned> libraryFileOf; ///< position in embeddedLibrary by name of a definition
  std::map<unsigned, const dsl::File *> libraryFiles;
  std::map<dsl::FileId, std::unique_ptr<dsl::File>> parsed;
  std::vector<dsl::FileId> ownFiles;
};

} // namespace xfer

#endif // XFER_COMPILER_TOOLS_PROGRAMSOURCES_H
