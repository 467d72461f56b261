#include "runtime/cli/Processor.h"
#include <gtest/gtest.h>

using namespace xfer::rt;

#if defined(__x86_64__)
// What every x86-64 processor that runs this test has is not missing; names of no instruction are passed over.
TEST(Processor, KnowsWhatIsThere) {
  EXPECT_TRUE(missingFeatures({"sse3", "cx16", "x87", "64bit", "tuning-prefer-256-bit"}).empty());
  EXPECT_TRUE(checkProcessor("x86_64-unknown-linux-gnu", {"sse3"}).ok());
}

// No processor has all of these: AMD's sse4a and Intel's matrix tiles exclude each other so far.
TEST(Processor, NamesWhatIsMissing) {
  std::vector<std::string> missing = missingFeatures({"sse4a", "amx-tile", "avx512fp16", "avxvnniint8"});
  ASSERT_FALSE(missing.empty());
  Status status = checkProcessor("x86_64-unknown-linux-gnu", {missing[0]});
  ASSERT_TRUE(status.failed());
  EXPECT_NE(status.message().find(missing[0]), std::string::npos);
  EXPECT_NE(status.message().find("--target-cpu"), std::string::npos);
}
#endif

// Another architecture is refused by name.
TEST(Processor, OtherArchitecture) {
  Status status = checkProcessor("riscv64-unknown-linux-gnu", {});
  ASSERT_TRUE(status.failed());
  EXPECT_NE(status.message().find("riscv64"), std::string::npos);
}
