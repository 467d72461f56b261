//===- Pipeline.h - the declarative half: domains, models, stages, evaluations ------------------------------------===//
//
// Collects the items of the pipeline (unrolling `for` and `if`), then builds one function for every phase of a stage,
// for every pass in evaluation mode, and for every export. `Evaluator` does the expressions and asks back for names.
//
//===------------------------------------------------------------------------------------------------------------===//

#ifndef XFER_COMPILER_ELABORATE_PIPELINE_H
#define XFER_COMPILER_ELABORATE_PIPELINE_H

#include "compiler/Elaborate/Elaborate.h"
#include "compiler/Elaborate/Program.h"

namespace xfer {

/// Is it the type of text?
bool isString(const dsl::Type &type);

class Pipeline : public PipelineContext {
public:
  Pipeline(mlir::MLIRContext &context, const dsl::SourceManager &sources, FileLoader &loader,
           const ElaborateOptions &options, dsl::Diagnostics &diagnostics);
  mlir::OwningOpRef<mlir::ModuleOp> run(const dsl::File &program);

  //===--- PipelineContext -------------------------------------------------------------------------------------===//
  std::optional<Value> lookup(llvm::StringRef name, dsl::SourceRange range, bool inStage) override;
  std::optional<Value> library(llvm::StringRef name) override;
  Value family(const Place &place, const Value &index, dsl::SourceRange range) override;
  Value sizeOf(const Place &place, dsl::SourceRange range) override;
  std::optional<std::vector<Value>> familyMembers(const Place &place) override;
  mlir::Value sampleKeys(const Extent &extent) override;
  Value member(const Place &place, llvm::StringRef member, dsl::SourceRange range) override;
  Value tokens(const TextField &text, const TokenizerSpec &tokenizer, dsl::SourceRange range) override;
  Value sized(const PictureField &pictures, const PictureSize &size, dsl::SourceRange range) override;
  Value frameOf(const PictureField &pictures, dsl::SourceRange range) override;
  std::optional<std::string> readText(llvm::StringRef name, dsl::SourceRange range) override;
  Value sourceRecord(const Place &source, dsl::SourceRange range) override;
  std::optional<Value> counter(llvm::StringRef name, dsl::SourceRange range) override;
  Value delayed(int64_t steps, llvm::function_ref<Value()> call) override;
  bool isWhole() const override { return current && current->whole; }
  bool onlyLooks() const override { return current && current->onlyLooks; }
  std::string thawGroup(llvm::StringRef leafPath) const override;
  void collectNames(llvm::function_ref<void(llvm::StringRef)> visit) const override;
  void boundOption(llvm::StringRef name, pipeline::BoundAttr bound) override;
  dsl::SourceRange optionKeyword(llvm::StringRef name) const override;
  bool isFrozen(const ModuleInstance &instance) const override;

private:
  //===--- Collect.cpp -----------------------------------------------------------------------------------------===//
  void collect(const std::vector<dsl::ItemPtr> &items, const ScopePtr &scope);
  void collectItem(const dsl::Item &item, const ScopePtr &scope);
  void collectImport(const dsl::ImportItem &import);
  void collectOption(const dsl::ParamItem &param, const ScopePtr &scope);
  void collectRepeat(const dsl::RepeatItem &repeat, const ScopePtr &scope);
  void collectSweep(const dsl::SweepItem &sweep, const ScopePtr &scope);
  /// Calls `visit` for each item of a block, `for` and `if` carried out.
  void eachItem(const std::vector<dsl::ItemPtr> &items, const ScopePtr &scope,
                llvm::function_ref<void(const dsl::Item &, const ScopePtr &)> visit);
  Value definitionOf(const dsl::Item &item, const ScopePtr &closure);

  //===--- Names.cpp -------------------------------------------------------------------------------------------===//
  Value constant(const Node<dsl::ConstItem> &node);
  std::optional<Value> lookupInStage(llvm::StringRef name, dsl::SourceRange range);
  Value readOption(const Option &option);

  //===--- Models.cpp ------------------------------------------------------------------------------------------===//
  void placeModels();
  Value placeModel(const Node<dsl::ModelItem> &node, const std::vector<Rewrite> &rewrites);
  void collectModelClauses(const Node<dsl::ModelItem> &node);
  /// The models that `set` makes for a stage; made once.
  void placeRewritten(StageInfo &stage);
  void checkModules();
  void emitLoads();
  /// The expression that names the file, within `keras(..)` too; null after a mistake.
  const dsl::Expr *namedFile(const dsl::LoadItem &load, std::optional<llvm::StringRef> &layout);

