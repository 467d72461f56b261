//===- Driver.cpp - what the commands of xferc do -----------------------------------------------------------------===//

#include "compiler/Tools/Driver.h"
#include "compiler/Explain/Explain.h"
#include "compiler/Pipeline/LinkObjects.h"
#include "compiler/Pipeline/Pipeline.h"
#include "compiler/Support/TemporaryFile.h"
#include "compiler/Target/Link.h"
#include "compiler/Target/ObjectFile.h"
#include "compiler/Target/ProgramObject.h"
#include "compiler/Tools/BuildCache.h"
#include "compiler/Tools/ProgramReader.h"
#include "compiler/Tools/Report.h"
#include "compiler/Tools/WriteFile.h"
#include "dsl/AST/Print.h"
#include "dsl/Parse/Tokens.h"
#include "xfer/rt/weights.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/Triple.h"
#include <unistd.h>

using namespace mlir;

namespace xfer {
namespace {

/// One run of the compiler over one program.
class Driver : public ProgramReader {
public:
  Driver(const DriverOptions &options, CompilerSession &session) : ProgramReader(options, session) {
    prepareContext(session.context);
  }

  int build(llvm::StringRef output);
  int explain();

private:
  bool loadOptions();
  int emitSource(llvm::raw_ostream &os, Stage stage);
  bool doesSomething();
  int emitCode(llvm::StringRef output, Stage stage);
  int linkWithWeights(llvm::ArrayRef<SmallVector<char, 0>> objects, llvm::StringRef output, llvm::StringRef hash,
                      llvm::StringRef constants);
  bool write(llvm::StringRef path, llvm::function_ref<void(llvm::raw_ostream &)> print);
  bool overwritesSource(llvm::StringRef path);

