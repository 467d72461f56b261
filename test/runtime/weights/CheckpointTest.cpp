#include "runtime/weights/Checkpoint.h"
#include "test/runtime/support/FileSizeLimit.h"
#include "test/runtime/support/TemporaryFolder.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace xfer::rt;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

struct CheckpointTest : testing::Test {
  test::TemporaryFolder folder;
  std::string path = folder.path("checkpoint");
  std::string notice;
  std::optional<FileStamp> last;

  // A checkpoint that says which step it is of.
  Status write(int step, const std::string &program = "abc") {
    Checkpoint checkpoint;
    checkpoint.program = program;
    checkpoint.header = "{\"step\":" + std::to_string(step) + "}";
    std::string weights(1000, static_cast<char>('a' + step));
    checkpoint.add("weights", weights.data(), weights.size());
    checkpoint.add("empty", nullptr, 0);
    checkpoint.add("step", &step, sizeof(step));
    return checkpoint.write(path, last);
  }
  std::string latest() {
    Expected<Checkpoint> checkpoint = Checkpoint::readLatest(path, "abc", notice);
    return checkpoint ? checkpoint->header : checkpoint.message();
  }
};

// What is written comes back, blocks aligned.
TEST_F(CheckpointTest, RoundTrip) {
  ASSERT_TRUE(write(3).ok());
  Expected<Checkpoint> checkpoint = Checkpoint::read(path, "abc");
  ASSERT_TRUE(checkpoint) << checkpoint.message();
  EXPECT_EQ(checkpoint->header, "{\"step\":3}");
  ASSERT_EQ(checkpoint->blocks.size(), 3u);
  EXPECT_EQ(checkpoint->find("weights")->text(), std::string(1000, 'd'));
  EXPECT_EQ(checkpoint->find("empty")->size, 0u);
  EXPECT_EQ(*reinterpret_cast<const int *>(checkpoint->find("step")->data), 3);
  EXPECT_EQ(checkpoint->find("none"), nullptr);
  for (const CheckpointBlock &block : checkpoint->blocks)
    EXPECT_EQ(reinterpret_cast<uintptr_t>(block.bytes.data) % 64, 0u);
}

// One without blocks, and one whose last block is empty, are good as well.
TEST_F(CheckpointTest, WithoutBlocks) {
  Checkpoint checkpoint;
  checkpoint.program = "abc";
  ASSERT_TRUE(checkpoint.write(path, last).ok());
  EXPECT_TRUE(Checkpoint::read(path, "abc"));
  checkpoint.add("weights", "xyz", 3);
  checkpoint.add("empty", nullptr, 0);
  ASSERT_TRUE(checkpoint.write(path, last).ok());
  EXPECT_EQ(Checkpoint::read(path, "abc").status().ok(), true);
}

// The one before is kept, the one before that is not.
TEST_F(CheckpointTest, KeepsPrevious) {
  for (int step : {1, 2, 3})
    ASSERT_TRUE(write(step).ok());
  EXPECT_THAT(folder.list(), UnorderedElementsAre("checkpoint", "checkpoint.previous"));
  EXPECT_EQ(latest(), "{\"step\":3}");
  EXPECT_THAT(notice, IsEmpty());
  EXPECT_EQ(Checkpoint::read(path + ".previous", "abc")->header, "{\"step\":2}");
}

// A damaged or missing one is replaced by the one before, and the notice says so; a damaged one never becomes it.
TEST_F(CheckpointTest, FallsBack) {
  ASSERT_TRUE(write(1).ok());
  ASSERT_TRUE(write(2).ok());
  std::string whole = folder.read("checkpoint");
  folder.write("checkpoint", whole.substr(0, 500));
  EXPECT_EQ(latest(), "{\"step\":1}");
  EXPECT_THAT(notice, HasSubstr("is damaged: it is cut off"));
  EXPECT_THAT(notice, HasSubstr("going on from the one before"));
  ASSERT_TRUE(write(3).ok());
  EXPECT_EQ(Checkpoint::read(path + ".previous", "abc")->header, "{\"step\":1}");
  std::filesystem::remove(path);
  EXPECT_EQ(latest(), "{\"step\":1}");
  std::filesystem::remove(path + ".previous");
  EXPECT_THAT(latest(), HasSubstr("there is no such file"));
}

// Every cut and every flipped bit is found.
TEST_F(CheckpointTest, FindsAllDamage) {
  ASSERT_TRUE(write(1).ok());
  std::string whole = folder.read("checkpoint");
  for (size_t size = 0; size < whole.size(); size += 1 + size / 64) {
    folder.write("damaged", whole.substr(0, size));
    EXPECT_FALSE(Checkpoint::read(folder.path("damaged"), "abc")) << size;
  }
  folder.write("damaged", whole + "x");
  EXPECT_THAT(Checkpoint::read(folder.path("damaged"), "abc").message(), HasSubstr("does not fit the file"));
  size_t unnoticed = 0;
  for (size_t byte = 0; byte < whole.size(); ++byte) {
    std::string damaged = whole;
    damaged[byte] ^= 0x10;
    folder.write("damaged", damaged);
    unnoticed += bool(Checkpoint::read(folder.path("damaged"), "abc"));
  }
  EXPECT_LT(unnoticed, 3u * 64) << "only the padding between blocks may change unnoticed";
}

// What belongs to another program, comes from the future or is no checkpoint is refused by name, with what to do.
TEST_F(CheckpointTest, Refusals) {
  ASSERT_TRUE(write(1, "other").ok());
  EXPECT_THAT(latest(), HasSubstr("written by another program (hash other, this one is abc); resume with"));
  std::string whole = folder.read("checkpoint");
  whole[8] = 2;
  folder.write("checkpoint", whole);
  EXPECT_THAT(latest(), HasSubstr("has version 2, this program knows versions up to 1; build"));
  folder.write("checkpoint", std::string(200, 'x'));
  EXPECT_THAT(latest(), HasSubstr("is not a checkpoint of a compiled program"));
}

// A disk that is full (a limit on file size stands for it) leaves both checkpoints as they were.
TEST_F(CheckpointTest, FullDisk) {
  ASSERT_TRUE(write(1).ok());
  ASSERT_TRUE(write(2).ok());
  Status status = [&] {
    test::FileSizeLimit limit(700);
    return write(3);
  }();
  ASSERT_TRUE(status.failed());
  EXPECT_THAT(status.message(), HasSubstr("cannot write '" + path));
  EXPECT_EQ(latest(), "{\"step\":2}");
  EXPECT_EQ(Checkpoint::read(path + ".previous", "abc")->header, "{\"step\":1}");
  EXPECT_THAT(folder.list(), UnorderedElementsAre("checkpoint", "checkpoint.previous"));
}
