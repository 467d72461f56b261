#include "runtime/metrics/JsonText.h"
#include "runtime/metrics/MetricsLog.h"
#include "runtime/metrics/Progress.h"
#include "test/runtime/support/FileSizeLimit.h"
#include <cmath>
#include <cstdio>
#include <fstream>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

using namespace xfer::rt;

static std::string contentOf(const std::string &path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// Any bytes become a JSON string that a strict reader takes; well-formed text survives.
TEST(JsonText, EscapesAnything) {
  EXPECT_EQ(jsonText("a\"b\\c\n\x01"), "\"a\\\"b\\\\c\\n\\u0001\"");
  EXPECT_EQ(nlohmann::json::parse(jsonText("müde €  \xF0\x9F\x98\x80")), "müde €  \xF0\x9F\x98\x80");
  for (const char *bad : {"\xFF", "\xC0\x80", "\xED\xA0\x80", "\xE2\x82", "\xF5\x80\x80\x80"}) {
    std::string read = nlohmann::json::parse(jsonText(bad));
    EXPECT_NE(read.find("\xEF\xBF\xBD"), std::string::npos);
  }
}

// Nothing of a file that is quoted in a message reaches a terminal as a command.
TEST(JsonText, PrintableText) {
  EXPECT_EQ(printableText("line 3: 'm\xC3\xBC"
                          "de'\n\tdo"),
            "line 3: 'm\xC3\xBC"
            "de'\n\tdo");
  const std::string mark = "\xEF\xBF\xBD";
  EXPECT_EQ(printableText("a\x1B[2Jb\rc\x7F"), "a" + mark + "[2Jb" + mark + "c" + mark);
  EXPECT_EQ(printableText("\xC2\x9B"
                          "31m\xFF"),
            mark + "31m" + mark);
}

// Numbers read back as they were; what JSON cannot say is null.
TEST(JsonText, Numbers) {
  EXPECT_EQ(jsonNumber(static_cast<double>(0.1f)), "0.1");
  EXPECT_EQ(nlohmann::json::parse(jsonNumber(1.0 / 3)).get<double>(), 1.0 / 3);
  EXPECT_EQ(jsonNumber(std::nan("")), "null");
  EXPECT_EQ(jsonNumber(-INFINITY), "null");
}

// Brackets, commas and nested tensors come out right.
TEST(JsonWriter, WritesNestedValues) {
  const double matrix[] = {1, 2, 3, 4, 5, 6};
  JsonWriter json;
  json.beginObject().key("name").value("x").key("m").tensor({2, 3}, matrix).key("s").tensor({}, matrix);
  json.key("list").beginList().value(true).beginObject().endObject().endList().endObject();
  EXPECT_EQ(json.text(), R"({"name": "x", "m": [[1, 2, 3], [4, 5, 6]], "s": 1, "list": [true, {}]})");
}

// A log that is opened at a length loses what stood behind it, and goes on there.
TEST(MetricsLog, ContinuesAtALength) {
  std::string path = ::testing::TempDir() + "metrics.jsonl";
  std::remove(path.c_str());
  uint64_t kept = 0;
  {
    Expected<MetricsLog> log = MetricsLog::open(path, 0);
    ASSERT_TRUE(log && log->begin().ok()) << log.message();
    ASSERT_TRUE(log->write("{\"a\": 1}").ok());
    kept = log->length();
    ASSERT_TRUE(log->write("{\"a\": 2}").ok());
  }
  {
    Expected<MetricsLog> log = MetricsLog::open(path, kept);
    ASSERT_TRUE(log) << log.message();
    EXPECT_EQ(contentOf(path), "{\"a\": 1}\n{\"a\": 2}\n"); // nothing is lost before it begins
    ASSERT_TRUE(log->begin().ok());
    ASSERT_TRUE(log->write("{\"a\": 3}").ok());
  }
  EXPECT_EQ(contentOf(path), "{\"a\": 1}\n{\"a\": 3}\n");
  EXPECT_FALSE(MetricsLog::open(path, 1000).ok());
  EXPECT_FALSE(MetricsLog::open("/nowhere/metrics.jsonl", 0).ok());
  EXPECT_EQ(MetricsLog::open("/dev/null", 0).message(), "cannot write '/dev/null': it is a device");
}

// A line for which there is no room is not begun: the log ends with the last whole one, and goes on when there is room.
TEST(MetricsLog, FullDisk) {
  std::string path = ::testing::TempDir() + "full.jsonl";
  std::remove(path.c_str());
  Expected<MetricsLog> log = MetricsLog::open(path, 0);
  ASSERT_TRUE(log && log->begin().ok()) << log.message();
  ASSERT_TRUE(log->write("{\"a\": 1}").ok());
  {
    test::FileSizeLimit limit(12);
    EXPECT_EQ(log->write("{\"a\": 2}").message(), "cannot write '" + path +
                                                      "': the file would be larger than is allowed; "
                                                      "raise the limit (ulimit -f)");
  }
  EXPECT_EQ(contentOf(path), "{\"a\": 1}\n");
  ASSERT_TRUE(log->write("{\"a\": 3}").ok());
  EXPECT_TRUE(log->sync().ok());
  EXPECT_EQ(contentOf(path), "{\"a\": 1}\n{\"a\": 3}\n");
}

// Times are written as a clock would show them.
TEST(Progress, ClockText) {
  EXPECT_EQ(clockText(0.4), "0:00");
  EXPECT_EQ(clockText(59.6), "1:00");
  EXPECT_EQ(clockText(3661), "1:01:01");
}

// Off a terminal an epoch is one plain line with its values and nothing is drawn over.
TEST(Progress, PlainLines) {
  std::string path = ::testing::TempDir() + "progress.txt";
  FILE *stream = std::fopen(path.c_str(), "w");
  EXPECT_EQ(Progress::styleOf(stream), Progress::Lines);
  Progress progress(stream, Progress::Lines, std::chrono::milliseconds(1000));
  progress.begin("adapt", 150, 3, 64, 0);
  progress.step(1, 0, {{"task", 2}});
  std::this_thread::sleep_for(std::chrono::milliseconds(250));
  progress.epoch(50, 0, {{"task", 0.5}});
  progress.epoch(100, 1, {{"task", 0.25}}); // too soon after the other to have a line of its own
  progress.epoch(150, 2, {{"task", 0.125}});
  std::fclose(stream);
  std::string text = contentOf(path);
  EXPECT_EQ(text.find("adapt  epoch 1/3  step 50  task 0.5000  "), 0u) << text;
  EXPECT_EQ(text.find("epoch 2/3"), std::string::npos) << text;
  EXPECT_NE(text.find("adapt  epoch 3/3  step 150  task 0.1250  "), std::string::npos) << text;
  EXPECT_EQ(text.find('\r'), std::string::npos);
}

// In a long epoch a line follows when enough time has passed since the last one, with what an epoch's line has.
TEST(Progress, PlainLinesInsideAnEpoch) {
  std::string path = ::testing::TempDir() + "progress-long.txt";
  FILE *stream = std::fopen(path.c_str(), "w");
  Progress progress(stream, Progress::Lines, std::chrono::milliseconds(200));
  progress.begin("adapt", 100, 1, 64, 0);
  progress.step(1, 0, {{"task", 2}});
  std::this_thread::sleep_for(std::chrono::milliseconds(250));
  progress.step(2, 0, {{"task", 1.5}});
  progress.step(3, 0, {{"task", 1.25}});
  progress.epoch(100, 0, {{"task", 0.5}});
  progress.end();
  std::fclose(stream);
  std::istringstream text(contentOf(path));
  std::vector<std::string> lines;
  for (std::string line; std::getline(text, line);)
    lines.push_back(line);
  ASSERT_EQ(lines.size(), 3u) << text.str();
  EXPECT_EQ(lines[0].find("adapt  epoch 1/1  step 2  task 1.5000  "), 0u) << lines[0];
  EXPECT_NE(lines[0].find(" samples/s  0:"), std::string::npos) << lines[0];
  EXPECT_NE(lines[0].find(" left"), std::string::npos) << lines[0];
  EXPECT_EQ(lines[1].find("adapt  epoch 1/1  step 100  task 0.5000  "), 0u) << lines[1];
  EXPECT_EQ(lines[2], "adapt  done in 0:00  task 0.5000");
}

// A bar is drawn over itself, a note stands above it, and the stage's last line in its place.
TEST(Progress, Bar) {
  std::string path = ::testing::TempDir() + "progress-bar.txt";
  FILE *stream = std::fopen(path.c_str(), "w");
  Progress progress(stream, Progress::Bar);
  progress.begin("adapt", 100, 2, 64, 0);
  progress.step(1, 0, {{"task", 2}}); // too soon
  std::this_thread::sleep_for(std::chrono::milliseconds(110));
  progress.step(50, 0, {{"task", 1.5}});
  progress.note("a note");
  std::this_thread::sleep_for(std::chrono::milliseconds(110));
  progress.epoch(100, 1, {{"task", 0.5}});
  progress.end();
  std::fclose(stream);
  std::string text = contentOf(path);
  EXPECT_EQ(text.find("adapt  epoch 1/2 [##########..........]  task 1.5000  "), 0u) << text;
  EXPECT_NE(text.find(" left\r\033[Ka note\nadapt  epoch 2/2 [####################]  task 0.5000  "), std::string::npos)
      << text;
  EXPECT_NE(text.find("\r\033[Kadapt  done in 0:00  task 0.5000\n"), std::string::npos) << text;
}

// Who asks for silence gets no note either.
TEST(Progress, Silent) {
  std::string path = ::testing::TempDir() + "progress-silent.txt";
  FILE *stream = std::fopen(path.c_str(), "w");
  Progress progress(stream, Progress::Silent, std::chrono::milliseconds(0));
  progress.begin("adapt", 1, 1, 64, 0);
  progress.step(1, 0, {{"task", 2}});
  progress.epoch(1, 0, {{"task", 2}});
  progress.note("a note");
  progress.end();
  std::fclose(stream);
  EXPECT_EQ(contentOf(path), "");
}
