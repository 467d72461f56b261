// From pieces to lines: indentation, and the breaks of what is too long.
//
// A line that goes on an item stands under the bracket that is open; outside of brackets an operator stands under the
// `=` of its item, anything else two blanks to the right of it. A bracket that ends its line indents what follows by
// two.
#include "dsl/Format/Format.h"
#include "dsl/Format/Pieces.h"
#include "llvm/ADT/SmallVector.h"
#include <algorithm>
#include <climits>

using namespace xfer::dsl;
using Role = TokenRole;

namespace {

/// What is open around a piece, and where its lines stand.
struct Surrounding {
  bool isBlock = true;
  unsigned content = 0; // column of what stands in it
  unsigned close = 0;   // column of its end, where that begins a line
  unsigned item = 0;    // column of the line on which the current item begins
  bool defines = false; // the item is a `fn` or an export: what follows its `=` stands below it
  std::optional<unsigned> operand, equals, inputs; // columns of the item's second piece, first `=` and first bracket
};

struct State {
  llvm::SmallVector<Surrounding> around{Surrounding()};
};

struct Comment {
  size_t line;
  llvm::StringRef text;
  unsigned column;
};

class Writer {
public:
  explicit Writer(Pieces &pieces) : pieces(pieces) {}

  std::string write() {
    for (size_t i = 0; i < pieces.size();)
      i = writeLine(i);
    return join();
  }

private:
  /// One line from `first`, broken where it is too long; the piece that begins the next.
  size_t writeLine(size_t first) {
    if (pieces[first].before == LineBreak::EmptyLine && !lines.empty())
      lines.emplace_back();
    while (true) {
      State probe = state;
      std::string line;
      render(probe, first, line, maxLineWidth);
      if (line.size() > maxLineWidth && breakLine(first))
        continue;
      line.clear();
      size_t end = render(state, first, line, SIZE_MAX);
      if (end < pieces.size() && pieces[end].is(Role::Comment) && !pieces[end].breaks()) {
        comments.push_back({lines.size(), pieces[end].text, pieces[end].column});
        ++end;
      }
      lines.push_back(std::move(line));
      return end;
    }
  }

  /// Appends the pieces of the line from `first` on until it is wider than `width`; the piece behind the last.
  size_t render(State &now, size_t first, std::string &line, size_t width) {
    size_t i = first;
    for (; i < pieces.size() && line.size() <= width; ++i) {
      const Piece &piece = pieces[i];
      if (i > first && (piece.breaks() || piece.is(Role::Comment)))
        break;
      line += space(now, first, i);
      step(now, i, line);
      line += piece.text;
    }
    return i;
  }

  /// What stands in front of a piece in the line from `first` on.
  std::string space(const State &now, size_t first, size_t i) const {
    if (i == first)
      return std::string(indentation(now, i), ' ');
    return (pieces[i].separated ? ";" : "") + std::string(pieces[i].blanks, ' ');
  }

  unsigned indentation(const State &now, size_t i) const {
    const Piece &piece = pieces[i];
    const Surrounding &around = now.around.back();
    if (piece.closes())
      return around.close;
    if (!around.isBlock || piece.startsItem)
      return around.content;
    if (piece.is(Role::Comment)) {
      size_t next = i + 1;
      while (next < pieces.size() && pieces[next].is(Role::Comment))
        ++next;
      bool inside = next < pieces.size() && !pieces[next].startsItem && !pieces[next].closes();
      return inside && !pieces[next].is(Role::BlockOpen) ? around.item + 2 : around.content;
    }
    if (piece.is(Role::BlockOpen) || isElseOfBlock(i))
      return around.item;
    if (piece.is(Role::InputsOpen) && around.inputs)
      return *around.inputs;
    if (i && pieces[i - 1].is(Role::Comma) && around.operand)
      return *around.operand;
    if (!piece.is(Role::Operator) || around.defines)
      return around.item + 2;
    return around.equals ? *around.equals : std::max(around.operand.value_or(0), around.item + 4) - 2;
  }

  /// The `else` of an `if`, not that of a choice; a comment may stand in front of it.
  bool isElseOfBlock(size_t i) const {
    size_t left = i;
    while (left && pieces[left - 1].is(Role::Comment))
      --left;
    return pieces[i].is(Role::Keyword) && pieces[i].text == "else" && left && pieces[left - 1].is(Role::BlockClose);
  }

