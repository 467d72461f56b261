#include "compiler/Elaborate/Vocabulary.h"
#include "xfer/rt/TextFile.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/ADT/Twine.h"
#include <set>

using llvm::StringRef;
using llvm::Twine;

namespace xfer {

static constexpr size_t maxTokens = size_t(1) << 20;

static llvm::Error wrong(const Twine &message) { return llvm::createStringError(message); }

/// Takes the first character; nothing where the text does not go on in UTF-8.
static std::optional<StringRef> takeCharacter(StringRef &text) {
  bool valid;
  StringRef one = text.take_front(rt::characterAt(text, valid));
  text = text.drop_front(one.size());
  return valid ? std::optional(one) : std::nullopt;
}

llvm::Expected<Tokens> parseVocabulary(StringRef text, StringRef name) {
  auto refuse = [&](const Twine &what) { return wrong("'" + name + "' is no vocabulary: " + what); };
  Tokens tokens;
  llvm::StringMap<size_t> lineOf;
  while (!text.empty()) {
    auto [line, rest] = text.split('\n');
    text = rest;
    line.consume_back("\r");
    size_t number = tokens.size() + 1;
    if (line.empty())
      return refuse("line " + Twine(number) + " is empty; each line holds one token");
    for (StringRef left = line; !left.empty();)
      if (!takeCharacter(left))
        return refuse("line " + Twine(number) + " is not UTF-8");
    auto [known, isNew] = lineOf.try_emplace(line, number);
    if (!isNew)
      return refuse("'" + line + "' stands in lines " + Twine(known->second) + " and " + Twine(number));
    if (number > maxTokens)
      return refuse("it has more than " + Twine(maxTokens) + " lines");
    tokens.push_back(line.str());
  }
  if (tokens.empty())
    return refuse("it is empty; each line holds one token");
  return tokens;
}

llvm::Expected<Tokens> parseAlphabet(StringRef text) {
  Tokens tokens;
  llvm::StringSet<> seen;
  while (!text.empty()) {
    std::optional<StringRef> one = takeCharacter(text);
    if (!one)
      return wrong("this alphabet is not UTF-8");
    if (!seen.insert(*one).second)
      return wrong("'" + *one + "' stands twice in this alphabet");
    tokens.push_back(one->str());
  }
  if (tokens.empty())
    return wrong("an alphabet has at least one character");
  return tokens;
}

llvm::Expected<Tokens> collectAlphabet(StringRef text, StringRef name) {
  std::set<StringRef> seen; // in UTF-8 the order of the bytes is that of the code points
  while (!text.empty()) {
    std::optional<StringRef> one = takeCharacter(text);
    if (!one)
      return wrong("'" + name + "' is not UTF-8");
    seen.insert(*one);
  }
  if (seen.empty())
    return wrong("an alphabet has at least one character");
  return Tokens(seen.begin(), seen.end());
}

} // namespace xfer
