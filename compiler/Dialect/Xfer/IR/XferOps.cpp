//===- XferOps.cpp - what each op of the pipeline can check alone -----------------------------------------------===//

#include "compiler/Dialect/Xfer/IR/Xfer.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace xfer::pipeline;

static ParseResult parseWord(OpAsmParser &parser, StringAttr &word) {
  std::string text;
  if (parser.parseKeywordOrString(&text))
    return failure();
  word = parser.getBuilder().getStringAttr(text);
  return success();
}

static void printWord(OpAsmPrinter &printer, Operation *, StringAttr word) { printer.printKeywordOrString(word); }

#define GET_OP_CLASSES
#include "compiler/Dialect/Xfer/IR/XferOps.cpp.inc"

LogicalResult OptionOp::verify() {
  StringRef kind = getKind();
  Attribute value = getDefaultValue();
  bool fits = kind == "float"    ? isa<FloatAttr>(value)
              : kind == "int"    ? isa<IntegerAttr>(value) && !isa<BoolAttr>(value)
              : kind == "bool"   ? isa<BoolAttr>(value)
              : kind == "string" ? isa<StringAttr>(value)
                                 : false;
  if (!fits)
    return emitOpError("(C1) has the default ") << value << ", which is not of kind '" << kind << "'";
  return success();
}

static LogicalResult verifyStatic(Operation *op, Type type) {
  if (!cast<RankedTensorType>(type).hasStaticShape())
    return op->emitOpError("(C1) has the dynamic type ") << type;
  return success();
}

static LogicalResult verifyValue(Operation *op, Type type, std::optional<ElementsAttr> value) {
  if (value && (value->getShapedType().getShape() != cast<RankedTensorType>(type).getShape() ||
                value->getElementType() != cast<RankedTensorType>(type).getElementType()))
    return op->emitOpError("has a value of the type ") << value->getShapedType() << "; declared is " << type;
  return success();
}

LogicalResult ParameterOp::verify() {
  if (failed(verifyStatic(*this, getType())))
    return failure();
  auto rank = cast<RankedTensorType>(getType()).getRank();
  StringRef layout = getLayout();
  bool fits = layout == "plain" || (layout == "matrix" && rank == 2) || (layout == "filter" && rank >= 3 && rank <= 5);
  if (!fits)
    return emitOpError("(C2) has the layout '") << layout << "', which does not fit rank " << rank;
  return verifyValue(*this, getType(), getValue());
}

LogicalResult StateOp::verify() {
  StringRef owner = getOwner();
  bool mayHaveRows = owner != "module" && !getValue() && isPerSample(cast<RankedTensorType>(getType()));
  if (!mayHaveRows && failed(verifyStatic(*this, getType())))
    return failure();
  if (owner != "module" && owner != "program" && !(owner.starts_with("stage:") && owner.size() > 6))
    return emitOpError("(C2) has the owner '") << owner << "'; expected 'module', 'program' or 'stage:NAME'";
  return verifyValue(*this, getType(), getValue());
}

LogicalResult LoadOp::verify() {
  if (!isa<StringAttr, OptionRefAttr>(getFile()))
    return emitOpError("(C1) reads ") << getFile() << "; expected a string or an option";
  for (auto rule : getRules().getAsRange<LoadRuleAttr>()) {
    std::optional<unsigned> wildcards = countWildcards(rule.getKey());
    if (!wildcards)
      return emitOpError("(C2) has the key '") << rule.getKey() << "', whose braces do not pair";
    if (rule.getTransposed() && !rule.getTarget())
      return emitOpError("(C5) drops the key '") << rule.getKey() << "' transposed";
    StringRef target = rule.getTarget() ? rule.getTarget().getValue() : StringRef();
    unsigned uses = countUses(target);
    if (uses > 1 ? uses != *wildcards : uses > *wildcards)
      return emitOpError("(C2) maps the key '")
             << rule.getKey() << "' with " << *wildcards << " wildcards to '" << target << "' with " << uses;
  }
  if (!getLayout().empty() && getLayout() != "keras")
    return emitOpError("(C5) has the layout '") << getLayout() << "'; expected 'keras' or none";
  if (ContentAttr content = getContentAttr()) {
    if (!isa<StringAttr>(getFile()))
      return emitOpError("(C4) has the content of a file that is chosen when the program starts");
    if (content.getOffset() < 0 || content.getOffset() % 64 != 0 || content.getBytes() < 0)
      return emitOpError("(C4) has its content of ") << content.getBytes() << " bytes at " << content.getOffset();
  }
  return success();
}

