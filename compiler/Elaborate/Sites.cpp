//===- Sites.cpp - by what a random draw is known -----------------------------------------------------------------===//
//
// The key of a draw must outlive edits: a comment, another argument, a clause more or another order of lines may change
// no random number that they have nothing to do with. So a place in the text is known by names and never by a position:
// by the statement that it stands in and by what it calls, and only among equals by its number.
//
//   fn noisy(x) {
//     let a = x * uniform([2]) + uniform([2])      "a:uniform0", "a:uniform1"
//     return dropout(a) + uniform([2])             "return:dropout0", "return:uniform0"
//   }
//
// These are places of one item (a function, a clause of a stage). The chain of calls that leads there, with the path of
// each module, and the iteration tell apart who calls the function; the first value of a parameter or state begins with
// the path of that, and its text is an item of its own.
//
//===------------------------------------------------------------------------------------------------------------===//

#include "compiler/Elaborate/Evaluator.h"
#include "dsl/AST/Walk.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/xxhash.h"

namespace xfer {

namespace {

/// Names the places of one item.
class PlaceNamer final : public dsl::Walker {
public:
  explicit PlaceNamer(std::map<dsl::FileId, std::map<std::pair<uint32_t, uint32_t>, std::string>> &places)
      : places(places) {}

private:
  bool enter(const dsl::Item &item) override {
    std::string name = dsl::getSpelling(item.kind).str();
    llvm::TypeSwitch<const dsl::Item *>(&item)
        .Case<dsl::LetItem>([&](auto *let) {
          name.clear();
          for (const dsl::Name &one : let->pattern.names)
            name += (name.empty() ? "" : ",") + one.text;
        })
        .Case<dsl::PartItem>([&](auto *part) { name = part->name.text; })
        .Case<dsl::UpdateItem>([&](auto *update) { name += " " + update->slot.base.text; })
        .Case<dsl::FnItem>([&](auto *fn) { name = fn->name.text; });
    add(item.range, name);
    statements.push_back(name);
    // What a first value draws is known by the path of what it is for.
    const dsl::Expr *initial = nullptr;
    if (auto *param = llvm::dyn_cast<dsl::ParamItem>(&item))
      initial = param->initial.get();
    else if (auto *state = llvm::dyn_cast<dsl::StateItem>(&item))
      initial = state->initial.get();
    if (initial)
      PlaceNamer(places).walk(*initial);
    return true;
  }
  void leave(const dsl::Item &) override { statements.pop_back(); }

  bool enter(const dsl::Expr &expr) override {
    const dsl::Expr *named = &expr;
    while (auto *call = llvm::dyn_cast<dsl::CallExpr>(named))
      named = call->callee.get();
    std::string name = "expression";
    if (auto *variable = llvm::dyn_cast<dsl::NameExpr>(named))
      name = variable->name;
    else if (auto *member = llvm::dyn_cast<dsl::MemberExpr>(named))
      name = member->member.text;
    add(expr.range, name);
    return true;
  }

  void add(dsl::SourceRange range, const std::string &name) {
    std::string place = (statements.empty() ? "" : statements.back() + ":") + name;
    place += std::to_string(counts[place]++);
    // The first that has a name for a place is the innermost item, and of equal ranges the outermost construct.
    places[range.file].try_emplace({range.begin, range.end}, place);
  }

  std::map<dsl::FileId, std::map<std::pair<uint32_t, uint32_t>, std::string>> &places;
  std::vector<std::string> statements;
  std::map<std::string, unsigned> counts;
};

} // namespace

void Evaluator::registerItems(const std::vector<dsl::ItemPtr> &items) {
  auto block = [&](const dsl::BlockPtr &body) {
    if (body)
      registerItems(body->items);
  };
  for (const dsl::ItemPtr &item : items)
    llvm::TypeSwitch<const dsl::Item *>(item.get())
        .Case<dsl::DomainItem, dsl::StageItem, dsl::EvaluateItem, dsl::ModelItem, dsl::BaselineItem, dsl::RepeatItem,
              dsl::SweepItem, dsl::ForItem>([&](auto *around) { block(around->body); })
        .Case<dsl::IfItem>([&](auto *branch) {
          block(branch->then);
          block(branch->otherwise);
        })
        .Default([&](const dsl::Item *one) { PlaceNamer(places).walk(*one); });
}

std::string Evaluator::placeName(dsl::SourceRange range) const {
  auto file = places.find(range.file);
  if (file == places.end())
    return "";
  auto place = file->second.find({range.begin, range.end});
  assert(place != file->second.end() && "no construct of the program stands there");
  return place == file->second.end() ? "" : place->second;
}

std::string Evaluator::siteText(dsl::SourceRange range) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  for (const Frame &frame : frames)
    stream << frame.name << frame.iteration << "@" << placeName(frame.call) << "/";
  stream << placeName(range);
  return text;
}

int64_t Evaluator::siteNumber(llvm::StringRef text) { return static_cast<int64_t>(llvm::xxh3_64bits(text)); }

} // namespace xfer
