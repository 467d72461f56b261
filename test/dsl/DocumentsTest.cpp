// Every `xfer` block of the documents of dsl/ is a program that parses.
#include "dsl/Parse/Parser.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MemoryBuffer.h"
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
