//===- Types.cpp - annotations: what a value must be, and what its dimensions are called --------------------------===//
//
// A name in `[n, d]` is a dimension variable: free at its first use, afterwards the extent that it was bound to.
// Binding gives an axis a new identity for the duration of the call, so that two dimensions of one extent stay apart;
// on the way out the caller's identities come back (AxisNames).
//
//===------------------------------------------------------------------------------------------------------------===//

#include "compiler/Elaborate/Emit.h"
#include "compiler/Elaborate/Evaluator.h"

using namespace mlir;
using llvm::Twine;

namespace xfer {

Value Evaluator::AxisNames::restore(const Value &value) const {
  if (auto *tensor = value.tensor()) {
    Tensor renamed = *tensor;
    for (AxisId &axis : renamed.axes)
      for (bool again = true; again;) {
        auto found = evaluator.callerAxis.find(axis);
        again = found != evaluator.callerAxis.end() && axis > mark;
        if (again)
          axis = found->second;
      }
    return Value(renamed);
  }
  if (auto *list = value.list()) {
    std::vector<Value> all;
    for (const Value &element : list->elements)
      all.push_back(restore(element));
    return Value::list(std::move(all), list->tuple);
  }
  if (auto *record = value.record()) {
    std::vector<std::pair<std::string, Value>> fields;
    for (auto &field : record->fields)
      fields.push_back({field.first, restore(field.second)});
    return Value::record(std::move(fields));
  }
  return value;
}

namespace {
struct TagRule {
  const char *name;
  nn::Tag tag;
  char element; // f, i, u or b
};
} // namespace

static const TagRule *findTag(llvm::StringRef name) {
  static const TagRule rules[] = {
      {"f32", nn::Tag::None, 'f'},    {"float", nn::Tag::None, 'f'},      {"int", nn::Tag::None, 'i'},
      {"bool", nn::Tag::None, 'b'},   {"u8", nn::Tag::None, 'u'},         {"logits", nn::Tag::Logits, 'f'},
      {"prob", nn::Tag::Prob, 'f'},   {"logprob", nn::Tag::LogProb, 'f'}, {"unit", nn::Tag::Unit, 'f'},
      {"class", nn::Tag::Class, 'i'}, {"token", nn::Tag::Token, 'i'}};
  for (const TagRule &rule : rules)
    if (name == rule.name)
      return &rule;
  return nullptr;
}

static llvm::StringRef tagName(nn::Tag tag) { return nn::stringifyTag(tag); }

/// The comparison of `k <= N`, else null.
static const dsl::BinaryExpr *boundedDimension(const dsl::Dim &dim) {
  auto *bounded = llvm::dyn_cast_or_null<dsl::BinaryExpr>(dim.value.get());
  return bounded && bounded->op == dsl::BinaryOp::LessEqual ? bounded : nullptr;
}

static Type typeOf(MLIRContext *context, char element) {
  switch (element) {
  case 'f':
    return Float32Type::get(context);
  case 'i':
    return IntegerType::get(context, 32);
  case 'b':
    return IntegerType::get(context, 1);
  default:
    return IntegerType::get(context, 8, IntegerType::Unsigned);
  }
}

/// True if `name` stands for a dimension that this scope has not bound yet: nothing inside has the name, and what has
/// it in the program is no number.
bool Evaluator::isFreeDimension(const dsl::NameExpr &name, const ScopePtr &scope) {
  if (scope->find(name.name))
    return false;
  std::optional<Value> known;
  if (scope->seesProgram())
    known = pipeline.lookup(name.name, name.range, scope->seesStage());
  return !known || !(known->asInteger() || known->tensor());
}

std::string Evaluator::describeType(const dsl::Type &type) const { return sources.getText(type.range).str(); }

/// An axis of an argument turns out to be one that the signature has named before.
bool Evaluator::joinAxis(Tensor &tensor, size_t position, AxisId known, dsl::SourceRange range) {
  AxisId own = tensor.axes[position];
  if (isRagged(tensor, position) && !isSameAxis(own, known)) {
    if (boundOf(known)) {
      error(range, "lengths-differ",
            "two bounded dimensions under one name, whose lengths are not the same; fields share a length by naming "
            "the same dimension");
      return false;
    }
    callerAxis[known] = own; // one is bounded, so both are
  }
  tensor.axes[position] = known;
  return true;
}

/// Matches the axes of `tensor` against `dims`; renames them; false after an error.
bool Evaluator::matchDims(Tensor &tensor, const std::vector<dsl::Dim> &dims, const ScopePtr &scope,
                          llvm::StringRef what, const dsl::Type &type, dsl::SourceRange range) {
  std::vector<Dim> own = shapeOf(tensor);
  auto mismatch = [&](const Twine &detail) {
    error(range, "shapes-differ",
          "'" + what + "' is declared as " + describeType(type) + ", found " + describeDims(own) +
              (detail.isTriviallyEmpty() ? Twine() : ": " + detail));
    return false;
  };
  size_t packs = llvm::count_if(dims, [](const dsl::Dim &dim) { return dim.kind == dsl::Dim::Kind::Rest; });
  if (packs > 1) {
    error(type.range, "two-packs", "a shape has at most one '..'; name the extents of the other");
    return false;
  }
  if (packs ? own.size() + 1 < dims.size() : own.size() != dims.size())
    return mismatch("");
  size_t position = 0;
  for (const dsl::Dim &dim : dims) {
    if (dim.kind == dsl::Dim::Kind::Varies)
      return mismatch("'?' stands only in 'fields' and exports");
    if (dim.kind == dsl::Dim::Kind::Rest) {
      size_t count = own.size() + 1 - dims.size();
      Pack pack;
      const Value *known = dim.name ? scope->find(dim.name->text) : nullptr;
      const Pack *bound = known ? known->get<Pack>() : nullptr;
      auto differs = [&] {
        return mismatch("'.." + dim.name->text + "' is " + describeDims(bound->dims) + " elsewhere");
      };
      if (bound && bound->dims.size() != count)
        return differs();
      for (size_t i = 0; i < count; ++i, ++position) {
        if (bound) {
          if (bound->dims[i].extent != own[position].extent)
            return differs();
          if (!joinAxis(tensor, position, bound->dims[i].axis, range))
            return false;
          continue;
        }
        AxisId axis = freshAxis();
        callerAxis[axis] = tensor.axes[position];
        tensor.axes[position] = axis;
        pack.dims.push_back({own[position].extent, axis});
      }
      if (dim.name && !bound)
        scope->define(dim.name->text, Value(pack));
      continue;
    }
    const dsl::Expr *extent = dim.value.get();
    if (auto *bounded = boundedDimension(dim)) {
      // `m <= 100`: what is declared so has a length for each sample, and that many entries.
      extent = bounded->lhs.get();
      std::optional<int64_t> most = evaluate(*bounded->rhs, scope).asInteger();
      if (!boundOf(tensor.axes[position]) || own[position].extent.size != most.value_or(-1))
        return mismatch(boundOf(tensor.axes[position])
                            ? "the dimension is bounded by " + describeExtent(own[position].extent)
                            : Twine("the dimension has no length for each sample; 'bounded(x, length)' gives it one"));
    }
    auto *name = llvm::dyn_cast<dsl::NameExpr>(extent);
    if (name && isFreeDimension(*name, scope)) {
      AxisId axis = freshAxis();
      callerAxis[axis] = tensor.axes[position];
      tensor.axes[position] = axis;
      scope->define(name->name, Value(Dim{own[position].extent, axis}));
      ++position;
      continue;
    }
    Value wanted = evaluate(*extent, scope);
    if (wanted.isPoison())
      return false;
    if (auto *known = wanted.get<Dim>()) {
      if (known->extent != own[position].extent)
        return mismatch("'" + sources.getText(dim.range) + "' is " + describeExtent(known->extent) + ", not " +
                        describeExtent(own[position].extent));
      if (known->axis && !joinAxis(tensor, position, known->axis, range))
        return false;
    } else {
      std::optional<int64_t> number = wanted.asInteger();
      if (!number) {
        error(dim.range, "bad-extent", "an extent is an int known at compile time, found " + wanted.describe());
        return false;
      }
      if (own[position].extent.size != *number)
        return mismatch("'" + sources.getText(dim.range) + "' is " + Twine(*number) + ", not " +
                        describeExtent(own[position].extent));
    }
    ++position;
  }
  return true;
}

Value Evaluator::conformTensor(const Value &value, const dsl::Type &type, llvm::StringRef element,
                               const std::vector<dsl::Argument> *arguments, const std::vector<dsl::Dim> *dims,
                               const ScopePtr &scope, llvm::StringRef what, dsl::SourceRange range, bool isResult) {
  const TagRule *rule = findTag(element);
  // A number known at compile time stays one: `rate: [] = 1e-3`.
  bool scalar = !dims || dims->empty();
  if (!value.tensor() && scalar && value.isNumber()) {
    if (rule->element == 'i' && !value.asInteger())
      return error(range, "wrong-type", "'" + what + "' is an int, found " + value.describe());
    return value;
  }
  if (value.tree() && scalar)
    return value; // one scalar a leaf: rates of an optimizer
  std::optional<Tensor> tensor = toTensor(value, range);
  if (!tensor)
    return Value();
  Type wanted = typeOf(&context, rule->element);
  Type found = tensor->type().getElementType();
  if (found != wanted) {
    bool widens =
        llvm::isa<FloatType>(wanted) && (found.isInteger(32) || found.isInteger(1)) && rule->tag == nn::Tag::None;
    if (!widens)
      return error(range, "wrong-element-type",
                   "'" + what + "' is declared as " + describeType(type) + ", found " + value.describe() +
                       (found.isUnsignedInteger(8) ? "; 'unit' or 'normalize' turns u8 into numbers" : ""));
    // A label is no number: as one it would forget its classes.
    nn::Tag tag = meaningOf(tensor->value).tag;
    if (tag == nn::Tag::Class || tag == nn::Tag::Token) {
      int64_t count = meaningOf(tensor->value).classes;
      std::string known = (tagName(tag) + "(" + (count ? std::to_string(count) : "k") + ")").str();
      return error(range, "wrong-element-type",
                   "'" + what + "' is declared as " + describeType(type) + ", numbers, found " + known +
                       "; declare it as '" + tagName(tag) + "(k)[..]', or say 'f32(..)' where the numbers of the " +
                       (tag == nn::Tag::Class ? "classes" : "tokens") + " are meant");
    }
    tensor = convert(*tensor, wanted, range);
  }
  nn::Meaning meaning = meaningOf(tensor->value);
  if (rule->tag != nn::Tag::None) {
    if (!isResult && meaning.tag != nn::Tag::None && meaning.tag != rule->tag)
      return error(range, "wrong-tag",
                   "'" + what + "' takes " + tagName(rule->tag) + ", found " + tagName(meaning.tag) +
                       (rule->tag == nn::Tag::Logits && meaning.tag == nn::Tag::Prob
                            ? "; softmax has been applied already"
                            : ""));
    if (arguments && !arguments->empty()) {
      const dsl::Expr &count = *arguments->front().value;
      auto *name = llvm::dyn_cast<dsl::NameExpr>(&count);
      if (name && !scope->find(name->name) && meaning.classes) {
        scope->define(name->name, Value(Dim{Extent(meaning.classes), 0}));
      } else {
        Value known = evaluate(count, scope);
        std::optional<int64_t> number = known.asInteger();
        if (!number)
          return known.isPoison() ? known : error(count.range, "bad-extent", "the number of classes is not known here");
        if (meaning.classes && meaning.classes != *number && !isResult)
          return error(range, "classes-differ",
                       "'" + what + "' has " + Twine(*number) + " classes here, found " + Twine(meaning.classes) +
                           "; the last layer has one output a class");
        meaning.classes = *number;
      }
    }
    meaning.tag = rule->tag;
    tensor->value = annotate(builder(), location(range), tensor->value, meaning);
  }
  static const std::vector<dsl::Dim> none;
  if (!matchDims(*tensor, dims ? *dims : none, scope, what, type, range))
    return Value();
  return Value(*tensor);
}

static const std::vector<dsl::Dim> *dimsOf(const dsl::Type *type) {
  if (auto *shaped = llvm::dyn_cast_or_null<dsl::DimsType>(type))
    return &shaped->dims;
  auto *named = llvm::dyn_cast_or_null<dsl::NamedType>(type);
  return named && named->dims ? &*named->dims : nullptr;
}

/// `inner: module([.., in]) -> [.., out]`: `out` is what the module that is handed over says of its result, where its
/// own arguments decide that: `-> [.., out]` of `linear(out)`.
void Evaluator::bindSignature(const dsl::ModuleType &type, const Value &value, const ScopePtr &scope) {
  auto constructor = value.constructor();
  if (!constructor && value.module())
    constructor = value.module()->instance->constructor;
  const std::vector<dsl::Dim> *wanted = dimsOf(type.result.get());
  const std::vector<dsl::Dim> *given = constructor ? dimsOf(constructor->definition->result.get()) : nullptr;
  if (!wanted || !given)
    return;
  ScopePtr arguments = Scope::inside(constructor->closure);
  arguments->barrier = true;
  if (!bindFormals(constructor->definition->name.text, constructor->definition->arguments, *constructor->arguments,
                   arguments, constructor->range))
    return;
  // From the last axis to the first '..' of either.
  for (auto [ours, theirs] : llvm::zip(llvm::reverse(*wanted), llvm::reverse(*given))) {
    if (ours.kind != dsl::Dim::Kind::Extent || theirs.kind != dsl::Dim::Kind::Extent)
      return;
    auto *name = llvm::dyn_cast<dsl::NameExpr>(ours.value.get());
    auto *source = llvm::dyn_cast<dsl::NameExpr>(theirs.value.get());
    if (!name || scope->find(name->name) || (source && !arguments->findHere(source->name)))
      continue;
    if (std::optional<int64_t> extent = evaluate(*theirs.value, arguments).asInteger())
      scope->define(name->name, Value(Dim{Extent(*extent), 0}));
  }
}

Value Evaluator::conform(const Value &value, const dsl::Type &type, const ScopePtr &scope, llvm::StringRef what,
                         dsl::SourceRange range, bool isResult) {
  if (value.isPoison())
    return value;
  if (value.isNone() && type.optional)
    return value;
  auto wrong = [&](const Twine &wanted) {
    return error(range, "wrong-type", "'" + what + "' is " + wanted + ", found " + value.describe());
  };
  switch (type.kind) {
  case dsl::Type::Kind::Dims:
    return conformTensor(value, type, "f32", nullptr, &llvm::cast<dsl::DimsType>(type).dims, scope, what, range,
                         isResult);
  case dsl::Type::Kind::Named: {
    auto &named = llvm::cast<dsl::NamedType>(type);
    llvm::StringRef name = named.name.text;
    if (name == "string")
      return value.text() || value.textField() ? value : wrong("a string");
    if (name == "list")
      return value.list() ? value : wrong("a list");
    if (name == "float" && !named.dims)
      return value.isNumber() || (value.tensor() && value.tensor()->rank() == 0) ? value : wrong("a number");
    if (name == "bool" && !named.dims && !value.tensor())
      return value.get<bool>() ? value : wrong("true or false");
    if (name == "int" && !named.dims && !value.tensor())
      return value.asInteger() || value.get<Dim>() ? value : wrong("an int");
    if (!findTag(name))
      return error(named.name.range, "unknown-type",
                   "unknown type '" + name +
                       "'; elements are f32, int, bool, u8, or tagged logits, prob, logprob, unit, class(k), token(v)");
    return conformTensor(value, type, name, &named.arguments, named.dims ? &*named.dims : nullptr, scope, what, range,
                         isResult);
  }
  case dsl::Type::Kind::Module:
    if (!value.module() && !value.constructor() && !value.function())
      return wrong("a module");
    bindSignature(llvm::cast<dsl::ModuleType>(type), value, scope);
    return value;
  case dsl::Type::Kind::Fn:
    return value.function() || value.module() ? value : wrong("a function");
  case dsl::Type::Kind::Record: {
    auto &record = llvm::cast<dsl::RecordType>(type);
    if (const Place *place = value.place(); place && place->kind == Place::Source)
      return conform(pipeline.sourceRecord(*place, range), type, scope, what, range, isResult);
    if (!value.record())
      return wrong("a record");
    std::vector<std::pair<std::string, Value>> fields;
    for (auto &field : record.fields) {
      const Value *found = value.record()->find(field.name.text);
      if (!found)
        return wrong("a record with the field '" + field.name.text + "'");
      fields.push_back({field.name.text, conform(*found, *field.type, scope, field.name.text, range, isResult)});
    }
    return Value::record(std::move(fields));
  }
  case dsl::Type::Kind::Like: {
    // `p: like p` declares a type variable; elsewhere `like x` is the type of what x names.
    return value;
  }
  }
  return value;
}

/// `k <= N` where samples are declared: defines `k`, so that other fields share it; the name of its new axis is noted.
std::optional<Dim> Evaluator::declareBounded(const dsl::Dim &dim, const ScopePtr &scope, BoundNames *bounds) {
  const dsl::BinaryExpr &bounded = *boundedDimension(dim);
  auto *name = llvm::dyn_cast<dsl::NameExpr>(bounded.lhs.get());
  if (name)
    scope->define(name->name, Value());
  if (!bounds || !name) {
    error(dim.range, "bad-extent",
          name ? "a bounded dimension ('<=') stands in 'fields', in the arguments of an export and in signatures; "
                 "parameters and states have all their entries"
               : "a bounded dimension is a name with the largest number of entries, such as 'k <= 60'");
    return std::nullopt;
  }
  Value most = evaluate(*bounded.rhs, scope);
  std::optional<int64_t> number = most.asInteger();
  if (!number || *number < 1 || !llvm::isInt<32>(*number)) {
    if (!most.isPoison())
      error(bounded.rhs->range, "bad-extent",
            "the bound of a dimension is a positive int known at compile time, found " + most.describe());
    return std::nullopt;
  }
  Dim result{Extent(*number), freshAxis()};
  (*bounds)[result.axis] = name->name;
  scope->define(name->name, Value(result));
  return result;
}

std::optional<std::pair<RankedTensorType, std::vector<Dim>>>
Evaluator::tensorType(const dsl::Type &type, const ScopePtr &scope, dsl::SourceRange range, BoundNames *bounds) {
  llvm::StringRef element = "f32";
  const std::vector<dsl::Dim> *dims = nullptr;
  nn::Meaning meaning;
  if (auto *shaped = llvm::dyn_cast<dsl::DimsType>(&type)) {
    dims = &shaped->dims;
  } else if (auto *named = llvm::dyn_cast<dsl::NamedType>(&type); named && findTag(named->name.text)) {
    element = named->name.text;
    if (named->dims)
      dims = &*named->dims;
    if (!named->arguments.empty()) {
      Value count = evaluate(*named->arguments.front().value, scope);
      std::optional<int64_t> number = count.asInteger();
      if (!number || *number < 1) {
        if (!count.isPoison())
          error(type.range, "bad-extent", "the number of classes is a positive int known at compile time");
        return std::nullopt;
      }
      meaning.classes = *number;
    }
  } else if (auto *named = llvm::dyn_cast<dsl::NamedType>(&type); named && named->name.text == "string") {
    error(type.range, "unknown-type",
          "text is no tensor: 'string' stands in 'fields', in the arguments of an export and of functions");
    return std::nullopt;
  } else {
    error(type.range, "unknown-type", "expected the type of a tensor, found '" + describeType(type) + "'");
    return std::nullopt;
  }
  const TagRule *rule = findTag(element);
  meaning.tag = rule->tag;
  std::vector<Dim> extents;
  static const std::vector<dsl::Dim> none;
  for (const dsl::Dim &dim : dims ? *dims : none) {
    if (dim.kind == dsl::Dim::Kind::Varies) {
      if (!bounds) {
        error(dim.range, "bad-extent", "'?' stands only in 'fields': the size of pictures that differ in it");
        return std::nullopt;
      }
      extents.push_back(Dim{Extent(1), 0}); // whoever declares the field makes pixels of it
      continue;
    }
    Value value;
    if (dim.kind == dsl::Dim::Kind::Rest) {
      const Value *known = dim.name ? scope->find(dim.name->text) : nullptr;
      if (!known) {
        error(dim.range, "bad-extent", "'..' is not known here");
        return std::nullopt;
      }
      value = *known;
    } else {
      if (boundedDimension(dim)) {
        std::optional<Dim> bounded = declareBounded(dim, scope, bounds);
        if (!bounded)
          return std::nullopt;
        extents.push_back(*bounded);
        continue;
      }
      value = evaluate(*dim.value, scope);
    }
    std::optional<std::vector<Dim>> part = shape(value, dim.range);
    if (!part)
      return std::nullopt;
    extents.insert(extents.end(), part->begin(), part->end());
  }
  nn::TensorInfo info;
  info.element = typeOf(&context, rule->element);
  for (const Dim &dim : extents)
    info.extents.push_back(dim.extent);
  info.meaning = meaning;
  return std::make_pair(info.type(), extents);
}

} // namespace xfer
