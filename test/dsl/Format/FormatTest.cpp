// The formatter changes how a program looks, and nothing else.
#include "dsl/Format/Format.h"
#include "dsl/AST/Print.h"
#include "dsl/Parse/Parser.h"
#include "dsl/Parse/SyntaxTokens.h"
#include "test/dsl/Programs.h"
#include "llvm/Support/raw_ostream.h"
#include "gtest/gtest.h"

using namespace xfer::dsl;

static std::string formatted(llvm::StringRef text) {
  SourceManager sources;
  Diagnostics diagnostics;
  std::optional<std::string> result = formatFile(sources, sources.addText("test", text), diagnostics);
  std::string said;
  llvm::raw_string_ostream os(said);
  printText(os, sources, diagnostics);
  EXPECT_TRUE(result.has_value()) << said;
  return result.value_or("");
}

static std::string meaningOf(llvm::StringRef text) {
  SourceManager sources;
  Diagnostics diagnostics;
  std::string printed;
  llvm::raw_string_ostream os(printed);
  if (std::unique_ptr<File> ast = parseFile(sources, sources.addText("test", text), diagnostics))
    print(os, *ast);
  EXPECT_FALSE(diagnostics.hasErrors());
  return printed;
}

/// The comments of a text, each behind the token that it follows.
static std::string commentsOf(llvm::StringRef text) {
  SourceManager sources;
  Diagnostics diagnostics;
  std::string found, last;
  FileId file = sources.addText("test", text);
  auto tokens = readSyntaxTokens(sources, file, diagnostics);
  for (const SyntaxToken &token : *tokens) {
    if (token.role == TokenRole::Comment)
      found += last + " | " + sources.getText(token.range).rtrim().str() + "\n";
    else
      last = sources.getText(token.range).str();
  }
  return found;
}

static std::string read(llvm::StringRef path) {
  SourceManager sources;
  llvm::Expected<FileId> file = sources.openFile(path);
  EXPECT_TRUE(static_cast<bool>(file)) << path.str();
  return file ? sources.getText(*file).str() : "";
}

TEST(Format, KeepsTheMeaningAndTheCommentsOfEveryProgram) {
  std::vector<std::string> paths = findPrograms();
  paths.push_back(XFER_SOURCE_DIR "/test/dsl/AST/items.xfer");
  paths.push_back(XFER_SOURCE_DIR "/test/dsl/AST/expressions.xfer");
  EXPECT_GT(paths.size(), 50u);
  for (const std::string &path : paths) {
    std::string before = read(path), after = formatted(before);
    EXPECT_EQ(meaningOf(before), meaningOf(after)) << path;
    EXPECT_EQ(commentsOf(before), commentsOf(after)) << path;
    EXPECT_EQ(after, formatted(after)) << path;
  }
}

// Even a text without any line that its author would have kept: everything that can stand on one line does.
TEST(Format, BreaksProgramsThatWereJoined) {
  for (const std::string &path : findPrograms()) {
    std::string joined, text = read(path);
    SourceManager sources;
    Diagnostics diagnostics;
    FileId file = sources.addText("test", text);
    auto tokens = readSyntaxTokens(sources, file, diagnostics);
    bool first = true, opened = false;
    for (const SyntaxToken &token : *tokens) {
      if (token.role == TokenRole::Comment)
        continue;
      joined += first ? "" : token.startsItem && !opened ? "; " : " ";
      joined += sources.getText(token.range);
      first = false;
      opened = token.role == TokenRole::BlockOpen;
    }
    std::string after = formatted(joined);
    EXPECT_EQ(meaningOf(text), meaningOf(after)) << path;
    EXPECT_EQ(after, formatted(after)) << path;
    llvm::StringRef rest = after;
    while (!rest.empty()) {
      auto [line, others] = rest.split('\n');
      EXPECT_LE(line.size(), maxLineWidth) << path << ": " << line.str();
      rest = others;
    }
  }
}

