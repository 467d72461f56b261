#include "runtime/program/RunFolder.h"
#include "test/runtime/support/FileSizeLimit.h"
#include "test/runtime/support/TemporaryFolder.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace xfer::rt;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

struct RunFolderTest : testing::Test {
  test::TemporaryFolder folder;
  RunFolder run = *RunFolder::open(folder.path("run"));
};

// One line a sample, a column an element; what a name has that no file name should is replaced.
TEST_F(RunFolderTest, Rows) {
  ASSERT_TRUE(run.writeRows("a/b.test", "predictions", {{2, 3}, {1, 2, 3, 4, 5, 0.5}}).ok());
  EXPECT_EQ(folder.read("run/predictions-a_b.test.csv"), "sample,value[0],value[1],value[2]\n0,1,2,3\n1,4,5,0.5\n");
  ASSERT_TRUE(run.writeRows("all", "predictions", {{2}, {7, 8}}).ok());
  EXPECT_EQ(folder.read("run/predictions-all.csv"), "sample,value\n0,7\n1,8\n");
  ASSERT_TRUE(run.writeRows("none", "predictions", {{0, 3}, {}}).ok());
  EXPECT_EQ(folder.read("run/predictions-none.csv"), "sample\n");
}

// Rows beyond a megabyte go to the file in pieces; where there is no room for them, no part of them is left.
TEST_F(RunFolderTest, ManyRows) {
  Tensor rows{{200000}, std::vector<double>(200000, 0.25)};
  ASSERT_TRUE(run.writeRows("all", "predictions", rows).ok());
  std::string text = folder.read("run/predictions-all.csv"), last = "\n199999,0.25\n";
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 200001);
  EXPECT_EQ(text.substr(text.size() - last.size()), last);
  {
    test::FileSizeLimit limit(1 << 19);
    EXPECT_THAT(run.writeRows("few", "predictions", rows).message(), HasSubstr("predictions-few.csv'"));
  }
  EXPECT_THAT(folder.list("run"), ElementsAre("predictions-all.csv"));
}

// A new run removes what the one before wrote, the log and what others have put there excepted.
TEST_F(RunFolderTest, Clear) {
  for (const char *name : {"checkpoint.xfer", "checkpoint.xfer.previous", "results.json", "weights.safetensors",
                           "metrics.jsonl", "run.json", "predictions-all.csv", "predictions-.txt", "notes.csv"})
    folder.write("run/" + std::string(name), "x");
  ASSERT_TRUE(run.clear().ok());
  EXPECT_THAT(folder.list("run"), UnorderedElementsAre("metrics.jsonl", "run.json", "predictions-.txt", "notes.csv"));
}

// One process writes in a folder; what cannot be written or removed is named.
TEST_F(RunFolderTest, Failures) {
  ASSERT_TRUE(run.claim().ok());
  RunFolder other = RunFolder::at(folder.path("run"));
  EXPECT_THAT(other.claim().message(), HasSubstr("another run is writing in '" + folder.path("run") + "'"));
  EXPECT_THAT(RunFolder::at(folder.path("none")).claim().message(), HasSubstr("cannot read '" + folder.path("none")));
  std::filesystem::create_directory(folder.path("run/results.json"));
  EXPECT_THAT(run.check().message(), HasSubstr("results.json': it is a folder"));
  EXPECT_THAT(run.clear().message(), HasSubstr("cannot remove '" + folder.path("run/results.json")));
}
