#include "runtime/data/Format.h"
#include "runtime/core/File.h"

namespace xfer::rt {

FormatRequest::FormatRequest(std::string reader, const std::vector<ReaderOption> &given,
                             const std::vector<Field> &fields, std::string folder, unsigned threads)
    : name(std::move(reader)), wanted(fields), folder(std::move(folder)), threadCount(threads) {
  for (const ReaderOption &option : given)
    options.emplace_back(&option, false);
}

const ReaderOption *FormatRequest::take(const std::string &wantedName) {
  for (auto &[option, taken] : options)
    if (option->name == wantedName && !taken) {
      taken = true;
      return option;
    }
  for (auto &[option, taken] : options)
    if (option->name == wantedName)
      return option; // fields that are made of one text share its place
  return nullptr;
}

Expected<std::string> FormatRequest::file() {
  const ReaderOption *option = take("");
  if (!option)
    option = take("file");
  if (!option || !std::holds_alternative<std::string>(option->value))
    return failure("reader '{}' needs the name of its file as first argument", name);
  return joinPath(folder, std::get<std::string>(option->value));
}

Expected<std::vector<std::string>> FormatRequest::allFiles() {
  std::vector<std::string> paths;
  for (auto &[option, taken] : options)
    if (!taken && (option->name.empty() || option->name == "file") &&
        std::holds_alternative<std::string>(option->value)) {
      taken = true;
      paths.push_back(joinPath(folder, std::get<std::string>(option->value)));
    }
  if (paths.empty())
    return failure("reader '{}' needs the name of its file as first argument", name);
  return paths;
}

Expected<std::string> FormatRequest::fileOf(const Field &field) {
  const ReaderOption *option = take(field.name);
  if (!option || !std::holds_alternative<std::string>(option->value))
    return failure("reader '{}' needs a file for field '{}': {}({}: \"...\")", name, field.name, name, field.name);
  return joinPath(folder, std::get<std::string>(option->value));
}

Expected<std::string> FormatRequest::fileNamed(const std::string &option) {
  const ReaderOption *found = take(option);
  if (!found || !std::holds_alternative<std::string>(found->value))
    return failure("reader '{}' needs a file '{}': {}: \"...\"", name, option, option);
  return joinPath(folder, std::get<std::string>(found->value));
}

std::string FormatRequest::asGiven(const std::string &path) const {
  std::string before = joinPath(folder, "");
  if (path + "/" == before)
    return "";
  return path.compare(0, before.size(), before) == 0 ? path.substr(before.size()) : path;
}

Expected<std::string> FormatRequest::text(const std::string &option, const std::string &otherwise) {
  const ReaderOption *found = take(option);
  if (!found)
    return otherwise;
  if (auto *number = std::get_if<double>(&found->value))
    return format("{}", *number);
  if (auto *words = std::get_if<std::string>(&found->value))
    return *words;
  return failure("argument '{}' of reader '{}' must be a text", option, name);
}

Expected<double> FormatRequest::number(const std::string &option, double otherwise) {
  const ReaderOption *found = take(option);
  if (!found)
    return otherwise;
  if (auto *value = std::get_if<double>(&found->value))
    return *value;
  return failure("argument '{}' of reader '{}' must be a number", option, name);
}

Expected<bool> FormatRequest::flag(const std::string &option, bool otherwise) {
  const ReaderOption *found = take(option);
  if (!found)
    return otherwise;
  if (auto *truth = std::get_if<bool>(&found->value))
    return *truth;
  return failure("argument '{}' of reader '{}' must be true or false", option, name);
}

Expected<std::string> FormatRequest::choice(const std::string &option, const std::string &otherwise) {
  const ReaderOption *found = take(option);
  if (found && std::holds_alternative<bool>(found->value))
    return std::string(std::get<bool>(found->value) ? "true" : "false");
  return text(option, otherwise);
}

Status FormatRequest::finish() const {
  for (auto &[option, taken] : options)
    if (!taken) {
      std::string known;
      for (const Field &field : wanted)
        if (known.find("'" + field.source() + "'") == std::string::npos)
          known += (known.empty() ? "'" : ", '") + field.source() + "'";
      return failure("reader '{}' has no argument '{}'; its fields are {}", name, option->name, known);
    }
  return Status::success();
}

} // namespace xfer::rt
