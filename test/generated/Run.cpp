//===- Run.cpp - a whole run of a loaded program, with its calls watched ----------------------------------------===//

#include "Run.h"
#include "runtime/cpu/ThreadTeam.h"
#include "runtime/program/PassCache.h"
#include "runtime/program/Trainer.h"
#include "test/runtime/support/TemporaryFolder.h"
#include <utility>

using namespace xfer::rt;

namespace {

// A function of the program has no room for data of ours: so each has a function of its own that stands before it.
struct Watch {
  const xfer_program_t *program = nullptr;
  std::vector<const FunctionSpec *> functions; // by their place in the program
  xfer::generated::Observer *observer = nullptr;
} watch;

template <size_t number>
xfer_status_t watched(xfer_context *context, xfer_queue_t queue, const xfer_buffer_t *buffers,
                      const xfer_buffer_t *arena, const int64_t *extents) {
  watch.observer->before(*watch.functions[number], buffers);
  xfer_status_t status = watch.program->functions[number](context, queue, buffers, arena, extents);
  if (status == XFER_OK)
    watch.observer->after(*watch.functions[number], buffers);
  return status;
}

template <size_t... numbers> std::vector<xfer_function_t> makeTable(std::index_sequence<numbers...>) {
  return {&watched<numbers>...};
}

} // namespace

Status xfer::generated::runProgram(const xfer_program_t &program, unsigned threads, uint64_t seed, Observer &observer) {
  static const std::vector<xfer_function_t> table = makeTable(std::make_index_sequence<256>());
  if (program.function_count > table.size())
    return failure("the program has {} functions, more than can be watched", program.function_count);
  xfer_program_t watchedProgram = program;
  watchedProgram.functions = table.data();
  Expected<Manifest> manifest = Session::describe(watchedProgram);
  if (!manifest)
    return manifest.status();
  Expected<std::unique_ptr<Session>> opened = Session::open(watchedProgram, std::move(*manifest));
  if (!opened)
    return opened.status();
  Session &session = **opened;
  ThreadTeam team(threads);
  session.context.team = &team;
  session.seed = seed;
  watch = {&program, std::vector<const FunctionSpec *>(program.function_count), &observer};
  for (const FunctionSpec &function : session.manifest.functions)
    watch.functions[function.index] = &function;
  observer.begin(session);

  OpenedData noData;
  PassCache launched(session, noData);
  if (Status status = launched.runAll(session.manifest.launch, {}); status.failed())
    return status;
  test::TemporaryFolder place;
  Expected<OpenedData> data = openData(session, place.folder());
  if (!data)
    return data.status();
  Expected<RunFolder> folder = RunFolder::open(place.path("run"));
  if (!folder)
    return folder.status();
  Progress progress(stderr, Progress::Silent);
  std::atomic<bool> interrupt{false};
  Trainer trainer(session, *data, *folder, progress, interrupt);
  if (Status status = trainer.start(); status.failed())
    return status;
  return trainer.run().status();
}
