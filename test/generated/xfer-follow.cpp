//===- xfer-follow.cpp - programs compiled and run beside the reference -----------------------------------------===//
//
// Prints a line of JSON before each program, and one with what was found behind it.
//
//===------------------------------------------------------------------------------------------------------------===//

#include "Follower.h"
#include "Program.h"
#include "compiler/Dialect/NN/Transforms/Passes.h"
#include "compiler/Target/ObjectFile.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/ADT/Hashing.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/xxhash.h"
#include <chrono>

using namespace mlir;
using namespace xfer;
using namespace xfer::generated;
namespace cl = llvm::cl;

static cl::list<std::string> files(cl::Positional, cl::desc("PROGRAM.xfer"), cl::OneOrMore);
static cl::opt<std::string> target("target-cpu", cl::desc("as of xferc build"), cl::init("native"));
static cl::list<std::string> disabled("disable", cl::desc("optimising passes that are left out"));
static cl::opt<uint64_t> seed("seed", cl::desc("of the runs"), cl::init(1));

namespace {

/// All bits that a run computes.
class Recorder : public Observer {
public:
  void begin(rt::Session &) override {}
  void before(const rt::FunctionSpec &, const xfer_buffer_t *) override {}
  void after(const rt::FunctionSpec &function, const xfer_buffer_t *buffers) override {
    for (size_t i = 0; i < function.results.size(); ++i) {
      const xfer_buffer_t &buffer = buffers[function.arguments.size() + i];
      llvm::StringRef bytes(static_cast<const char *>(buffer.data), buffer.size);
      bits = llvm::hash_combine(bits, llvm::xxHash64(bytes));
    }
  }
  size_t bits = 0;
};

/// The operations of the program, with what tells their kernels apart.
llvm::json::Object countOperations(ModuleOp module) {
  llvm::StringMap<int64_t> counts;
  module.walk([&](Operation *op) {
    std::string name = op->getName().getStringRef().str();
    if (auto reduce = dyn_cast<nn::ReduceOp>(op))
      name += (" " + nn::stringifyReduceKind(reduce.getKind())).str();
    if (auto compare = dyn_cast<nn::CompareOp>(op))
      name += (" " + nn::stringifyPredicate(compare.getPredicate())).str();
    if (auto scatter = dyn_cast<nn::ScatterOp>(op))
      name += (" " + nn::stringifyScatterKind(scatter.getKind())).str();
    ++counts[name];
  });
  llvm::json::Object object;
  for (auto &count : counts)
    object[count.getKey().str()] = count.getValue();
  return object;
}

std::string follow(llvm::StringRef path, const CompileOptions &options, llvm::json::Object &report) {
  MLIRContext context(MLIRContext::Threading::DISABLED);
  prepareContext(context);
  OwningOpRef<ModuleOp> module = readProgram(context, path);
  if (!module)
    return "refused";
  OwningOpRef<ModuleOp> reference = module->clone(), plain = module->clone(), rearranged;
  CompileOptions nothing;
  nothing.target = options.target;
  for (auto &[name, sentence] : getOptimisingPasses())
    nothing.disabled.insert(name);
  if (failed(transformProgram(*reference, nothing, Stage::Grad)) ||
      failed(transformProgram(*plain, nothing, Stage::NN)))
    return "failed";
  report["operations"] = countOperations(*reference);
  rearranged = reference->clone();
  PassManager variance(&context);
  variance.addNestedPass<func::FuncOp>(createOnePassVariancePass());
  if (!options.disabled.count("variance") && failed(variance.run(*rearranged)))
    return "failed";
  auto program = LoadedProgram::compile(*module, options);
  if (!program) {
    llvm::errs() << llvm::toString(program.takeError()) << "\n";
    return "failed";
  }
  auto compiled = std::chrono::steady_clock::now();
  Follower follower(*reference, *rearranged, *plain);
  rt::Status status = runProgram(program->get(), /*threads=*/1, seed, follower);
  Findings findings = follower.getFindings();
  // A program may diverge: the call whose loss is not finite has been compared, and the reference's is not either.
  bool diverges = status.failed() && findings.mistakes.empty() && findings.calls > 0 &&
                  llvm::StringRef(status.message()).contains("is not finite");
  report["diverges"] = diverges;
  if (status.failed() && !diverges)
    findings.mistakes.push_back("the run failed: " + std::string(status.message()));
  Recorder one, two;
  if (runProgram(program->get(), 1, seed, one).failed() != status.failed() ||
      runProgram(program->get(), 2, seed, two).failed() != status.failed() || one.bits != two.bits)
    findings.mistakes.push_back("two threads compute other bits than one");
  std::chrono::duration<double> running = std::chrono::steady_clock::now() - compiled;
  report["running"] = running.count();
  report["calls"] = findings.calls;
  report["values"] = findings.values;
  report["sensitive"] = findings.sensitive;
  report["derivatives"] = findings.derivatives;
  report["kinks"] = findings.kinks;
  report["mistakes"] = llvm::json::Array(findings.mistakes);
  return findings.mistakes.empty() ? "equal" : "different";
}

} // namespace

int main(int argc, char **argv) {
  cl::ParseCommandLineOptions(argc, argv, "Runs programs beside the reference evaluator\n");
  initializeTargets();
  CompileOptions options;
  auto description = TargetDescription::get(target);
  if (!description) {
    llvm::errs() << llvm::toString(description.takeError()) << "\n";
    return 1;
  }
  options.target = *description;
  for (const std::string &name : disabled)
    options.disabled.insert(name);
  bool equal = true;
  for (const std::string &file : files) {
    llvm::outs() << llvm::json::Value(llvm::json::Object{{"file", file}, {"outcome", "begun"}}) << "\n";
    llvm::outs().flush();
    auto start = std::chrono::steady_clock::now();
    llvm::json::Object report{{"file", file}};
    std::string outcome = follow(file, options, report);
    std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    equal &= outcome == "equal";
    report["outcome"] = outcome;
    report["seconds"] = seconds.count();
    llvm::outs() << llvm::json::Value(std::move(report)) << "\n";
    llvm::outs().flush();
  }
  return equal ? 0 : 1;
}
