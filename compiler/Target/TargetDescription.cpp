#include "compiler/Target/TargetDescription.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/Triple.h"
#include <unistd.h>

using namespace llvm;
using namespace xfer;

static constexpr StringRef knownNames[] = {"native", "x86-64", "x86-64-v3", "x86-64-v4", "aarch64"};

ArrayRef<StringRef> TargetDescription::names() { return knownNames; }

/// The registers that a set of x86 features brings.
static void describeX86(TargetDescription &target, bool avx2, bool avx512) {
  target.vectorBits = avx512 ? 512 : avx2 ? 256 : 128;
  target.vectorRegisters = avx512 ? 32 : 16;
  target.fusedMultiplyAdd = avx2 || avx512;
}

static void describeAArch64(TargetDescription &target) {
  target.vectorBits = 128;
  target.vectorRegisters = 32;
  target.fusedMultiplyAdd = true;
  target.fusedUnits = 2;
}

/// The size of a cache as the system reports it, or what the table says where it does not.
static int64_t cacheBytes(int name, int64_t otherwise) {
  long bytes = name < 0 ? 0 : sysconf(name);
  return bytes > 0 ? bytes : otherwise;
}

static void describeHostCaches(TargetDescription &target) {
#ifdef _SC_LEVEL1_DCACHE_SIZE
  target.level1Bytes = cacheBytes(_SC_LEVEL1_DCACHE_SIZE, target.level1Bytes);
  target.level2Bytes = cacheBytes(_SC_LEVEL2_CACHE_SIZE, target.level2Bytes);
#endif
}

/// Whole-vector multiply-adds a cycle of the 512-bit CPUs; Zen 4 runs one by joining two 256-bit units.
static unsigned fusedUnits512(StringRef cpu) { return cpu == "znver4" ? 1 : 2; }

static Expected<TargetDescription> describeHost() {
  TargetDescription target;
  target.name = "native";
  target.triple = sys::getDefaultTargetTriple();
  target.cpu = sys::getHostCPUName().str();
  StringMap<bool> features = sys::getHostCPUFeatures();
  SmallVector<std::string> listed;
  for (const auto &feature : features)
    listed.push_back((feature.second ? "+" : "-") + feature.first().str());
  llvm::sort(listed);
  target.features = join(listed, ",");
  Triple triple(target.triple);
  if (triple.getArch() == Triple::x86_64) {
    bool avx512 = features.lookup("avx512f") && features.lookup("avx512vl") && features.lookup("avx512dq") &&
                  features.lookup("avx512bw");
    describeX86(target, features.lookup("avx2") && features.lookup("fma"), avx512);
    if (avx512)
      target.fusedUnits = fusedUnits512(target.cpu);
  } else if (triple.isAArch64()) {
    describeAArch64(target);
  }
  describeHostCaches(target);
  return target;
}

Expected<TargetDescription> TargetDescription::get(StringRef name) {
  if (name == "native")
    return describeHost();
  TargetDescription target;
  target.name = target.cpu = name.str();
  target.triple = "x86_64-unknown-linux-gnu";
  if (name == "x86-64") {
    describeX86(target, /*avx2=*/false, /*avx512=*/false);
  } else if (name == "x86-64-v3") {
    describeX86(target, /*avx2=*/true, /*avx512=*/false);
  } else if (name == "x86-64-v4") {
    describeX86(target, /*avx2=*/true, /*avx512=*/true);
    target.level2Bytes = 1 << 20;
  } else if (name == "aarch64") {
    target.triple = "aarch64-unknown-linux-gnu";
    target.cpu = "generic";
    describeAArch64(target);
  } else {
    return createStringError(inconvertibleErrorCode(), "unknown target cpu '%s'; known are %s", name.str().c_str(),
                             join(names(), ", ").c_str());
  }
  return target;
}
