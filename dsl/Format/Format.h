//===- Format.h - the one way a program is laid out ---------------------------------------------------------------===//
//
// Works on tokens and comments, not on the AST, so that nothing is lost. What the author decided stays: where a line
// ends, which items share one with `;`, empty lines, and columns that line up with a neighbour's. What is decided here:
// indentation, blanks between tokens, where braces stand, and the breaks of lines that are too long.
//
//   domain a { read  npz("a.npz",image:"x")        domain a {
//     fields   image:u8[28,28]                       read   npz("a.npz", image: "x")
//   }                                        ->      fields image: u8[28, 28]
//                                                  }
//
//===------------------------------------------------------------------------------------------------------------===//

#ifndef XFER_DSL_FORMAT_FORMAT_H
#define XFER_DSL_FORMAT_FORMAT_H

#include "dsl/Source/Diagnostics.h"
#include <optional>
#include <string>

namespace xfer::dsl {

/// Columns that a line of code has at most, where it can be broken.
constexpr unsigned maxLineWidth = 150;

/// The text of `file`, which `sources` holds already, laid out; nothing after an error, which was reported. Formatting
/// the result again changes nothing.
std::optional<std::string> formatFile(const SourceManager &sources, FileId file, Diagnostics &diagnostics);

} // namespace xfer::dsl

#endif // XFER_DSL_FORMAT_FORMAT_H
