#include "runtime/data/CsvText.h"
#include "test/runtime/data/ReaderTest.h"
#include "test/runtime/support/SharedData.h"

using namespace xfer::rt;
using namespace xfer::rt::test;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

struct CsvTest : ReaderTest {
  // All rows of a text, cells joined by '|', rows by '/'; or the error.
  static std::string rows(std::string_view content, char separator = ',', bool quotes = true) {
    CsvText text(content, separator, quotes, "x.csv");
    std::string result;
    while (true) {
      Expected<bool> more = text.next();
      if (!more)
        return more.message();
      if (!*more)
        return result;
      result += result.empty() ? "" : "/";
      for (size_t i = 0; i < text.cells().size(); ++i)
        result += (i ? "|" : "") + std::string(text.cells()[i]);
    }
  }
  std::string refused(const std::string &content, const std::vector<Field> &fields,
                      std::vector<ReaderOption> options = {}) {
    folder.write("x.csv", content);
    options.push_back({"", "x.csv"});
    return refusal("csv", options, fields);
  }
};

// Cells and rows by RFC 4180.
TEST_F(CsvTest, Text) {
  EXPECT_EQ(rows("a,b\n1,2\n"), "a|b/1|2");
  EXPECT_EQ(rows("a,b\r\n1,2\r\n"), "a|b/1|2");
  EXPECT_EQ(rows("a,b\n1,2"), "a|b/1|2");
  EXPECT_EQ(rows("a\n\n\n1\n\n"), "a/1");
  EXPECT_EQ(rows("a,\n,b\n,\n"), "a|/|b/|");
  EXPECT_EQ(rows("\"a,1\",\"b\n2\"\r\n\"say \"\"no\"\" twice: \"\"no\"\"\",\"\"\n"),
            "a,1|b\n2/say \"no\" twice: \"no\"|");
  EXPECT_EQ(rows("5\" disk\t\"x\n", '\t', false), "5\" disk|\"x");
  EXPECT_EQ(rows(""), "");
}

// Rows of different length and quotes that do not fit are named with their line.
TEST_F(CsvTest, BadText) {
  EXPECT_EQ(rows("a,b\n\n1,2,3\n"), "'x.csv' line 3: found 3 columns, the first row has 2");
  EXPECT_THAT(rows("a,b\n\"1\nx\",2\n\"3"), HasSubstr("line 4: a quote is opened and never closed"));
  EXPECT_THAT(rows("\"a\"b,c\n"), HasSubstr("line 1: a closing quote must be followed by ','"));
}

// Columns by name, by number, in lists and ranges; numbers of all kinds.
TEST_F(CsvTest, Columns) {
  folder.write("x.csv", "id,a,b,c,class\n7,1, 2.5 ,-3e2,0\n8,+4,5,.5,2\n");
  auto reader = make("csv", {{"", "x.csv"}, {"x", "a..c"}, {"label", "class"}}, {floats({3}), label(3)});
  ASSERT_TRUE(reader) << reader.message();
  EXPECT_THAT(all<float>(**reader, 0), ElementsAre(1, 2.5, -300, 4, 5, 0.5));
  EXPECT_THAT(all<int32_t>(**reader, 1), ElementsAre(0, 2));
  reader = make("csv", {{"", "x.csv"}, {"x", "c, id"}, {"label", 4.0}}, {floats({2}), label(3)});
  ASSERT_TRUE(reader) << reader.message();
  EXPECT_THAT(all<float>(**reader, 0), ElementsAre(-300, 7, 0.5, 8));
}

// Without a header columns have numbers; another separator; a packed file, and one with a byte order mark.
TEST_F(CsvTest, Variants) {
  folder.write("x.csv", "\xEF\xBB\xBFx\n7\n");
  auto marked = make("csv", {{"", "x.csv"}}, {floats({})});
  ASSERT_TRUE(marked) << marked.message();
  EXPECT_THAT(all<float>(**marked, 0), ElementsAre(7));
  folder.write("x.csv.gz", gzipped("1;2\n3;4\n"));
  auto reader = make("csv", {{"", "x.csv.gz"}, {"x", "0..1"}, {"header", false}, {"separator", ";"}}, {floats({2})});
  ASSERT_TRUE(reader) << reader.message();
  EXPECT_THAT(all<float>(**reader, 0), ElementsAre(1, 2, 3, 4));
  folder.write("x.tsv", "text\tx\n\"quoted\t1\n");
  for (const char *name : {"tsv", "csv"})
    EXPECT_TRUE(make(name, {{"", "x.tsv"}}, {floats({})})) << name;
}

