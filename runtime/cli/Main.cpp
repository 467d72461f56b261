// main of every compiled program.
#include "runtime/cli/Command.h"
#include "runtime/cli/Processor.h"
#include "runtime/cli/WeightsBeside.h"
#include "runtime/metrics/JsonText.h"
#include <algorithm>
#include <csignal>
#include <unistd.h>

using namespace xfer::rt;

static std::atomic<bool> interrupt{false};

// The first signal asks the run to stop after its step; the next one ends the process as if there were no handler.
static void onSignal(int signal) {
  interrupt.store(true);
  std::signal(signal, SIG_DFL);
}

// Files are mapped: one that another process shortens while it is read, or a disk that fails, ends the run here. Only
// what signal handlers may call is called.
static void onLostFile(int) {
  static constexpr char text[] = "error: a file was shortened, or its disk failed, while it was read; the last "
                                 "checkpoint is kept\n";
  (void)!::write(STDERR_FILENO, text, sizeof(text) - 1);
  ::_exit(exitFailure);
}

static int complain(const std::string &program, const Status &status) {
  std::fprintf(stderr, "%s: error: %s\n", program.c_str(), printableText(status.message()).c_str());
  return exitFailure;
}

static Expected<int> dispatch(const Command &command) {
  switch (command.arguments.verb) {
  case Verb::Train:
    return train(command);
  case Verb::Evaluate:
    return evaluateModel(command);
  case Verb::Predict:
    return predict(command);
  case Verb::Export:
    return exportModel(command);
  }
  return exitFailure;
}

int main(int argc, char **argv) {
  std::string name = argc > 0 ? argv[0] : "program";
  name = name.substr(name.rfind('/') + 1);
  // Nothing of the compiled code has run so far: its instructions may be unknown to this processor.
  Expected<Manifest> manifest = Session::describe(xfer_program);
  if (!manifest)
    return complain(name, manifest.status());
  if (Status status = checkProcessor(manifest->triple, manifest->features); status.failed())
    return complain(name, status);
  Expected<Executable> executable = openExecutable();
  if (!executable)
    return complain(name, executable.status());
  ParsedArguments parsed = parseArguments(argc, argv, *manifest, executable->model ? Verb::Predict : Verb::Train);
  if (!parsed.proceed)
    return parsed.exitCode;

  if (Status status = openWeightsBeside(xfer_program, *manifest, *executable); status.failed())
    return complain(name, status);
  if (parsed.arguments.verb == Verb::Train) {
    std::signal(SIGINT, onSignal);
    std::signal(SIGTERM, onSignal);
  }
  // Writing fails with a reason instead.
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  std::signal(SIGBUS, onLostFile);
  unsigned threads = parsed.arguments.threads ? parsed.arguments.threads : ThreadTeam::availableThreads();
  ThreadTeam team(std::clamp(threads, 1u, 1024u));
  Command command{xfer_program, *manifest, parsed.arguments, *executable, team, interrupt};
  Expected<int> code = dispatch(command);
  if (!code)
    return complain(name, code.status());
  if (std::fflush(stdout) != 0 && *code == exitOk)
    return complain(name, failure("the output cannot be written"));
  return *code;
}
