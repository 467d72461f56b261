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

static PredictionTable tableOf(Tensor rows, Tensor truth = {}) {
  PredictionTable table;
  table.rows = std::move(rows);
  table.truth = std::move(truth);
  return table;
}

// One line a sample, a column an element; what a name has that no file name should is replaced.
TEST_F(RunFolderTest, Rows) {
  ASSERT_TRUE(run.writeRows("a/b.test", "predictions", tableOf({{2, 3}, {1, 2, 3, 4, 5, 0.5}})).ok());
  EXPECT_EQ(folder.read("run/predictions-a_b.test.csv"), "sample,value[0],value[1],value[2]\n0,1,2,3\n1,4,5,0.5\n");
  ASSERT_TRUE(run.writeRows("all", "predictions", tableOf({{2}, {7, 8}})).ok());
  EXPECT_EQ(folder.read("run/predictions-all.csv"), "sample,value\n0,7\n1,8\n");
  ASSERT_TRUE(run.writeRows("none", "predictions", tableOf({{0, 3}, {}})).ok());
  EXPECT_EQ(folder.read("run/predictions-none.csv"), "sample\n");
}

// Classes by number and by name, quoted where a name wants it; a label that no class has keeps its number.
TEST_F(RunFolderTest, RowsOfClasses) {
  PredictionTable table = tableOf({{3, 2}, {0.25, 0.75, 1, 0, 0.5, 0.5}}, {{3}, {1, 0, 7}});
  table.tag = "prob";
  table.places = {4, 2, 9};
  ASSERT_TRUE(run.writeRows("numbers", "predictions", table).ok());
  EXPECT_EQ(folder.read("run/predictions-numbers.csv"), "sample,row,value[0],value[1],class,truth\n"
                                                        "0,4,0.25,0.75,1,1\n1,2,1,0,0,0\n2,9,0.5,0.5,0,7\n");
  table.classes = {"cat, \"tabby\"", "dog"};
  table.files = {"a.png", "b\n.png", "c,d.png"};
  ASSERT_TRUE(run.writeRows("names", "predictions", table).ok());
  EXPECT_EQ(folder.read("run/predictions-names.csv"),
            "sample,file,value[0],value[1],class,name,truth,truth_name\n"
            "0,a.png,0.25,0.75,1,dog,1,dog\n"
            "1,\"b\n.png\",1,0,0,\"cat, \"\"tabby\"\"\",0,\"cat, \"\"tabby\"\"\"\n"
            "2,\"c,d.png\",0.5,0.5,0,\"cat, \"\"tabby\"\"\",7,\n");
}

// Numbers that are compared with numbers have no class, whatever their extents.
TEST_F(RunFolderTest, RowsOfNumbers) {
  PredictionTable table = tableOf({{2, 2}, {1, 2, 3, 4}}, {{2, 2}, {1, 2, 3, 5}});
  ASSERT_TRUE(run.writeRows("pairs", "predictions", table).ok());
  EXPECT_EQ(folder.read("run/predictions-pairs.csv"),
            "sample,value[0],value[1],truth[0],truth[1]\n0,1,2,1,2\n1,3,4,3,5\n");
  table = tableOf({{2}, {1, 2}}, {{2}, {1, 3}});
  table.tag = "prob"; // of one event
  ASSERT_TRUE(run.writeRows("single", "predictions", table).ok());
  EXPECT_EQ(folder.read("run/predictions-single.csv"), "sample,value,truth\n0,1,1\n1,2,3\n");
}

// Rows beyond a megabyte go to the file in pieces; where there is no room for them, no part of them is left.
TEST_F(RunFolderTest, ManyRows) {
  PredictionTable rows = tableOf({{200000}, std::vector<double>(200000, 0.25)});
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
