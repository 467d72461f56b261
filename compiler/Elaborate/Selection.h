//===- Selection.h - selectors: which modules, parameters and states a path pattern names -------------------------===//
//
// A path such as `net.trunk.layer1[0].conv1.weight` is read as tokens: names and bracketed indices. A selector is a
// list of tokens with `*` (one step), `**` (any number of steps), sets and computed strings; naming a module selects
// all below it. A selector that matches nothing is an error with the nearest path.
//
//===------------------------------------------------------------------------------------------------------------===//

#ifndef XFER_COMPILER_ELABORATE_SELECTION_H
#define XFER_COMPILER_ELABORATE_SELECTION_H

#include "compiler/Elaborate/Value.h"
#include <optional>
#include <set>

namespace xfer {
class Evaluator;

/// True if `selector`, read from `root`, names exactly the place `path` of a module of kind `kind`.
bool matchesExactly(Evaluator &evaluator, const dsl::Selector &selector, const ScopePtr &scope, llvm::StringRef root,
                    llvm::StringRef path, llvm::StringRef kind);

/// The parameters and states that a selector names, in order; nothing after an error (it matched none).
/// `bare` gets the paths of the modules among them that have no parameters and no states, such as dropout.
std::optional<std::vector<Leaf *>> select(Evaluator &evaluator, const dsl::Selector &selector, const ScopePtr &scope,
                                          std::set<std::string> *bare = nullptr);

/// The same for a whole clause with its `except` and `expect`.
std::optional<std::vector<Leaf *>> select(Evaluator &evaluator, const dsl::Selectors &selectors, const ScopePtr &scope,
                                          std::set<std::string> *bare = nullptr);

} // namespace xfer

#endif // XFER_COMPILER_ELABORATE_SELECTION_H
