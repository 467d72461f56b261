//===- Evaluator.h - expressions, calls and modules, evaluated into a function of nn ----------------------------===//
//
// Walks the AST as an interpreter would. What is known at compile time is computed here; what is not becomes nn
// operations of the function under construction. The pipeline (Pipeline.h) decides which function is built, in which
// mode and from which sources; this class knows the language's expressions and its library half.
//
// A mistake is reported once: the value of a wrong expression is Poison, and whatever reads poison is silent poison, so
// that one run finds the mistakes of a whole file.
//
//=== ----------------------------------------------------------------------------------------------------------===//

#ifndef XFER_COMPILER_ELABORATE_EVALUATOR_H
#define XFER_COMPILER_ELABORATE_EVALUATOR_H

#include "compiler/Elaborate/FunctionBuilder.h"
#include "compiler/Elaborate/PipelineContext.h"
#include "compiler/Elaborate/Value.h"
#include "dsl/Source/Diagnostics.h"
#include <set>

namespace xfer {

class Evaluator;

/// A function of the language that is written in C++: the primitives.
struct Builtin {
  const char *name;
  /// Names of the formals, in order; `name?` may be left out, `name..` takes the rest.
  std::vector<std::string> formals;
  /// `given` holds one value a formal; Poison's absence is checked before, a left out one is None.
  Value (*run)(Evaluator &evaluator, std::vector<Value> &given, dsl::SourceRange range);
};
const Builtin *findBuiltin(llvm::StringRef name);
void eachBuiltin(llvm::function_ref<void(llvm::StringRef)> visit);

/// What stands around an expression and fills `given` formals, besides the function's mode.
struct Given {
  const std::vector<Dim> *shape = nullptr; ///< of the parameter or state that is initialised
  std::string owner;                       ///< of states made here: "module", "program", "stage:NAME"
};

class Evaluator {
public:
  Evaluator(dsl::Diagnostics &diagnostics, const dsl::SourceManager &sources, PipelineContext &pipeline,
            mlir::MLIRContext &context)
      : diagnostics(&diagnostics), sources(sources), pipeline(pipeline), context(context) {}
  ~Evaluator();

  //===--- Expressions.cpp, Indexing.cpp -----------------------------------------------------------------------===//
  Value evaluate(const dsl::Expr &expression, const ScopePtr &scope);
  /// A name: of the scope, of the pipeline, of the library, built in; an error with a suggestion where there is none.
  Value lookup(llvm::StringRef name, dsl::SourceRange range, const ScopePtr &scope);
  Value member(const Value &object, llvm::StringRef name, dsl::SourceRange range);
  Value index(const Value &object, const dsl::IndexExpr &expression, const ScopePtr &scope);
  /// A compile-time condition; nothing after an error.
  std::optional<bool> condition(const dsl::Expr &expression, const ScopePtr &scope);
  /// The elements of what a `for`, comprehension or unpacking walks over; nothing after an error.
  std::optional<std::vector<Value>> elements(const Value &value, dsl::SourceRange range);
  /// Binds the names of a pattern to a value or, with several names, to its elements.
  bool bindPattern(const dsl::Pattern &pattern, const Value &value, Scope &scope, dsl::SourceRange range,
                   bool rebind = false);

