#include "runtime/core/File.h"
#include "test/runtime/support/FileSizeLimit.h"
#include "test/runtime/support/Pack.h"
#include "test/runtime/support/TemporaryFolder.h"
#include "xfer/rt/TextFile.h"
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <unistd.h>

using namespace xfer::rt;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

struct FileTest : testing::Test {
  test::TemporaryFolder folder;
};

// A mapped file outlives the handle that a slice was cut from.
TEST_F(FileTest, MapAndSlice) {
  Bytes part;
  {
    Expected<Bytes> file = mapFile(folder.write("a", "hello world"));
    ASSERT_TRUE(file);
    part = file->slice(6, 5);
  }
  EXPECT_EQ(part.text(), "world");
}

// An empty file is no error of its own; what reads it says what is missing.
TEST_F(FileTest, MapEmpty) {
  Expected<Bytes> file = mapFile(folder.write("empty", ""));
  ASSERT_TRUE(file);
  EXPECT_EQ(file->size, 0u);
}

// What cannot be read is named with the reason.
TEST_F(FileTest, MapFailures) {
  EXPECT_THAT(mapFile(folder.path("none")).message(), HasSubstr("none': there is no such file"));
  EXPECT_THAT(mapFile(folder.folder()).message(), HasSubstr("it is a folder"));
  EXPECT_THAT(mapFile("/dev/null").message(), HasSubstr("it is a device"));
}

// A file that was replaced holds the new content and nothing lies beside it.
TEST_F(FileTest, Replace) {
  std::string path = folder.write("weights", "old");
  ASSERT_TRUE(replaceFile(path, "new").ok());
  EXPECT_EQ(folder.read("weights"), "new");
  EXPECT_THAT(folder.list(), ElementsAre("weights"));
}

// Without commit the file of before stays as it was.
TEST_F(FileTest, AbandonedWriteChangesNothing) {
  std::string path = folder.write("weights", "old");
  {
    Expected<AtomicFile> file = AtomicFile::create(path);
    ASSERT_TRUE(file);
    ASSERT_TRUE(file->write("half of the").ok());
    EXPECT_EQ(folder.list().size(), 2u);
  }
  EXPECT_EQ(folder.read("weights"), "old");
  EXPECT_THAT(folder.list(), ElementsAre("weights"));
}

// A writer that was killed leaves a partial file; the next writer removes it, but not one that is still being written.
TEST_F(FileTest, RemovesPartialFilesOfTheDead) {
  std::string path = folder.path("weights");
  folder.write("weights.1-0.partial", "dead");
  std::string busy = folder.write("weights.2-0.partial", "alive");
  folder.write("other.1-0.partial", "not ours");
  int held = open(busy.c_str(), O_RDONLY);
  ASSERT_EQ(flock(held, LOCK_EX), 0);
  ASSERT_TRUE(replaceFile(path, "new").ok());
  close(held);
  EXPECT_THAT(folder.list(), UnorderedElementsAre("weights", "weights.2-0.partial", "other.1-0.partial"));
}

// A folder that cannot be written is named with the reason.
TEST_F(FileTest, UnwritableFolder) {
  folder.write("file", "");
  EXPECT_THAT(replaceFile(folder.path("file/weights"), "x").message(), HasSubstr("cannot write '"));
  EXPECT_THAT(replaceFile(folder.path("none/weights"), "x").message(), HasSubstr("no such file or folder"));
  EXPECT_THAT(makeFolder(folder.path("file")).message(), HasSubstr("a file of that name is in the way"));
  EXPECT_THAT(makeFolder(folder.path("file/below")).message(), HasSubstr("cannot make folder"));
}

