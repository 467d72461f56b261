// Names of files with gaps: "{alphabet}/{character}/*.png".
//   *       any characters of one folder or file name, none as well
//   **      any characters, slashes among them, at least one
//   {name}  at least one character of one folder or file name, which the name then stands for
// A pattern is matched with a path, or filled with what another one matched: its names by name, its stars in order.
#ifndef XFER_RUNTIME_DATA_PATHPATTERN_H
#define XFER_RUNTIME_DATA_PATHPATTERN_H

#include "xfer/rt/Status.h"
#include <map>
#include <string>
#include <vector>

namespace xfer::rt {

struct PathMatch {
  std::vector<std::string> stars;
  std::map<std::string, std::string> names;
};

class PathPattern {
public:
  static Expected<PathPattern> parse(const std::string &text);

  bool match(const std::string &path, PathMatch &found) const;
  Expected<std::string> fill(const PathMatch &found) const;
  // Whether it has a gap.
  bool hasGaps() const;

private:
  struct Piece {
    enum Kind { Text, Star, Deep, Name } kind;
    std::string text; // or the name
  };
  bool matchFrom(const std::string &path, size_t piece, size_t at, std::vector<size_t> &ends,
                 std::vector<bool> &failed) const;
  std::string source;
  std::vector<Piece> pieces;
};

} // namespace xfer::rt

#endif
