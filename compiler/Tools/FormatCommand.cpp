#include "compiler/Tools/FormatCommand.h"
#include "compiler/Tools/Report.h"
#include "compiler/Tools/WriteFile.h"
#include "dsl/AST/Print.h"
#include "dsl/Format/Format.h"
#include "dsl/Parse/Parser.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"
#include <algorithm>

using namespace llvm;

namespace xfer {

/// What the parser understands of a text.
static std::string meaningOf(const dsl::SourceManager &sources, dsl::FileId file) {
  dsl::Diagnostics none;
  std::string text;
  raw_string_ostream os(text);
  if (std::unique_ptr<dsl::File> ast = dsl::parseFile(sources, file, none))
    dsl::print(os, *ast);
  return text;
}

/// The text laid out; nothing after a mistake in it, which is printed.
static std::optional<std::string> format(dsl::SourceManager &sources, dsl::FileId file) {
  dsl::Diagnostics diagnostics;
  std::optional<std::string> text = dsl::formatFile(sources, file, diagnostics);
  diagnostics.finish();
  dsl::printText(errs(), sources, diagnostics);
  if (!text)
    return std::nullopt;
  if (meaningOf(sources, file) != meaningOf(sources, sources.addText("formatted", *text))) {
    fail("'" + sources.getName(file) +
         "' would mean something else when formatted, which is a mistake of the formatter; the file is left as it is");
    return std::nullopt;
  }
  return text;
}

static int formatStandardInput(bool check) {
  ErrorOr<std::unique_ptr<MemoryBuffer>> input = MemoryBuffer::getSTDIN();
  if (!input)
    return fail("cannot read standard input: " + input.getError().message());
  dsl::SourceManager sources;
  std::optional<std::string> text = format(sources, sources.addText("<standard input>", (*input)->getBuffer()));
  if (!text)
    return 1;
  if (!check) {
    outs() << *text;
    return 0;
  }
  if (*text == (*input)->getBuffer())
    return 0;
  outs() << "<standard input>\n";
  return 1;
}

static int formatPath(StringRef path, bool check) {
  dsl::SourceManager sources;
  Expected<dsl::FileId> file = sources.openFile(path);
  if (!file)
    return fail(file.takeError());
  std::optional<std::string> text = format(sources, *file);
  if (!text)
    return 1;
  if (*text == sources.getText(*file))
    return 0;
  if (check) {
    outs() << path << "\n";
    return 1;
  }
  if (Error error = replaceFile(path, *text))
    return fail(std::move(error));
  return 0;
}

/// The programs below a folder, in order; what is no folder stands for itself.
static Expected<std::vector<std::string>> expand(StringRef path) {
  if (!sys::fs::is_directory(path))
    return std::vector<std::string>{path.str()};
  std::vector<std::string> found;
  std::error_code error;
  for (sys::fs::recursive_directory_iterator at(path, error, /*follow_symlinks=*/false), end; at != end && !error;
       at.increment(error))
    if (sys::path::extension(at->path()) == ".xfer" && !sys::fs::is_directory(at->path()))
      found.push_back(at->path());
  if (error)
    return createStringError(error, "cannot read '%s': %s", path.str().c_str(), error.message().c_str());
  if (found.empty())
    return createStringError("there is no program (.xfer) below '%s'", path.str().c_str());
  std::sort(found.begin(), found.end());
  return found;
}

int formatFiles(const std::vector<std::string> &paths, bool check) {
  int status = 0;
  for (const std::string &path : paths) {
    if (path == "-") {
      status |= formatStandardInput(check);
      continue;
    }
    Expected<std::vector<std::string>> files = expand(path);
    if (!files) {
      status |= fail(files.takeError());
      continue;
    }
    for (const std::string &file : *files)
      status |= formatPath(file, check);
  }
  return status;
}

} // namespace xfer