  //===--- Arithmetic.cpp, Axes.cpp, Trees.cpp -----------------------------------------------------------------===//
  Value unary(dsl::UnaryOp op, const Value &x, dsl::SourceRange range);
  Value binary(dsl::BinaryOp op, const Value &a, const Value &b, dsl::SourceRange range);
  /// The new value of a leaf: of its element type, broadcast to its extents; nothing after an error.
  std::optional<Tensor> conformToLeaf(const Leaf &leaf, const Value &value, dsl::SourceRange range);
  /// Makes a number, bool or extent a tensor without axes; tensors pass.
  std::optional<Tensor> toTensor(const Value &value, dsl::SourceRange range, mlir::Type element = {});
  Tensor constant(double value, mlir::Type element, llvm::ArrayRef<Dim> shape, dsl::SourceRange range);
  Tensor convert(const Tensor &tensor, mlir::Type element, dsl::SourceRange range);
  /// Repeats a tensor to `shape` by rule 35; an error with both shapes where it does not fit.
  std::optional<Tensor> broadcast(const Tensor &tensor, llvm::ArrayRef<Dim> shape, dsl::SourceRange range);
  /// Brings two tensors to one shape and one element type; false after an error.
  bool unify(Tensor &a, Tensor &b, dsl::SourceRange range);
  std::vector<Dim> shapeOf(const Tensor &tensor) const;
  /// The axes that an `axis:` argument names, in ascending order; nothing after an error.
  std::optional<llvm::SmallVector<int64_t>> axes(const Value &value, const Tensor &tensor, dsl::SourceRange range);
  /// The one axis that `what` goes along; nothing after an error.
  std::optional<int64_t> axis(const Value &value, const Tensor &tensor, llvm::StringRef what, dsl::SourceRange range);
  /// Extents from a list of numbers, dimensions and packs; nothing after an error.
  std::optional<std::vector<Dim>> shape(const Value &value, dsl::SourceRange range);
  /// Applies `operation` to each leaf of the trees (or modules) among the operands, which must have the same leaves.
  Value overLeaves(llvm::ArrayRef<Value> operands, dsl::SourceRange range,
                   llvm::function_ref<Value(llvm::ArrayRef<Value>)> operation);
  /// Is it a tree or a module, or several of them, as a list or a record?
  static bool isTree(const Value &value);
  /// The one tree that it stands for: parameters of a module, and of several parts the leaves of each below its place.
  std::shared_ptr<const Tree> treeOf(const Value &value, dsl::SourceRange range);
  /// The parameters of a module as a tree: what they are here, or its overrides.
  std::shared_ptr<Tree> parameters(const Module &module, dsl::SourceRange range);
  /// The leaf of a module or tree at a path below it; Poison where there is none.
  Value partOf(const Value &value, const std::string &component);
  /// The same module with other values for its parameters ("fast weights").
  Value withParameters(const Module &module, const Tree &tree);

  //===--- Bounded.cpp -----------------------------------------------------------------------------------------===//
  /// A new axis whose real entries are the first `length` ones.
  AxisId boundedAxis(const Bound &bound);
  /// The lengths of a bounded axis, else null.
  const Bound *boundOf(AxisId axis) const;
  /// What the outermost caller calls an axis.
  AxisId rootOf(AxisId axis) const;
  bool isSameAxis(AxisId a, AxisId b) const { return a == b || rootOf(a) == rootOf(b); }
  /// `own` is what `axis` is of one sample, in the body of an `each`: who names the one means the other.
  void noteElementAxis(AxisId own, AxisId axis) { elementAxes[own] = axis; }
  /// Does a dimension name this axis of a tensor?
  bool isNamed(AxisId axis, AxisId dimension) const;
  /// Has the axis entries that are not real? It is bounded, and x has the axes of the samples that its length is over.
  bool isRagged(const Tensor &x, int64_t position) const { return raggedOver(x, position).has_value(); }
  /// The axes of x that the length of the axis at `position` is over; nothing where that is not ragged.
  std::optional<llvm::SmallVector<int64_t>> raggedOver(const Tensor &x, int64_t position) const;
  /// The ragged axes that matter where `axes` of x are combined: these themselves, and those whose length differs along
  /// one of them.
  llvm::SmallVector<int64_t> raggedAmong(const Tensor &x, llvm::ArrayRef<int64_t> axes) const;
  /// Of the shape of x: is the entry real along all of `positions`?
  Tensor realEntries(const Tensor &x, llvm::ArrayRef<int64_t> positions, dsl::SourceRange range);
  /// x with `fill` (an element of its type) where an entry along one of `positions` is not real.
  Tensor masked(const Tensor &x, llvm::ArrayRef<int64_t> positions, mlir::Attribute fill, dsl::SourceRange range);
  /// x with zeros along what is ragged, as a contraction over `axes` wants it.
  Tensor withoutPadding(const Tensor &x, llvm::ArrayRef<int64_t> axes, dsl::SourceRange range);
  /// The real entries along a ragged axis in reverse order; what is not real stays where it is.
  Tensor reversedEntries(const Tensor &x, int64_t position, dsl::SourceRange range);
  /// How many real entries a reduction over `axes` sees: a number, or one for each entry that is left.
  Value entryCount(const Tensor &x, llvm::ArrayRef<int64_t> axes, dsl::SourceRange range);
  /// The axis that two axes of one extent become where tensors meet; nothing after an error.
  std::optional<AxisId> meet(const Tensor &x, int64_t i, const Tensor &y, int64_t j, dsl::SourceRange range);
  /// False after saying that `what` cannot go along a bounded dimension, if x is ragged there, or that it would
  /// separate another from its samples.
  bool wantsDense(const Tensor &x, int64_t position, llvm::StringRef what, dsl::SourceRange range);
  /// A bounded axis whose lengths are made from those of another; the same axis for the same `how`.
  AxisId derivedAxis(AxisId axis, const std::string &how, llvm::function_ref<Value(const Tensor &length)> make);
  /// Gives the ragged axes of x whose lengths differ along `position` new lengths, made by `change` from the old ones;
  /// `axes` are those of the result, by axis of x.
  void followSamples(const Tensor &x, int64_t position, llvm::MutableArrayRef<AxisId> axes,
                     llvm::function_ref<Tensor(const Tensor &length, int64_t axis)> change);

