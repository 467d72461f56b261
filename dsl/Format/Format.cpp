#include "dsl/Format/Format.h"
#include "dsl/Format/Pieces.h"

using namespace xfer::dsl;

std::optional<std::string> xfer::dsl::formatFile(const SourceManager &sources, FileId file, Diagnostics &diagnostics) {
  std::optional<std::vector<SyntaxToken>> tokens = readSyntaxTokens(sources, file, diagnostics);
  if (!tokens)
    return std::nullopt;
  Pieces pieces = makePieces(sources, file, *tokens);
  alignColumns(pieces);
  std::string text = writeLines(pieces);
  // A line that was broken may no longer line up with its neighbours, which moves them: go on until nothing moves.
  constexpr unsigned maxRounds = 8;
  for (unsigned round = 0; round < maxRounds; ++round) {
    SourceManager again;
    Diagnostics none;
    FileId next = again.addText(sources.getName(file), text);
    if (!(tokens = readSyntaxTokens(again, next, none)))
      break;
    Pieces moved = makePieces(again, next, *tokens);
    alignColumns(moved);
    std::string further = writeLines(moved);
    if (further == text)
      break;
    text = std::move(further);
  }
  return text;
}