  //===--- Domains.cpp -----------------------------------------------------------------------------------------===//
  void declareDomains();
  bool declareShape(DomainInfo &domain, DomainInfo::Field &field, const dsl::Type &written, const ScopePtr &scope);
  void declareFields(DomainInfo &domain, const dsl::FieldsItem &fields, const ScopePtr &scope);
  void declareSplit(DomainInfo &domain, const dsl::SplitItem &split, const ScopePtr &scope);
  std::optional<double> shareOf(const dsl::Expr &expression, const ScopePtr &scope, double low);
  std::optional<double> stratum(const dsl::CallExpr &call, const ScopePtr &scope, double low, DomainInfo::Split &split);
  void checkSplits(const DomainInfo &domain);
  mlir::Attribute emitSplit(const DomainInfo::Split &split);
  void declareHidden(DomainInfo &domain, const dsl::HideItem &hide);
  mlir::Attribute frameField(llvm::StringRef picture);
  std::optional<SourceInfo> sourceOf(const PictureField &pictures, dsl::SourceRange range);
  Value inSample(Tensor tensor, dsl::SourceRange range);
  mlir::Attribute lengthField(llvm::StringRef name, int64_t most);
  void emitDomain(const DomainInfo &domain);
  mlir::Attribute emitRead(const DomainInfo &domain, const dsl::OriginItem &read, const ScopePtr &scope);
  mlir::Attribute emitGenerate(const DomainInfo &domain, const dsl::OriginItem &read, const ScopePtr &scope);

  //===--- Text.cpp --------------------------------------------------------------------------------------------===//
  void emitTokenizers();
  /// The numbers that the runtime makes of a text, and how many: fields of a domain, or inputs of an export.
  std::pair<mlir::Attribute, mlir::Attribute> tokenFields(llvm::StringRef text, unsigned tokenizer);
  std::vector<TokenizerSpec> tokenizers;

  //===--- Samples.cpp -----------------------------------------------------------------------------------------===//
  std::optional<std::vector<Tensor>> generatedFields(const DomainInfo &domain, const Value &sample,
                                                     dsl::SourceRange range);
  mlir::func::FuncOp buildGenerator(const DomainInfo &domain, const std::string &split, const Value &function,
                                    int64_t batch, dsl::SourceRange range);
  /// What per-sample code reads of the batch, while it is built: the sample's part of each.
  struct SampleRegion {
    mlir::Block *block;
    llvm::SmallVector<mlir::Value> operands;
    SampleRegion *around = nullptr; ///< of the element that the sample is in, where a sampler makes elements
    std::map<AxisId, AxisId> inner; ///< by bounded axis of the batch, that of one sample
    std::map<AxisId, AxisId> outer; ///< by bounded axis that was made for a sample, that of the batch
  };
  SampleRegion *sampleRegion = nullptr;
  static mlir::Value sampleArgument(SampleRegion &region, mlir::Value batch, mlir::Location where);
  Tensor sampleOf(SampleRegion &region, const Tensor &batch, mlir::Location where);
  std::optional<AxisId> fromBatch(const SampleRegion &region, AxisId axis) const;
  const Bound *madeInside(const SampleRegion &region, AxisId axis) const;
  /// Runs per-sample code over the batch: one nn.each. `body` gets the samples' fields by name in a scope. `depth` is
  /// the number of axes before those of a sample.
  bool perSample(llvm::ArrayRef<std::pair<std::string, Tensor>> mapped, mlir::Value keys, const Dim &samples,
                 const ScopePtr &scope, dsl::SourceRange range,
                 llvm::function_ref<std::optional<std::vector<Tensor>>(const ScopePtr &)> body,
                 std::vector<Tensor> &results, unsigned depth = 1);
  std::optional<std::vector<std::string>> mappingTargets(const dsl::MappingItem &mapping, const DomainInfo &domain,
                                                         const std::map<std::string, Value> &fields);
  std::optional<std::vector<Tensor>> mappedFields(const dsl::MappingItem &mapping, const ScopePtr &scope);
  void applyMapping(const SourceInfo &source, const DomainInfo &domain, const dsl::MappingItem &mapping,
                    const ScopePtr &scope, std::map<std::string, Value> &fields, unsigned ordinal);

