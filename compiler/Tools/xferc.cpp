//===- xferc.cpp - the compiler's command line --------------------------------------------------------------------===//

#include "CLI/CLI.hpp"
#include "compiler/Pipeline/Pipeline.h"
#include "compiler/Tools/CompletionCommand.h"
#include "compiler/Tools/DocCommand.h"
#include "compiler/Tools/Driver.h"
#include "compiler/Tools/FormatCommand.h"
#include "compiler/Tools/NewCommand.h"
#include "compiler/Tools/Report.h"
#include "compiler/Tools/WeightsCommand.h"
#include "dsl/Source/Diagnostics.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"
#include <unistd.h>

using namespace xfer;

/// The path of this process's executable; argv[0] says how it was called only.
static std::string executablePath() {
  char path[4096];
  ssize_t size = readlink("/proc/self/exe", path, sizeof(path));
  return size > 0 ? std::string(path, size) : std::string();
}

static void addInput(CLI::App &command, DriverOptions &options) {
  command.add_option("FILE", options.input, "the program (.xfer)")->required();
  command.add_option("--const", options.constants, "NAME=VALUE: the value of a const of the program")
      ->check([](const std::string &text) {
        return text.find('=', 1) == std::string::npos ? "'" + text + "' is not NAME=VALUE" : std::string();
      })
      ->delimiter(',')
      ->allow_extra_args(false);
  command.add_option("--data", options.data, "a folder where the weight files of 'load' are looked up first");
}

static void addCompilation(CLI::App &command, DriverOptions &options) {
  addInput(command, options);
  command.add_option("--target-cpu", options.targetCpu, llvm::join(TargetDescription::names(), ", "))
      ->capture_default_str();
  command.add_option("--disable", options.disable, "switch an optimising pass off by its name")
      ->delimiter(',')
      ->allow_extra_args(false);
  command.add_flag("--strict", options.strict, "warnings are errors");
}

/// Prints why a command line makes no sense; the exit status that goes with it.
static int refuse(const llvm::Twine &message) {
  fail(message);
  return 2;
}

/// What may follow an option, where that is a choice.
static std::vector<std::string> valuesOf(const std::string &command, const std::string &option) {
  std::vector<std::string> names;
  if (option == "--emit")
    for (const StageInfo &stage : getStages())
      names.push_back(stage.name.str());
  if (option == "--disable")
    for (const auto &pass : getOptimisingPasses())
      names.push_back(pass.first.str());
  if (option == "--target-cpu")
    for (llvm::StringRef name : TargetDescription::names())
      names.push_back(name.str());
  if (option == "--weights")
    names = {"embed", "beside"};
  if (option == "--kind")
    names = getStarterKinds();
  if (option == "--format")
    names = {"text", command == "doc" ? "markdown" : "json"};
  return names;
}

/// The commands as the command line knows them, for shells.
static std::vector<CompletedCommand> listCommands(const CLI::App &app) {
  std::vector<CompletedCommand> commands;
  for (const CLI::App *sub : app.get_subcommands([](const CLI::App *sub) { return !sub->get_group().empty(); })) {
    CompletedCommand command;
    command.name = sub->get_name();
    command.help = sub->get_description();
    for (const CLI::Option *option : sub->get_options()) {
      if (option->get_positional()) {
        command.takesPrograms |= option->get_name() == "FILE" || command.name == "doc";
        command.takesFiles |= command.name == "weights" || command.name == "convert";
        continue;
      }
      for (const std::string &name : option->get_lnames()) {
        CompletedOption made;
        made.name = "--" + name;
        made.help = option->get_description();
        made.takesValue = option->get_type_size() != 0;
        made.values = valuesOf(command.name, made.name);
        made.takesFile = name == "output" || name == "data";
        command.options.push_back(std::move(made));
      }
    }
    if (command.name == "completion")
      command.words = {"bash", "zsh", "fish"};
    if (command.name == "doc")
      command.words = getLibraryNames();
    commands.push_back(std::move(command));
  }
  return commands;
}

