#ifndef XFER_RUNTIME_PROGRAM_PASSCACHE_H
#define XFER_RUNTIME_PROGRAM_PASSCACHE_H

#include "runtime/program/PassRunner.h"

namespace xfer::rt {

// Passes that have been bound, by position; emptied when a stage is over.
class PassCache {
public:
  PassCache(Session &session, const OpenedData &data) : session(session), data(data) {}
  // Runs the pass and gives its runner, whose outputs are valid until the pass runs again.
  Expected<PassRunner *> run(int pass, const Moment &moment);
  Status runAll(const std::vector<int> &list, const Moment &moment);
  // A scalar output.
  Expected<double> number(const PassOutput &output, const Moment &moment);
  Expected<double> number(const Quantity &quantity, const Moment &moment);
  void clear() { runners.clear(); }
  const OpenedData &opened() const { return data; }

private:
  Session &session;
  const OpenedData &data;
  std::map<int, std::unique_ptr<PassRunner>> runners;
};

} // namespace xfer::rt

#endif
