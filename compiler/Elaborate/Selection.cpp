#include "compiler/Elaborate/Selection.h"
#include "compiler/Elaborate/Evaluator.h"
#include "llvm/ADT/StringExtras.h"

using llvm::Twine;

namespace xfer {

namespace {
/// One token of a pattern.
struct Token {
  enum Kind { Names, Index, Computed, AnyIndex, Any, Deep } kind;
  std::vector<std::string> texts; ///< names; or the text of an index
};
} // namespace

static std::vector<std::string> tokens(llvm::StringRef path) {
  std::vector<std::string> result;
  while (!path.empty()) {
    if (path.front() == '[') {
      size_t end = path.find(']');
      result.push_back(path.substr(0, end + 1).str());
      path = path.substr(end + 1);
    } else {
      size_t end = path.find_first_of(".[");
      result.push_back(path.substr(0, end).str());
      path = end == llvm::StringRef::npos ? "" : path.substr(end);
    }
    path.consume_front(".");
  }
  return result;
}

static std::optional<std::vector<Token>> pattern(Evaluator &evaluator, const dsl::Selector &selector,
                                                 const ScopePtr &scope) {
  std::vector<Token> result;
  for (const dsl::Segment &segment : selector.segments) {
    Token token{Token::Names, {}};
    for (const dsl::Name &name : segment.names)
      token.texts.push_back(name.text);
    if (segment.kind == dsl::Segment::Kind::Any)
      token.kind = Token::Any;
    if (segment.kind == dsl::Segment::Kind::Deep)
      token.kind = Token::Deep;
    result.push_back(token);
    for (const dsl::Segment::Index &index : segment.indices) {
      if (!index.value) {
        result.push_back({Token::AnyIndex, {}});
        continue;
      }
      Value value = evaluator.evaluate(*index.value, scope);
      std::optional<std::string> text = evaluator.indexText(value);
      if (!text) {
        if (!value.isPoison())
          evaluator.error(index.range, "bad-index",
                          "an index in a selector is a string or an int, found " + value.describe());
        return std::nullopt;
      }
      result.push_back({value.text() ? Token::Computed : Token::Index, {*text}});
    }
  }
  return result;
}

static bool isIndex(llvm::StringRef token) { return token.starts_with("["); }

/// Matches all of `path`.
static bool match(llvm::ArrayRef<Token> pattern, llvm::ArrayRef<std::string> path) {
  if (pattern.empty())
    return path.empty();
  const Token &token = pattern.front();
  if (token.kind == Token::Deep) {
    for (size_t skip = 0; skip <= path.size(); ++skip)
      if (match(pattern.drop_front(), path.drop_front(skip)))
        return true;
    return false;
  }
  if (path.empty())
    return false;
  llvm::StringRef first = path.front();
  switch (token.kind) {
  case Token::Names:
    return llvm::is_contained(token.texts, first) && match(pattern.drop_front(), path.drop_front());
  case Token::Index:
    return first == "[" + token.texts[0] + "]" && match(pattern.drop_front(), path.drop_front());
  case Token::Computed:
    return (first == token.texts[0] || first == "[" + token.texts[0] + "]") &&
           match(pattern.drop_front(), path.drop_front());
  case Token::AnyIndex:
    return isIndex(first) && match(pattern.drop_front(), path.drop_front());
  case Token::Any: {
    if (isIndex(first))
      return false;
    // One step: a name with the index behind it, if any.
    if (match(pattern.drop_front(), path.drop_front()))
      return true;
    return path.size() > 1 && isIndex(path[1]) && match(pattern.drop_front(), path.drop_front(2));
  }
  case Token::Deep:
    break;
  }
  return false;
}

bool matchesExactly(Evaluator &evaluator, const dsl::Selector &selector, const ScopePtr &scope, llvm::StringRef root,
                    llvm::StringRef path, llvm::StringRef kind) {
  if (selector.isKind && selector.isKind->text != kind)
    return false;
  std::optional<std::vector<Token>> wanted = pattern(evaluator, selector, scope);
  std::vector<std::string> all = tokens(path), top = tokens(root);
  if (!wanted || all.size() <= top.size() || !std::equal(top.begin(), top.end(), all.begin()))
    return false;
  return match(*wanted, llvm::ArrayRef(all).drop_front(top.size()));
}

/// Does the pattern name the path, or something above it?
static bool selects(llvm::ArrayRef<Token> wanted, const dsl::Selector &selector, llvm::StringRef path,
                    const std::map<std::string, std::string> &kinds) {
  std::vector<std::string> all = tokens(path);
  std::string prefix;
  for (size_t length = 1; length <= all.size(); ++length) {
    const std::string &next = all[length - 1];
    prefix += (prefix.empty() || isIndex(next) ? "" : ".") + next;
    if (selector.isKind) {
      auto kind = kinds.find(prefix);
      if (kind == kinds.end() || kind->second != selector.isKind->text)
        continue;
    }
    if (match(wanted, llvm::ArrayRef(all).take_front(length)))
      return true;
  }
  return false;
}

std::optional<std::vector<Leaf *>> select(Evaluator &evaluator, const dsl::Selector &selector, const ScopePtr &scope,
                                          std::set<std::string> *bare) {
  std::optional<std::vector<Token>> wanted = pattern(evaluator, selector, scope);
  if (!wanted)
    return std::nullopt;
  std::map<std::string, std::string> kinds;
  for (auto &instance : evaluator.instances)
    kinds[instance->path] = instance->kind;
  std::vector<Leaf *> chosen;
  for (Leaf *leaf : evaluator.leafOrder)
    if (selects(*wanted, selector, leaf->path, kinds))
      chosen.push_back(leaf);
  bool named = !chosen.empty(), reported = false;
  for (auto &instance : evaluator.instances) {
    if (!selects(*wanted, selector, instance->path, kinds))
      continue;
    bool hasLeaves =
        llvm::any_of(evaluator.leafOrder, [&](Leaf *leaf) { return isAtOrBelow(leaf->path, instance->path); });
    named |= !hasLeaves && instance->applied;
    reported |= !instance->applied;
    if (bare && !hasLeaves)
      bare->insert(instance->path);
  }
  if (named)
    return chosen;
  // Below a module that is never applied, or in the place of which a mistake stands, nothing can match; both are
  // reported.
  for (const std::string &path : evaluator.brokenParts)
    for (size_t length = 1; length <= wanted->size() && !reported; ++length)
      reported = match(llvm::ArrayRef(*wanted).take_front(length), tokens(path));
  for (auto &instance : evaluator.instances)
    for (size_t length = 1; length <= wanted->size() && !reported && !instance->applied; ++length)
      reported = match(llvm::ArrayRef(*wanted).take_front(length), tokens(instance->path));
  if (reported)
    return std::nullopt;
  std::string text = evaluator.sources.getText(selector.range).str();
  std::set<std::string> known;
  for (Leaf *leaf : evaluator.leafOrder)
    for (llvm::StringRef path = leaf->path; !path.empty(); path = path.rsplit('.').first) {
      known.insert(path.str());
      if (!path.contains('.'))
        break;
    }
  for (auto &instance : evaluator.instances)
    known.insert(instance->path);
  std::string remedy = dsl::suggest(text, known);
  if (selector.isKind && llvm::none_of(kinds, [&](auto &one) { return one.second == selector.isKind->text; })) {
    std::set<llvm::StringRef> there;
    for (auto &[path, kind] : kinds)
      there.insert(kind);
    there.erase("");
    remedy = "; no module is a '" + selector.isKind->text + "', there are " + llvm::join(there, ", ");
  } else {
    // The parts of the module that the path begins with.
    for (llvm::StringRef above = text; remedy.empty() && above.contains('.');) {
      above = above.rsplit('.').first;
      auto found = llvm::find_if(evaluator.instances, [&](auto &one) { return one->path == above; });
      if (found != evaluator.instances.end() && !(*found)->order.empty())
        remedy = "; '" + above.str() + "' has " + llvm::join((*found)->order, ", ");
    }
  }
  evaluator.error(selector.range, "selector-matches-nothing",
                  "'" + text + "' matches no parameter and no state" + remedy);
  return std::nullopt;
}

std::optional<std::vector<Leaf *>> select(Evaluator &evaluator, const dsl::Selectors &selectors, const ScopePtr &scope,
                                          std::set<std::string> *bare) {
  std::set<Leaf *> chosen, excluded;
  std::set<std::string> bareExcluded;
  bool ok = true;
  auto collect = [&](const std::vector<dsl::Selector> &all, std::set<Leaf *> &into, std::set<std::string> *modules) {
    for (const dsl::Selector &selector : all) {
      std::optional<std::vector<Leaf *>> leaves = select(evaluator, selector, scope, modules);
      ok &= leaves.has_value();
      if (leaves)
        into.insert(leaves->begin(), leaves->end());
    }
  };
  collect(selectors.included, chosen, bare);
  collect(selectors.except, excluded, &bareExcluded);
  for (const std::string &path : bareExcluded)
    if (bare)
      bare->erase(path);
  if (!ok)
    return std::nullopt;
  std::vector<Leaf *> result;
  for (Leaf *leaf : evaluator.leafOrder)
    if (chosen.count(leaf) && !excluded.count(leaf))
      result.push_back(leaf);
  if (selectors.expect) {
    Value expected = evaluator.evaluate(*selectors.expect, scope);
    std::optional<int64_t> count = expected.asInteger();
    if (count && *count != static_cast<int64_t>(result.size())) {
      evaluator.error(selectors.range, "selector-count",
                      "expected " + Twine(*count) + " parameters and states, found " + Twine(result.size()) +
                          "; 'xferc explain' lists all by their paths");
      return std::nullopt;
    }
  }
  return result;
}

} // namespace xfer
