// Compresses bytes for tests.
#ifndef XFER_TEST_RUNTIME_PACK_H
#define XFER_TEST_RUNTIME_PACK_H

#include <string>
#include <string_view>
#include <zlib.h>

namespace xfer::rt::test {

// windowBits 31: gzip; -15: deflate without a frame, as in zip files.
inline std::string deflated(std::string_view plain, int windowBits) {
  z_stream zlib{};
  deflateInit2(&zlib, 9, Z_DEFLATED, windowBits, 9, Z_DEFAULT_STRATEGY);
  std::string packed(deflateBound(&zlib, plain.size()) + 64, '\0');
  zlib.next_in = reinterpret_cast<Bytef *>(const_cast<char *>(plain.data()));
  zlib.avail_in = plain.size();
  zlib.next_out = reinterpret_cast<Bytef *>(packed.data());
  zlib.avail_out = packed.size();
  deflate(&zlib, Z_FINISH);
  packed.resize(zlib.total_out);
  deflateEnd(&zlib);
  return packed;
}
inline std::string gzipped(std::string_view plain) { return deflated(plain, 31); }

} // namespace xfer::rt::test

#endif
