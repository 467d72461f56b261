//===- Elementwise.cpp - derivatives of element-wise operations -------------------------------------------------===//

#include "compiler/AutoDiff/Rules.h"

using namespace mlir;
using namespace xfer::nn;

/// The share of `g` that goes to the side that wins `a predicate b`; a tie is shared evenly.
static Term shareOf(Predicate predicate, Term g, Term a, Term b) {
  Term tie = select(compare(Predicate::eq, a, b), g * 0.5, g.filled(0));
  return select(compare(predicate, a, b), g, tie);
}

static Term powerBase(Term g, Term a, Term b, Term) {
  Term slope = g * b * pow(a, b - 1);
  if (auto constant = b.value.getDefiningOp<ConstantOp>(); constant && !isFilledWith(b, 0))
    return slope;
  return select(compare(Predicate::eq, b, b.filled(0)), g.filled(0), slope); // not 0 * inf at 0 ** 0
}

static Term powerExponent(Term g, Term a, Term, Term y) {
  Term base = select(compare(Predicate::eq, a, a.filled(0)), a.filled(1), a); // not 0 * -inf at 0 ** b
  return g * y * log(base);
}

void xfer::nn::addElementwiseRules(RuleTable &table) {
  table.addUnary<NegOp>([](Term g, Term, Term) { return -g; });
  table.addUnary<ExpOp>([](Term g, Term, Term y) { return g * y; });
  table.addUnary<LogOp>([](Term g, Term x, Term) { return g / x; });
  table.addUnary<SqrtOp>([](Term g, Term, Term y) { return g * 0.5 / y; });
  table.addUnary<TanhOp>([](Term g, Term, Term y) { return g * (1 - y * y); });
  table.addUnary<ErfOp>([](Term g, Term x, Term) { return g * exp(-(x * x)) * 1.1283791670955126; }); // 2 / sqrt(pi)
  table.addUnary<SinOp>([](Term g, Term x, Term) { return g * cos(x); });
  table.addUnary<CosOp>([](Term g, Term x, Term) { return -(g * sin(x)); });
  table.addUnary<AbsOp>([](Term g, Term x, Term) { return g * sign(x); });
  table.addUnary<ConvertOp>([](Term g, Term x, Term) { return toNumbers(g, x); });
  table.addUnary<AnnotateOp>([](Term g, Term, Term) { return g; });

  table.addBinary<AddOp>([](Term g, Term, Term, Term) { return g; }, [](Term g, Term, Term, Term) { return g; });
  table.addBinary<SubOp>([](Term g, Term, Term, Term) { return g; }, [](Term g, Term, Term, Term) { return -g; });
  table.addBinary<MulOp>([](Term g, Term, Term b, Term) { return g * b; },
                         [](Term g, Term a, Term, Term) { return g * a; });
  table.addBinary<DivOp>([](Term g, Term, Term b, Term) { return g / b; },
                         [](Term g, Term, Term b, Term y) { return -(g / b * y); });
  table.addBinary<RemOp>([](Term g, Term, Term, Term) { return g; },
                         [](Term g, Term a, Term b, Term) { return -(g * floor(a / b)); });
  table.addBinary<PowOp>(powerBase, powerExponent);
  table.addBinary<MaxOp>([](Term g, Term a, Term b, Term) { return shareOf(Predicate::gt, g, a, b); },
                         [](Term g, Term a, Term b, Term) { return shareOf(Predicate::gt, g, b, a); });
  table.addBinary<MinOp>([](Term g, Term a, Term b, Term) { return shareOf(Predicate::lt, g, a, b); },
                         [](Term g, Term a, Term b, Term) { return shareOf(Predicate::lt, g, b, a); });

  table.add<SelectOp>([](SelectOp op, Term g, RuleContext &context) -> Cotangents {
    Term condition = context.term(op.getCondition()), zero = g.filled(0);
    return {Value(), select(condition, g, zero), select(condition, zero, g)};
  });
  table.add<ScaleGradientOp>([](ScaleGradientOp op, Term g, RuleContext &context) -> Cotangents {
    return {g * g.make<BroadcastOp>(op.getScale(), extentsOf(op.getType()), ArrayRef<int64_t>()), Value()};
  });
}