  //===--- Sources.cpp -----------------------------------------------------------------------------------------===//
  /// False where a use of a source could not be made out.
  bool gatherSources(std::vector<SourceInfo> &into, const std::vector<dsl::SourceUse> &uses, const ScopePtr &scope,
                     bool wantsBatch);
  /// A field of a source in the function at hand: read, mapped, and in training augmented.
  Value sourceField(const SourceInfo &source, llvm::StringRef field, dsl::SourceRange range);
  Value rawField(const SourceInfo &source, const DomainInfo &domain, const DomainInfo::Field &field);
  /// The samples of a source: one axis for all its fields, and one for the samples of an element that has several.
  llvm::SmallVector<Dim, 2> samplesOf(const SourceInfo &source);
  /// An argument of the function at hand with a row for each sample.
  Tensor perBatch(const SourceInfo &source, llvm::StringRef field, nn::TensorInfo row);
  /// The axis of a bounded dimension, whose lengths are the field `name`.
  AxisId boundedField(const SourceInfo &source, llvm::StringRef name);
  Value sourceMember(const SourceInfo &source, llvm::StringRef member, dsl::SourceRange range);
  Value splitField(const Place &split, llvm::StringRef field, dsl::SourceRange range);
  /// The random keys of a source's samples; with `views`, those of that many versions that take turns.
  mlir::Value keysOf(const SourceInfo &source, int64_t views);
  /// Does an augmentation of the stage at hand make this field, which the domain does not have?
  bool isAddedView(const SourceInfo &source, llvm::StringRef field);
  void suggestField(const DomainInfo &domain, llvm::StringRef field, llvm::StringRef owner, dsl::SourceRange range);
  void warnOfUnread();
  void warnOfChoice(const SourceInfo &source, dsl::SourceRange range);

  //===--- Samplers.cpp ----------------------------------------------------------------------------------------===//
  std::shared_ptr<const SamplerInfo> makeSampler(const dsl::SourceUse &use, const ScopePtr &scope);
  /// Does the source's domain have what its sampler goes by, and may it be read?
  bool checkSampler(const SourceInfo &source);
  std::optional<std::string> weightsPass(const SourceInfo &source);
  void discoverWeights(llvm::ArrayRef<SourceInfo> sources);
  pipeline::SamplerAttr samplerAttribute(const SourceInfo &source);

  //===--- Stages.cpp ------------------------------------------------------------------------------------------===//
  void gatherStage(StageInfo &stage, const std::vector<dsl::ItemPtr> &items);
  void gatherClause(StageInfo &stage, const dsl::Item &item, const ScopePtr &scope);
  void makeBaseline(const Node<dsl::BaselineItem> &node);
  void implyBaseline();
  Value evaluateDefinition(llvm::StringRef name, const Definition &definition, dsl::SourceRange range);
  Value stageMember(StageInfo &stage, llvm::StringRef member, dsl::SourceRange range);

  //===--- StageFunctions.cpp ----------------------------------------------------------------------------------===//
  void discoverStage(StageInfo &stage);
  void buildStage(StageInfo &stage);
  std::set<std::string> trainedBy(const StageInfo &stage);
  void warnOfOldDefinition(const StageInfo &stage, llvm::StringRef member, const Value &value, dsl::SourceRange range);
  mlir::func::FuncOp buildStep(StageInfo &stage, const std::string &name, const std::set<std::string> &frozen,
                               bool lastPhase);
  void buildWatches(StageInfo &stage);
  mlir::Attribute lengthOf(const Clause &clause);
  StageFigures buildFigures(StageInfo &stage);
  /// For how long each leaf is frozen.
  std::map<std::string, FreezeLimit> freezeLimits(const StageInfo &stage);
  std::set<std::string> finallyFrozen(const StageInfo &stage);
  std::vector<mlir::Attribute> buildPhases(StageInfo &stage);