  //===--- BuiltinsGradient.cpp --------------------------------------------------------------------------------===//
  /// Derivatives of a scalar with respect to a tensor, or to the leaves of a tree or module.
  Value gradient(const Value &e, const Value &wrt, dsl::SourceRange range);

  //===--- Calls.cpp -------------------------------------------------------------------------------------------===//
  Value call(const Value &callee, const Arguments &arguments, dsl::SourceRange range);
  Value callFunction(const Function &function, const Arguments &arguments, dsl::SourceRange range);
  /// Gives each formal its argument, default or `given` value in `scope`; false after an error.
  bool bindFormals(llvm::StringRef callee, llvm::ArrayRef<dsl::Formal> formals, const Arguments &arguments,
                   const ScopePtr &scope, dsl::SourceRange range);
  std::optional<Value> given(llvm::StringRef name, dsl::SourceRange range);

  //===--- Types.cpp -------------------------------------------------------------------------------------------===//
  /// Checks a value against the annotation of a formal or result, binds its dimension variables in `scope`, and returns
  /// the value with the axes (and, for results, the tags) that the type gives it.
  Value conform(const Value &value, const dsl::Type &type, const ScopePtr &scope, llvm::StringRef what,
                dsl::SourceRange range, bool isResult = false);
  /// The tensor type that an annotation describes, all dimensions being known; nothing after an error.
  /// Where samples are declared, `bounds` takes the names of the bounded dimensions, by the axes that stand for them.
  using BoundNames = std::map<AxisId, std::string>;
  std::optional<std::pair<mlir::RankedTensorType, std::vector<Dim>>>
  tensorType(const dsl::Type &type, const ScopePtr &scope, dsl::SourceRange range, BoundNames *bounds = nullptr);

  //===--- Blocks.cpp ------------------------------------------------------------------------------------------===//
  /// Runs the statements of a function's or module's body; the returned value, or None where nothing is returned.
  Value runBody(const dsl::Block &block, const ScopePtr &scope);
  /// The name that a slot stands for, indices evaluated: `running_mean["photo"]` is "running_mean[photo]".
  std::optional<std::string> slotName(const dsl::Slot &slot, const ScopePtr &scope);
  static std::optional<std::string> indexText(const Value &value);

