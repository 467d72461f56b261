// What every fuzz target has: a function over bytes, whose main is libFuzzer's in a fuzzing build (./dev fuzz) and
// Replay.cpp's in all others, where the seeds and what was once found run as a test.
#ifndef XFER_TEST_FUZZ_FUZZ_H
#define XFER_TEST_FUZZ_FUZZ_H

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

namespace xfer::fuzz {

// A folder of this process that goes with it.
const std::string &scratchFolder();

// Writes the file anew; ends the process where that fails, since nothing would be tested.
void writeFile(const std::string &path, std::string_view bytes);

// Ends the process, as a finding, where a promise of the target does not hold.
void require(bool holds, const char *what);

} // namespace xfer::fuzz

#endif
