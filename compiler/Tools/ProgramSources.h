//===- ProgramSources.h - the files of a program, parsed when they are needed -------------------------------------===//

#ifndef XFER_COMPILER_TOOLS_PROGRAMSOURCES_H
#define XFER_COMPILER_TOOLS_PROGRAMSOURCES_H

#include "compiler/Elaborate/Elaborate.h"
#include "compiler/Tools/LibrarySources.h"
#include "llvm/ADT/StringMap.h"
#include <memory>
#include <vector>

namespace xfer {

class ProgramSources : public FileLoader {
public:
  /// `folder` (may be empty) is where files of data are looked up first.
  ProgramSources(dsl::SourceManager &sources, LibrarySources &libraryFiles, dsl::Diagnostics &diagnostics,
                 std::string folder = "")
      : sources(sources), libraryFiles(libraryFiles), diagnostics(diagnostics), folder(std::move(folder)) {}

  /// Reads and parses the program's own file; null after an error, which was reported.
  const dsl::File *open(llvm::StringRef path);
  const dsl::File *import(llvm::StringRef path, dsl::FileId importer, dsl::SourceRange range) override;
  const dsl::File *library(llvm::StringRef name) override { return libraryFiles.find(name, diagnostics); }
  std::optional<std::string> readText(llvm::StringRef name, dsl::SourceRange range) override;
  /// Every path that decided which text was read, also those where nothing is.
  llvm::ArrayRef<std::string> getLookedUp() const { return lookedUp; }
  void eachLibraryName(llvm::function_ref<void(llvm::StringRef)> visit) override { libraryFiles.eachName(visit); }
  /// The program's own files in the order in which they were read: part of what a build is keyed by.
  llvm::ArrayRef<dsl::FileId> programFiles() const { return ownFiles; }

private:
  const dsl::File *parse(dsl::FileId file);

  dsl::SourceManager &sources;
  LibrarySources &libraryFiles;
  dsl::Diagnostics &diagnostics;
  llvm::StringMap<dsl::FileId> opened; ///< by real path
  std::map<dsl::FileId, std::unique_ptr<dsl::File>> parsed;
  std::vector<dsl::FileId> ownFiles;
  std::string folder;
  std::vector<std::string> lookedUp;
  llvm::StringMap<std::string> texts; ///< by path: elaboration asks several times
};

} // namespace xfer

#endif // XFER_COMPILER_TOOLS_PROGRAMSOURCES_H
