// Text as compiler and runtime read it: files, gzipped or not, and UTF-8.
#ifndef XFER_RT_TEXTFILE_H
#define XFER_RT_TEXTFILE_H

#include "xfer/rt/Status.h"

namespace xfer::rt {

// The whole text of a file, unpacked if it is gzipped, without a byte order mark; refused above `limit` bytes.
Expected<std::string> readTextFile(const std::string &path, uint64_t limit);

// `text` behind the mark that some editors write before UTF-8.
std::string_view withoutByteOrderMark(std::string_view text);

// The bytes of the character at the beginning of `text`, which is not empty. What is no UTF-8 is a character of one
// byte, and `valid` is false.
size_t characterAt(std::string_view text, bool &valid);

} // namespace xfer::rt

#endif
