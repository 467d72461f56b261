// Data files of every format, made by the tests.
#ifndef XFER_TEST_RUNTIME_DATA_FILES_H
#define XFER_TEST_RUNTIME_DATA_FILES_H

#include "test/runtime/support/Pack.h"
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace xfer::rt::test {

template <typename T> std::string littleEndian(T value) {
  return std::string(reinterpret_cast<const char *>(&value), sizeof(value));
}
template <typename T> std::string bigEndian(T value) {
  std::string bytes = littleEndian(value);
  return std::string(bytes.rbegin(), bytes.rend());
}
template <typename T> std::string littleEndian(const std::vector<T> &values) {
  std::string bytes;
  for (T value : values)
    bytes += littleEndian(value);
  return bytes;
}
template <typename T> std::string bigEndian(const std::vector<T> &values) {
  std::string bytes;
  for (T value : values)
    bytes += bigEndian(value);
  return bytes;
}

inline std::string idxFile(uint8_t type, const std::vector<uint32_t> &shape, const std::string &data) {
  return std::string(2, '\0') + static_cast<char>(type) + static_cast<char>(shape.size()) + bigEndian(shape) + data;
}

// `shape` as Python writes it: "(3, 2)".
inline std::string npyFile(const std::string &type, const std::string &shape, const std::string &data,
                           bool fortran = false, int version = 1) {
  std::string header =
      "{'descr': '" + type + "', 'fortran_order': " + (fortran ? "True" : "False") + ", 'shape': " + shape + ", }";
  size_t prefix = version == 1 ? 10 : 12;
  header.append(63 - (prefix + header.size()) % 64, ' ');
  header += '\n';
  std::string length = littleEndian(static_cast<uint32_t>(header.size())).substr(0, version == 1 ? 2 : 4);
  return std::string("\x93NUMPY") + static_cast<char>(version) + '\0' + length + header + data;
}

// A zip file of members, stored or deflated; zip64 puts every size into the extra fields.
inline std::string zipFile(const std::vector<std::pair<std::string, std::string>> &members, bool deflate,
                           bool zip64 = false) {
  std::string file, directory;
  for (auto &[name, plain] : members) {
    std::string packed = deflate ? deflated(plain, -15) : plain;
    uint32_t sum = crc32(0, reinterpret_cast<const Bytef *>(plain.data()), plain.size());
    uint64_t offset = file.size();
    auto sizeOf32 = [&](uint64_t size) { return littleEndian(zip64 ? 0xffffffffu : static_cast<uint32_t>(size)); };
    std::string sizes = sizeOf32(packed.size()) + sizeOf32(plain.size());
    std::string extra = zip64 ? littleEndian<uint16_t>(1) + littleEndian<uint16_t>(24) +
                                    littleEndian<uint64_t>(plain.size()) + littleEndian<uint64_t>(packed.size()) +
                                    littleEndian<uint64_t>(offset)
                              : "";
    std::string method = littleEndian<uint16_t>(deflate ? 8 : 0);
    std::string common = littleEndian<uint16_t>(0) + method + littleEndian<uint32_t>(0) + littleEndian(sum) + sizes +
                         littleEndian<uint16_t>(name.size());
    directory += "PK\1\2" + littleEndian<uint16_t>(20) + littleEndian<uint16_t>(20) + common +
                 littleEndian<uint16_t>(extra.size()) + littleEndian<uint16_t>(0) + std::string(8, '\0') +
                 sizeOf32(offset) + name + extra;
    std::string localExtra = "\x99\x99" + littleEndian<uint16_t>(3) + "abc"; // not what the directory has
    file += "PK\3\4" + littleEndian<uint16_t>(20) + common + littleEndian<uint16_t>(localExtra.size()) + name +
            localExtra + packed;
  }
  uint64_t start = file.size();
  file += directory;
  if (zip64) {
    uint64_t record = file.size();
    file += "PK\6\6" + littleEndian<uint64_t>(44) + std::string(12, '\0') + littleEndian<uint64_t>(members.size()) +
            littleEndian<uint64_t>(members.size()) + littleEndian<uint64_t>(directory.size()) +
            littleEndian<uint64_t>(start);
    file += "PK\6\7" + littleEndian<uint32_t>(0) + littleEndian(record) + littleEndian<uint32_t>(1);
  }
  uint16_t count = zip64 ? 0xffff : members.size();
  return file + "PK\5\6" + std::string(4, '\0') + littleEndian(count) + littleEndian(count) +
         littleEndian<uint32_t>(directory.size()) + littleEndian(zip64 ? 0xffffffffu : static_cast<uint32_t>(start)) +
         littleEndian<uint16_t>(0);
}

// A PNG file of 8 bits; `pixels` are rows of columns of channels.
inline std::string pngFile(uint32_t height, uint32_t width, int channels, const std::string &pixels) {
  auto chunk = [](const std::string &kind, const std::string &data) {
    std::string both = kind + data;
    return bigEndian(static_cast<uint32_t>(data.size())) + both +
           bigEndian(static_cast<uint32_t>(crc32(0, reinterpret_cast<const Bytef *>(both.data()), both.size())));
  };
  std::string rows;
  for (uint32_t row = 0; row < height; ++row)
    rows += '\0' + pixels.substr(row * width * channels, width * channels);
  std::string head =
      bigEndian(width) + bigEndian(height) + '\x08' + static_cast<char>("\0\0\4\2\6"[channels]) + std::string(3, '\0');
  return "\x89PNG\r\n\x1a\n" + chunk("IHDR", head) + chunk("IDAT", deflated(rows, 15)) + chunk("IEND", "");
}

} // namespace xfer::rt::test

#endif
