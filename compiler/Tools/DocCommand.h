//===- DocCommand.h - `xferc doc` ---------------------------------------------------------------------------------===//

#ifndef XFER_COMPILER_TOOLS_DOCCOMMAND_H
#define XFER_COMPILER_TOOLS_DOCCOMMAND_H

#include <string>
#include <vector>

namespace xfer {

struct DocOptions {
  std::vector<std::string> names; // of entries, or programs (.xfer); nothing: all of the library
  std::string output;             // standard output if empty
  bool markdown = false;
  bool list = false;
  bool check = false;
};

/// The exit status: 1 after a mistake, and after a `check` that found something.
int printDocumentation(const DocOptions &options);

/// The names of all that the library defines.
std::vector<std::string> getLibraryNames();

} // namespace xfer

#endif // XFER_COMPILER_TOOLS_DOCCOMMAND_H
