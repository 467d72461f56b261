//===- Pipeline.h - the declarative half: domains, models, stages, evaluations ---------------------------------------===//
//
// Collects the items of the pipeline (unrolling `for` and `if`), then builds one function for every phase of a stage, for
// every pass in evaluation mode, and for every export. `Evaluator` does the expressions and asks back for names.
//
//===------------------------------------------------------------------------------------------------------------===//

#ifndef XFER_COMPILER_ELABORATE_PIPELINE_H
#define XFER_COMPILER_ELABORATE_PIPELINE_H

#include "compiler/Elaborate/Elaborate.h"
#include "compiler/Elaborate/Evaluator.h"

namespace xfer {

/// An item of the pipeline with the scope of the loops around it.
template <typename ItemTy> struct Node {
  const ItemTy *item = nullptr;
  ScopePtr scope;
  std::string name;
};

struct DomainInfo : Node<dsl::DomainItem> {
  struct Field {
    std::string name;
    mlir::RankedTensorType type; ///< of one sample, as the reader delivers it
    nn::Meaning meaning;
  };
  struct Split {
    std::string name, of;
    double low = 0, high = 1;
    std::string by;
  };
  struct Clause {
    const dsl::Item *item;
    ScopePtr scope;
  };
  std::vector<Field> fields;
  std::vector<Clause> reads, maps;
  std::vector<std::string> readSplits;
  std::vector<Split> splits;
  std::vector<std::pair<std::string, std::string>> hidden; ///< field, split; split empty: everywhere
  const Field *find(llvm::StringRef field) const;
  bool hasSplit(llvm::StringRef split) const;
  bool isHidden(llvm::StringRef field, llvm::StringRef split) const;
};

/// A source of a stage, evaluation or export, as its functions see it.
struct SourceInfo {
  std::string name, domain, split;
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

struct StageInfo : Node<dsl::StageItem> {
  struct Clause {
    const dsl::Item *item;
    ScopePtr scope;
  };
  std::string key; ///< of random draws: a baseline has that of its stage
  std::vector<SourceInfo> sources;
  std::map<std::string, Definition> definitions;
  std::vector<std::string> losses; ///< in text order
  std::vector<Clause> acts, freezes, optimizers, augments, watches, states, sets;
  std::optional<Clause> schedule, epochs, steps, keep, stop, memory;
  std::string epochBy;
  std::string baselineOf; ///< of a baseline with clauses of its own
  std::map<std::string, std::string> thawGroups; ///< by leaf path: the phase from which it trains
  std::set<std::string> watched;                 ///< losses that its steps compute
};

/// What a function that is built reads from, and what it has computed.
struct BuildContext {
  const StageInfo *stage = nullptr;
  std::vector<SourceInfo> sources;
  bool whole = false;                       ///< whole splits instead of batches
  std::set<std::string> frozen;             ///< paths of frozen leaves
  std::map<std::string, Value> fields;      ///< "source.field", mapped and augmented
  struct Memo {
    unsigned version;
    Value value;
  };
  std::map<const dsl::Item *, Memo> memo;   ///< of definitions
  std::set<const dsl::Item *> evaluating;   ///< to find cycles
  std::map<std::string, mlir::Value> lossValues;
  std::map<std::string, Value> holds;
  bool counters = false; ///< step, epoch, progress exist
  bool checksPaths = false; ///< the phase in which nothing is frozen for a time: every loss must reach a parameter
  uint64_t iteration = 0;   ///< of `repeat`, so that draws in different iterations differ
  std::map<std::string, std::string> thawGroups;
  dsl::SourceRange unavailableUse;
};

class Pipeline : public PipelineContext {
public:
  Pipeline(mlir::MLIRContext &context, const dsl::SourceManager &sources, FileLoader &loader,
           const ElaborateOptions &options, dsl::Diagnostics &diagnostics);
  mlir::OwningOpRef<mlir::ModuleOp> run(const dsl::File &program);