static void expectFormat(const std::string &before, const std::string &after) {
  EXPECT_EQ(formatted(before), after);
  EXPECT_EQ(formatted(after), after);
}

TEST(Format, SetsBlanksBetweenTokens) {
  expectFormat("let a=f( x ,y:1 )[ 2 .. -1 ]*-b**2 ;let c=d [ .. , 0 ]\n",
               "let a = f(x, y: 1)[2..-1] * -b ** 2; let c = d[.., 0]\n");
  expectFormat("fn f(a:f32 [n,..s]?,g:fn( [])->[])->( m:[ ],t : [?] )=(1 ,)\n",
               "fn f(a: f32[n, ..s]?, g: fn([]) -> []) -> (m: [], t: [?]) = (1,)\n");
  expectFormat("freeze net . *.{ a ,b } [*] ,** is batch_norm\n", "freeze net.*.{a, b}[*], ** is batch_norm\n");
  expectFormat("module m( a:int )( x:[n] ){ return( x,a ) }\n", "module m(a: int) (x: [n]) { return (x, a) }\n");
}

TEST(Format, KeepsWhatIsJoinedAndWhatIsApart) {
  expectFormat("model net { a = f();b=g()\n\n\n\n  c = h() }\n", "model net {\n  a = f(); b = g()\n\n  c = h()\n}\n");
  expectFormat("model net { a = f();b=g() }", "model net { a = f(); b = g() }\n");
}

TEST(Format, PutsBracesBehindTheirHeads) {
  expectFormat("if a\n{\nlet x = 1\n}\nelse\n{\nlet x = 2\n}\n", "if a {\n  let x = 1\n} else {\n  let x = 2\n}\n");
  expectFormat("stage s\n{\n}\n", "stage s {}\n");
}

TEST(Format, LinesUpWhatLinedUp) {
  expectFormat("stage s {\n  optimizer   sgd(1)\n  schedule    cosine()\n  epochs      3\n}\n",
               "stage s {\n  optimizer sgd(1)\n  schedule  cosine()\n  epochs    3\n}\n");
  expectFormat("let a    = 1\nlet long = 2\n", "let a    = 1\nlet long = 2\n");
}

TEST(Format, DropsBlanksThatLineUpWithNothing) {
  expectFormat("let a    = 1\nlet b  = 2\n", "let a = 1\nlet b = 2\n");
  // An empty line ends a group.
  expectFormat("let a    = 1\n\nlet long = 2\n", "let a = 1\n\nlet long = 2\n");
}

TEST(Format, KeepsCommentsWhereTheyAre) {
  expectFormat("let a = 1 # one\n      # above b\nlet b = 2        # two\n",
               "let a = 1  # one\n# above b\nlet b = 2        # two\n");
  expectFormat("stage s   # why\n{\n  # only this\n}\n", "stage s   # why\n{\n  # only this\n}\n");
}

// Code that reaches the column of a comment moves it, with those that stood in the same column.
TEST(Format, MovesCommentsTogether) {
  expectFormat("let a=f(1,2) # x\nlet b=1      # y\n", "let a = f(1, 2)  # x\nlet b = 1        # y\n");
}

TEST(Format, IndentsLinesThatGoOn) {
  expectFormat("let a = f(1,\n2\n)\n+ 3\n", "let a = f(1,\n          2\n         )\n      + 3\n");
  expectFormat("let a = f(\n1,\n2)\n", "let a = f(\n  1,\n  2)\n");
  expectFormat("minimize a\n+ b\nover c\n", "minimize a\n       + b\n  over c\n");
  expectFormat("domain d {\nsplit a: 1,\nb: 2\n}\n", "domain d {\n  split a: 1,\n        b: 2\n}\n");
}

TEST(Format, RefusesMistakes) {
  SourceManager sources;
  Diagnostics diagnostics;
  EXPECT_FALSE(formatFile(sources, sources.addText("test", "let a = (1\nlet b = 2\n"), diagnostics));
  EXPECT_TRUE(diagnostics.hasErrors());
}
