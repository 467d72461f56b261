//===- MeaningRules.cpp - what becomes of a tag ------------------------------------------------------------------===//

#include "compiler/Dialect/NN/IR/Inference.h"
#include "compiler/Dialect/NN/IR/NN.h"

using namespace mlir;
using namespace xfer::nn;

Meaning xfer::nn::detail::joinAll(ValueRange operands) {
  Meaning all;
  for (Value operand : operands)
    all = Meaning::join(all, Meaning::of(operand.getType()));
  return all;
}

static void setAll(meaning::Results results, const Meaning &value) {
  for (TensorInfo &result : results)
    result.meaning = value;
}

static void setTag(Meaning &meaning, const Meaning &from) {
  meaning.tag = from.tag;
  meaning.classes = from.classes;
}

static Meaning kept(ValueRange operands, const Meaning &from) {
  Meaning all = ::xfer::nn::detail::joinAll(operands);
  setTag(all, from);
  all.normalised = from.normalised;
  all.statistics = from.statistics;
  return all;
}

bool meaning::isDistribution(Tag tag) { return tag == Tag::Logits || tag == Tag::Prob || tag == Tag::LogProb; }

void meaning::dropTag(ValueRange operands, Results results) { setAll(results, ::xfer::nn::detail::joinAll(operands)); }

void meaning::keep(ValueRange operands, Results results) {
  setAll(results, kept(operands, Meaning::of(operands.front().getType())));
}

void meaning::keepElementTag(ValueRange operands, Results results) {
  Meaning all = kept(operands, Meaning::of(operands.front().getType()));
  if (isDistribution(all.tag))
    all.tag = Tag::None;
  setAll(results, all);
}

/// Are all operands logits or untagged, and at least one logits?
static bool someLogits(ValueRange operands, unsigned atMost) {
  unsigned count = 0;
  for (Value operand : operands) {
    Tag tag = Meaning::of(operand.getType()).tag;
    if (tag != Tag::Logits && tag != Tag::None)
      return false;
    count += tag == Tag::Logits;
  }
  return count > 0 && count <= atMost;
}

static void keepLogits(ValueRange operands, meaning::Results results, bool condition) {
  Meaning all = ::xfer::nn::detail::joinAll(operands);
  if (condition)
    all.tag = Tag::Logits;
  setAll(results, all);
}

void meaning::add(ValueRange operands, Results results) { keepLogits(operands, results, someLogits(operands, 2)); }

void meaning::scale(ValueRange operands, Results results) { keepLogits(operands, results, someLogits(operands, 1)); }

void meaning::scaleFirst(ValueRange operands, Results results) {
  bool first = Meaning::of(operands.front().getType()).tag == Tag::Logits;
  keepLogits(operands, results, first && someLogits(operands, 1));
}

void meaning::agree(ValueRange operands, Results results) {
  Meaning first = Meaning::of(operands.front().getType());
  Meaning all = kept(operands, first);
  for (Value operand : operands.drop_front()) {
    Meaning other = Meaning::of(operand.getType());
    all.normalised &= other.normalised;
    if (!all.normalised || all.statistics != other.statistics)
      all.statistics.clear();
    if (other.tag != first.tag || other.classes != first.classes)
      setTag(all, Meaning());
  }
  setAll(results, all);
}

//===----------------------------------------------------------------------===//
// Rules of single operations
//===----------------------------------------------------------------------===//

void SelectOp::inferMeaning(Adaptor op, meaning::Results results) {
  SmallVector<Value, 2> sides = {op.getA(), op.getB()};
  meaning::agree(sides, results);
  // Masking logits with a constant keeps them logits.
  if (results[0].meaning.tag == Tag::None && someLogits(sides, 1))
    results[0].meaning.tag = Tag::Logits;
  Meaning all = ::xfer::nn::detail::joinAll(op.getOperands());
  results[0].meaning.hidden = all.hidden;
  results[0].meaning.domains = all.domains;
}

void TransposeOp::inferMeaning(Adaptor op, meaning::Results results) {
  ArrayRef<int64_t> permutation = op.getPermutation();
  bool lastStays = permutation.empty() || permutation.back() == int64_t(permutation.size()) - 1;
  lastStays ? meaning::keep(op.getOperands(), results) : meaning::keepElementTag(op.getOperands(), results);
}

void ConcatOp::inferMeaning(Adaptor op, meaning::Results results) {
  meaning::agree(op.getXs(), results);
  if (op.getAxis() + 1 == results[0].rank() && meaning::isDistribution(results[0].meaning.tag))
    results[0].meaning.tag = Tag::None;
}

void SliceOp::inferMeaning(Adaptor op, meaning::Results results) {
  Extents before = extentsOf(op.getX().getType());
  bool lastWhole = before.empty() || before.back() == results[0].extents.back();
  lastWhole ? meaning::keep(op.getOperands(), results) : meaning::keepElementTag(op.getOperands(), results);
}

void ReduceOp::inferMeaning(Adaptor op, meaning::Results results) {
  meaning::dropTag(op.getOperands(), results);
  Meaning from = Meaning::of(op.getX().getType());
  int64_t rank = extentsOf(op.getX().getType()).size();
  bool lastStays = op.getAxes().empty() || op.getAxes().back() != rank - 1;
  if (op.getKind() == ReduceKind::Sum && from.tag == Tag::Logits && lastStays)
    results[0].meaning.tag = Tag::Logits;
}

void ArgmaxOp::inferMeaning(Adaptor op, meaning::Results results) {
  meaning::dropTag(op.getOperands(), results);
  Extents extents = extentsOf(op.getX().getType());
  if (!meaning::isDistribution(Meaning::of(op.getX().getType()).tag) || op.getAxis() + 1 != extents.size())
    return;
  results[0].meaning.tag = Tag::Class;
  results[0].meaning.classes = extents.back().isDynamic() ? 0 : extents.back().size;
}

void GatherOp::inferMeaning(Adaptor op, meaning::Results results) {
  bool lastStays = op.getAxis() + 1 < extentsOf(op.getX().getType()).size();
  lastStays ? meaning::keep(op.getOperands(), results) : meaning::keepElementTag(op.getOperands(), results);
}
