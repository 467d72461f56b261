// Every `xfer` block of the documents of dsl/ is a program that parses; every diagnostic has its row in their table,
// and every row leads to an example.
#include "dsl/Parse/Parser.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Regex.h"
#include "llvm/Support/raw_ostream.h"
#include "gtest/gtest.h"

using namespace xfer::dsl;

/// The number of blocks that were parsed.
static unsigned checkDocument(llvm::StringRef name) {
  auto buffer = llvm::MemoryBuffer::getFile((XFER_SOURCE_DIR "/dsl/" + name).str());
  if (!buffer)
    return 0;
  unsigned blocks = 0;
  llvm::StringRef rest = (*buffer)->getBuffer();
  while (true) {
    rest = rest.split("```xfer\n").second;
    if (rest.empty())
      return blocks;
    llvm::StringRef block = rest.split("```").first;
    SourceManager sources;
    Diagnostics diagnostics;
    FileId file = sources.addText((name + " block " + llvm::Twine(++blocks)).str(), block);
    parseFile(sources, file, diagnostics);
    std::string text;
    llvm::raw_string_ostream os(text);
    printText(os, sources, diagnostics);
    EXPECT_EQ(text, "") << block.str();
  }
}

TEST(Documents, ReadmeParses) { EXPECT_GT(checkDocument("README.md"), 15u); }

TEST(Documents, RationaleParses) { EXPECT_GT(checkDocument("Rationale.md"), 0u); }

/// Finds the codes of a file: the first argument of `error` or `warning`, or one that a helper passes on; in the
/// library what stands behind `code:`.
static void collectCodes(llvm::StringRef path, llvm::StringSet<> &codes) {
  bool isLibrary = llvm::sys::path::extension(path) == ".xfer";
  if (llvm::sys::path::extension(path) != ".cpp" && !isLibrary)
    return;
  auto buffer = llvm::MemoryBuffer::getFile(path);
  ASSERT_TRUE(static_cast<bool>(buffer));
  llvm::Regex pattern(isLibrary ? "code: \"([a-z0-9-]+)\"" : "[(, ]\"([a-z]+(-[a-z0-9]+)+)\"");
  llvm::SmallVector<llvm::StringRef> match;
  for (llvm::StringRef rest = (*buffer)->getBuffer(); pattern.match(rest, &match);
       rest = rest.drop_front(match[1].end() - rest.begin()))
    codes.insert(match[1]);
}

/// Texts of the form of a code that are none.
static const llvm::StringLiteral noCodes[] = {"target-cpu", "x86-64-v3", "x86-64-v4"};

TEST(Documents, TableOfDiagnosticsIsWholeAndFresh) {
  llvm::StringSet<> codes;
  for (const char *folder : {"/dsl/Parse", "/dsl/Sema", "/dsl/Source", "/compiler/Elaborate", "/stdlib"}) {
    std::error_code error;
    for (llvm::sys::fs::recursive_directory_iterator at(XFER_SOURCE_DIR + std::string(folder), error), end;
         at != end && !error; at.increment(error))
      collectCodes(at->path(), codes);
  }
  for (const char *file : {"/compiler/Tools/ProgramReader.cpp", "/compiler/Tools/ProgramSources.cpp"})
    collectCodes(XFER_SOURCE_DIR + std::string(file), codes);
  for (llvm::StringRef text : noCodes)
    codes.erase(text);
  EXPECT_GT(codes.size(), 150u);

  auto table = llvm::MemoryBuffer::getFile(XFER_SOURCE_DIR "/dsl/DIAGNOSTICS.md");
  ASSERT_TRUE(static_cast<bool>(table));
  llvm::Regex row("^\\| \\[`([a-z0-9-]+)`\\]\\(\\.\\./([^)]+)\\) \\| .+ \\| .+ \\|$");
  llvm::StringSet<> rows;
  llvm::SmallVector<llvm::StringRef> match;
  for (llvm::StringRef rest = (*table)->getBuffer(); !rest.empty();) {
    auto [line, others] = rest.split('\n');
    rest = others;
    if (!row.match(line, &match))
      continue;
    std::string code = match[1].str();
    EXPECT_TRUE(rows.insert(code).second) << code << " has two rows";
    EXPECT_TRUE(codes.count(code)) << code << " has a row, and nothing says it";
    auto example = llvm::MemoryBuffer::getFile((XFER_SOURCE_DIR "/" + match[2]).str());
    EXPECT_TRUE(example && (*example)->getBuffer().contains(code)) << match[2].str() << " does not show " << code;
  }
  for (const auto &code : codes)
    EXPECT_TRUE(rows.count(code.getKey())) << code.getKey().str() << " has no row in dsl/DIAGNOSTICS.md";
}

// What the other tables of the page name as an answer is a code.
TEST(Documents, AnswersOfTheTableAreCodes) {
  auto table = llvm::MemoryBuffer::getFile(XFER_SOURCE_DIR "/dsl/DIAGNOSTICS.md");
  ASSERT_TRUE(static_cast<bool>(table));
  auto [rows, answers] = (*table)->getBuffer().split("## What a program says");
  llvm::Regex pattern("`([a-z]+(-[a-z0-9]+)+)`");
  llvm::SmallVector<llvm::StringRef> match;
  unsigned found = 0;
  for (llvm::StringRef rest = answers; pattern.match(rest, &match);
       rest = rest.drop_front(match[1].end() - rest.begin()), ++found)
    EXPECT_TRUE(rows.contains(("[`" + match[1] + "`]").str())) << match[1].str();
  EXPECT_GT(found, 50u);
}
