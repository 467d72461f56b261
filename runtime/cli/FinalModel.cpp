#include "runtime/cli/FinalModel.h"
#include <algorithm>
#include <set>

namespace xfer::rt {

namespace {

// Parameters and states, as places in the manifest's list.
class Variables {
public:
  using Bindings = std::vector<Binding> FunctionSpec::*;
  explicit Variables(const Manifest &manifest) : manifest(manifest) {}

  void add(int function, Bindings bindings) {
    if (function != none)
      for (const Binding &binding : manifest.functions[static_cast<size_t>(function)].*bindings)
        if (binding.kind == BindKind::Param || binding.kind == BindKind::State || binding.kind == BindKind::Rows)
          all.insert(binding.target);
  }
  void addPass(int pass, Bindings bindings) {
    const PassSpec &spec = manifest.passes[static_cast<size_t>(pass)];
    add(spec.function, bindings);
    for (const SourceSpec &source : spec.sources)
      add(source.function, bindings);
  }
  bool meet(const Variables &other) const {
    return std::any_of(all.begin(), all.end(), [&](int variable) { return other.all.count(variable) != 0; });
  }

private:
  const Manifest &manifest;
  std::set<int> all;
};

} // namespace

static Variables writtenBy(const Manifest &manifest, const StageSpec &stage) {
  Variables written(manifest);
  for (const PhaseSpec &phase : stage.phases)
    written.add(phase.function, &FunctionSpec::results);
  for (const std::vector<int> *passes : {&stage.init, &stage.before, &stage.after})
    for (int pass : *passes)
      written.addPass(pass, &FunctionSpec::results);
  for (const EverySpec &every : stage.every)
    written.addPass(every.pass, &FunctionSpec::results);
  return written;
}

bool judgesFinalModel(const Manifest &manifest, size_t evaluation) {
  Variables read(manifest);
  read.addPass(manifest.evaluations[evaluation].pass, &FunctionSpec::arguments);
  auto changes = [&](const OrderItem &item) {
    if (item.kind == OrderItem::Run) {
      Variables written(manifest);
      written.addPass(item.index, &FunctionSpec::results);
      return written.meet(read);
    }
    if (item.kind == OrderItem::Stage) {
      const StageSpec &stage = manifest.stages[static_cast<size_t>(item.index)];
      return stage.baselineOf == none && (stage.from != none || writtenBy(manifest, stage).meet(read));
    }
    return item.kind == OrderItem::SweepEnd;
  };
  auto last = std::find_if(manifest.order.rbegin(), manifest.order.rend(), [&](const OrderItem &item) {
    return item.kind == OrderItem::Evaluate && item.index == static_cast<int>(evaluation);
  });
  return std::none_of(manifest.order.rbegin(), last, changes);
}

} // namespace xfer::rt