  //===--- Modules.cpp, Leaves.cpp -----------------------------------------------------------------------------===//
  Value apply(const Module &module, const Arguments &arguments, dsl::SourceRange range);
  bool defineMembers(const Module &module, const ScopePtr &scope);
  Value placeElement(const Value &element, const std::string &path, const std::vector<Rewrite> &rewrites,
                     dsl::SourceRange range);
  /// Puts a constructor in its place: an instance below `path`. Lists become lists of instances.
  Value place(const Value &value, const std::string &path, const std::vector<Rewrite> &rewrites,
              dsl::SourceRange range);
  std::shared_ptr<unsigned> rewriteCounter(const dsl::Rewrite &rule);
  Value withRewrites(const Value &value, const dsl::Rewrites &rewrites, const ScopePtr &scope, dsl::SourceRange range);
  /// The leaf at `path`, made at the first call; null after an error (it has another shape already).
  Leaf *declareLeaf(const std::string &path, Leaf::Kind kind, mlir::RankedTensorType type, const dsl::Expr *initial,
                    llvm::StringRef merge, const ScopePtr &scope, dsl::SourceRange range);
  /// The first value of a leaf, computed in the function under construction.
  std::optional<Tensor> initialValue(const Leaf &leaf);
  Tensor readLeaf(const Leaf &leaf, const Module *through);
  /// The parameters and states below a path, in the order in which they came to be. Notes in `readUnapplied` where a
  /// module below has not been applied yet, so that some may be missing.
  std::vector<Leaf *> leavesBelow(llvm::StringRef path);
  void addPart(ModuleInstance &instance, llvm::StringRef name, const Value &part);

  //===--- what is built, and how ------------------------------------------------------------------------------===//
  FunctionBuilder &function() { return *functions.back(); }
  bool isTraining() const;
  mlir::OpBuilder &builder() { return functions.back()->builder; }
  mlir::Location location(dsl::SourceRange range);

  //===--- Sites.cpp -------------------------------------------------------------------------------------------===//
  /// Identity of a place in the elaborated source: the chain of calls that leads to it, each known by names, so that
  /// edits which do not concern it change nothing.
  std::string siteText(dsl::SourceRange range);
  /// Makes the items of a file known to `siteText`.
  void registerItems(const std::vector<dsl::ItemPtr> &items);
  static int64_t siteNumber(llvm::StringRef text);
  /// The key that a random draw takes: the sample's inside per-sample code, else that of the step.
  mlir::Value key();

  Value error(dsl::SourceRange range, llvm::StringRef code, const llvm::Twine &message);
  dsl::Diagnostic &report(dsl::SourceRange range, llvm::StringRef code, const llvm::Twine &message,
                          dsl::Severity severity = dsl::Severity::Error);
  /// Says at the declaration of a 'param', if `value` is one, that it must be a 'const' to be known here.
  void suggestConst(dsl::Diagnostic &diagnostic, const Value &value);
  /// An int from `least` to `most` that is known at compile time; after an error with `wanted` in front, nothing.
  std::optional<int64_t> evaluateInt(const dsl::Expr &expression, const ScopePtr &scope, int64_t least, int64_t most,
                                     llvm::StringRef code, const llvm::Twine &wanted);
  dsl::Diagnostics *diagnostics; ///< where mistakes go: elsewhere while the program is still being discovered
  const dsl::SourceManager &sources;
  PipelineContext &pipeline;
  mlir::MLIRContext &context;

  /// First values of states in the function under construction, by their text and their state.
  std::map<std::pair<const dsl::Expr *, std::string>, Value> firstValues;

  std::vector<FunctionBuilder *> functions;
  Given surroundings;
  mlir::Value sampleKey; ///< of per-sample code, else null
  /// Every leaf of the program by path; leaves are made at the first application of their module.
  std::map<std::string, std::unique_ptr<Leaf>> leaves;
  std::vector<Leaf *> leafOrder;
  std::vector<std::shared_ptr<ModuleInstance>> instances;
  AxisId freshAxis() { return ++lastAxis; }

  /// One frame a call: where it was made, and the mode of the module that it runs.
  struct Frame {
    dsl::SourceRange call;
    std::string name;
    std::optional<bool> training;
    const Module *module = nullptr;
    Value returned;
    bool hasReturned = false;
    std::shared_ptr<CallTrace> trace; ///< what the call evaluates; null for what `at` cannot look into
    std::string iteration;            ///< indices of the unrolled loops around the text, for sites
  };
  std::vector<Frame> frames;

