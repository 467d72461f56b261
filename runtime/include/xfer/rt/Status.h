// How the runtime reports that something went wrong. There are no exceptions: a function that can fail returns a
// Status, or an Expected<T> if it also gives a value.
//
//   Expected<File> file = openFile(path);
//   if (!file)
//     return file.status();
//   if (file->size() < 8)
//     return failure("'{}' is too short: {} bytes, at least 8 are needed; copy it again", path, file->size());
//
// A message is one sentence for the user: lower case, no full stop, the file and what is wrong with it, then what to
// do. A failure inside compiled code also carries a site, a number that leads to a place of the `.xfer` file.
#ifndef XFER_RT_STATUS_H
#define XFER_RT_STATUS_H

#ifndef FMT_HEADER_ONLY
#define FMT_HEADER_ONLY // a program takes nothing along but the runtime itself
#endif
#include <cassert>
#include <cstdint>
#include <fmt/core.h>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace xfer::rt {

class [[nodiscard]] Status {
public:
  Status() = default; // success
  static Status success() { return Status(); }
  // `site` counts from 1; 0 is no place in the program.
  static Status failureAt(int32_t site, std::string message);

  bool ok() const { return !problem; }
  bool failed() const { return problem != nullptr; }

  // Of a failure only.
  const std::string &message() const;
  int32_t site() const;
  // The same failure with `prefix: ` before its message.
  Status within(std::string_view prefix) const;

private:
  struct Problem {
    std::string message;
    int32_t site;
  };
  std::shared_ptr<const Problem> problem;
};

// A value, or the failure that prevented it.
template <typename T> class [[nodiscard]] Expected {
public:
  Expected(T value) : storage(std::move(value)) {}
  Expected(Status status) : reason(std::move(status)) { assert(reason.failed() && "a success needs a value"); }
  template <typename U, typename = std::enable_if_t<
                            std::is_convertible_v<U &&, T> && !std::is_same_v<std::decay_t<U>, Expected> &&
                            !std::is_same_v<std::decay_t<U>, T> && !std::is_same_v<std::decay_t<U>, Status>>>
  Expected(U &&value) : storage(std::forward<U>(value)) {}

  bool ok() const { return storage.has_value(); }
  bool failed() const { return !ok(); }
  explicit operator bool() const { return ok(); }

  T &operator*() & { return checked(*this); }
  const T &operator*() const & { return checked(*this); }
  T &&operator*() && { return std::move(checked(*this)); }
  T *operator->() { return &checked(*this); }
  const T *operator->() const { return &checked(*this); }

  // Success if there is a value.
  const Status &status() const { return reason; }
  const std::string &message() const { return reason.message(); }

private:
  template <typename Self> static auto &checked(Self &self) {
    assert(self.ok() && "no value: look at status() first");
    return *self.storage;
  }
  std::optional<T> storage;
  Status reason;
};

namespace detail {
std::string formatMessage(fmt::string_view text, fmt::format_args arguments);
} // namespace detail

// Text by the rules of fmt: format("{} of {}", 3, "4").
template <typename... Arguments> std::string format(fmt::format_string<Arguments...> text, Arguments &&...arguments) {
  return detail::formatMessage(text, fmt::make_format_args(arguments...));
}

template <typename... Arguments> Status failure(fmt::format_string<Arguments...> text, Arguments &&...arguments) {
  return Status::failureAt(0, detail::formatMessage(text, fmt::make_format_args(arguments...)));
}

template <typename... Arguments>
Status failureAt(int32_t site, fmt::format_string<Arguments...> text, Arguments &&...arguments) {
  return Status::failureAt(site, detail::formatMessage(text, fmt::make_format_args(arguments...)));
}

} // namespace xfer::rt

#endif
