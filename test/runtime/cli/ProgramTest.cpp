// A whole program (Program.cpp) as a user meets it: what it prints, writes and returns, and that no accident changes a
// bit of its result.
#include "runtime/core/Hash.h"
#include "test/runtime/support/TemporaryFolder.h"
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

using nlohmann::json;

namespace {
struct Outcome {
  int code;
  std::string out, err;
};

class ProgramTest : public ::testing::Test {
protected:
  xfer::rt::test::TemporaryFolder folder;

  std::string at(const std::string &name) const { return folder.path(name); }

  static std::string read(const std::string &path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  // A new file: the old one may have a second name.
  static void write(const std::string &path, const std::string &content) {
    unlink(path.c_str());
    std::ofstream(path, std::ios::binary) << content;
  }
  static bool exists(const std::string &path) { return access(path.c_str(), F_OK) == 0; }

  // `words` after the name of a program of this build (or a path), run inside of the folder.
  Outcome run(const std::string &words, const std::string &program = "clouds", const std::string &before = "") {
    std::string path = program.find('/') != std::string::npos ? program : binary(program);
    std::string command = "cd '" + folder.folder() + "' && " + before + " exec '" + path + "' " + words + " >out 2>err";
    int status = std::system(command.c_str());
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return {code, read(at("out")), read(at("err"))};
  }

  static std::string binary(const std::string &program) { return std::string(TEST_BINARIES) + "/xfer-test-" + program; }

  // Starts a run, waits until its log has so many lines, sends the signal; gives the wait status.
  int signalled(std::vector<std::string> words, const std::string &log, int lines, int signal) {
    pid_t child = fork();
    if (child == 0) {
      if (chdir(folder.folder().c_str()) != 0 || !freopen("out", "w", stdout) || !freopen("err", "w", stderr))
        _exit(99);
      std::string path = binary("clouds");
      std::vector<char *> argv = {path.data()};
      for (std::string &word : words)
        argv.push_back(word.data());
      argv.push_back(nullptr);
      execv(path.c_str(), argv.data());
      _exit(99);
    }
    for (int wait = 0; wait < 2000; ++wait) {
      std::string text = read(at(log));
      if (std::count(text.begin(), text.end(), '\n') >= lines)
        break;
      usleep(5000);
    }
    kill(child, signal);
    int status = 0;
    waitpid(child, &status, 0);
    return status;
  }
};
} // namespace

// A fresh run trains, adapts, and tells its figures beside the baseline's; everything that it promises lies there.
TEST_F(ProgramTest, TrainsAndReports) {
  Outcome outcome = run("--out r --threads 2");
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  for (const char *part :
       {"shifted.test", "plain_only", "model", "accuracy", "transfer_gain", "confusion", "peak memory"})
    EXPECT_NE(outcome.out.find(part), std::string::npos) << part << " is not in\n" << outcome.out;
  EXPECT_NE(outcome.err.find("adapt  epoch 6/6  step 186  loss "), std::string::npos) << outcome.err;
  for (const char *file : {"r/checkpoint.xfer", "r/metrics.jsonl", "r/weights.safetensors", "r/results.json",
                           "r/predictions-shifted.test.csv"})
    EXPECT_TRUE(exists(at(file))) << file;
  json facts = json::parse(read(at("r/run.json")));
  EXPECT_EQ(facts["status"], "finished");
  EXPECT_EQ(facts["hash"], "0123456789abcdef");
  EXPECT_EQ(facts["options"]["epochs"], 6);
  json figures = json::parse(read(at("r/results.json")))["runs"][0]["evaluations"][0];
  EXPECT_GT(figures["figures"]["accuracy"], 0.95);
  EXPECT_LT(figures["baselines"]["plain_only"]["accuracy"], 0.7);
  EXPECT_GT(figures["figures"]["transfer_gain"], 0.25);
  std::istringstream log(read(at("r/metrics.jsonl")));
  int lines = 0;
  for (std::string line; std::getline(log, line); ++lines)
    EXPECT_TRUE(json::accept(line)) << line;
  EXPECT_EQ(lines, 13); // two stages of six epochs, one evaluation
}

// A trace says of every step which samples it took; whole epochs take each sample of the leading source at most once.
TEST_F(ProgramTest, Traces) {
  Outcome outcome = run("--out r --epochs 2 --trace steps.jsonl");
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  std::istringstream text(read(at("steps.jsonl")));
  std::set<int> seen;
  int lines = 0;
  for (std::string line; std::getline(text, line); ++lines) {
    json step = json::parse(line);
    if (lines < 31) {
      EXPECT_EQ(step["stage"], "adapt");
      EXPECT_EQ(step["step"], lines);
      EXPECT_EQ(step["samples"]["plain"].size(), 32u);
      EXPECT_EQ(step["samples"]["shifted"].size(), 16u);
      EXPECT_GT(step["watch"]["loss"], 0);
      for (int sample : step["samples"]["plain"])
        EXPECT_TRUE(seen.insert(sample).second) << sample << " was taken twice in one epoch";
    }
  }
  EXPECT_EQ(lines, 124); // two stages of two epochs of 31 steps
  EXPECT_EQ(run("--out r --overwrite --trace nowhere/steps.jsonl").code, 1);
  EXPECT_EQ(run("--out r --trace t --runs 2").code, 2);
}

// The same bits from every run, with any number of threads; another seed gives others.
TEST_F(ProgramTest, EqualBits) {
  ASSERT_EQ(run("--out a --threads 1").code, 0);
  ASSERT_EQ(run("--out b --threads 2").code, 0);
  ASSERT_EQ(run("--out c --threads 2").code, 0);
  ASSERT_EQ(run("--out d --seed 1").code, 0);
  std::string weights = read(at("a/weights.safetensors"));
  EXPECT_EQ(weights, read(at("b/weights.safetensors")));
  EXPECT_EQ(weights, read(at("c/weights.safetensors")));
  EXPECT_EQ(read(at("a/metrics.jsonl")), read(at("b/metrics.jsonl")));
  EXPECT_NE(weights, read(at("d/weights.safetensors")));
}

// --step-times tells of each step of each stage what it took; it changes nothing else and goes with one run only.
TEST_F(ProgramTest, StepTimes) {
  ASSERT_EQ(run("--out a --threads 1").code, 0);
  ASSERT_EQ(run("--out b --threads 1 --step-times times.jsonl").code, 0);
  EXPECT_EQ(read(at("a/metrics.jsonl")), read(at("b/metrics.jsonl")));
  std::istringstream times(read(at("times.jsonl")));
  int lines = 0, step = 0;
  for (std::string line; std::getline(times, line); ++lines) {
    json entry = json::parse(line);
    step = entry["step"] == 0 ? 0 : step + 1;
    EXPECT_EQ(entry["step"], step);
    EXPECT_GT(entry["seconds"], 0.0);
    EXPECT_GE(entry["processor_seconds"], 0.0);
  }
  EXPECT_EQ(lines, 2 * 186); // two stages
  EXPECT_EQ(run("--out c --runs 2 --step-times times.jsonl").code, 2);
  Outcome outcome = run("--out d --step-times missing/times.jsonl");
  EXPECT_EQ(outcome.code, 1);
  EXPECT_NE(outcome.err.find("cannot write 'missing/times.jsonl'"), std::string::npos) << outcome.err;
}

// Ctrl-C finishes the step, leaves a checkpoint and 130; --resume reaches the bits of a run without interruption, and
// takes the options of the run that it goes on with.
TEST_F(ProgramTest, InterruptAndResume) {
  ASSERT_EQ(run("--out whole --delay 1500 --threads 1").code, 0);
  int status = signalled({"--out", "cut", "--delay", "1500"}, "cut/metrics.jsonl", 2, SIGINT);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 130);
  EXPECT_EQ(json::parse(read(at("cut/run.json")))["status"], "interrupted");
  EXPECT_FALSE(exists(at("cut/weights.safetensors")));
  Outcome refused = run("--out cut");
  EXPECT_EQ(refused.code, 1);
  EXPECT_NE(refused.err.find("--resume"), std::string::npos) << refused.err;
  Outcome resumed = run("--out cut --resume --threads 2");
  ASSERT_EQ(resumed.code, 0) << resumed.err;
  EXPECT_EQ(read(at("whole/weights.safetensors")), read(at("cut/weights.safetensors")));
  EXPECT_EQ(read(at("whole/metrics.jsonl")), read(at("cut/metrics.jsonl")));
  EXPECT_EQ(json::parse(read(at("whole/results.json")))["runs"][0]["evaluations"],
            json::parse(read(at("cut/results.json")))["runs"][0]["evaluations"]);
}

