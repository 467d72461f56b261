//===- Diagnostics.h - what the compiler tells its user -----------------------------------------------------------===//
//
// Mistakes are collected, never thrown, so that one run reports all of them. Each has a stable code (`unknown-name`),
// by which tests, documents and editors know it, a range, notes where the other half lives, and fix-its when the edit
// is certain. Text follows the house: lower case, no full stop, quoted names, found and expected.
//
//===------------------------------------------------------------------------------------------------------------===//

#ifndef XFER_DSL_SOURCE_DIAGNOSTICS_H
#define XFER_DSL_SOURCE_DIAGNOSTICS_H

#include "dsl/Source/SourceManager.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/Twine.h"
#include <deque>
#include <string>
#include <vector>

namespace llvm {
class raw_ostream;
}

namespace xfer::dsl {

enum class Severity { Error, Warning };

/// A further place that belongs to a diagnostic; the range may be nowhere.
struct Note {
  SourceRange range;
  std::string message;
};

/// An edit: the range is replaced by the text.
struct FixIt {
  SourceRange range;
  std::string replacement;
};

struct Diagnostic {
  Severity severity = Severity::Error;
  std::string code;
  std::string message;
  SourceRange range;
  std::vector<Note> notes;
  std::vector<FixIt> fixIts;

  Diagnostic &note(SourceRange where, const llvm::Twine &text);
  Diagnostic &fixIt(SourceRange where, const llvm::Twine &replacement);
};

class Diagnostics {
public:
  /// The reference stays valid as long as the engine is not finished or cleared.
  Diagnostic &error(llvm::StringRef code, SourceRange range, const llvm::Twine &message);
  Diagnostic &warning(llvm::StringRef code, SourceRange range, const llvm::Twine &message);

  /// An error about a name that stands for nothing: with the nearest of the candidates and the edit, else `otherwise`.
  Diagnostic &unknownName(llvm::StringRef code, SourceRange range, llvm::StringRef name, const llvm::Twine &message,
                          llvm::ArrayRef<llvm::StringRef> candidates, llvm::StringRef otherwise = "");

  bool hasErrors() const { return numErrors != 0; }
  unsigned getNumErrors() const { return numErrors; }
  const std::deque<Diagnostic> &getAll() const { return diagnostics; }

  /// A later look at the program finds mistakes of its own only: an error from here on that touches the place of one
  /// from before is the same mistake seen again, and `finish` drops it.
  void settle() { numSettled = diagnostics.size(); }

  /// Orders by place and drops what was said twice (an unrolled loop reaches one place many times).
  void finish();

  /// Errors from here on, `--strict`: what was a warning counts as an error.
  void makeWarningsErrors();

private:
  Diagnostic &add(Severity severity, llvm::StringRef code, SourceRange range, const llvm::Twine &message);

  std::deque<Diagnostic> diagnostics;
  unsigned numErrors = 0;
  size_t numSettled = 0;
};

/// `file:line:col: error: text [code]`, the line with the range underlined, notes and fix-its likewise.
void printText(llvm::raw_ostream &os, const SourceManager &sources, const Diagnostics &diagnostics);

/// A JSON list of objects: severity, code, message, range {file, line, column, endLine, endColumn}, notes, fixIts.
void printJson(llvm::raw_ostream &os, const SourceManager &sources, const Diagnostics &diagnostics);

/// The candidate nearest to `name` by edit distance, if it is near enough to be what was meant; else empty.
llvm::StringRef findNearest(llvm::StringRef name, llvm::ArrayRef<llvm::StringRef> candidates);

/// What stands behind a message about a name that is not there: "; did you mean 'layer4'?", the nearest of the
/// candidates; `otherwise` if none is near enough.
std::string suggest(llvm::StringRef name, llvm::ArrayRef<llvm::StringRef> candidates, llvm::StringRef otherwise = "");
template <typename Names>
std::string suggest(llvm::StringRef name, const Names &candidates, llvm::StringRef otherwise = "") {
  return suggest(name, llvm::ArrayRef<llvm::StringRef>(llvm::to_vector_of<llvm::StringRef>(candidates)), otherwise);
}

} // namespace xfer::dsl

#endif // XFER_DSL_SOURCE_DIAGNOSTICS_H
