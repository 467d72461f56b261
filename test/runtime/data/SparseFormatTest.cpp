// svmlight and counts of words.
#include "test/runtime/data/ReaderTest.h"
#include "test/runtime/support/SharedData.h"

using namespace xfer::rt;
using namespace xfer::rt::test;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

struct SvmlightTest : ReaderTest {
  Expected<std::unique_ptr<Reader>> read(const std::string &content, const std::vector<Field> &fields, double from,
                                         std::vector<ReaderOption> options = {}) {
    folder.write("x.svmlight", content);
    options.push_back({"", "x.svmlight"});
    options.push_back({"from", from});
    return make("svmlight", options, fields);
  }
  std::string refused(const std::string &content, const std::vector<Field> &fields, double from,
                      std::vector<ReaderOption> options = {}) {
    auto reader = read(content, fields, from, std::move(options));
    return reader ? "" : reader.message();
  }
};

// Rows with features from 0, comments, blank lines, a row that has a label alone, CR LF, no line end at the end.
TEST_F(SvmlightTest, Rows) {
  auto reader = read("# made\n+1 0:1 3:2.5 # good\r\n\n-1 \n1\t2:-3e-1", {floats({4}), label(2)}, 0);
  ASSERT_TRUE(reader) << reader.message();
  EXPECT_THAT(all<float>(**reader, 0), ElementsAre(1, 0, 0, 2.5, 0, 0, 0, 0, 0, 0, -0.3f, 0));
  EXPECT_THAT(all<int32_t>(**reader, 1), ElementsAre(1, 0, 1));
  EXPECT_EQ((*reader)->files().size(), 1u);
}

// From 1, packed, shaped features, other types, a query; what nobody asks for need not be there.
TEST_F(SvmlightTest, Variants) {
  folder.write("x.gz", gzipped("2.5 qid:7 1:1 4:255\n1e1 qid:8 2:3\n"));
  Field counts{"counts", ElementType::U8, {2, 2}, 0}, grade{"grade", ElementType::F32, {}, 0},
      query{"query", ElementType::I32, {}, 0}, wide{"wide", ElementType::F64, {4}, 0};
  auto reader = make("svmlight", {{"", "x.gz"}, {"from", 1.0}}, {counts, grade, query, wide});
  ASSERT_TRUE(reader) << reader.message();
  EXPECT_THAT(all<uint8_t>(**reader, 0), ElementsAre(1, 0, 0, 255, 0, 3, 0, 0));
  EXPECT_THAT(all<float>(**reader, 1), ElementsAre(2.5, 10));
  EXPECT_THAT(all<int32_t>(**reader, 2), ElementsAre(7, 8));
  EXPECT_THAT(all<double>(**reader, 3), ElementsAre(1, 0, 0, 255, 0, 3, 0, 0));
  auto alone = make("svmlight", {{"", "x.gz"}, {"from", 1.0}}, {floats({4})});
  ASSERT_TRUE(alone) << alone.message();
  auto renamed = make("svmlight", {{"", "x.gz"}, {"from", 1.0}, {"x", "query"}}, {floats({})});
  ASSERT_TRUE(renamed) << renamed.message();
  EXPECT_THAT(all<float>(**renamed, 0), ElementsAre(7, 8));
}

// Class numbers from 0, -1 and 1, and whatever has its place in a list of names.
TEST_F(SvmlightTest, Labels) {
  auto numbers = read("2 0:1\n0.0 0:1\n1\n", {label(3)}, 0);
  ASSERT_TRUE(numbers) << numbers.message();
  EXPECT_THAT(all<int32_t>(**numbers, 0), ElementsAre(2, 0, 1));
  auto named = read("3 0:1\n+1 0:1\ncat\n", {label(3)}, 0, {{"label_names", "1, cat, 3"}});
  ASSERT_TRUE(named) << named.message();
  EXPECT_THAT(all<int32_t>(**named, 0), ElementsAre(2, 0, 1));
  EXPECT_THAT((*named)->classNames(0), ElementsAre("1", "cat", "3"));
  EXPECT_EQ(refused("-1 0:1\n\n0 0:1\n", {label(2)}, 0),
            "'" + folder.path("x.svmlight") +
                "' has the label -1 in line 1 and 0 in line 3; classes are 0 and 1, or -1 and 1; for others give their "
                "values in order: label_names: \"-1, 0\"");
  EXPECT_THAT(refused("0 0:1\n3 0:1\n", {label(3)}, 0),
              HasSubstr("line 2: the label of field 'label' is '3', expected is a whole number from 0 to 2; for others "
                        "give the labels in order: label_names"));
  EXPECT_THAT(refused("-1 0:1\n", {label(3)}, 0), HasSubstr("line 1: the label of field 'label' is '-1'"));
  EXPECT_THAT(refused("4 0:1\n", {label(2)}, 0, {{"label_names", "1, 2"}}), HasSubstr("expected is one of 1, 2"));
  EXPECT_THAT(refused("4 0:1\n", {label(2)}, 0, {{"label_names", "1, 2, 3"}}), HasSubstr("has 3 names"));
  EXPECT_THAT(refused("4 0:1\n", {floats({1}), floats({})}, 0, {{"x_names", "1, 2"}}), HasSubstr("is no class"));
}

