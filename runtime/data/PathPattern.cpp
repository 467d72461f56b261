#include "runtime/data/PathPattern.h"
#include <algorithm>

namespace xfer::rt {

Expected<PathPattern> PathPattern::parse(const std::string &text) {
  PathPattern pattern;
  pattern.source = text;
  std::vector<Piece> &pieces = pattern.pieces;
  for (size_t at = 0; at < text.size();) {
    if (text[at] == '*') {
      const bool deep = at + 1 < text.size() && text[at + 1] == '*';
      pieces.push_back({deep ? Piece::Deep : Piece::Star, ""});
      at += deep ? 2 : 1;
    } else if (text[at] == '{') {
      size_t end = text.find('}', at);
      std::string name = end == std::string::npos ? "" : text.substr(at + 1, end - at - 1);
      if (name.empty() || name.find_first_of("{/*") != std::string::npos)
        return failure("the pattern '{}' has a brace that is no name: write {{name}}", text);
      auto same = [&](const Piece &piece) { return piece.kind == Piece::Name && piece.text == name; };
      if (std::any_of(pieces.begin(), pieces.end(), same))
        return failure("the pattern '{}' names '{}' twice", text, name);
      pieces.push_back({Piece::Name, std::move(name)});
      at = end + 1;
    } else {
      size_t end = std::min(text.find_first_of("*{", at), text.size());
      pieces.push_back({Piece::Text, text.substr(at, end - at)});
      at = end;
    }
  }
  if (pieces.size() > 64)
    return failure("the pattern '{}' is too long", text);
  return pattern;
}

bool PathPattern::hasGaps() const {
  return std::any_of(pieces.begin(), pieces.end(), [](const Piece &piece) { return piece.kind != Piece::Text; });
}

// Gaps take as much as they can; what failed once from a place fails there again.
bool PathPattern::matchFrom(const std::string &path, size_t piece, size_t at, std::vector<size_t> &ends,
                            std::vector<bool> &failed) const {
  if (piece == pieces.size())
    return at == path.size();
  const size_t state = piece * (path.size() + 1) + at;
  if (failed[state])
    return false;
  const Piece &now = pieces[piece];
  size_t shortest = at, longest = at;
  if (now.kind == Piece::Text) {
    if (path.compare(at, now.text.size(), now.text) != 0) {
      failed[state] = true;
      return false;
    }
    shortest = longest = at + now.text.size();
  } else {
    longest = now.kind == Piece::Deep ? path.size() : std::min(path.find('/', at), path.size());
    shortest += now.kind == Piece::Star ? 0 : 1;
  }
  for (size_t end = longest + 1; end-- > shortest;) {
    ends[piece] = end;
    if (matchFrom(path, piece + 1, end, ends, failed))
      return true;
  }
  failed[state] = true;
  return false;
}

bool PathPattern::match(const std::string &path, PathMatch &found) const {
  std::vector<size_t> ends(pieces.size());
  std::vector<bool> failed(pieces.size() * (path.size() + 1));
  if (!matchFrom(path, 0, 0, ends, failed))
    return false;
  found = {};
  for (size_t i = 0, at = 0; i < pieces.size(); at = ends[i++]) {
    std::string text = path.substr(at, ends[i] - at);
    if (pieces[i].kind == Piece::Name)
      found.names[pieces[i].text] = std::move(text);
    else if (pieces[i].kind != Piece::Text)
      found.stars.push_back(std::move(text));
  }
  return true;
}

Expected<std::string> PathPattern::fill(const PathMatch &found) const {
  std::string result;
  size_t star = 0;
  for (const Piece &piece : pieces) {
    if (piece.kind == Piece::Text) {
      result += piece.text;
    } else if (piece.kind == Piece::Name) {
      auto name = found.names.find(piece.text);
      if (name == found.names.end())
        return failure("'{}' says {{{}}}, which the pattern of the images does not name", source, piece.text);
      result += name->second;
    } else {
      if (star == found.stars.size())
        return failure("'{}' has more stars than the pattern of the images", source);
      result += found.stars[star++];
    }
  }
  return result;
}

} // namespace xfer::rt
