//===- NewCommand.h - `xferc new` ---------------------------------------------------------------------------------===//

#ifndef XFER_COMPILER_TOOLS_NEWCOMMAND_H
#define XFER_COMPILER_TOOLS_NEWCOMMAND_H

#include <string>
#include <vector>

namespace xfer {

/// The kinds of programs that there are to begin with.
std::vector<std::string> getStarterKinds();

/// Writes NAME.xfer, a commented program of that kind that runs as it is. The exit status: 1 if the file is there.
int writeStarter(const std::string &name, const std::string &kind);

} // namespace xfer

#endif // XFER_COMPILER_TOOLS_NEWCOMMAND_H
