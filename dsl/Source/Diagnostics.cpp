#include "dsl/Source/Diagnostics.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/iterator_range.h"
#include <algorithm>
#include <map>
#include <numeric>
#include <set>
#include <tuple>

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

/// Is the mistake behind a message in one place, and shows wherever that is read? Names that are not there, shapes and
/// numbers of classes that a declaration has settled. Of others equal words are several mistakes: "division by zero".
static bool isOfOneCause(const Diagnostic &diagnostic) {
  static constexpr llvm::StringLiteral codes[] = {"classes-differ", "family-without-index", "leaf-differs",
                                                  "ranges-differ",  "small-batch-norm",     "source-not-read"};
  return llvm::StringRef(diagnostic.code).starts_with("unknown-") || llvm::is_contained(codes, diagnostic.code);
}

namespace {

/// The errors of an earlier look at the program. A file that is no program has as many mistakes as it has characters,
/// so none of what follows may look at all messages for each.
class SettledErrors {
public:
  explicit SettledErrors(llvm::iterator_range<std::deque<Diagnostic>::const_iterator> settled) {
    for (const Diagnostic &one : settled)
      if (one.severity == Severity::Error && one.range.isValid())
        errors.push_back({one.range, 0});
    std::sort(errors.begin(), errors.end());
    for (size_t i = 0; i < errors.size(); ++i) {
      bool sameFile = i > 0 && errors[i - 1].range.file == errors[i].range.file;
      errors[i].furthest = std::max(errors[i].range.end, sameFile ? errors[i - 1].furthest : 0);
    }
  }

  /// Has one a byte in common with the range?
  bool touch(SourceRange range) const {
    // The last that begins before the range ends.
    auto behind = std::lower_bound(errors.begin(), errors.end(), One{{range.file, range.end, 0}, 0});
    return behind != errors.begin() && std::prev(behind)->range.file == range.file &&
           std::prev(behind)->furthest > range.begin;
  }

private:
  struct One {
    SourceRange range;
    uint32_t furthest; ///< end of all that begin no later in the file
    bool operator<(const One &other) const { return range < other.range; }
  };
  std::vector<One> errors;
};

/// Messages by place, each once.
class Kept {
public:
  void add(Diagnostic &&diagnostic) {
    if (joinsOther(diagnostic))
      return;
    if (diagnostics.empty() || diagnostics.back().range != diagnostic.range)
      saidHere.clear();
    if (!saidHere.insert({diagnostic.code, diagnostic.message}).second)
      return;
    Diagnostic &kept = diagnostics.emplace_back(std::move(diagnostic));
    if (mayJoin(kept))
      causes.try_emplace({kept.severity, kept.code, kept.message}).first->second.first = &kept;
  }

  std::deque<Diagnostic> diagnostics;

private:
  struct Cause {
    Diagnostic *first = nullptr;
    std::set<SourceRange> told; ///< in its notes
  };

  static bool mayJoin(const Diagnostic &diagnostic) {
    return diagnostic.range.isValid() && diagnostic.fixIts.empty() && isOfOneCause(diagnostic);
  }

  /// One cause often shows in many places with the same words: one message, and the places.
  bool joinsOther(const Diagnostic &diagnostic) {
    if (!mayJoin(diagnostic))
      return false;
    auto same = causes.find({diagnostic.severity, diagnostic.code, diagnostic.message});
    if (same == causes.end() || same->second.first->range == diagnostic.range)
      return false;
    auto &[first, told] = same->second;
    if (told.empty())
      for (const Note &note : first->notes)
        told.insert(note.range);
    if (told.insert(diagnostic.range).second)
      first->note(diagnostic.range, "and here");
    return true;
  }

  std::map<std::tuple<Severity, std::string, std::string>, Cause> causes;
  std::set<std::pair<std::string, std::string>> saidHere; ///< code and message, at the range of the last
};

} // namespace

void Diagnostics::finish() {
  std::vector<size_t> order(diagnostics.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    const SourceRange &x = diagnostics[a].range, &y = diagnostics[b].range;
    return x != y ? x < y : a < b;
  });
  SettledErrors settled({diagnostics.begin(), diagnostics.begin() + numSettled});
  Kept kept;
  for (size_t index : order) {
    Diagnostic &diagnostic = diagnostics[index];
    bool isSeenAgain = index >= numSettled && diagnostic.severity == Severity::Error && diagnostic.range.isValid() &&
                       settled.touch(diagnostic.range);
    if (!isSeenAgain)
      kept.add(std::move(diagnostic));
  }
  diagnostics = std::move(kept.diagnostics);
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
