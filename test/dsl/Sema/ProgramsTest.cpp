// In the programs of the language's design, the library and the examples, text alone finds nothing but what is not
// built yet.
#include "test/dsl/Programs.h"
#include "dsl/AST/Print.h"
#include "dsl/Parse/Parser.h"
#include "dsl/Sema/Sema.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"
#include "gtest/gtest.h"

using namespace xfer::dsl;

namespace {

class Programs : public testing::Test {
protected:
  std::unique_ptr<File> parse(const std::string &path) {
    llvm::Expected<FileId> file = sources.openFile(path);
    EXPECT_TRUE(static_cast<bool>(file)) << path;
    return parseFile(sources, *file, diagnostics);
  }

  SourceManager sources;
  Diagnostics diagnostics;
};

TEST_F(Programs, HaveNoMistakes) {
  for (const std::string &path : findPrograms()) {
    std::unique_ptr<File> file = parse(path);
    ASSERT_TRUE(file) << path;
    // What it imports by name lies beside it.
    std::vector<std::unique_ptr<File>> beside;
    std::vector<const File *> imports;
    for (const ItemPtr &item : file->items)
      if (auto *import = llvm::dyn_cast<ImportItem>(item.get()); import && import->file) {
        beside.push_back(parse((llvm::sys::path::parent_path(path) + "/" + import->file->text).str()));
        ASSERT_TRUE(beside.back()) << path;
        imports.push_back(beside.back().get());
      }
    checkFile(*file, imports, diagnostics);
  }
  for (const Diagnostic &diagnostic : diagnostics.getAll())
    EXPECT_EQ(diagnostic.code, "not-supported-yet")
        << sources.getName(diagnostic.range.file).str() << ": " << diagnostic.message;
}

// Without the import the domains are unknown: the references are really looked up.
TEST_F(Programs, NeedTheirImports) {
  std::unique_ptr<File> file = parse(XFER_SOURCE_DIR "/test/dsl/programs/01-mcd.xfer");
  EXPECT_FALSE(checkFile(*file, {}, diagnostics));
  ASSERT_TRUE(diagnostics.hasErrors());
  EXPECT_EQ(diagnostics.getAll().front().code, "unknown-domain");
}

// The answer is about this file, not about what was found before it.
TEST_F(Programs, AnswerForOneFile) {
  diagnostics.error("code", {}, "earlier");
  FileId id = sources.addText("test.xfer", "fn f(x: []) = x");
  std::unique_ptr<File> file = parseFile(sources, id, diagnostics);
  EXPECT_TRUE(checkFile(*file, {}, diagnostics));
}

// What the parser leaves of a damaged program is checked and printed without a crash.
TEST_F(Programs, SurviveDamage) {
  llvm::Expected<FileId> file = sources.openFile(XFER_SOURCE_DIR "/test/dsl/programs/13-adabn.xfer");
  ASSERT_TRUE(static_cast<bool>(file));
  const std::string program = sources.getText(*file).str();
  for (size_t i = 0; i < program.size(); i += 11) {
    std::string damaged = program;
    damaged[i] = "(}\n=,"[i % 5];
    SourceManager one;
    Diagnostics said;
    std::unique_ptr<File> ast = parseFile(one, one.addText("test.xfer", damaged), said);
    ASSERT_TRUE(ast);
    checkFile(*ast, {}, said);
    said.finish();
    std::string text;
    llvm::raw_string_ostream os(text);
    print(os, *ast);
    printText(os, one, said);
    EXPECT_FALSE(text.empty());
  }
}

// What lies inside of each other is read once a level: twice would never end.
TEST_F(Programs, ReadNestedConditionsOnce) {
  std::string choice = "lr", list = "[lr]";
  for (unsigned level = 0; level < 40; ++level) {
    choice = "(1 if " + choice + " == 1 else 2)";
    list = "[x for x in " + list + "]";
  }
  FileId id = sources.addText("test.xfer", "param lr = 1\nconst a = " + choice + "\nconst b = " + list + "\n");
  std::unique_ptr<File> file = parseFile(sources, id, diagnostics);
  EXPECT_FALSE(checkFile(*file, {}, diagnostics));
  ASSERT_EQ(diagnostics.getAll().size(), 2u);
  EXPECT_EQ(diagnostics.getAll().front().message,
            "'lr' is an option of the program, and the condition of a choice by 'if' is fixed at compile time");
  EXPECT_EQ(diagnostics.getAll().back().message,
            "'lr' is an option of the program, and a loop is fixed at compile time");
}

// A loop inside of another may use its name; behind it the outer one means the name again.
TEST_F(Programs, KnowTheOuterOfTwoLoopsAgain) {
  FileId id = sources.addText("test.xfer", "domain a { read r(); fields x: f32[2] }\n"
                                           "model net = linear(2)\n"
                                           "for d in [a] { for d in [1] { const k = d }\n"
                                           "  evaluate d.all { predict net(d.x) } }\n");
  std::unique_ptr<File> file = parseFile(sources, id, diagnostics);
  checkFile(*file, {}, diagnostics);
  for (const Diagnostic &diagnostic : diagnostics.getAll())
    ADD_FAILURE() << diagnostic.message;
}

} // namespace
