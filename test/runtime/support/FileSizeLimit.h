// Files may not grow beyond a limit while it lives: what a full disk does to a write, without a disk.
#ifndef XFER_TEST_RUNTIME_FILESIZELIMIT_H
#define XFER_TEST_RUNTIME_FILESIZELIMIT_H

#include <csignal>
#include <sys/resource.h>

namespace xfer::rt::test {

class FileSizeLimit {
public:
  explicit FileSizeLimit(rlim_t bytes) {
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before);
    rlimit small = before;
    small.rlim_cur = bytes;
    setrlimit(RLIMIT_FSIZE, &small);
  }
  ~FileSizeLimit() { setrlimit(RLIMIT_FSIZE, &before); }

private:
  rlimit before;
};

} // namespace xfer::rt::test

#endif
