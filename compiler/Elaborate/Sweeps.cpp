//===- Sweeps.cpp - choices over grids of options -----------------------------------------------------------------===//
//
// A sweep is its body once, the values of its options, and the figure that judges. The points are the runtime's affair:
// options are known when the program runs, so that one executable serves the whole grid.
//
//===------------------------------------------------------------------------------------------------------------===//

#include "compiler/Elaborate/Builtins.h"
#include "compiler/Elaborate/Pipeline.h"

using namespace mlir;
using llvm::Twine;

namespace xfer {

/// Samples are there before any point is: an option that makes or chooses them cannot be swept.
void Pipeline::checkSweptData(const Option &option, dsl::SourceRange range) {
  auto isRead = [&](pipeline::DomainOp domain, pipeline::ReadAttr read) {
    for (NamedAttribute argument : read.getArguments()) {
      auto by = llvm::dyn_cast<pipeline::OptionRefAttr>(argument.getValue());
      if (by && by.getName() == option.name)
        return true;
      auto symbol = llvm::dyn_cast<FlatSymbolRefAttr>(argument.getValue());
      auto function = symbol ? module->lookupSymbol<func::FuncOp>(symbol.getValue()) : nullptr;
      for (unsigned i = 0; function && i < function.getNumArguments(); ++i)
        if (auto bind = pipeline::getArgumentBind(function, i);
            bind && bind.getKind() == pipeline::BindKind::Option && bind.getName() == option.name)
          return true;
    }
    return false;
  };
  for (auto domain : module->getOps<pipeline::DomainOp>())
    for (auto read : domain.getReads().getAsRange<pipeline::ReadAttr>())
      if (isRead(domain, read)) {
        error(range, "bad-sweep",
              "'" + option.name + "' decides about the samples of '" + domain.getName() +
                  "', which are read once for all points; sweep over options of training");
        return;
      }
}

/// `p in [0.1, 0.2]`; null after an error.
Attribute Pipeline::sweepAxis(const dsl::SweepItem::Axis &axis, const ScopePtr &scope) {
  auto option = llvm::find_if(optionList, [&](const Option &one) { return one.name == axis.name.text; });
  if (option == optionList.end()) {
    if (auto constant = constants.find(axis.name.text); constant != constants.end()) {
      evaluator
          .report(axis.name.range, "bad-sweep",
                  "'" + axis.name.text + "' is a 'const', fixed when the program is built; a sweep goes over options")
          .note(constant->second.item->keyword, "declare it as 'param'")
          .fixIt(constant->second.item->keyword, "param");
      return nullptr;
    }
    auto names = llvm::map_range(optionList, [](const Option &one) -> llvm::StringRef { return one.name; });
    error(axis.name.range, "bad-sweep",
          "there is no 'param " + axis.name.text + "' to sweep over" + dsl::suggest(axis.name.text, names));
    return nullptr;
  }
  if (option->kind == "string") {
    error(axis.name.range, "bad-sweep",
          "'" + option->name + "' is a string; a sweep goes over options that are numbers or bools");
    return nullptr;
  }
  checkSweptData(*option, axis.name.range);
  Value all = evaluator.evaluate(*axis.values, scope);
  if (all.isPoison())
    return nullptr;
  std::optional<std::vector<Value>> elements = evaluator.elements(all, axis.values->range);
  if (!elements)
    return nullptr;
  if (elements->empty()) {
    error(axis.values->range, "bad-sweep", "this list is empty, so the sweep has no point; give it values");
    return nullptr;
  }
  SmallVector<Attribute> values;
  auto *written = llvm::dyn_cast<dsl::ListExpr>(axis.values.get());
  for (auto [i, value] : llvm::enumerate(*elements)) {
    auto *flag = value.get<bool>();
    std::optional<int64_t> integer = value.asInteger();
    std::optional<double> number = value.asNumber();
    bool fits = option->kind == "bool"  ? flag != nullptr
                : option->kind == "int" ? !flag && integer && llvm::isInt<32>(*integer)
                                        : !flag && number;
    if (!fits) {
      if (!value.isPoison())
        evaluator.suggestConst(evaluator.report(axis.values->range, "bad-sweep",
                                                "the values of '" + option->name + "', which is " +
                                                    (option->kind == "int" ? "an " : "a ") + option->kind +
                                                    ", are of its kind and known at compile time; found " +
                                                    value.describe()),
                               value);
      return nullptr;
    }
    if (!flag)
      option->swept.push_back({*number, *runBuiltin(evaluator, "str", {value}, axis.values->range).text(),
                               written ? written->elements[i]->range : axis.values->range});
    values.push_back(option->kind == "float" ? Attribute(builder.getF64FloatAttr(*number))
                                             : Attribute(builder.getI64IntegerAttr(flag ? *flag : *integer)));
  }
  return pipeline::AxisAttr::get(&context, option->name, builder.getArrayAttr(values));
}

/// Options are held against the bounds of what they are used for when the program starts; the values of a sweep are
/// known now. The bounds are, once everything is built that uses the option.
void Pipeline::checkSweptValues() {
  auto holds = [](pipeline::BoundAttr bound, double value) {
    return llvm::all_of(bound.getLimits(), [&](NamedAttribute limit) {
      double at = llvm::cast<FloatAttr>(limit.getValue()).getValueAsDouble();
      StringRef kind = limit.getName().getValue();
      return kind == "least" ? value >= at : kind == "most" ? value <= at : kind == "above" ? value > at : value < at;
    });
  };
  for (const Option &option : optionList)
    for (const Option::Swept &swept : option.swept)
      for (auto bound : option.bounds)
        if (auto rule = llvm::cast<pipeline::BoundAttr>(bound); !holds(rule, swept.value))
          error(swept.range, "bad-sweep",
                "'" + option.name + "' would be " + swept.text + " at a point of this sweep, but " + rule.getRule());
}

/// The figure over the splits that `over` names; null after an error, and while the program is discovered.
pipeline::KeepAttr Pipeline::sweepKeep(const Acting &acting) {
  if (!acting.keep.item) {
    error(acting.item->keyword, "missing-clause", "this sweep cannot choose; it needs a 'keep best' or 'keep least'");
    return nullptr;
  }
  auto &keep = llvm::cast<dsl::KeepItem>(*acting.keep.item);
  if (!keep.value) {
    error(keep.range, "bad-sweep", "a sweep keeps the 'best' or the 'least' of its points by a figure, not the last");
    return nullptr;
  }
  if (keep.oracle) {
    error(
        keep.range, "hidden-value",
        "the choice of a sweep never reads hidden labels, so 'oracle' has no place in it; judge by what needs no such "
        "label, such as 'snd'");
    return nullptr;
  }
  PassRequest request;
  unsigned number = ++passNumbers["sweep"];
  request.name = "sweep" + (number == 1 ? std::string() : "#" + std::to_string(number)) + ".keep";
  request.range = keep.value->range;
  for (const dsl::ExprPtr &one : keep.over) {
    std::optional<Place> place = splitOf(*one, acting.keep.scope, /*stage=*/nullptr);
    if (!place)
      return nullptr;
    SourceInfo source;
    source.name = source.domain = place->name;
    source.split = place->split;
    source.range = one->range;
    request.sources.push_back(source);
  }
  bool built = buildPass(request, [&](BuildContext &build) {
    build.wantsOver = keep.over.empty();
    return figureValue(*keep.value, acting.keep.scope, FigureUse::Sweep);
  });
  if (!built || discovering)
    return nullptr;
  auto function = module->lookupSymbol<func::FuncOp>(request.name);
  for (const Acting &inner : acting.body)
    if (auto stage = stages.find(inner.name); inner.kind == Acting::Stage && stage != stages.end())
      for (const SourceInfo &source : request.sources)
        warnOfOverlap(stage->second, source, function, keep.value->range);
  return pipeline::KeepAttr::get(&context, keep.mode == dsl::KeepItem::Mode::Best ? "best" : "least",
                                 pipeline::FigureAttr::get(&context, request.name, "value"), false);
}

void Pipeline::buildSweep(Acting &acting) {
  auto &item = llvm::cast<dsl::SweepItem>(*acting.item);
  SmallVector<Attribute> axes;
  std::set<std::string> names;
  for (const dsl::SweepItem::Axis &axis : item.axes) {
    if (!names.insert(axis.name.text).second)
      error(axis.name.range, "bad-sweep", "'" + axis.name.text + "' stands twice in this sweep");
    else if (Attribute made = sweepAxis(axis, acting.scope))
      axes.push_back(made);
  }
  // A body is built after mistakes too, for those that it has itself.
  auto placeholder = pipeline::KeepAttr::get(&context, "best", pipeline::FigureAttr::get(&context, "", ""), false);
  auto sweep = pipeline::SweepOp::create(inOrder, location(item.keyword), builder.getArrayAttr(axes), placeholder);
  {
    OpBuilder::InsertionGuard guard(inOrder);
    inOrder.setInsertionPointToEnd(&sweep.getBody().emplaceBlock());
    build(acting.body);
  }
  if (pipeline::KeepAttr keep = sweepKeep(acting))
    sweep.setKeepAttr(keep);
}

} // namespace xfer
