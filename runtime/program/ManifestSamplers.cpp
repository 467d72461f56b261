// Samplers of sources: what they draw by, and that bindings fit what their elements are made of.
#include "runtime/program/ManifestReader.h"
#include <algorithm>

namespace xfer::rt {

static constexpr int64_t maxSamples = int64_t(1) << 20; // of one element

// Functions name these symbols and are read before the passes whose samplers declare them.
void ManifestReader::findDrawnSymbols(const Json &json) {
  static const Json nothing;
  auto at = [](const Json &object, const char *key) -> const Json & {
    return object.is_object() && object.count(key) ? object[key] : nothing;
  };
  for (const Json &pass : at(json, "passes"))
    for (const Json &source : at(pass, "sources"))
      if (const Json &rows = at(at(source, "sampler"), "rows"); rows.is_string())
        drawnSymbols.insert(rows.get<std::string>());
}

void ManifestReader::readSampler(const Json &json, const std::string &place, SourceSpec &source) {
  JsonObject object(json, place, problem);
  SamplerSpec &spec = source.sampler;
  static const std::pair<const char *, SamplerSpec::Kind> kinds[] = {{"balanced", SamplerSpec::Balanced},
                                                                     {"weighted", SamplerSpec::Weighted},
                                                                     {"groups", SamplerSpec::Groups},
                                                                     {"pairs", SamplerSpec::Pairs},
                                                                     {"episodes", SamplerSpec::Episodes}};
  std::string kind = object.text("kind");
  auto known = std::find_if(std::begin(kinds), std::end(kinds), [&](const auto &entry) { return entry.first == kind; });
  if (known == std::end(kinds))
    return problem.report(object.at("kind"), "unknown sampler '" + kind + "'");
  spec.kind = known->second;
  source.rows = object.text("rows", true);
  spec.count = object.integer("count", 1, int64_t(1) << 40, true, 0);
  if (spec.kind == SamplerSpec::Groups)
    spec.size = object.integer("size", 1, maxSamples);
  if (spec.kind == SamplerSpec::Episodes) {
    spec.ways = object.integer("ways", 1, maxSamples);
    spec.shots = object.integer("shots", 1, maxSamples);
    spec.queries = object.integer("queries", 1, maxSamples);
  }
  if (spec.kind == SamplerSpec::Weighted) {
    if (const Json *weights = object.find("weights")) {
      JsonObject computed(*weights, object.at("weights"), problem);
      source.weightsPass = static_cast<int>(computed.integer("pass", 0, passes - 1));
      source.weights = computed.text("rows");
    }
    return;
  }
  spec.field = object.text("field");
  if (source.domainIndex == none)
    return;
  const std::vector<FieldSpec> &fields = manifest.domains[source.domainIndex].fields;
  auto field = std::find_if(fields.begin(), fields.end(), [&](const FieldSpec &one) { return one.name == spec.field; });
  if (field == fields.end() || !field->shape.empty() || field->type == ElementType::F32)
    problem.report(object.at("field"), "there is no field '" + spec.field + "' of one integer a sample");
}

// That what computes the weights gives one number for each sample of the split.
void ManifestReader::checkSampler(const SourceSpec &source, const std::string &place) {
  if (source.weightsPass == none)
    return;
  for (const SourceSpec &computed : manifest.passes[source.weightsPass].sources) {
    if (computed.function == none || computed.domain != source.domain || computed.split != source.split ||
        computed.sampler.kind != SamplerSpec::Plain)
      continue;
    for (const Binding &result : manifest.functions[computed.function].results)
      if (result.kind == BindKind::Whole && result.name == source.weights && result.shape.size() == 1)
        return;
  }
  problem.report(place, "the weights of source '" + source.name + "' are not computed a sample of its split");
}

} // namespace xfer::rt
