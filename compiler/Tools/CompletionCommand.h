//===- CompletionCommand.h - `xferc completion` -------------------------------------------------------------------===//

#ifndef XFER_COMPILER_TOOLS_COMPLETIONCOMMAND_H
#define XFER_COMPILER_TOOLS_COMPLETIONCOMMAND_H

#include <string>
#include <vector>

namespace xfer {

/// An option as it is typed, with what may follow it.
struct CompletedOption {
  std::string name;                // `--emit`
  std::string help;                // one sentence
  std::vector<std::string> values; // all that may follow; empty: anything
  bool takesValue = false;
  bool takesFile = false;
};

struct CompletedCommand {
  std::string name, help;
  std::vector<CompletedOption> options;
  std::vector<std::string> words; // that may stand for themselves: names of the library, kinds of shells
  bool takesPrograms = false;
  bool takesFiles = false; // of any name
};

/// Prints the script that completes these commands; false if there is none for the shell.
bool printCompletion(const std::string &shell, const std::vector<CompletedCommand> &commands);

} // namespace xfer

#endif // XFER_COMPILER_TOOLS_COMPLETIONCOMMAND_H
