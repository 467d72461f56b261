//===- Splits.cpp - parts of a domain: by share, by group, within each class --------------------------------------===//
//
// `split train: 0.9, test: 0.1` goes by a hash of the sample's number, `by FIELD` by one of the field's value, so that
// groups stay together; `stratified(FIELD, ..)` takes its share, or its number of samples, of each value of the field.
//
//===------------------------------------------------------------------------------------------------------------===//

#include "compiler/Elaborate/Emit.h"
#include "compiler/Elaborate/Pipeline.h"

using namespace mlir;
using llvm::Twine;

namespace xfer {

bool DomainInfo::hasSplit(llvm::StringRef split) const {
  return split == "all" || llvm::is_contained(readSplits, split) ||
         llvm::any_of(splits, [&](const Split &known) { return known.name == split; });
}

/// Hiding in a split covers it, the splits made of it, and `all`.
bool DomainInfo::isHidden(llvm::StringRef field, llvm::StringRef split) const {
  for (auto &[name, where] : hidden) {
    if (name != field)
      continue;
    if (where.empty() || split == "all")
      return true;
    for (llvm::StringRef at = split; !at.empty();) {
      if (at == where)
        return true;
      llvm::StringRef parent;
      for (const Split &known : splits)
        if (known.name == at && known.of != "all")
          parent = known.of;
      at = parent;
    }
  }
  return false;
}

/// The split, what it is made of, and so on up to what was read.
static std::vector<DomainInfo::Split> chainOf(const DomainInfo &domain, std::string split) {
  std::vector<DomainInfo::Split> chain;
  for (bool again = true; again && chain.size() <= domain.splits.size();) {
    again = false;
    for (const DomainInfo::Split &known : domain.splits)
      if (known.name == split) {
        chain.push_back(known);
        split = known.of;
        again = true;
        break;
      }
  }
  chain.push_back({split, "", 0, 1, "", "", false, {}});
  return chain;
}

bool DomainInfo::overlap(llvm::StringRef a, llvm::StringRef b) const {
  std::vector<Split> chainA = chainOf(*this, a.str()), chainB = chainOf(*this, b.str());
  const std::string &rootA = chainA.back().name, &rootB = chainB.back().name;
  if (rootA != rootB && rootA != "all" && rootB != "all")
    return false;
  // Parts of one parent are taken in one order, if they are parts of the same thing.
  for (const Split &x : chainA)
    for (const Split &y : chainB)
      if (!x.of.empty() && x.of == y.of && x.by == y.by && x.within == y.within && x.counts == y.counts &&
          (x.high <= y.low || y.high <= x.low))
        return false;
  return true;
}

bool DomainInfo::isWithin(llvm::StringRef part, llvm::StringRef whole) const {
  return whole == "all" ||
         llvm::any_of(chainOf(*this, part.str()), [&](const Split &split) { return split.name == whole; });
}

//===--- declarations -------------------------------------------------------------------------------------------===//

static constexpr int64_t maxPerClass = 1 << 30;

/// A share that one more part may have; nothing after an error.
std::optional<double> Pipeline::shareOf(const dsl::Expr &expression, const ScopePtr &scope, double low) {
  Value value = evaluator.evaluate(expression, scope);
  std::optional<double> share = value.asNumber();
  if (share && *share > 0 && low + *share <= 1 + 1e-9)
    return share;
  std::string found;
  llvm::raw_string_ostream os(found);
  if (!share || *share <= 0)
    os << "a split is a share of the samples, a number above 0 and at most 1, found " << value.describe();
  else if (*share > 1)
    os << llvm::format("a split is a share of the samples: %g for %g %%, not %g", *share / 100, *share, *share);
  else
    os << llvm::format("the shares of one clause add up to at most 1; with this they would to %g", low + *share);
  if (!value.isPoison())
    error(expression.range, "bad-share", found);
  return std::nullopt;
}

/// `stratified(FIELD, share: S)` or `stratified(FIELD, per_class: N)`: sets what the part is taken within, and returns
/// its size.
std::optional<double> Pipeline::stratum(const dsl::CallExpr &call, const ScopePtr &scope, double low,
                                        DomainInfo::Split &split) {
  auto *callee = llvm::dyn_cast<dsl::NameExpr>(call.callee.get());
  auto wrong = [&](dsl::SourceRange range, const Twine &what) {
    error(range, "bad-share",
          what + "; write a share such as 0.1, 'stratified(label, share: 0.1)' or 'stratified(label, per_class: 4)'");
    return std::nullopt;
  };
  if (!callee || callee->name != "stratified")
    return wrong(call.range, "a split is a share of the samples or 'stratified'");
  auto *field = call.arguments.empty() || call.arguments.front().name
                    ? nullptr
                    : llvm::dyn_cast<dsl::NameExpr>(call.arguments.front().value.get());
  if (!field || call.arguments.size() != 2 || !call.arguments.back().name)
    return wrong(call.range, "'stratified' wants a field by its bare name, and a share or a number of samples");
  split.within = field->name;
  split.fieldRange = field->range;
  const dsl::Argument &size = call.arguments.back();
  if (size.name->text == "share")
    return shareOf(*size.value, scope, low);
  if (size.name->text != "per_class")
    return wrong(size.name->range, "'stratified' has no argument '" + size.name->text + "'");
  split.counts = true;
  std::optional<int64_t> count = evaluator.evaluateInt(*size.value, scope, 1, maxPerClass, "bad-share",
                                                       "'per_class' wants an int from 1 to " + Twine(maxPerClass));
  return count ? std::optional<double>(*count) : std::nullopt;
}

void Pipeline::declareSplit(DomainInfo &domain, const dsl::SplitItem &split, const ScopePtr &scope) {
  double low = 0;
  const DomainInfo::Split *before = nullptr;
  for (const dsl::SplitItem::Part &part : split.parts) {
    DomainInfo::Split made;
    made.name = part.name.text;
    made.of = split.parent ? split.parent->text : "all";
    made.by = split.by ? split.by->text : "";
    if (split.by)
      made.fieldRange = split.by->range;
    auto *call = llvm::dyn_cast<dsl::CallExpr>(part.value.get());
    double taken = before && before->counts ? 0 : low; // of the whole
    std::optional<double> size = call ? stratum(*call, scope, taken, made) : shareOf(*part.value, scope, taken);
    if (size && split.by && !made.within.empty()) {
      error(part.value->range, "bad-share", "a split goes by groups or is stratified, not both; leave one out");
      size.reset();
    }
    if (size && before && (before->within != made.within || before->counts != made.counts)) {
      error(part.value->range, "bad-share",
            "the parts of one clause are parts of the same thing: all shares, or all stratified alike; write this one "
            "in a clause of its own, 'of' another split if they must not overlap");
      size.reset();
    }
    if (!size) {
      for (const dsl::SplitItem::Part &broken : split.parts)
        if (!domain.hasSplit(broken.name.text))
          domain.brokenSplits.insert(broken.name.text);
      return;
    }
    made.low = low;
    made.high = made.counts ? low + *size : std::min(1.0, low + *size);
    low = made.high;
    if (!domain.hasSplit(made.of))
      error(split.parent->range, "unknown-split", "'" + made.of + "' is no split of '" + domain.name + "'");
    if (domain.hasSplit(made.name))
      error(part.name.range, "duplicate-split", "the split '" + made.name + "' is made twice");
    domain.splits.push_back(made);
    before = &domain.splits.back();
  }
}

/// The fields that splits go by, once all fields and what is hidden are known.
void Pipeline::checkSplits(const DomainInfo &domain) {
  std::set<std::string> seen;
  for (const DomainInfo::Split &split : domain.splits) {
    bool stratified = !split.within.empty();
    const std::string &name = stratified ? split.within : split.by;
    if (name.empty() || domain.brokenFields.count(name) || !seen.insert(split.of + "." + name).second)
      continue;
    const DomainInfo::Field *field = domain.find(name);
    if (!field)
      suggestField(domain, name, domain.name, split.fieldRange);
    else if (field->isText() ||
             (stratified && !(llvm::isa<IntegerType>(field->type.getElementType()) && field->type.getRank() == 0)))
      error(split.fieldRange, "bad-share",
            stratified
                ? "a split is stratified by a class or an int a sample; '" + name + "' is " +
                      (field->isText() ? "text"
                                       : describeShape(field->type) + (field->type.getRank() == 0 ? " of floats" : ""))
                : "a split does not go by text, which '" + name + "' is; read its groups as numbers");
    else if (domain.isHidden(name, split.of))
      error(split.fieldRange, "hidden-value",
            "'" + name + "' is hidden in '" + domain.name + "." + split.of +
                "', and a split would tell training of it; split by shares, or go by a field that is not hidden");
  }
}

Attribute Pipeline::emitSplit(const DomainInfo::Split &split) {
  auto textOrNone = [&](const std::string &text) { return text.empty() ? StringAttr() : builder.getStringAttr(text); };
  return pipeline::SplitAttr::get(&context, split.name, split.of, builder.getF64FloatAttr(split.low),
                                  builder.getF64FloatAttr(split.high), textOrNone(split.by), textOrNone(split.within),
                                  split.counts);
}

} // namespace xfer
