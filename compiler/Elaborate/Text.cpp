//===- Text.cpp - numbers that the runtime makes of text ----------------------------------------------------------===//
//
// A field of text is no tensor. What `tokens(text, ..)` stands for are two further fields of the domain (or inputs of
// an export), which the runtime fills while it reads: the numbers of the tokens and how many there are.
//
//===------------------------------------------------------------------------------------------------------------===//

#include "compiler/Elaborate/Emit.h"
#include "compiler/Elaborate/Pipeline.h"

using namespace mlir;
using llvm::Twine;

namespace xfer {

bool TokenizerSpec::operator==(const TokenizerSpec &other) const {
  if (rule != other.rule || atMost != other.atMost || exact != other.exact || lower != other.lower ||
      first != other.first || last != other.last || vocabulary->elements.size() != other.vocabulary->elements.size())
    return false;
  return vocabulary == other.vocabulary ||
         llvm::all_of(llvm::zip_equal(vocabulary->elements, other.vocabulary->elements),
                      [](auto both) { return *std::get<0>(both).text() == *std::get<1>(both).text(); });
}

static std::string tokenizerName(unsigned number) { return "tokens" + std::to_string(number); }

static std::string tokensName(llvm::StringRef text, unsigned number) {
  return (text + ":" + tokenizerName(number)).str();
}

std::pair<Attribute, Attribute> Pipeline::tokenFields(llvm::StringRef field, unsigned number) {
  const TokenizerSpec &tokenizer = tokenizers[number];
  StringAttr of = builder.getStringAttr(field), by = builder.getStringAttr(tokenizerName(number));
  std::string name = tokensName(field, number);
  Attribute numbers =
      pipeline::FieldAttr::get(&context, name, "i32", {tokenizer.atMost}, tokenizer.vocabulary->elements.size(),
                               builder.getStringAttr("token"), 0, of, by);
  if (tokenizer.exact)
    return {numbers, nullptr};
  return {numbers,
          pipeline::FieldAttr::get(&context, name + ":length", "i32", {}, 0, StringAttr(), tokenizer.atMost, of, by)};
}

Value Pipeline::tokens(const TextField &text, const TokenizerSpec &tokenizer, dsl::SourceRange range) {
  auto known = llvm::find(tokenizers, tokenizer);
  unsigned number = known - tokenizers.begin();
  if (known == tokenizers.end())
    tokenizers.push_back(tokenizer);
  SourceInfo source;
  nn::TensorInfo info;
  if (const SourceInfo *found = current->findSource(text.source)) {
    source = *found;
    if (source.sampler)
      for (const SamplerInfo::Part &part : source.sampler->parts())
        if (part.name == text.part)
          source.part = part;
    DomainInfo &domain = domains[source.domain];
    if (!llvm::is_contained(domain.tokens, std::make_pair(text.field, number)))
      domain.tokens.push_back({text.field, number});
    info.meaning.domains = {domain.name};
    info.meaning.hidden = domain.isHidden(text.field, source.split);
  } else if (current->inputs) {
    source.name = text.source;
    source.batch = exportBatch;
    source.isInput = true;
  } else {
    return error(range, "source-not-read", "the text '" + text.field + "' is no field of a source here");
  }
  if (source.isInput) {
    auto [numbers, length] = tokenFields(text.field, number);
    current->inputs->fields.push_back(numbers);
    if (length)
      current->inputs->fields.push_back(length);
  }
  info.element = builder.getI32Type();
  info.extents = {Extent(tokenizer.atMost)};
  info.meaning.tag = nn::Tag::Token;
  info.meaning.classes = tokenizer.vocabulary->elements.size();
  std::string name = tokensName(text.field, number);
  Tensor tokens = perBatch(source, name, info);
  if (!tokenizer.exact)
    tokens.axes.back() = boundedField(source, name + ":length");
  return inSample(tokens, range);
}

void Pipeline::emitTokenizers() {
  for (auto [number, tokenizer] : llvm::enumerate(tokenizers)) {
    SmallVector<StringRef> vocabulary;
    for (const Value &token : tokenizer.vocabulary->elements)
      vocabulary.push_back(*token.text());
    auto flag = [&](bool is) { return is ? builder.getUnitAttr() : UnitAttr(); };
    pipeline::TokenizerOp::create(builder, location({programFile, 0, 0}), text(tokenizerName(number)),
                                  text(tokenizer.rule), builder.getI64IntegerAttr(tokenizer.atMost),
                                  flag(tokenizer.exact), flag(tokenizer.lower),
                                  builder.getI64IntegerAttr(tokenizer.first), builder.getI64IntegerAttr(tokenizer.last),
                                  builder.getStrArrayAttr(vocabulary));
  }
}

std::optional<std::string> Pipeline::readText(llvm::StringRef name, dsl::SourceRange range) {
  return loader.readText(name, range);
}

} // namespace xfer