// Classes by name: in alphabetical order, or in the order given.
TEST_F(CsvTest, ClassNames) {
  folder.write("x.csv", "text,label\n\"a, b\",neutral\nc,positive\nd,negative\ne,positive\n");
  auto reader = make("csv", {{"", "x.csv"}}, {label(3)});
  ASSERT_TRUE(reader) << reader.message();
  EXPECT_THAT(all<int32_t>(**reader, 0), ElementsAre(1, 2, 0, 2));
  EXPECT_THAT((*reader)->classNames(0), ElementsAre("negative", "neutral", "positive"));
  reader = make("csv", {{"", "x.csv"}, {"label_names", "positive, neutral, negative"}}, {label(3)});
  ASSERT_TRUE(reader) << reader.message();
  EXPECT_THAT(all<int32_t>(**reader, 0), ElementsAre(1, 0, 2, 0));
  EXPECT_THAT(refusal("csv", {{"", "x.csv"}}, {label(2)}), HasSubstr("has more than 2 names"));
  EXPECT_THAT(refusal("csv", {{"", "x.csv"}}, {label(4)}),
              HasSubstr("has 3 names for it: negative, neutral, positive; correct"));
  EXPECT_THAT(refusal("csv", {{"", "x.csv"}, {"label_names", "a, b, c"}}, {label(3)}),
              HasSubstr("line 2: field 'label' has 'neutral', expected is one of a, b, c"));
  EXPECT_THAT(refusal("csv", {{"", "x.csv"}, {"label_names", "a, b"}}, {label(3)}), HasSubstr("has 2 names"));
}

// Whatever is wrong is named with its line or column.
TEST_F(CsvTest, BadValues) {
  EXPECT_THAT(refused("x\n1\n\n", {floats({})}), IsEmpty());
  EXPECT_THAT(refused("x\n1\nabc\n", {floats({})}), HasSubstr("line 3: field 'x' has 'abc', expected is a number"));
  EXPECT_THAT(refused("x,y\n1,2\n,2\n", {floats({})}), HasSubstr("line 3: field 'x' has no value"));
  EXPECT_THAT(refused("x\nnan\n", {floats({})}), HasSubstr("line 2: field 'x' has 'nan'"));
  EXPECT_THAT(refused("x\n1e300\n", {floats({})}), HasSubstr("a number that fits f32"));
  EXPECT_THAT(refused("x\n1e-300\n1e-40\n", {floats({})}), IsEmpty());
  EXPECT_THAT(refused("x\n1.5\n", {{"x", ElementType::I32, {}, 0}}), HasSubstr("a whole number"));
  EXPECT_THAT(refused("x\n3.0\n", {{"x", ElementType::I32, {}, 0}}), IsEmpty());
  EXPECT_THAT(refused("label\n0\n3\n", {label(3)}), HasSubstr("sample 1 has the value 3"));
  EXPECT_THAT(refused("a\n1\n", {floats({})}), HasSubstr("there is no column 'x' in"));
  EXPECT_THAT(refused("a\n1\n", {floats({})}, {{"x", 3.0}}), HasSubstr("has no column 3; it has 1 columns"));
  EXPECT_THAT(refused("a,b\n1,2\n", {floats({2})}, {{"x", "b..a"}}), HasSubstr("in the wrong order"));
  EXPECT_THAT(refused("a,b\n1,2\n", {floats({3})}, {{"x", "a..b"}}), HasSubstr("samples of shape [2]"));
  EXPECT_THAT(refused("x\n", {floats({})}), HasSubstr("holds no samples"));
  EXPECT_THAT(refused("", {floats({})}), HasSubstr("is empty"));
  EXPECT_THAT(refused("x\n1\n", {floats({})}, {{"header", "no"}}), HasSubstr("must be true or false"));
  EXPECT_THAT(refused("x\n1\n", {floats({})}, {{"separator", "ab"}}), HasSubstr("must be one character"));
}

// Text that unpacks to more than is plausible fills neither disk nor memory.
TEST_F(CsvTest, GzipBomb) {
  folder.write("x.csv.gz", gzipped("x\n" + std::string(40 << 20, '1')));
  EXPECT_THAT(refusal("csv", {{"", "x.csv.gz"}}, {floats({})}), HasSubstr("which is not plausible"));
}

// Real files: quoted text beside class names, in two languages.
TEST_F(CsvTest, RealSentiment) {
  XFER_NEED_SHARED_DATA(data);
  for (const char *name : {"nusax/indonesian.train.csv.gz", "nusax/javanese.train.csv.gz"}) {
    auto reader = makeReader("csv", {{"", name}}, {label(3)}, data);
    ASSERT_TRUE(reader) << reader.message();
    std::vector<int> counts(3);
    for (int32_t value : all<int32_t>(**reader, 0))
      ++counts[value];
    EXPECT_THAT(counts, ElementsAre(192, 119, 189));
  }
}
