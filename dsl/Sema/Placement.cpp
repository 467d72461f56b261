// Input: the AST of a file. Every block is walked with the place that it is; Placement.def says what may stand there.
#include "dsl/AST/Walk.h"
#include "dsl/Sema/Checks.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include <map>

using namespace xfer::dsl;

namespace {

enum PlaceNumber : unsigned {
#define XFER_PLACE(NAME, WORDS) NAME##Number,
#include "dsl/Sema/Placement.def"
};

enum Place : unsigned {
#define XFER_PLACE(NAME, WORDS) NAME = 1u << NAME##Number,
#include "dsl/Sema/Placement.def"
  Anywhere = ~0u
};

unsigned getPlaces(Item::Kind kind) {
  switch (kind) {
#define XFER_STANDS(ITEM, PLACES)                                                                                      \
  case Item::Kind::ITEM:                                                                                               \
    return PLACES;
#include "dsl/Sema/Placement.def"
  }
  return Anywhere;
}

bool standsOnce(Item::Kind kind, Place place) {
#define XFER_ONCE(ITEM, PLACE)                                                                                         \
  if (kind == Item::Kind::ITEM && place == PLACE)                                                                      \
    return true;
#include "dsl/Sema/Placement.def"
  return false;
}

/// "a stage, a 'repeat' in a stage or a baseline"
std::string describe(unsigned places) {
  std::vector<std::string> words;
#define XFER_PLACE(NAME, WORDS)                                                                                        \
  if (places & NAME)                                                                                                   \
    words.push_back(WORDS);
#include "dsl/Sema/Placement.def"
  if (words.size() == 1)
    return words[0];
  std::string last = words.back();
  words.pop_back();
  return llvm::join(words, ", ") + " or " + last;
}

class PlacementCheck final : public Walker {
public:
  explicit PlacementCheck(Diagnostics &diagnostics) : diagnostics(diagnostics) {}

private:
  bool enter(const Item &item) override {
    if (!(getPlaces(item.kind) & place)) {
      misplaced(item);
      return false;
    }
    once(item);
    bool transparent = llvm::isa<ForItem, IfItem>(item);
    enclosing.push_back({place, conditional, transparent ? Seen() : std::move(seen)});
    place = placeInside(item);
    // What stands under a condition may be the only one of its kind that is ever built.
    conditional = transparent;
    if (!transparent)
      seen = {};
    walkInside(item);
    auto &[outerPlace, outerConditional, outerSeen] = enclosing.back();
    place = outerPlace;
    conditional = outerConditional;
    if (!transparent)
      seen = std::move(outerSeen);
    enclosing.pop_back();
    return false;
  }

  bool enter(const Expr &expr) override {
    Place inner = llvm::isa<ScanExpr>(expr) ? Scan : Each;
    if (!llvm::isa<ScanExpr, EachExpr>(expr))
      return true;
    enclosing.push_back({place, conditional, std::move(seen)});
    place = inner;
    conditional = false;
    seen = {};
    return true;
  }

  void leave(const Expr &expr) override {
    if (!llvm::isa<ScanExpr, EachExpr>(expr))
      return;
    std::tie(place, conditional, seen) = std::move(enclosing.back());
    enclosing.pop_back();
  }

  Place placeInside(const Item &item) const {
    switch (item.kind) {
    case Item::Kind::Domain:
      return Domain;
    case Item::Kind::Model:
      return Model;
    case Item::Kind::Stage:
      return Stage;
    case Item::Kind::Baseline:
      return Baseline;
    case Item::Kind::Evaluate:
      return Evaluate;
    case Item::Kind::Sweep:
      return Sweep;
    case Item::Kind::Repeat:
      return place & (File | Rounds | Sweep) ? Rounds : Acts;
    case Item::Kind::Module:
      return Module;
    case Item::Kind::Fn:
    case Item::Kind::Export:
      return Function;
    default:
      return place;
    }
  }

  void misplaced(const Item &item) {
    if (auto *part = llvm::dyn_cast<PartItem>(&item)) {
      llvm::StringRef word = place == File ? "const" : "let";
      diagnostics
          .error("misplaced-item", part->name.range,
                 "'" + part->name.text + " = ...' names a part of a module or model; here a value is named by '" +
                     word + "'")
          .fixIt({item.range.file, item.range.begin, item.range.begin}, word + " ");
      return;
    }
    if (llvm::isa<LetItem>(item) && place == File) {
      diagnostics.error("misplaced-item", item.keyword, "'let' cannot stand in the file itself; its values are 'const'")
          .fixIt(item.keyword, "const");
      return;
    }
    diagnostics.error("misplaced-item", item.keyword,
                      "'" + getSpelling(item.kind) + "' cannot stand in " + describe(place) + "; it stands in " +
                          describe(getPlaces(item.kind)));
  }

  void once(const Item &item) {
    if (conditional || !standsOnce(item.kind, place))
      return;
    const Item *&first = seen[item.kind];
    if (!first) {
      first = &item;
      return;
    }
    diagnostics
        .error("duplicate-clause", item.keyword,
               "a second '" + getSpelling(item.kind) + "' in " + describe(place) + ", which has room for one")
        .note(first->keyword, "the first stands here");
  }

  using Seen = std::map<Item::Kind, const Item *>;

  Diagnostics &diagnostics;
  Place place = File;
  bool conditional = false;
  Seen seen;
  std::vector<std::tuple<Place, bool, Seen>> enclosing;
};

} // namespace

void xfer::dsl::checkPlacement(const File &file, Diagnostics &diagnostics) { PlacementCheck(diagnostics).walk(file); }