  //===--- Acts.cpp --------------------------------------------------------------------------------------------===//
  void act(const dsl::Item &item, const ScopePtr &scope);
  void actOnce(const dsl::Item &item, const ScopePtr &scope);
  void repeatActs(const dsl::RepeatItem &repeat, const ScopePtr &scope);
  void minimize(const dsl::MinimizeItem &item, const ScopePtr &scope);
  void applyGradient(const dsl::ApplyItem &item, const ScopePtr &scope);
  Tree readyGradients(llvm::ArrayRef<Leaf *> leaves, llvm::ArrayRef<Tensor> gradients, dsl::SourceRange range);
  void move(llvm::ArrayRef<Leaf *> leaves, llvm::ArrayRef<Tensor> gradients, dsl::SourceRange gradientRange,
            const std::optional<dsl::Updater> &updater, const std::string &path, const ScopePtr &scope,
            dsl::SourceRange range, const dsl::Expr *objective = nullptr);
  Value gradientElsewhere(const dsl::Expr &objective, const ScopePtr &scope, const FunctionBuilder::Point &found,
                          const std::vector<Evaluator::Frame> &frames, const Tree &at, dsl::SourceRange range);
  void noteRole(const dsl::Item &clause, llvm::ArrayRef<Leaf *> leaves, llvm::ArrayRef<mlir::Value> objectives);
  void checkLosses(const llvm::DenseSet<mlir::Value> &sources, const llvm::DenseSet<mlir::Value> &parameters);

  //===--- Updaters.cpp ----------------------------------------------------------------------------------------===//
  struct Chosen {
    const dsl::Expr *optimizer;
    const std::vector<dsl::Rate> *rates;
    ScopePtr scope;
    std::string path;
  };
  /// Name of the states of a clause's own optimizer: by its place among the clauses that have one.
  std::string updaterPath(const std::optional<dsl::Updater> &updater);
  std::optional<bool> covers(const Clause &clause, const dsl::Selectors &selectors, const Leaf &leaf);
  std::optional<Chosen> optimizerFor(const Leaf &leaf, const std::optional<dsl::Updater> &updater,
                                     const std::string &path, const ScopePtr &scope, dsl::SourceRange range);
  using GradientAt = std::function<Value(const Tree &, dsl::SourceRange)>;
  bool runOptimizer(const Chosen &chosen, const Tree &parameters, const Tree &gradients, dsl::SourceRange range,
                    GradientAt gradient);
  Value withRate(const Value &optimizer, const Tree &parameters, const Chosen &chosen, dsl::SourceRange range);
  std::map<std::string, Value> rateFactors(const Chosen &chosen);

  //===--- Schedules.cpp ---------------------------------------------------------------------------------------===//
  /// The factor of the stage's `schedule` in the step at hand.
  Value scheduleFactor();

  //===--- States.cpp ------------------------------------------------------------------------------------------===//
  void declareForm(HeldState &held);
  void declareState(const dsl::StateItem &item, const ScopePtr &scope, const std::string &path,
                    const std::string &owner);
  bool addStateLeaf(HeldState &held, const std::string &component, mlir::RankedTensorType type);
  Value readState(const HeldState &state, dsl::SourceRange range);
  /// The state, or family of states, called `path`; nothing where there is none.
  std::optional<Value> findState(const std::string &path, dsl::SourceRange range);
  /// Writes a state of the stage or the program, or a model.
  bool assign(const dsl::Slot &slot, const ScopePtr &scope, const Value &value, dsl::SourceRange range);
  bool assignTo(Leaf &leaf, const Value &value, dsl::SourceRange range);
  bool isUnapplied(const Value &value);
  bool assignParts(const std::string &path, llvm::ArrayRef<Leaf *> parts, const Value &value, dsl::SourceRange range,
                   llvm::function_ref<bool(const Leaf &)> mayLack);
  bool assignElement(const HeldState &held, const dsl::Slot &slot, const ScopePtr &scope, const Value &value,
                     dsl::SourceRange range);
  /// The passes of the stage's updates at a stated time.
  TimedPasses buildTimedUpdates(StageInfo &stage);

  //===--- SampleStates.cpp ------------------------------------------------------------------------------------===//
  /// `per`: the samples that the state has rows of; false after an error.
  bool placeRows(HeldState &held);
  /// The source whose samples are read here and have rows in the state; null after an error, or where `onlyLooks`.
  const SourceInfo *rowSource(const HeldState &held, dsl::SourceRange range);
  Value readRows(const HeldState &held, dsl::SourceRange range);
  bool assignRows(const HeldState &held, const Value &value, dsl::SourceRange range);

