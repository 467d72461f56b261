#include "test/runtime/data/ReaderTest.h"

using namespace xfer::rt;
using namespace xfer::rt::test;
using testing::ElementsAre;
using testing::HasSubstr;

struct TextTest : ReaderTest {
  static std::vector<Field> fields(int64_t atMost, bool exact = false) {
    TokenizerSpec spec;
    spec.rule = TokenizerSpec::Characters;
    spec.atMost = atMost;
    spec.exact = exact;
    spec.vocabulary = {"a", "b", "c", "[UNK]"};
    auto tokenizer = std::make_shared<const Tokenizer>(spec);
    Field tokens{"text:0", ElementType::I32, {atMost}, 4};
    Field length{"text:0:length", ElementType::I32, {}, atMost + 1};
    length.isLength = true;
    tokens.text = length.text = "text";
    tokens.tokenizer = length.tokenizer = tokenizer;
    return {tokens, length};
  }
};

// Blank lines are no samples; what is too long is cut, and noted once.
TEST_F(TextTest, Lines) {
  folder.write("x.txt", "\xEF\xBB\xBF"
                        "ab\r\n\n  \ncabc\nb");
  auto reader = make("lines", {{"", "x.txt"}}, fields(3));
  ASSERT_TRUE(reader.ok()) << reader.message();
  EXPECT_EQ((*reader)->count(), 3);
  EXPECT_THAT(all<int32_t>(**reader, 0), ElementsAre(0, 1, 0, 2, 0, 1, 1, 0, 0));
  EXPECT_THAT(all<int32_t>(**reader, 1), ElementsAre(2, 3, 1));
  ASSERT_EQ((*reader)->notes().size(), 1u);
  EXPECT_THAT((*reader)->notes()[0], HasSubstr("1 of 3 texts of field 'text' have more than 3 tokens and were cut"));
}

// Windows overlap where the stride is smaller; what does not fill the last one is left out.
TEST_F(TextTest, Windows) {
  folder.write("x.txt", "abcabca");
  auto reader = make("windows", {{"", "x.txt"}, {"length", 3.0}, {"stride", 2.0}}, fields(3, true));
  ASSERT_TRUE(reader.ok()) << reader.message();
  EXPECT_EQ((*reader)->count(), 3);
  EXPECT_THAT(all<int32_t>(**reader, 0), ElementsAre(0, 1, 2, 2, 0, 1, 1, 2, 0));
  EXPECT_THAT(all<int32_t>(**reader, 1), ElementsAre(3, 3, 3));
  std::vector<int32_t> row(3);
  int32_t last = 2;
  ASSERT_TRUE((*reader)->read(0, &last, 1, row.data()).ok());
  EXPECT_THAT(row, ElementsAre(1, 2, 0));
}

// A field of text in a table stands in one column.
TEST_F(TextTest, Table) {
  folder.write("x.csv", "n,words\n1,ab\n0,\"c\"\n1,\n");
  std::vector<Field> both = fields(2);
  both.push_back({"label", ElementType::I32, {}, 2});
  auto reader = make("csv", {{"", "x.csv"}, {"text", "words"}, {"label", "n"}}, both);
  ASSERT_TRUE(reader.ok()) << reader.message();
  EXPECT_THAT(all<int32_t>(**reader, 0), ElementsAre(0, 1, 2, 0, 3, 0)); // an empty text is one unknown token
  EXPECT_THAT(all<int32_t>(**reader, 1), ElementsAre(2, 1, 1));
  EXPECT_THAT(all<int32_t>(**reader, 2), ElementsAre(1, 0, 1));
}

// Each mistake says what it is.
TEST_F(TextTest, Refused) {
  folder.write("x.txt", "ab\n");
  EXPECT_THAT(refusal("lines", {{"", "x.txt"}, {"length", 3.0}}, fields(3)), HasSubstr("has no argument 'length'"));
  EXPECT_THAT(refusal("lines", {{"", "x.txt"}}, {label(2)}), HasSubstr("reader 'lines' has only text"));
  EXPECT_THAT(refusal("lines", {{"", "none.txt"}}, fields(3)), HasSubstr("none.txt"));
  EXPECT_THAT(refusal("npz", {{"", "x.txt"}}, fields(3)), HasSubstr("reader 'npz' has no text for field 'text'"));
  EXPECT_THAT(refusal("windows", {{"", "x.txt"}}, fields(3)), HasSubstr("wants 'length' and 'stride'"));
  EXPECT_THAT(refusal("windows", {{"", "x.txt"}, {"length", 4.0}}, fields(4)),
              HasSubstr("has 3 characters, and a window 4"));
  EXPECT_THAT(refusal("windows", {{"", "x.txt"}, {"length", 3.0}}, fields(2)),
              HasSubstr("'characters' takes at most 2"));
  EXPECT_THAT(refusal("windows", {{"", "x.txt"}, {"length", 2.0}}, fields(3, true)), HasSubstr("takes exactly 3"));
  folder.write("empty.txt", "\n\n");
  EXPECT_THAT(refusal("lines", {{"", "empty.txt"}}, fields(3)), HasSubstr("holds no samples"));
}
