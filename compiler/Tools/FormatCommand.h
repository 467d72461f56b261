//===- FormatCommand.h - `xferc fmt` ------------------------------------------------------------------------------===//

#ifndef XFER_COMPILER_TOOLS_FORMATCOMMAND_H
#define XFER_COMPILER_TOOLS_FORMATCOMMAND_H

#include <string>
#include <vector>

namespace xfer {

/// Lays out each file in place; a folder stands for the programs below it, `-` for standard input to standard output.
/// `check`: writes nothing, names the files that would change. The exit status: 1 if one would, or after a mistake.
int formatFiles(const std::vector<std::string> &paths, bool check);

} // namespace xfer

#endif // XFER_COMPILER_TOOLS_FORMATCOMMAND_H
