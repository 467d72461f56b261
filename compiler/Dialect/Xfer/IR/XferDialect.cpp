//===- XferDialect.cpp - the pipeline dialect -------------------------------------------------------------------===//

#include "compiler/Dialect/Xfer/IR/Xfer.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace xfer::pipeline;

#include "compiler/Dialect/Xfer/IR/XferDialect.cpp.inc"

#include "compiler/Dialect/Xfer/IR/XferEnums.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "compiler/Dialect/Xfer/IR/XferAttributes.cpp.inc"

void XferDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "compiler/Dialect/Xfer/IR/XferAttributes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "compiler/Dialect/Xfer/IR/XferOps.cpp.inc"
      >();
}

LogicalResult XferDialect::verifyOperationAttribute(Operation *op, NamedAttribute attribute) {
  // What a stage minimises, as its text has it, and who does: for the reader of `explain`, and for nobody else.
  if (llvm::is_contained({kFormulasAttr, kLossesAttr, kClausesAttr}, attribute.getName().getValue())) {
    auto lines = dyn_cast<ArrayAttr>(attribute.getValue());
    if (!isa<StageOp>(op) || !lines || !llvm::all_of(lines, llvm::IsaPred<StringAttr>))
      return op->emitOpError("carries '")
             << attribute.getName().getValue() << "', which is a list of strings on a stage";
    return success();
  }
  if (attribute.getName() != kProgramAttr)
    return op->emitOpError("has the unknown attribute '") << attribute.getName().getValue() << "'";
  auto module = dyn_cast<ModuleOp>(op);
  if (!module || !isa<StringAttr>(attribute.getValue()))
    return op->emitOpError("carries 'xfer.program', which is a string on a module");
  return verifyProgram(module);
}

static LogicalResult verifyBind(Operation *op, NamedAttribute attribute) {
  if (attribute.getName() != kBindAttr)
    return op->emitOpError("has the unknown attribute '") << attribute.getName().getValue() << "'";
  if (!isa<BindAttr>(attribute.getValue()))
    return op->emitOpError("carries 'xfer.bind' with a value that is not #xfer.bind");
  return success();
}

LogicalResult XferDialect::verifyRegionArgAttribute(Operation *op, unsigned, unsigned, NamedAttribute attribute) {
  return verifyBind(op, attribute);
}

LogicalResult XferDialect::verifyRegionResultAttribute(Operation *op, unsigned, unsigned, NamedAttribute attribute) {
  return verifyBind(op, attribute);
}

namespace xfer::pipeline {

BindAttr getArgumentBind(func::FuncOp function, unsigned index) {
  return function.getArgAttrOfType<BindAttr>(index, kBindAttr);
}

BindAttr getResultBind(func::FuncOp function, unsigned index) {
  return function.getResultAttrOfType<BindAttr>(index, kBindAttr);
}

void setArgumentBind(func::FuncOp function, unsigned index, BindAttr bind) {
  function.setArgAttr(index, kBindAttr, bind);
}

void setResultBind(func::FuncOp function, unsigned index, BindAttr bind) {
  function.setResultAttr(index, StringAttr::get(function.getContext(), kBindAttr), bind);
}

StringRef getSourceName(BindAttr bind) {
  StringRef name = bind.getName();
  switch (bind.getKind()) {
  case BindKind::Batch:
  case BindKind::Column:
    name = name.rsplit('.').first;
    break;
  case BindKind::Rows:
    return name.split(kPer).second;
  case BindKind::Key:
  case BindKind::Index:
    break;
  default:
    return name;
  }
  auto [source, part] = name.rsplit('.');
  return part.contains(']') ? name : source;
}

bool isPerSample(RankedTensorType type) {
  return type.getRank() > 0 && type.isDynamicDim(0) && type.getNumDynamicDims() == 1;
}

std::string getElementName(Type element) {
  if (element.isInteger(1))
    return "bool";
  if (auto integer = dyn_cast<IntegerType>(element))
    return (integer.isUnsigned() ? "u" : "i") + std::to_string(integer.getWidth());
  return element.isBF16() ? "bf16" : "f" + std::to_string(element.getIntOrFloatBitWidth());
}

std::optional<unsigned> countWildcards(StringRef key) {
  unsigned count = 0;
  bool inside = false;
  for (char c : key) {
    if ((c == '{' && inside) || (c == '}' && !inside) || (c == '*' && inside))
      return std::nullopt;
    inside = c == '{' || (inside && c != '}');
    count += c == '*' || c == '{';
  }
  return inside || key.empty() ? std::nullopt : std::optional<unsigned>(count);
}

unsigned countUses(StringRef target) { return target.count('*') - target.count("[*]"); }

Location getMemoryLocation(StageOp stage) {
  auto fused = dyn_cast<FusedLoc>(stage.getLoc());
  return fused ? fused.getLocations().back() : stage.getLoc();
}

} // namespace xfer::pipeline
