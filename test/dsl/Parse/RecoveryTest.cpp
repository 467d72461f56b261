// After a syntax error the parser goes on at the next item, and what it understood is in the tree.
#include "dsl/AST/Print.h"
#include "dsl/Parse/Parser.h"
#include "llvm/Support/raw_ostream.h"
#include "gtest/gtest.h"

using namespace xfer::dsl;

namespace {

struct Result {
  std::string ast;
  unsigned errors;
};

Result parse(llvm::StringRef text) {
  SourceManager sources;
  Diagnostics diagnostics;
  std::unique_ptr<File> file = parseFile(sources, sources.addText("test.xfer", text), diagnostics);
  Result result{"", diagnostics.getNumErrors()};
  llvm::raw_string_ostream os(result.ast);
  if (file)
    print(os, *file);
  return result;
}

TEST(Recovery, LeavesOutOnlyTheItem) {
  Result result = parse("stage s {\n  run a\n  run )\n  run b\n}\nrun c");
  EXPECT_EQ(result.errors, 1u);
  EXPECT_EQ(result.ast, "stage s {\n  run a\n  run b\n}\nrun c\n");
}

TEST(Recovery, ReportsEachItemOnce) {
  Result result = parse("run )(]\nrun a b c d\nrun [1 2 3\nlet a = 1");
  EXPECT_EQ(result.errors, 3u);
  EXPECT_EQ(result.ast, "run a\nlet a = 1\n");
}

// Braces that belong to the broken item do not end the block around it.
TEST(Recovery, SkipsBracesOfTheItem) {
  Result result = parse("model m {\n  a = b with { c -> , d -> e }\n  f = g\n}\nrun h");
  EXPECT_EQ(result.errors, 1u);
  EXPECT_EQ(result.ast, "model m {\n  f = g\n}\nrun h\n");
}

// A broken header takes its block along.
TEST(Recovery, SkipsTheBlockOfABrokenHeader) {
  Result result = parse("stage {\n  run a\n}\nrun b");
  EXPECT_EQ(result.errors, 1u);
  EXPECT_EQ(result.ast, "run b\n");
}

TEST(Recovery, GoesOnBehindStrayBraces) {
  Result result = parse("run a\n}\nrun b");
  EXPECT_EQ(result.errors, 1u);
  EXPECT_EQ(result.ast, "run a\nrun b\n");
}

TEST(Recovery, GoesOnInTheFirstItemOfABlock) {
  Result result = parse("stage s { 3\n run a }\nrun b");
  EXPECT_EQ(result.errors, 1u);
  EXPECT_EQ(result.ast, "stage s {\n  run a\n}\nrun b\n");
}

TEST(Recovery, EndsWithTheFile) {
  EXPECT_EQ(parse("stage s {\n  run a").errors, 1u);
  EXPECT_EQ(parse("run").errors, 1u);
  EXPECT_EQ(parse("run f(").errors, 1u);
}

} // namespace
