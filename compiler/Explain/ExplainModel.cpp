#include "compiler/Dialect/NN/IR/NN.h"
#include "compiler/Dialect/Xfer/IR/Xfer.h"
#include "compiler/Explain/Explain.h"
#include <map>
#include <set>

using namespace mlir;

namespace xfer {

static std::string shapeText(RankedTensorType type) {
  std::string text = "[";
  for (auto [i, extent] : llvm::enumerate(type.getShape()))
    text += (i ? ", " : "") + std::to_string(extent);
  return text + "]";
}

/// The parameters that a step function replaces.
static std::set<std::string> trainedBy(func::FuncOp step) {
  std::set<std::string> trained;
  for (unsigned i = 0; i < step.getNumResults(); ++i)
    if (auto bind = pipeline::getResultBind(step, i); bind && bind.getKind() == pipeline::BindKind::Param)
      trained.insert(bind.getName().str());
  return trained;
}

/// "adapt", "adapt from epoch 3", "adapt until epoch 2".
static std::string trainingText(pipeline::StageOp stage, ModuleOp program, llvm::StringRef path) {
  int64_t begin = 0;
  std::string text;
  for (Attribute attribute : stage.getPhases()) {
    auto phase = llvm::cast<pipeline::PhaseAttr>(attribute);
    auto step = program.lookupSymbol<func::FuncOp>(phase.getFunction());
    if (step && trainedBy(step).count(path.str())) {
      if (text.empty())
        text = stage.getName().str() + (begin ? " from epoch " + std::to_string(begin) : "");
    }
    begin = phase.getUntilEpoch();
  }
  return text;
}

/// True for a path that a rewriting put below the part that the file is loaded into.
static bool isAdded(pipeline::LoadOp load, llvm::StringRef path) {
  path = path.drop_front(load.getInto().size() + 1);
  return llvm::is_contained(load.getAdded().getAsValueRange<StringAttr>(), path);
}

static std::string loadedText(pipeline::LoadOp load) {
  if (auto file = llvm::dyn_cast<StringAttr>(load.getFile()))
    return "\"" + file.str() + "\"";
  return "the file of --" + llvm::cast<pipeline::OptionRefAttr>(load.getFile()).getName().str();
}

void explainModel(llvm::raw_ostream &os, ModuleOp program) {
  struct Row {
    std::string path, shape, count, initial, training;
  };
  std::vector<Row> rows;
  int64_t total = 0, trainable = 0;
  for (auto parameter : program.getOps<pipeline::ParameterOp>()) {
    auto type = llvm::cast<RankedTensorType>(parameter.getType());
    Row row{parameter.getName().str(), shapeText(type), std::to_string(type.getNumElements()),
            parameter.getInitial() ? parameter.getInitial()->str() : "", ""};
    for (auto load : program.getOps<pipeline::LoadOp>())
      if (parameter.getName().starts_with(load.getInto().str() + ".") && !isAdded(load, parameter.getName()))
        row.initial = loadedText(load);
    for (auto stage : program.getOps<pipeline::StageOp>())
      if (std::string text = trainingText(stage, program, parameter.getName()); !text.empty())
        row.training += (row.training.empty() ? "" : ", ") + text;
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
  std::map<std::string, std::pair<unsigned, int64_t>> owners;
  for (auto state : program.getOps<pipeline::StateOp>()) {
    auto &entry = owners[state.getOwner().str()];
    entry.first++;
    entry.second += llvm::cast<RankedTensorType>(state.getType()).getNumElements();
  }
  if (owners.empty())
    return;
  os << "\nStates\n";
  for (auto &[owner, entry] : owners)
    os << "  " << entry.first << " of " << owner << ": " << entry.second << " numbers\n";
}

} // namespace xfer
