//===- Rules.h - the derivative rule of each operation ----------------------------------------------------------===//
//
// A rule takes an operation and the cotangents of its results (the derivatives of the loss with respect to them; null
// where a result does not matter) and returns the cotangents of its operands (null where there is none). It emits nn
// operations, so that rules apply to what rules have emitted. What it emits for an operand that nobody asked for is
// dead and disappears; costly rules ask `wants` first.
//
//===------------------------------------------------------------------------------------------------------------===//

#ifndef XFER_COMPILER_AUTODIFF_RULES_H
#define XFER_COMPILER_AUTODIFF_RULES_H

#include "compiler/AutoDiff/Term.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringMap.h"
#include <functional>

namespace xfer::nn {

using Cotangents = llvm::SmallVector<mlir::Value, 4>;

/// Where a rule stands: where it emits, and which operands' cotangents are asked for.
struct RuleContext {
  mlir::OpBuilder &builder;
  mlir::Location location;
  llvm::function_ref<bool(mlir::Value)> wants;
  bool keepProducts;   // of loops, for their derivatives (Backward.h)
  bool failed = false; // set where the derivative of a body failed, which has reported it

  Term term(mlir::Value value) { return {&builder, location, value}; }
  /// `cotangent`, or zeros for a result that does not matter.
  Term orZero(mlir::Value cotangent, mlir::Value result) {
    return term(cotangent ? cotangent : createFilledLike(builder, location, 0, result.getType()));
  }
};

class RuleTable {
public:
  using Rule = std::function<Cotangents(mlir::Operation *, llvm::ArrayRef<mlir::Value>, RuleContext &)>;

  /// The table of all rules.
  static const RuleTable &get();
  const Rule *find(mlir::Operation *op) const;

  /// A rule for an operation with any number of results: (Op, cotangents, context) -> cotangents.
  template <typename Op, typename Function> void addGeneral(Function function) {
    rules[Op::getOperationName()] = [function](mlir::Operation *op, llvm::ArrayRef<mlir::Value> cotangents,
                                               RuleContext &context) -> Cotangents {
      return function(llvm::cast<Op>(op), cotangents, context);
    };
  }
  /// A rule that looks at the first result's cotangent only: (Op, g, context) -> cotangents.
  template <typename Op, typename Function> void add(Function function) {
    addGeneral<Op>([function](Op op, llvm::ArrayRef<mlir::Value> cotangents, RuleContext &context) -> Cotangents {
      if (!cotangents[0])
        return Cotangents(op->getNumOperands());
      return function(op, context.term(cotangents[0]), context);
    });
  }
  /// A rule as a formula: (g, x, y) -> cotangent of x, where y is the result.
  template <typename Op, typename Formula> void addUnary(Formula formula) {
    add<Op>([formula](Op op, Term g, RuleContext &context) -> Cotangents {
      return {formula(g, context.term(op->getOperand(0)), context.term(op->getResult(0)))};
    });
  }
  /// Two formulas: (g, a, b, y) -> cotangent of a, and of b.
  template <typename Op, typename First, typename Second> void addBinary(First first, Second second) {
    add<Op>([first, second](Op op, Term g, RuleContext &context) -> Cotangents {
      Term a = context.term(op->getOperand(0)), b = context.term(op->getOperand(1)), y = context.term(op->getResult(0));
      Cotangents result(2);
      if (context.wants(a))
        result[0] = first(g, a, b, y);
      if (context.wants(b))
        result[1] = second(g, a, b, y);
      return result;
    });
  }

private:
  llvm::StringMap<Rule> rules;
};

// One function a family, in Rules/.
void addElementwiseRules(RuleTable &table);
void addStructuralRules(RuleTable &table);
void addReductionRules(RuleTable &table);
void addContractionRules(RuleTable &table);
void addLinearAlgebraRules(RuleTable &table);
void addRegionRules(RuleTable &table);

} // namespace xfer::nn

#endif // XFER_COMPILER_AUTODIFF_RULES_H
