// Any bytes as a program through the whole of `xferc check`: text, library, elaboration, weight files, messages.
#include "compiler/Tools/Driver.h"
#include "test/fuzz/Fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const std::string path = xfer::fuzz::scratchFolder() + "/program.xfer";
  xfer::fuzz::writeFile(path, {reinterpret_cast<const char *>(data), size});
  xfer::DriverOptions options;
  options.input = path;
  xfer::checkProgram(options);
  return 0;
}
