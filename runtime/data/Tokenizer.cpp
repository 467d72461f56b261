#include "runtime/data/Tokenizer.h"
#include "xfer/rt/TextFile.h"

namespace xfer::rt {

Tokenizer::Tokenizer(TokenizerSpec description) : spec(std::move(description)) {
  for (size_t i = 0; i < spec.vocabulary.size(); ++i)
    index.emplace(spec.vocabulary[i], static_cast<int32_t>(i));
  auto special = [&](std::initializer_list<std::string_view> names, int32_t otherwise) {
    for (std::string_view name : names)
      if (int32_t number = find(name); number >= 0)
        return number;
    return otherwise;
  };
  unknown = special({"[UNK]", "<unk>", "<UNK>", "[unk]"}, -1);
  pad = special({"[PAD]", "<pad>", "<PAD>", "[pad]"}, 0);
}

int32_t Tokenizer::find(std::string_view token) const {
  auto found = index.find(token);
  return found == index.end() ? -1 : found->second;
}

Status Tokenizer::add(std::string_view token, std::vector<int32_t> &tokens) const {
  int32_t number = find(token);
  if (number < 0)
    number = unknown;
  if (number < 0)
    return failure("'{}' is not in the vocabulary, and that has no token for what it does not know; add [UNK] to it",
                   token.substr(0, 40));
  tokens.push_back(number);
  return Status::success();
}

Status Tokenizer::addPieces(std::string_view word, std::vector<int32_t> &tokens) const {
  constexpr size_t longest = 100;
  size_t before = tokens.size();
  std::string piece;
  for (size_t start = 0; start < word.size();) {
    size_t end = word.size() > longest ? start : word.size();
    int32_t number = -1;
    for (; end > start; --end) {
      piece.assign(start > 0 ? "##" : "").append(word.substr(start, end - start));
      if ((number = find(piece)) >= 0)
        break;
    }
    if (number < 0) {
      tokens.resize(before);
      if (unknown < 0)
        return add(word, tokens);
      tokens.push_back(unknown);
      return Status::success();
    }
    tokens.push_back(number);
    start = end;
  }
  return Status::success();
}

static bool isSpace(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

static bool isLetter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c & 0x80);
}

Status Tokenizer::splitWords(std::string_view text, std::vector<int32_t> &tokens) const {
  for (size_t at = 0; at < text.size();) {
    if (isSpace(text[at])) {
      ++at;
      continue;
    }
    size_t end = at;
    while (end < text.size() && !isSpace(text[end]))
      ++end;
    std::string_view chunk = text.substr(at, end - at);
    at = end;
    if (int32_t number = spec.rule == TokenizerSpec::Words ? find(chunk) : -1; number >= 0) {
      tokens.push_back(number);
      continue;
    }
    for (size_t start = 0; start < chunk.size();) {
      size_t stop = start + 1;
      while (isLetter(chunk[start]) && stop < chunk.size() && isLetter(chunk[stop]))
        ++stop;
      std::string_view word = chunk.substr(start, stop - start);
      Status status = spec.rule == TokenizerSpec::Words ? add(word, tokens) : addPieces(word, tokens);
      if (status.failed())
        return status;
      start = stop;
    }
  }
  return Status::success();
}

Status Tokenizer::split(std::string_view text, std::vector<int32_t> &tokens) const {
  if (spec.rule != TokenizerSpec::Characters) {
    if (!spec.lower)
      return splitWords(text, tokens);
    std::string lowered(text);
    for (char &c : lowered)
      if (c >= 'A' && c <= 'Z')
        c += 'a' - 'A';
    return splitWords(lowered, tokens);
  }
  while (!text.empty()) {
    bool valid;
    size_t size = characterAt(text, valid);
    std::string_view one = valid ? text.substr(0, size) : std::string_view("\xEF\xBF\xBD"); // U+FFFD
    if (Status status = add(one, tokens); status.failed())
      return status;
    text.remove_prefix(size);
  }
  return Status::success();
}

Expected<bool> Tokenizer::encode(std::string_view text, std::vector<int32_t> &tokens) const {
  tokens.clear();
  if (spec.first >= 0)
    tokens.push_back(spec.first);
  if (Status status = split(text, tokens); status.failed())
    return status;
  size_t room = static_cast<size_t>(spec.atMost - (spec.last >= 0));
  bool cut = tokens.size() > room;
  if (cut && !spec.exact)
    tokens.resize(room);
  if (spec.last >= 0)
    tokens.push_back(spec.last);
  if (spec.exact && static_cast<int64_t>(tokens.size()) != spec.atMost)
    return failure("a text has {} tokens, and exactly {} are wanted; 'at_most' takes texts of any length",
                   tokens.size(), spec.atMost);
  if (tokens.empty()) {
    if (unknown < 0)
      return failure("a text is empty, and the vocabulary has no token for what it does not know; add [UNK] to it");
    tokens.push_back(unknown);
  }
  return cut;
}

} // namespace xfer::rt
