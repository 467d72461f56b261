//===- BuiltinsText.cpp - vocabularies, and the numbers that stand for text ---------------------------------------===//

#include "compiler/Elaborate/Builtins.h"
#include "compiler/Elaborate/Program.h"
#include "xfer/rt/TextFile.h"
#include "llvm/ADT/StringMap.h"

using namespace mlir;
using llvm::Twine;

namespace xfer {

static constexpr size_t maxTokens = size_t(1) << 20;

/// The place of a token; nothing where the vocabulary has it not.
static std::optional<int64_t> findToken(const List &vocabulary, llvm::StringRef token) {
  for (auto [i, one] : llvm::enumerate(vocabulary.elements))
    if (one.text() && *one.text() == token)
      return static_cast<int64_t>(i);
  return std::nullopt;
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
  std::vector<Value> tokens;
  llvm::StringMap<size_t> lineOf;
  llvm::StringRef rest = *text;
  auto wrong = [&](const Twine &what) {
    return evaluator.error(range, "bad-vocabulary", "'" + *name + "' is no vocabulary: " + what);
  };
  while (!rest.empty()) {
    auto [line, more] = rest.split('\n');
    rest = more;
    line.consume_back("\r");
    size_t number = tokens.size() + 1;
    if (line.empty())
      return wrong("line " + Twine(number) + " is empty; each line holds one token");
    for (llvm::StringRef left = line; !left.empty();) {
      bool valid;
      left = left.drop_front(rt::characterAt(left, valid));
      if (!valid)
        return wrong("line " + Twine(number) + " is not UTF-8");
    }
    auto [known, isNew] = lineOf.try_emplace(line, number);
    if (!isNew)
      return wrong("'" + line + "' stands in lines " + Twine(known->second) + " and " + Twine(number));
    if (number > maxTokens)
      return wrong("it has more than " + Twine(maxTokens) + " lines");
    tokens.push_back(Value::string(line));
  }
  return tokens.empty() ? wrong("it is empty; each line holds one token") : Value::list(std::move(tokens));
}

/// `alphabet("abc")`, `alphabet(file: "names.txt")`: characters; of a file those that occur, by their code points.
static Value alphabet(Evaluator &evaluator, std::vector<Value> &given, dsl::SourceRange range) {
  if (given[0].isPoison() || given[1].isPoison())
    return Value();
  const std::string *letters = given[0].text(), *name = given[1].text();
  if ((letters != nullptr) == (name != nullptr))
    return evaluator.error(range, "wrong-type", "'alphabet' wants either a string of characters or 'file:'");
  std::optional<std::string> text = letters ? std::optional(*letters) : evaluator.pipeline.readText(*name, range);
  if (!text)
    return Value();
  std::vector<Value> tokens;
  std::set<std::string> seen; // in UTF-8 the order of the bytes is that of the code points
  for (llvm::StringRef rest = *text; !rest.empty();) {
    bool valid;
    llvm::StringRef one = rest.take_front(rt::characterAt(rest, valid));
    rest = rest.drop_front(one.size());
    if (!valid)
      return evaluator.error(range, "bad-vocabulary",
                             (name ? "'" + *name + "'" : std::string("this alphabet")) + " is not UTF-8");
    bool isNew = seen.insert(one.str()).second;
    if (letters && !isNew)
      return evaluator.error(range, "bad-vocabulary", "'" + one + "' stands twice in this alphabet");
    if (letters)
      tokens.push_back(Value::string(one));
  }
  if (name)
    for (const std::string &one : seen)
      tokens.push_back(Value::string(one));
  if (tokens.empty())
    return evaluator.error(range, "bad-vocabulary", "an alphabet has at least one character");
  return Value::list(std::move(tokens));
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