// Many entries, few of them not 0: the same values one by one and in any order; what is mostly not 0 becomes dense.
TEST_F(SvmlightTest, SparseAndDense) {
  for (int step : {1, 97}) {
    std::string text;
    std::vector<float> expected;
    for (int row = 0; row < 50; ++row) {
      text += row % 2 ? "1" : "-1";
      for (int i = 0; i < 1000; ++i) {
        bool there = (i + row) % step == 0;
        expected.push_back(there ? static_cast<float>(i + row + 1) : 0);
        if (there)
          text += " " + std::to_string(i) + ":" + std::to_string(i + row + 1);
      }
      text += "\n";
    }
    auto reader = read(text, {floats({1000})}, 0);
    ASSERT_TRUE(reader) << reader.message();
    EXPECT_EQ(all<float>(**reader, 0), expected);
    std::vector<int32_t> order{49, 0, 7, 7};
    std::vector<float> some(4000, -1);
    ASSERT_TRUE((*reader)->read(0, order.data(), 4, some.data()).ok());
    for (size_t i = 0; i < 4; ++i)
      EXPECT_TRUE(
          std::equal(some.begin() + i * 1000, some.begin() + (i + 1) * 1000, expected.begin() + order[i] * 1000));
  }
}

// Indices that do not fit the declaration, with what to do.
TEST_F(SvmlightTest, BadIndices) {
  std::vector<Field> fields{floats({4}), label(2)};
  std::string file = "'" + folder.path("x.svmlight") + "' ";
  EXPECT_EQ(refused("1 1:1\n1 0:1\n", fields, 1),
            file +
                "line 2: feature 0 does not fit field 'x', whose 4 are numbered from 1 to 4; if the file counts from "
                "0, give from: 0");
  EXPECT_EQ(refused("1 4:1\n", fields, 0),
            file +
                "line 1: feature 4 does not fit field 'x', whose 4 are numbered from 0 to 3; if the file counts from "
                "1, give from: 1");
  EXPECT_THAT(refused("1 9:1\n", fields, 1), HasSubstr("numbered from 1 to 4; correct the declaration or the file"));
  EXPECT_THAT(refused("1 -1:1\n", fields, 0), HasSubstr("feature -1 does not fit"));
  EXPECT_THAT(refused("1 99999999999999999999:1\n", fields, 0), HasSubstr("found '99999999999999999999' as the index"));
  EXPECT_THAT(refused("1 a:1\n", fields, 0), HasSubstr("line 1: found 'a' as the index of a feature"));
  EXPECT_THAT(refused("1 2:1 1:1\n", fields, 1), HasSubstr("feature 1 stands behind feature 2"));
  EXPECT_THAT(refused("1 2:1 2:1\n", fields, 1), HasSubstr("the indices of a row must rise"));
  EXPECT_THAT(refused("1 1:1\n", fields, 7), HasSubstr("from: 0 or from: 1"));
  folder.write("y.svmlight", "1 1:1\n");
  EXPECT_THAT(refusal("svmlight", {{"", "y.svmlight"}}, fields), HasSubstr("from: 0 or from: 1"));
}

// Rows that are none.
TEST_F(SvmlightTest, BadRows) {
  std::vector<Field> fields{floats({4}), label(2)};
  EXPECT_THAT(refused("1 0:1\n0:1 1:2\n", fields, 0), HasSubstr("line 2: a row begins with its label, found '0:1'"));
  EXPECT_THAT(refused("1,0 0:1\n", fields, 0), HasSubstr("line 1: found the labels '1,0'; a sample has one"));
  EXPECT_THAT(refused("1 0:1 7\n", fields, 0), HasSubstr("line 1: found '7', expected is a feature as index:value"));
  EXPECT_THAT(refused("1 0:\n", fields, 0), HasSubstr("feature 0 of field 'x' has the value '', expected is a number"));
  EXPECT_THAT(refused("1 0:nan\n", fields, 0), HasSubstr("has the value 'nan'"));
  EXPECT_THAT(refused("1 0:1e99\n", fields, 0), HasSubstr("expected is a number that fits f32"));
  EXPECT_THAT(refused("1 0:2.5\n", {{"x", ElementType::U8, {4}, 0}}, 0), HasSubstr("a whole number from 0 to 255"));
  EXPECT_THAT(refused("1 0:1\n", {{"query", ElementType::I32, {}, 0}}, 0), HasSubstr("there is no 'qid:'"));
  EXPECT_THAT(refused("\n# nothing\n", fields, 0), HasSubstr("holds no samples"));
  EXPECT_THAT(refused("", fields, 0), HasSubstr("holds no samples"));
  EXPECT_THAT(refused("1 0:1\n", {{"x", ElementType::BF16, {4}, 0}}, 0), HasSubstr("declare it f32"));
  EXPECT_THAT(refused("1 0:1\n", fields, 0, {{"x", "pixels"}}), HasSubstr("'label', 'features' and 'query'"));
  EXPECT_THAT(refused("1 0:1\n", fields, 0, {{"colour", "red"}}), HasSubstr("has no argument 'colour'"));
}

