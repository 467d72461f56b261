#include "runtime/program/LoadWeights.h"
#include "runtime/core/File.h"
#include "runtime/core/Hash.h"
#include "runtime/weights/LoadPlan.h"

namespace xfer::rt {

static const std::string &nameOf(const Session &session, const LoadSpec &load) {
  return load.option == none ? load.file : session.options[load.option].text;
}

// A file that was made a part of the program. What is wrong with it happened after the build.
static Expected<WeightFile> openTaken(const Session &session, const LoadSpec &load) {
  const TakenFiles &files = session.files;
  if (load.offset + load.bytes > files.block.size)
    return failure("'{}' is no longer in {}, from which something removed it; build the program again", load.file,
                   files.place);
  Bytes content = files.block.slice(load.offset, load.bytes);
  if (hexOf(hashBytes(content.data, content.size)) != load.hash)
    return failure("'{}' in {} is damaged: its hash is wrong; copy the program again, or build it again", load.file,
                   files.place);
  return WeightFile::parse(content, load.file);
}

static Expected<WeightFile> openFile(const Session &session, const LoadSpec &load, const std::string &folder) {
  if (load.taken)
    return openTaken(session, load);
  const std::string &name = nameOf(session, load);
  if (name.empty())
    return failure("no weight file is named{}",
                   load.option == none ? "" : "; give " + session.manifest.options[load.option].flag());
  std::string inFolder = joinPath(folder, name);
  return WeightFile::open(inFolder == name || fileExists(inFolder) ? inFolder : fileExists(name) ? name : inFolder);
}

static Expected<LoadedFile> loadFile(Session &session, const LoadSpec &load, const std::string &folder) {
  Expected<WeightFile> file = openFile(session, load, folder);
  if (!file)
    return file.status();
  std::vector<LoadTarget> targets;
  std::vector<size_t> variables; // of the targets
  for (size_t i = 0; i < session.manifest.variables.size(); ++i) {
    const Variable &variable = session.manifest.variables[i];
    if (variable.owner != Variable::Module)
      continue;
    targets.push_back({variable.path, variable.type, variable.layout, variable.shape, variable.isParameter});
    variables.push_back(i);
  }
  LoadRequest request{load.into, load.keras, {}, load.added};
  for (const LoadRule &rule : load.rules)
    request.rules.push_back(
        {rule.key, rule.drops ? std::nullopt : std::optional<std::string>(rule.target), rule.transposed});
  Expected<std::vector<PlannedTensor>> plan = planLoad(*file, request, targets);
  if (!plan)
    return plan.status();
  for (const PlannedTensor &planned : *plan) {
    const LoadTarget &target = targets[planned.target];
    Status status = readTensor(planned.tensor, target.type, planned.layout, target.shape,
                               session.variables[variables[planned.target]].data());
    if (status.failed())
      return status.within("'" + file->name() + "'");
  }
  const Bytes &content = file->content();
  return LoadedFile{nameOf(session, load), load.into, content.size, hexOf(hashBytes(content.data, content.size)),
                    load.taken};
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
