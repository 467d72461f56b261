#include "runtime/program/Session.h"
#include <cstring>

namespace xfer::rt {

Session::Session(const xfer_program_t &program, Manifest manifest) : program(program), manifest(std::move(manifest)) {
  for (const OptionSpec &option : this->manifest.options)
    options.push_back({option.number, option.text});
}

Expected<Manifest> Session::describe(const xfer_program_t &program) {
  if (program.abi_version > XFER_ABI_VERSION)
    return failure("the program wants version {} of the runtime's interface, this runtime has {}; build it again",
                   program.abi_version, XFER_ABI_VERSION);
  return readManifest(std::string_view(program.manifest, program.manifest_size), program.function_count,
                      program.constants_size);
}

Expected<std::unique_ptr<Session>> Session::open(const xfer_program_t &program, Manifest manifest) {
  std::unique_ptr<Session> session(new Session(program, std::move(manifest)));
  for (const Variable &variable : session->manifest.variables) {
    Expected<Buffer> buffer = Buffer::allocate(variable.rows.empty() ? variable.bytes : 0, "'" + variable.path + "'");
    if (!buffer)
      return buffer.status();
    session->variables.push_back(std::move(*buffer));
  }
  for (const HoistedSpec &hoisted : session->manifest.hoisted) {
    Expected<Buffer> buffer = Buffer::allocate(hoisted.bytes, "a value computed ahead");
    if (!buffer)
      return buffer.status();
    session->hoisted.push_back(std::move(*buffer));
  }
  return session;
}

Status Session::allocateRows() {
  for (size_t i = 0; i < variables.size(); ++i) {
    const Variable &variable = manifest.variables[i];
    if (variable.rows.empty())
      continue;
    std::optional<uint64_t> bytes = bytesOfAll(static_cast<uint64_t>(extents.at(variable.rows)), variable.bytes);
    if (!bytes)
      return failure("'{}' needs more memory than a machine has: the data are too large for it", variable.path);
    Expected<Buffer> buffer = Buffer::allocate(*bytes, "'" + variable.path + "'");
    if (!buffer)
      return buffer.status();
    variables[i] = std::move(*buffer);
  }
  return Status::success();
}

Expected<xfer_buffer_t> Session::arenaOf(uint64_t bytes) {
  if (!arena.data() || arena.size() < bytes) {
    arena = Buffer();
    Expected<Buffer> larger = Buffer::allocate(bytes, "the scratch memory", /*zeroed=*/false);
    if (!larger)
      return larger.status();
    arena = std::move(*larger);
  }
  return arena.descriptor();
}

void Session::setConstants(const std::string &stage) {
  for (size_t i = 0; i < variables.size(); ++i)
    if (int64_t offset = manifest.variables[i].constant; offset != none && manifest.variables[i].stage == stage)
      std::memcpy(variables[i].data(), static_cast<const char *>(program.constants) + offset, variables[i].size());
}

Snapshot Session::snapshot(unsigned parts, const std::string &stage) const {
  Snapshot values(variables.size());
  for (size_t i = 0; i < variables.size(); ++i) {
    const Variable &variable = manifest.variables[i];
    bool taken = variable.owner == Variable::Module ? parts & Model
                 : variable.owner == Variable::ProgramState
                     ? parts & ProgramStates
                     : parts & StageStates || (!stage.empty() && variable.stage == stage);
    if (taken)
      values[i].assign(variables[i].as<char>(), variables[i].size());
  }
  return values;
}

void Session::restore(const Snapshot &values) {
  for (size_t i = 0; i < values.size() && i < variables.size(); ++i)
    if (values[i].size() == variables[i].size())
      std::memcpy(variables[i].data(), values[i].data(), values[i].size());
}

std::string Session::describeSite(int32_t site) const {
  if (site <= 0 || static_cast<size_t>(site) > manifest.sites.size())
    return "an unnamed place of the program";
  const Site &place = manifest.sites[site - 1];
  std::string text = place.file + ":" + std::to_string(place.line);
  if (place.column > 0)
    text += ":" + std::to_string(place.column);
  return place.text.empty() ? text : text + ": " + place.text;
}

} // namespace xfer::rt
