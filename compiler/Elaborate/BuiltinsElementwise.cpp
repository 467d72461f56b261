//===- BuiltinsElementwise.cpp - functions of one element, and conversions ----------------------------------------===//

#include "compiler/Elaborate/Builtins.h"
#include <cmath>

using namespace mlir;
using llvm::Twine;

namespace xfer {

/// A function of a float: folded for a number, an operation for a tensor, leaf by leaf for a tree.
template <typename Op, double (*Fold)(double)>
static Value floatFunction(Evaluator &evaluator, std::vector<Value> &given, dsl::SourceRange range) {
  return lift(evaluator, given[0], range, [&](const Value &x) -> Value {
    if (auto number = x.asNumber())
      return Value(Fold(*number));
    std::optional<Tensor> tensor = evaluator.toTensor(x, range);
    if (!tensor)
      return Value();
    Type element = tensor->type().getElementType();
    if (!llvm::isa<FloatType>(element))
      tensor = evaluator.convert(*tensor, evaluator.builder().getF32Type(), range);
    return Tensor{Op::create(evaluator.builder(), evaluator.location(range), tensor->value), tensor->axes};
  });
}

static double signOf(double x) { return x > 0 ? 1 : x < 0 ? -1 : 0; }

/// `abs`, `sign`: ints stay ints. `floor` is the same, since an int is its own floor.
template <typename Op, double (*Fold)(double)>
static Value numberFunction(Evaluator &evaluator, std::vector<Value> &given, dsl::SourceRange range) {
  return lift(evaluator, given[0], range, [&](const Value &x) -> Value {
    if (auto number = x.asInteger())
      return Value(static_cast<int64_t>(Fold(static_cast<double>(*number))));
    if (auto number = x.asNumber())
      return Value(Fold(*number));
    std::optional<Tensor> tensor = evaluator.toTensor(x, range);
    if (!tensor)
      return Value();
    Type element = tensor->type().getElementType();
    if (element.isInteger(1) || element.isUnsignedInteger(8))
      tensor = evaluator.convert(*tensor, element = evaluator.builder().getI32Type(), range);
    if (std::is_same_v<Op, nn::FloorOp> && !llvm::isa<FloatType>(element))
      return Value(*tensor);
    return Tensor{Op::create(evaluator.builder(), evaluator.location(range), tensor->value), tensor->axes};
  });
}

/// The int that a number without a fraction is.
static Value intOf(Evaluator &evaluator, double number, dsl::SourceRange range) {
  if (number >= -0x1p63 && number < 0x1p63)
    return Value(static_cast<int64_t>(number));
  return reportOverflow(evaluator, range);
}

static Value floorOf(Evaluator &evaluator, std::vector<Value> &given, dsl::SourceRange range) {
  if (auto number = given[0].get<double>())
    return intOf(evaluator, std::floor(*number), range);
  return numberFunction<nn::FloorOp, std::floor>(evaluator, given, range);
}

template <char Element>
static Value conversion(Evaluator &evaluator, std::vector<Value> &given, dsl::SourceRange range) {
  return lift(evaluator, given[0], range, [&](const Value &x) -> Value {
    if (auto number = x.asNumber()) {
      if (Element == 'f')
        return Value(*number);
      if (Element == 'i')
        return x.asInteger() ? Value(*x.asInteger()) : intOf(evaluator, std::trunc(*number), range);
      return Value(*number != 0);
    }
    std::optional<Tensor> tensor = evaluator.toTensor(x, range);
    if (!tensor)
      return Value();
    OpBuilder &builder = evaluator.builder();
    Type element = Element == 'f'   ? Type(builder.getF32Type())
                   : Element == 'i' ? Type(builder.getI32Type())
                                    : Type(builder.getI1Type());
    return Value(evaluator.convert(*tensor, element, range));
  });
}

/// A condition of lower rank that is named for the first dimensions of what it chooses between chooses whole rows:
/// `where(fresh, x, old)` of [n] and [n, ..s]. By identity, never by extent, so that the size of a batch does not
/// change what is meant; any other condition meets them by rule 35.
static Tensor overRows(Evaluator &evaluator, const Tensor &condition, const Tensor &chosen, dsl::SourceRange range) {
  int64_t behind = chosen.rank() - condition.rank();
  std::vector<Dim> shape = evaluator.shapeOf(condition), wide = evaluator.shapeOf(chosen);
  auto isNamedFrom = [&](int64_t place) {
    return llvm::all_of(llvm::enumerate(shape), [&](auto dim) {
      const Dim &other = wide[place + dim.index()];
      return dim.value().axis && evaluator.isSameAxis(dim.value().axis, other.axis) &&
             dim.value().extent == other.extent;
    });
  };
  if (shape.empty() || behind <= 0 || !isNamedFrom(0) || isNamedFrom(behind))
    return condition;
  shape.resize(wide.size(), Dim{Extent(1), 0});
  return reshapeTo(evaluator.builder(), evaluator.location(range), condition, shape);
}

static Value choose(Evaluator &evaluator, std::vector<Value> &given, dsl::SourceRange range) {
  if (given[1].tree() || given[2].tree() || given[1].module() || given[2].module())
    return evaluator.overLeaves({given[0], given[1], given[2]}, range, [&](llvm::ArrayRef<Value> parts) {
      std::vector<Value> one(parts.begin(), parts.end());
      return choose(evaluator, one, range);
    });
  if (auto *flag = given[0].get<bool>())
    return *flag ? given[1] : given[2];
  std::optional<Tensor> condition = evaluator.toTensor(given[0], range), a = evaluator.toTensor(given[1], range),
                        b = evaluator.toTensor(given[2], range);
  if (!condition || !a || !b)
    return Value();
  if (!condition->type().getElementType().isInteger(1))
    return evaluator.error(range, "wrong-element-type",
                           "the condition of 'where' is a bool, found " + given[0].describe());
  // A number takes the element type of the tensor on the other side.
  Type elementA = a->type().getElementType(), elementB = b->type().getElementType();
  if (!given[1].tensor() && llvm::isa<FloatType>(elementB))
    a = evaluator.toTensor(given[1], range, elementB);
  if (!given[2].tensor() && llvm::isa<FloatType>(elementA))
    b = evaluator.toTensor(given[2], range, elementA);
  // All three come to the shape of the largest.
  if (!evaluator.unify(*a, *b, range))
    return Value();
  Tensor flag = overRows(evaluator, *condition, *a, range);
  std::vector<Dim> target = evaluator.shapeOf(*a), other = evaluator.shapeOf(flag);
  if (other.size() > target.size())
    target = other;
  else if (other.size() == target.size())
    for (auto [t, o] : llvm::zip(target, other))
      if (t.extent.size == 1 || !t.axis)
        t = t.extent.size == 1 || t.extent == o.extent ? o : t;
  std::optional<Tensor> c = evaluator.broadcast(flag, target, range), x = evaluator.broadcast(*a, target, range),
                        y = evaluator.broadcast(*b, target, range);
  if (!c || !x || !y)
    return Value();
  return Tensor{nn::SelectOp::create(evaluator.builder(), evaluator.location(range), c->value, x->value, y->value),
                x->axes};
}

static Value unitOf(Evaluator &evaluator, std::vector<Value> &given, dsl::SourceRange range) {
  std::optional<Tensor> x = evaluator.toTensor(given[0], range);
  if (!x)
    return Value();
  nn::Meaning meaning = meaningOf(x->value);
  if (meaning.normalised)
    return evaluator.error(range, "normalised-twice",
                           "this value has been normalised already; leave this 'normalize' out");
  if (meaning.tag == nn::Tag::Unit)
    return Value(*x);
  if (x->type().getElementType().isUnsignedInteger(8)) {
    Value scaled =
        evaluator.binary(dsl::BinaryOp::Multiply, Value(evaluator.convert(*x, evaluator.builder().getF32Type(), range)),
                         Value(1.0 / 255.0), range);
    if (!scaled.tensor())
      return scaled;
    x = *scaled.tensor();
  }
  meaning.tag = nn::Tag::Unit;
  return Tensor{annotate(evaluator.builder(), evaluator.location(range), x->value, meaning), x->axes};
}

/// Compile-time numbers: one, or one a channel.
static std::optional<SmallVector<float, 3>> knownNumbers(const Value &value) {
  std::vector<Value> all{value};
  if (const List *list = value.list())
    all = list->elements;
  SmallVector<float, 3> numbers;
  for (const Value &one : all) {
    std::optional<double> number = one.asNumber();
    if (!number)
      return std::nullopt;
    numbers.push_back(static_cast<float>(*number));
  }
  return numbers;
}

/// `normalised(x, mean, std)`: x went through `normalize` with these, which are remembered where they are known.
static Value normalisedOf(Evaluator &evaluator, std::vector<Value> &given, dsl::SourceRange range) {
  std::optional<Tensor> x = evaluator.toTensor(given[0], range);
  if (!x)
    return Value();
  nn::Meaning meaning = meaningOf(x->value);
  if (meaning.normalised)
    return evaluator.error(range, "normalised-twice",
                           "this value has been normalised already; leave this 'normalize' out");
  meaning.tag = nn::Tag::None;
  meaning.normalised = true;
  auto mean = knownNumbers(given[1]), deviation = knownNumbers(given[2]);
  if (mean && deviation) {
    size_t count = std::max(mean->size(), deviation->size());
    mean->resize(count, mean->empty() ? 0 : mean->front());
    deviation->resize(count, deviation->empty() ? 1 : deviation->front());
    meaning.statistics.append(*mean);
    meaning.statistics.append(*deviation);
  }
  return Tensor{annotate(evaluator.builder(), evaluator.location(range), x->value, meaning), x->axes};
}

/// `normalisation(x)`: none of what is not normalised, else the record (mean, std), of lists or, where one number
/// stands for all channels, of numbers; an error if they are not known.
static Value normalisationOf(Evaluator &evaluator, std::vector<Value> &given, dsl::SourceRange range) {
  std::optional<Tensor> x = evaluator.toTensor(given[0], range);
  if (!x)
    return Value();
  nn::Meaning meaning = meaningOf(x->value);
  if (!meaning.normalised)
    return Value::none();
  size_t count = meaning.statistics.size() / 2;
  bool fits = count == 1 || (count > 1 && x->rank() > 0 && x->type().getShape().back() == static_cast<int64_t>(count));
  if (!fits)
    return evaluator.error(
        range, "normalisation-unknown",
        "this works on values in [0, 1]; " + given[0].describe() +
            " was normalised with numbers that are not known here; normalise with constants, or later");
  if (count == 1) // one for all channels
    return Value::record({{"mean", Value(static_cast<double>(meaning.statistics[0]))},
                          {"std", Value(static_cast<double>(meaning.statistics[1]))}});
  std::vector<Value> parts[2];
  for (auto [i, number] : llvm::enumerate(meaning.statistics))
    parts[i / count].push_back(Value(static_cast<double>(number)));
  return Value::record({{"mean", Value::list(std::move(parts[0]))}, {"std", Value::list(std::move(parts[1]))}});
}

/// `tag(x)`: what its type says the numbers are, "" if nothing.
static Value tagOf(Evaluator &evaluator, std::vector<Value> &given, dsl::SourceRange range) {
  std::optional<Tensor> x = evaluator.toTensor(given[0], range);
  if (!x)
    return Value();
  nn::Tag tag = meaningOf(x->value).tag;
  return Value::string(tag == nn::Tag::None ? "" : nn::stringifyTag(tag));
}

/// `classes(i, k)`: an int becomes a label of k classes.
static Value classesOf(Evaluator &evaluator, std::vector<Value> &given, dsl::SourceRange range) {
  std::optional<Tensor> x = evaluator.toTensor(given[0], range, evaluator.builder().getI32Type());
  std::optional<int64_t> count = intArgument(evaluator, given[1], std::nullopt, "k", range);
  if (!x || !count)
    return Value();
  nn::Meaning meaning = meaningOf(x->value);
  meaning.tag = nn::Tag::Class;
  meaning.classes = *count;
  return Tensor{annotate(evaluator.builder(), evaluator.location(range), x->value, meaning), x->axes};
}

static Value dtypeOf(Evaluator &evaluator, std::vector<Value> &given, dsl::SourceRange range) {
  std::optional<Tensor> x = evaluator.toTensor(given[0], range);
  if (!x)
    return Value();
  Type element = x->type().getElementType();
  return Value::string(llvm::isa<FloatType>(element)  ? "f32"
                       : element.isInteger(1)         ? "bool"
                       : element.isUnsignedInteger(8) ? "u8"
                                                      : "int");
}

static Value withDomains(Evaluator &evaluator, std::vector<Value> &given, dsl::SourceRange range) {
  std::optional<Tensor> y = evaluator.toTensor(given[0], range), x = evaluator.toTensor(given[1], range);
  if (!y || !x)
    return Value();
  nn::Meaning meaning = meaningOf(y->value);
  meaning.domains = meaningOf(x->value).domains;
  return Tensor{annotate(evaluator.builder(), evaluator.location(range), y->value, meaning), y->axes};
}

/// `with_range(y, x)`: y has the range of values that x has: unit, or normalised.
static Value withRange(Evaluator &evaluator, std::vector<Value> &given, dsl::SourceRange range) {
  std::optional<Tensor> y = evaluator.toTensor(given[0], range), x = evaluator.toTensor(given[1], range);
  if (!y || !x)
    return Value();
  nn::Meaning meaning = meaningOf(y->value), from = meaningOf(x->value);
  meaning.tag =
      from.tag == nn::Tag::Unit || x->type().getElementType().isUnsignedInteger(8) ? nn::Tag::Unit : nn::Tag::None;
  meaning.classes = 0;
  meaning.normalised = from.normalised;
  meaning.statistics = from.statistics;
  return Tensor{annotate(evaluator.builder(), evaluator.location(range), y->value, meaning), y->axes};
}

static Value domainOf(Evaluator &evaluator, std::vector<Value> &given, dsl::SourceRange range) {
  std::optional<Tensor> x = evaluator.toTensor(given[0], range);
  if (!x)
    return Value();
  nn::Meaning meaning = meaningOf(x->value);
  if (meaning.domains.size() != 1)
    return evaluator.error(range, "domain-not-single",
                           meaning.domains.empty()
                               ? Twine("this value comes from no domain")
                               : Twine("this value mixes the domains " + llvm::join(meaning.domains, ", ") +
                                       "; call once for each domain instead of once for the mixture"));
  // Of a member of a family, its index.
  llvm::StringRef name = meaning.domains.front();
  if (size_t open = name.find('['); open != llvm::StringRef::npos && name.ends_with("]"))
    name = name.drop_front(open + 1).drop_back();
  return Value::string(name);
}

const Builtins &elementwiseBuiltins() {
  static const Builtins all = {
      {"exp", {"x"}, floatFunction<nn::ExpOp, std::exp>},
      {"log", {"x"}, floatFunction<nn::LogOp, std::log>},
      {"sqrt", {"x"}, floatFunction<nn::SqrtOp, std::sqrt>},
      {"tanh", {"x"}, floatFunction<nn::TanhOp, std::tanh>},
      {"erf", {"x"}, floatFunction<nn::ErfOp, std::erf>},
      {"sin", {"x"}, floatFunction<nn::SinOp, std::sin>},
      {"cos", {"x"}, floatFunction<nn::CosOp, std::cos>},
      {"floor", {"x"}, floorOf},
      {"abs", {"x"}, numberFunction<nn::AbsOp, std::fabs>},
      {"sign", {"x"}, numberFunction<nn::SignOp, signOf>},
      {"f32", {"x"}, conversion<'f'>},
      {"int", {"x"}, conversion<'i'>},
      {"bool", {"x"}, conversion<'b'>},
      {"where", {"condition", "a", "b"}, choose},
      {"unit", {"x"}, unitOf},
      {"normalised", {"x", "mean?", "std?"}, normalisedOf},
      {"normalisation", {"x"}, normalisationOf},
      {"tag", {"x"}, tagOf},
      {"classes", {"i", "k"}, classesOf},
      {"dtype", {"x"}, dtypeOf},
      {"with_domains", {"y", "x"}, withDomains},
      {"with_range", {"y", "x"}, withRange},
      {"domain_of", {"x"}, domainOf},
  };
  return all;
}

} // namespace xfer