  //===--- Passes.cpp ------------------------------------------------------------------------------------------===//
  /// Builds a function over whole splits in evaluation mode; `body` is false after an error. Emits the pass with the
  /// sources that it reads; false where there is none.
  bool buildPass(const PassRequest &request, llvm::function_ref<bool(BuildContext &)> body);
  /// A pass that computes one figure over whole splits; its name.
  std::optional<std::string> buildFigure(StageInfo &stage, const dsl::Expr &value,
                                         const std::vector<dsl::ExprPtr> &over, const ScopePtr &scope,
                                         llvm::StringRef name, FigureUse use);
  /// The figure itself, a scalar of the right to be read that its use has; false after an error.
  bool figureValue(const dsl::Expr &value, const ScopePtr &scope, FigureUse use);
  /// The split that an expression behind `over` names; nothing after an error.
  std::optional<Place> splitOf(const dsl::Expr &over, const ScopePtr &scope, const StageInfo *stage);
  std::optional<std::vector<SourceInfo>> figureSources(const StageInfo &stage, const std::vector<dsl::ExprPtr> &over,
                                                       const ScopePtr &scope);
  void warnOfOverlap(const StageInfo &stage, const SourceInfo &source, mlir::func::FuncOp function,
                     dsl::SourceRange range);
  bool buildInit(llvm::StringRef name, llvm::StringRef owner, const StageInfo *stage);
  mlir::ArrayAttr sourceAttributes(llvm::ArrayRef<SourceInfo> sources);

  //===--- Evaluations.cpp -------------------------------------------------------------------------------------===//
  void buildEvaluation(const dsl::EvaluateItem &item, const ScopePtr &scope);
  void buildReport(const dsl::ReportItem &item, const ScopePtr &scope);
  void buildUpdate(const dsl::UpdateItem &item, const ScopePtr &scope);
  struct Reporting {
    Value prediction, truth;
    bool compares = false, ok = true;
    std::set<std::string> names;
    llvm::SmallVector<mlir::Attribute> reports;
  };
  void predict(const dsl::PredictItem &item, const ScopePtr &scope, const std::string &name, Reporting &reporting);
  void keepRows(const std::string &name, Reporting &reporting);
  pipeline::ReportAttr rowsReport(const std::string &id, const Tensor &rows, mlir::StringAttr truth,
                                  mlir::StringAttr labels);
  std::string fieldBehind(mlir::Value value) const;
  void report(const dsl::ReportItem &item, const ScopePtr &scope, Reporting &reporting);
  pipeline::EvaluationOp emitEvaluation(const std::string &name, Reporting &reporting, dsl::SourceRange range);

  //===--- Features.cpp ----------------------------------------------------------------------------------------===//
  /// What the samples of an evaluation look like to the last layer of its prediction, and those of the domains that
  /// stages train on: once in a program.
  void buildFeatures(const dsl::EvaluateItem &item, const ScopePtr &scope, const PassRequest &evaluation,
                     pipeline::EvaluationOp op);
  struct FeatureField {
    std::string name;
    mlir::RankedTensorType type;
  };
  bool buildFeaturePass(const dsl::EvaluateItem &item, const ScopePtr &scope, const PassRequest &request,
                        std::vector<FeatureField> &read);
  std::optional<Tensor> lastFeatures(const Tensor &prediction);

  //===--- Sweeps.cpp ------------------------------------------------------------------------------------------===//
  void buildSweep(Acting &acting);
  mlir::Attribute sweepAxis(const dsl::SweepItem::Axis &axis, const ScopePtr &scope);
  pipeline::KeepAttr sweepKeep(const Acting &acting);
  void checkSweptData(const Option &option, dsl::SourceRange range);
  void checkSweptValues();

  //===--- Exports.cpp -----------------------------------------------------------------------------------------===//
  static constexpr int64_t exportBatch = 64; ///< samples that an export takes at a time
  void buildExport(const Node<dsl::ExportItem> &node);
  /// The function of an export, null after an error or in discovery; what it takes and gives for each sample.
  mlir::func::FuncOp elaborateExport(const Node<dsl::ExportItem> &node, llvm::StringRef name, bool anyBatch,
                                     ExportInputs &inputs, llvm::SmallVectorImpl<mlir::Attribute> &outputs);
  bool bindInputs(const Node<dsl::ExportItem> &node, const ScopePtr &scope, BuildContext &build, ExportInputs &inputs);