  /// Takes notice of a piece that is about to be put at the end of `line`.
  void step(State &now, size_t i, const std::string &line) const {
    const Piece &piece = pieces[i];
    unsigned column = line.size();
    if (piece.closes() && now.around.size() > 1)
      now.around.pop_back();
    Surrounding &around = now.around.back();
    unsigned indent = line.find_first_not_of(' ') == std::string::npos ? column : line.find_first_not_of(' ');
    if (piece.startsItem) {
      around.item = indent;
      around.defines = piece.text == "fn" || piece.text == "module" || piece.text == "export";
      around.operand = around.equals = around.inputs = std::nullopt;
    } else if (around.isBlock && i && pieces[i - 1].startsItem) {
      around.operand = column;
    }
    if (around.isBlock && piece.is(Role::Assign) && !around.equals)
      around.equals = column;
    if (around.isBlock && piece.is(Role::Open) && !around.inputs)
      around.inputs = column;
    if (!piece.opens())
      return;
    Surrounding inner;
    inner.isBlock = piece.is(Role::BlockOpen);
    bool endsLine = i + 1 < pieces.size() && (pieces[i + 1].breaks() || pieces[i + 1].is(Role::Comment));
    bool hangs = inner.isBlock || endsLine;
    unsigned left = inner.isBlock && around.isBlock ? around.item : indent;
    inner.content = hangs ? left + 2 : column + (piece.is(Role::BraceOpen) ? 2 : 1);
    inner.close = hangs ? left : column;
    inner.item = inner.content;
    now.around.push_back(inner);
  }

  /// Puts a line break into the line from `first` on; false if there is no place for one.
  bool breakLine(size_t first) {
    State now = state;
    std::string line;
    size_t best = 0;
    unsigned bestCost = UINT_MAX;
    for (size_t i = first; i < pieces.size(); ++i) {
      const Piece &piece = pieces[i];
      if (i > first && (piece.breaks() || piece.is(Role::Comment)))
        break;
      line += space(now, first, i);
      bool fits = line.size() <= maxLineWidth;
      if (!fits && best)
        break;
      if (i > first) {
        unsigned cost = costOfBreak(now, i);
        if (cost != UINT_MAX && line.size() < maxLineWidth / 3 && !pieces[i - 1].is(Role::BlockOpen))
          cost += 12;
        if (cost != UINT_MAX && cost <= bestCost) {
          bestCost = cost;
          best = i;
        }
      }
      step(now, i, line);
      line += piece.text;
    }
    if (!best)
      return false;
    pieces[best].before = LineBreak::Line;
    if (pieces[best - 1].is(Role::BlockOpen))
      pieces[pieces[best - 1].match].before = LineBreak::Line;
    return true;
  }

  /// How little a break in front of a piece is wanted: outer ones before inner ones.
  unsigned costOfBreak(const State &now, size_t i) const {
    const Piece &left = pieces[i - 1], &right = pieces[i];
    const Surrounding &around = now.around.back();
    unsigned depth = 16 * now.around.size();
    if (left.is(Role::BlockOpen) && !right.is(Role::BlockClose))
      return depth - 17;
    if (right.separated)
      return depth - 16;
    if (left.is(Role::Assign) && around.isBlock)
      return depth + (around.defines ? 0 : 5);
    if (left.is(Role::Comma))
      return depth + 1;
    if (right.is(Role::Operator) || right.is(Role::InputsOpen)) {
      bool bindsTightly = llvm::StringRef("**//%@").contains(right.text);
      return depth + (bindsTightly ? 4 : 2);
    }
    bool continues = right.text == "else" || right.text == "over" || right.text == "using" || right.text == "against";
    return right.is(Role::Keyword) && continues ? depth + 1 : UINT_MAX;
  }

  /// A comment behind code keeps its column; where the code reaches it, it moves to the right with those above and
  /// below it that stood in the same column.
  std::string join() {
    for (size_t begin = 0, end; begin < comments.size(); begin = end) {
      size_t width = 0;
      for (end = begin; end < comments.size() && comments[end].column == comments[begin].column &&
                        comments[end].line == comments[begin].line + (end - begin);
           ++end)
        width = std::max(width, lines[comments[end].line].size());
      size_t column = std::max<size_t>(comments[begin].column, width + 2);
      for (size_t i = begin; i < end; ++i) {
        std::string &line = lines[comments[i].line];
        line.append(column - line.size(), ' ').append(comments[i].text);
      }
    }
    std::string text;
    for (const std::string &line : lines)
      text.append(line).append("\n");
    return text;
  }

  Pieces &pieces;
  State state;
  std::vector<std::string> lines;
  std::vector<Comment> comments;
};

} // namespace

std::string xfer::dsl::writeLines(Pieces &pieces) { return Writer(pieces).write(); }
