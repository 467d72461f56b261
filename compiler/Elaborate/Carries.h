//===- Carries.h - what a `scan` hands on to its next step --------------------------------------------------------===//
//
// A carry is a tensor, or any mixture of lists, tuples, records, trees and modules: the cache of a decoder is a list of
// records, the fast weights of an inner loop are a module. The loop knows tensors alone; what they are part of is known
// at compile time and is the same in every step.
//
//===------------------------------------------------------------------------------------------------------------===//

#ifndef XFER_COMPILER_ELABORATE_CARRIES_H
#define XFER_COMPILER_ELABORATE_CARRIES_H

#include "compiler/Elaborate/Evaluator.h"

namespace xfer {

class Carry {
public:
  Carry(Evaluator &evaluator, dsl::Name name) : evaluator(evaluator), name(std::move(name)) {}

  /// Takes the first value apart; false after an error.
  bool begin(const Value &value, dsl::SourceRange range);
  /// The same mixture with other tensors, as many as `tensors`.
  Value with(llvm::ArrayRef<mlir::Value> values) const;
  /// The tensors of the next value, in the order of `tensors`; nothing after an error, where it is another mixture.
  std::optional<std::vector<Tensor>> take(const Value &next) const;

  std::vector<Tensor> tensors; ///< of the first value

private:
  bool match(const Value &first, const Value &next, size_t &module, std::vector<Tensor> &taken) const;

  Evaluator &evaluator;
  dsl::Name name;
  Value first;
  std::vector<std::shared_ptr<const Tree>> parameters; ///< of the modules in it
};

} // namespace xfer

#endif // XFER_COMPILER_ELABORATE_CARRIES_H
