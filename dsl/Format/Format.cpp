#include "dsl/Format/Format.h"
#include "dsl/Format/Pieces.h"

using namespace xfer::dsl;

static std::optional<std::string> layOut(const SourceManager &sources, FileId file, Diagnostics &diagnostics) {
  std::optional<std::vector<SyntaxToken>> tokens = readSyntaxTokens(sources, file, diagnostics);
  if (!tokens)
    return std::nullopt;
  Pieces pieces = makePieces(sources, file, *tokens);
  alignColumns(pieces);
  return writeLines(pieces);
}

std::optional<std::string> xfer::dsl::formatFile(const SourceManager &sources, FileId file, Diagnostics &diagnostics) {
  std::optional<std::string> text = layOut(sources, file, diagnostics);
  // A line that was broken may no longer line up with its neighbours, which moves them: go on until nothing moves.
  constexpr unsigned maxRounds = 8;
  for (unsigned round = 0; text && round < maxRounds; ++round) {
    SourceManager again;
    Diagnostics none;
    std::optional<std::string> further = layOut(again, again.addText(sources.getName(file), *text), none);
    if (!further || *further == *text)
      break;
    text = std::move(further);
  }
  return text;
}
