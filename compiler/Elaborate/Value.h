//===- Value.h - what an expression of the language means at compile time ---------------------------------------===//
//
// The elaborator is a partial evaluator: an expression becomes a Value. Numbers, strings, lists, records, functions and
// modules are values of the compiler alone; a Tensor is an SSA value of the function being built, together with the
// identity of each of its axes. A number meets a tensor only when an operation needs both, so that what is known at
// compile time stays known.
//
// Axes have identities because `axis: n` names a dimension by identity and never by its extent: in
// `fn f(x: [n, d])` two axes of extent 64 are still told apart.
//
//===------------------------------------------------------------------------------------------------------------===//

#ifndef XFER_COMPILER_ELABORATE_VALUE_H
#define XFER_COMPILER_ELABORATE_VALUE_H

#include "compiler/Dialect/NN/IR/NN.h"
#include "dsl/AST/AST.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Value.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/simple_ilist.h"
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace xfer {

class Value;
class Scope;
class Scopes;
struct Arguments;
struct Builtin;
struct ModuleInstance;
struct Module;
struct Leaf;
using ScopePtr = std::shared_ptr<Scope>;

/// Identity of an axis; 0 is an axis without a name.
using AxisId = unsigned;

/// An extent: a number known now, or the size of a split, known when the data is opened.
using Extent = nn::Extent;
std::string describeExtent(const Extent &extent);

/// A dimension variable: its extent and the axis that it names. Where a number is wanted it is its extent.
struct Dim {
  Extent extent;
  AxisId axis = 0;
};

struct Tensor {
  mlir::Value value;
  llvm::SmallVector<AxisId> axes;

  mlir::RankedTensorType type() const { return llvm::cast<mlir::RankedTensorType>(value.getType()); }
  int64_t rank() const { return type().getRank(); }
};

/// What makes a dimension bounded: how many of its entries are real, for each sample.
struct Bound {
  Tensor length; ///< ints, over the axes of the samples; a scalar inside per-sample code
  /// Of batches that were joined: the bounded axis and the axis of the samples of each, and how many samples it has.
  struct Part {
    AxisId axis, samples;
    int64_t count;
  };
  std::vector<Part> parts = {};
};

/// `..s` of a signature: several dimensions under one name.
struct Pack {
  std::vector<Dim> dims;
};

struct List {
  std::vector<Value> elements;
  bool tuple = false;
};

struct Record {
  std::vector<std::pair<std::string, Value>> fields;
  const Value *find(llvm::StringRef name) const;
};

/// A function: a definition of the library, a lambda, a method of a module, or one that is built in. A module's
/// definition is a function from its first arguments to a Constructor.
struct Function {
  std::string name;
  const Builtin *builtin = nullptr;
  const dsl::FnItem *definition = nullptr;
  const dsl::ModuleItem *module = nullptr;
  const dsl::LambdaExpr *lambda = nullptr;
  ScopePtr closure;
  std::shared_ptr<const Module> self; ///< of a method
};

/// One rule of `with { selector -> replacement }`, with the scope of its text.
struct Rewrite {
  const dsl::Rewrite *rule;
  ScopePtr scope;
  std::shared_ptr<unsigned> matches; ///< counted over the tree that is built, for `expect`
  std::string root;                  ///< path of the instance that the selector starts from
};

/// A module's definition with its first arguments: what may stand in a module, not yet placed there.
struct Constructor {
  const dsl::ModuleItem *definition = nullptr;
  ScopePtr closure; ///< of the definition
  std::shared_ptr<const Arguments> arguments;
  std::vector<Rewrite> rewrites;
  std::string keepsPath; ///< of `it` in a rewriting: the path that it stands at, whatever is put around it
  std::vector<const dsl::Rewrite *> applied; ///< rules whose `it` this is: they do not apply to it again
  dsl::SourceRange range;
};

enum class ModeOverride { FromContext, Training, Evaluation };

/// A module in its place, possibly with other values for its parameters and states ("fast weights", a snapshot).
struct Module {
  std::shared_ptr<ModuleInstance> instance;
  /// Values by leaf path that replace the instance's own; null for the original.
  std::shared_ptr<const std::map<std::string, Tensor>> overrides;
  ModeOverride mode = ModeOverride::FromContext;
};

struct Tree;
struct CallTrace;

/// A name of the pipeline that is no value by itself: a domain, one of its splits, a stage, a source of a stage.
struct Place {
  enum Kind { Domain, Split, Stage, Source } kind;
  std::string name;  ///< of the domain, stage or source
  std::string split; ///< of a Split
};

/// Text of the samples: no value of the program, the runtime makes numbers of it while it reads (`tokens`).
struct TextField {
  std::string source, field; ///< `source` is the name of a source, or of an export
  std::string part = {};     ///< of the elements that a sampler makes
};

/// What pictures are brought to by the reader, and how (`FIELD_resize`).
struct PictureSize {
  int64_t height = 0, width = 0;
  std::string method;
  bool operator==(const PictureSize &other) const {
    return height == other.height && width == other.width && method == other.method;
  }
};

/// Pictures that differ in size from sample to sample: no value of the program until the reader is told which size it
/// brings them to (`sized`).
struct PictureField {
  std::string source, field; ///< as of a TextField
  std::string part = {};
};

/// Arguments of a call: positional ones first.
struct Arguments {
  struct One;
  std::vector<One> all;
};

class Value {
public:
  struct Poison {}; ///< an error was reported; what reads it stays silent
  struct None {};
  /// A value of the function under construction, where none may be read: in a first value or in a function among parts.
  struct Unavailable {
    bool inPart = false;
  };
  using Storage = std::variant<Poison, None, Unavailable, bool, int64_t, double, std::string, Dim, Pack, Tensor,
                               std::shared_ptr<const List>, std::shared_ptr<const Record>,
                               std::shared_ptr<const Function>, std::shared_ptr<const Constructor>, Module,
                               std::shared_ptr<const Tree>, Place, TextField, PictureField>;

  Value() = default;
  template <typename T, typename = std::enable_if_t<std::is_constructible_v<Storage, T>>>
  Value(T value) : storage(std::move(value)) {}
  static Value none() { return Value(None{}); }
  static Value list(std::vector<Value> elements, bool tuple = false) {
    return Value(std::make_shared<const List>(List{std::move(elements), tuple}));
  }
  static Value record(std::vector<std::pair<std::string, Value>> fields) {
    return Value(std::make_shared<const Record>(Record{std::move(fields)}));
  }
  static Value string(llvm::StringRef text) { return Value(text.str()); }

  bool isPoison() const { return std::holds_alternative<Poison>(storage); }
  bool isNone() const { return std::holds_alternative<None>(storage); }
  bool isUnavailable() const { return std::holds_alternative<Unavailable>(storage); }
  template <typename T> const T *get() const { return std::get_if<T>(&storage); }
  const Tensor *tensor() const { return get<Tensor>(); }
  const List *list() const { return deref<List>(); }
  const Record *record() const { return deref<Record>(); }
  const Function *function() const { return deref<Function>(); }
  std::shared_ptr<const Constructor> constructor() const { return shared<Constructor>(); }
  const Module *module() const { return get<Module>(); }
  const Tree *tree() const { return deref<Tree>(); }
  const Place *place() const { return get<Place>(); }
  const std::string *text() const { return get<std::string>(); }
  const TextField *textField() const { return get<TextField>(); }
  const PictureField *pictureField() const { return get<PictureField>(); }

  /// The value as a compile-time integer: an int, a bool or a static extent.
  std::optional<int64_t> asInteger() const;
  /// The value as a compile-time number.
  std::optional<double> asNumber() const;
  bool isNumber() const { return asNumber().has_value(); }
  /// True if a value of the function under construction is anywhere in it: it must not outlive that function.
  bool holdsTensor() const;
  /// What a user would call it: "an int", "a tensor [64, 10]", "a function".
  std::string describe() const;

  /// Of the call that made this value, for `at`; null for anything else.
  std::shared_ptr<const CallTrace> trace;

private:
  template <typename T> std::shared_ptr<const T> shared() const {
    auto *pointer = std::get_if<std::shared_ptr<const T>>(&storage);
    return pointer ? *pointer : nullptr;
  }
  template <typename T> const T *deref() const {
    auto *pointer = std::get_if<std::shared_ptr<const T>>(&storage);
    return pointer ? pointer->get() : nullptr;
  }

  Storage storage;
};

/// What a call evaluated, in order: the values of its `let`s and of the calls of its module's parts.
struct CallTrace {
  struct Entry {
    std::string name; ///< of the `let`, or the path of the part below the module that was called
    Value value;
    std::shared_ptr<const CallTrace> inside; ///< of that call
    unsigned loop;                           ///< number of the loop around it, 0 for none
  };
  std::string name; ///< of the module or function
  std::vector<Entry> entries;
};

/// A tree of tensors shaped like a module's parameters, or like the leaves that a clause minimizes over.
struct Tree {
  bool stacked = false; ///< one tree an element of what an `each` went over: its leaves have that axis in front
  bool partial = false; ///< of a module that nothing has applied, which may have more leaves
  llvm::MapVector<std::string, Value, std::map<std::string, unsigned>> leaves;
};

/// The same mixture of lists, tuples, records and trees, with what `leaf` makes of everything else in it. `stacked`:
/// the trees of the result have an axis of elements in front.
Value mapLeaves(const Value &mixture, llvm::function_ref<Value(const Value &)> leaf, bool stacked = false);

struct Arguments::One {
  std::string name; ///< empty: positional
  Value value;
  dsl::SourceRange range;
};

/// The elements of a tensor as far as its extents are known; `most` + 1 where there are more than `most`.
uint64_t countElements(mlir::RankedTensorType type, uint64_t most);

/// "[64, 10]" with symbols for extents that are known only when the data is opened.
std::string describeShape(mlir::RankedTensorType type);

/// A parameter or a state of a module, a stage or the program.
struct Leaf {
  enum Kind { Parameter, State } kind;
  std::string path; ///< such as "net.trunk.conv1.weight"; the key in every weight file
  mlir::RankedTensorType type;
  nn::Meaning meaning;                ///< such as class(10)
  llvm::SmallVector<AxisId> axes;     ///< of the application at hand
  const dsl::Expr *initial = nullptr; ///< null: zeros that an update fills before the first read
  ScopePtr scope;                     ///< in which `initial` is read
  std::string merge;                  ///< average, max, sum or empty
  std::string owner;                  ///< "module", "program" or "stage:NAME"
  std::string component;              ///< of a state that is a tree or module: the part of `initial` that is this leaf
  std::string describeInitial;        ///< text of the initialiser, for `explain`
  std::string layout = "plain";       ///< how other frameworks store it: plain, matrix or filter
  bool hidden = false;                ///< a hidden value was written into it
  bool added = false;                 ///< by a rewriting: weight files may lack it
  dsl::SourceRange range;
};

/// Is `path` that of `above`, or of something inside of it?
bool isAtOrBelow(llvm::StringRef path, llvm::StringRef above);

/// A module in its place in the model: parts, parameters and states under one path.
struct ModuleInstance {
  std::string path;
  std::string kind;                               ///< name of its definition, for `is kind`
  std::shared_ptr<const Constructor> constructor; ///< null for a namespace: `model net { ... }`
  ScopePtr scope;                                 ///< holds the constructor's arguments and the parts
  std::vector<std::string> order;                 ///< names of members in text order
  std::map<std::string, Value> parts;             ///< instances, or lists of them
  std::map<std::string, Leaf *> leaves;           ///< by local name
  std::vector<Rewrite> rewrites;                  ///< of this instance and those around it
  bool applied = false;
  bool isBroken = false; ///< a parameter of it would have no elements
  /// Of the first images that it was called with: "normalised", "from 0 to 1" or empty; their domain; where.
  std::string imageRange, imageDomain;
  dsl::SourceRange imageCall;
  bool added = false; ///< stands where a rewriting put another kind of module
};

/// Names of one block; the parent is the block around it.
class Scope : public std::enable_shared_from_this<Scope>, public llvm::ilist_node<Scope> {
public:
  explicit Scope(Scopes &all, ScopePtr parent = nullptr);
  Scope(const Scope &) = delete;
  ~Scope();
  static ScopePtr inside(const ScopePtr &parent) { return std::make_shared<Scope>(parent->all, parent); }

  void define(llvm::StringRef name, Value value) { names[name.str()] = std::move(value); }
  /// Rebinds the innermost definition of `name` inside a function; defines it here where there is none.
  void rebind(llvm::StringRef name, Value value);
  /// The scope of the whole body: a parameter, state or part inside `for` or `if` belongs to the module.
  Scope &bodyScope() { return barrier || !parent ? *this : parent->bodyScope(); }
  const Value *find(llvm::StringRef name) const;
  const Value *findHere(llvm::StringRef name) const;
  /// What the name would mean without the innermost scope that defines it.
  const Value *findHidden(llvm::StringRef name) const;
  void eachName(llvm::function_ref<void(llvm::StringRef)> visit) const;
  /// The scope as a first value may read it, or a function that is kept among parts: without the values of the function
  /// under construction.
  ScopePtr withoutTensors(bool inPart = false) const;
  /// True for the outermost scope of a function or module: rebinding stops here.
  bool barrier = false;
  /// True for the scope of the program's own files: names of the pipeline are visible below it.
  bool program = false;
  bool seesProgram() const { return program || (parent && parent->seesProgram()); }
  /// True around the bodies of named functions and modules: what a stage defines is visible in its own text alone.
  bool outsideStage = false;
  bool seesStage() const { return !outsideStage && (!parent || parent->seesStage()); }

private:
  friend class Scopes;
  Scopes &all;
  ScopePtr parent;
  std::map<std::string, Value> names;
};

/// The scopes of a program. A name and the function that it names hold each other through the function's closure, and
/// so do a module and its parts: what still does when the program is done with goes with this.
class Scopes {
public:
  Scopes() = default;
  Scopes(const Scopes &) = delete;
  ~Scopes();
  ScopePtr outermost() { return std::make_shared<Scope>(*this); }

private:
  friend class Scope;
  llvm::simple_ilist<Scope> alive;
};

} // namespace xfer

#endif // XFER_COMPILER_ELABORATE_VALUE_H
