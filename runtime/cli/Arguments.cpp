#include "runtime/cli/Arguments.h"
#include <CLI/CLI.hpp>
#include <cmath>

namespace xfer::rt {

static constexpr int usageError = 2;

namespace {
struct VerbRow {
  const char *name;
  Verb verb;
  const char *summary;
};
} // namespace

static const VerbRow verbs[] = {
    {"train", Verb::Train, "train, adapt and evaluate as the program says"},
    {"evaluate", Verb::Evaluate, "evaluate a trained model again"},
    {"predict", Verb::Predict, "apply an export of the program to new samples"},
    {"export", Verb::Export, "write a copy of this executable with the trained weights inside"},
};

static std::string defaultText(const OptionSpec &option) {
  if (option.type == OptionSpec::String)
    return "\"" + option.text + "\"";
  if (option.type == OptionSpec::Bool)
    return option.number != 0 ? "true" : "false";
  return format("{}", option.number);
}

// Empty, or what is wrong with the text.
static std::string readOption(const OptionSpec &option, const std::string &text, OptionValue &value) {
  if (option.type == OptionSpec::String) {
    value.text = text;
    return {};
  }
  if (option.type == OptionSpec::Bool) {
    bool on = text == "true" || text == "1" || text == "yes", off = text == "false" || text == "0" || text == "no";
    value.number = on;
    return on || off ? "" : "true or false is expected, found '" + text + "'";
  }
  char *end = nullptr;
  double number = std::strtod(text.c_str(), &end);
  if (text.empty() || *end != 0 || !std::isfinite(number))
    return "a number is expected, found '" + text + "'";
  if (option.type == OptionSpec::Int && (number != std::floor(number) || std::abs(number) > 2147483647.0))
    return "a whole number up to 2147483647 is expected, found '" + text + "'";
  value.number = number;
  return {};
}

static void addRunOptions(CLI::App &app, Verb verb, Arguments &arguments) {
  bool trains = verb == Verb::Train;
  app.add_option("--out", arguments.out,
                 trains ? "folder of the run: checkpoints, metrics, weights" : "folder of the run that made the model")
      ->type_name("DIR");
  app.add_option("--data", arguments.data, "folder in which data files are looked up")->type_name("DIR");
  app.add_option("--threads", arguments.threads, "number of threads (default: all); results do not depend on it")
      ->check(CLI::Range(1, 1024))
      ->type_name("N");
  if (trains) {
    app.add_option_function<std::string>(
           "--seed",
           [&](const std::string &text) {
             if (text.empty() || text.size() > 19 || text.find_first_not_of("0123456789") != std::string::npos)
               throw CLI::ValidationError("--seed", "a whole number from 0 to 10^19 is expected, found '" + text + "'");
             arguments.seed = std::strtoull(text.c_str(), nullptr, 10);
             arguments.seedGiven = true;
           },
           "seed of everything random (default: 0)")
        ->type_name("N");
    app.add_flag("--resume", arguments.resume, "go on from the last checkpoint of the run folder, to the same bits");
    app.add_flag("--overwrite", arguments.overwrite, "start anew even if the run folder holds an interrupted run")
        ->excludes("--resume");
    CLI::Option *runs = app.add_option("--runs", arguments.runs, "train with N seeds and report mean and deviation")
                            ->check(CLI::Range(1, 10000))
                            ->type_name("N");
    app.add_option("--step-times", arguments.stepTimes,
                   "write the seconds that each step computes, without reading its batch: one JSON object a line")
        ->type_name("FILE")
        ->excludes(runs);
    app.add_option("--trace", arguments.trace,
                   "write a JSON line for every step: the numbers of its samples by source, and the watched values")
        ->type_name("FILE")
        ->excludes(runs);
  } else {
    app.add_option("--weights", arguments.weights, "take the model from this safetensors file")->type_name("FILE");
  }
  if (trains || verb == Verb::Evaluate) {
    app.add_flag("--json", arguments.json, "print the results as JSON");
    app.add_flag("--report", arguments.report, "write report.html into the run folder: figures, curves, samples");
  }
  if (verb == Verb::Predict) {
    app.add_option("--export", arguments.exportName, "which export of the program (default: the first)")
        ->type_name("NAME");
    app.add_option("--input", arguments.inputs, "file with new samples; NAME=FILE if every input has its own")
        ->type_name("FILE")
        ->required();
    app.add_option("--format", arguments.format, "csv or jsonl (default: by the name of the output, else csv)")
        ->check(CLI::IsMember({"csv", "jsonl"}));
    app.add_option("--output", arguments.output, "file to write (default: standard output)")->type_name("FILE");
  }
  if (verb == Verb::Export)
    app.add_option("--output", arguments.output, "the executable to write")->type_name("FILE")->required();
}

static void addParams(CLI::App &app, const Manifest &manifest, Arguments &arguments) {
  for (size_t i = 0; i < manifest.options.size(); ++i) {
    const OptionSpec &option = manifest.options[i];
    std::string help = option.help + (option.help.empty() ? "" : " ") + "(default: " + defaultText(option) + ")";
    app.add_option_function<std::string>(
           option.flag(),
           [&option, &arguments, i](const std::string &text) {
             std::string problem = readOption(option, text, arguments.options[i]);
             if (!problem.empty())
               throw CLI::ValidationError(option.flag(), problem);
             arguments.given[i] = true;
           },
           help)
        ->type_name(option.type == OptionSpec::Float  ? "NUMBER"
                    : option.type == OptionSpec::Int  ? "N"
                    : option.type == OptionSpec::Bool ? "BOOL"
                                                      : "TEXT")
        ->group("Parameters of the program");
  }
}

ParsedArguments parseArguments(int argc, char **argv, const Manifest &manifest, Verb fallback) {
  ParsedArguments result;
  Arguments &arguments = result.arguments;
  for (const OptionSpec &option : manifest.options)
    arguments.options.push_back({option.number, option.text});
  arguments.given.resize(manifest.options.size());

  CLI::App app(manifest.program + ", compiled by " + manifest.compiler, manifest.program);
  app.set_version_flag("--version", manifest.program + " " + manifest.hash + ", compiled by " + manifest.compiler);
  app.require_subcommand(1);
  for (const VerbRow &row : verbs) {
    CLI::App *verb = app.add_subcommand(row.name, row.summary);
    if (row.verb == fallback)
      app.footer(std::string("Without a verb: ") + row.name + ". Every verb has its own --help.");
    addRunOptions(*verb, row.verb, arguments);
    addParams(*verb, manifest, arguments);
    verb->parse_complete_callback([&arguments, &row] { arguments.verb = row.verb; });
  }

  // CLI11 takes its words from the back.
  std::vector<std::string> words(argv + 1, argv + argc);
  bool aboutAll = !words.empty() && (words[0] == "--help" || words[0] == "-h" || words[0] == "--version");
  if (!aboutAll && (words.empty() || words[0].compare(0, 1, "-") == 0))
    for (const VerbRow &row : verbs)
      if (row.verb == fallback)
        words.insert(words.begin(), row.name);
  std::reverse(words.begin(), words.end());
  try {
    app.parse(words);
    result.proceed = true;
  } catch (const CLI::ParseError &error) {
    bool asked = error.get_exit_code() == 0; // --help, --version
    app.exit(error);
    result.exitCode = asked ? 0 : usageError;
  } catch (const std::exception &error) {
    std::fprintf(stderr, "%s: error: %s\n", manifest.program.c_str(), error.what());
    result.exitCode = usageError;
  }
  return result;
}

} // namespace xfer::rt
