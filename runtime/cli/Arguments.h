// The command line of a compiled program: the verbs, the runtime's own options, and one option for every `param`.
#ifndef XFER_RUNTIME_CLI_ARGUMENTS_H
#define XFER_RUNTIME_CLI_ARGUMENTS_H

#include "runtime/program/Session.h"

namespace xfer::rt {

enum class Verb { Train, Evaluate, Predict, Export };

struct Arguments {
  Verb verb = Verb::Train;
  uint64_t seed = 0;
  bool seedGiven = false;
  unsigned threads = 0; // 0: as many as there are
  int64_t runs = 1;
  std::string out, data = ".", weights, output, format, exportName, stepTimes, trace;
  std::vector<std::string> inputs;
  bool resume = false, overwrite = false, json = false, report = false;
  std::vector<OptionValue> options; // as in the manifest
  std::vector<bool> given;          // on the command line
};

struct ParsedArguments {
  bool proceed = false;
  int exitCode = 0; // if not
  Arguments arguments;
};

// Prints help or what is wrong by itself. `fallback` is the verb of a command line without one.
ParsedArguments parseArguments(int argc, char **argv, const Manifest &manifest, Verb fallback);

} // namespace xfer::rt

#endif
