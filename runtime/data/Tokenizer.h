// Numbers for the words, pieces or characters of a text: a token's number is its place in a vocabulary.
//
//   words       What stands between white space is one word if the vocabulary has it as it stands; else runs of letters
//               and digits are words (of ASCII; every other character is a letter), and each other character is one.
//   pieces      The same, always split, and then WordPiece (Wu et al. 2016): from the beginning of a word the longest
//               token, then the longest one that goes on ("##ing"). A word that does not come out, or that is longer
//               than 100 bytes, is unknown.
//   characters  Every character. A byte that is not part of UTF-8 is an unknown character.
//
// What the vocabulary does not have is its token [UNK], <unk>, <UNK> or [unk], the first that it has; without one it is
// a failure. What is beyond the end is [PAD], <pad>, <PAD>, [pad] or 0. A text without any token is one unknown token,
// so that a mean over it is defined.
#ifndef XFER_RUNTIME_DATA_TOKENIZER_H
#define XFER_RUNTIME_DATA_TOKENIZER_H

#include "xfer/rt/Status.h"
#include <unordered_map>
#include <vector>

namespace xfer::rt {

struct TokenizerSpec {
  enum Rule { Words, Pieces, Characters } rule = Words;
  int64_t atMost = 1;
  bool exact = false;            // a text has as many as that, no less and no more
  bool lower = false;            // A to Z become a to z
  int32_t first = -1, last = -1; // put around a text; -1: nothing is
  std::vector<std::string> vocabulary;
};

class Tokenizer {
public:
  explicit Tokenizer(TokenizerSpec spec);
  Tokenizer(const Tokenizer &) = delete; // the index points into the vocabulary
  const TokenizerSpec &description() const { return spec; }
  int32_t padding() const { return pad; }

  // All tokens of a text, however many, without those around it; a failure says which one is unknown.
  Status split(std::string_view text, std::vector<int32_t> &tokens) const;
  // The tokens of one sample, at most `atMost`; true if some were cut off.
  Expected<bool> encode(std::string_view text, std::vector<int32_t> &tokens) const;

private:
  int32_t find(std::string_view token) const; // -1: not there
  Status add(std::string_view token, std::vector<int32_t> &tokens) const;
  Status splitWords(std::string_view text, std::vector<int32_t> &tokens) const;
  Status addPieces(std::string_view word, std::vector<int32_t> &tokens) const;
  TokenizerSpec spec;
  std::unordered_map<std::string_view, int32_t> index;
  int32_t unknown = -1, pad = 0;
};

} // namespace xfer::rt

#endif
