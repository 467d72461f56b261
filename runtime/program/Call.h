// A function of the program bound to its buffers, ready to be called any number of times.
//
// What belongs to the session (parameters, states, hoisted values) is bound once. What has rows of samples, or a sum of
// them, is set by pointer, because its owner is whoever reads or keeps it. Everything else gets a buffer of its own
// here: scalars and the key of the step, which run() fills; inputs, which the caller fills; results, which it reads.
#ifndef XFER_RUNTIME_PROGRAM_CALL_H
#define XFER_RUNTIME_PROGRAM_CALL_H

#include "runtime/core/Philox.h"
#include "runtime/program/Session.h"

namespace xfer::rt {

class Call {
public:
  // Extents of the splits that the function mentions must be known to the session.
  static Expected<Call> bind(Session &session, int function);

  const FunctionSpec &function() const { return *spec; }
  size_t argumentCount() const { return spec->arguments.size(); }
  const Binding &argument(size_t i) const { return spec->arguments[i]; }
  const Binding &result(size_t i) const { return spec->results[i]; }

  // Position of the result with this kind and name, or `none`.
  int findResult(BindKind kind, std::string_view name) const;

  // The memory of an argument or result that has a buffer here; size is that of the shape.
  Buffer &argumentBuffer(size_t i) { return own[i]; }
  Buffer &resultBuffer(size_t i) { return own[spec->arguments.size() + i]; }
  // Where a result lies, also one that shares the memory of an argument.
  const xfer_buffer_t &resultMemory(size_t i) const { return buffers[spec->arguments.size() + i]; }
  // Lets argument `i` point at memory of the caller, which must be aligned and live until run() is over.
  void setArgument(size_t i, const void *data) { buffers[i].data = const_cast<void *>(data); }

  // Scalar result as a number.
  double resultNumber(size_t i) const;

  // Calls the function. A failure is a site: the status names it.
  Status run(const Counters &counters, const PhiloxKey &stepKey);

private:
  Call(Session &session, const FunctionSpec &spec) : session(&session), spec(&spec) {}
  Status bindArgument(size_t i);
  Status bindResult(size_t i);
  Expected<uint64_t> bytesOf(const Binding &binding) const;
  void fillScalar(size_t i, double number);

  Session *session;
  const FunctionSpec *spec;
  std::vector<xfer_buffer_t> buffers;
  std::vector<Buffer> own;      // as `buffers`; empty where the session or the caller owns the memory
  std::vector<size_t> replaced; // results whose content replaces a variable after the call
  std::vector<int64_t> extents;
  uint64_t arena = 0;
};

// A number in the memory of a scalar of this type, and back.
void storeNumber(void *data, ElementType type, double number);
double loadNumber(const void *data, ElementType type);

} // namespace xfer::rt

#endif
