#include "compiler/Dialect/Xfer/IR/Xfer.h"
#include "compiler/Explain/Explain.h"
#include "llvm/Support/Format.h"

using namespace mlir;

namespace xfer {

/// "episodes(label), ways 5, shots 1, queries 15, count 600".
static std::string samplerText(pipeline::SamplerAttr sampler) {
  std::string text = sampler.getKind().str();
  if (!sampler.getField().empty())
    text += " by " + sampler.getField().str();
  const std::pair<const char *, int64_t> numbers[] = {{"size", sampler.getSize()},
                                                      {"ways", sampler.getWays()},
                                                      {"shots", sampler.getShots()},
                                                      {"queries", sampler.getQueries()},
                                                      {"count", sampler.getCount()}};
  for (auto [name, number] : numbers)
    if (number)
      text += std::string(", ") + name + " " + std::to_string(number);
  return text;
}

static void explainSources(llvm::raw_ostream &os, llvm::StringRef owner, ArrayAttr sources) {
  for (auto source : sources.getAsRange<pipeline::SourceAttr>())
    if (pipeline::SamplerAttr sampler = source.getSampler())
      os << "  " << owner << ": " << source.getDomain() << "." << source.getSplit() << " as " << source.getName()
         << ", " << samplerText(sampler) << ", batches of " << source.getBatch() << "\n";
}

static void explainSweep(llvm::raw_ostream &os, pipeline::SweepOp sweep) {
  int64_t points = 1;
  std::string axes;
  for (auto axis : sweep.getAxes().getAsRange<pipeline::AxisAttr>()) {
    points *= static_cast<int64_t>(axis.getValues().size());
    axes += (axes.empty() ? "" : ", ") + axis.getOption().str() + " in [";
    for (auto [i, value] : llvm::enumerate(axis.getValues())) {
      axes += i ? ", " : "";
      llvm::raw_string_ostream text(axes);
      if (auto number = llvm::dyn_cast<FloatAttr>(value))
        text << llvm::format("%g", number.getValueAsDouble());
      else
        text << llvm::cast<IntegerAttr>(value).getInt();
    }
    axes += "]";
  }
  os << "  " << axes << ": " << points << " points, each from the model before; keeps the " << sweep.getKeep().getMode()
     << " by " << sweep.getKeep().getBy().getPass() << "\n";
}

void explainOrder(llvm::raw_ostream &os, ModuleOp program) {
  std::string samplers, sweeps;
  llvm::raw_string_ostream drawn(samplers), chosen(sweeps);
  for (auto stage : program.getOps<pipeline::StageOp>())
    explainSources(drawn, stage.getName(), stage.getSources());
  for (auto pass : program.getOps<pipeline::PassOp>())
    explainSources(drawn, pass.getName(), pass.getSources());
  program.walk([&](pipeline::SweepOp sweep) { explainSweep(chosen, sweep); });
  if (!samplers.empty())
    os << "Samplers\n" << samplers << "\n";
  if (!sweeps.empty())
    os << "Sweeps\n" << sweeps << "\n";
}

} // namespace xfer