// The files of the DANN paper, also the row without a feature.
TEST_F(SvmlightTest, Amazon) {
  XFER_NEED_SHARED_DATA(data);
  auto reader = make("svmlight", {{"", data + "/amazon/books_train.svmlight.gz"}, {"from", 0.0}},
                     {floats({5000}), label(2)});
  ASSERT_TRUE(reader) << reader.message();
  EXPECT_EQ((*reader)->count(), 2000);
  std::vector<int32_t> labels = all<int32_t>(**reader, 1);
  EXPECT_EQ(std::accumulate(labels.begin(), labels.end(), 0), 1000);
}

struct WordCountTest : ReaderTest {
  std::vector<ReaderOption> options{{"", "x.review"}, {"words", "words.txt"}, {"label_names", "negative, positive"}};
  void SetUp() override { folder.write("words.txt", "the\ngood_book\r\nat:noon\n"); }
  std::string refused(const std::string &content, const std::vector<Field> &fields) {
    folder.write("x.review", content);
    return refusal("word_counts", options, fields);
  }
};

// Words by their line in the list; unknown ones are left out and counted; the label stands anywhere.
TEST_F(WordCountTest, Rows) {
  folder.write("x.review", "good_book:2 other:1 the:1 #label#:positive\n\n#label#:negative at:noon:3 the:1 the:2\n");
  auto reader = make("word_counts", options, {floats({3}), label(2)});
  ASSERT_TRUE(reader) << reader.message();
  EXPECT_THAT(all<float>(**reader, 0), ElementsAre(1, 2, 0, 3, 0, 3));
  EXPECT_THAT(all<int32_t>(**reader, 1), ElementsAre(1, 0));
  EXPECT_THAT((*reader)->classNames(1), ElementsAre("negative", "positive"));
  EXPECT_THAT((*reader)->notes(), ElementsAre(HasSubstr("1 of 6 counts are of words that")));
  EXPECT_EQ((*reader)->files().size(), 2u);
}

TEST_F(WordCountTest, Bad) {
  std::vector<Field> fields{floats({3}), label(2)};
  EXPECT_THAT(refused("the:1 #label#:good\n", fields), HasSubstr("expected is one of negative, positive"));
  EXPECT_THAT(refused("the:1\n", fields), HasSubstr("line 1: there is no '#label#:'"));
  EXPECT_THAT(refused("the:1\n", {floats({3})}), HasSubstr("no argument 'label_names'"));
  EXPECT_THAT(refused("the:x #label#:positive\n", fields), HasSubstr("found 'the:x', expected is word:count"));
  EXPECT_THAT(refused("\nthe #label#:positive\n", fields), HasSubstr("line 2: found 'the'"));
  EXPECT_THAT(refused("the:-1 #label#:positive\n", fields), HasSubstr("expected is word:count"));
  EXPECT_THAT(refused("#label#:positive #label#:positive\n", fields), HasSubstr("a row has one"));
  EXPECT_THAT(refused("the:300 #label#:positive\n", {{"x", ElementType::U8, {3}, 0}, label(2)}),
              HasSubstr("from 0 to 255"));
  EXPECT_THAT(refused("the:1 #label#:positive\n", {floats({4}), label(2)}), HasSubstr("has 3 words, but field 'x'"));
  EXPECT_THAT(refused("\n", fields), HasSubstr("holds no samples"));
  folder.write("words.txt", "the\na\nthe\n");
  EXPECT_THAT(refused("the:1 #label#:positive\n", fields), HasSubstr("line 3: the word 'the' stands in line 1, too"));
  folder.write("words.txt", "the\n\nof\n");
  EXPECT_THAT(refused("the:1 #label#:positive\n", fields), HasSubstr("line 2: a line holds one word"));
  options[1].name = "vocabulary";
  EXPECT_THAT(refused("the:1 #label#:positive\n", fields), HasSubstr("needs a file 'words'"));
}
