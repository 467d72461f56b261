// Weight files that the program starts from.
#include "runtime/program/ManifestReader.h"
#include "runtime/weights/KeyPattern.h"
#include "xfer/rt/abi.h"

namespace xfer::rt {

// Sums of two such numbers are in range.
static constexpr int64_t largest = int64_t(1) << 60;

void ManifestReader::readLoad(const Json &json, const std::string &place) {
  JsonObject object(json, place, problem);
  LoadSpec load;
  const Json *file = object.find("file");
  if (file && file->is_object()) {
    JsonObject option(*file, object.at("file"), problem);
    load.option = findOption(option.text("option"), option.at(), OptionUse::Text);
  } else {
    load.file = object.text("file");
  }
  load.into = object.text("into");
  load.added = object.texts("added", true);
  std::string layout = object.text("layout", true);
  load.keras = layout == "keras";
  if (!layout.empty() && !load.keras)
    problem.report(object.at("layout"), "the layout '" + layout + "' is not known; 'keras' is");
  load.site = static_cast<int>(object.integer("site", 0, static_cast<int64_t>(manifest.sites.size()), true));
  if (const Json *taken = object.find("content", true)) {
    JsonObject content(*taken, object.at("content"), problem);
    load.taken = true;
    load.offset = static_cast<uint64_t>(content.integer("offset", 0, largest));
    load.bytes = static_cast<uint64_t>(content.integer("bytes", 0, largest));
    load.hash = content.text("hash");
    if (load.option != none)
      problem.report(content.at(), "a file that an option names cannot be part of the program");
    if (load.offset % XFER_ALIGNMENT != 0)
      problem.report(content.at("offset"), "a multiple of " + std::to_string(XFER_ALIGNMENT) + " is expected");
  }
  object.each("rules", true, [&](const Json &item, const std::string &at) {
    JsonObject description(item, at, problem);
    LoadRule rule;
    rule.key = description.text("key");
    rule.drops = description.find("to", true) == nullptr;
    rule.target = rule.drops ? "" : description.text("to");
    rule.transposed = description.boolean("transposed", false);
    if (rule.drops && rule.transposed)
      problem.report(at, "'" + rule.key + "' is dropped and cannot be transposed");
    std::optional<KeyPattern> pattern = KeyPattern::parse(rule.key);
    if (!pattern)
      problem.report(at, "the braces of '" + rule.key + "' do not pair");
    else if (!rule.drops && !pattern->fits(rule.target))
      problem.report(at, "'" + rule.target + "' has other wildcards than '" + rule.key + "'");
    load.rules.push_back(std::move(rule));
  });
  manifest.loads.push_back(std::move(load));
}

} // namespace xfer::rt
