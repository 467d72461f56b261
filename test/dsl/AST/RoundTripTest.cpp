// What the printer writes of a program is a program, and means the same: printed again it is the same text.
#include "dsl/AST/Print.h"
#include "dsl/Parse/Parser.h"
#include "test/dsl/Programs.h"
#include "llvm/Support/raw_ostream.h"
#include "gtest/gtest.h"

using namespace xfer::dsl;

static std::string printed(SourceManager &sources, FileId file) {
  Diagnostics diagnostics;
  std::string text;
  llvm::raw_string_ostream os(text);
  if (std::unique_ptr<File> ast = parseFile(sources, file, diagnostics))
    print(os, *ast);
  printText(os, sources, diagnostics);
  EXPECT_FALSE(diagnostics.hasErrors()) << text;
  return text;
}

TEST(RoundTrip, EveryProgram) {
  std::vector<std::string> paths = findPrograms();
  EXPECT_GT(paths.size(), 25u);
  for (const std::string &path : paths) {
    SourceManager sources;
    llvm::Expected<FileId> file = sources.openFile(path);
    ASSERT_TRUE(static_cast<bool>(file)) << path;
    std::string once = printed(sources, *file);
    EXPECT_EQ(printed(sources, sources.addText("printed", once)), once) << path;
  }
}
