//===- SourceManager.h - the files of one compilation ------------------------------------------------------------===//
//
// Owns the text of every file that one run of the compiler reads. A place in a program is a SourceRange: 12 bytes,
// copied freely, meaningful only together with the manager that handed out its file number.
//
//===------------------------------------------------------------------------------------------------------------===//

#ifndef XFER_DSL_SOURCE_SOURCEMANAGER_H
#define XFER_DSL_SOURCE_SOURCEMANAGER_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/SourceMgr.h"
#include <cstdint>

namespace xfer::dsl {

/// Number of a file in its SourceManager; 0 is no file.
using FileId = uint32_t;

/// Half-open range of bytes in a file. A default-constructed range is nowhere.
struct SourceRange {
  FileId file = 0;
  uint32_t begin = 0;
  uint32_t end = 0;

  bool isValid() const { return file != 0; }
  /// The smallest range that covers both; a range that is nowhere leaves the other as it is.
  SourceRange to(SourceRange other) const;
  /// The empty range at the end, where something is missing.
  SourceRange after() const { return {file, end, end}; }
  bool operator==(const SourceRange &o) const { return file == o.file && begin == o.begin && end == o.end; }
  bool operator!=(const SourceRange &o) const { return !(*this == o); }
  bool operator<(const SourceRange &o) const;
};

/// Line and column as a user counts them: from one, the column in bytes.
struct LineColumn {
  unsigned line = 0;
  unsigned column = 0;
};

/// Bytes that a program file has at most.
constexpr size_t maxFileSize = 1 << 20;

class SourceManager {
public:
  /// Reads `path`, of a file that is too large only that it is. The error names the path and the reason.
  llvm::Expected<FileId> openFile(llvm::StringRef path);

  /// Adds text that is no file (tests, standard input, a library embedded in the compiler) under the name that
  /// diagnostics show.
  FileId addText(llvm::StringRef name, llvm::StringRef text);

  unsigned getNumFiles() const { return sources.getNumBuffers(); }
  llvm::StringRef getName(FileId file) const;
  llvm::StringRef getText(FileId file) const;
  llvm::StringRef getText(SourceRange range) const;

  /// `offset` may be one past the last byte.
  LineColumn getLineColumn(FileId file, uint32_t offset) const;
  LineColumn getLineColumn(SourceRange range) const { return getLineColumn(range.file, range.begin); }

  /// The text of a line without its end; lines count from one.
  llvm::StringRef getLine(FileId file, unsigned line) const;

private:
  llvm::SourceMgr sources;
};

} // namespace xfer::dsl

#endif // XFER_DSL_SOURCE_SOURCEMANAGER_H