// A killed process costs what came after its last checkpoint and nothing else; also in the middle of a baseline.
TEST_F(ProgramTest, KillAndResume) {
  ASSERT_EQ(run("--out whole --delay 1500 --threads 1").code, 0);
  for (int lines : {3, 10}) {
    std::string out = "cut" + std::to_string(lines);
    int status = signalled({"--out", out, "--delay", "1500"}, out + "/metrics.jsonl", lines, SIGKILL);
    ASSERT_TRUE(WIFSIGNALED(status));
    Outcome resumed = run("--out " + out + " --resume");
    ASSERT_EQ(resumed.code, 0) << resumed.err;
    EXPECT_EQ(read(at("whole/weights.safetensors")), read(at(out + "/weights.safetensors")));
    EXPECT_EQ(read(at("whole/metrics.jsonl")), read(at(out + "/metrics.jsonl")));
  }
}

// A resumed run keeps its options: others are refused by name, and so are other seeds.
TEST_F(ProgramTest, ResumeRefusesChanges) {
  signalled({"--out", "r", "--delay", "1500", "--lr", "0.04"}, "r/metrics.jsonl", 1, SIGINT);
  Outcome outcome = run("--out r --resume --lr 0.03");
  EXPECT_EQ(outcome.code, 1);
  EXPECT_NE(outcome.err.find("--lr 0.04"), std::string::npos) << outcome.err;
  outcome = run("--out r --resume --epochs 9"); // the step reads its progress
  EXPECT_EQ(outcome.code, 1);
  EXPECT_NE(outcome.err.find("--epochs 6"), std::string::npos) << outcome.err;
  outcome = run("--out r --resume --seed 5");
  EXPECT_EQ(outcome.code, 1);
  EXPECT_NE(outcome.err.find("--seed 0"), std::string::npos) << outcome.err;
  outcome = run("--out elsewhere --resume");
  EXPECT_EQ(outcome.code, 1);
  EXPECT_NE(outcome.err.find("nothing to resume"), std::string::npos) << outcome.err;
}

