//===- Meaning.cpp - extents and meaning of tensors -------------------------------------------------------------===//

#include "compiler/Dialect/NN/IR/Meaning.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/TypeUtilities.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace xfer::nn;

llvm::SmallVector<StringRef, 2> Extent::terms() const {
  llvm::SmallVector<StringRef, 2> terms;
  StringRef(symbol).split(terms, " + ");
  return terms;
}

Extent Extent::sum(const Extent &a, const Extent &b) {
  if (!a.isDynamic() && !b.isDynamic())
    return Extent(a.size + b.size);
  int64_t fixed = 0;
  SmallVector<StringRef> names;
  for (const Extent *part : {&a, &b}) {
    if (!part->isDynamic()) {
      fixed += part->size;
      continue;
    }
    if (part->symbol.empty())
      return Extent();
    for (StringRef term : part->terms()) {
      int64_t number;
      if (!term.getAsInteger(10, number))
        fixed += number;
      else
        names.push_back(term);
    }
  }
  llvm::sort(names);
  std::string symbol = llvm::join(names, " + ");
  return symbolic(fixed ? symbol + " + " + std::to_string(fixed) : symbol);
}

Meaning Meaning::of(Type type) {
  Meaning meaning;
  auto tensor = dyn_cast<RankedTensorType>(type);
  auto encoding = tensor ? dyn_cast_or_null<MeaningAttr>(tensor.getEncoding()) : MeaningAttr();
  if (!encoding)
    return meaning;
  meaning.tag = encoding.getTag();
  meaning.classes = encoding.getClasses();
  for (StringAttr domain : encoding.getDomains())
    meaning.domains.push_back(domain.str());
  meaning.hidden = encoding.getHidden();
  meaning.normalised = encoding.getNormalised();
  if (DenseF32ArrayAttr statistics = encoding.getStatistics())
    meaning.statistics.append(statistics.asArrayRef().begin(), statistics.asArrayRef().end());
  return meaning;
}

Meaning Meaning::join(const Meaning &a, const Meaning &b) {
  Meaning result;
  std::set_union(a.domains.begin(), a.domains.end(), b.domains.begin(), b.domains.end(),
                 std::back_inserter(result.domains));
  result.hidden = a.hidden || b.hidden;
  return result;
}

bool Meaning::operator==(const Meaning &other) const {
  return tag == other.tag && classes == other.classes && domains == other.domains && hidden == other.hidden &&
         normalised == other.normalised && statistics == other.statistics;
}

TensorInfo TensorInfo::of(Type type) {
  return {cast<RankedTensorType>(type).getElementType(), extentsOf(type), Meaning::of(type)};
}

RankedTensorType TensorInfo::type() const {
  MLIRContext *context = element.getContext();
  SmallVector<int64_t> sizes;
  SmallVector<StringAttr> symbols, domains;
  bool named = false;
  for (const Extent &extent : extents) {
    sizes.push_back(extent.size);
    symbols.push_back(StringAttr::get(context, extent.symbol));
    named |= !extent.symbol.empty();
  }
  if (!named)
    symbols.clear();
  if (meaning.isEmpty() && !named)
    return RankedTensorType::get(sizes, element);
  for (const std::string &domain : meaning.domains)
    domains.push_back(StringAttr::get(context, domain));
  DenseF32ArrayAttr statistics;
  if (!meaning.statistics.empty())
    statistics = DenseF32ArrayAttr::get(context, meaning.statistics);
  auto encoding = MeaningAttr::get(context, meaning.tag, meaning.classes, domains, meaning.hidden, meaning.normalised,
                                   statistics, symbols);
  return RankedTensorType::get(sizes, element, encoding);
}

bool xfer::nn::isFloat(Type type) { return isa<FloatType>(getElementTypeOrSelf(type)); }

Extents xfer::nn::extentsOf(Type type) {
  auto tensor = cast<RankedTensorType>(type);
  auto encoding = dyn_cast_or_null<MeaningAttr>(tensor.getEncoding());
  Extents extents;
  for (auto [axis, size] : llvm::enumerate(tensor.getShape())) {
    extents.push_back(Extent(size));
    if (encoding && axis < encoding.getSymbols().size())
      extents.back().symbol = encoding.getSymbols()[axis].str();
  }
  return extents;
}

RankedTensorType xfer::nn::withExtents(Type type, ArrayRef<Extent> extents) {
  TensorInfo info = TensorInfo::of(type);
  info.extents.assign(extents.begin(), extents.end());
  return info.type();
}

RankedTensorType xfer::nn::withElement(Type type, Type element) {
  TensorInfo info = TensorInfo::of(type);
  info.element = element;
  return info.type();
}

RankedTensorType xfer::nn::withMeaning(Type type, const Meaning &meaning) {
  TensorInfo info = TensorInfo::of(type);
  info.meaning = meaning;
  return info.type();
}

RankedTensorType xfer::nn::withoutMeaning(Type type) { return withMeaning(type, Meaning()); }

std::string xfer::nn::toString(ArrayRef<Extent> extents) {
  auto name = [](const Extent &extent) {
    return !extent.isDynamic() ? std::to_string(extent.size) : extent.symbol.empty() ? "?" : extent.symbol;
  };
  return "[" + llvm::join(llvm::map_range(extents, name), ", ") + "]";
}

