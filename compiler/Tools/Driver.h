//===- Driver.h - what the commands of xferc do -------------------------------------------------------------------===//

#ifndef XFER_COMPILER_TOOLS_DRIVER_H
#define XFER_COMPILER_TOOLS_DRIVER_H

#include <string>
#include <vector>

namespace xfer {

struct CompilerSession;

struct DriverOptions {
  std::string executable; // path of xferc itself
  std::string input;      // .xfer; or .mlir, the stage `xfer` as text
  std::string output;
  std::string targetCpu = "native";
  std::string emit = "program";
  std::vector<std::string> disable;
  std::vector<std::string> constants; // values of `const`s, each NAME=VALUE
  std::string data;                   // where weight files of `load` are looked up first
  bool weightsBeside = false;         // in OUTPUT.weights instead of inside the executable
  bool strip = true;
  bool json = false;   // diagnostics as JSON
  bool strict = false; // warnings are errors
  std::string weightFile, exported; // of `onnx`: the weights, and which export (the first where it is empty)
};

/// Each gives the exit status: 0, or 1 after a mistake that was reported on standard error.
int checkProgram(const DriverOptions &options);
int checkProgram(const DriverOptions &options, CompilerSession &session);
int buildProgram(const DriverOptions &options);
int explainProgram(const DriverOptions &options);
/// Writes an export with the weights of a run as an ONNX file.
int writeOnnxFile(const DriverOptions &options);
/// Builds into the cache unless it is there, and becomes the program: returns only if that fails.
int runProgram(const DriverOptions &options, const std::vector<std::string> &arguments);

} // namespace xfer

#endif // XFER_COMPILER_TOOLS_DRIVER_H