// A damaged checkpoint is noticed and the one before it used; if both are damaged, nothing is done.
TEST_F(ProgramTest, DamagedCheckpoints) {
  ASSERT_EQ(run("--out r --delay 3000").code, 0);
  std::string weights = read(at("r/weights.safetensors"));
  std::string latest = read(at("r/checkpoint.xfer"));
  ASSERT_TRUE(exists(at("r/checkpoint.xfer.previous")));
  latest[latest.size() - 3] ^= 1;
  write(at("r/checkpoint.xfer"), latest);
  Outcome outcome = run("--out r --resume");
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_NE(outcome.err.find("warning:"), std::string::npos) << outcome.err;
  EXPECT_NE(outcome.err.find("damaged"), std::string::npos) << outcome.err;
  EXPECT_EQ(weights, read(at("r/weights.safetensors")));

  write(at("r/checkpoint.xfer"), "not a checkpoint");
  write(at("r/checkpoint.xfer.previous"), "");
  outcome = run("--out r --resume");
  EXPECT_EQ(outcome.code, 1);
  EXPECT_NE(outcome.err.find("checkpoint.xfer"), std::string::npos) << outcome.err;
}

// The checkpoint of another program is refused by name, and stays as it is.
TEST_F(ProgramTest, CheckpointOfAnotherProgram) {
  signalled({"--out", "r", "--delay", "3000"}, "r/metrics.jsonl", 1, SIGINT);
  std::string before = read(at("r/checkpoint.xfer"));
  for (const char *words : {"--out r --resume", "evaluate --out r", "export --out r --output copy"}) {
    Outcome outcome = run(words, "other");
    EXPECT_EQ(outcome.code, 1) << words;
    EXPECT_NE(outcome.err.find("another program"), std::string::npos) << outcome.err;
  }
  EXPECT_EQ(before, read(at("r/checkpoint.xfer")));
  EXPECT_FALSE(exists(at("copy")));
}

