//===- TemporaryFile.cpp - who removes a file when a signal ends the process --------------------------------------===//

#include "compiler/Support/TemporaryFile.h"
#include "llvm/Support/Signals.h"
#include <atomic>
#include <csignal>
#include <unistd.h>

using namespace llvm;

namespace xfer {

// The signal that came, shifted by one, and whether it has to wait. One word: of a delay that begins and a signal that
// another thread takes, each sees the other.
static std::atomic<int> interruptState;
constexpr int delayed = 1;

static void removeAndDie(int number) {
  sys::RunInterruptHandlers();
  signal(number, SIG_DFL);
  raise(number);
}

static void onInterrupt(int number) {
  int state = interruptState.load();
  do
    if (state & ~delayed)
      return; // the process is already ending
  while (!interruptState.compare_exchange_weak(state, state | number << 1));
  if (!state)
    removeAndDie(number);
}

/// LLVM's handlers first, which take crashes too; the three signals are taken from them.
static bool installHandlers() {
  constexpr int numbers[] = {SIGINT, SIGTERM, SIGHUP};
  struct sigaction before[std::size(numbers)];
  for (size_t i = 0; i < std::size(numbers); ++i)
    sigaction(numbers[i], nullptr, &before[i]);
  sys::SetInterruptFunction(nullptr);
  for (size_t i = 0; i < std::size(numbers); ++i) {
    struct sigaction action = {};
    action.sa_handler = before[i].sa_handler == SIG_IGN ? SIG_IGN : onInterrupt;
    action.sa_flags = SA_NODEFER | SA_ONSTACK | SA_RESTART;
    sigaction(numbers[i], &action, nullptr);
  }
  return true;
}

InterruptDelay::InterruptDelay() {
  [[maybe_unused]] static bool installed = installHandlers();
  if (interruptState.fetch_or(delayed) & ~delayed)
    for (;;)
      pause(); // another thread is ending the process
}

InterruptDelay::~InterruptDelay() {
  if (int number = interruptState.fetch_and(~delayed) >> 1)
    removeAndDie(number);
}

TemporaryFile::TemporaryFile(const Twine &front, StringRef end) {
  InterruptDelay delay;
  do {
    SmallString<8> digits;
    sys::fs::createUniquePath("%%%%%%", digits, /*MakeAbsolute=*/false);
    name.clear();
    (front + digits + end).toVector(name);
  } while (sys::fs::exists(name));
  if (auto file = sys::fs::openNativeFileForWrite(name, sys::fs::CD_CreateNew, sys::fs::OF_None))
    sys::fs::closeFile(*file);
  else
    consumeError(file.takeError());
  sys::RemoveFileOnSignal(name);
}

TemporaryFile::~TemporaryFile() {
  sys::fs::remove(name);
  sys::DontRemoveFileOnSignal(name);
}

} // namespace xfer
