// Programs that are checked one after another in one session, as the fuzz target does it.
#include "compiler/Tools/CompilerSession.h"
#include "compiler/Tools/Driver.h"
#include "gtest/gtest.h"
#include <fstream>

using namespace xfer;

namespace {

struct Outcome {
  int status;
  std::string said;
  bool operator==(const Outcome &other) const { return status == other.status && said == other.said; }
};

std::ostream &operator<<(std::ostream &os, const Outcome &outcome) {
  return os << outcome.status << "\n" << outcome.said;
}

/// Each program under the same name, as an editor saves it.
Outcome check(const std::string &program, CompilerSession *session) {
  const std::string path = testing::TempDir() + "/session-test.xfer";
  std::ofstream(path) << program;
  DriverOptions options;
  options.input = path;
  testing::internal::CaptureStderr();
  int status = session ? checkProgram(options, *session) : checkProgram(options);
  return {status, testing::internal::GetCapturedStderr()};
}

// No program notices those before it: messages point into its own text, also those about operations, and the library is
// there for each.
TEST(CompilerSession, SharesNothingThatShows) {
  const std::string domain = "import std\ndomain d {\n  read csv(\"d.csv\")\n  fields x: [4], label: class(3)\n}\n",
                    net = "model net { trunk = mlp([8, 3]) }\n",
                    load = "model net {\n  trunk = mlp([8, 3])\n  load \"none.safetensors\" into net.trunk\n}\n",
                    stage = "stage fit {\n  on d.all batch 8; minimize cross_entropy(net.trunk(d.x), d.label)\n"
                            "  optimizer sgd(0.1); epochs 1\n}\n";
  std::ofstream(testing::TempDir() + "/none.safetensors") << "no weights";
  const std::string programs[] = {domain + net + stage,
                                  domain + "\n\n" + load + stage,
                                  domain + load + stage,
                                  "let x = yy\n",
                                  "",
                                  domain + net + stage + "let x",
                                  domain + net + stage};
  CompilerSession session;
  std::vector<Outcome> alone;
  for (const std::string &program : programs) {
    alone.push_back(check(program, nullptr));
    EXPECT_EQ(check(program, &session), alone.back());
  }
  EXPECT_EQ(alone[0].status, 0) << alone[0].said;
  EXPECT_EQ(alone[6].status, 0) << alone[6].said;
  for (int wrong : {1, 2, 3, 4, 5})
    EXPECT_EQ(alone[wrong].status, 1) << alone[wrong].said;
  EXPECT_NE(alone[1].said.find("[weight-file]"), std::string::npos) << alone[1].said;
}

} // namespace
