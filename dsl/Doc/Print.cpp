#include "dsl/Doc/Reference.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"
#include <algorithm>

using namespace xfer::dsl;

std::string xfer::dsl::firstSentence(llvm::StringRef text) {
  std::string line;
  for (char c : text)
    line += c == '\n' ? ' ' : c;
  // A full stop ends a sentence, not that of `et al.` or `eq.`.
  for (size_t at = 0; (at = line.find(". ", at)) != std::string::npos; ++at) {
    llvm::StringRef before = llvm::StringRef(line).take_front(at);
    llvm::StringRef word = before.drop_front(before.find_last_of(" (") + 1);
    bool abbreviates = word == "al" || word == "eq" || word == "e.g";
    if (!abbreviates && llvm::StringRef(line).drop_front(at + 1).ltrim().take_front(1) != "(")
      return line.substr(0, at + 1);
  }
  return line;
}

static void printIndented(llvm::raw_ostream &os, llvm::StringRef text) {
  llvm::SmallVector<llvm::StringRef> lines;
  text.split(lines, '\n');
  for (llvm::StringRef line : lines)
    os << (line.empty() ? "" : "  ") << line << "\n";
}

/// `float = 0.1`, `int, from where it is called`
static std::string describe(const DocumentedFormal &formal) {
  std::string text = formal.type.empty() ? "any" : formal.type;
  if (!formal.defaultValue.empty())
    text += " = " + formal.defaultValue;
  if (formal.given)
    text += " (from where it is called, unless it is passed)";
  return text;
}

void xfer::dsl::printEntryText(llvm::raw_ostream &os, const DocumentedEntry &entry) {
  os << entry.name << "  (" << entry.kind;
  if (!entry.file.empty())
    os << ", " << entry.file << ":" << entry.line;
  os << ")\n\n  " << entry.signature << "\n";
  if (!entry.text.empty()) {
    os << "\n";
    printIndented(os, entry.text);
  }
  size_t width = 0;
  for (const DocumentedFormal &formal : entry.formals)
    width = std::max(width, formal.name.size());
  if (width)
    os << "\n";
  for (const DocumentedFormal &formal : entry.formals)
    os << "    " << formal.name << std::string(width - formal.name.size() + 2, ' ') << describe(formal) << "\n";
}

void xfer::dsl::printFileText(llvm::raw_ostream &os, const DocumentedEntry &entry) {
  os << entry.file << "\n\n";
  printIndented(os, entry.fileText);
}

void xfer::dsl::printEntryMarkdown(llvm::raw_ostream &os, const DocumentedEntry &entry, unsigned level) {
  // Comments hold `x: [n]` and `a * b`, which Markdown would read as links and emphasis: they stand as they are.
  os << std::string(level, '#') << " `" << entry.name << "`\n\n```xfer\n" << entry.signature << "\n```\n\n";
  if (!entry.text.empty())
    os << "```text\n" << entry.text << "\n```\n\n";
}
