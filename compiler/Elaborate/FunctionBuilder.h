//===- FunctionBuilder.h - one pure function of the program while it is made ------------------------------------===//
//
// Everything that a program computes is a function of (parameters, states, batches, keys, options, counters), written
// as a func.func of nn operations. Its arguments appear as they are first asked for, each with an `xfer.bind`
// attribute that says where it comes from; its results carry the same attribute and say where they go. A leaf
// (parameter or state) has one current SSA value: what the clause before left.
//
//===------------------------------------------------------------------------------------------------------------===//

#ifndef XFER_COMPILER_ELABORATE_FUNCTIONBUILDER_H
#define XFER_COMPILER_ELABORATE_FUNCTIONBUILDER_H

#include "compiler/Dialect/Xfer/IR/Xfer.h"
#include "compiler/Elaborate/Value.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/SetVector.h"
#include <set>
#include <tuple>

namespace xfer {

class FunctionBuilder {
public:
  /// Starts function `name` at the end of `module`.
  FunctionBuilder(mlir::ModuleOp module, llvm::StringRef name, mlir::Location location);

  /// The argument bound to (kind, name): made at the first call, the same value afterwards.
  /// `draw` numbers the batches of a step.
  /// A key's `views` are how many versions of a sample take turns; 0 is another one in each epoch.
  mlir::Value argument(pipeline::BindKind kind, llvm::StringRef name, mlir::RankedTensorType type, int64_t draw = 0,
                       int64_t views = 0);
  /// Is it an argument with something of each sample: a field, a key, a number?
  bool isSample(mlir::Value value) const;
  /// The option that a value is, as an argument; empty if it is none.
  llvm::StringRef optionOf(mlir::Value value) const;
  /// What hides a value, in words: "'usps.label', which is hidden here".
  std::string describeHidden(mlir::Value value) const;
  /// The kinds of what has been read so far.
  std::set<pipeline::BindKind> kindsRead() const;
  /// Are there more operations than any function of reason has?
  bool isTooLarge() const { return counter.count > maxOperations; }
  static constexpr uint64_t maxOperations = 1'000'000;

  /// The value that a leaf has here: its argument, or what was written last.
  Tensor read(const Leaf &leaf);
  void write(const Leaf &leaf, mlir::Value value);
  /// Of a state with a row for each sample those of the batch: `name` says of which state and source they are.
  Tensor readRows(const std::string &name, mlir::RankedTensorType type, llvm::ArrayRef<AxisId> axes, int64_t draw);
  void writeRows(const std::string &name, mlir::Value value);
  bool hasWritten(const std::string &name) const { return current.count(name) != 0; }
  /// What all leaves are here, and back to it: for a look at what other parameters would give.
  using Point = std::map<std::string, mlir::Value>;
  const Point &point() const { return current; }
  void moveTo(Point point) {
    current = std::move(point);
    ++version;
  }
  /// The leaf has this value where the function is looked at from here on; the step does not write it.
  void place(const Leaf &leaf, mlir::Value value) { current[leaf.path] = value; }
  /// Set while `watch` looks at the step: leaves are read as the batch found them.
  bool readsFound = false;
  /// Gives a leaf its first value, which those that are made after it may read.
  void initialise(const Leaf &leaf, mlir::Value value);
  /// Proposes a new value for a module's state. The first proposal of a call site counts; the proposals of several
  /// sites are merged when the function is finished, as the state's `merge` says.
  /// False: a second call site proposes and the state has no `merge`.
  /// `count` proposals may be one value: their sum, or their largest.
  bool propose(const Leaf &leaf, llvm::StringRef site, mlir::Value value, int64_t count = 1);

  /// Operations go to the end of the function's own block, out of any region.
  void moveToEnd() { builder.setInsertionPointToEnd(body); }

  void result(pipeline::BindKind kind, llvm::StringRef name, mlir::Value value);

  /// Commits the proposals, adds the written leaves to the results, ends the body and fixes the function's type.
  /// Returns nothing where the function would compute nothing; it is then erased.
  mlir::func::FuncOp finish();
  /// Removes the function: the discovery of a program builds functions only to throw them away.
  void erase();

  mlir::OpBuilder builder;
  /// Mode of acting clauses (true) or of keep, evaluate, export (false).
  bool training = false;
  /// Random draws of a function without batches take their key from here: "stepkey".
  mlir::Value stepKey();
  /// How often leaves were written so far: what a definition's memo depends on.
  unsigned version = 0;

private:
  void commitProposals();

  mlir::func::FuncOp function;
  mlir::Block *body;
  struct Bound {
    pipeline::BindKind kind;
    std::string name;
    mlir::Value value;
    int64_t draw = 0, views = 0;
  };
  struct Counter : mlir::OpBuilder::Listener {
    void notifyOperationInserted(mlir::Operation *, mlir::OpBuilder::InsertPoint) override { ++count; }
    uint64_t count = 0;
  };
  Counter counter;
  std::vector<Bound> arguments, results;
  std::map<std::tuple<pipeline::BindKind, std::string, int64_t, int64_t>, mlir::Value> argumentOf;
  std::map<std::string, mlir::Value> current;
  std::vector<const Leaf *> written;
  llvm::SetVector<std::string, std::vector<std::string>, std::set<std::string>> writtenRows;
  struct Proposals {
    const Leaf *leaf;
    std::vector<std::pair<std::string, mlir::Value>> bySite;
    int64_t count = 0; ///< of the proposals that are merged in them
  };
  llvm::MapVector<std::string, Proposals, std::map<std::string, unsigned>> proposals;
};

} // namespace xfer

#endif // XFER_COMPILER_ELABORATE_FUNCTIONBUILDER_H
