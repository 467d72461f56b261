#include "compiler/Dialect/NN/IR/NN.h"
#include "compiler/Dialect/Xfer/IR/Xfer.h"
#include "compiler/Explain/Explain.h"
#include "llvm/ADT/StringMap.h"
#include <map>

using namespace mlir;

namespace xfer {

static std::string shapeText(RankedTensorType type) {
  std::string text = "[";
  for (auto [i, extent] : llvm::enumerate(type.getShape()))
    text += (i ? ", " : "") + std::to_string(extent);
  return text + "]";
}

/// By the path of a parameter that the stage trains: "adapt", "adapt from epoch 3", "adapt from step 100".
static llvm::StringMap<std::string> trainedBy(pipeline::StageOp stage, ModuleOp program) {
  llvm::StringMap<std::string> trained;
  std::string text = stage.getName().str();
  for (auto phase : stage.getPhases().getAsRange<pipeline::PhaseAttr>()) {
    if (auto step = program.lookupSymbol<func::FuncOp>(phase.getFunction()))
      for (unsigned i = 0; i < step.getNumResults(); ++i)
        if (auto bind = pipeline::getResultBind(step, i); bind && bind.getKind() == pipeline::BindKind::Param)
          trained.try_emplace(bind.getName(), text);
    text = stage.getName().str();
    if (phase.getUntilEpoch() >= 0)
      text += " from epoch " + std::to_string(phase.getUntilEpoch());
    else if (phase.getUntilStep() >= 0)
      text += " from step " + std::to_string(phase.getUntilStep());
  }
  return trained;
}

/// Does the file fill this parameter? It has nothing for what a rewriting put below the part that it is loaded into.
static bool fills(pipeline::LoadOp load, llvm::StringRef path) {
  if (!path.consume_front(load.getInto()) || !(path.starts_with("[") || path.consume_front(".")))
    return false;
  return !llvm::is_contained(load.getAdded().getAsValueRange<StringAttr>(), path);
}

static std::string loadedText(pipeline::LoadOp load) {
  std::string text;
  if (auto file = llvm::dyn_cast<StringAttr>(load.getFile()))
    text = "\"" + file.str() + "\"";
  else
    text = "the file of --" + llvm::cast<pipeline::OptionRefAttr>(load.getFile()).getName().str();
  return load.getLayout().empty() ? text : load.getLayout().str() + "(" + text + ")";
}

void explainModel(llvm::raw_ostream &os, ModuleOp program) {
  struct Row {
    std::string path, shape, count, initial, training;
  };
  std::vector<Row> rows;
  std::vector<llvm::StringMap<std::string>> training; // by stage
  for (auto stage : program.getOps<pipeline::StageOp>())
    training.push_back(trainedBy(stage, program));
  int64_t total = 0, trainable = 0;
  for (auto parameter : program.getOps<pipeline::ParameterOp>()) {
    auto type = llvm::cast<RankedTensorType>(parameter.getType());
    Row row{parameter.getName().str(), shapeText(type), std::to_string(type.getNumElements()),
            parameter.getInitial() ? parameter.getInitial()->str() : "", ""};
    for (auto load : program.getOps<pipeline::LoadOp>())
      if (fills(load, parameter.getName()))
        row.initial = loadedText(load);
    for (const llvm::StringMap<std::string> &trained : training)
      if (auto found = trained.find(parameter.getName()); found != trained.end())
        row.training += (row.training.empty() ? "" : ", ") + found->second;
    total += type.getNumElements();
    if (!row.training.empty())
      trainable += type.getNumElements();
    else
      row.training = "frozen";
    rows.push_back(row);
  }
  size_t pathWidth = 9, shapeWidth = 5, countWidth = 5, initialWidth = 7;
  for (const Row &row : rows) {
    pathWidth = std::max(pathWidth, row.path.size());
    shapeWidth = std::max(shapeWidth, row.shape.size());
    countWidth = std::max(countWidth, row.count.size());
    initialWidth = std::max(initialWidth, row.initial.size());
  }
  auto line = [&](llvm::StringRef path, llvm::StringRef shape, llvm::StringRef count, llvm::StringRef initial,
                  llvm::StringRef training) {
    auto pad = [](llvm::StringRef text, size_t width) { return std::string(width - text.size(), ' '); };
    os << "  " << path << pad(path, pathWidth) << "  " << shape << pad(shape, shapeWidth) << "  "
       << pad(count, countWidth) << count << "  " << initial << pad(initial, initialWidth) << "  " << training << "\n";
  };
  os << "Parameters\n";
  line("path", "shape", "count", "initial", "trained by");
  for (const Row &row : rows)
    line(row.path, row.shape, row.count, row.initial, row.training);
  os << "  " << total << " in all, " << trainable << " trained\n";
  struct Owned {
    unsigned states = 0;
    int64_t numbers = 0;
    std::string perSample; // "10 * size(usps.train)" of each state with a row for each sample
  };
  std::map<std::string, Owned> owners;
  for (auto state : program.getOps<pipeline::StateOp>()) {
    Owned &entry = owners[state.getOwner().str()];
    entry.states++;
    auto type = llvm::cast<RankedTensorType>(state.getType());
    if (!pipeline::isPerSample(type)) {
      entry.numbers += type.getNumElements();
      continue;
    }
    int64_t row = RankedTensorType::get(type.getShape().drop_front(), type.getElementType()).getNumElements();
    entry.perSample +=
        " + " + (row == 1 ? "" : std::to_string(row) + " * ") + "size(" + nn::extentsOf(type).front().symbol + ")";
  }
  if (owners.empty())
    return;
  os << "\nStates\n";
  for (auto &[owner, entry] : owners)
    os << "  " << entry.states << " of " << owner << ": "
       << (entry.numbers == 0 && !entry.perSample.empty() ? entry.perSample.substr(3)
                                                          : std::to_string(entry.numbers) + entry.perSample)
       << " numbers\n";
}

} // namespace xfer
