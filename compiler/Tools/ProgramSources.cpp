#include "compiler/Tools/ProgramSources.h"
#include "dsl/Parse/Parser.h"
#include "xfer/rt/TextFile.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace llvm;

namespace xfer {

const dsl::File *ProgramSources::parse(dsl::FileId file) {
  auto &slot = parsed[file];
  if (!slot)
    slot = dsl::parseFile(sources, file, diagnostics);
  return slot.get();
}

const dsl::File *ProgramSources::open(StringRef path) {
  Expected<dsl::FileId> file = sources.openFile(path);
  if (!file) {
    diagnostics.error("cannot-read", {}, toString(file.takeError()));
    return nullptr;
  }
  SmallString<128> real;
  if (!sys::fs::real_path(path, real))
    opened[real] = *file;
  ownFiles.push_back(*file);
  return parse(*file);
}

const dsl::File *ProgramSources::import(StringRef path, dsl::FileId importer, dsl::SourceRange range) {
  SmallString<128> full(path), real;
  if (sys::path::is_relative(path)) {
    full = sys::path::parent_path(sources.getName(importer));
    sys::path::append(full, path);
  }
  if (!sys::fs::real_path(full, real))
    if (auto known = opened.find(real); known != opened.end())
      return parse(known->second);
  Expected<dsl::FileId> file = sources.openFile(full);
  if (!file) {
    diagnostics.error("cannot-read", range, toString(file.takeError()));
    return nullptr;
  }
  opened[real] = *file;
  ownFiles.push_back(*file);
  return parse(*file);
}

std::optional<std::string> ProgramSources::readText(StringRef name, dsl::SourceRange range) {
  constexpr uint64_t limit = uint64_t(256) << 20;
  std::vector<std::string> paths;
  auto add = [&](StringRef parent) {
    SmallString<128> path(parent);
    sys::path::append(path, name);
    if (!is_contained(paths, path.str()))
      paths.push_back(path.str().str());
  };
  if (!sys::path::is_absolute(name) && !folder.empty())
    add(folder);
  if (!sys::path::is_absolute(name))
    add(sys::path::parent_path(sources.getName(range.file)));
  add("");
  for (const std::string &path : paths) {
    lookedUp.push_back(path);
    if (!sys::fs::is_regular_file(path))
      continue;
    auto known = texts.find(path);
    if (known != texts.end())
      return known->second;
    rt::Expected<std::string> text = rt::readTextFile(path, limit);
    if (!text) {
      diagnostics.error("cannot-read", range, text.message());
      return std::nullopt;
    }
    return texts[path] = std::move(*text);
  }
  diagnostics.error("cannot-read", range,
                    ("'" + name + "' is not there; it is read while the program is built. Looked for: '" +
                     join(paths, "', '") + "'; --data of xferc names another folder")
                        .str());
  return std::nullopt;
}

} // namespace xfer