LogicalResult TokenizerOp::verify() {
  if (getRule() != "words" && getRule() != "pieces" && getRule() != "characters")
    return emitOpError("(C1) has the unknown rule '") << getRule() << "'";
  if (static_cast<int64_t>(getAtMost()) < 1)
    return emitOpError("(C1) makes at most ") << getAtMost() << " tokens";
  int64_t count = getVocabulary().size();
  if (count == 0)
    return emitOpError("(C2) has an empty vocabulary");
  for (int64_t number : {static_cast<int64_t>(getFirst()), static_cast<int64_t>(getLast())})
    if (number < -1 || number >= count)
      return emitOpError("(C2) puts the token ") << number << " around a text, of " << count;
  return success();
}

LogicalResult DomainOp::verify() {
  llvm::StringSet<> fields, splits;
  for (auto field : getFields().getAsRange<FieldAttr>())
    if (!fields.insert(field.getName()).second)
      return emitOpError("(C1) has two fields '") << field.getName() << "'";
  splits.insert("all");
  for (auto read : getReads().getAsRange<ReadAttr>())
    if (!read.getSplit().empty() && !splits.insert(read.getSplit()).second)
      return emitOpError("(C1) reads the split '") << read.getSplit() << "' twice";
  for (auto split : getSplits().getAsRange<SplitAttr>()) {
    if (!splits.contains(split.getOf()))
      return emitOpError("(C2) makes the split '") << split.getName() << "' of the unknown '" << split.getOf() << "'";
    double low = split.getLow().getValueAsDouble(), high = split.getHigh().getValueAsDouble();
    if (!(0 <= low && low < high && (split.getCounts() || high <= 1)))
      return emitOpError("(C2) has the split '") << split.getName() << "' from " << low << " to " << high;
    if (split.getCounts() && !split.getWithin())
      return emitOpError("(C2) counts the samples of the split '") << split.getName() << "' of no classes";
    if (!splits.insert(split.getName()).second)
      return emitOpError("(C1) has two splits '") << split.getName() << "'";
  }
  for (auto hidden : getHidden().getAsRange<HiddenAttr>()) {
    if (!fields.contains(hidden.getField()))
      return emitOpError("(C3) hides '") << hidden.getField() << "', which is not a field";
    if (!hidden.getSplit().empty() && !splits.contains(hidden.getSplit()))
      return emitOpError("(C3) hides '") << hidden.getField() << "' in the unknown split '" << hidden.getSplit() << "'";
  }
  return success();
}

LogicalResult SiteOp::verify() {
  if (static_cast<int64_t>(getNumber()) < 1)
    return emitOpError("(C1) has the number ") << static_cast<int64_t>(getNumber()) << "; sites count from 1";
  return success();
}

static LogicalResult verifySources(Operation *op, ArrayAttr sources) {
  llvm::StringSet<> names;
  for (auto source : sources.getAsRange<SourceAttr>()) {
    if (!names.insert(source.getName()).second)
      return op->emitOpError("(C1) has two sources '") << source.getName() << "'";
    if (source.getBatch() < 1)
      return op->emitOpError("(C1) draws batches of ") << source.getBatch() << " from '" << source.getName() << "'";
  }
  return success();
}

