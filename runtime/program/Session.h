// A compiled program with everything that its functions are called with: values of parameters, states and hoisted
// values, options, sizes of splits, one arena for all functions.
#ifndef XFER_RUNTIME_PROGRAM_SESSION_H
#define XFER_RUNTIME_PROGRAM_SESSION_H

#include "runtime/core/Bytes.h"
#include "runtime/program/Buffer.h"
#include "runtime/program/Context.h"
#include "runtime/program/Manifest.h"
#include <map>

namespace xfer::rt {

struct OptionValue {
  double number = 0;
  std::string text; // of a string option
};

// The weight files that the program takes along (xfer/rt/weights.h), and where they are, for messages.
struct TakenFiles {
  Bytes block;
  std::string place; // "'prog.weights'"
};

// What `counter` arguments see.
struct Counters {
  int64_t step = 0, epoch = 0, steps = 0, epochs = 0, stale = 0;
};

// Values of variables by position; an empty entry is not part of the snapshot.
using Snapshot = std::vector<std::string>;

class Session {
public:
  // What the program says of itself, checked. Runs none of its code.
  static Expected<Manifest> describe(const xfer_program_t &program);
  // The program stays where it is; options have their defaults.
  static Expected<std::unique_ptr<Session>> open(const xfer_program_t &program, Manifest manifest);

  const xfer_program_t &program;
  const Manifest manifest;
  xfer_context context;
  uint64_t seed = 0;
  TakenFiles files;
  std::vector<OptionValue> options; // as they were given
  std::map<int, double> swept;      // by position: those that a sweep sets, while it runs and behind it
  // What the program sees.
  double optionNumber(int option) const {
    auto found = swept.find(option);
    return found == swept.end() ? options[option].number : found->second;
  }
  std::vector<Buffer> variables; // as in manifest.variables
  std::vector<Buffer> hoisted;   // as in manifest.hoisted
  std::map<std::string, int64_t> extents;
  std::map<std::string, std::vector<std::string>> classNames; // by "DOMAIN.FIELD": what the data or the model call them

  std::map<std::string, std::string> dataHashes; // of the files of each domain that the model was trained with

  // Number of samples of a split; every symbol of the manifest must have been set when a function is called.
  void setExtent(const std::string &symbol, int64_t size) { extents[symbol] = size; }

  // Room for the states with a row for each sample, zeros; the sizes of the splits are known.
  Status allocateRows();

  // Scratch memory of at least this size, shared by all functions: nothing lives in it between calls.
  Expected<xfer_buffer_t> arenaOf(uint64_t bytes);

  // Copies constants into the variables that have one: the states of stage `stage`, or what belongs to no stage.
  void setConstants(const std::string &stage = {});

  // Model: parameters and states of modules; StageStates: those of all stages.
  enum Part : unsigned { Model = 1, ProgramStates = 2, StageStates = 4 };
  // Values of the parts, and of the states of stage `stage` if that is not empty.
  Snapshot snapshot(unsigned parts, const std::string &stage = {}) const;
  void restore(const Snapshot &values);

  // Sentence about a site: "digits.xfer:31:8: loss task = ...".
  std::string describeSite(int32_t site) const;

private:
  Session(const xfer_program_t &program, Manifest manifest);
  Buffer arena;
};

} // namespace xfer::rt

#endif
