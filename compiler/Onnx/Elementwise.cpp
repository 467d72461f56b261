//===- Elementwise.cpp - operations element by element, in ONNX --------------------------------------------------===//

#include "compiler/Onnx/Translator.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace xfer::onnx {

/// Operators of the same meaning.
static StringRef sameInOnnx(Operation &op) {
  return llvm::TypeSwitch<Operation *, StringRef>(&op)
      .Case([](nn::NegOp) { return "Neg"; })
      .Case([](nn::ExpOp) { return "Exp"; })
      .Case([](nn::LogOp) { return "Log"; })
      .Case([](nn::SqrtOp) { return "Sqrt"; })
      .Case([](nn::TanhOp) { return "Tanh"; })
      .Case([](nn::ErfOp) { return "Erf"; })
      .Case([](nn::SinOp) { return "Sin"; })
      .Case([](nn::CosOp) { return "Cos"; })
      .Case([](nn::FloorOp) { return "Floor"; })
      .Case([](nn::AbsOp) { return "Abs"; })
      .Case([](nn::SignOp) { return "Sign"; })
      .Case([](nn::NotOp) { return "Not"; })
      .Case([](nn::AddOp) { return "Add"; })
      .Case([](nn::SubOp) { return "Sub"; })
      .Case([](nn::MulOp) { return "Mul"; })
      .Case([](nn::PowOp) { return "Pow"; })
      .Case([](nn::MaxOp) { return "Max"; })
      .Case([](nn::MinOp) { return "Min"; })
      .Case([](nn::AndOp) { return "And"; })
      .Case([](nn::OrOp) { return "Or"; })
      .Case([](nn::SelectOp) { return "Where"; })
      .Default([](Operation *) { return ""; });
}

static StringRef relation(nn::Predicate predicate) {
  switch (predicate) {
  case nn::Predicate::eq:
  case nn::Predicate::ne:
    return "Equal";
  case nn::Predicate::lt:
    return "Less";
  case nn::Predicate::le:
    return "LessOrEqual";
  case nn::Predicate::gt:
    return "Greater";
  case nn::Predicate::ge:
    return "GreaterOrEqual";
  }
  llvm_unreachable("all predicates are listed");
}

/// Of operands that all stretch the result stretches as they do.
void Translator::perElement(Operation &op, function_ref<std::string(ArrayRef<std::string>)> make) {
  bool stretched = llvm::all_of(op.getOperands(), [&](Value operand) { return isStretched(operand); });
  std::string name = make(llvm::map_to_vector(op.getOperands(), [&](Value operand) { return loose(operand); }));
  if (stretched)
    setLoose(op.getResult(0), name);
  else
    set(op.getResult(0), name);
}

/// Integers: rounded towards minus infinity, 0 where b is 0, by which ONNX must not divide.
std::string Translator::divide(Type element, const std::string &a, const std::string &b) {
  if (isa<FloatType>(element))
    return graph.node("Div", {a, b});
  std::string zero = graph.scalar(element, 0), isZero = graph.node("Equal", {b, zero});
  std::string safe = graph.node("Where", {isZero, graph.scalar(element, 1), b});
  std::string whole = graph.node("Div", {graph.node("Sub", {a, graph.node("Mod", {a, safe})}), safe});
  return graph.node("Where", {isZero, zero, whole});
}

/// The sign is that of b. Integers: a where b is 0.
std::string Translator::remainder(Type element, const std::string &a, const std::string &b) {
  if (isa<FloatType>(element))
    return graph.node("Sub", {a, graph.node("Mul", {graph.node("Floor", {graph.node("Div", {a, b})}), b})});
  std::string isZero = graph.node("Equal", {b, graph.scalar(element, 0)});
  std::string safe = graph.node("Where", {isZero, graph.scalar(element, 1), b});
  return graph.node("Where", {isZero, a, graph.node("Mod", {a, safe})});
}

/// False where `op` is no operation element by element.
bool Translator::elementwise(Operation &op) {
  if (isa<nn::StopGradientOp, nn::ScaleGradientOp, nn::AnnotateOp>(op)) {
    Value x = op.getOperand(0);
    isStretched(x) ? setLoose(op.getResult(0), loose(x)) : set(op.getResult(0), whole(x));
    return true;
  }
  auto elementOf = [](Value value) { return llvm::cast<RankedTensorType>(value.getType()).getElementType(); };
  if (StringRef type = sameInOnnx(op); !type.empty()) {
    perElement(op, [&](ArrayRef<std::string> operands) { return graph.node(type, operands); });
    return true;
  }
  return llvm::TypeSwitch<Operation *, bool>(&op)
      .Case([&](nn::DivOp div) {
        perElement(op, [&](auto x) { return divide(elementOf(div.getA()), x[0], x[1]); });
        return true;
      })
      .Case([&](nn::RemOp rem) {
        perElement(op, [&](auto x) { return remainder(elementOf(rem.getA()), x[0], x[1]); });
        return true;
      })
      .Case([&](nn::CompareOp compare) {
        // ONNX orders no bytes and no bools, and compares them not everywhere.
        Type element = elementOf(compare.getA()), i32 = IntegerType::get(op.getContext(), 32);
        bool isNarrow = element.isInteger(1) || element.isInteger(8);
        perElement(op, [&](ArrayRef<std::string> x) {
          std::string a = isNarrow ? cast(x[0], i32) : x[0], b = isNarrow ? cast(x[1], i32) : x[1];
          std::string result = graph.node(relation(compare.getPredicate()), {a, b});
          return compare.getPredicate() == nn::Predicate::ne ? graph.node("Not", {result}) : result;
        });
        return true;
      })
      .Case([&](nn::ConvertOp convert) {
        perElement(op, [&](auto x) { return cast(x[0], elementOf(convert.getResult())); });
        return true;
      })
      .Default([](Operation *) { return false; });
}

} // namespace xfer::onnx
