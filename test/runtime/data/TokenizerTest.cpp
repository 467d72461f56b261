#include "runtime/data/Tokenizer.h"
#include "xfer/rt/TextFile.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace xfer::rt;
using testing::ElementsAre;
using testing::HasSubstr;

namespace {

TokenizerSpec spec(TokenizerSpec::Rule rule, std::vector<std::string> vocabulary, int64_t atMost = 8) {
  TokenizerSpec made;
  made.rule = rule;
  made.atMost = atMost;
  made.vocabulary = std::move(vocabulary);
  return made;
}

std::vector<int32_t> tokens(const TokenizerSpec &description, std::string_view text, bool *cut = nullptr) {
  std::vector<int32_t> result;
  Expected<bool> encoded = Tokenizer(description).encode(text, result);
  EXPECT_TRUE(encoded.ok()) << encoded.message();
  if (cut && encoded)
    *cut = *encoded;
  return result;
}

std::string refusal(const TokenizerSpec &description, std::string_view text) {
  std::vector<int32_t> result;
  Expected<bool> encoded = Tokenizer(description).encode(text, result);
  return encoded ? "" : encoded.message();
}

} // namespace

// A chunk that the vocabulary has as it stands is one word; otherwise punctuation stands alone.
TEST(TokenizerTest, Words) {
  TokenizerSpec words = spec(TokenizerSpec::Words, {"[UNK]", "a", "n't", ".", "b", "caf\xC3\xA9"});
  EXPECT_THAT(tokens(words, "a n't b."), ElementsAre(1, 2, 4, 3));
  EXPECT_THAT(tokens(words, "\ta\n caf\xC3\xA9. x'a"), ElementsAre(1, 5, 3, 0, 0, 1));
  EXPECT_THAT(tokens(words, "A"), ElementsAre(0));
  words.lower = true;
  EXPECT_THAT(tokens(words, "A"), ElementsAre(1));
}

// The longest piece first; a word of which a part is left over is unknown as a whole, and so is an endless one.
TEST(TokenizerTest, Pieces) {
  TokenizerSpec pieces = spec(TokenizerSpec::Pieces, {"[UNK]", "un", "##aff", "##able", "##a", "un##"});
  EXPECT_THAT(tokens(pieces, "unaffable"), ElementsAre(1, 2, 3));
  EXPECT_THAT(tokens(pieces, "una unx un"), ElementsAre(1, 4, 0, 1));
  EXPECT_THAT(tokens(pieces, "un" + std::string(99, 'a')), ElementsAre(0));
  EXPECT_THAT(tokens(pieces, "able"), ElementsAre(0)); // only "##able" is there
}

// A character may have several bytes; what is no UTF-8 is one unknown character a byte.
TEST(TokenizerTest, Characters) {
  TokenizerSpec letters = spec(TokenizerSpec::Characters, {"a", "\xC3\xA9", "[UNK]"});
  EXPECT_THAT(tokens(letters, "a\xC3\xA9z"), ElementsAre(0, 1, 2));
  EXPECT_THAT(tokens(letters, "\xC3\xFFz"), ElementsAre(2, 2, 2));
  EXPECT_THAT(tokens(letters, "\xED\xA0\x80"), ElementsAre(2, 2, 2)); // a surrogate
}

// What is put around a text counts, and the end stays where something is cut.
TEST(TokenizerTest, Around) {
  TokenizerSpec letters = spec(TokenizerSpec::Characters, {"<", ">", "a", "b"}, 4);
  letters.first = 0;
  letters.last = 1;
  bool cut = true;
  EXPECT_THAT(tokens(letters, "ab", &cut), ElementsAre(0, 2, 3, 1));
  EXPECT_FALSE(cut);
  EXPECT_THAT(tokens(letters, "aba", &cut), ElementsAre(0, 2, 3, 1));
  EXPECT_TRUE(cut);
  EXPECT_THAT(tokens(letters, ""), ElementsAre(0, 1));
  letters.exact = true;
  EXPECT_THAT(refusal(letters, "a"), HasSubstr("a text has 3 tokens, and exactly 4 are wanted"));
  EXPECT_THAT(refusal(letters, "aba"), HasSubstr("a text has 5 tokens"));
}

// Every sample has a token, or the vocabulary says why not.
TEST(TokenizerTest, Unknown) {
  EXPECT_THAT(tokens(spec(TokenizerSpec::Words, {"a", "<unk>"}), " "), ElementsAre(1));
  EXPECT_THAT(refusal(spec(TokenizerSpec::Words, {"a"}), ""), HasSubstr("a text is empty"));
  EXPECT_THAT(refusal(spec(TokenizerSpec::Words, {"a"}), "a b"), HasSubstr("'b' is not in the vocabulary"));
  EXPECT_THAT(refusal(spec(TokenizerSpec::Pieces, {"a"}), "b"), HasSubstr("add [UNK] to it"));
  EXPECT_EQ(Tokenizer(spec(TokenizerSpec::Words, {"a", "[PAD]"})).padding(), 1);
  EXPECT_EQ(Tokenizer(spec(TokenizerSpec::Words, {"a"})).padding(), 0);
}

// Overlong forms, surrogates and what is above U+10FFFF are no characters (RFC 3629).
TEST(TextFileTest, Utf8) {
  auto size = [](std::string_view text) {
    bool valid;
    size_t bytes = characterAt(text, valid);
    return valid ? static_cast<int>(bytes) : -static_cast<int>(bytes);
  };
  EXPECT_EQ(size("a"), 1);
  EXPECT_EQ(size("\xC3\xA9"), 2);
  EXPECT_EQ(size("\xE2\x82\xAC"), 3);
  EXPECT_EQ(size("\xF0\x9F\x98\x80"), 4);
  for (std::string_view bad :
       {"\xC0\x80", "\xE0\x80\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\x80", "\xC3", "\xE2\x82", "\xFF"})
    EXPECT_EQ(size(bad), -1) << bad;
}
