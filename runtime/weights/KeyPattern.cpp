#include "runtime/weights/KeyPattern.h"
#include <algorithm>

namespace xfer::rt {

static std::string trimmed(std::string_view text) {
  size_t begin = text.find_first_not_of(' '), end = text.find_last_not_of(' ');
  return begin == std::string_view::npos ? std::string() : std::string(text.substr(begin, end - begin + 1));
}

static std::vector<std::string> alternatives(std::string_view text) {
  std::vector<std::string> result;
  for (size_t comma; (comma = text.find(',')) != std::string_view::npos; text.remove_prefix(comma + 1))
    result.push_back(trimmed(text.substr(0, comma)));
  result.push_back(trimmed(text));
  return result;
}

std::optional<KeyPattern> KeyPattern::parse(std::string_view text) {
  KeyPattern pattern;
  while (!text.empty()) {
    size_t special = std::min(text.find_first_of("*{}"), text.size());
    if (special > 0) {
      pattern.pieces.push_back({Piece::Literal, {std::string(text.substr(0, special))}});
      text.remove_prefix(special);
    } else if (text[0] == '*') {
      pattern.pieces.push_back({Piece::Any, {}});
      text.remove_prefix(1);
    } else {
      size_t end = text.find_first_of("*{}", 1);
      if (text[0] == '}' || end == std::string_view::npos || text[end] != '}')
        return std::nullopt;
      pattern.pieces.push_back({Piece::OneOf, alternatives(text.substr(1, end - 1))});
      text.remove_prefix(end + 1);
    }
  }
  return pattern;
}

size_t KeyPattern::wildcards() const {
  return std::count_if(pieces.begin(), pieces.end(), [](const Piece &piece) { return piece.kind != Piece::Literal; });
}

// Every way is looked at, in time and memory of (pieces times places in the key): from the end, whether the pieces from
// one on can match what is left from a place on.
std::optional<std::vector<size_t>> KeyPattern::match(std::string_view key) const {
  const size_t places = key.size() + 1;
  std::vector<bool> fits((pieces.size() + 1) * places);
  fits[pieces.size() * places + key.size()] = true;
  auto fitsFrom = [&](size_t piece, size_t at) { return fits[piece * places + at]; };
  // The end of a text of the piece behind which the others fit, if there is one.
  auto endOf = [&](size_t piece, size_t at) -> std::optional<size_t> {
    for (const std::string &text : pieces[piece].texts)
      if (key.compare(at, text.size(), text) == 0 && fitsFrom(piece + 1, at + text.size()))
        return at + text.size();
    return std::nullopt;
  };
  for (size_t piece = pieces.size(); piece-- > 0;)
    for (size_t at = places; at-- > 0;)
      fits[piece * places + at] = pieces[piece].kind == Piece::Any
                                      ? fitsFrom(piece + 1, at) || (at < key.size() && fitsFrom(piece, at + 1))
                                      : endOf(piece, at).has_value();
  if (!fitsFrom(0, 0))
    return std::nullopt;
  std::vector<size_t> ends;
  size_t at = 0;
  for (size_t piece = 0; piece < pieces.size(); ++piece) {
    if (pieces[piece].kind == Piece::Any)
      while (!fitsFrom(piece + 1, at))
        ++at;
    else
      at = *endOf(piece, at);
    ends.push_back(at);
  }
  return ends;
}

// The texts of a target between its `*`; "\n" stands for `[*]`, which no key of a program can hold.
static std::vector<std::string> splitTarget(std::string_view target) {
  std::vector<std::string> parts(1);
  while (!target.empty()) {
    if (target.substr(0, 3) == "[*]") {
      parts.back() += '\n';
      target.remove_prefix(3);
      continue;
    }
    if (target[0] == '*')
      parts.emplace_back();
    else
      parts.back() += target[0];
    target.remove_prefix(1);
  }
  return parts;
}

bool KeyPattern::fits(std::string_view target) const {
  size_t uses = splitTarget(target).size() - 1;
  return uses <= 1 ? uses <= wildcards() : uses == wildcards();
}

std::optional<KeyTarget> KeyPattern::apply(std::string_view key, std::string_view target) const {
  std::optional<std::vector<size_t>> ends = match(key);
  if (!ends)
    return std::nullopt;
  std::vector<std::string_view> matched;
  size_t first = std::string_view::npos, last = 0;
  for (size_t i = 0; i < pieces.size(); ++i) {
    if (pieces[i].kind == Piece::Literal)
      continue;
    size_t begin = i == 0 ? 0 : (*ends)[i - 1];
    matched.push_back(key.substr(begin, (*ends)[i] - begin));
    first = std::min(first, begin);
    last = (*ends)[i];
  }
  std::vector<std::string> parts = splitTarget(target);
  if (parts.size() == 2)
    matched = {key.substr(first, last - first)};
  KeyTarget result(1);
  for (size_t i = 0; i < parts.size(); ++i) {
    if (i > 0)
      result.back() += matched[i - 1];
    for (char c : parts[i])
      if (c == '\n')
        result.emplace_back();
      else
        result.back() += c;
  }
  return result;
}

static bool startsWith(std::string_view text, std::string_view start) { return text.substr(0, start.size()) == start; }

// The length of the index that the text begins with, or 0.
static size_t indexLength(std::string_view text) {
  if (startsWith(text, "["))
    return text.find(']') == std::string_view::npos ? 0 : text.find(']') + 1;
  if (!startsWith(text, "."))
    return 0;
  size_t end = std::min(text.find_first_not_of("0123456789", 1), text.size());
  return end > 1 ? end : 0;
}

// From piece to piece, the places of the key that it may begin at: an index in between may be there or not.
bool isAtTarget(std::string_view key, const KeyTarget &target) {
  std::vector<size_t> places{0};
  for (size_t piece = 0; piece < target.size(); ++piece) {
    std::vector<size_t> next;
    for (size_t at : places) {
      std::string_view rest = key.substr(at);
      if (!startsWith(rest, target[piece]))
        continue;
      at += target[piece].size();
      rest.remove_prefix(target[piece].size());
      next.push_back(at);
      if (size_t index = piece + 1 < target.size() ? indexLength(rest) : 0)
        next.push_back(at + index);
    }
    std::sort(next.begin(), next.end());
    next.erase(std::unique(next.begin(), next.end()), next.end());
    places = std::move(next);
  }
  return std::find(places.begin(), places.end(), key.size()) != places.end();
}

} // namespace xfer::rt