bool xfer::nn::compatible(Type a, Type b) {
  auto first = dyn_cast<RankedTensorType>(a), second = dyn_cast<RankedTensorType>(b);
  if (!first || !second)
    return a == b;
  return first.getElementType() == second.getElementType() && first.getRank() == second.getRank() &&
         llvm::all_of(llvm::zip(extentsOf(a), extentsOf(b)),
                      [](auto pair) { return std::get<0>(pair).agrees(std::get<1>(pair)); });
}

bool xfer::nn::compatible(TypeRange a, TypeRange b) {
  return a.size() == b.size() &&
         llvm::all_of(llvm::zip(a, b), [](auto pair) { return compatible(std::get<0>(pair), std::get<1>(pair)); });
}

//===----------------------------------------------------------------------===//
// #nn.meaning
//===----------------------------------------------------------------------===//

static FailureOr<SmallVector<StringAttr>> parseStrings(AsmParser &parser) {
  SmallVector<StringAttr> texts;
  auto parseOne = [&] { return parser.parseAttribute(texts.emplace_back()); };
  if (failed(parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, parseOne)))
    return failure();
  return texts;
}

Attribute MeaningAttr::parse(AsmParser &parser, Type) {
  Tag tag = Tag::None;
  int64_t classes = 0;
  bool hidden = false, normalised = false;
  DenseF32ArrayAttr statistics;
  SmallVector<StringAttr> domains, symbols;
  auto parseField = [&]() -> ParseResult {
    StringRef field, name;
    SMLoc location = parser.getCurrentLocation();
    if (failed(parser.parseKeyword(&field)))
      return failure();
    if (field == "hidden" || field == "normalised") {
      (field == "hidden" ? hidden : normalised) = true;
      return success();
    }
    if (failed(parser.parseEqual()))
      return failure();
    if (field == "tag") {
      if (failed(parser.parseKeyword(&name)))
        return failure();
      auto known = symbolizeTag(name);
      tag = known.value_or(Tag::None);
      return known ? success() : ParseResult(parser.emitError(location, "unknown tag '") << name << "'");
    }
    if (field == "classes")
      return parser.parseInteger(classes);
    if (field == "statistics")
      return parser.parseAttribute(statistics);
    if (field != "domains" && field != "symbols")
      return parser.emitError(location, "unknown field '") << field << "' of a meaning";
    auto texts = parseStrings(parser);
    if (failed(texts))
      return failure();
    (field == "domains" ? domains : symbols) = *texts;
    return success();
  };
  if (failed(parser.parseCommaSeparatedList(AsmParser::Delimiter::LessGreater, parseField)))
    return {};
  auto error = [&] { return parser.emitError(parser.getNameLoc()); };
  return getChecked(error, parser.getContext(), tag, classes, ArrayRef<StringAttr>(domains), hidden, normalised,
                    statistics, ArrayRef<StringAttr>(symbols));
}

void MeaningAttr::print(AsmPrinter &printer) const {
  SmallVector<std::string> fields;
  auto list = [](ArrayRef<StringAttr> texts) {
    std::string out;
    llvm::raw_string_ostream stream(out);
    llvm::interleaveComma(texts, stream, [&](StringAttr text) { stream << Attribute(text); });
    return "[" + out + "]";
  };
  if (getTag() != Tag::None)
    fields.push_back("tag = " + stringifyTag(getTag()).str());
  if (getClasses())
    fields.push_back("classes = " + std::to_string(getClasses()));
  if (!getDomains().empty())
    fields.push_back("domains = " + list(getDomains()));
  if (getHidden())
    fields.push_back("hidden");
  if (getNormalised())
    fields.push_back("normalised");
  if (getStatistics()) {
    std::string text;
    llvm::raw_string_ostream(text) << getStatistics();
    fields.push_back("statistics = " + text);
  }
  if (!getSymbols().empty())
    fields.push_back("symbols = " + list(getSymbols()));
  printer << "<" << llvm::join(fields, ", ") << ">";
}

LogicalResult MeaningAttr::verify(function_ref<InFlightDiagnostic()> error, Tag tag, int64_t classes,
                                  ArrayRef<StringAttr> domains, bool, bool normalised, DenseF32ArrayAttr statistics,
                                  ArrayRef<StringAttr>) {
  if (classes < 0 || (classes && tag != Tag::Class && tag != Tag::Token))
    return error() << "only the tags 'class' and 'token' have a number of classes";
  if (statistics && (!normalised || statistics.size() % 2 != 0))
    return error() << "only normalised values have statistics, as many means as deviations";
  for (size_t i = 1; i < domains.size(); ++i)
    if (domains[i - 1].getValue() >= domains[i].getValue())
      return error() << "domains must be sorted and different";
  return success();
}

LogicalResult MeaningAttr::verifyEncoding(ArrayRef<int64_t> shape, Type,
                                          function_ref<InFlightDiagnostic()> error) const {
  if (getSymbols().empty())
    return success();
  if (getSymbols().size() != shape.size())
    return error() << "expected one symbol for each of " << shape.size() << " axes, found " << getSymbols().size();
  for (auto [size, symbol] : llvm::zip(shape, getSymbols()))
    if (!ShapedType::isDynamic(size) && !symbol.empty())
      return error() << "symbol " << symbol << " names a static extent";
  return success();
}
