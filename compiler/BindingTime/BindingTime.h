//===- BindingTime.h - when a value can be computed, and over what ------------------------------------------------===//
//
// A product of two chains, computed component by component.
//
//   when: compile < launch (options) < load (weights and data that never change) < stage < epoch < step
//   over: nothing < one sample < a batch
//
// An op is as late as its latest operand. What is computed row by row is over a sample (RowWise.h). A value of at most
// `stage` over one sample is the same in every epoch ("sample-time"): it could be computed once a sample.
//
//===------------------------------------------------------------------------------------------------------------===//

#ifndef XFER_COMPILER_BINDINGTIME_BINDINGTIME_H
#define XFER_COMPILER_BINDINGTIME_BINDINGTIME_H

#include "compiler/BindingTime/RowWise.h"
#include "compiler/Dialect/Xfer/IR/Xfer.h"
#include "llvm/ADT/StringSet.h"

namespace xfer {

enum class When { Compile, Launch, Load, Stage, Epoch, Step };
enum class Over { Nothing, Sample, Batch };

struct BindingTime {
  When when = When::Compile;
  Over over = Over::Nothing;
  bool isSampleTime() const { return when <= When::Stage && over == Over::Sample; }
};

llvm::StringRef toString(When when);

/// What a program writes, and where: the functions of a program are run by stages and passes.
class ProgramWrites {
public:
  explicit ProgramWrites(mlir::ModuleOp module);

  /// Does anything but initialisation ever write this parameter or state?
  bool isWritten(pipeline::BindAttr bind) const { return everywhere.contains(keyOf(bind)); }
  /// Does a step of the stage that `function` is a phase of write it?
  bool isWrittenBeside(mlir::func::FuncOp function, pipeline::BindAttr bind) const;
  /// Is this function run at `launch`, `init` or `load`?
  bool isEarly(mlir::func::FuncOp function) const { return early.contains(function.getSymName()); }

private:
  static std::string keyOf(pipeline::BindAttr bind);
  llvm::StringSet<> everywhere, early;
  llvm::StringMap<llvm::StringSet<>> byFunction; // what the stage of a phase's function writes
};

/// The binding time of every value of one function.
class BindingTimes {
public:
  BindingTimes(mlir::func::FuncOp function, const ProgramWrites &writes);

  BindingTime of(mlir::Value value) const { return times.lookup(value); }
  void set(mlir::Value value, BindingTime time) { times[value] = time; }

private:
  When ofArgument(pipeline::BindAttr bind, const ProgramWrites &writes) const;

  mlir::func::FuncOp function;
  llvm::DenseMap<mlir::Value, BindingTime> times;
};

} // namespace xfer

#endif // XFER_COMPILER_BINDINGTIME_BINDINGTIME_H
