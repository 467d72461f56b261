//===- ExplainBinding.cpp - what is computed when, and what keeps the rest in the step --------------------------===//
//
// Two looks at one program. Before hoisting: the values of a function by their binding time, those that are the same
// for a sample in every epoch and where that ends, and what is known only in the step. After hoisting: the values that
// left.
//
//===------------------------------------------------------------------------------------------------------------===//

#include "compiler/BindingTime/BindingTime.h"
#include "compiler/Dialect/NN/IR/NN.h"
#include "compiler/Explain/Explain.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/Support/Path.h"
#include <numeric>

using namespace mlir;

namespace xfer {

/// The place in the program's own file: of the calls that lead to a value, the one farthest out.
static std::string placeOf(Location location) {
  std::string place;
  location->walk([&](Location inner) {
    auto file = llvm::dyn_cast<FileLineColLoc>(inner);
    if (file)
      place = (llvm::sys::path::filename(file.getFilename().getValue()) + ":" + Twine(file.getLine())).str();
    return WalkResult::advance();
  });
  return place;
}

static std::string typeText(Type type) {
  auto tensor = llvm::cast<RankedTensorType>(type);
  std::string text;
  llvm::raw_string_ostream stream(text);
  stream << tensor.getElementType() << "[";
  llvm::interleave(
      tensor.getShape(), stream, [&](int64_t extent) { extent < 0 ? stream << "?" : stream << extent; }, ", ");
  stream << "]";
  return text;
}

/// "net.trunk (6), net.head (2)": names by their first two steps, counted.
static std::string groupNames(llvm::ArrayRef<std::string> names) {
  llvm::MapVector<llvm::StringRef, unsigned> groups;
  for (llvm::StringRef name : names) {
    size_t first = name.find('.');
    size_t second = first == llvm::StringRef::npos ? first : name.find_first_of(".[", first + 1);
    ++groups[name.substr(0, second)];
  }
  std::string text;
  for (auto &[name, count] : groups)
    text += (text.empty() ? "" : ", ") + name.str() + (count > 1 ? " (" + std::to_string(count) + ")" : "");
  return text;
}

/// The arguments later than `load` that make `value` what it is.
static void lateArguments(Value value, const BindingTimes &times, llvm::SetVector<Value> &late,
                          llvm::DenseSet<Value> &seen) {
  SmallVector<Value> work{value};
  while (!work.empty()) {
    Value next = work.pop_back_val();
    if (!seen.insert(next).second || times.of(next).when <= When::Stage)
      continue;
    if (llvm::isa<BlockArgument>(next))
      late.insert(next);
    else
      work.append(next.getDefiningOp()->operand_begin(), next.getDefiningOp()->operand_end());
  }
}

/// How many versions of a sample a value has (`views k`).
static int64_t viewsOf(Value value, func::FuncOp function) {
  int64_t views = 1;
  llvm::DenseSet<Value> seen;
  SmallVector<Value> work{value};
  while (!work.empty()) {
    Value next = work.pop_back_val();
    if (!seen.insert(next).second)
      continue;
    if (Operation *op = next.getDefiningOp())
      work.append(op->operand_begin(), op->operand_end());
    else if (auto bind = pipeline::getArgumentBind(function, llvm::cast<BlockArgument>(next).getArgNumber()))
      views = std::lcm(views, std::max<int64_t>(1, bind.getViews()));
  }
  return views;
}

/// Where values of sample-time end: the last that a sample has in every epoch, and what comes into their readers.
static void explainSampleTime(llvm::raw_ostream &os, func::FuncOp function, const BindingTimes &times) {
  for (Operation &op : function.getBody().front()) {
    if (op.getNumResults() != 1 || !times.of(op.getResult(0)).isSampleTime())
      continue;
    llvm::SetVector<Value> late;
    llvm::DenseSet<Value> seen;
    for (Operation *user : op.getUsers())
      for (Value operand : user->getOperands())
        if (operand != op.getResult(0) && user->getNumResults() && !times.of(user->getResult(0)).isSampleTime())
          lateArguments(operand, times, late, seen);
    if (late.empty())
      continue;
    std::vector<std::string> names;
    for (Value argument : late)
      if (auto bind = pipeline::getArgumentBind(function, llvm::cast<BlockArgument>(argument).getArgNumber()))
        names.push_back(bind.getName().empty() ? pipeline::stringifyBindKind(bind.getKind()).str()
                                               : bind.getName().str());
    int64_t views = viewsOf(op.getResult(0), function);
    os << "    fixed for a sample" << (views > 1 ? " and view (" + std::to_string(views) + ")" : "") << ": "
       << typeText(op.getResult(0).getType()) << " (" << placeOf(op.getLoc()) << "), then it meets "
       << groupNames(names) << "\n";
  }
}

void explainBindingTimes(llvm::raw_ostream &os, ModuleOp program) {
  ProgramWrites writes(program);
  for (auto function : program.getOps<func::FuncOp>()) {
    if (writes.isEarly(function))
      continue;
    BindingTimes times(function, writes);
    std::map<std::pair<When, Over>, unsigned> counts;
    for (Operation &op : function.getBody().front())
      if (op.getNumResults())
        ++counts[{times.of(op.getResult(0)).when, times.of(op.getResult(0)).over}];
    os << "  " << function.getSymName() << "\n";
    for (auto &[time, count] : counts) {
      os << "    at " << toString(time.first);
      if (time.second != Over::Nothing)
        os << " over " << (time.second == Over::Sample ? "one sample" : "a batch");
      os << ": " << count << " values\n";
    }
    explainSampleTime(os, function, times);
    std::map<std::pair<When, pipeline::BindKind>, std::vector<std::string>> late;
    for (BlockArgument argument : function.getArguments())
      if (When when = times.of(argument).when; when > When::Stage)
        if (auto bind = pipeline::getArgumentBind(function, argument.getArgNumber()))
          late[{when, bind.getKind()}].push_back(bind.getName().str());
    for (auto &[key, names] : late) {
      std::string grouped = groupNames(names);
      os << "    not known before the " << toString(key.first) << ": " << pipeline::stringifyBindKind(key.second)
         << (grouped.empty() ? "" : " ") << grouped << "\n";
    }
  }
}

void explainHoisted(llvm::raw_ostream &os, ModuleOp program) {
  for (auto pass : program.getOps<pipeline::PassOp>()) {
    if (!pass.getAt() || *pass.getAt() == "init" || !pass.getFunction())
      continue;
    auto function = program.lookupSymbol<func::FuncOp>(*pass.getFunction());
    auto returned = llvm::cast<func::ReturnOp>(function.front().getTerminator());
    os << "  at " << *pass.getAt() << ", once for " << pass.getName().rsplit('.').first << "\n";
    for (Value value : returned.getOperands())
      os << "    " << typeText(value.getType()) << " (" << placeOf(value.getLoc()) << ")\n";
  }
}

} // namespace xfer