/// What is wrong with a command line, on one line with what would be right.
static std::string describe(const CLI::ParseError &error, const CLI::App &app) {
  std::vector<CLI::App *> chosen = app.get_subcommands();
  std::vector<std::string> unread = app.remaining(/*recurse=*/true);
  if (chosen.empty()) {
    std::vector<llvm::StringRef> names;
    for (const CLI::App *sub : app.get_subcommands([](const CLI::App *sub) { return !sub->get_group().empty(); }))
      names.push_back(sub->get_name());
    std::string all = llvm::join(llvm::ArrayRef(names).drop_back(), ", ") + " and " + names.back().str();
    if (unread.empty())
      return "a command is missing; there are " + all;
    return "there is no command '" + unread.front() + "'" + dsl::suggest(unread.front(), names, "; there are " + all);
  }
  const CLI::App &command = *chosen.front();
  std::string name = "'xferc " + command.get_name() + "'";
  if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::ExtrasError) && !unread.empty()) {
    if (!llvm::StringRef(unread.front()).starts_with("-"))
      return name + " takes no further argument, found '" + unread.front() +
             "'; what is for the program stands behind --";
    std::vector<std::string> options;
    for (const CLI::Option *option : command.get_options())
      for (const std::string &one : option->get_lnames())
        options.push_back("--" + one);
    return name + " has no option '" + unread.front() + "'" +
           dsl::suggest(unread.front(), options, "; 'xferc " + command.get_name() + " --help' lists them");
  }
  if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::RequiredError))
    for (const CLI::Option *option : command.get_options())
      if (option->get_required() && option->count() == 0)
        return name + " wants " + option->get_name() + ": " + option->get_description();
  return std::string(name) + ": " + error.what();
}