  //===--- PipelineContext -------------------------------------------------------------------------------------===//
  std::optional<Value> lookup(llvm::StringRef name, dsl::SourceRange range) override;
  std::optional<Value> library(llvm::StringRef name) override;
  Value family(const Place &place, const Value &index, dsl::SourceRange range) override;
  Value sizeOf(const Place &place, dsl::SourceRange range) override;
  Value member(const Place &place, llvm::StringRef member, dsl::SourceRange range) override;
  std::optional<Value> counter(llvm::StringRef name, dsl::SourceRange range) override;
  bool isWhole() const override { return current && current->whole; }
  std::string thawGroup(llvm::StringRef leafPath) const override;
  void collectNames(llvm::function_ref<void(llvm::StringRef)> visit) const override;
  bool isFrozen(const ModuleInstance &instance) const override;

private:
  //===--- Collect.cpp -----------------------------------------------------------------------------------------===//
  void collect(const std::vector<dsl::ItemPtr> &items, const ScopePtr &scope);
  void collectItem(const dsl::Item &item, const ScopePtr &scope);
  void collectImport(const dsl::ImportItem &import);
  void collectOption(const dsl::ParamItem &param, const ScopePtr &scope);
  /// Calls `visit` for each item of a block, `for` and `if` carried out.
  void eachItem(const std::vector<dsl::ItemPtr> &items, const ScopePtr &scope,
                llvm::function_ref<void(const dsl::Item &, const ScopePtr &)> visit);
  void placeModels();
  Value constant(const Node<dsl::ConstItem> &node);
  Value definitionOf(const dsl::Item &item, const ScopePtr &closure);

  //===--- Domains.cpp -----------------------------------------------------------------------------------------===//
  void declareDomains();
  void declareFields(DomainInfo &domain, const dsl::FieldsItem &fields, const ScopePtr &scope);
  void declareSplit(DomainInfo &domain, const dsl::SplitItem &split, const ScopePtr &scope);
  void emitDomain(const DomainInfo &domain);
  mlir::Attribute emitRead(const DomainInfo &domain, const dsl::OriginItem &read, const ScopePtr &scope);
  mlir::func::FuncOp buildGenerator(const DomainInfo &domain, const std::string &split, const Value &function,
                                    int64_t batch, dsl::SourceRange range);
  /// A field of a source in the function at hand: read, mapped, and in training augmented.
  Value sourceField(const SourceInfo &source, llvm::StringRef field, dsl::SourceRange range);
  Value rawField(const SourceInfo &source, const DomainInfo &domain, const DomainInfo::Field &field);
  /// Runs per-sample code over the batch: one nn.each. `body` gets the samples' fields by name in a scope.
  bool perSample(llvm::ArrayRef<std::pair<std::string, Tensor>> mapped, mlir::Value keys, const ScopePtr &scope,
                 dsl::SourceRange range,
                 llvm::function_ref<std::optional<std::vector<Tensor>>(const ScopePtr &)> body,
                 std::vector<Tensor> &results);
  std::map<std::string, Value> mapFields(const SourceInfo &source, const DomainInfo &domain,
                                         std::map<std::string, Value> fields);
  std::map<std::string, Value> augmentFields(const SourceInfo &source, const DomainInfo &domain,
                                             std::map<std::string, Value> fields);
  void applyMapping(const SourceInfo &source, const DomainInfo &domain, const dsl::MappingItem &mapping,
                    const ScopePtr &scope, std::map<std::string, Value> &fields, bool withKeys);

  //===--- Stages.cpp ------------------------------------------------------------------------------------------===//
  void gatherStage(StageInfo &stage, const std::vector<dsl::ItemPtr> &items);
  void gatherClause(StageInfo &stage, const dsl::Item &item, const ScopePtr &scope);
  void gatherSources(std::vector<SourceInfo> &into, const std::vector<dsl::SourceUse> &uses, const ScopePtr &scope,
                     bool wantsBatch);
  void makeBaseline(const Node<dsl::BaselineItem> &node);
  void discoverStage(StageInfo &stage);
  void buildStage(StageInfo &stage);
  mlir::func::FuncOp buildStep(StageInfo &stage, const std::string &name, const std::set<std::string> &frozen,
                               bool lastPhase);
  mlir::Attribute lengthOf(const StageInfo::Clause &clause);

  //===--- Acts.cpp --------------------------------------------------------------------------------------------===//
  void act(const dsl::Item &item, const ScopePtr &scope);
  void minimize(const dsl::MinimizeItem &item, const ScopePtr &scope);
  void applyGradient(const dsl::ApplyItem &item, const ScopePtr &scope);
  void updateStageState(const dsl::UpdateItem &item, const ScopePtr &scope);
  struct Chosen {
    const dsl::Expr *optimizer;
    const std::vector<dsl::Rate> *rates;
    ScopePtr scope;
    std::string path;
  };
  std::optional<Chosen> optimizerFor(const Leaf &leaf, const std::optional<dsl::Updater> &updater,
                                     const ScopePtr &scope, dsl::SourceRange range);
  bool runOptimizer(const Chosen &chosen, const Tree &parameters, const Tree &gradients, dsl::SourceRange range);
  Value withRate(const Value &optimizer, const Tree &parameters, const Chosen &chosen, dsl::SourceRange range);
  Value evaluateDefinition(llvm::StringRef name, const Definition &definition, dsl::SourceRange range);

