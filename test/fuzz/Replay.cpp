// Runs a fuzz target over files and folders of files, each once: how seeds and old findings are tested without a
// fuzzer.
#include "test/fuzz/Fuzz.h"
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace fs = std::filesystem;

static int run(const fs::path &path) {
  std::ifstream file(path, std::ios::binary);
  std::string bytes((std::istreambuf_iterator<char>(file)), {});
  if (!file) {
    std::fprintf(stderr, "cannot read '%s'\n", path.c_str());
    return -1;
  }
  std::printf("%s\n", path.c_str());
  std::fflush(stdout); // the name of the file that ends the process
  LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t *>(bytes.data()), bytes.size());
  return 1;
}

int main(int argc, char **argv) {
  int count = 0;
  for (int i = 1; i < argc; ++i) {
    if (!fs::is_directory(argv[i])) {
      int ran = run(argv[i]);
      if (ran < 0)
        return 1;
      count += ran;
      continue;
    }
    for (const fs::directory_entry &entry : fs::recursive_directory_iterator(argv[i])) {
      if (!entry.is_regular_file())
        continue;
      if (run(entry.path()) < 0)
        return 1;
      ++count;
    }
  }
  std::printf("%d inputs\n", count);
  return count ? 0 : 1;
}
