#include "compiler/Tools/LibrarySources.h"
#include "compiler/Tools/EmbeddedFiles.h"
#include "dsl/Parse/Parser.h"
#include "llvm/ADT/StringExtras.h"

using namespace llvm;

namespace xfer {

/// The name that a line at the left margin of a library file defines; empty if it defines none.
static StringRef definedName(StringRef line) {
  for (StringRef word : {"fn ", "module ", "const "})
    if (line.consume_front(word))
      return line.ltrim().take_while([](char c) { return isAlnum(c) || c == '_'; });
  return "";
}

LibrarySources::LibrarySources(dsl::SourceManager &sources) : sources(sources) {
  for (unsigned i = 0; embeddedLibrary[i].path; ++i) {
    StringRef text = embeddedLibrary[i].text;
    while (!text.empty()) {
      auto [line, rest] = text.split('\n');
      text = rest;
      if (StringRef name = definedName(line); !name.empty())
        fileOf[name] = i;
    }
  }
}

const dsl::File *LibrarySources::find(StringRef name, dsl::Diagnostics &diagnostics) {
  auto found = fileOf.find(name);
  if (found == fileOf.end())
    return nullptr;
  std::unique_ptr<dsl::File> &file = files[found->second];
  if (!file) {
    const EmbeddedFile &embedded = embeddedLibrary[found->second];
    file = dsl::parseFile(sources, sources.addText(("std/" + Twine(embedded.path)).str(), embedded.text), diagnostics);
  }
  return file.get();
}

void LibrarySources::eachName(function_ref<void(StringRef)> visit) const {
  for (auto &entry : fileOf)
    visit(entry.getKey());
}

} // namespace xfer
