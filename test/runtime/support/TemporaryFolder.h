// A folder of its own for a test, removed afterwards, with the cache inside.
#ifndef XFER_TEST_RUNTIME_TEMPORARYFOLDER_H
#define XFER_TEST_RUNTIME_TEMPORARYFOLDER_H

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

namespace xfer::rt::test {

class TemporaryFolder {
public:
  TemporaryFolder() {
    std::string pattern = std::filesystem::temp_directory_path() / "xfer-test-XXXXXX";
    root = mkdtemp(pattern.data());
    setenv("XFER_CACHE", path("cache").c_str(), 1);
  }
  ~TemporaryFolder() { std::filesystem::remove_all(root); }

  const std::string &folder() const { return root; }
  std::string path(const std::string &name) const { return root + "/" + name; }

  // Writes a file and gives its path.
  std::string write(const std::string &name, std::string_view content) const {
    std::ofstream(path(name), std::ios::binary).write(content.data(), content.size());
    return path(name);
  }
  std::string read(const std::string &name) const {
    std::ifstream file(path(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  std::vector<std::string> list(const std::string &name = ".") const {
    std::vector<std::string> names;
    if (std::filesystem::exists(path(name)))
      for (auto &entry : std::filesystem::directory_iterator(path(name)))
        names.push_back(entry.path().filename());
    return names;
  }

private:
  std::string root;
};

} // namespace xfer::rt::test

#endif
