#include "runtime/program/LoadWeights.h"
#include "runtime/core/File.h"
#include "runtime/core/Hash.h"
#include "runtime/weights/KeyMap.h"
#include <algorithm>

namespace xfer::rt {

WeightLayout layoutOf(const Variable &variable) {
  return variable.layout == Variable::Filter   ? WeightLayout::Filter
         : variable.layout == Variable::Matrix ? WeightLayout::Matrix
                                               : WeightLayout::Plain;
}

// The key below `into`; nothing if the path is not below it.
static std::optional<std::string> keyBelow(const std::string &path, const std::string &into) {
  bool below = path.size() > into.size() && path.compare(0, into.size(), into) == 0 &&
               (path[into.size()] == '.' || path[into.size()] == '[');
  if (!below)
    return std::nullopt;
  std::string key = keyOf(std::string_view(path).substr(into.size()));
  return key[0] == '.' ? key.substr(1) : key;
}

static const std::string &nameOf(const Session &session, const LoadSpec &load) {
  return load.option == none ? load.file : session.options[load.option].text;
}

static Expected<WeightFile> openFile(const Session &session, const LoadSpec &load, const std::string &folder) {
  const std::string &name = nameOf(session, load);
  if (name.empty())
    return failure("no weight file is named{}",
                   load.option == none ? "" : "; give --" + session.manifest.options[load.option].name);
  std::string inFolder = joinPath(folder, name);
  return WeightFile::open(inFolder == name || fileExists(inFolder) ? inFolder : fileExists(name) ? name : inFolder);
}

// What a file below `into` can fill, and which variable each slot is.
static std::vector<KeySlot> slotsBelow(const Manifest &manifest, const LoadSpec &load, std::vector<size_t> &variables) {
  std::vector<std::string> added;
  for (const std::string &path : load.added)
    added.push_back(*keyBelow(load.into + (path[0] == '[' ? "" : ".") + path, load.into));
  std::vector<KeySlot> slots;
  for (size_t i = 0; i < manifest.variables.size(); ++i) {
    const Variable &variable = manifest.variables[i];
    std::optional<std::string> key = keyBelow(variable.path, load.into);
    if (!key || variable.owner != Variable::Module)
      continue;
    bool required = variable.isParameter && std::find(added.begin(), added.end(), *key) == added.end();
    slots.push_back({std::move(*key), interchangeShape(layoutOf(variable), variable.shape), required});
    variables.push_back(i);
  }
  return slots;
}

static Expected<LoadedFile> loadFile(Session &session, const LoadSpec &load, const std::string &folder) {
  Expected<WeightFile> file = openFile(session, load, folder);
  if (!file)
    return file.status();
  std::vector<size_t> variables;
  std::vector<KeySlot> slots = slotsBelow(session.manifest, load, variables);
  std::vector<KeyRule> rules;
  for (const LoadRule &rule : load.rules)
    rules.push_back({rule.key, rule.drops ? std::nullopt : std::optional<std::string>(rule.target)});
  Expected<std::vector<KeyMatch>> matches = matchKeys(*file, rules, slots, load.into);
  if (!matches)
    return matches.status();
  for (const KeyMatch &match : *matches) {
    const Variable &variable = session.manifest.variables[variables[match.slot]];
    WeightTensor tensor = file->tensors()[match.tensor];
    tensor.shape = slots[match.slot].shape; // a single number may be [] or [1]
    Status status = readTensor(tensor, variable.type, layoutOf(variable), variable.shape,
                               session.variables[variables[match.slot]].data());
    if (status.failed())
      return status.within("'" + file->name() + "'");
  }
  const Bytes &content = file->content();
  return LoadedFile{nameOf(session, load), load.into, content.size, hexOf(hashBytes(content.data, content.size))};
}

Expected<std::vector<LoadedFile>> loadWeights(Session &session, const std::string &folder) {
  std::vector<LoadedFile> files;
  for (const LoadSpec &load : session.manifest.loads) {
    Expected<LoadedFile> file = loadFile(session, load, folder);
    if (!file)
      return load.site > 0 ? file.status().within(session.describeSite(load.site)) : file.status();
    files.push_back(std::move(*file));
  }
  return files;
}

} // namespace xfer::rt
