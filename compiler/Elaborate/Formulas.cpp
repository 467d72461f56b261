#include "compiler/Elaborate/Formulas.h"
#include "dsl/AST/Walk.h"
#include "dsl/Doc/Reference.h"
#include "llvm/ADT/StringExtras.h"
#include <set>

namespace xfer {

std::string oneLine(llvm::StringRef text) {
  llvm::SmallVector<llvm::StringRef> lines, words;
  text.split(lines, '\n');
  for (llvm::StringRef line : lines)
    line.split('#').first.split(words, ' ', -1, false);
  return llvm::join(words, " ");
}

/// Arguments that a call may leave out, with what they are then: " (margin = 4, strength = 1)". `none` says nothing.
static std::string defaultsOf(const dsl::FnItem &function, const dsl::SourceManager &sources) {
  std::vector<std::string> defaults;
  for (const dsl::Formal &formal : function.formals)
    if (formal.defaultValue)
      if (std::string value = oneLine(sources.getText(formal.defaultValue->range)); value != "none")
        defaults.push_back(formal.name.text + " = " + value);
  return defaults.empty() ? "" : " (" + llvm::join(defaults, ", ") + ")";
}

namespace {

/// Collects the functions that expressions call, through the stage's definitions.
class CallCollector final : public dsl::Walker {
public:
  CallCollector(const StageInfo &stage, const dsl::SourceManager &sources,
                const std::function<std::optional<Value>(llvm::StringRef)> &function)
      : stage(stage), sources(sources), function(function) {}

  bool enter(const dsl::Expr &expr) override {
    auto *name = llvm::dyn_cast<dsl::NameExpr>(&expr);
    if (!name || !seen.insert(name->name).second)
      return true;
    if (auto definition = stage.definitions.find(name->name); definition != stage.definitions.end()) {
      walk(*definition->second.value);
      return true;
    }
    std::optional<Value> value = function(name->name);
    const Function *found = value ? value->function() : nullptr;
    if (!found || !found->definition || found->definition->doc.empty())
      return true;
    llvm::StringRef file = sources.getName(found->definition->name.range.file);
    bool isLibrary = file.starts_with("std/");
    if (isLibrary && !file.contains("/losses/") && !file.contains("/adapt/") && !file.contains("/distill/"))
      return true;
    formulas.push_back("  " + name->name + defaultsOf(*found->definition, sources) + ": " +
                       llvm::StringRef(dsl::firstSentence(found->definition->doc)).rtrim('.').str() +
                       (isLibrary ? " (" + file.str() + ")" : std::string()));
    return true;
  }

  std::vector<std::string> formulas;

private:
  const StageInfo &stage;
  const dsl::SourceManager &sources;
  const std::function<std::optional<Value>(llvm::StringRef)> &function;
  std::set<std::string> seen;
};

} // namespace

std::vector<std::string> formulasOf(const StageInfo &stage, const dsl::SourceManager &sources,
                                    const std::function<std::optional<Value>(llvm::StringRef)> &function) {
  std::vector<std::string> lines;
  CallCollector calls(stage, sources, function);
  for (const std::string &name : stage.losses) {
    // A baseline has the definitions of its stage and need not compute them.
    if (!stage.watched.count(name))
      continue;
    const dsl::Expr &value = *stage.definitions.at(name).value;
    lines.push_back("loss " + name + " = " + oneLine(sources.getText(value.range)));
    calls.walk(value);
  }
  for (const Clause &act : stage.acts) {
    lines.push_back(oneLine(sources.getText(act.item->range)));
    calls.walk(*act.item);
  }
  lines.insert(lines.end(), calls.formulas.begin(), calls.formulas.end());
  return lines;
}

} // namespace xfer
