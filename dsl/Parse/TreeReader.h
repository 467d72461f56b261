//===- TreeReader.h - text to parse tree --------------------------------------------------------------------------===//

#ifndef XFER_DSL_PARSE_TREEREADER_H
#define XFER_DSL_PARSE_TREEREADER_H

#include "XferParser.h"
#include "dsl/Parse/Lexing.h"

namespace xfer::dsl {

class TreeAttempt;

/// Reads a checked text into ANTLR's tree, which lives as long as this does.
class TreeReader {
public:
  TreeReader(const SourceManager &sources, FileId file, Diagnostics &diagnostics);
  ~TreeReader();

  /// Null if the text was refused as a whole.
  grammar::XferParser::FileContext *read();
  const std::vector<SourceRange> &getComments() const { return lexed.comments; }

private:
  const SourceManager &sources;
  FileId file;
  Diagnostics &diagnostics;
  LexedFile lexed;
  std::unique_ptr<antlr4::ListTokenSource> source;
  std::unique_ptr<antlr4::CommonTokenStream> tokens;
  std::unique_ptr<TreeAttempt> attempt;
};

/// FIRST(item) of the grammar.
const antlr4::misc::IntervalSet &getItemStarts();

} // namespace xfer::dsl

#endif // XFER_DSL_PARSE_TREEREADER_H
