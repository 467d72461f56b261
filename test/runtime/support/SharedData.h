// Real data that is not part of the project: in the folder shared/data beside the repository, or in XFER_SHARED_DATA.
#ifndef XFER_TEST_RUNTIME_SHAREDDATA_H
#define XFER_TEST_RUNTIME_SHAREDDATA_H

#include <cstdlib>
#include <filesystem>
#include <string>

namespace xfer::rt::test {

// Empty if it is not there.
inline std::string sharedData() {
  if (const char *named = std::getenv("XFER_SHARED_DATA"))
    return named;
  for (std::filesystem::path place = std::filesystem::current_path();; place = place.parent_path()) {
    if (std::filesystem::exists(place / "shared/data"))
      return place / "shared/data";
    if (place == place.parent_path())
      return "";
  }
}

} // namespace xfer::rt::test

// Ends the test with a message where the data is absent.
#define XFER_NEED_SHARED_DATA(name)                                                                                    \
  std::string name = xfer::rt::test::sharedData();                                                                     \
  if (name.empty())                                                                                                    \
  GTEST_SKIP() << "the folder shared/data is not beside the repository"

#endif
