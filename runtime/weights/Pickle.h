// Python pickles (PEP 307 and 3154, protocols 2 to 5) as data: a machine with a stack and a memo that builds values and
// runs nothing. Objects are calls of functions with a name, which whoever reads them may know; a name that `allowed`
// does not know ends the reading there.
//
//   {"w": torch._utils._rebuild_parameter(..)}  ->  Dict ["w", Call (Global "torch._utils._rebuild_parameter", Tuple)]
//
// Values lie in one list and refer to each other by number: a memo can make cycles and share parts, so who follows the
// numbers bounds his steps. An opcode makes one value at most, and how many there may be is bounded.
#ifndef XFER_RUNTIME_WEIGHTS_PICKLE_H
#define XFER_RUNTIME_WEIGHTS_PICKLE_H

#include "xfer/rt/Status.h"
#include <string_view>
#include <vector>

namespace xfer::rt {

struct PickleValue {
  enum Kind : uint8_t { None, Bool, Integer, Large, Float, Text, Bytes, Tuple, List, Dict, Global, Call, Persistent };
  Kind kind = None;
  int64_t integer = 0;         // Bool, Integer; a Float has its bits here, which nobody needs
  std::string_view text;       // Text, Bytes; Large: its bytes; Global: the name that `allowed` gave
  std::vector<uint32_t> items; // Tuple, List; Dict: key, value, key, ..; Call: function, arguments; Persistent: its id
};

class Pickle {
public:
  // The name of a global that may stand in the pickle, in memory that stays; empty: it may not.
  using Allowed = std::string_view (*)(std::string_view module, std::string_view name);

  // Reads one pickle from the beginning of `bytes`, which the result refers to.
  static Expected<Pickle> parse(std::string_view bytes, Allowed allowed);

  const PickleValue &operator[](uint32_t number) const { return values[number]; }
  size_t size() const { return values.size(); }
  const PickleValue &root() const { return values[top]; }
  uint32_t rootNumber() const { return top; }
  size_t length() const { return used; } // of the pickle: the next may follow it

  // The value behind a text key of a dictionary; the last one counts, as in Python.
  const PickleValue *find(const PickleValue &dict, std::string_view key) const;

private:
  friend class PickleMachine;
  std::vector<PickleValue> values;
  uint32_t top = 0;
  size_t used = 0;
};

// Text of a file as a message can show it: control characters and what is too long are left out.
std::string shownText(std::string_view text);

} // namespace xfer::rt

#endif
