#include "dsl/Source/Diagnostics.h"
#include "llvm/ADT/STLExtras.h"
#include <algorithm>
#include <numeric>

using namespace xfer::dsl;

Diagnostic &Diagnostic::note(SourceRange where, const llvm::Twine &text) {
  notes.push_back({where, text.str()});
  return *this;
}

Diagnostic &Diagnostic::fixIt(SourceRange where, const llvm::Twine &replacement) {
  fixIts.push_back({where, replacement.str()});
  return *this;
}

Diagnostic &Diagnostics::add(Severity severity, llvm::StringRef code, SourceRange range, const llvm::Twine &message) {
  numErrors += severity == Severity::Error;
  Diagnostic &diagnostic = diagnostics.emplace_back();
  diagnostic.severity = severity;
  diagnostic.code = code.str();
  diagnostic.message = message.str();
  diagnostic.range = range;
  return diagnostic;
}

Diagnostic &Diagnostics::error(llvm::StringRef code, SourceRange range, const llvm::Twine &message) {
  return add(Severity::Error, code, range, message);
}

Diagnostic &Diagnostics::warning(llvm::StringRef code, SourceRange range, const llvm::Twine &message) {
  return add(Severity::Warning, code, range, message);
}

Diagnostic &Diagnostics::unknownName(llvm::StringRef code, SourceRange range, llvm::StringRef name,
                                     const llvm::Twine &message, llvm::ArrayRef<llvm::StringRef> candidates,
                                     llvm::StringRef otherwise) {
  Diagnostic &diagnostic = error(code, range, message + suggest(name, candidates, otherwise));
  if (llvm::StringRef nearest = findNearest(name, candidates); !nearest.empty())
    diagnostic.fixIt(range, nearest);
  return diagnostic;
}

bool Diagnostics::isSeenAgain(size_t index) const {
  const Diagnostic &later = diagnostics[index];
  if (index < numSettled || later.severity != Severity::Error || !later.range.isValid())
    return false;
  return std::any_of(diagnostics.begin(), diagnostics.begin() + numSettled, [&](const Diagnostic &earlier) {
    return earlier.severity == Severity::Error && earlier.range.isValid() && earlier.range.file == later.range.file &&
           earlier.range.begin < later.range.end && later.range.begin < earlier.range.end;
  });
}

/// Is the mistake behind a message in one place, and shows wherever that is read? Names that are not there, shapes and
/// numbers of classes that a declaration has settled. Of others equal words are several mistakes: "division by zero".
static bool isOfOneCause(const Diagnostic &diagnostic) {
  static constexpr llvm::StringLiteral codes[] = {"classes-differ", "family-without-index", "leaf-differs",
                                                  "ranges-differ",  "small-batch-norm",     "source-not-read"};
  return llvm::StringRef(diagnostic.code).starts_with("unknown-") || llvm::is_contained(codes, diagnostic.code);
}

void Diagnostics::finish() {
  std::vector<size_t> order(diagnostics.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    const SourceRange &x = diagnostics[a].range, &y = diagnostics[b].range;
    return x != y ? x < y : a < b;
  });
  std::deque<Diagnostic> kept;
  std::vector<bool> again(diagnostics.size());
  for (size_t index : order)
    again[index] = isSeenAgain(index);
  for (size_t index : order) {
    if (again[index])
      continue;
    Diagnostic &diagnostic = diagnostics[index];
    // One cause often shows in many places with the same words: one message, and the places.
    auto same = kept.end();
    if (diagnostic.range.isValid() && diagnostic.fixIts.empty() && isOfOneCause(diagnostic))
      same = std::find_if(kept.begin(), kept.end(), [&](const Diagnostic &other) {
        return other.range.isValid() && other.range != diagnostic.range && other.fixIts.empty() &&
               other.severity == diagnostic.severity && other.code == diagnostic.code &&
               other.message == diagnostic.message;
      });
    if (same != kept.end()) {
      bool told = std::any_of(same->notes.begin(), same->notes.end(),
                              [&](const Note &note) { return note.range == diagnostic.range; });
      if (!told)
        same->note(diagnostic.range, "and here");
      continue;
    }
    bool known = false;
    for (auto other = kept.rbegin(); other != kept.rend() && other->range == diagnostic.range && !known; ++other)
      known = other->code == diagnostic.code && other->message == diagnostic.message;
    if (!known)
      kept.push_back(std::move(diagnostic));
  }
  diagnostics = std::move(kept);
  numSettled = 0;
  numErrors = std::count_if(diagnostics.begin(), diagnostics.end(),
                            [](const Diagnostic &d) { return d.severity == Severity::Error; });
}

void Diagnostics::makeWarningsErrors() {
  for (Diagnostic &diagnostic : diagnostics)
    diagnostic.severity = Severity::Error;
  numErrors = diagnostics.size();
}

llvm::StringRef xfer::dsl::findNearest(llvm::StringRef name, llvm::ArrayRef<llvm::StringRef> candidates) {
  // A third of the letters may differ: 'layer5' finds 'layer4', 'x' finds nothing. Among few names a short one may be
  // meant by less, among all words of a language it may not: 'foto' finds 'photo', 'task' does not find 'last'.
  bool isFew = candidates.size() <= 32;
  unsigned best = name.size() / 3 + (name.size() > 2) + 1;
  auto isTransposed = [&](llvm::StringRef candidate) {
    return std::is_permutation(name.begin(), name.end(), candidate.begin(), candidate.end());
  };
  llvm::StringRef nearest;
  for (llvm::StringRef candidate : candidates) {
    unsigned distance = name.edit_distance(candidate, /*AllowReplacements=*/true, best);
    // The name itself is no remedy: what it stands for is missing for another reason.
    bool isNear = isFew || name.size() > 5 || distance < 2 || isTransposed(candidate);
    if (distance > 0 && distance < best && distance < candidate.size() && isNear) {
      best = distance;
      nearest = candidate;
    }
  }
  return nearest;
}

std::string xfer::dsl::suggest(llvm::StringRef name, llvm::ArrayRef<llvm::StringRef> candidates,
                               llvm::StringRef otherwise) {
  llvm::StringRef nearest = findNearest(name, candidates);
  return nearest.empty() ? otherwise.str() : ("; did you mean '" + nearest + "'?").str();
}
