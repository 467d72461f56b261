// Any bytes as the file of a `vocabulary` or an `alphabet`, packed or not: the first byte chooses, the rest is the
// file. What is accepted must do as the vocabulary of a tokenizer, which finds each token at its place and every
// character of an alphabet's own text.
#include "compiler/Elaborate/Vocabulary.h"
#include "runtime/data/Tokenizer.h"
#include "test/fuzz/Fuzz.h"
#include "xfer/rt/TextFile.h"
#include "llvm/Support/JSON.h"

using namespace xfer;
using xfer::fuzz::require;

static llvm::Expected<Tokens> read(unsigned choice, const std::string &text) {
  switch (choice) {
  case 0:
    return parseVocabulary(text, "v.txt");
  case 1:
    return collectAlphabet(text, "a.txt");
  default:
    return parseAlphabet(text);
  }
}

/// The place of each token in turn, as the tokenizer sees it that reads character by character or piece by piece.
static void checkPlaces(const rt::Tokenizer &tokenizer, const Tokens &tokens, bool isAlphabet) {
  std::vector<int32_t> found;
  for (size_t i = 0; i < tokens.size(); ++i) {
    // White space parts the words of a text, so a line that has some is never found.
    if (!isAlphabet && tokens[i].find_first_of(" \t\n\v\f\r") != std::string::npos)
      continue;
    found.clear();
    require(tokenizer.split(tokens[i], found).ok(), "a token of the vocabulary is unknown");
    require(found.size() == 1 && found[0] == static_cast<int32_t>(i), "a token is not found at its place");
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0)
    return 0;
  static const std::string path = fuzz::scratchFolder() + "/tokens.txt";
  fuzz::writeFile(path, {reinterpret_cast<const char *>(data) + 1, size - 1});
  constexpr uint64_t limit = 1 << 20;
  rt::Expected<std::string> text = rt::readTextFile(path, limit);
  if (!text)
    return 0;
  require(text->size() <= limit, "a text is longer than its limit");
  const unsigned choice = data[0] % 3;
  llvm::Expected<Tokens> tokens = read(choice, *text);
  if (!tokens) {
    llvm::consumeError(tokens.takeError());
    return 0;
  }
  require(!tokens->empty(), "a list of no tokens was accepted");
  for (const std::string &token : *tokens)
    require(!token.empty() && llvm::json::isUTF8(token), "a manifest cannot hold a token");
  const bool isAlphabet = choice != 0;
  rt::TokenizerSpec spec;
  spec.rule = isAlphabet ? rt::TokenizerSpec::Characters : rt::TokenizerSpec::Words;
  spec.vocabulary = *tokens;
  rt::Tokenizer tokenizer(spec);
  checkPlaces(tokenizer, *tokens, isAlphabet);
  if (!isAlphabet)
    return 0;
  std::vector<int32_t> numbers;
  require(tokenizer.split(*text, numbers).ok(), "a character of the text is not in its alphabet");
  std::string again;
  for (int32_t number : numbers)
    again += (*tokens)[number];
  require(again == *text, "a text is not what its characters are");
  return 0;
}
