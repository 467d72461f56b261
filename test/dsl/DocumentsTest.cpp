// Every `xfer` block of the documents of dsl/ is a program that parses, and every diagnostic has its file of errors.
#include "dsl/Parse/Parser.h"
#include "llvm/ADT/STLExtras.h"
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

/// Their texts are generated: Parse/LimitsTest.cpp.
static const llvm::StringLiteral generated[] = {"file-too-large", "invalid-utf8", "nesting-too-deep", "nul-byte",
                                                "too-many-errors"};

TEST(Documents, EveryCodeHasItsErrors) {
  unsigned codes = 0;
  std::error_code error;
  for (llvm::sys::fs::recursive_directory_iterator at(XFER_SOURCE_DIR "/dsl", error), end; at != end && !error;
       at.increment(error)) {
    if (llvm::sys::path::extension(at->path()) != ".cpp")
      continue;
    auto buffer = llvm::MemoryBuffer::getFile(at->path());
    ASSERT_TRUE(static_cast<bool>(buffer));
    // A code is the first argument of `error` or `warning`, or one that a helper passes on.
    llvm::Regex pattern("[(, ]\"([a-z]+(-[a-z0-9]+)+)\"");
    llvm::SmallVector<llvm::StringRef> match;
    for (llvm::StringRef rest = (*buffer)->getBuffer(); pattern.match(rest, &match);
         rest = rest.drop_front(match[1].end() - rest.begin())) {
      ++codes;
      bool exists = llvm::sys::fs::exists((XFER_SOURCE_DIR "/test/dsl/errors/" + match[1] + ".xfer").str());
      EXPECT_TRUE(exists || llvm::is_contained(generated, match[1])) << at->path() << ": " << match[1].str();
    }
  }
  EXPECT_GT(codes, 50u);
}
