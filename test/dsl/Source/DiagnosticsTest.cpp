#include "dsl/Source/Diagnostics.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"
#include "gtest/gtest.h"

using namespace xfer::dsl;

namespace {

class DiagnosticsTest : public testing::Test {
protected:
  std::string text() {
    std::string result;
    llvm::raw_string_ostream os(result);
    printText(os, sources, diagnostics);
    return result;
  }

  SourceManager sources;
  Diagnostics diagnostics;
};

TEST_F(DiagnosticsTest, PrintsPlaceExcerptFixAndNote) {
  FileId file = sources.addText("a.xfer", "first line\nlet x = yy\n");
  diagnostics.error("unknown-name", {file, 19, 21}, "no 'yy'")
      .note({file, 0, 5}, "it is here")
      .fixIt({file, 19, 21}, "y");
  EXPECT_EQ(text(), "a.xfer:2:9: error: no 'yy' [unknown-name]\n"
                    "    2 | let x = yy\n"
                    "      |         ^~\n"
                    "      = fix: replace 'yy' with 'y' at 2:9\n"
                    "a.xfer:1:1: note: it is here\n"
                    "    1 | first line\n"
                    "      | ^~~~~\n");
}

// What stands in front of the range takes as much room above as below: tabs, wide and accented characters.
TEST_F(DiagnosticsTest, UnderlinesBehindTabsAndWideCharacters) {
  FileId file = sources.addText("a.xfer", "\t\"\xC3\xA9\xE6\xBC\xA2\" x");
  diagnostics.error("code", {file, 9, 10}, "here");
  EXPECT_NE(text().find("\n      | \t      ^\n"), std::string::npos) << text();
}

// A range over several lines is underlined to the end of its first, an empty one is one caret, one nowhere has neither.
TEST_F(DiagnosticsTest, UnderlinesOddRanges) {
  FileId file = sources.addText("a.xfer", "ab\ncd");
  diagnostics.error("code", {file, 1, 5}, "long");
  diagnostics.error("code", {file, 5, 5}, "empty");
  diagnostics.error("code", {}, "nowhere");
  EXPECT_EQ(text(), "a.xfer:1:2: error: long [code]\n    1 | ab\n      |  ^\n"
                    "a.xfer:2:3: error: empty [code]\n    2 | cd\n      |   ^\n"
                    "error: nowhere [code]\n");
}

// A name that is not there is one mistake wherever it is read: one message and the places, in text as in JSON; words
// that are equal by chance are several.
TEST_F(DiagnosticsTest, SaysOnceWhatHasOneCause) {
  FileId file = sources.addText("a.xfer", "xy + xy\n1 // 0 + 1 // 0\n");
  for (uint32_t begin : {0, 5})
    diagnostics.error("unknown-name", {file, begin, begin + 2}, "unknown name 'xy'");
  for (uint32_t begin : {8, 17})
    diagnostics.error("division-by-zero", {file, begin, begin + 6}, "division by zero");
  diagnostics.finish();
  EXPECT_EQ(diagnostics.getNumErrors(), 3u);
  EXPECT_NE(text().find("a.xfer:1:6: note: and here"), std::string::npos) << text();
  std::string json;
  llvm::raw_string_ostream os(json);
  printJson(os, sources, diagnostics);
  auto parsed = llvm::json::parse(json);
  ASSERT_TRUE(static_cast<bool>(parsed));
  ASSERT_EQ(parsed->getAsArray()->size(), 3u);
  EXPECT_EQ((*parsed->getAsArray())[0].getAsObject()->getArray("notes")->size(), 1u);
}

// Of few names a short one may be meant by less; of many it may not.
TEST(FindNearest, IsStrictAmongManyNames) {
  llvm::SmallVector<llvm::StringRef> few = {"photo", "sketch"}, many = {"last", "test", "minimize"};
  for (unsigned i = 0; i < 40; ++i)
    many.push_back("zzzzzzzzzzzzzz");
  EXPECT_EQ(findNearest("foto", few), "photo");
  EXPECT_EQ(findNearest("task", many), "");
  EXPECT_EQ(findNearest("tset", many), "test");
  EXPECT_EQ(findNearest("minimise", many), "minimize");
}

// Control characters of a program do not reach the terminal.
TEST_F(DiagnosticsTest, HidesControlCharacters) {
  FileId file = sources.addText("a.xfer", "a\x1b[2J b");
  diagnostics.error("code", {file, 0, 1}, "here");
  EXPECT_EQ(text().find('\x1b'), std::string::npos);
}

TEST_F(DiagnosticsTest, SortsAndDropsRepetitions) {
  FileId file = sources.addText("a.xfer", "abcdef");
  diagnostics.error("code", {file, 3, 4}, "late");
  diagnostics.warning("code", {file, 1, 2}, "early");
  diagnostics.error("code", {file, 3, 4}, "late");
  diagnostics.error("other", {file, 3, 4}, "late");
  EXPECT_EQ(diagnostics.getNumErrors(), 3u);
  diagnostics.finish();
  ASSERT_EQ(diagnostics.getAll().size(), 3u);
  EXPECT_EQ(diagnostics.getAll()[0].message, "early");
  EXPECT_EQ(diagnostics.getAll()[1].code, "code");
  EXPECT_EQ(diagnostics.getAll()[2].code, "other");
  EXPECT_EQ(diagnostics.getNumErrors(), 2u);
}

// A later look sees old mistakes again: what touches the place of one goes, what begins where one ends stays.
TEST_F(DiagnosticsTest, DropsWhatIsSeenAgain) {
  FileId file = sources.addText("a.xfer", "abcdefghij"), other = sources.addText("b.xfer", "abcdefghij");
  diagnostics.error("outer", {file, 1, 8}, "settled");
  diagnostics.error("inner", {file, 2, 3}, "settled, and shorter");
  diagnostics.warning("code", {other, 0, 9}, "settled, but no error");
  diagnostics.settle();
  diagnostics.error("again", {file, 7, 10}, "touches the longer one alone");
  diagnostics.error("again", {file, 5, 5}, "is empty, and inside");
  diagnostics.error("new", {file, 8, 10}, "begins behind");
  diagnostics.error("new", {file, 0, 1}, "ends in front");
  diagnostics.error("new", {other, 2, 3}, "is in another file");
  diagnostics.error("new", {}, "is nowhere");
  diagnostics.warning("new", {file, 2, 3}, "is no error");
  diagnostics.finish();
  std::vector<std::string> codes;
  for (const Diagnostic &one : diagnostics.getAll())
    codes.push_back(one.code);
  EXPECT_EQ(codes, std::vector<std::string>({"new", "new", "outer", "inner", "new", "new", "code", "new"}));
}

// A file that is no program has a mistake at every character. Comparing each with all others would take minutes.
TEST_F(DiagnosticsTest, FinishesManyMistakes) {
  constexpr uint32_t count = 100000;
  FileId file = sources.addText("a.xfer", std::string(2 * count, '&'));
  for (uint32_t i = 0; i < count; ++i) {
    diagnostics.error("unknown-operator", {file, 2 * i, 2 * i + 1}, "it is written 'and'").fixIt({}, "and");
    diagnostics.error("unknown-name", {file, 2 * i, 2 * i + 1}, "no name");
    diagnostics.error("code", {file, 0, 1}, "in one place: " + std::to_string(i));
  }
  diagnostics.settle();
  for (uint32_t i = 0; i < count; ++i)
    diagnostics.error("unknown-name", {file, 2 * i + i % 2, 2 * i + 1 + i % 2}, "seen again, or not");
  diagnostics.finish();
  EXPECT_EQ(diagnostics.getNumErrors(), 2 * count + 2);
  for (const Diagnostic &one : diagnostics.getAll())
    if (one.code == "unknown-name")
      EXPECT_EQ(one.notes.size(), (one.message == "no name" ? count : count / 2) - 1);
}

TEST_F(DiagnosticsTest, MakesWarningsErrors) {
  diagnostics.warning("code", {}, "w");
  EXPECT_FALSE(diagnostics.hasErrors());
  diagnostics.makeWarningsErrors();
  EXPECT_TRUE(diagnostics.hasErrors());
}

// JSON stays valid whatever the program contains.
TEST_F(DiagnosticsTest, PrintsJson) {
  FileId file = sources.addText("a\".xfer", "ab\ncd");
  diagnostics.error("code", {file, 3, 4}, "bad \xff \"text\"").note({}, "note").fixIt({file, 3, 4}, "x\n");
  std::string result;
  llvm::raw_string_ostream os(result);
  printJson(os, sources, diagnostics);
  llvm::Expected<llvm::json::Value> value = llvm::json::parse(result);
  ASSERT_TRUE(static_cast<bool>(value)) << result;
  const llvm::json::Object &first = *value->getAsArray()->front().getAsObject();
  EXPECT_EQ(first.getString("code"), "code");
  EXPECT_EQ(first.getObject("range")->getInteger("line"), 2);
  EXPECT_EQ(first.getObject("range")->getInteger("endColumn"), 2);
  EXPECT_EQ(first.getArray("fixIts")->front().getAsObject()->getString("replacement"), "x\n");
  EXPECT_EQ(first.getArray("notes")->front().getAsObject()->getObject("range"), nullptr);
}

// Near enough is a third of the letters; a name of one letter is near to nothing.
TEST_F(DiagnosticsTest, FindsTheNearestName) {
  EXPECT_EQ(findNearest("layer5", {"layer1", "conv", "layer4"}), "layer1");
  EXPECT_EQ(findNearest("trunc", {"head", "trunk"}), "trunk");
  EXPECT_EQ(findNearest("x", {"y", "z"}), "");
  EXPECT_EQ(findNearest("accuracy", {"macro_f1"}), "");
  EXPECT_EQ(findNearest("", {"a"}), "");
}

// A name that is not there goes with the nearest that is, and the edit; else with what the caller has to say.
TEST(Diagnostics, SuggestsTheNearestName) {
  std::vector<std::string> names = {"layer3", "layer4"};
  EXPECT_EQ(suggest("layer5", names), "; did you mean 'layer3'?");
  EXPECT_EQ(suggest("head", names), "");
  EXPECT_EQ(suggest("head", names, "; there are two"), "; there are two");
  Diagnostics diagnostics;
  Diagnostic &near = diagnostics.unknownName("unknown-part", {1, 2, 8}, "layer5", "no 'layer5'", {"layer4"});
  EXPECT_EQ(near.message, "no 'layer5'; did you mean 'layer4'?");
  ASSERT_EQ(near.fixIts.size(), 1u);
  EXPECT_EQ(near.fixIts.front().replacement, "layer4");
  Diagnostic &far = diagnostics.unknownName("unknown-part", {1, 2, 6}, "head", "no 'head'", {"layer4"}, "; ask");
  EXPECT_EQ(far.message, "no 'head'; ask");
  EXPECT_TRUE(far.fixIts.empty());
}

} // namespace
