//===- ByteStream.h - a file as ANTLR reads it --------------------------------------------------------------------===//
//
// ANTLR's own stream decodes UTF-8 and counts code points. This one hands out bytes, so that a token's indices are
// offsets into the file and nothing has to be mapped back. Outside of strings and comments the language is ASCII.
//
//===------------------------------------------------------------------------------------------------------------===//

#ifndef XFER_DSL_PARSE_BYTESTREAM_H
#define XFER_DSL_PARSE_BYTESTREAM_H

#include "antlr4-runtime.h"
#include "llvm/ADT/StringRef.h"

namespace xfer::dsl {

class ByteStream final : public antlr4::CharStream {
public:
  ByteStream(llvm::StringRef text, llvm::StringRef name) : text(text), name(name.str()) {}

  void consume() override { ++position; }
  size_t LA(ssize_t offset) override;
  ssize_t mark() override { return -1; }
  void release(ssize_t) override {}
  size_t index() override { return position; }
  void seek(size_t to) override { position = std::min(to, text.size()); }
  size_t size() override { return text.size(); }
  std::string getSourceName() const override { return name; }
  std::string getText(const antlr4::misc::Interval &interval) override;
  std::string toString() const override { return text.str(); }

private:
  llvm::StringRef text;
  std::string name;
  size_t position = 0;
};

} // namespace xfer::dsl

#endif // XFER_DSL_PARSE_BYTESTREAM_H
