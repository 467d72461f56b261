//===- DropUnused.cpp - arguments that no op reads ----------------------------------------------------------------===//

#include "compiler/BindingTime/Passes.h"
#include "llvm/ADT/BitVector.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace xfer::pipeline;

namespace xfer {

#define GEN_PASS_DEF_DROPUNUSED
#include "compiler/BindingTime/Passes.h.inc"

namespace {

struct DropUnused : impl::DropUnusedBase<DropUnused> {
  void runOnOperation() override {
    llvm::StringMap<llvm::StringSet<>> declared; // inputs by function
    for (ExportOp exported : getOperation().getOps<ExportOp>())
      for (auto field : exported.getInputs().getAsRange<FieldAttr>())
        declared[exported.getFunction()].insert(field.getName());
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      llvm::BitVector unused(function.getNumArguments());
      for (BlockArgument argument : function.getArguments()) {
        BindAttr bind = getArgumentBind(function, argument.getArgNumber());
        bool isInput = bind && bind.getKind() == BindKind::Input &&
                       declared.lookup(function.getSymName()).contains(bind.getName());
        if (bind && !isInput && argument.use_empty())
          unused.set(argument.getArgNumber());
      }
      if (unused.any())
        (void)function.eraseArguments(unused);
    }
  }
};

} // namespace
} // namespace xfer