  //===--- Passes.cpp ------------------------------------------------------------------------------------------===//
  void discoverEvaluation(const Node<dsl::EvaluateItem> &node);
  void buildEvaluation(const Node<dsl::EvaluateItem> &node, unsigned number);
  bool evaluateBody(const Node<dsl::EvaluateItem> &node, llvm::SmallVectorImpl<mlir::Attribute> *reports);
  /// A pass that computes one figure over whole splits; its name.
  std::optional<std::string> buildFigure(StageInfo &stage, const dsl::Expr &value, const std::vector<dsl::ExprPtr> &over,
                                         const ScopePtr &scope, llvm::StringRef name, dsl::SourceRange range,
                                         bool allowHidden);
  void buildInit(llvm::StringRef name, llvm::StringRef owner);
  void emitPass(llvm::StringRef name, llvm::StringRef at, llvm::ArrayRef<SourceInfo> sources, mlir::func::FuncOp function);
  void buildExport(const Node<dsl::ExportItem> &node, bool discovering);

  //===--- Loads.cpp -------------------------------------------------------------------------------------------===//
  void emitLoad(const dsl::LoadItem &load, const ScopePtr &scope);

  //===--- Program.cpp -----------------------------------------------------------------------------------------===//
  void discover();
  void build();
  void checkModules();
  void emitLeaves();
  int64_t siteOf(dsl::SourceRange range, const llvm::Twine &text);

  mlir::Attribute fieldOf(llvm::StringRef name, mlir::RankedTensorType type, const nn::Meaning &meaning);
  mlir::ArrayAttr sourceAttributes(llvm::ArrayRef<SourceInfo> sources);
  mlir::Location location(dsl::SourceRange range) { return evaluator.location(range); }
  Value error(dsl::SourceRange range, llvm::StringRef code, const llvm::Twine &message) {
    return evaluator.error(range, code, message);
  }

  mlir::MLIRContext &context;
  const dsl::SourceManager &sources;
  FileLoader &loader;
  const ElaborateOptions &options;
  dsl::Diagnostics &diagnostics;
  Evaluator evaluator;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  mlir::OpBuilder builder;

  ScopePtr programScope, libraryScope;
  std::set<dsl::FileId> imported;
  std::map<std::string, Value> libraryValues;
  std::map<std::string, Node<dsl::ConstItem>> constants;
  std::map<std::string, Value> constantValues;
  std::set<std::string> evaluatingConstants;
  struct Option {
    std::string name, kind;
    mlir::Attribute value;
    dsl::SourceRange range;
  };
  std::vector<Option> optionList;
  std::map<std::string, DomainInfo> domains;
  std::vector<std::string> domainOrder;
  std::vector<Node<dsl::ModelItem>> models;
  std::map<std::string, Value> modelValues;
  std::vector<Node<dsl::BaselineItem>> baselineNodes;
  std::map<std::string, StageInfo> stages;
  /// The acting items in text order.
  struct Acting {
    enum Kind { Stage, Baseline, Evaluate } kind;
    std::string name;
    Node<dsl::EvaluateItem> evaluate;
    Node<dsl::BaselineItem> baseline;
  };
  std::vector<Acting> order;
  std::vector<Node<dsl::ExportItem>> exports;
  std::set<std::string> modelFrozen; ///< leaves frozen for ever, by `freeze` in a model
  std::vector<std::pair<const dsl::FreezeItem *, ScopePtr>> modelFreezes;
  std::vector<std::pair<const dsl::LoadItem *, ScopePtr>> loads;
  BuildContext *current = nullptr;
  bool discovering = false;
  std::vector<std::pair<dsl::SourceRange, std::string>> sites;
};

/// Reads `name` in the context while the guard lives.
struct ContextGuard {
  ContextGuard(BuildContext *&slot, BuildContext *next) : slot(slot), before(slot) { slot = next; }
  ~ContextGuard() { slot = before; }
  BuildContext *&slot;
  BuildContext *before;
};

} // namespace xfer

#endif // XFER_COMPILER_ELABORATE_PIPELINE_H