// A loss that is not a number stops the run with its place in the text; the last checkpoint stays.
TEST_F(ProgramTest, NotANumber) {
  Outcome outcome = run("--out r --nan-at 100");
  EXPECT_EQ(outcome.code, 1);
  EXPECT_NE(outcome.err.find("clouds.xfer:12:3: minimize cross_entropy"), std::string::npos) << outcome.err;
  EXPECT_NE(outcome.err.find("stage 'adapt', epoch 4, step 100"), std::string::npos) << outcome.err;
  EXPECT_NE(outcome.err.find("is kept in 'r'"), std::string::npos) << outcome.err;
  EXPECT_TRUE(exists(at("r/checkpoint.xfer")));
  EXPECT_FALSE(exists(at("r/weights.safetensors")));
  EXPECT_EQ(json::parse(read(at("r/run.json")))["status"], "failed");
}

// Mistakes on the command line are usage errors (2), before anything is written.
TEST_F(ProgramTest, UsageErrors) {
  for (const char *words : {"--unknown", "--lr fast", "--epochs 2.5", "--threads 0", "--runs 0", "trains", "predict",
                            "export", "--seed -1", "--resume --overwrite"}) {
    Outcome outcome = run(words);
    EXPECT_EQ(outcome.code, 2) << words << ": " << outcome.err;
    EXPECT_NE(outcome.err, "") << words;
  }
  EXPECT_FALSE(exists(at("runs")));
  Outcome help = run("train --help");
  EXPECT_EQ(help.code, 0);
  for (const char *part : {"--nan-at", "learning rate (default: 0.05)", "--resume"})
    EXPECT_NE(help.out.find(part), std::string::npos) << help.out;
  EXPECT_EQ(run("--epochs 0").code, 1);
}

// A folder that cannot be made, and a disk that is full, are errors with a remedy; a run of before stays whole.
TEST_F(ProgramTest, FolderCannotBeWritten) {
  write(at("file"), "");
  Outcome outcome = run("--out file/r");
  EXPECT_EQ(outcome.code, 1);
  EXPECT_NE(outcome.err.find("--out"), std::string::npos) << outcome.err;

  ASSERT_EQ(run("--out r").code, 0);
  std::string before = read(at("r/checkpoint.xfer"));
  outcome = run("--out r --resume", "clouds", "trap '' XFSZ; ulimit -f 1;"); // files of at most 1 KiB
  EXPECT_EQ(outcome.code, 1) << outcome.err;
  EXPECT_NE(outcome.err.find("error:"), std::string::npos) << outcome.err;
  EXPECT_EQ(before, read(at("r/checkpoint.xfer")));
}

// evaluate gives the figures of the run again, also from the weight file alone (then without baselines).
TEST_F(ProgramTest, EvaluatesAgain) {
  ASSERT_EQ(run("--out r").code, 0);
  json trained = json::parse(read(at("r/results.json")))["runs"][0]["evaluations"];
  Outcome again = run("evaluate --out r --json");
  ASSERT_EQ(again.code, 0) << again.err;
  EXPECT_EQ(json::parse(again.out)["runs"][0]["evaluations"], trained);
  Outcome weights = run("evaluate --weights r/weights.safetensors --json");
  ASSERT_EQ(weights.code, 0) << weights.err;
  EXPECT_EQ(json::parse(weights.out)["runs"][0]["evaluations"][0]["figures"]["accuracy"],
            trained[0]["figures"]["accuracy"]);
  Outcome missing = run("evaluate --out nowhere");
  EXPECT_EQ(missing.code, 1);
  EXPECT_NE(missing.err.find("train one first"), std::string::npos) << missing.err;
}

