//===- BuiltinsText.cpp - vocabularies, and the numbers that stand for text ---------------------------------------===//

#include "compiler/Elaborate/Builtins.h"
#include "compiler/Elaborate/Program.h"
#include "compiler/Elaborate/Vocabulary.h"

using namespace mlir;
using llvm::Twine;

namespace xfer {

/// The place of a token; nothing where the vocabulary has it not.
static std::optional<int64_t> findToken(const List &vocabulary, llvm::StringRef token) {
  for (auto [i, one] : llvm::enumerate(vocabulary.elements))
    if (one.text() && *one.text() == token)
      return static_cast<int64_t>(i);
  return std::nullopt;
}

static Value listOf(Evaluator &evaluator, llvm::Expected<Tokens> tokens, dsl::SourceRange range) {
  if (!tokens)
    return evaluator.error(range, "bad-vocabulary", llvm::toString(tokens.takeError()));
  return Value::list(std::vector<Value>(tokens->begin(), tokens->end()));
}

/// `vocabulary("words.txt")`: the lines of a file, read while the program is built.
static Value vocabulary(Evaluator &evaluator, std::vector<Value> &given, dsl::SourceRange range) {
  const std::string *name = given[0].text();
  if (!name)
    return given[0].isPoison() ? Value()
                               : evaluator.error(range, "wrong-type",
                                                 "'vocabulary' wants the name of a file that is known at compile time, "
                                                 "found " +
                                                     given[0].describe());
  std::optional<std::string> text = evaluator.pipeline.readText(*name, range);
  if (!text)
    return Value();
  return listOf(evaluator, parseVocabulary(*text, *name), range);
}

/// `alphabet("abc")`, `alphabet(file: "names.txt")`: characters; of a file those that occur, by their code points.
static Value alphabet(Evaluator &evaluator, std::vector<Value> &given, dsl::SourceRange range) {
  if (given[0].isPoison() || given[1].isPoison())
    return Value();
  const std::string *letters = given[0].text(), *name = given[1].text();
  if ((letters != nullptr) == (name != nullptr))
    return evaluator.error(range, "wrong-type", "'alphabet' wants either a string of characters or 'file:'");
  if (letters)
    return listOf(evaluator, parseAlphabet(*letters), range);
  std::optional<std::string> text = evaluator.pipeline.readText(*name, range);
  return text ? listOf(evaluator, collectAlphabet(*text, *name), range) : Value();
}

/// The arguments that `tokens` and `characters` share; false after an error.
static bool describeTokenizer(Evaluator &evaluator, llvm::ArrayRef<Value> given, llvm::StringRef function,
                              TokenizerSpec &spec, dsl::SourceRange range) {
  if (llvm::any_of(given, [](const Value &one) { return one.isPoison(); }))
    return false;
  if (!given[0].textField()) {
    evaluator.error(range, "wrong-type",
                    "'" + function + "' wants a field of text ('fields text: string'), found " + given[0].describe());
    return false;
  }
  const List *list = given[1].list();
  if (!list || list->elements.empty() ||
      !llvm::all_of(list->elements, [](const Value &one) { return one.text() && !one.text()->empty(); })) {
    evaluator.error(range, "wrong-type",
                    "'" + function + "' wants a vocabulary: a list of strings, such as 'vocabulary(\"words.txt\")'");
    return false;
  }
  spec.vocabulary = std::make_shared<const List>(*list);
  if (given[2].isNone() == given[3].isNone()) {
    evaluator.error(range, "missing-argument",
                    "'" + function + "' wants either 'at_most', for texts of any length, or 'exactly'");
    return false;
  }
  spec.exact = given[2].isNone();
  std::optional<int64_t> count =
      intArgument(evaluator, given[spec.exact ? 3 : 2], std::nullopt, spec.exact ? "exactly" : "at_most", range);
  if (!count)
    return false;
  spec.atMost = *count;
  for (auto [value, place] : {std::make_pair(&given[4], &spec.first), std::make_pair(&given[5], &spec.last)}) {
    if (value->isNone())
      continue;
    std::optional<int64_t> token = value->text() ? findToken(*list, *value->text()) : std::nullopt;
    if (!token) {
      evaluator.error(range, "bad-vocabulary",
                      "'start' and 'end' are tokens of the vocabulary, which has not " + value->describe());
      return false;
    }
    *place = *token;
  }
  int64_t around = (spec.first >= 0) + (spec.last >= 0);
  if (*count > around && llvm::isInt<20>(*count))
    return true;
  evaluator.error(range, "bad-extent",
                  "a text has from " + Twine(around + 1) + " to 524287 tokens, not " + Twine(*count));
  return false;
}

/// `tokens(text, words, at_most: k)`: token(len(words))[t <= k]. With pieces ("##ing") in the vocabulary, WordPiece.
static Value tokensOf(Evaluator &evaluator, std::vector<Value> &given, dsl::SourceRange range) {
  TokenizerSpec spec;
  if (!describeTokenizer(evaluator, given, "tokens", spec, range))
    return Value();
  spec.rule = "words";
  spec.lower = true;
  for (const Value &one : spec.vocabulary->elements) {
    llvm::StringRef token = *one.text();
    if (token.starts_with("##") && token.size() > 2)
      spec.rule = "pieces";
    // Capitals in a name such as [UNK] are none of the language.
    bool isName = (token.starts_with("[") && token.ends_with("]")) || (token.starts_with("<") && token.ends_with(">"));
    spec.lower &= isName || llvm::none_of(token, [](char c) { return c >= 'A' && c <= 'Z'; });
  }
  if (!given[6].isNone()) {
    auto *flag = given[6].get<bool>();
    if (!flag)
      return evaluator.error(range, "wrong-type", "'lower' is true or false, found " + given[6].describe());
    spec.lower = *flag;
  }
  return evaluator.pipeline.tokens(*given[0].textField(), spec, range);
}

static Value charactersOf(Evaluator &evaluator, std::vector<Value> &given, dsl::SourceRange range) {
  TokenizerSpec spec;
  if (given[1].text()) {
    std::vector<Value> letters{given[1], Value::none()};
    given[1] = alphabet(evaluator, letters, range);
  }
  if (!describeTokenizer(evaluator, given, "characters", spec, range))
    return Value();
  spec.rule = "characters";
  return evaluator.pipeline.tokens(*given[0].textField(), spec, range);
}

const Builtins &textBuiltins() {
  static const Builtins all = {
      {"vocabulary", {"file"}, vocabulary},
      {"alphabet", {"characters?", "file?"}, alphabet},
      {"tokens", {"text", "vocabulary", "at_most?", "exactly?", "start?", "end?", "lower?"}, tokensOf},
      {"characters", {"text", "vocabulary", "at_most?", "exactly?", "start?", "end?"}, charactersOf},
  };
  return all;
}

} // namespace xfer
