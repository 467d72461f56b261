#include "compiler/Tools/NewCommand.h"
#include "compiler/Tools/EmbeddedFiles.h"
#include "compiler/Tools/Report.h"
#include "compiler/Tools/WriteFile.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace xfer {

std::vector<std::string> getStarterKinds() {
  std::vector<std::string> kinds;
  for (const EmbeddedFile *file = embeddedStarters; file->path; ++file)
    kinds.push_back(sys::path::stem(file->path).str());
  return kinds;
}

static StringRef findStarter(StringRef kind) {
  for (const EmbeddedFile *file = embeddedStarters; file->path; ++file)
    if (sys::path::stem(file->path) == kind)
      return file->text;
  return "";
}

int writeStarter(const std::string &name, const std::string &kind) {
  std::string path = name;
  if (sys::path::extension(path) != ".xfer")
    path += ".xfer";
  if (sys::path::stem(path).empty())
    return fail("'" + name + "' is no name for a program");
  // The comments name the program that they stand in.
  std::string text = findStarter(kind).str();
  std::string stem = sys::path::stem(path).str();
  for (size_t at = 0; (at = text.find("NAME", at)) != std::string::npos; at += stem.size())
    text.replace(at, 4, stem);
  if (Error error = createFile(path, text))
    return fail(std::move(error));
  outs() << "wrote '" << path << "', which runs as it is: xferc run " << path << "\n";
  return 0;
}

} // namespace xfer