// An exported copy predicts by default, without the folder of the run; what it says of itself survives damage checks.
TEST_F(ProgramTest, ExportsAndPredicts) {
  ASSERT_EQ(run("--out r").code, 0);
  ASSERT_EQ(run("export --out r --output copy").code, 0);
  struct stat facts;
  ASSERT_EQ(stat(at("copy").c_str(), &facts), 0);
  EXPECT_TRUE(facts.st_mode & S_IXUSR);
  ASSERT_EQ(std::rename(at("r").c_str(), at("gone").c_str()), 0);
  write(at("new.csv"), "x0,x1\n2.6,1.9\n0.6,1.3\n");
  Outcome csv = run("--input new.csv", at("copy"));
  ASSERT_EQ(csv.code, 0) << csv.err;
  std::istringstream lines(csv.out);
  std::string head, first, second;
  std::getline(lines, head), std::getline(lines, first), std::getline(lines, second);
  EXPECT_EQ(head, "sample,p[0],p[1],class");
  EXPECT_EQ(first.back(), '1') << first;
  EXPECT_EQ(second.back(), '0') << second;
  Outcome jsonLines = run("predict --input new.csv --output p.jsonl", at("copy"));
  ASSERT_EQ(jsonLines.code, 0) << jsonLines.err;
  EXPECT_EQ(json::parse(read(at("p.jsonl")).substr(0, read(at("p.jsonl")).find('\n')))["class"], 1);
  // A copy of the copy holds one model, not two.
  ASSERT_EQ(run("export --output second", at("copy")).code, 0);
  EXPECT_EQ(read(at("copy")), read(at("second")));

  Outcome bad = run("--input none.csv --output q.csv", at("copy"));
  EXPECT_EQ(bad.code, 1);
  EXPECT_FALSE(exists(at("q.csv")));
  std::string bytes = read(at("copy"));
  bytes[bytes.size() - 20] ^= 1;
  write(at("second"), bytes);
  chmod(at("second").c_str(), 0755);
  Outcome damaged = run("--input new.csv", at("second"));
  EXPECT_EQ(damaged.code, 1);
  EXPECT_NE(damaged.err.find("damaged"), std::string::npos) << damaged.err;

  // The footer: eight letters, the version, offset, size, and the hash of these.
  bytes = read(at("copy"));
  char *footer = bytes.data() + bytes.size() - 40;
  uint64_t version = 2;
  std::memcpy(footer + 8, &version, 8);
  uint64_t hash = xfer::rt::hashBytes(footer, 32);
  std::memcpy(footer + 32, &hash, 8);
  write(at("second"), bytes);
  chmod(at("second").c_str(), 0755);
  Outcome newer = run("--input new.csv", at("second"));
  EXPECT_EQ(newer.code, 1);
  EXPECT_NE(newer.err.find("has version 2, this runtime knows 1"), std::string::npos) << newer.err;
}

// Several seeds give their mean and deviation, each run in a folder of its own.
TEST_F(ProgramTest, SeveralRuns) {
  Outcome outcome = run("--out r --runs 3 --json");
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  json results = json::parse(outcome.out);
  ASSERT_EQ(results["runs"].size(), 3u);
  EXPECT_EQ(results["runs"][2]["seed"], 2);
  double sum = 0;
  for (const json &one : results["runs"])
    sum += one["evaluations"][0]["figures"]["accuracy"].get<double>();
  EXPECT_NEAR(results["summary"][0]["accuracy"]["mean"].get<double>(), sum / 3, 1e-9);
  EXPECT_TRUE(exists(at("r/seed-1/weights.safetensors")));
  EXPECT_NE(run("--out q --runs 2").out.find("±"), std::string::npos);
}

// A machine of another kind is refused with a sentence.
TEST_F(ProgramTest, OtherProcessor) {
  Outcome outcome = run("", "foreign");
  EXPECT_EQ(outcome.code, 1);
  EXPECT_NE(outcome.err.find("built for riscv64"), std::string::npos) << outcome.err;
}
