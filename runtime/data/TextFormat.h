// What formats of text share: the tokens of the texts of one field, collected sample by sample.
#ifndef XFER_RUNTIME_DATA_TEXTFORMAT_H
#define XFER_RUNTIME_DATA_TEXTFORMAT_H

#include "runtime/core/SpillBuffer.h"
#include "runtime/data/Format.h"

namespace xfer::rt {

class TokenColumn {
public:
  explicit TokenColumn(std::shared_ptr<const Tokenizer> tokenizer) : tokenizer(std::move(tokenizer)) {}

  // The text of the next sample.
  Status append(std::string_view text);
  // The arrays of the tokens and of their numbers; what was cut off is noted once.
  Status finish(const std::string &path, const std::string &field, std::vector<std::string> &notes);
  const Array &arrayOf(const Field &field) const { return field.isLength ? lengths : tokens; }
  bool isOf(const Field &field) const { return field.tokenizer == tokenizer; }

private:
  std::shared_ptr<const Tokenizer> tokenizer;
  SpillBuffer tokenBuffer, lengthBuffer;
  std::vector<int32_t> row;
  int64_t count = 0, cut = 0;
  Array tokens, lengths;
};

// The file of a reader as text: mapped, unpacked if it is gzipped, without a byte order mark.
Expected<Bytes> openText(const std::string &path, FormatResult &result);

} // namespace xfer::rt

#endif
