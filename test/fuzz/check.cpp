// Any bytes as a program through the whole of `xferc check`: text, library, elaboration, weight files, messages.
#include "compiler/Tools/CompilerSession.h"
#include "compiler/Tools/Driver.h"
#include "test/fuzz/Fuzz.h"
#include <filesystem>
#include <memory>

namespace fs = std::filesystem;

/// Where the program stands: what most of the seeds import lies beside it as it does beside them.
static std::string makeProgramPath() {
  const fs::path folder = fs::path(xfer::fuzz::scratchFolder()) / "errors", inputs = XFER_ELABORATE_INPUTS;
  fs::create_directories(folder);
  for (const fs::path &place : {folder, folder.parent_path()})
    fs::copy(inputs, place / inputs.filename());
  return (folder / "program.xfer").string();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const std::string path = makeProgramPath();
  // Programs share a session, or most of the time would be gone before the first byte is read; not all of them do, for
  // it grows.
  constexpr unsigned perSession = 500;
  static std::unique_ptr<xfer::CompilerSession> session;
  static unsigned count = 0;
  if (count++ % perSession == 0)
    session = std::make_unique<xfer::CompilerSession>();
  xfer::fuzz::writeFile(path, {reinterpret_cast<const char *>(data), size});
  xfer::DriverOptions options;
  options.input = path;
  xfer::checkProgram(options, *session);
  return 0;
}
