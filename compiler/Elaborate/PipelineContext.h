//===- PipelineContext.h - what the evaluator asks the pipeline ---------------------------------------------------===//

#ifndef XFER_COMPILER_ELABORATE_PIPELINECONTEXT_H
#define XFER_COMPILER_ELABORATE_PIPELINECONTEXT_H

#include "compiler/Dialect/Xfer/IR/Xfer.h"
#include "compiler/Elaborate/Value.h"
#include "dsl/Source/Diagnostics.h"

namespace xfer {

struct TokenizerSpec;

/// Answers what the pipeline knows and the evaluator does not.
class PipelineContext {
public:
  virtual ~PipelineContext() = default;
  /// A name of the pipeline (domain, model, stage, option, const; with `inStage` also what the stage at hand defines);
  /// nothing where there is none.
  virtual std::optional<Value> lookup(llvm::StringRef name, dsl::SourceRange range, bool inStage) = 0;
  /// A definition of the library, loaded at its first use; nothing where there is none.
  virtual std::optional<Value> library(llvm::StringRef name) = 0;
  /// `size(D.split)`: known when the data is opened.
  virtual Value sizeOf(const Place &place, dsl::SourceRange range) = 0;
  /// `place[index]` of a family of domains or stages.
  virtual Value family(const Place &place, const Value &index, dsl::SourceRange range) = 0;
  /// `place.member`: a field of a source, a split of a domain, a definition of a stage.
  virtual Value member(const Place &place, llvm::StringRef member, dsl::SourceRange range) = 0;
  /// The numbers that a tokenizer makes of the samples' text.
  virtual Value tokens(const TextField &text, const TokenizerSpec &tokenizer, dsl::SourceRange range) = 0;
  /// The samples' pictures, brought to this size while they are read.
  virtual Value sized(const PictureField &pictures, const PictureSize &size, dsl::SourceRange range) = 0;
  /// What became of each picture then: int[4].
  virtual Value frameOf(const PictureField &pictures, dsl::SourceRange range) = 0;
  /// The text of a file that is read while the program is built; nothing after an error.
  virtual std::optional<std::string> readText(llvm::StringRef name, dsl::SourceRange range) = 0;
  /// The record that a source is where one is wanted: its fields, or the parts of its elements.
  virtual Value sourceRecord(const Place &source, dsl::SourceRange range) = 0;
  /// A counter of the running stage: step, epoch, steps, epochs, progress, stale.
  virtual std::optional<Value> counter(llvm::StringRef name, dsl::SourceRange range) = 0;
  /// What `call` makes where the counters of the run begin `steps` steps later.
  virtual Value delayed(int64_t steps, llvm::function_ref<Value()> call) = 0;
  /// The members of a family of domains or stages, in text order; nothing where it is none.
  virtual std::optional<std::vector<Value>> familyMembers(const Place &place) = 0;
  /// Where whole splits are read: the random keys of the samples, one for each row of that extent; null for any other.
  virtual mlir::Value sampleKeys(const Extent &extent) = 0;
  /// True where batches stand for whole splits.
  virtual bool isWhole() const = 0;
  /// Is a definition looked at that nothing reads here? It may be read where a time is stated.
  virtual bool onlyLooks() const = 0;
  /// Leaves that thaw in the same phase share the scalars of their optimizer: the name of that phase, empty for the
  /// first.
  virtual std::string thawGroup(llvm::StringRef leafPath) const = 0;
  /// Every name that `lookup` and `library` know here, for suggestions.
  virtual void collectNames(llvm::function_ref<void(llvm::StringRef)> visit) const = 0;
  /// The program is to refuse other values of an option when it starts.
  virtual void boundOption(llvm::StringRef name, pipeline::BoundAttr bound) = 0;
  /// The word `param` of an option's declaration.
  virtual dsl::SourceRange optionKeyword(llvm::StringRef name) const = 0;
  /// True where a module is frozen and therefore in evaluation mode.
  virtual bool isFrozen(const ModuleInstance &instance) const = 0;
};

} // namespace xfer

#endif // XFER_COMPILER_ELABORATE_PIPELINECONTEXT_H
