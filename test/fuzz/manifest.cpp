// Any bytes as what a program says of itself.
#include "runtime/program/Manifest.h"
#include "test/fuzz/Fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  (void)xfer::rt::readManifest({reinterpret_cast<const char *>(data), size}, /*functionCount=*/8,
                               /*constantsSize=*/4096);
  return 0;
}