  /// Set while an optimizer is applied: its states are leaves of the clause, one a leaf of `parameters`, and are
  /// written where the clause stands.
  struct Acting {
    const Tree *parameters;
    std::string owner;
    /// Gradient of what the clause minimizes with other parameters; empty where a gradient was given.
    std::function<Value(const Tree &, dsl::SourceRange)> gradient = nullptr;
  };
  const Acting *acting = nullptr;
  bool proposesNothing = false; ///< inside `watch`
  std::map<const dsl::Rewrite *, std::shared_ptr<unsigned>> rewriteMatches;
  std::set<dsl::FileId> libraryFiles;
  /// Set where the leaves of a module were read that is not applied yet: another round of discovery will know them.
  bool readUnapplied = false;
  std::set<std::string> brokenParts; ///< paths at which a mistake stands instead of a module

  //===--- Iterations.cpp, Each.cpp ----------------------------------------------------------------------------===//
  /// A body that runs many times, of a `scan` or an `each`, while it is elaborated.
  struct Iteration {
    struct Proposal {
      const Leaf *leaf;
      std::string site;
      mlir::Value value; ///< of one iteration, inside the body
      int64_t count;     ///< of the proposals in it
      dsl::SourceRange range;
    };
    unsigned number; ///< of the loop, from 1
    mlir::Block *block = nullptr;
    mlir::Value index; ///< of the iteration
    Extent count;
    mlir::Value key; ///< of its draws, once there is one
    std::vector<Proposal> proposals;
  };
  std::vector<Iteration *> iterations; ///< around what is evaluated, the innermost last
  unsigned loopCount = 0;
  /// A new value for a module's state: what one call site, `count` times, wants it to be.
  bool propose(const Leaf &leaf, const std::string &site, mlir::Value value, int64_t count, dsl::SourceRange range);
  /// Behind a loop: its proposals, which are stacked in `stacked`, become proposals of what is around it.
  bool proposeMerged(const Iteration &loop, mlir::ValueRange stacked, bool stopsEarly);

private:
  friend class ScanBuilder;
  bool isLibrary(dsl::FileId file) const { return libraryFiles.count(file) != 0; }
  Value evaluateKind(const dsl::Expr &expression, const ScopePtr &scope);
  Value moduleMember(const Module &module, llvm::StringRef name, dsl::SourceRange range);
  std::optional<Value> partAhead(const Module &module, llvm::StringRef name);
  void enter(const Module &module, Frame &frame);
  void checkImageRange(ModuleInstance &instance, const Arguments &arguments, dsl::SourceRange range);
  Value method(const Module &module, const dsl::FnItem &definition);
  void defineMethods(const Module &module, Scope &scope);
  Value through(const Value &part, const Module &module);
  Value comprehension(const dsl::ComprehensionExpr &expression, const ScopePtr &scope);
  Value slice(const Tensor &tensor, const dsl::IndexExpr &expression, const ScopePtr &scope);
  std::optional<Dim> partOfBounded(const Dim &dim, int64_t low, int64_t high, dsl::SourceRange range);
  void keepSamples(const Tensor &tensor, llvm::ArrayRef<int64_t> offsets, llvm::ArrayRef<int64_t> sizes,
                   llvm::ArrayRef<bool> drops, std::vector<Dim> &kept, dsl::SourceRange range);
  Value scan(const dsl::ScanExpr &expression, const ScopePtr &scope);
  Value map(const dsl::EachExpr &expression, const ScopePtr &scope);
  Value at(const dsl::AtExpr &expression, const ScopePtr &scope);
  void recordLet(const dsl::Pattern &pattern, const Scope &scope);
  void recordPart(const ModuleInstance &instance, const Value &value);
  bool runItems(const dsl::Block &block, const ScopePtr &scope);
  bool runItem(const dsl::Item &item, const ScopePtr &scope);
  std::shared_ptr<const Constructor> rewritten(std::shared_ptr<const Constructor> constructor, const std::string &path,
                                               const std::vector<Rewrite> &rewrites, bool &added);
  void placeArguments(ModuleInstance &instance, dsl::SourceRange range);
  bool runPart(const dsl::PartItem &part, const ScopePtr &scope);
  bool agrees(const dsl::PartItem &part, const Value &placed, const ScopePtr &scope);
  std::string describeInitial(const dsl::Expr &initial, const ScopePtr &scope);
  bool runLeaf(Leaf::Kind kind, const dsl::Slot &slot, const dsl::Type *type, const dsl::Expr *initial,
               llvm::StringRef merge, const dsl::Expr *when, const ScopePtr &scope, dsl::SourceRange range);
  bool runUpdate(const dsl::UpdateItem &update, const ScopePtr &scope);
  bool runOptimizerState(const dsl::Slot &slot, const std::string &name, const dsl::Type *type,
                         const dsl::Expr *initial, const ScopePtr &scope, dsl::SourceRange range);
  bool runOptimizerUpdate(const std::string &name, const dsl::UpdateItem &update, const ScopePtr &scope);
  void defineSlot(const dsl::Slot &slot, llvm::StringRef name, Value value, Scope &scope);
  std::string describeType(const dsl::Type &type) const;
  void bindSignature(const dsl::ModuleType &type, const Value &value, const ScopePtr &scope);
  bool isFreeDimension(const dsl::NameExpr &name, const ScopePtr &scope);
  bool joinAxis(Tensor &tensor, size_t position, AxisId known, dsl::SourceRange range);
  std::optional<Dim> declareBounded(const dsl::Dim &dim, const ScopePtr &scope, BoundNames *bounds);
  bool matchDims(Tensor &tensor, const std::vector<dsl::Dim> &dims, const ScopePtr &scope, llvm::StringRef what,
                 const dsl::Type &type, dsl::SourceRange range);
  Value conformTensor(const Value &value, const dsl::Type &type, llvm::StringRef element,
                      const std::vector<dsl::Argument> *arguments, const std::vector<dsl::Dim> *dims,
                      const ScopePtr &scope, llvm::StringRef what, dsl::SourceRange range, bool isResult);

