//===- Follower.h - every call of a compiled program beside the reference ---------------------------------------===//
//
// The reference program is what the elaborator made, with gradients written out: no simplification, no motion between
// binding times, no fusion, no kernels. When the compiled program has computed a step or a pass, the reference computes
// the same from the same parameters, states, samples and keys, and every result is compared. A variable that a call
// takes must be, to the bit, what a call before gave (or a constant of the program): so agreement of all calls is
// agreement of the whole run.
//
//===------------------------------------------------------------------------------------------------------------===//

#ifndef XFER_TEST_GENERATED_FOLLOWER_H
#define XFER_TEST_GENERATED_FOLLOWER_H

#include "Run.h"
#include "compiler/Dialect/Xfer/IR/Xfer.h"
#include "mlir/IR/BuiltinOps.h"
#include "test/reference/Reference.h"
#include <set>
#include <tuple>

namespace xfer::generated {

struct Findings {
  unsigned calls = 0, values = 0;
  unsigned sensitive = 0; ///< values that differ by more than usual, as they do where rounding is another
  unsigned derivatives = 0, kinks = 0;
  std::vector<std::string> mistakes;
};

class Follower : public Observer {
public:
  /// `plain`: the program before gradients are written out, for finite differences.
  /// `rearranged`: with variances computed as the compiled program computes them, for what rounding does to them.
  Follower(mlir::ModuleOp expanded, mlir::ModuleOp rearranged, mlir::ModuleOp plain)
      : expanded(expanded), rearranged(rearranged), plain(plain) {}

  void begin(rt::Session &session) override;
  void before(const rt::FunctionSpec &function, const xfer_buffer_t *buffers) override;
  void after(const rt::FunctionSpec &function, const xfer_buffer_t *buffers) override;
  const Findings &getFindings() const { return findings; }

private:
  using HostTensor = reference::HostTensor;
  using Key = std::tuple<pipeline::BindKind, std::string, int64_t>; ///< as of a binding

  HostTensor read(const rt::Binding &binding, const void *data, mlir::Type element) const;
  HostTensor readVariable(const std::string &path, mlir::Type element) const;
  HostTensor find(pipeline::BindAttr bind, mlir::Type type) const;
  std::vector<int64_t> shapeOf(mlir::Type type) const;
  void checkVariables(const rt::FunctionSpec &function, const xfer_buffer_t *buffers);
  void remember(const std::string &path, const void *data, uint64_t size);
  void collectRows(const rt::FunctionSpec &function, const xfer_buffer_t *buffers);
  void compare(mlir::func::FuncOp function, const std::vector<std::pair<unsigned, HostTensor>> &computed);
  void say(std::string text) { findings.mistakes.push_back(std::move(text)); }

  mlir::ModuleOp expanded, rearranged, plain;
  rt::Session *session = nullptr;
  Findings findings;
  // The call that is under way.
  mlir::func::FuncOp current;
  std::map<Key, HostTensor> arguments;
  std::vector<HostTensor> inputs;
  // Samples of passes that were streamed, by pass and binding; a stream begins behind the call of its pass.
  std::map<std::string, std::map<Key, HostTensor>> rows;
  std::set<std::string> complete;
  std::map<std::string, unsigned> followed; ///< calls of a pass's own function
  std::map<std::string, HostTensor> counters;
  std::map<std::string, std::set<uint64_t>> seen; ///< of a variable: hashes of its values so far
  std::set<std::string> differentiated;
};

} // namespace xfer::generated

#endif // XFER_TEST_GENERATED_FOLLOWER_H
