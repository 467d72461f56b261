//===- ChooseSchedules.cpp - the pass nn-choose-schedules -------------------------------------------------------===//

#include "compiler/Codegen/CPU/ContractionKernel.h"
#include "compiler/Codegen/CPU/Passes.h"
#include "compiler/Fusion/FormKernel.h"

using namespace mlir;

namespace xfer {
#define GEN_PASS_DEF_CHOOSESCHEDULES
#include "compiler/Codegen/CPU/Passes.h.inc"

static LogicalResult chooseSchedule(nn::KernelOp kernel, const TargetDescription &target) {
  auto found = llvm::find_if(kernel.getBody().front(), [](Operation &op) { return isContraction(&op); });
  if (found == kernel.getBody().front().end())
    return kernel.emitOpError("of the kind 'contraction' holds none");
  FailureOr<cpu::ContractionDescription> description = cpu::describeContraction(&*found);
  if (failed(description))
    return failure();
  auto plans = cpu::planContraction(kernel.getLoc(), *description, kernel.getScheduleAttr(), target);
  if (failed(plans))
    return failure();
  SmallVector<Attribute> phases;
  for (const cpu::PlannedContraction &plan : *plans)
    phases.push_back(toAttribute(plan.schedule, plan.form, kernel.getContext()));
  Builder b(kernel.getContext());
  kernel.setScheduleAttr(phases.size() == 1 ? cast<DictionaryAttr>(phases.front())
                                            : b.getDictionaryAttr(b.getNamedAttr("phases", b.getArrayAttr(phases))));
  return success();
}

namespace {
struct ChooseSchedules : impl::ChooseSchedulesBase<ChooseSchedules> {
  using ChooseSchedulesBase::ChooseSchedulesBase;

  void runOnOperation() override {
    llvm::Expected<TargetDescription> target = TargetDescription::get(targetCpu);
    if (!target) {
      emitError(getOperation()->getLoc()) << llvm::toString(target.takeError());
      return signalPassFailure();
    }
    WalkResult result = getOperation()->walk([&](nn::KernelOp kernel) {
      bool chosen = kernel.getKind() != nn::KernelKind::Contraction || succeeded(chooseSchedule(kernel, *target));
      return chosen ? WalkResult::advance() : WalkResult::interrupt();
    });
    if (result.wasInterrupted())
      signalPassFailure();
  }
};
} // namespace
} // namespace xfer