  /// Gives a call's result the axes of the caller again.
  struct AxisNames {
    explicit AxisNames(Evaluator &evaluator) : evaluator(evaluator), mark(evaluator.lastAxis) {}
    Value restore(const Value &value) const;
    Evaluator &evaluator;
    AxisId mark; ///< axes made after this belong to the call
  };
  /// The value of a call, with its trace.
  Value traced(const Value &value, std::shared_ptr<CallTrace> trace, const AxisNames &names);
  /// Marks an iteration of an unrolled loop, so that draws in different iterations differ.
  struct IterationGuard {
    IterationGuard(Evaluator &evaluator, size_t index) : evaluator(evaluator), depth(evaluator.frames.size()) {
      if (depth)
        before = evaluator.frames.back().iteration;
      if (depth)
        evaluator.frames.back().iteration += "#" + std::to_string(index);
    }
    ~IterationGuard() {
      if (depth)
        evaluator.frames[depth - 1].iteration = before;
    }
    Evaluator &evaluator;
    size_t depth;
    std::string before;
  };

  /// Where `next` and `yield` of the scan at hand put their values.
  struct ScanResults {
    const dsl::ScanExpr *scan;
    std::vector<std::optional<Value>> *next;
    std::optional<Value> *yielded;
  };
  ScanResults *scanning = nullptr;

public:
  /// Evaluates as if at the end of the function at hand, out of every loop that is being elaborated.
  class OutsideLoops {
  public:
    explicit OutsideLoops(Evaluator &evaluator);
    ~OutsideLoops();

  private:
    Evaluator &evaluator;
    mlir::OpBuilder::InsertionGuard guard;
    mlir::Value sampleKey;
    ScanResults *scanning;
    std::vector<Iteration *> iterations;
  };

private:
  std::string placeName(dsl::SourceRange range) const;
  Value bounded(Value value, dsl::SourceRange range);
  /// By file and range: the name of a construct among those of its item.
  std::map<dsl::FileId, std::map<std::pair<uint32_t, uint32_t>, std::string>> places;
  AxisId lastAxis = 0;
  std::map<AxisId, AxisId> callerAxis; ///< of an axis that a call named: what the caller calls it
  std::map<AxisId, Bound> bounds;
  std::map<AxisId, AxisId> elementAxes; ///< of a bounded axis of an element: that of the batch
  std::map<std::pair<AxisId, std::string>, AxisId> derivedAxes;
  uint64_t steps = 0; ///< bounded, so that no program makes the compiler run for ever
  unsigned depth = 0; ///< of expressions inside expressions, calls included
};

} // namespace xfer

#endif // XFER_COMPILER_ELABORATE_EVALUATOR_H