int main(int argc, char **argv) {
  DriverOptions options;
  options.executable = executablePath();
  std::string format = "text", weights = "embed";
  std::vector<std::string> arguments;
  // What stands behind -- belongs to the program.
  for (int i = 1; i < argc; ++i)
    if (std::string(argv[i]) == "--") {
      arguments.assign(argv + i + 1, argv + argc);
      argc = i;
      break;
    }

  CLI::App app("The compiler of Xfer: a .xfer file becomes a program that trains, adapts, evaluates and exports.",
               "xferc");
  app.set_version_flag("--version", "xferc " XFER_VERSION);
  app.require_subcommand(1);
  CLI::App *check = app.add_subcommand("check", "report every mistake of a program");
  addInput(*check, options);
  check->add_option("--format", format, "text or json")->check(CLI::IsMember({"text", "json"}));
  check->add_flag("--strict", options.strict, "warnings are errors");
  CLI::App *build = app.add_subcommand("build", "make an executable");
  addCompilation(*build, options);
  build->add_option("-o,--output", options.output, "where to; default: the program's name");
  build->add_option("--emit", options.emit, "a stage of the compilation instead of the executable");
  build->add_option("--weights", weights, "embed: inside the executable; beside: in a file of their own")
      ->check(CLI::IsMember({"embed", "beside"}));
  build->add_flag("!--no-strip", options.strip, "keep symbols");
  CLI::App *run = app.add_subcommand("run", "build into the cache and execute; arguments behind -- go to the program");
  addCompilation(*run, options);
  CLI::App *explain = app.add_subcommand("explain", "say what the program does and how it was compiled");
  addCompilation(*explain, options);
  CLI::App *onnx =
      app.add_subcommand("onnx", "write an export of a program, with the weights of a run, as an ONNX file");
  addInput(*onnx, options);
  onnx->add_option("--weights", options.weightFile, "the weights.safetensors of a run of the program")->required();
  onnx->add_option("--export", options.exported, "which export of the program (default: the first)");
  onnx->add_option("-o,--output", options.output, "where to; default: the program's name with .onnx");
  CLI::App *fmt = app.add_subcommand("fmt", "lay out programs in the one way, in place");
  std::vector<std::string> toFormat;
  bool onlyCheck = false;
  fmt->add_option("FILE", toFormat, "programs, folders of programs, or - for standard input")->required();
  fmt->add_flag("--check", onlyCheck, "write nothing; name the files that would change, with exit status 1");
  CLI::App *doc = app.add_subcommand("doc", "what the library defines, or a program, from the comments in it");
  DocOptions docOptions;
  std::string docFormat = "text";
  doc->add_option("NAME", docOptions.names, "names of the library, or programs; nothing: all of the library");
  doc->add_option("--format", docFormat, "text or markdown")->check(CLI::IsMember({"text", "markdown"}));
  doc->add_option("-o,--output", docOptions.output, "a file instead of standard output");
  doc->add_flag("--list", docOptions.list, "one line an entry, and how many there are");
  doc->add_flag("--check", docOptions.check, "list what has no comment, or no shapes in it, with exit status 1");
  CLI::App *fresh = app.add_subcommand("new", "write a commented program to begin with, which runs as it is");
  std::string starterName, starterKind = "two-domains";
  fresh->add_option("NAME", starterName, "what the program is called: NAME.xfer must not be there")->required();
  fresh->add_option("--kind", starterKind, "two-domains, frozen-backbone or tabular")
      ->check(CLI::IsMember(getStarterKinds()))
      ->capture_default_str();
  CLI::App *list = app.add_subcommand("weights", "list what a weight file of any format holds");
  std::string weightFile, weightTarget;
  list->add_option("WEIGHTS", weightFile, "safetensors, npz, ONNX, a checkpoint of PyTorch, or HDF5")->required();
  list->add_option("--format", format, "text or json")->check(CLI::IsMember({"text", "json"}));
  CLI::App *convert = app.add_subcommand("convert", "rewrite a weight file, or an HDF5 file of data, as safetensors");
  convert->add_option("FROM", weightFile, "npz, ONNX, a checkpoint of PyTorch, HDF5, or safetensors")->required();
  convert->add_option("TO", weightTarget, "the file to write, which ends with .safetensors")->required();
  CLI::App *completion = app.add_subcommand("completion", "print the script by which a shell completes this command");
  std::string shell;
  completion->add_option("SHELL", shell, "bash, zsh or fish")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  for (const char *later : {"tune", "lsp"})
    app.add_subcommand(later, "not built yet")->allow_extras()->group("");

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &error) {
    if (error.get_exit_code() == 0)
      return app.exit(error); // --help, --version
    return refuse(describe(error, app));
  }
  options.json = format == "json";
  options.weightsBeside = weights == "beside";
  if (options.weightsBeside && options.emit != "program")
    return refuse("'--weights=beside' makes an executable; leave '--emit=" + options.emit + "' out");
  if (*check)
    return finish(checkProgram(options));
  if (*build)
    return finish(buildProgram(options));
  if (*run)
    return runProgram(options, arguments);
  if (*explain)
    return finish(explainProgram(options));
  if (*onnx)
    return finish(writeOnnxFile(options));
  if (*fmt)
    return finish(formatFiles(toFormat, onlyCheck));
  if (*list)
    return finish(printWeights(weightFile, options.json, options.executable));
  if (*convert)
    return finish(convertWeightFile(weightFile, weightTarget, options.executable));
  docOptions.markdown = docFormat == "markdown";
  if (*doc)
    return finish(printDocumentation(docOptions));
  if (*fresh)
    return finish(writeStarter(starterName, starterKind));
  if (*completion) {
    printCompletion(shell, listCommands(app));
    return finish(0);
  }
  return refuse("'" + app.get_subcommands().front()->get_name() + "' is not built yet");
}
