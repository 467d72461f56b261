// What a compiled program says of itself: the structs of runtime/include/xfer/rt/MANIFEST.md, which is the reference
// for the meaning of every field. readManifest gives a manifest in which every reference has been resolved and every
// rule of that page holds, so that the code that runs it checks nothing again.
#ifndef XFER_RUNTIME_PROGRAM_MANIFEST_H
#define XFER_RUNTIME_PROGRAM_MANIFEST_H

#include "runtime/core/ElementType.h"
#include "runtime/data/Samplers.h"
#include "runtime/data/Splits.h"
#include "runtime/data/Tokenizer.h"
#include "runtime/weights/Layout.h"
#include "xfer/rt/Status.h"
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace xfer::rt {

constexpr int64_t manifestVersion = 1;
constexpr int none = -1; // an index that points nowhere

// A fixed size, or the number of samples of a split: then `symbol` is "domain.split".
struct Extent {
  int64_t size = 0;
  std::string symbol;
  bool operator==(const Extent &other) const { return size == other.size && symbol == other.symbol; }
};
using Shape = std::vector<Extent>;

struct Quantity {
  enum Kind { Absent, Number, Option, Output } kind = Absent;
  double number = 0;
  int option = none, pass = none;
  std::string output;
};

// What a value must be: in words, and its limits.
struct BoundSpec {
  std::string rule;
  std::optional<double> least, most, above, below;
  bool holds(double value) const {
    return !(least && value < *least) && !(most && value > *most) && !(above && value <= *above) &&
           !(below && value >= *below);
  }
};

struct OptionSpec {
  enum Type { Float, Int, String, Bool } type = Float;
  std::string name, help, text; // text: default of a string
  double number = 0;            // default of the others
  std::vector<BoundSpec> bounds;
  // On the command line: --inverse-rate for a param called inverse_rate.
  std::string flag() const;
};

struct Site {
  std::string file, text;
  int64_t line = 0, column = 0;
};

struct Variable { // a parameter or a state
  WeightLayout layout = WeightLayout::Plain;
  enum Owner { Module, ProgramState, StageState } owner = Module;
  bool isParameter = false;
  std::string path, initial, stage;
  ElementType type = ElementType::F32;
  std::vector<int64_t> shape;
  int64_t constant = none; // offset in the program's constants
  std::string rows;        // of a state with a row for each sample of a split: "domain.split"; then of one row are
  uint64_t bytes = 0;      // `shape` and `bytes`
};

struct LoadRule {
  std::string key, target;
  bool drops = false, transposed = false;
};

struct LoadSpec {
  std::string file; // unless an option has it
  int option = none;
  std::string into;
  std::vector<LoadRule> rules;
  std::vector<std::string> added; // paths below `into`
  bool keras = false;             // the program says that the file is in Keras' layout
  bool taken = false;             // the program has the file: at this place among those it takes along
  uint64_t offset = 0, bytes = 0;
  std::string hash;
  int site = 0;
};

// A field of a domain, or an input of an export, that is made of text.
struct TextSpec {
  std::string field; // of text
  int tokenizer = none;
};

struct FieldSpec {
  std::string name;
  ElementType type = ElementType::F32;
  std::vector<int64_t> shape;
  int64_t classes = 0;
  int64_t bound = 0; // not 0: the length of a bounded dimension of so many entries
  TextSpec text = {};
  uint64_t bytes = 0; // of one sample
};

struct ReaderArgument {
  enum Kind { Text, Number, Boolean, Option } kind = Text;
  std::string name, text;
  double number = 0;
  int option = none;
};

struct ReadSpec {
  std::string split, reader; // reader is empty for `generate`
  std::vector<ReaderArgument> arguments;
  Quantity count;
  int function = none;
  int64_t batch = 0;
};

struct DomainSpec {
  std::string name;
  std::vector<FieldSpec> fields;
  std::vector<ReadSpec> reads;
  std::vector<SplitRule> splits;
  std::vector<std::pair<std::string, std::string>> hidden; // field, split
};

enum class BindKind : uint8_t {
  Param,
  State,
  Batch,
  Key,
  Index,
  StepKey,
  Option,
  Counter,
  Extent,
  Hoisted,
  Whole,
  Column,
  Input,
  Watch,
  Check,
  Field,
  Output,
  Sum,
  Rows
};

enum class Counter : uint8_t { Step, Epoch, Steps, Epochs, Progress, Stale };

struct Binding {
  BindKind kind = BindKind::Param;
  ElementType type = ElementType::F32;
  Counter counter = Counter::Step;
  std::string name, field, part; // batch, column, key, index: source, field, part of the source's elements
  std::string source;            // rows: whose samples
  Shape shape;
  int draw = 0, inPlace = none, site = 0;
  uint32_t views = 0; // key: so many versions of a sample take turns; 0: another one in each epoch
  int target = none;  // param, state, rows: in `variables`; option: in `options`; hoisted: in `hoisted`
};

struct ArenaTerm {
  uint64_t bytes = 0;
  std::vector<int> extents; // positions in the function's extents
};

struct FunctionSpec {
  std::string name;
  uint32_t index = 0;
  uint64_t arena = 0;
  std::vector<ArenaTerm> arenaTerms;
  std::vector<Binding> arguments, results;
  std::vector<std::string> extents;
};

struct SourceSpec {
  std::string name, domain, split;
  SamplerSpec sampler;
  std::string rows;       // of a pass with a sampler: the symbol of how many elements it draws
  int weightsPass = none; // of a sampler with computed weights, and
  std::string weights;    // the `whole` id there
  int domainIndex = none;
  int64_t batch = 0;
  int function = none; // batch function, in passes
  int draws = 1;       // batches a step consumes
};

struct PassSpec {
  std::vector<SourceSpec> sources;
  int function = none;
};

struct OrderItem {
  // A sweep is Begin, then for each point Point, the items of its body and Judge, then End.
  enum Kind { Run, Stage, Evaluate, SweepBegin, SweepPoint, SweepJudge, SweepEnd } kind = Run;
  int index = none;  // in passes, stages, evaluations, sweeps
  int run = 0;       // how many equal items stand before it; the points of a sweep share theirs
  int64_t point = 0; // of a sweep
};

struct PhaseSpec {
  Quantity untilEpoch, untilStep;
  std::vector<int> hoist;
  int function = none;
};

struct EverySpec {
  Quantity count;
  bool epochs = false;
  int pass = none;
};

struct PassOutput {
  std::string name, output;
  int pass = none;
};

struct KeepSpec {
  enum Mode { Last, Best, Least } mode = Last;
  PassOutput value;
  bool oracle = false;
};

struct SweepSpec {
  std::vector<int> options;
  std::vector<std::vector<double>> points; // values of the options, the last one runs fastest
  KeepSpec keep;
};

struct SizeSpec { // bytes: a number, and products with numbers of samples
  struct Term {
    uint64_t bytes = 0;
    std::vector<std::string> symbols;
  };
  uint64_t fixed = 0;
  std::vector<Term> terms;
};

struct MemorySpec {
  uint64_t limit = 0; // 0: none
  int site = 0;
  std::vector<SizeSpec> peaks; // the largest counts
};

struct StageSpec {
  std::string name, key, epochBy;
  int from = none;       // in stages
  int baselineOf = none; // in stages: this is a baseline with a run of its own
  std::vector<SourceSpec> sources;
  Quantity epochs, steps;
  std::vector<int> init, before, after;
  std::vector<EverySpec> every;
  std::vector<PhaseSpec> phases;
  std::vector<std::string> watch;
  std::vector<PassOutput> watchOver;
  KeepSpec keep;
  PassOutput stop;
  MemorySpec memory;
};

struct BaselineSpec {
  std::string name;
  int of = none, stage = none; // in stages; stage is none without a run of its own
};

struct ReportSpec {
  enum Kind { Value, Gain, Rows } kind = Value;
  std::string name, output;
  int baseline = none;
  std::string tag, truth,
      labels; // of rows: what their numbers are, what they are compared with, the field that this is
};

struct EvaluationSpec {
  std::string name;
  int pass = none;
  std::vector<ReportSpec> reports;
  std::vector<PassOutput> features; // `whole` rows of passes of one source, for the page of a run
};

struct PortSpec { // an input or an output of an export, one sample
  std::string name, tag;
  int64_t bound = 0; // as of a field
  TextSpec text;
  ElementType type = ElementType::F32;
  std::vector<int64_t> shape;
  uint64_t bytes = 0;
};

struct ExportSpec {
  std::string name;
  int function = none, domain = none;
  int64_t batch = 0;
  std::vector<PortSpec> inputs, outputs;
};

struct HoistedSpec {
  std::string name;
  ElementType type = ElementType::F32;
  std::vector<int64_t> shape;
  uint64_t bytes = 0;
};

struct ExtentSum { // of numbers of samples and a number
  std::vector<std::string> terms;
  int64_t fixed = 0;
};

struct Manifest {
  std::string program, hash, compiler, triple;
  std::vector<std::pair<std::string, std::string>> build;
  std::vector<std::string> features;
  bool weightsBeside = false; // the constants and the files taken along are in a file of their own
  std::vector<OptionSpec> options;
  std::vector<Site> sites;
  std::vector<Variable> variables; // parameters, then states
  std::vector<std::shared_ptr<const Tokenizer>> tokenizers;
  std::vector<DomainSpec> domains;
  std::vector<FunctionSpec> functions;
  std::vector<PassSpec> passes;
  std::vector<int> launch, init, load;
  std::vector<LoadSpec> loads;
  std::vector<OrderItem> order; // repeats and sweeps unrolled
  std::vector<SweepSpec> sweeps;
  std::vector<StageSpec> stages;
  std::vector<BaselineSpec> baselines;
  std::vector<EvaluationSpec> evaluations;
  std::vector<ExportSpec> exports;
  std::vector<HoistedSpec> hoisted;      // one an id
  std::map<std::string, ExtentSum> sums; // by their symbols
};

// The source of the pass whose batches give these `whole` rows; null if there is none.
const SourceSpec *sourceOfRows(const Manifest &manifest, const PassSpec &pass, const std::string &rows);

// Reads and checks. `functionCount` and `constantsSize` are those of the program that carries the text.
Expected<Manifest> readManifest(std::string_view text, uint64_t functionCount, uint64_t constantsSize);

} // namespace xfer::rt

#endif
