//===- LoadFiles.cpp - the files that `load` names, while the program is built ------------------------------------===//

#include "compiler/Weights/LoadFiles.h"
#include "xfer/rt/abi.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/xxhash.h"

using namespace mlir;

namespace xfer {

/// The name of the file, unless an option has it.
static std::optional<StringRef> nameOf(pipeline::LoadOp load) {
  auto file = dyn_cast<StringAttr>(load.getFile());
  return file ? std::optional<StringRef>(file.getValue()) : std::nullopt;
}

/// Where the file may be, the first choice first. The paths are relative where the program's path is: what was found
/// from here may be something else from elsewhere.
std::vector<std::string> LoadFiles::candidates(pipeline::LoadOp load) const {
  StringRef name = *nameOf(load);
  if (llvm::sys::path::is_absolute(name))
    return {name.str()};
  std::vector<std::string> paths;
  auto add = [&](StringRef parent) {
    SmallString<128> path(parent);
    llvm::sys::path::append(path, name);
    if (!llvm::is_contained(paths, path.str()))
      paths.push_back(path.str().str());
  };
  if (!folder.empty())
    add(folder);
  if (auto place = load.getLoc()->findInstanceOf<FileLineColLoc>())
    add(llvm::sys::path::parent_path(place.getFilename().getValue()));
  add("");
  return paths;
}

/// What files may fill.
static std::vector<rt::LoadVariable> collectVariables(ModuleOp module) {
  std::vector<rt::LoadVariable> variables;
  auto add = [&](StringRef path, Type type, StringRef layout, bool isParameter) {
    auto tensor = cast<RankedTensorType>(type);
    variables.push_back({path.str(), pipeline::getElementName(tensor.getElementType()), layout.str(),
                         std::vector<int64_t>(tensor.getShape().begin(), tensor.getShape().end()), isParameter});
  };
  for (auto parameter : module.getOps<pipeline::ParameterOp>())
    add(parameter.getName(), parameter.getType(), parameter.getLayout(), true);
  for (auto state : module.getOps<pipeline::StateOp>())
    if (state.getOwner() == "module")
      add(state.getName(), state.getType(), "plain", false);
  return variables;
}

static rt::LoadClause clauseOf(pipeline::LoadOp load) {
  rt::LoadClause clause{load.getInto().str(), load.getLayout().str(), {}, {}};
  for (auto rule : load.getRules().getAsRange<pipeline::LoadRuleAttr>())
    clause.rules.push_back({rule.getKey().str(),
                            rule.getTarget() ? std::optional(rule.getTarget().str()) : std::nullopt,
                            rule.getTransposed()});
  for (StringRef path : load.getAdded().getAsValueRange<StringAttr>())
    clause.added.push_back(path.str());
  return clause;
}

void LoadFiles::check(ModuleOp module, LoadReport wrong) {
  std::vector<rt::LoadVariable> variables = collectVariables(module);
  for (auto load : module.getOps<pipeline::LoadOp>()) {
    load.removeContentAttr(); // of another build, in a program that is given as IR
    std::optional<StringRef> name = nameOf(load);
    if (!name)
      continue;
    if (name->empty()) {
      wrong(load, "the name of the weight file is empty");
      continue;
    }
    for (const std::string &path : candidates(load)) {
      lookedUp.push_back(path);
      if (!llvm::sys::fs::is_regular_file(path))
        continue;
      rt::Expected<rt::LoadContent> content = rt::checkLoad(path, clauseOf(load), variables);
      if (content) {
        pathOf[load] = path;
        contentOf.try_emplace(path, std::move(*content));
      } else {
        wrong(load, content.message());
      }
      break;
    }
  }
}

void LoadFiles::take(ModuleOp module, LoadReport missing) {
  llvm::StringMap<pipeline::ContentAttr> places;
  int64_t end = 0;
  for (auto load : module.getOps<pipeline::LoadOp>()) {
    if (!nameOf(load))
      continue;
    auto found = pathOf.find(load);
    if (found == pathOf.end()) {
      std::string lookedFor;
      for (const std::string &path : candidates(load))
        lookedFor += (lookedFor.empty() ? "'" : ", '") + path + "'";
      missing(load, ("'" + *nameOf(load) +
                     "' is not there to be checked and taken along: the program will look for it "
                     "when it runs, in its --data\nlooked for: " +
                     lookedFor + "; --data of xferc names another folder")
                        .str());
      continue;
    }
    pipeline::ContentAttr &place = places[found->second];
    if (!place) {
      const rt::LoadContent &content = contentOf.find(found->second)->second;
      StringRef bytes(reinterpret_cast<const char *>(content.data), content.size);
      std::string hash = llvm::utohexstr(llvm::xxHash64(bytes), /*LowerCase=*/true, /*Width=*/16);
      place = pipeline::ContentAttr::get(module.getContext(), end, bytes.size(), hash);
      end += static_cast<int64_t>(llvm::alignTo(bytes.size(), XFER_ALIGNMENT));
      taken.push_back(bytes);
    }
    load.setContentAttr(place);
  }
}

} // namespace xfer
