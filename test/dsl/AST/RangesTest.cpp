// Every node lies where its text is: inside of what contains it, and not nowhere.
#include "dsl/AST/Walk.h"
#include "dsl/Parse/Parser.h"
#include "test/dsl/Programs.h"
#include "gtest/gtest.h"

using namespace xfer::dsl;

namespace {

class RangeCheck final : public Walker {
public:
  explicit RangeCheck(const SourceManager &sources) : sources(sources) {}

  unsigned nodes = 0;

private:
  bool enter(const Item &item) override { return push(item.range); }
  void leave(const Item &) override { around.pop_back(); }
  bool enter(const Expr &expr) override {
    if (auto *name = llvm::dyn_cast<NameExpr>(&expr); name && sources.getText(expr.range).front() != '(')
      EXPECT_EQ(sources.getText(expr.range), name->name);
    return push(expr.range);
  }
  void leave(const Expr &) override { around.pop_back(); }

  bool push(SourceRange range) {
    ++nodes;
    EXPECT_TRUE(range.isValid());
    EXPECT_LT(range.begin, range.end);
    if (!around.empty()) {
      EXPECT_GE(range.begin, around.back().begin) << sources.getText(range).str();
      EXPECT_LE(range.end, around.back().end) << sources.getText(range).str();
    }
    around.push_back(range);
    return true;
  }

  const SourceManager &sources;
  std::vector<SourceRange> around;
};

TEST(Ranges, NestLikeTheNodes) {
  for (const std::string &path : findPrograms()) {
    SourceManager sources;
    Diagnostics diagnostics;
    llvm::Expected<FileId> id = sources.openFile(path);
    ASSERT_TRUE(static_cast<bool>(id)) << path;
    std::unique_ptr<File> file = parseFile(sources, *id, diagnostics);
    ASSERT_TRUE(file) << path;
    RangeCheck check(sources);
    check.walk(*file);
    EXPECT_GT(check.nodes, 1u) << path;
  }
}

// Comment lines right above a definition are its text; a blank line, or code, ends them.
TEST(Docs, AreTheCommentAbove) {
  SourceManager sources;
  Diagnostics diagnostics;
  FileId id = sources.addText("test.xfer", "# far away\n\n# One line.\n#   Another.\nfn f(x: []) = x\n"
                                           "let a = 1 # beside\nfn g(x: []) = x\n"
                                           "  # Indented.\r\n  module m() (x: []) { return x }\n");
  std::unique_ptr<File> file = parseFile(sources, id, diagnostics);
  ASSERT_EQ(file->items.size(), 4u);
  EXPECT_EQ(llvm::cast<FnItem>(*file->items[0]).doc, "One line.\n  Another.");
  EXPECT_EQ(llvm::cast<FnItem>(*file->items[2]).doc, "");
  EXPECT_EQ(llvm::cast<ModuleItem>(*file->items[3]).doc, "Indented.");
}

} // namespace
