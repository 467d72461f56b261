//===- Xfer.h - the pipeline dialect ------------------------------------------------------------------*- C++ -*-===//

#ifndef XFER_COMPILER_DIALECT_XFER_IR_XFER_H
#define XFER_COMPILER_DIALECT_XFER_IR_XFER_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/StringMap.h"

#include "compiler/Dialect/Xfer/IR/XferDialect.h.inc"

#include "compiler/Dialect/Xfer/IR/XferEnums.h.inc"

#define GET_ATTRDEF_CLASSES
#include "compiler/Dialect/Xfer/IR/XferAttributes.h.inc"

#define GET_OP_CLASSES
#include "compiler/Dialect/Xfer/IR/XferOps.h.inc"

namespace xfer::pipeline {

/// The module attribute that holds the program's name and makes the module a program.
constexpr llvm::StringLiteral kProgramAttr = "xfer.program";
/// The argument and result attribute that holds a BindAttr.
constexpr llvm::StringLiteral kBindAttr = "xfer.bind";
/// What `explain` prints of a stage, a string a line: how the clauses move each loss, what each clause moves, formulas.
constexpr llvm::StringLiteral kLossesAttr = "xfer.losses", kClausesAttr = "xfer.clauses",
                              kFormulasAttr = "xfer.formulas";

/// What argument or result `index` of `function` is bound to; null when it has no binding.
BindAttr getArgumentBind(mlir::func::FuncOp function, unsigned index);
BindAttr getResultBind(mlir::func::FuncOp function, unsigned index);
void setArgumentBind(mlir::func::FuncOp function, unsigned index, BindAttr bind);
void setResultBind(mlir::func::FuncOp function, unsigned index, BindAttr bind);

/// The source that a per-sample bind (batch, column, key, index) reads: without the field, and without the part of the
/// source's elements ("task" of "task.support.image"). A point in an index, as in "office[a.b]", separates nothing.
llvm::StringRef getSourceName(BindAttr bind);
/// Between the path of a state and the source in the name of what is bound to its rows.
constexpr llvm::StringLiteral kPer = " per ";
/// Of a state: has it a row for each sample of a split?
bool isPerSample(mlir::RankedTensorType type);

/// The manifest's name of an element type: f32, i64, u8, bool, ...
std::string getElementName(mlir::Type element);

/// The wildcards of the key of a load rule, `*` and `{a, b}`; nothing where it is empty or its braces do not pair.
std::optional<unsigned> countWildcards(llvm::StringRef key);
/// How often the target of a load rule repeats what wildcards matched: once for all of them, or once for each.
unsigned countUses(llvm::StringRef target);

/// Where the clause `memory` of a stage stands: the last part of the op's location if that is fused, else all of it.
mlir::Location getMemoryLocation(StageOp stage);

/// The ops of a program by kind and name. Built once where many names are looked up; not updated.
struct ProgramIndex {
  llvm::StringMap<OptionOp> options;
  llvm::StringMap<ParameterOp> parameters;
  llvm::StringMap<StateOp> states;
  llvm::StringMap<DomainOp> domains;
  llvm::StringMap<PassOp> passes;
  llvm::StringMap<StageOp> stages;
  llvm::StringMap<BaselineOp> baselines;
  llvm::StringMap<EvaluationOp> evaluations;
  llvm::StringMap<mlir::func::FuncOp> functions;
  int64_t sites = 0;

  /// Fails with a diagnostic at the second op of a kind that has a name in use.
  static mlir::FailureOr<ProgramIndex> build(mlir::ModuleOp module);
};

/// Checks everything that one op alone cannot: names, references and signatures. The verifier of `xfer.program`.
mlir::LogicalResult verifyProgram(mlir::ModuleOp module);

} // namespace xfer::pipeline

#endif // XFER_COMPILER_DIALECT_XFER_IR_XFER_H
