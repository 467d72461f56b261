#include "runtime/program/Outcome.h"

namespace xfer::rt {

std::vector<bool> statesRead(const Manifest &manifest) {
  std::vector<bool> read(manifest.variables.size());
  auto add = [&](int function) {
    if (function == none)
      return;
    for (const Binding &argument : manifest.functions[function].arguments)
      if ((argument.kind == BindKind::State || argument.kind == BindKind::Rows) && argument.target != none)
        read[argument.target] = true;
  };
  for (const EvaluationSpec &evaluation : manifest.evaluations) {
    const PassSpec &pass = manifest.passes[evaluation.pass];
    add(pass.function);
    for (const SourceSpec &source : pass.sources)
      add(source.function);
  }
  for (const ExportSpec &exported : manifest.exports)
    add(exported.function);
  return read;
}

std::vector<bool> readBehindStages(const Manifest &manifest) {
  std::vector<bool> read = statesRead(manifest);
  for (size_t i = 0; i < read.size(); ++i)
    read[i] = read[i] && manifest.variables[i].owner == Variable::StageState;
  return read;
}

Snapshot outcome(const Session &session, int of, int stage) {
  const Manifest &manifest = session.manifest;
  Snapshot values = session.snapshot(Session::Model | Session::ProgramStates);
  const std::string &name = manifest.stages[of].name;
  std::vector<bool> read = readBehindStages(manifest);
  for (size_t i = 0; i < read.size(); ++i) {
    const Variable &variable = manifest.variables[i];
    if (!read[i] || variable.stage != name)
      continue;
    size_t from = i;
    if (stage != none) {
      std::string path = manifest.stages[stage].name + variable.path.substr(name.size());
      for (size_t k = 0; k < manifest.variables.size(); ++k)
        if (manifest.variables[k].path == path && manifest.variables[k].bytes == variable.bytes)
          from = k;
    }
    values[i].assign(session.variables[from].as<char>(), session.variables[from].size());
  }
  return values;
}

Snapshot current(const Session &session, const std::vector<Snapshot> &snapshots) {
  Snapshot values(session.variables.size());
  for (const Snapshot &snapshot : snapshots)
    for (size_t i = 0; i < snapshot.size(); ++i)
      if (!snapshot[i].empty())
        values[i].assign(session.variables[i].as<char>(), session.variables[i].size());
  return values;
}

} // namespace xfer::rt
