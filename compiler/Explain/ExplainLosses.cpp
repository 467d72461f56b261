#include "compiler/Dialect/Xfer/IR/Xfer.h"
#include "compiler/Explain/Explain.h"

using namespace mlir;

namespace xfer {

void explainLosses(llvm::raw_ostream &os, ModuleOp program) {
  constexpr std::pair<llvm::StringLiteral, llvm::StringLiteral> lists[] = {
      {pipeline::kLossesAttr, "Losses"}, {pipeline::kClausesAttr, "Clauses"}, {pipeline::kFormulasAttr, "Formulas"}};
  for (auto stage : program.getOps<pipeline::StageOp>())
    for (auto [attribute, title] : lists) {
      auto lines = stage->getAttrOfType<ArrayAttr>(attribute);
      if (!lines || lines.empty())
        continue;
      os << title << " of " << stage.getName() << "\n";
      for (auto line : lines.getAsValueRange<StringAttr>())
        os << "  " << line << "\n";
    }
}

} // namespace xfer
