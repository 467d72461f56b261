//===- NewlineFilter.h - which newlines end an item ---------------------------------------------------------------===//
//
// The grammar separates items by newlines; a program breaks its lines wherever it likes. Between lexer and parser this
// filter drops the newlines that end nothing, so that an item goes on over the end of a line exactly where it could
// not have ended:
//
//   loss task = cross_entropy(a, y)          the newline stays off: no item starts with '+'
//             + 0.01 * balance(p)            this one stays: 'minimize' starts an item
//   minimize task
//
// Dropped are newlines inside `(` and `[`; after `{ , = -> => :` and after an operator that cannot end an item (all but
// `*` and `**`, which end selectors); before `}`; before a suffix word (`rate`, `batch`, `over`, ...) that `=` does
// not follow; and before every token that starts no item, a set that is read from the parser's own automaton.
//
// A bracket that was never closed would swallow the rest of the file. So a newline inside brackets stays if a reserved
// word follows that can only start an item (`let`, `domain`, ...): the parser then reports the bracket where it is.
//
//===------------------------------------------------------------------------------------------------------------===//

#ifndef XFER_DSL_PARSE_NEWLINEFILTER_H
#define XFER_DSL_PARSE_NEWLINEFILTER_H

#include "dsl/Parse/Lexing.h"

namespace xfer::dsl {

/// `itemStarts` is FIRST(item) of the grammar.
TokenList filterNewlines(TokenList tokens, const antlr4::misc::IntervalSet &itemStarts);

} // namespace xfer::dsl

#endif // XFER_DSL_PARSE_NEWLINEFILTER_H
