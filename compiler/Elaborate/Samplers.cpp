//===- Samplers.cpp - by balanced, weighted, groups, pairs, episodes ----------------------------------------------===//
//
// A sampler is written as a call, and is none: its fields are names, not values, and what it draws is the runtime's
// affair (runtime/data/Samplers.h). Here it is made out, checked against the domain, and its weights become a pass.
//
//===------------------------------------------------------------------------------------------------------------===//

#include "compiler/Elaborate/Pipeline.h"

using namespace mlir;
using llvm::Twine;

namespace xfer {

static constexpr llvm::StringLiteral kindNames[] = {"balanced", "weighted", "groups", "pairs", "episodes"};
static constexpr int64_t maxSamples = 1 << 20; // of an element

llvm::StringRef SamplerInfo::kindName() const { return kindNames[kind]; }

std::vector<SamplerInfo::Part> SamplerInfo::parts() const {
  switch (kind) {
  case Groups:
    return {{"", size, true}};
  case Pairs:
    return {{"first", 1, false}, {"second", 1, false}};
  case Episodes:
    return {{"support", ways * shots, true}, {"query", ways * queries, true}};
  case Balanced:
  case Weighted:
    break;
  }
  return {};
}

int64_t SamplerInfo::samplesPerElement() const {
  int64_t samples = 0;
  for (const Part &part : parts())
    samples += part.samples;
  return std::max<int64_t>(samples, 1);
}

std::string SamplerInfo::text() const {
  std::string text = kindName().str() + "(" + (weights ? ".." : field);
  for (auto [name, number] :
       {std::pair("size", size), std::pair("ways", ways), std::pair("shots", shots), std::pair("queries", queries)})
    if (number)
      text += std::string(", ") + name + ": " + std::to_string(number);
  return text + ")" + (count ? " count " + std::to_string(count) : "");
}

std::string SourceInfo::rows() const {
  if (isInput)
    return "samples";
  return domain + "." + split + (sampler ? " by " + sampler->text() : "");
}

std::shared_ptr<const SamplerInfo> SourceInfo::forFigures() const {
  return sampler && !sampler->parts().empty() ? sampler : nullptr;
}

//===--- what is written ----------------------------------------------------------------------------------------===//

static llvm::StringRef usageOf(SamplerInfo::Kind kind) {
  switch (kind) {
  case SamplerInfo::Balanced:
    return "balanced(label)";
  case SamplerInfo::Weighted:
    return "weighted(importance), or an expression of the fields of one sample";
  case SamplerInfo::Groups:
    return "groups(user, size: 8)";
  case SamplerInfo::Pairs:
    return "pairs(label)";
  case SamplerInfo::Episodes:
    break;
  }
  return "episodes(ways: 5, shots: 1, queries: 15), with 'label: FIELD' where the label has another name";
}

std::shared_ptr<const SamplerInfo> Pipeline::makeSampler(const dsl::SourceUse &use, const ScopePtr &scope) {
  if (!use.sampler) {
    if (use.count)
      error(
          use.count->range, "count-without-sampler",
          "'count' says how many a sampler draws ('by episodes(..) count 600'); without one every sample of the split "
          "is read");
    return nullptr;
  }
  auto *call = llvm::dyn_cast<dsl::CallExpr>(use.sampler.get());
  auto *name = llvm::dyn_cast<dsl::NameExpr>(call ? call->callee.get() : use.sampler.get());
  const llvm::StringLiteral *known = name ? llvm::find(kindNames, llvm::StringRef(name->name)) : std::end(kindNames);
  if (known == std::end(kindNames)) {
    error(use.sampler->range, "unknown-sampler",
          "'by' wants a sampler: balanced, weighted, groups, pairs or episodes" +
              (name ? dsl::suggest(name->name, kindNames) : ""));
    return nullptr;
  }
  auto sampler = std::make_shared<SamplerInfo>();
  sampler->kind = static_cast<SamplerInfo::Kind>(known - std::begin(kindNames));
  sampler->range = sampler->fieldRange = use.sampler->range;
  sampler->scope = scope;
  bool ok = true;
  auto wrong = [&](dsl::SourceRange range, const Twine &what) {
    if (ok)
      error(range, "bad-sampler", what + "; write " + usageOf(sampler->kind));
    ok = false;
  };
  auto number = [&](const dsl::Expr &expression, llvm::StringRef what, int64_t most) -> int64_t {
    std::optional<int64_t> count = evaluator.evaluateInt(expression, scope, 1, most, "bad-sampler",
                                                         "'" + what + "' wants an int from 1 to " + Twine(most));
    ok &= count.has_value();
    return count.value_or(0);
  };
  auto field = [&](const dsl::Expr &expression) {
    auto *plain = llvm::dyn_cast<dsl::NameExpr>(&expression);
    sampler->fieldRange = expression.range;
    if (plain)
      sampler->field = plain->name;
    else if (sampler->kind == SamplerInfo::Weighted)
      sampler->weights = &expression;
    else
      wrong(expression.range, "a field of the domain is expected by its bare name");
  };
  using Kind = SamplerInfo::Kind;
  bool isEpisodes = sampler->kind == Kind::Episodes;
  for (auto [i, argument] : llvm::enumerate(call ? llvm::ArrayRef(call->arguments) : llvm::ArrayRef<dsl::Argument>())) {
    llvm::StringRef formal = argument.name ? llvm::StringRef(argument.name->text) : "";
    int64_t *slot = isEpisodes && formal == "ways"      ? &sampler->ways
                    : isEpisodes && formal == "shots"   ? &sampler->shots
                    : isEpisodes && formal == "queries" ? &sampler->queries
                    : sampler->kind == Kind::Groups && (formal == "size" || (formal.empty() && i == 1)) ? &sampler->size
                                                                                                        : nullptr;
    if (slot)
      *slot = number(*argument.value, formal.empty() ? "size" : formal, maxSamples);
    else if (isEpisodes ? formal == "label" : formal.empty() && i == 0)
      field(*argument.value);
    else
      wrong(argument.value->range, "'" + kindNames[sampler->kind] + "' has no such argument");
  }
  if (isEpisodes && sampler->field.empty())
    sampler->field = "label";
  if (isEpisodes                      ? !sampler->ways || !sampler->shots || !sampler->queries
      : sampler->kind == Kind::Groups ? sampler->field.empty() || !sampler->size
                                      : sampler->field.empty() && !sampler->weights)
    wrong(use.sampler->range, "'" + kindNames[sampler->kind] + "' lacks an argument");
  if (ok && sampler->samplesPerElement() > maxSamples)
    wrong(use.sampler->range, "an element of this sampler has " + Twine(sampler->samplesPerElement()) + " samples");
  if (use.count)
    sampler->count = number(*use.count, "count", INT32_MAX);
  return ok ? sampler : nullptr;
}

//===--- against the domain -------------------------------------------------------------------------------------===//

bool Pipeline::checkSampler(const SourceInfo &source) {
  if (!source.sampler)
    return true;
  const SamplerInfo &sampler = *source.sampler;
  const DomainInfo &domain = domains[source.domain];
  if (sampler.weights)
    return true; // checked where they are computed
  if (domain.brokenFields.count(sampler.field))
    return false;
  const DomainInfo::Field *field = domain.find(sampler.field);
  if (!field && sampler.kind == SamplerInfo::Episodes && sampler.fieldRange == sampler.range) {
    error(sampler.range, "unknown-field",
          "episodes go by the field 'label', which '" + source.domain +
              "' does not have; name another one, such as "
              "'label: FIELD'");
    return false;
  }
  if (!field) {
    suggestField(domain, sampler.field, domain.name, sampler.fieldRange);
    return false;
  }
  if (domain.isHidden(sampler.field, source.split)) {
    error(sampler.fieldRange, "hidden-value",
          "'" + sampler.field + "' is hidden in '" + source.domain + "." + source.split +
              "', and a sampler would tell training of it; draw from a split where it is not");
    return false;
  }
  if (sampler.kind == SamplerInfo::Weighted)
    return true;
  bool isInteger = llvm::isa<IntegerType>(field->type.getElementType()) && field->type.getRank() == 0;
  if (!isInteger) {
    error(sampler.fieldRange, "bad-sampler",
          "'" + sampler.kindName() + "' goes by a class or an int a sample; '" + sampler.field + "' is " +
              describeShape(field->type) + (field->type.getRank() == 0 ? " of floats" : ""));
    return false;
  }
  for (const Clause &map : domain.maps)
    for (const dsl::Slot &target : llvm::cast<dsl::MappingItem>(*map.item).targets)
      if (target.base.text == sampler.field) {
        error(sampler.fieldRange, "bad-sampler",
              "'" + sampler.field +
                  "' is changed by 'map', and a sampler goes by what the reader delivers; leave it as "
                  "it is and map where it is used");
        return false;
      }
  return true;
}

//===--- weights ------------------------------------------------------------------------------------------------===//

/// The pass that computes the weight of every sample of the source's split; made at its first use.
std::optional<std::string> Pipeline::weightsPass(const SourceInfo &source) {
  const SamplerInfo &sampler = *source.sampler;
  std::pair<const SamplerInfo *, std::string> key{&sampler, source.domain + "." + source.split};
  if (auto known = weightPasses.find(key); known != weightPasses.end())
    return known->second;
  PassRequest request;
  request.name = "weights." + source.domain + "." + source.split + "." + std::to_string(weightPasses.size());
  request.range = sampler.fieldRange;
  SourceInfo plain = source;
  plain.sampler = nullptr;
  plain.batch = 256;
  request.sources = {plain};
  bool built = buildPass(request, [&](BuildContext &) {
    const DomainInfo &domain = domains[source.domain];
    std::vector<std::pair<std::string, Tensor>> fields;
    for (const DomainInfo::Field &field : domain.fields)
      if (Value value = sourceField(plain, field.name, request.range); value.tensor())
        fields.push_back({field.name, *value.tensor()});
    std::vector<Tensor> weights;
    auto body = [&](const ScopePtr &sample) -> std::optional<std::vector<Tensor>> {
      Value value = sampler.weights ? evaluator.evaluate(*sampler.weights, sample)
                                    : evaluator.lookup(sampler.field, sampler.fieldRange, sample);
      std::optional<Tensor> weight = evaluator.toTensor(value, sampler.fieldRange);
      if (!weight)
        return std::nullopt;
      if (weight->rank() != 0) {
        error(sampler.fieldRange, "bad-sampler", "a weight is one number a sample, found " + value.describe());
        return std::nullopt;
      }
      return std::vector<Tensor>{evaluator.convert(*weight, builder.getF32Type(), sampler.fieldRange)};
    };
    if (!perSample(fields, {}, Dim{}, sampler.scope, request.range, body, weights))
      return false;
    if (nn::Meaning::of(weights.front().value.getType()).hidden) {
      error(sampler.fieldRange, "hidden-value",
            "these weights are made of a value that is hidden in '" + key.second +
                "', and a sampler would tell training of it");
      return false;
    }
    // A resumed run computes the weights again: they may not depend on what training changes.
    bool isFixed = llvm::all_of(evaluator.function().kindsRead(), [](pipeline::BindKind kind) {
      return kind == pipeline::BindKind::Batch || kind == pipeline::BindKind::Option;
    });
    if (!isFixed)
      error(sampler.fieldRange, "bad-sampler",
            "a weight is made of the sample's fields, constants and options, not of models, states or counters");
    evaluator.function().result(pipeline::BindKind::Whole, request.name + ".weights", weights.front().value);
    return isFixed;
  });
  if (!built)
    return std::nullopt;
  if (!discovering)
    weightPasses[key] = request.name;
  return request.name;
}

/// To find the mistakes in them.
void Pipeline::discoverWeights(llvm::ArrayRef<SourceInfo> sources) {
  for (const SourceInfo &source : sources)
    if (source.sampler && source.sampler->kind == SamplerInfo::Weighted)
      weightsPass(source);
}

pipeline::SamplerAttr Pipeline::samplerAttribute(const SourceInfo &source) {
  if (!source.sampler)
    return nullptr;
  const SamplerInfo &sampler = *source.sampler;
  pipeline::FigureAttr weights;
  if (sampler.kind == SamplerInfo::Weighted)
    if (std::optional<std::string> pass = weightsPass(source))
      weights = pipeline::FigureAttr::get(&context, *pass, *pass + ".weights");
  return pipeline::SamplerAttr::get(
      &context, sampler.kindName(), sampler.kind == SamplerInfo::Weighted ? "" : sampler.field, sampler.size,
      sampler.ways, sampler.shots, sampler.queries, sampler.count, text(source.rows()), weights);
}

} // namespace xfer
