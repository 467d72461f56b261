// Texts that no person writes: each ends in one clear diagnostic, quickly, and never in a crash.
#include "dsl/Parse/Parser.h"
#include "llvm/Support/raw_ostream.h"
#include "gtest/gtest.h"

using namespace xfer::dsl;

namespace {

std::string repeat(llvm::StringRef text, unsigned times) {
  std::string result;
  for (unsigned i = 0; i < times; ++i)
    result += text;
  return result;
}

/// The codes of what is said about a text, in the order of the text.
std::vector<std::string> parse(llvm::StringRef text) {
  SourceManager sources;
  Diagnostics diagnostics;
  parseFile(sources, sources.addText("test.xfer", text), diagnostics);
  diagnostics.finish();
  std::vector<std::string> codes;
  for (const Diagnostic &diagnostic : diagnostics.getAll())
    codes.push_back(diagnostic.code);
  return codes;
}

using Codes = std::vector<std::string>;

TEST(Limits, RefusesDeepNesting) {
  const Codes tooDeep = {"nesting-too-deep"};
  EXPECT_EQ(parse("let x = " + repeat("(", 100000)), tooDeep);
  EXPECT_EQ(parse("let x = " + repeat("[a[", 50000)), tooDeep);
  EXPECT_EQ(parse("let x = " + repeat("-", 100000) + "1"), tooDeep);
  EXPECT_EQ(parse("let x = " + repeat("not ", 100000) + "1"), tooDeep);
  EXPECT_EQ(parse("let x = " + repeat("1 ** ", 100000) + "1"), tooDeep);
  EXPECT_EQ(parse("let x = " + repeat("1 + ", 50000) + "1"), tooDeep);
  EXPECT_EQ(parse("let x = " + repeat("a or ", 50000) + "1"), tooDeep);
  EXPECT_EQ(parse("let x = f" + repeat("(1)", 50000)), tooDeep);
  EXPECT_EQ(parse("let x = " + repeat("fn() => ", 50000) + "1"), tooDeep);
  EXPECT_EQ(parse("let x = " + repeat("1 if a else ", 50000) + "1"), tooDeep);
  EXPECT_EQ(parse(repeat("if a { } else ", 50000) + "{ }"), tooDeep);
  EXPECT_EQ(parse(repeat("for a in b { ", 50000)), tooDeep);
  EXPECT_EQ(parse("fn f(x: " + repeat("fn() -> ", 50000) + "int) = 1"), tooDeep);
}

TEST(Limits, AcceptsWhatPeopleWrite) {
  EXPECT_EQ(parse("let x = " + repeat("(", 150) + "1" + repeat(")", 150)), Codes());
  EXPECT_EQ(parse("let x = " + repeat("1 + ", 450) + "1"), Codes());
  EXPECT_EQ(parse("let x = [" + repeat("1, ", 5000) + "1]"), Codes());
  EXPECT_EQ(parse(repeat("let x = f(1, a: [2, 3])\n", 2000)), Codes());
}

// The depth of brackets times the length of chains is what counts: each alone would pass.
TEST(Limits, CountsChainsInsideBrackets) {
  std::string text = "1";
  for (unsigned i = 0; i < 20; ++i)
    text = "(" + text + repeat(" + 1", 100) + ")";
  EXPECT_EQ(parse("let x = " + text), Codes({"nesting-too-deep"}));
}

TEST(Limits, RefusesLargeFiles) {
  EXPECT_EQ(parse(std::string((1 << 20) + 1, ' ')), Codes({"file-too-large"}));
  EXPECT_EQ(parse(std::string(1 << 20, ' ')), Codes());
}

TEST(Limits, RefusesWhatIsNoText) {
  EXPECT_EQ(parse("let x = 1 # \xff"), Codes({"invalid-utf8"}));
  EXPECT_EQ(parse("let x = \"\xc3\""), Codes({"invalid-utf8"}));
  EXPECT_EQ(parse("let x = \"\xed\xa0\x80\""), Codes({"invalid-utf8"}));
  EXPECT_EQ(parse(llvm::StringRef("let x = 1\n\0", 11)), Codes({"nul-byte"}));
}

TEST(Limits, AcceptsByteOrderMarkAndOtherLineEnds) {
  EXPECT_EQ(parse("\xef\xbb\xbflet x = 1\r\nlet y = 2\r\n"), Codes());
  EXPECT_EQ(parse(""), Codes());
  EXPECT_EQ(parse("\xef\xbb\xbf"), Codes());
}

TEST(Limits, StopsAfterManyErrors) {
  Codes codes = parse(repeat("let x = )\n", 1000));
  ASSERT_EQ(codes.size(), 41u);
  EXPECT_EQ(codes.front(), "unmatched-bracket");
  EXPECT_EQ(codes.back(), "too-many-errors");
}

// Every prefix and every text with one byte knocked out is parsed without a crash, and says something if it is wrong.
TEST(Limits, SurvivesDamage) {
  const std::string program =
      "domain d {\n  read idx(image: \"a\"); fields image: u8[2, ?], y: class(3)[k <= 4]\n}\n"
      "stage s from t { on d.all as x by f(1) batch 3 micro 1\n let a, b = each p in q => p[1.., 2]\n"
      " optimizer sgd(1e-3) rate net.**[*] is k: 0.1 for i in j; keep best oracle a over d.b }\n"
      "fn f(x: [.., n]? = none) -> like x = x with { a.{b, c} -> it(1) expect 2 } at p[3]\n";
  for (size_t i = 0; i < program.size(); ++i) {
    parse(llvm::StringRef(program).take_front(i));
    for (char byte : {'(', '}', '"', '\n', '\1', '='}) {
      std::string damaged = program;
      damaged[i] = byte;
      parse(damaged);
    }
  }
}

} // namespace
