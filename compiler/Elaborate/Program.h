//===- Program.h - what the items of a program say, collected -----------------------------------------------------===//

#ifndef XFER_COMPILER_ELABORATE_PROGRAM_H
#define XFER_COMPILER_ELABORATE_PROGRAM_H

#include "compiler/Elaborate/Evaluator.h"
#include "compiler/Elaborate/Roles.h"

namespace xfer {

/// An item of the pipeline with the scope of the loops around it.
template <typename ItemTy> struct Node {
  const ItemTy *item = nullptr;
  ScopePtr scope;
  std::string name;
};

/// `param` of the program.
struct Option {
  std::string name, kind;
  mlir::Attribute value;
  dsl::SourceRange range, keyword;
  llvm::SmallSetVector<mlir::Attribute, 2> bounds; ///< that the library sets to what it is used for
  /// The values that sweeps give it.
  struct Swept {
    double value;
    std::string text;
    dsl::SourceRange range;
  };
  std::vector<Swept> swept;
};

/// A clause of a domain or stage, with the same.
struct Clause {
  const dsl::Item *item = nullptr;
  ScopePtr scope;
};

struct DomainInfo : Node<dsl::DomainItem> {
  struct Field {
    std::string name;
    mlir::RankedTensorType type; ///< of one sample, as the reader delivers it; null of text and where sizes vary
    nn::Meaning meaning;
    mlir::RankedTensorType pixel = {};    ///< of pictures that differ in size: the type of a pixel, else null
    std::vector<std::string> bounds = {}; ///< by axis, the name of a bounded dimension, else empty
    bool isText() const { return !type; }
  };
  struct Split {
    std::string name, of;
    double low = 0, high = 1;
    std::string by;      ///< empty, or the field whose groups stay together
    std::string within;  ///< empty, or the field of each of whose values `low` to `high` are taken
    bool counts = false; ///< of samples, not shares: `low` and `high`
    dsl::SourceRange fieldRange;
  };
  std::vector<Field> fields;
  /// The bounded dimensions of the fields: the reader delivers a length under each of these names.
  llvm::MapVector<std::string, int64_t, std::map<std::string, unsigned>> lengths;
  /// The numbers that the program reads of a field of text: which tokenizer makes them.
  std::vector<std::pair<std::string, unsigned>> tokens;
  /// The size that the pictures of a field are brought to, where they differ in it.
  std::map<std::string, PictureSize> sizes;
  std::set<std::string> frames; ///< of which of them it is read what became of the pictures
  ScopePtr fieldScope;          ///< where bounded dimensions have their names
  Evaluator::BoundNames boundNames;
  std::set<std::string> brokenFields, brokenSplits; ///< declared, but with a mistake that was reported
  bool brokenReads = false;                         ///< the same of where samples come from
  std::vector<Clause> reads, maps;
  std::vector<std::string> readSplits;
  std::vector<Split> splits;
  std::vector<std::pair<std::string, std::string>> hidden; ///< field, split; split empty: everywhere
  const Field *find(llvm::StringRef field) const;
  bool hasSplit(llvm::StringRef split) const;
  bool isHidden(llvm::StringRef field, llvm::StringRef split) const;
  /// Can a sample be in both splits?
  bool overlap(llvm::StringRef a, llvm::StringRef b) const;
  /// Is every sample of one split in another?
  bool isWithin(llvm::StringRef part, llvm::StringRef whole) const;
};

/// The type of a sample's picture that is brought to this size.
mlir::RankedTensorType sizedType(const DomainInfo::Field &field, const PictureSize &size);

/// How text becomes numbers.
struct TokenizerSpec {
  std::string rule; ///< words, pieces or characters
  int64_t atMost = 0;
  bool exact = false, lower = false;
  int64_t first = -1, last = -1; ///< tokens put around the text
  std::shared_ptr<const List> vocabulary;
  bool operator==(const TokenizerSpec &other) const;
};

/// `by sampler(..) count n`: what the elements of a source's batches are, and how they are drawn.
struct SamplerInfo {
  enum Kind { Balanced, Weighted, Groups, Pairs, Episodes } kind;
  std::string field;                  ///< that it goes by; empty where `weights` are computed
  const dsl::Expr *weights = nullptr; ///< of a sample's fields
  ScopePtr scope;
  int64_t size = 0, ways = 0, shots = 0, queries = 0, count = 0;
  dsl::SourceRange range, fieldRange;
  /// The samples of an element that have one name. Nested: their fields have an axis of `samples`.
  struct Part {
    std::string name;
    int64_t samples = 1;
    bool nested = false;
  };
  std::vector<Part> parts() const;
  int64_t samplesPerElement() const;
  llvm::StringRef kindName() const;
  std::string text() const; ///< as it is written
};

/// A source of a stage, evaluation or export, as its functions see it.
struct SourceInfo {
  std::string name, domain, split;
  std::shared_ptr<const SamplerInfo> sampler; ///< null: samples one by one
  SamplerInfo::Part part;                     ///< which of an element's parts is read
  /// What the manifest calls the samples that are read: "task", "task.support".
  std::string bindName() const { return part.name.empty() ? name : name + "." + part.name; }
  /// The symbol of the number of its rows where all of them are read.
  std::string rows() const;
  /// The sampler that figures draw by: those that only change how often a sample is seen have no part in them.
  std::shared_ptr<const SamplerInfo> forFigures() const;
  int64_t batch = 256;
  dsl::SourceRange range;
  bool isInput = false;  ///< of an export: the samples are its arguments
  bool available = true; ///< false: a definition names it, but this pass does not read it
};

/// A definition of a stage or evaluation: read where it is needed, evaluated once between two writes.
struct Definition {
  const dsl::Item *item;
  const dsl::Expr *value;
  const dsl::Pattern *pattern; ///< null for a loss: the name is the definition's own
  unsigned position = 0;       ///< among the names of the pattern
  ScopePtr scope;
  bool isLoss = false;
};

/// For how long a leaf is frozen: below an epoch, below a step, or for ever.
struct FreezeLimit {
  int64_t epoch = 0, step = 0;
  bool always = false;
};

struct StageInfo : Node<dsl::StageItem> {
  std::string key; ///< of random draws: a baseline has that of its stage
  std::string from;
  std::vector<SourceInfo> sources;
  std::map<std::string, Definition> definitions;
  std::vector<std::string> definitionOrder, losses; ///< in text order
  std::vector<Clause> acts, freezes, optimizers, augments, watches, states, sets, timed;
  std::optional<Clause> schedule, epochs, steps, keep, stop, memory;
  std::string epochBy;
  dsl::SourceRange epochByRange;
  std::string baselineOf;                        ///< of a baseline with clauses of its own
  std::vector<Clause> replaced;                  ///< what trains the stage that a baseline is of: `minimize`, `apply`
  std::map<std::string, std::string> thawGroups; ///< by leaf path: the phase from which it trains
  std::set<std::string> watched;                 ///< losses that its steps compute
  std::vector<ClauseRole> roles;                 ///< of the clauses that move parameters, each once
  std::set<std::string> readSources;             ///< names of the sources that its steps read
  std::map<std::string, Value> models;           ///< as `set` rewrites them
  bool rewritten = false;
  bool broken = false; ///< a source could not be made out, which was reported
};

/// A state of a stage or of the program: a tensor, or one leaf for each leaf of a tree or module.
struct HeldState {
  std::string path, owner; ///< "adapt.teacher", "stage:adapt"
  enum Form { Single, OfTree, OfModule } form = Single;
  std::shared_ptr<ModuleInstance> like; ///< of a module: whose leaves it has
  std::vector<std::string> components;  ///< paths of its leaves below its own
  const dsl::StateItem *item = nullptr;
  ScopePtr scope;
  /// With a row for each sample of this split; `source` is what its stage calls them, empty in a program.
  std::string domain, split, source;
  bool isPerSample() const { return !domain.empty(); }
  mlir::RankedTensorType withRows(mlir::RankedTensorType row) const;
};

/// What an export takes, for each sample.
struct ExportInputs {
  std::vector<mlir::Attribute> fields; ///< those that the function binds are the inputs
  std::string domain;
};

/// What a function that is built reads from, and what it has computed.
struct BuildContext {
  const StageInfo *stage = nullptr;
  std::vector<SourceInfo> sources;
  /// The source of that name; null where there is none. Reading another one may move it.
  const SourceInfo *findSource(llvm::StringRef name) const;
  /// Reads a whole split beside the sources. May move those.
  const SourceInfo &addSplit(llvm::StringRef domain, llvm::StringRef split, dsl::SourceRange range);
  bool whole = false;                  ///< whole splits instead of batches
  std::set<std::string> frozen;        ///< paths of frozen leaves
  std::map<std::string, Value> fields; ///< "source.field#draw", mapped and augmented
  ExportInputs *inputs = nullptr;      ///< of an export
  struct Memo {
    unsigned version;
    Value value;
  };
  std::map<std::pair<const dsl::Item *, int64_t>, Memo> memo;  ///< of definitions, by draw
  std::map<std::pair<const dsl::Item *, int64_t>, Memo> found; ///< the same before anything was written, for `watch`
  std::set<const dsl::Item *> evaluating;                      ///< to find cycles
  std::map<std::string, mlir::Value> lossValues;               ///< the last, and
  std::map<std::string, mlir::Value> firstLosses;              ///< the first that the step computed
  std::vector<ClauseRole> roles;
  std::map<std::string, Value> holds;
  std::optional<Value> scheduleFactor; ///< of the stage, once it was asked for
  bool broken = false;                 ///< a source could not be made out
  bool wantsOver = false;              ///< a figure that names no split
  std::set<std::string> notRead;       ///< domains that are no source, which was reported
  bool counters = false;               ///< step, epoch, progress exist
  bool onlyLooks = false;              ///< definitions are looked at that nothing has read: they may want a time
  bool checksPaths = false; ///< the phase in which nothing is frozen for a time: every loss must reach a parameter
  uint64_t iteration = 0;   ///< of `repeat`, so that draws in different iterations differ
  int64_t draw = 0;         ///< which batch of the step is read, and
  int64_t draws = 0;        ///< how many further ones there are (`repeat k fresh`)
  unsigned updaters = 0;    ///< clauses with an optimizer of their own so far
  std::map<dsl::Item::Kind, unsigned> actNumbers;
  std::map<const dsl::Item *, std::optional<std::set<const Leaf *>>>
      covered; ///< by `optimizer .. for`, or the `over` of a clause that a baseline replaced
  std::map<std::string, std::string> thawGroups;
};

/// An item that acts, in the order of the text.
struct Acting {
  enum Kind { Stage, Baseline, Evaluate, State, Update, Report, Repeat, Sweep } kind;
  std::string name;
  const dsl::Item *item;
  ScopePtr scope;
  int64_t count = 1; ///< of a Repeat
  std::vector<Acting> body = {};
  Clause keep = {}; ///< of a Sweep
};

struct PassRequest {
  std::string name, at;
  dsl::SourceRange range;
  const StageInfo *stage = nullptr;
  std::vector<SourceInfo> sources;
  std::set<std::string> frozen;
  bool counters = false;
  bool broken = false;
};

/// Names of passes by the time at which a stage runs them.
struct TimedPasses {
  llvm::SmallVector<mlir::Attribute> before, after, periodic;
};

/// What a stage computes after each epoch, and what its log shows.
struct StageFigures {
  pipeline::KeepAttr keep;
  pipeline::FigureAttr stop;
  llvm::SmallVector<mlir::Attribute> watch, watchOver;
};

/// What a figure decides: a hidden value may only be looked at.
enum class FigureUse { Watch, Keep, KeepOracle, Stop, Sweep };

} // namespace xfer

#endif // XFER_COMPILER_ELABORATE_PROGRAM_H
