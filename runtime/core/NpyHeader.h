// The header of an npy file (NumPy's format specification 1.0 to 3.0): a magic text, a version, a Python dictionary
// with the keys descr, fortran_order and shape; the values follow. An npz file is a zip file of such files.
#ifndef XFER_RUNTIME_CORE_NPYHEADER_H
#define XFER_RUNTIME_CORE_NPYHEADER_H

#include "runtime/core/StoredType.h"
#include "xfer/rt/Status.h"

namespace xfer::rt {

struct NpyHeader {
  // No header is longer: how much of a file is enough to parse it.
  static constexpr uint64_t longest = 12 + 65536;

  StoredType type = StoredType::U8;
  bool bigEndian = false;
  bool columns = false; // column by column (Fortran order), and not the same row by row
  std::vector<int64_t> shape;
  uint64_t size = 0; // of the header: where the values begin

  uint64_t valueBytes() const { return *bytesOf(type, shape); }
};

// `start` is the beginning of the file, as much of it as there is up to NpyHeader::longest; `name` is for messages.
Expected<NpyHeader> parseNpyHeader(std::string_view start, const std::string &name);

} // namespace xfer::rt

#endif
