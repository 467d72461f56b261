// Which newlines reach the parser. A text becomes the words of its tokens, `/` where a newline was kept.
#include "dsl/Parse/Tokens.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"
#include "gtest/gtest.h"

using namespace xfer::dsl;

static std::string filter(llvm::StringRef text) {
  SourceManager sources;
  Diagnostics diagnostics;
  FileId file = sources.addText("test.xfer", text);
  std::string tokens, result;
  llvm::raw_string_ostream os(tokens);
  printTokens(os, sources, file, diagnostics);
  llvm::SmallVector<llvm::StringRef> lines;
  llvm::StringRef(tokens).split(lines, '\n', -1, /*KeepEmpty=*/false);
  for (llvm::StringRef line : lines) {
    auto [kind, word] = line.split(' ').second.split(' ');
    if (kind == "EOF")
      break;
    result += (result.empty() ? "" : " ") + (kind == "Newline" ? "/" : word.str());
  }
  return result;
}

namespace {

TEST(NewlineFilter, KeepsWhatEndsAnItem) {
  EXPECT_EQ(filter("let a = 1\nlet b = 2"), "let a = 1 / let b = 2");
  EXPECT_EQ(filter("let a = 1; let b = 2"), "let a = 1 / let b = 2");
  EXPECT_EQ(filter("let a = 1\r\nminimize b"), "let a = 1 / minimize b");
}

// Any number of newlines, comments between them, is one; those at the ends are none.
TEST(NewlineFilter, JoinsNewlines) {
  EXPECT_EQ(filter("\n\nlet a = 1\n\n# comment\n ; \nlet b = 2\n\n"), "let a = 1 / let b = 2");
  EXPECT_EQ(filter("# only a comment\n"), "");
  EXPECT_EQ(filter(""), "");
}

TEST(NewlineFilter, DropsInsideBrackets) {
  EXPECT_EQ(filter("f(a\n, b\n)\nrun c"), "f ( a , b ) / run c");
  EXPECT_EQ(filter("[a\nloss\n]\nrun c"), "[ a loss ] / run c");
}

// A block inside brackets separates its items again.
TEST(NewlineFilter, KeepsInBlocksInsideBrackets) {
  EXPECT_EQ(filter("f(scan a in b from c = 0 {\nnext c = 1\nyield c\n}\n)\nrun d"),
            "f ( scan a in b from c = 0 { next c = 1 / yield c } ) / run d");
}

TEST(NewlineFilter, DropsAroundBraces) { EXPECT_EQ(filter("stage s {\nrun a\n}\nrun b"), "stage s { run a } / run b"); }

TEST(NewlineFilter, DropsBehindOperators) {
  for (const char *op :
       {"+", "-", "/", "//", "%", "@", "<", "<=", ">", ">=", "==", "!=", "and", "or", ",", "=", "->", "=>", ":", "."})
    EXPECT_EQ(filter((llvm::Twine("a ") + op + "\nb = 1").str()), std::string("a ") + op + " b = 1");
  EXPECT_EQ(filter("not\nb = 1"), "not b = 1");
}

// `*` and `**` may end a selector, so behind them an item may end.
TEST(NewlineFilter, KeepsBehindStars) {
  EXPECT_EQ(filter("freeze net.*\nrun a"), "freeze net . * / run a");
  EXPECT_EQ(filter("freeze net.**\nrun a"), "freeze net . ** / run a");
}

// What starts no item goes on with the one before: operators, brackets, numbers, reserved words of other places.
TEST(NewlineFilter, DropsBeforeWhatStartsNoItem) {
  for (const char *word :
       {"+",      "-",       "*",     "(",    "[",    "{",    ")",   "3",     "\"text\"", "over", "using",
        "except", "against", "until", "into", "with", "else", "and", "every", "along",    "=>",   "->"})
    EXPECT_EQ(filter((llvm::Twine("run a\n") + word).str()), std::string("run a ") + word);
}

// Suffix words are names too, and in FIRST(item); `=` behind one makes it the name of a part.
TEST(NewlineFilter, DropsBeforeSuffixWords) {
  for (const char *word : {"as", "by", "batch", "micro", "count", "rate", "views", "expect", "of", "merge"}) {
    EXPECT_EQ(filter((llvm::Twine("on a\n") + word + " b").str()), std::string("on a ") + word + " b");
    EXPECT_EQ(filter((llvm::Twine("on a\n\n") + word + " = b").str()), std::string("on a / ") + word + " = b");
  }
}

TEST(NewlineFilter, KeepsBeforeNamesAndClauses) {
  EXPECT_EQ(filter("a = b\nc = d"), "a = b / c = d");
  EXPECT_EQ(filter("on a\nfor b in c { }"), "on a / for b in c { }");
  EXPECT_EQ(filter("on a\nloss b = c"), "on a / loss b = c");
}

// A bracket that is never closed ends at a word that can only start an item, not at the end of the file.
TEST(NewlineFilter, GivesUpOpenBrackets) {
  EXPECT_EQ(filter("let a = f(1\nlet b = 2\nlet c = 3"), "let a = f ( 1 / let b = 2 / let c = 3");
  EXPECT_EQ(filter("stage s { run f([1 }\nrun b"), "stage s { run f ( [ 1 } / run b");
  EXPECT_EQ(filter("a = f(1\nloss)\nrun b"), "a = f ( 1 loss ) / run b");
}

TEST(NewlineFilter, SurvivesBracketsThatCloseNothing) { EXPECT_EQ(filter(")\n}\n]\nrun a"), ") } ] / run a"); }

} // namespace