  //===--- Program.cpp -----------------------------------------------------------------------------------------===//
  void discover();
  void discover(std::vector<Acting> &items);
  void build();
  void build(std::vector<Acting> &items);
  void buildBaseline(const Acting &acting);
  void emitRun(llvm::StringRef kind, llvm::StringRef name, dsl::SourceRange range);
  void emitLeaves();
  /// The number of a place with what a running program says of it.
  int64_t siteOf(dsl::SourceRange range, const llvm::Twine &text);
  StageInfo *findStage(const dsl::Slot &slot, const ScopePtr &scope);

  mlir::Attribute fieldOf(llvm::StringRef name, mlir::RankedTensorType type, const nn::Meaning &meaning);
  mlir::Location location(dsl::SourceRange range) { return evaluator.location(range); }
  Value error(dsl::SourceRange range, llvm::StringRef code, const llvm::Twine &message) {
    return evaluator.error(range, code, message);
  }
  mlir::StringAttr text(const llvm::Twine &twine) { return builder.getStringAttr(twine); }

  mlir::MLIRContext &context;
  const dsl::SourceManager &sources;
  FileLoader &loader;
  const ElaborateOptions &options;
  dsl::Diagnostics &diagnostics;
  Scopes scopes; ///< goes behind all that holds values
  Evaluator evaluator;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  mlir::OpBuilder builder; ///< at the end of the module
  mlir::OpBuilder inOrder; ///< where the next acting op goes: the module, or the body of a `repeat`

  dsl::FileId programFile = 0;
  ScopePtr programScope, libraryScope;
  ScopePtr definitionScope; ///< of the program's functions and modules: below `programScope`, outside of stages
  std::set<dsl::FileId> imported;
  std::map<std::string, Value> libraryValues;
  std::map<std::string, Node<dsl::ConstItem>> constants;
  std::map<std::string, Value> constantValues;
  std::set<std::string> evaluatingConstants;
  std::vector<Option> optionList;
  std::map<std::string, DomainInfo> domains;
  std::vector<std::string> domainOrder;
  std::vector<Node<dsl::ModelItem>> models;
  std::map<std::string, Value> modelValues;
  std::vector<Node<dsl::LoadItem>> loads;
  std::map<std::string, StageInfo> stages;
  std::map<std::string, HeldState> states; ///< of stages and of the program, by path
  std::set<std::string> brokenStates;      ///< paths of those whose declaration is a mistake
  std::vector<Acting> order;               ///< the acting items in text order
  std::vector<Acting> *collecting = &order;
  std::vector<Node<dsl::BaselineItem>> baselines;
  std::unique_ptr<dsl::BaselineItem> implied; ///< the baseline of a program that names none
  std::vector<Node<dsl::ExportItem>> exports;
  std::set<std::string> modelFrozen; ///< leaves frozen for ever, by `freeze` in a model
  std::vector<std::pair<const dsl::FreezeItem *, ScopePtr>> modelFreezes;
  /// The stages that text above runs, with the parameters that their steps write.
  std::vector<std::pair<std::string, std::set<std::string>>> ran;
  BuildContext *current = nullptr;
  int64_t counterDelay = 0; ///< steps that counters are behind, inside `delayed`
  bool discovering = false;
  /// The numbers by which a running program names its places, from 1, in the order in which they came up.
  using Site = std::pair<dsl::SourceRange, std::string>;
  llvm::MapVector<Site, int64_t, std::map<Site, unsigned>> sites;
  std::map<std::pair<const SamplerInfo *, std::string>, std::string> weightPasses; ///< by sampler and split
  bool hasFeatures = false;                    ///< has an evaluation above some for the page of a run?
  std::map<std::string, unsigned> passNumbers; ///< of evaluations, reports and updates of one name
  std::set<std::string> usedDomains;
  std::set<const dsl::Item *> usedOptimizers; ///< clauses by which some leaf is moved
  struct Choice {
    SourceInfo source;
    std::string stage;
    dsl::SourceRange range;
  };
  std::vector<Choice> choices; ///< samples by whose labels a stage was chosen or stopped
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