  CompileOptions compile;
};

/// The options of the compilation, once for all commands; a mistake in them is printed.
bool Driver::loadOptions() {
  initializeTargets();
  llvm::Expected<TargetDescription> target = TargetDescription::get(options.targetCpu);
  if (!target)
    return fail(target.takeError()), false;
  compile.target = *target;
  for (const std::string &name : options.disable) {
    bool known = llvm::any_of(getOptimisingPasses(), [&](auto &pass) { return pass.first == name; });
    if (!known) {
      std::string names;
      for (auto &[pass, sentence] : getOptimisingPasses())
        names += ("\n  " + pass + ": " + sentence).str();
      return fail(
                 llvm::createStringError("there is no pass '%s' to disable; known are%s", name.c_str(), names.c_str())),
             false;
    }
    compile.disabled.insert(name);
  }
  compile.weightsBeside = options.weightsBeside;
  compile.build["target-cpu"] = options.targetCpu;
  compile.build["disabled"] = llvm::join(options.disable, ",");
  return true;
}

/// Writes a file as a whole, or to standard output where it has no name; false after a failure, which is printed.
bool Driver::write(llvm::StringRef path, llvm::function_ref<void(llvm::raw_ostream &)> print) {
  if (path.empty() || path == "-") {
    print(llvm::outs());
    return true; // finish() sees whether it arrived
  }
  std::string text;
  llvm::raw_string_ostream os(text);
  print(os);
  llvm::Error error = writeFile(path, text);
  return error ? (fail(std::move(error)), false) : true;
}

/// Is the output one of the files that the program is made of?
bool Driver::overwritesSource(llvm::StringRef path) {
  std::vector<std::string> read = filesRead();
  read.push_back(options.input);
  bool is = !path.empty() &&
            llvm::any_of(read, [&](llvm::StringRef source) { return llvm::sys::fs::equivalent(source, path); });
  if (is)
    fail(llvm::createStringError("'%s' is a source of the program; give the output another name with '-o'",
                                 path.str().c_str()));
  return is;
}

int Driver::emitSource(llvm::raw_ostream &os, Stage stage) {
  if (isIR())
    return fail(llvm::createStringError("'%s' has no text of the language to emit", options.input.c_str()));
  bool parsed = parse();
  if (stage == Stage::Tokens && program)
    dsl::printTokens(os, sources, program->id, diagnostics);
  else if (parsed)
    dsl::print(os, *program);
  return finishDiagnostics() ? 0 : 1;
}

/// The executable and its weights beside it. The weights are written first, under another name: neither stands without
/// the other.
int Driver::linkWithWeights(llvm::ArrayRef<SmallVector<char, 0>> objects, llvm::StringRef output, llvm::StringRef hash,
                            llvm::StringRef constants) {
  std::string weights = (output + XFER_WEIGHTS_SUFFIX).str();
  llvm::sys::fs::file_status status;
  if (!llvm::sys::fs::status(weights, status) && !llvm::sys::fs::is_regular_file(status))
    return fail(llvm::createStringError("cannot write '%s': it is no ordinary file", weights.c_str()));
  TemporaryFile partial(weights + ".");
  llvm::Error error = writeWeights(partial.path(), hash, constants, loads.getTaken());
  if (!error)
    error = linkObjects(objects, output, {options.executable, options.strip, /*relocatable=*/false, {}});
  if (!error)
    if (std::error_code code = partial.moveTo(weights))
      error = llvm::createStringError(code, "cannot write '%s': %s", weights.c_str(), code.message().c_str());
  return error ? fail(std::move(error)) : 0;
}

/// An executable that neither runs nor exports anything is a library file that was built by mistake.
bool Driver::doesSomething() {
  bool does = !module->getOps<pipeline::RunOp>().empty() || !module->getOps<pipeline::RepeatOp>().empty() ||
              !module->getOps<pipeline::SweepOp>().empty() || !module->getOps<pipeline::ExportOp>().empty();
  if (!does)
    module->emitError("the program does nothing: it has no 'stage', 'evaluate', 'update', 'report' or 'export'");
  return does;
}

/// What comes after the passes on tensors.
int Driver::emitCode(llvm::StringRef output, Stage stage) {
  if (stage >= Stage::Object && !isIR() && !doesSomething())
    return 1;
  std::string hash = hashProgram(*module, compile);
  if (failed(transformProgram(*module, compile, Stage::Schedule)))
    return 1;
  Backend backend(*module, getBackendOptions(compile, hash));
  if (failed(backend.plan()))
    return 1;
  if (stage > Stage::Memory)
    backend.lowerFunctions();
  if (stage >= Stage::Object) {
    auto objects = backend.compile(Backend::Output::Object);
    if (!objects)
      return fail(objects.takeError());
    if (compile.weightsBeside)
      return linkWithWeights(*objects, output, hash, backend.getConstants());
    if (llvm::Error error = linkObjects(*objects, output,
                                        {options.executable, options.strip, stage == Stage::Object, loads.getTaken()}))
      return fail(std::move(error));
    return 0;
  }
  if (stage <= Stage::RT)
    return write(output,
                 [&](llvm::raw_ostream &os) {
                   if (stage == Stage::RT)
                     backend.printModules(os);
                   else
                     backend.printPlans(os);
                 })
               ? 0
               : 1;
  auto parts = backend.compile(stage == Stage::LLVM ? Backend::Output::IR : Backend::Output::Assembly);
  if (!parts)
    return fail(parts.takeError());
  return write(output,
               [&](llvm::raw_ostream &os) {
                 for (const auto &part : *parts)
                   os << llvm::StringRef(part.data(), part.size());
               })
             ? 0
             : 1;
}

int Driver::build(llvm::StringRef output) {
  std::optional<Stage> stage = getStage(options.emit);
  if (!stage) {
    std::string names;
    for (const StageInfo &info : getStages())
      names += ("\n  " + info.name + ": " + info.sentence).str();
    return fail(llvm::createStringError("there is no stage '%s'; known are%s", options.emit.c_str(), names.c_str()));
  }
  if (!loadOptions())
    return 1;
  llvm::Triple target(compile.target.triple), host(llvm::sys::getDefaultTargetTriple());
  if (*stage > Stage::Object && target.getArch() != host.getArch())
    return fail(llvm::createStringError("no program for %s can be linked here: the runtime of this compiler is for %s; "
                                        "'--emit=obj' makes the object, which a compiler built on such a machine links",
                                        target.getArchName().str().c_str(), host.getArchName().str().c_str()));
  if (*stage <= Stage::Ast) {
    std::string text;
    llvm::raw_string_ostream os(text);
    int status = emitSource(os, *stage);
    if (status && !output.empty() && output != "-") // what a mistake has cut short replaces no file
      return status;
    if (overwritesSource(output) || !write(output, [&](llvm::raw_ostream &file) { file << text; }))
      return 1;
    return status;
  }
  if (!load(/*takeFiles=*/*stage == Stage::Program) || overwritesSource(output))
    return 1;
  if (*stage > Stage::Schedule)
    return emitCode(output, *stage);
  if (failed(transformProgram(*module, compile, *stage)))
    return 1;
  return write(output, [&](llvm::raw_ostream &os) { module->print(os, OpPrintingFlags().useLocalScope()); }) ? 0 : 1;
}

int Driver::explain() {
  if (!loadOptions() || !load(/*takeFiles=*/false))
    return 1;
  llvm::raw_ostream &os = llvm::outs();
  explainModel(os, *module);
  os << "\n";
  explainLosses(os, *module);
  explainOrder(os, *module);
  if (failed(transformProgram(*module, compile, Stage::Grad)))
    return 1;
  os << "\nBinding times\n";
  explainBindingTimes(os, *module);
  std::string hash = hashProgram(*module, compile);
  if (failed(transformProgram(*module, compile, Stage::Schedule)))
    return 1;
  Backend backend(*module, getBackendOptions(compile, hash));
  if (failed(backend.plan()))
    return 1;
  os << "\nHoisted\n";
  explainHoisted(os, *module);
  os << "\nKernels: " << backend.kernelCount() << " different ones\n";
  explainKernels(os, *module);
  os << "\nMemory\n";
  backend.printPlans(os);
  return 0;
}

} // namespace

int explainProgram(const DriverOptions &options) {
  CompilerSession session;
  return Driver(options, session).explain();
}

int buildProgram(const DriverOptions &options) {
  std::string output = options.output;
  std::optional<Stage> stage = getStage(options.emit);
  if (output.empty() && stage && *stage >= Stage::Object)
    output = llvm::sys::path::stem(options.input).str() + (*stage == Stage::Object ? ".o" : "");
  CompilerSession session;
  return Driver(options, session).build(output);
}

int runProgram(const DriverOptions &options, const std::vector<std::string> &arguments) {
  llvm::Expected<BuildCache> cache = BuildCache::open();
  if (!cache)
    return fail(cache.takeError());
  // The compiler itself by its size and time: hashing it would take longer than the program.
  std::string self = stampOf(options.executable);
  SmallString<128> real;
  if (std::error_code error = llvm::sys::fs::real_path(options.input, real))
    return fail(llvm::createStringError(error, "cannot read '%s': %s", options.input.c_str(), error.message().c_str()));
  std::string request = (real + "\n" + options.data + "\n" + options.targetCpu + "\n" +
                         llvm::join(options.disable, ",") + "\n" + self + (options.strict ? "\nstrict" : ""))
                            .str();
  for (const std::string &constant : options.constants)
    request += "\n" + constant;

  int status = 0;
  llvm::Expected<std::string> program = cache->get(
      request, llvm::sys::path::stem(options.input), [&](StringRef output) -> llvm::Expected<std::vector<std::string>> {
        CompilerSession session;
        Driver driver(options, session);
        if ((status = driver.build(output)))
          return llvm::createStringError("");
        std::vector<std::string> files = driver.filesRead();
        llvm::Expected<std::string> runtime = findRuntime(options.executable);
        if (!runtime)
          return runtime.takeError();
        files.push_back(*runtime);
        return files;
      });
  if (!program) {
    if (status == 0)
      return fail(program.takeError());
    llvm::consumeError(program.takeError()); // what went wrong has been printed
    return status;
  }
  std::vector<char *> raw = {program->data()};
  for (const std::string &argument : arguments)
    raw.push_back(const_cast<char *>(argument.c_str()));
  raw.push_back(nullptr);
  execv(program->c_str(), raw.data());
  return fail(
      llvm::createStringError(std::error_code(errno, std::generic_category()), "cannot run '%s'", program->c_str()));
}

} // namespace xfer
