//===- Roles.cpp - who minimises and who maximises what -----------------------------------------------------------===//
//
// A clause minimises an expression in which named losses stand with a sign, and moves parameters that their gradients
// reach, some of them through a reversed gradient. So a parameter minimises a loss in a clause where the sign of the
// loss in the expression and the sense of the way from the loss to the parameter agree, and maximises it where they do
// not. `minimize task - gap over net.f1` with gap = |f1(f2) - ..|: `net.f1` minimises task and maximises gap.
//
// Between the clause's expression and a loss signs count: -x, a - b, a factor below 0. Below the loss they do not, as
// whoever descends it minimises it: there only `reverse_gradient` turns the sense.
//
//===------------------------------------------------------------------------------------------------------------===//

#include "compiler/Elaborate/Roles.h"
#include "compiler/Dialect/NN/IR/NN.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/STLExtras.h"
#include <optional>

using namespace mlir;

namespace xfer {

using Senses = llvm::DenseMap<mlir::Value, unsigned>;

/// -1, 0 or 1; what is not known here counts as above 0.
static int signOf(mlir::Value value) {
  Operation *op = value.getDefiningOp();
  DenseElementsAttr constant;
  if (!op)
    return 1;
  if (matchPattern(op, m_Constant(&constant))) {
    if (!constant.isSplat() || !llvm::isa<FloatType>(constant.getElementType()))
      return 1;
    APFloat number = constant.getSplatValue<APFloat>();
    return number.isZero() ? 0 : number.isNegative() ? -1 : 1;
  }
  if (llvm::isa<nn::NegOp>(op))
    return -signOf(op->getOperand(0));
  if (llvm::isa<nn::BroadcastOp, nn::ReshapeOp, nn::ConvertOp>(op))
    return signOf(op->getOperand(0));
  if (llvm::isa<nn::MulOp, nn::DivOp>(op))
    return signOf(op->getOperand(0)) * signOf(op->getOperand(1));
  return 1;
}

static unsigned turned(unsigned sense, int sign) {
  if (sign == 0)
    return Unreached;
  if (sign > 0)
    return sense;
  return (sense & With ? unsigned(Against) : 0u) | (sense & Against ? unsigned(With) : 0u);
}

/// The sense of a way that goes on where another ends.
static unsigned joined(unsigned first, unsigned second) {
  unsigned sense = first & With ? second : 0u;
  return first & Against ? sense | turned(second, -1) : sense;
}

/// The sign with which an operand stands in the value of an operation.
static int signOfOperand(Operation *op, unsigned index) {
  if (llvm::isa<nn::NegOp>(op) || (llvm::isa<nn::SubOp>(op) && index == 1))
    return -1;
  if (llvm::isa<nn::MulOp>(op))
    return signOf(op->getOperand(1 - index));
  if (llvm::isa<nn::DivOp>(op))
    return index == 0 ? signOf(op->getOperand(1)) : -signOf(op->getOperand(0));
  return 1;
}

/// Calls `visit(source, sign)` for each value through which a gradient flows from `value`; `sign` is that of a reversed
/// gradient, and with `signs` that of the source in the value, too.
static void eachSource(mlir::Value value, bool signs, llvm::function_ref<void(mlir::Value, int)> visit) {
  if (auto argument = llvm::dyn_cast<BlockArgument>(value)) {
    Operation *around = argument.getOwner()->getParentOp();
    unsigned index = argument.getArgNumber();
    if (auto loop = llvm::dyn_cast<nn::LoopOp>(around); loop && index > 0) {
      visit(loop->getOperand(index - 1), 1);
      if (index <= loop.getCarryCount())
        visit(loop.getYieldedCarries()[index - 1], 1);
    } else if (llvm::isa<nn::EachOp>(around)) {
      visit(around->getOperand(index), 1);
    }
    return;
  }
  Operation *op = value.getDefiningOp();
  unsigned result = llvm::cast<OpResult>(value).getResultNumber();
  if (auto loop = llvm::dyn_cast<nn::LoopOp>(op)) {
    visit(loop.getYield().getValues()[result], 1);
    if (result < loop.getCarryCount())
      visit(loop.getCarries()[result], 1);
    return;
  }
  if (auto each = llvm::dyn_cast<nn::EachOp>(op))
    return visit(each.getYield().getValues()[result], 1);
  auto rule = llvm::dyn_cast<nn::NNOpInterface>(op);
  if (!rule)
    return;
  // reverse_gradient(x, scale: s) is scale_gradient by -s.
  if (auto scaled = llvm::dyn_cast<nn::ScaleGradientOp>(op))
    return visit(scaled.getX(), signOf(scaled.getScale()));
  // What a gradient is taken of lies on the way to its loss.
  if (auto gradient = llvm::dyn_cast<nn::GradientOp>(op))
    return visit(gradient.getLoss(), 1);
  for (auto [i, operand] : llvm::enumerate(op->getOperands()))
    if (rule.getDerivativeKind(i) == nn::DerivativeKind::Some)
      visit(operand, signs ? signOfOperand(op, i) : 1);
}

/// The sense in which each value that a gradient path reaches acts on `root`. `ends` are not looked behind.
static Senses sensesFrom(mlir::Value root, bool signs, llvm::function_ref<bool(mlir::Value)> ends) {
  Senses known;
  SmallVector<std::pair<mlir::Value, unsigned>> work{{root, With}};
  while (!work.empty()) {
    auto [value, sense] = work.pop_back_val();
    unsigned &before = known[value];
    if ((before & sense) == sense)
      continue;
    before |= sense;
    if (!ends(value))
      eachSource(value, signs, [&, sense = sense](mlir::Value source, int sign) {
        if (unsigned next = turned(sense, sign))
          work.push_back({source, next});
      });
  }
  return known;
}

/// The part of the model that a path belongs to: its first two steps.
static std::string partOf(llvm::StringRef path) {
  size_t first = path.find('.');
  size_t second = first == llvm::StringRef::npos ? first : path.find_first_of(".[", first + 1);
  return path.substr(0, second).str();
}

static void append(std::string &list, const llvm::Twine &one) {
  if (!list.empty())
    list += ", ";
  list += one.str();
}

ClauseRole roleOf(llvm::StringRef text, llvm::ArrayRef<std::pair<std::string, mlir::Value>> losses,
                  llvm::ArrayRef<MovedLeaf> moved) {
  auto isLoss = [&](mlir::Value value) { return llvm::is_contained(llvm::make_second_range(losses), value); };
  auto nothing = [](mlir::Value) { return false; };
  /// From an objective: to the losses that it names first, to all of them, and past all of them.
  struct Ways {
    Senses first, all;
  };
  llvm::DenseMap<mlir::Value, Ways> ways;
  llvm::DenseMap<mlir::Value, Senses> below;
  ClauseRole role;
  role.text = text.str();
  // By part: the sense in which each loss moves it, and under "" whether anything without a name does.
  std::map<std::string, std::map<std::string, unsigned>> named;
  for (const MovedLeaf &leaf : moved) {
    auto [known, isNew] = ways.try_emplace(leaf.objective);
    if (isNew)
      known->second = {sensesFrom(leaf.objective, /*signs=*/true, isLoss),
                       sensesFrom(leaf.objective, /*signs=*/true, nothing)};
    std::string part = partOf(leaf.path);
    role.parts.insert(part);
    for (auto &[name, value] : losses) {
      unsigned all = known->second.all.lookup(value);
      if (!all)
        continue;
      auto [reached, first] = below.try_emplace(value);
      if (first)
        reached->second = sensesFrom(value, /*signs=*/false, nothing);
      unsigned sense = reached->second.lookup(leaf.value);
      if (unsigned moves = joined(all, sense))
        role.losses[name][part] |= moves;
      if (unsigned moves = joined(known->second.first.lookup(value), sense))
        named[part][name] |= moves;
    }
    if (known->second.first.contains(leaf.value))
      named[part][""] |= With;
  }
  // Parts that the same losses move in the same sense share a line.
  llvm::MapVector<std::string, std::string, std::map<std::string, unsigned>> lines;
  for (auto &[part, by] : named) {
    std::string list;
    for (auto &[name, unused] : losses)
      if (auto found = by.find(name); found != by.end())
        append(list, (found->second == With ? "" : found->second == Against ? "-" : "+-") + name);
    if (by.count(""))
      append(list, list.empty() ? "terms without a name" : "other terms");
    append(lines[list], part);
  }
  for (auto &[list, parts] : lines)
    role.by.push_back(parts + " by " + list);
  return role;
}

std::vector<std::string> describeLosses(llvm::ArrayRef<std::string> losses, llvm::ArrayRef<ClauseRole> roles) {
  std::map<std::string, std::map<std::string, unsigned>> senses;
  std::set<std::string> moved;
  for (const ClauseRole &role : roles) {
    moved.insert(role.parts.begin(), role.parts.end());
    for (auto &[loss, parts] : role.losses)
      for (auto &[part, sense] : parts)
        senses[loss][part] |= sense;
  }
  std::vector<std::string> lines;
  for (const std::string &loss : losses) {
    std::string minimise, maximise, both, none;
    for (const std::string &part : moved) {
      auto found = senses[loss].find(part);
      unsigned sense = found == senses[loss].end() ? unsigned(Unreached) : found->second;
      append(sense == Unreached ? none : sense == With ? minimise : sense == Against ? maximise : both, part);
    }
    std::string line = loss + ":";
    llvm::StringRef separator = " ";
    auto say = [&](llvm::StringRef what, const std::string &who) {
      if (who.empty())
        return;
      line += (separator + what + " " + who).str();
      separator = "; ";
    };
    if (senses[loss].empty()) {
      line += " shown only, no clause moves anything by it";
    } else {
      say("minimised by", minimise);
      say("maximised by", maximise);
      say("minimised and maximised by", both);
      say("does not reach", none);
    }
    lines.push_back(line);
  }
  return lines;
}

} // namespace xfer
