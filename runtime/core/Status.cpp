#include "xfer/rt/Status.h"
#include <fmt/format.h>

namespace xfer::rt {

Status Status::failureAt(int32_t site, std::string message) {
  Status status;
  status.problem = std::make_shared<const Problem>(Problem{std::move(message), site});
  return status;
}

const std::string &Status::message() const {
  assert(problem && "a success has no message");
  return problem->message;
}

int32_t Status::site() const {
  assert(problem && "a success has no site");
  return problem->site;
}

Status Status::within(std::string_view prefix) const {
  assert(problem && "only a failure has a context");
  return failureAt(problem->site, std::string(prefix) + ": " + problem->message);
}

std::string detail::formatMessage(fmt::string_view text, fmt::format_args arguments) {
  return fmt::vformat(text, arguments);
}

} // namespace xfer::rt
