#include "runtime/program/PassCache.h"

namespace xfer::rt {

Expected<PassRunner *> PassCache::run(int pass, const Moment &moment) {
  std::unique_ptr<PassRunner> &runner = runners[pass];
  if (!runner) {
    Expected<PassRunner> bound = PassRunner::bind(session, data, pass);
    if (!bound)
      return bound.status();
    runner = std::make_unique<PassRunner>(std::move(*bound));
  }
  if (Status status = runner->run(moment); status.failed())
    return status;
  return runner.get();
}

Status PassCache::runAll(const std::vector<int> &list, const Moment &moment) {
  for (int pass : list)
    if (Expected<PassRunner *> runner = run(pass, moment); !runner)
      return runner.status();
  return Status::success();
}

Expected<double> PassCache::number(const PassOutput &output, const Moment &moment) {
  Expected<PassRunner *> runner = run(output.pass, moment);
  if (!runner)
    return runner.status();
  return (*runner)->output(output.output).values.at(0);
}

Expected<double> PassCache::number(const Quantity &quantity, const Moment &moment) {
  if (quantity.kind == Quantity::Option)
    return session.optionNumber(quantity.option);
  if (quantity.kind == Quantity::Output)
    return number(PassOutput{"", quantity.output, quantity.pass}, moment);
  return quantity.number;
}

} // namespace xfer::rt
