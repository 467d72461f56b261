#include "dsl/Source/SourceManager.h"
#include "gtest/gtest.h"

using namespace xfer::dsl;

namespace {

// Lines and columns count from one; an offset one past the end is legal and lies behind the last character.
TEST(SourceManager, CountsLinesAndColumns) {
  SourceManager sources;
  FileId file = sources.addText("a.xfer", "ab\ncd\r\n\nx");
  auto at = [&](uint32_t offset) {
    LineColumn place = sources.getLineColumn(file, offset);
    return std::make_pair(place.line, place.column);
  };
  EXPECT_EQ(at(0), std::make_pair(1u, 1u));
  EXPECT_EQ(at(2), std::make_pair(1u, 3u));
  EXPECT_EQ(at(3), std::make_pair(2u, 1u));
  EXPECT_EQ(at(8), std::make_pair(4u, 1u));
  EXPECT_EQ(at(9), std::make_pair(4u, 2u));
}

// A line comes without its end, whichever it is; lines that do not exist are empty.
TEST(SourceManager, ReturnsLines) {
  SourceManager sources;
  FileId file = sources.addText("a.xfer", "ab\ncd\r\n\nx");
  EXPECT_EQ(sources.getLine(file, 1), "ab");
  EXPECT_EQ(sources.getLine(file, 2), "cd");
  EXPECT_EQ(sources.getLine(file, 3), "");
  EXPECT_EQ(sources.getLine(file, 4), "x");
  EXPECT_EQ(sources.getLine(file, 9), "");
}

TEST(SourceManager, JoinsRanges) {
  SourceRange a{1, 4, 6}, b{1, 9, 10}, nowhere;
  EXPECT_EQ(a.to(b), (SourceRange{1, 4, 10}));
  EXPECT_EQ(b.to(a), (SourceRange{1, 4, 10}));
  EXPECT_EQ(nowhere.to(a), a);
  EXPECT_EQ(a.to(nowhere), a);
  EXPECT_EQ(a.after(), (SourceRange{1, 6, 6}));
}

// The reason of the system stands in the error, and no file number was given away.
TEST(SourceManager, NamesTheFileThatIsMissing) {
  SourceManager sources;
  llvm::Expected<FileId> file = sources.openFile("/no/such/file.xfer");
  ASSERT_FALSE(static_cast<bool>(file));
  std::string text = llvm::toString(file.takeError());
  EXPECT_NE(text.find("/no/such/file.xfer"), std::string::npos);
  EXPECT_EQ(sources.getNumFiles(), 0u);
}

} // namespace
