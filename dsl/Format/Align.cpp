// Columns. An author who lines something up with a neighbouring line meant it; blanks that line up with nothing are
// lost.
//
// A point is a place in the first item of a line where lining up is usual: behind the word of a clause, behind the name
// of a split, before `=`. Neighbouring lines of one block whose point stands in the same column are lined up as tightly
// as they can be; a point that no neighbour shares gets one blank:
//
//   optimizer sgd(0.1)            optimizer sgd(0.1)
//   schedule  cosine()      ->    schedule  cosine()
//   epochs    3                   epochs    3
//   let   x = 1                   let x = 1
#include "dsl/Format/Pieces.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include <algorithm>

using namespace xfer::dsl;
using Role = TokenRole;

namespace {

/// A line that an item begins.
struct ItemLine {
  size_t first, end;
};

enum class Point { Operand, Value, Equals };

/// Runs of item lines of one block that nothing stands between but what their items go on with.
std::vector<std::vector<ItemLine>> findRuns(const Pieces &pieces) {
  std::vector<std::vector<ItemLine>> runs;
  llvm::SmallVector<std::optional<size_t>> open(1); // the run that goes on, of each block around
  for (size_t i = 0; i < pieces.size(); ++i) {
    const Piece &piece = pieces[i];
    if (piece.before == LineBreak::EmptyLine)
      open.back() = std::nullopt;
    if (piece.breaks() && piece.startsItem) {
      if (!open.back()) {
        open.back() = runs.size();
        runs.emplace_back();
      }
      size_t end = i + 1;
      while (end < pieces.size() && !pieces[end].breaks())
        ++end;
      runs[*open.back()].push_back({i, end});
    }
    if (piece.is(Role::BlockOpen))
      open.push_back(std::nullopt);
    else if (piece.is(Role::BlockClose) && open.size() > 1)
      open.pop_back();
  }
  return runs;
}

/// The piece that stands at a point of the line; nothing if the line has none.
std::optional<size_t> find(Point point, const Pieces &pieces, const ItemLine &line) {
  const Piece &first = pieces[line.first];
  size_t second = line.first + 1;
  if (second >= line.end || pieces[second].is(Role::Comment))
    return std::nullopt;
  switch (point) {
  case Point::Operand:
    return first.is(Role::Keyword) && pieces[second].blanks ? std::optional<size_t>(second) : std::nullopt;
  case Point::Value: {
    bool named = line.first + 3 < line.end && first.is(Role::Keyword) && pieces[second + 1].is(Role::Colon) &&
                 (first.text == "read" || first.text == "generate" || first.text == "live");
    return named ? std::optional<size_t>(second + 2) : std::nullopt;
  }
  case Point::Equals: {
    unsigned depth = 0;
    for (size_t i = line.first; i < line.end && !(i > line.first && pieces[i].separated); ++i) {
      depth += pieces[i].opens();
      depth -= pieces[i].closes() && depth;
      if (!depth && pieces[i].is(Role::Assign))
        return i;
    }
    return std::nullopt;
  }
  }
  return std::nullopt;
}

/// Columns of the pieces [first, end) on one line.
unsigned widthOf(const Pieces &pieces, size_t first, size_t end) {
  unsigned width = 0;
  for (size_t i = first; i < end; ++i)
    width += pieces[i].text.size() + (i > first ? pieces[i].blanks : 0) + (i > first && pieces[i].separated);
  return width;
}

void align(Point point, Pieces &pieces, llvm::ArrayRef<ItemLine> run) {
  auto offset = [&](size_t line) -> std::optional<unsigned> {
    std::optional<size_t> at = find(point, pieces, run[line]);
    return at ? std::optional<unsigned>(pieces[*at].column - pieces[run[line].first].column) : std::nullopt;
  };
  for (size_t begin = 0, end; begin < run.size(); begin = end) {
    end = begin + 1;
    if (!offset(begin))
      continue;
    while (end < run.size() && offset(end) == offset(begin))
      ++end;
    unsigned width = 0;
    for (size_t line = begin; line < end; ++line)
      width = std::max(width, widthOf(pieces, run[line].first, *find(point, pieces, run[line])));
    for (size_t line = begin; line < end; ++line) {
      size_t at = *find(point, pieces, run[line]);
      pieces[at].blanks = width + 1 - widthOf(pieces, run[line].first, at);
    }
  }
}

} // namespace

void xfer::dsl::alignColumns(Pieces &pieces) {
  for (const std::vector<ItemLine> &run : findRuns(pieces))
    for (Point point : {Point::Operand, Point::Value, Point::Equals})
      align(point, pieces, run);
}
