#include "runtime/cli/DataFacts.h"
#include "runtime/core/File.h"
#include "runtime/core/Hash.h"
#include "runtime/program/JsonReader.h"
#include <set>

namespace xfer::rt {

void writeDataFacts(JsonWriter &json, const Manifest &manifest, const OpenedData &data) {
  json.key("data").beginList();
  for (size_t i = 0; i < data.domains.size(); ++i) {
    const Reader &reader = *data.domains[i].reader;
    json.beginObject().key("domain").value(manifest.domains[i].name);
    json.key("samples").value(reader.count()).key("skipped").value(reader.skipped()).key("files").beginList();
    for (const DataFile &file : reader.files()) {
      json.beginObject().key("path").value(file.path).key("bytes").value(file.bytes);
      json.key("hash").value(hexOf(file.hash())).endObject();
    }
    json.endList().endObject();
  }
  json.endList();
}

std::string skippedText(const Manifest &manifest, const OpenedData &data) {
  std::string text;
  for (size_t i = 0; i < data.domains.size(); ++i) {
    const Reader &reader = *data.domains[i].reader;
    if (reader.skipped() > 0)
      text += format("domain '{}': {} of {} samples cannot be read and are left out\n", manifest.domains[i].name,
                     reader.skipped(), reader.count() + reader.skipped());
  }
  return text;
}

namespace {
struct Known {
  std::vector<std::string> hashes; // in order
  std::map<std::string, std::string> byPath;
};
} // namespace

static std::map<std::string, Known> readFacts(const std::string &path) {
  std::map<std::string, Known> domains;
  Expected<Bytes> file = fileExists(path) ? mapFile(path) : Expected<Bytes>(failure("there is none"));
  Json facts = file ? Json::parse(file->text(), nullptr, false) : Json();
  if (!facts.is_object() || !facts.contains("data") || !facts["data"].is_array())
    return domains;
  auto textOf = [](const Json &object, const char *key) {
    return object.is_object() && object.contains(key) && object[key].is_string() ? object[key].get<std::string>() : "";
  };
  for (const Json &domain : facts["data"]) {
    Known &known = domains[textOf(domain, "domain")];
    if (!domain.is_object() || !domain.contains("files") || !domain["files"].is_array())
      continue;
    for (const Json &one : domain["files"]) {
      known.hashes.push_back(textOf(one, "hash"));
      known.byPath[textOf(one, "path")] = known.hashes.back();
    }
  }
  return domains;
}

// What of the domains that `isMeant` holds for has changed since that run.json, or nothing.
template <typename IsMeant>
static std::string changesSince(const std::string &facts, const Manifest &manifest, const OpenedData &data,
                                IsMeant isMeant) {
  const std::map<std::string, Known> before = readFacts(facts);
  constexpr size_t shown = 10;
  std::string changes;
  size_t count = 0;
  auto tell = [&](const std::string &path, const char *what) {
    if (count++ < shown)
      changes += (changes.empty() ? "'" : ", '") + path + "' " + what;
  };
  for (size_t i = 0; i < data.domains.size(); ++i) {
    auto known = before.find(manifest.domains[i].name);
    if (known == before.end() || !isMeant(manifest.domains[i].name))
      continue;
    std::vector<std::string> hashes;
    std::map<std::string, std::string> byPath;
    for (const DataFile &file : data.domains[i].reader->files()) {
      hashes.push_back(hexOf(file.hash()));
      byPath[file.path] = hashes.back();
    }
    if (hashes == known->second.hashes)
      continue;
    for (const auto &[path, hash] : known->second.byPath) {
      auto found = byPath.find(path);
      if (found == byPath.end())
        tell(path, "is gone");
      else if (found->second != hash)
        tell(path, "has another content");
    }
    for (const auto &[path, hash] : byPath)
      if (!known->second.byPath.count(path))
        tell(path, "is new");
  }
  if (count > shown)
    changes += format(" and {} more", count - shown);
  return changes;
}

Status compareDataFacts(const std::string &facts, const Manifest &manifest, const OpenedData &data) {
  std::string changes = changesSince(facts, manifest, data, [](const std::string &) { return true; });
  return changes.empty() ? Status::success()
                         : failure("the data have changed since the run was begun: {}; put them back, or start anew "
                                   "with --overwrite",
                                   changes);
}

std::map<std::string, std::string> dataHashes(const Manifest &manifest, const OpenedData &data) {
  std::map<std::string, std::string> hashes;
  for (size_t i = 0; i < data.domains.size(); ++i) {
    std::string all;
    for (const DataFile &file : data.domains[i].reader->files())
      all += hexOf(file.hash());
    if (!all.empty())
      hashes[manifest.domains[i].name] = hexOf(hashBytes(all.data(), all.size()));
  }
  return hashes;
}

std::string describeChanges(const std::map<std::string, std::string> &trained, const std::string &facts,
                            const Manifest &manifest, const OpenedData &data) {
  std::map<std::string, std::string> now = dataHashes(manifest, data);
  std::set<std::string> changed;
  for (const auto &[domain, hash] : trained)
    if (auto found = now.find(domain); found != now.end() && found->second != hash)
      changed.insert(domain);
  if (changed.empty())
    return "";
  std::string what =
      changesSince(facts, manifest, data, [&](const std::string &domain) { return changed.count(domain) > 0; });
  if (what.empty())
    for (const std::string &domain : changed)
      what += (what.empty() ? "those of domain '" : ", '") + domain + "'";
  return "the data have changed since the model was trained: " + what + "; the figures are of the data as they are now";
}

} // namespace xfer::rt
