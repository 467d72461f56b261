#include "test/fuzz/Fuzz.h"
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <unistd.h>

const std::string &xfer::fuzz::scratchFolder() {
  struct Folder {
    std::string path = (std::filesystem::temp_directory_path() / "xfer-fuzz-XXXXXX").string();
    Folder() {
      if (!mkdtemp(path.data())) {
        std::perror(path.c_str());
        std::exit(2);
      }
    }
    ~Folder() {
      std::error_code ignored;
      std::filesystem::remove_all(path, ignored);
    }
  };
  static const Folder folder;
  return folder.path;
}

void xfer::fuzz::writeFile(const std::string &path, std::string_view bytes) {
  // A file that is cut short and written again goes to the disk when it is closed, on ext4, a new one does not.
  std::error_code ignored;
  std::filesystem::remove(path, ignored);
  std::ofstream file(path, std::ios::binary);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  file.close();
  if (!file) {
    std::perror(path.c_str());
    std::exit(2);
  }
}

void xfer::fuzz::require(bool holds, const char *what) {
  if (holds)
    return;
  std::fprintf(stderr, "%s\n", what);
  std::abort();
}
