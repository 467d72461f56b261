#include "dsl/Source/Diagnostics.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/Unicode.h"
#include "llvm/Support/raw_ostream.h"

using namespace xfer::dsl;

namespace {

/// Longer lines (generated files) are not shown: an excerpt is for reading.
constexpr size_t longestExcerpt = 240;

/// Terminal columns of `text`, bytes where it is no valid UTF-8.
unsigned widthOf(llvm::StringRef text) {
  int width = llvm::sys::unicode::columnWidthUTF8(text);
  return width < 0 ? text.size() : width;
}

/// Blanks as wide as `text`, its tabs kept, so that what follows stands below what followed.
std::string blanksFor(llvm::StringRef text) {
  std::string blanks;
  while (!text.empty()) {
    auto [piece, rest] = text.split('\t');
    blanks.append(widthOf(piece), ' ');
    if (piece.size() != text.size())
      blanks += '\t';
    text = rest;
  }
  return blanks;
}

class TextPrinter {
public:
  TextPrinter(llvm::raw_ostream &os, const SourceManager &sources) : os(os), sources(sources) {}

  void print(const Diagnostic &diagnostic) {
    place(diagnostic.range);
    os << (diagnostic.severity == Severity::Error ? "error: " : "warning: ") << diagnostic.message << " ["
       << diagnostic.code << "]\n";
    excerpt(diagnostic.range);
    for (const FixIt &fix : diagnostic.fixIts)
      print(fix);
    for (const Note &note : diagnostic.notes) {
      place(note.range);
      os << "note: " << note.message << "\n";
      excerpt(note.range);
    }
  }

private:
  void place(SourceRange range) {
    if (!range.isValid())
      return;
    LineColumn at = sources.getLineColumn(range);
    os << sources.getName(range.file) << ':' << at.line << ':' << at.column << ": ";
  }

  void excerpt(SourceRange range) {
    if (!range.isValid())
      return;
    LineColumn at = sources.getLineColumn(range);
    llvm::StringRef line = sources.getLine(range.file, at.line);
    if (line.size() > longestExcerpt)
      return;
    llvm::StringRef before = line.take_front(at.column - 1);
    llvm::StringRef under = line.drop_front(before.size()).take_front(range.end - range.begin);
    unsigned width = std::max(1u, widthOf(under));
    os << llvm::format("%5u | ", at.line);
    // Control characters would act on the terminal instead of showing themselves.
    for (char c : line)
      os << (c == '\t' || static_cast<unsigned char>(c) >= 0x20 ? c : '?');
    os << "\n      | " << blanksFor(before) << '^' << std::string(width - 1, '~') << '\n';
  }

  void print(const FixIt &fix) {
    LineColumn at = sources.getLineColumn(fix.range);
    llvm::StringRef old = sources.getText(fix.range);
    os << "      = fix: ";
    if (old.empty())
      os << "insert '" << fix.replacement << "'";
    else if (fix.replacement.empty())
      os << "remove '" << old << "'";
    else
      os << "replace '" << old << "' with '" << fix.replacement << "'";
    os << " at " << at.line << ':' << at.column << '\n';
  }

  llvm::raw_ostream &os;
  const SourceManager &sources;
};

class JsonPrinter {
public:
  JsonPrinter(llvm::raw_ostream &os, const SourceManager &sources) : json(os, /*IndentSize=*/2), sources(sources) {}

  void print(const Diagnostics &diagnostics) {
    json.array([&] {
      for (const Diagnostic &diagnostic : diagnostics.getAll())
        json.object([&] { print(diagnostic); });
    });
  }

private:
  void print(const Diagnostic &diagnostic) {
    json.attribute("severity", diagnostic.severity == Severity::Error ? "error" : "warning");
    json.attribute("code", diagnostic.code);
    text("message", diagnostic.message);
    print(diagnostic.range);
    json.attributeArray("notes", [&] {
      for (const Note &note : diagnostic.notes)
        json.object([&] {
          text("message", note.message);
          print(note.range);
        });
    });
    json.attributeArray("fixIts", [&] {
      for (const FixIt &fix : diagnostic.fixIts)
        json.object([&] {
          text("replacement", fix.replacement);
          print(fix.range);
        });
    });
  }

  /// Messages quote the program, which need not be valid UTF-8; JSON must be.
  void text(llvm::StringRef key, llvm::StringRef value) {
    json.attribute(key, llvm::json::isUTF8(value) ? value.str() : llvm::json::fixUTF8(value));
  }

  void print(SourceRange range) {
    if (!range.isValid())
      return;
    LineColumn begin = sources.getLineColumn(range), end = sources.getLineColumn(range.file, range.end);
    json.attributeObject("range", [&] {
      text("file", sources.getName(range.file));
      json.attribute("line", begin.line);
      json.attribute("column", begin.column);
      json.attribute("endLine", end.line);
      json.attribute("endColumn", end.column);
    });
  }

  llvm::json::OStream json;
  const SourceManager &sources;
};

} // namespace

void xfer::dsl::printText(llvm::raw_ostream &os, const SourceManager &sources, const Diagnostics &diagnostics) {
  TextPrinter printer(os, sources);
  for (const Diagnostic &diagnostic : diagnostics.getAll())
    printer.print(diagnostic);
}

void xfer::dsl::printJson(llvm::raw_ostream &os, const SourceManager &sources, const Diagnostics &diagnostics) {
  JsonPrinter(os, sources).print(diagnostics);
  os << '\n';
}
