#include "compiler/Tools/DocCommand.h"
#include "compiler/Elaborate/Evaluator.h"
#include "compiler/Tools/EmbeddedFiles.h"
#include "compiler/Tools/Report.h"
#include "compiler/Tools/WriteFile.h"
#include "dsl/Doc/Reference.h"
#include "dsl/Parse/Parser.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"
#include <algorithm>

using namespace llvm;

namespace xfer {
namespace {

using Entries = std::vector<dsl::DocumentedEntry>;

/// A function of the language itself has no comment: its arguments must do.
dsl::DocumentedEntry describe(const Builtin &builtin) {
  dsl::DocumentedEntry entry;
  entry.name = builtin.name;
  entry.kind = "built in";
  entry.signature = entry.name + "(" + llvm::join(builtin.formals, ", ") + ")";
  entry.text = "A function of the language itself. What has a '?' may be left out; '..' stands for any number.";
  return entry;
}

class DocPrinter {
public:
  explicit DocPrinter(const DocOptions &options) : options(options) {}

  /// Collects what was asked for; false after a mistake, which is printed.
  bool collect();
  int check() const;
  std::string print() const;
  Entries readLibrary();

private:
  Entries parse(dsl::FileId file);
  bool addFile(StringRef path);
  bool addNamed(const Entries &library, StringRef name);
  void printList(raw_ostream &os) const;
  void printText(raw_ostream &os) const;
  void printMarkdown(raw_ostream &os) const;

