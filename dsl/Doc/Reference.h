//===- Reference.h - what files of the language say about what they define ----------------------------------------===//
//
// The comment above a function is its documentation; the comment that opens a file, apart from what follows, belongs to
// everything in it. A reference is collected from both, so there is no second text that could be out of date.
//
//===------------------------------------------------------------------------------------------------------------===//

#ifndef XFER_DSL_DOC_REFERENCE_H
#define XFER_DSL_DOC_REFERENCE_H

#include "dsl/AST/AST.h"
#include <string>
#include <vector>

namespace llvm {
class raw_ostream;
}

namespace xfer::dsl {

struct DocumentedFormal {
  std::string name, type, defaultValue; // as written; empty where there is none
  bool given = false;                   // filled from where it is called
};

struct DocumentedEntry {
  std::string name;
  std::string kind;      // fn, module, const, param, export
  std::string signature; // as written, on one line
  std::string text;      // its comment
  std::string fileText;  // the comment of its file
  std::string file;
  unsigned line = 0, column = 0;
  std::vector<DocumentedFormal> formals;
  bool takesTensors = false;
};

/// What a file defines, in order: functions, modules, constants, options and exports. Of a library file no `param`.
std::vector<DocumentedEntry> collectEntries(const SourceManager &sources, const File &file);

/// What the documentation of an entry lacks; empty if nothing: a comment, or the shapes of its tensors.
std::string findGap(const DocumentedEntry &entry);

/// The first sentence of a comment, on one line.
std::string firstSentence(llvm::StringRef text);

void printEntryText(llvm::raw_ostream &os, const DocumentedEntry &entry);
/// What is said about all entries of the file.
void printFileText(llvm::raw_ostream &os, const DocumentedEntry &entry);
void printEntryMarkdown(llvm::raw_ostream &os, const DocumentedEntry &entry, unsigned level);

} // namespace xfer::dsl

#endif // XFER_DSL_DOC_REFERENCE_H
