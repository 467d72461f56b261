//===- Vocabulary.h - lists of tokens, from text ------------------------------------------------------------------===//

#ifndef XFER_COMPILER_ELABORATE_VOCABULARY_H
#define XFER_COMPILER_ELABORATE_VOCABULARY_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <string>
#include <vector>

namespace xfer {

using Tokens = std::vector<std::string>;

/// The lines of the file `name`, each one token. No two are equal, none is empty, all are UTF-8.
llvm::Expected<Tokens> parseVocabulary(llvm::StringRef text, llvm::StringRef name);

/// The characters of a text in their order; one that stands there twice is an error.
llvm::Expected<Tokens> parseAlphabet(llvm::StringRef text);
/// The characters that occur in the file `name`, by their code points.
llvm::Expected<Tokens> collectAlphabet(llvm::StringRef text, llvm::StringRef name);

} // namespace xfer

#endif // XFER_COMPILER_ELABORATE_VOCABULARY_H
