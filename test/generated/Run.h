//===- Run.h - a whole run of a loaded program, with its calls watched ------------------------------------------===//

#ifndef XFER_TEST_GENERATED_RUN_H
#define XFER_TEST_GENERATED_RUN_H

#include "runtime/program/Session.h"

namespace xfer::generated {

/// Sees every call of a function of the program.
class Observer {
public:
  virtual ~Observer() = default;
  virtual void begin(rt::Session &session) = 0;
  virtual void before(const rt::FunctionSpec &function, const xfer_buffer_t *buffers) = 0;
  virtual void after(const rt::FunctionSpec &function, const xfer_buffer_t *buffers) = 0;
};

/// Trains, adapts and evaluates as the program says, by the runtime of compiled programs.
rt::Status runProgram(const xfer_program_t &program, unsigned threads, uint64_t seed, Observer &observer);

} // namespace xfer::generated

#endif // XFER_TEST_GENERATED_RUN_H