  const DocOptions &options;
  dsl::SourceManager sources;
  dsl::Diagnostics diagnostics;
  Entries entries;
};

Entries DocPrinter::parse(dsl::FileId file) {
  std::unique_ptr<dsl::File> ast = dsl::parseFile(sources, file, diagnostics);
  return ast ? dsl::collectEntries(sources, *ast) : Entries();
}

/// By folder, then in the order of the files and of the text.
Entries DocPrinter::readLibrary() {
  std::vector<const EmbeddedFile *> files;
  for (const EmbeddedFile *file = embeddedLibrary; file->path; ++file)
    files.push_back(file);
  llvm::sort(files, [](auto *a, auto *b) { return StringRef(a->path) < StringRef(b->path); });
  Entries library;
  for (const EmbeddedFile *file : files)
    for (dsl::DocumentedEntry &entry : parse(sources.addText(("std/" + Twine(file->path)).str(), file->text)))
      if (entry.kind != "param")
        library.push_back(std::move(entry));
  return library;
}

bool DocPrinter::addFile(StringRef path) {
  Expected<dsl::FileId> file = sources.openFile(path);
  if (!file)
    return fail(file.takeError()), false;
  Entries own = parse(*file);
  if (own.empty() && !diagnostics.hasErrors())
    return fail("'" + path + "' defines no function, module, constant, option or export"), false;
  llvm::append_range(entries, own);
  return true;
}

bool DocPrinter::addNamed(const Entries &library, StringRef name) {
  bool found = false;
  for (const dsl::DocumentedEntry &entry : library)
    if (entry.name == name) {
      entries.push_back(entry);
      found = true;
    }
  if (found)
    return true;
  if (const Builtin *builtin = findBuiltin(name)) {
    entries.push_back(describe(*builtin));
    return true;
  }
  std::vector<StringRef> names;
  std::string containing;
  for (const dsl::DocumentedEntry &entry : library) {
    names.push_back(entry.name);
    if (StringRef(entry.name).contains(name))
      containing += (containing.empty() ? "" : ", ") + entry.name;
  }
  std::string otherwise = containing.empty() ? "; 'xferc doc --list' lists all" : "; names with it: " + containing;
  return fail("there is no '" + name + "' in the library" + dsl::suggest(name, names, otherwise)), false;
}

bool DocPrinter::collect() {
  bool good = true;
  auto isFile = [](StringRef name) { return sys::path::extension(name) == ".xfer"; };
  Entries library;
  if (options.names.empty() || !llvm::all_of(options.names, isFile))
    library = readLibrary();
  for (const std::string &name : options.names)
    good &= isFile(name) ? addFile(name) : addNamed(library, name);
  if (options.names.empty())
    entries = std::move(library);
  diagnostics.finish();
  dsl::printText(errs(), sources, diagnostics);
  return good && !diagnostics.hasErrors();
}

int DocPrinter::check() const {
  unsigned gaps = 0;
  for (const dsl::DocumentedEntry &entry : entries) {
    std::string gap = dsl::findGap(entry);
    if (gap.empty())
      continue;
    ++gaps;
    outs() << entry.file << ":" << entry.line << ":" << entry.column << ": '" << entry.name << "' " << gap << "\n";
  }
  outs() << entries.size() - gaps << " of " << entries.size() << " entries are documented\n";
  return gaps != 0;
}

/// `std/losses/hinge.xfer` -> `losses`; of a program its name.
StringRef sectionOf(const dsl::DocumentedEntry &entry) {
  StringRef file = entry.file;
  return file.consume_front("std/") ? file.split('/').first : file;
}

/// One line an entry, below the names of the folders.
void DocPrinter::printList(raw_ostream &os) const {
  size_t width = 0;
  for (const dsl::DocumentedEntry &entry : entries)
    width = std::max(width, entry.name.size());
  StringRef section;
  for (const dsl::DocumentedEntry &entry : entries) {
    if (section != sectionOf(entry))
      os << sectionOf(entry) << "\n";
    section = sectionOf(entry);
    os << "  " << entry.name << std::string(width - entry.name.size() + 2, ' ') << dsl::firstSentence(entry.text)
       << "\n";
  }
  os << entries.size() << " entries\n";
}

/// What a file says of all its entries stands before them; who asked for one entry gets that first.
void DocPrinter::printText(raw_ostream &os) const {
  bool all = options.names.empty();
  StringRef file;
  for (const dsl::DocumentedEntry &entry : entries) {
    os << (&entry == &entries.front() ? "" : "\n");
    bool isFirst = file != entry.file, isLast = &entry == &entries.back() || (&entry)[1].file != entry.file;
    file = entry.file;
    if (all && isFirst && !entry.fileText.empty()) {
      dsl::printFileText(os, entry);
      os << "\n";
    }
    dsl::printEntryText(os, entry);
    if (!all && isLast && !entry.fileText.empty()) {
      os << "\n";
      dsl::printFileText(os, entry);
    }
  }
}

void DocPrinter::printMarkdown(raw_ostream &os) const {
  if (options.names.empty())
    os << "# The library\n\n" << entries.size() << " entries, from the comments of `stdlib/`.\n\n";
  StringRef section, file;
  for (const dsl::DocumentedEntry &entry : entries) {
    if (section != sectionOf(entry))
      os << "## " << sectionOf(entry) << "\n\n";
    section = sectionOf(entry);
    if (file != entry.file && !entry.fileText.empty())
      os << "```text\n" << entry.fileText << "\n```\n\n";
    file = entry.file;
    dsl::printEntryMarkdown(os, entry, /*level=*/3);
  }
}

std::string DocPrinter::print() const {
  std::string text;
  raw_string_ostream os(text);
  if (options.list)
    printList(os);
  else if (options.markdown)
    printMarkdown(os);
  else
    printText(os);
  return text;
}

} // namespace

std::vector<std::string> getLibraryNames() {
  DocOptions none;
  std::vector<std::string> names;
  for (const dsl::DocumentedEntry &entry : DocPrinter(none).readLibrary())
    names.push_back(entry.name);
  llvm::sort(names);
  return names;
}

int printDocumentation(const DocOptions &options) {
  DocPrinter printer(options);
  if (!printer.collect())
    return 1;
  if (options.check)
    return printer.check();
  std::string text = printer.print();
  if (options.output.empty()) {
    outs() << text;
    return 0;
  }
  if (Error error = writeFile(options.output, text))
    return fail(std::move(error));
  return 0;
}

} // namespace xfer