// Writing that fails half-way (a limit on file size stands for a full disk) keeps the file of before.
TEST_F(FileTest, FullDisk) {
  std::string path = folder.write("weights", "old");
  Status status = [&] {
    test::FileSizeLimit limit(1000);
    return replaceFile(path, std::string(5000, 'x'));
  }();
  ASSERT_TRUE(status.failed());
  EXPECT_THAT(status.message(), HasSubstr("cannot write '" + path));
  EXPECT_EQ(folder.read("weights"), "old");
  EXPECT_THAT(folder.list(), ElementsAre("weights"));
  EXPECT_EQ(systemReason(ENOSPC), "the disk is full; make room or write elsewhere");
}

// What is no file is not replaced by one.
TEST_F(FileTest, LeavesDevicesAndFoldersAlone) {
  for (const std::string &path : {std::string("/dev/null"), folder.folder()}) {
    Expected<AtomicFile> file = AtomicFile::create(path);
    ASSERT_FALSE(file);
    EXPECT_NE(file.message().find("'" + path + "': it is a "), std::string::npos) << file.message();
  }
}

// Folders are made with those above them, and made again without complaint.
TEST_F(FileTest, MakeFolder) {
  std::vector<std::string> made;
  EXPECT_TRUE(makeFolder(folder.path("a/b//c/"), &made).ok());
  EXPECT_THAT(made, testing::ElementsAre(folder.path("a"), folder.path("a/b"), folder.path("a/b//c")));
  EXPECT_TRUE(makeFolder(folder.path("a/b/c")).ok());
  EXPECT_TRUE(makeFolder(".").ok());
  EXPECT_TRUE(replaceFile(folder.path("a/b/c/x"), "1").ok());
}

// Relative names are looked up in the folder, absolute ones are not.
TEST_F(FileTest, JoinPath) {
  EXPECT_EQ(joinPath("data", "x"), "data/x");
  EXPECT_EQ(joinPath("data/", "x"), "data/x");
  EXPECT_EQ(joinPath("data", "/x"), "/x");
  EXPECT_EQ(joinPath("", "x"), "x");
}

// The cache is where XFER_CACHE says, else in the user's cache folder.
TEST_F(FileTest, CacheFolder) {
  EXPECT_EQ(*cacheFolder(), folder.path("cache"));
  unsetenv("XFER_CACHE");
  setenv("XDG_CACHE_HOME", folder.folder().c_str(), 1);
  EXPECT_EQ(*cacheFolder(), folder.path("xfer"));
  folder.write("file", "");
  setenv("XFER_CACHE", folder.path("file").c_str(), 1);
  EXPECT_THAT(cacheFolder().message(), HasSubstr("set XFER_CACHE to a folder"));
}

// A text is what stands in the file, packed or not, without the mark that some editors put before it.
TEST_F(FileTest, TextFile) {
  std::string text(3 << 20, 'a'); // in several pieces
  EXPECT_EQ(*readTextFile(folder.write("plain", "one\ntwo"), 100), "one\ntwo");
  EXPECT_EQ(*readTextFile(folder.write("packed.gz", test::gzipped(text)), text.size()), text);
  EXPECT_EQ(*readTextFile(folder.write("marked", "\xEF\xBB\xBFone"), 100), "one");
  EXPECT_EQ(*readTextFile(folder.write("empty", ""), 0), "");
}

// A text that is too long is refused without unpacking all of it, and damage is named.
TEST_F(FileTest, TextFileFailures) {
  std::string text(3 << 20, 'a'), packed = test::gzipped(text);
  EXPECT_THAT(readTextFile(folder.write("plain", "four"), 3).message(),
              HasSubstr("plain' holds more than 3 bytes of text"));
  EXPECT_THAT(readTextFile(folder.write("packed.gz", packed), 1000).message(), HasSubstr("holds more than 1000 bytes"));
  EXPECT_THAT(readTextFile(folder.write("cut.gz", packed.substr(0, packed.size() / 2)), text.size()).message(),
              HasSubstr("cut.gz"));
  EXPECT_THAT(readTextFile(folder.path("none"), 3).message(), HasSubstr("there is no such file"));
}