LogicalResult PassOp::verify() {
  if (failed(verifySources(*this, getSources())))
    return failure();
  bool hasRows = llvm::any_of(getSources().getAsRange<SourceAttr>(), [](SourceAttr s) { return bool(s.getRows()); });
  if (!getFunction() && !hasRows)
    return emitOpError("(C2) has neither a function nor a source with rows");
  if (std::optional<StringRef> at = getAt())
    if (*at != "launch" && *at != "init" && *at != "load")
      return emitOpError("(C3) runs at '") << *at << "'; expected 'launch', 'init' or 'load'";
  return success();
}

LogicalResult StageOp::verify() {
  if (failed(verifySources(*this, getSources())))
    return failure();
  if (getPhases().empty())
    return emitOpError("(C2) has no phase");
  for (auto [index, phase] : llvm::enumerate(getPhases().getAsRange<PhaseAttr>())) {
    bool last = index + 1 == getPhases().size();
    bool endless = phase.getUntilEpoch() == -1 && phase.getUntilStep() == -1;
    if (last != endless || phase.getUntilEpoch() < -1 || phase.getUntilStep() < -1)
      return emitOpError("(C2) has a phase ")
             << phase.getFunction() << (last ? " with an end" : " without an end") << "; only the last has none";
  }
  if (bool(getEpochs()) == bool(getSteps()))
    return emitOpError("(C3) wants one of epochs and steps");
  Attribute length = getEpochs() ? *getEpochs() : *getSteps();
  auto number = dyn_cast<IntegerAttr>(length);
  if (!isa<OptionRefAttr, FigureAttr>(length) && !(number && number.getInt() >= 1))
    return emitOpError("(C3) has the length ") << length << "; expected a positive integer, an option or a figure";
  for (auto periodic : getPeriodic().getAsRange<PeriodicAttr>())
    if (periodic.getEvery() < 1 || (periodic.getUnit() != "steps" && periodic.getUnit() != "epochs"))
      return emitOpError("runs '") << periodic.getPass() << "' every " << periodic.getEvery() << " '"
                                   << periodic.getUnit() << "'";
  if (KeepAttr keep = getKeepAttr()) {
    bool best = keep.getMode() == "best" || keep.getMode() == "least";
    if ((!best && keep.getMode() != "last") || best != bool(keep.getBy()))
      return emitOpError("(C4) keeps '") << keep.getMode() << "'; expected last, or best or least by a figure";
  }
  return success();
}

LogicalResult BaselineOp::verify() { return success(); }

LogicalResult EvaluationOp::verify() {
  for (auto report : getReports().getAsRange<ReportAttr>())
    if (report.getKind() != "value" && report.getKind() != "gain" && report.getKind() != "rows")
      return emitOpError("(C2) reports a '") << report.getKind() << "'; expected 'value', 'gain' or 'rows'";
  return success();
}

LogicalResult ExportOp::verify() {
  if (static_cast<int64_t>(getBatch()) < 1)
    return emitOpError("(C1) has the batch ") << static_cast<int64_t>(getBatch());
  return success();
}

LogicalResult SweepOp::verify() {
  bool hasValues = llvm::all_of(getAxes().getAsRange<AxisAttr>(), [](AxisAttr axis) {
    return !axis.getValues().empty() &&
           llvm::all_of(axis.getValues(), [](Attribute value) { return isa<FloatAttr, IntegerAttr>(value); });
  });
  if (getAxes().empty() || !hasValues)
    return emitOpError("(C1) has an axis without numbers");
  if ((getKeep().getMode() != "best" && getKeep().getMode() != "least") || !getKeep().getBy())
    return emitOpError("(C2) does not say by what the best point is kept");
  return success();
}

LogicalResult RunOp::verify() {
  if (getKind() != "stage" && getKind() != "pass" && getKind() != "evaluation")
    return emitOpError("runs a '") << getKind() << "'; expected 'stage', 'pass' or 'evaluation'";
  return success();
}
