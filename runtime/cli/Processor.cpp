#include "runtime/cli/Processor.h"
#include <algorithm>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace xfer::rt {

#if defined(__x86_64__)
static constexpr const char *architecture = "x86_64";

namespace {
enum Register { A, B, C, D };
struct Bit {
  const char *name;
  unsigned leaf, subleaf;
  Register reg;
  unsigned bit;
  unsigned saved; // parts of the register file that the operating system must save, as in XCR0
};
} // namespace

static constexpr unsigned ymm = 0x6, zmm = 0xE6, tiles = 0x60000;

static const Bit bits[] = {
    {"sse3", 1, 0, C, 0, 0},
    {"pclmul", 1, 0, C, 1, 0},
    {"ssse3", 1, 0, C, 9, 0},
    {"fma", 1, 0, C, 12, ymm},
    {"cx16", 1, 0, C, 13, 0},
    {"sse4.1", 1, 0, C, 19, 0},
    {"sse4.2", 1, 0, C, 20, 0},
    {"movbe", 1, 0, C, 22, 0},
    {"popcnt", 1, 0, C, 23, 0},
    {"aes", 1, 0, C, 25, 0},
    {"xsave", 1, 0, C, 26, 0},
    {"avx", 1, 0, C, 28, ymm},
    {"f16c", 1, 0, C, 29, ymm},
    {"rdrnd", 1, 0, C, 30, 0},
    {"fsgsbase", 7, 0, B, 0, 0},
    {"bmi", 7, 0, B, 3, 0},
    {"avx2", 7, 0, B, 5, ymm},
    {"bmi2", 7, 0, B, 8, 0},
    {"avx512f", 7, 0, B, 16, zmm},
    {"avx512dq", 7, 0, B, 17, zmm},
    {"rdseed", 7, 0, B, 18, 0},
    {"adx", 7, 0, B, 19, 0},
    {"avx512ifma", 7, 0, B, 21, zmm},
    {"avx512cd", 7, 0, B, 28, zmm},
    {"sha", 7, 0, B, 29, 0},
    {"avx512bw", 7, 0, B, 30, zmm},
    {"avx512vl", 7, 0, B, 31, zmm},
    {"avx512vbmi", 7, 0, C, 1, zmm},
    {"avx512vbmi2", 7, 0, C, 6, zmm},
    {"gfni", 7, 0, C, 8, 0},
    {"vaes", 7, 0, C, 9, ymm},
    {"vpclmulqdq", 7, 0, C, 10, ymm},
    {"avx512vnni", 7, 0, C, 11, zmm},
    {"avx512bitalg", 7, 0, C, 12, zmm},
    {"avx512vpopcntdq", 7, 0, C, 14, zmm},
    {"avx512fp16", 7, 0, D, 23, zmm},
    {"amx-bf16", 7, 0, D, 22, tiles},
    {"amx-tile", 7, 0, D, 24, tiles},
    {"amx-int8", 7, 0, D, 25, tiles},
    {"avxvnni", 7, 1, A, 4, ymm},
    {"avx512bf16", 7, 1, A, 5, zmm},
    {"avxvnniint8", 7, 1, D, 4, ymm},
    {"lzcnt", 0x80000001, 0, C, 5, 0},
    {"sse4a", 0x80000001, 0, C, 6, 0},
    {"prfchw", 0x80000001, 0, C, 8, 0},
};

static uint64_t savedRegisters() {
  unsigned a, b, c, d;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE))
    return 0;
  unsigned low, high;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (static_cast<uint64_t>(high) << 32) | low;
}

static bool hasFeature(const Bit &row, uint64_t saved) {
  unsigned registers[4] = {};
  return __get_cpuid_count(row.leaf, row.subleaf, &registers[A], &registers[B], &registers[C], &registers[D]) &&
         (registers[row.reg] >> row.bit & 1) && (saved & row.saved) == row.saved;
}

std::vector<std::string> missingFeatures(const std::vector<std::string> &features) {
  std::vector<std::string> missing;
  uint64_t saved = savedRegisters();
  for (const std::string &feature : features) {
    auto row = std::find_if(std::begin(bits), std::end(bits), [&](const Bit &row) { return feature == row.name; });
    if (row != std::end(bits) && !hasFeature(*row, saved))
      missing.push_back(feature);
  }
  return missing;
}
#else
#if defined(__aarch64__)
static constexpr const char *architecture = "aarch64";
#else
static constexpr const char *architecture = "unknown";
#endif
std::vector<std::string> missingFeatures(const std::vector<std::string> &) { return {}; }
#endif

Status checkProcessor(const std::string &triple, const std::vector<std::string> &features) {
  std::string wanted = triple.substr(0, triple.find('-'));
  if (wanted != architecture)
    return failure("this program was built for {}, this machine is {}; build it here", wanted, architecture);
  std::vector<std::string> missing = missingFeatures(features);
  if (missing.empty())
    return Status::success();
  std::string names;
  for (const std::string &name : missing)
    names += (names.empty() ? "" : ", ") + name;
  return failure("this program was built for a processor with {}, which this one lacks; build it with "
                 "--target-cpu=native on this machine, or with --target-cpu=x86-64 for any",
                 names);
}

} // namespace xfer::rt
