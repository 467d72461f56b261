#include "runtime/weights/Pickle.h"
#include <cstring>
#include <unordered_map>

namespace xfer::rt {

// A checkpoint of ten thousand tensors has some 400,000 values.
static constexpr size_t mostValues = 1 << 22, mostSteps = 1 << 24;

std::string shownText(std::string_view text) {
  constexpr size_t longest = 120;
  std::string shown;
  for (char letter : text.substr(0, longest))
    shown += static_cast<unsigned char>(letter) < 0x20 || letter == 0x7f ? '?' : letter;
  return text.size() > longest ? shown + ".." : shown;
}

class PickleMachine {
public:
  PickleMachine(std::string_view bytes, Pickle::Allowed allowed) : bytes(bytes), allowed(allowed) {}

  Expected<Pickle> run() {
    for (size_t steps = 0; problem.empty() && !stopped; ++steps) {
      if (steps == mostSteps || result.values.size() >= mostValues) {
        problem = "it has more values than weights can need";
        break;
      }
      step(number<uint8_t>());
    }
    if (!problem.empty())
      return failure("its pickle cannot be read at byte {}: {}", at, problem);
    result.used = at;
    return std::move(result);
  }

private:
  using Kind = PickleValue::Kind;

  void fail(std::string text) {
    if (problem.empty())
      problem = std::move(text);
  }

  // Input. Past the end, everything is zero and the machine stops.
  std::string_view take(uint64_t size) {
    if (size > bytes.size() - at) {
      fail("it is cut off");
      return {};
    }
    at += size;
    return bytes.substr(at - size, size);
  }
  template <typename T> T number() {
    T value = 0;
    if (std::string_view from = take(sizeof(T)); !from.empty())
      std::memcpy(&value, from.data(), sizeof(T));
    return value;
  }
  std::string_view line() {
    size_t end = bytes.find('\n', at);
    if (end == std::string_view::npos) {
      fail("it is cut off");
      return {};
    }
    std::string_view text = bytes.substr(at, end - at);
    at = end + 1;
    return text;
  }

  // The stack.
  uint32_t make(Kind kind, int64_t integer = 0, std::string_view text = {}) {
    PickleValue value;
    value.kind = kind;
    value.integer = integer;
    value.text = text;
    result.values.push_back(std::move(value));
    return static_cast<uint32_t>(result.values.size() - 1);
  }
  void push(uint32_t value) { stack.push_back(value); }
  size_t floor() const { return marks.empty() ? 0 : marks.back(); }
  uint32_t pop() {
    if (stack.size() <= floor()) {
      fail("it takes a value from an empty stack");
      return make(Kind::None);
    }
    uint32_t value = stack.back();
    stack.pop_back();
    return value;
  }
  uint32_t peek() {
    uint32_t value = pop();
    push(value);
    return value;
  }
  std::vector<uint32_t> popMark() {
    if (marks.empty()) {
      fail("it closes what is not open");
      return {};
    }
    std::vector<uint32_t> items(stack.begin() + static_cast<ptrdiff_t>(marks.back()), stack.end());
    stack.resize(marks.back());
    marks.pop_back();
    return items;
  }
  void collect(Kind kind, std::vector<uint32_t> items) {
    if (kind == Kind::Dict && items.size() % 2)
      return fail("a dictionary has a key without a value");
    uint32_t made = make(kind);
    result.values[made].items = std::move(items);
    push(made);
  }
  void append(Kind kind, const std::vector<uint32_t> &items) {
    PickleValue &into = result.values[peek()];
    if (into.kind != kind)
      return fail(kind == Kind::Dict ? "it adds keys to what is no dictionary" : "it adds to what is no list");
    if (kind == Kind::Dict && items.size() % 2)
      return fail("a dictionary has a key without a value");
    into.items.insert(into.items.end(), items.begin(), items.end());
  }

  void integer(std::string_view digits) { // little-endian, two's complement
    if (digits.size() > 8)
      return push(make(Kind::Large, 0, digits));
    int64_t value = 0;
    if (!digits.empty()) {
      value = digits.back() & 0x80 ? -1 : 0;
      std::memcpy(&value, digits.data(), digits.size());
    }
    push(make(Kind::Integer, value));
  }
  void put(uint64_t key) { memo[key] = peek(); }
  void get(uint64_t key) {
    auto found = memo.find(key);
    if (found == memo.end())
      return fail("it refers to what it has not made");
    push(found->second);
  }
  void global(std::string_view module, std::string_view name) {
    if (!problem.empty())
      return;
    std::string_view known = allowed(module, name);
    if (known.empty())
      return fail(format("it wants to call '{}.{}', which is no part of a tensor; save the tensors alone, with "
                         "torch.save(model.state_dict(), ..)",
                         shownText(module), shownText(name)));
    push(make(Kind::Global, 0, known));
  }
  void call() {
    uint32_t arguments = pop(), function = pop();
    if (!problem.empty())
      return;
    const PickleValue &taken = result.values[arguments];
    if (result.values[function].kind != Kind::Global || taken.kind != Kind::Tuple)
      return fail("it calls what is no function");
    if (result.values[function].text != "collections.OrderedDict")
      return collect(Kind::Call, {function, arguments});
    std::vector<uint32_t> items; // of a list of pairs, as Python 2 wrote them
    if (!taken.items.empty())
      for (uint32_t pair : result.values[taken.items[0]].items) {
        const std::vector<uint32_t> &two = result.values[pair].items;
        if (two.size() != 2)
          return fail("a dictionary has a key without a value");
        items.insert(items.end(), two.begin(), two.end());
      }
    // A list that stands in many places would be copied for each.
    if ((copied += items.size()) > mostValues)
      return fail("it has more values than weights can need");
    collect(Kind::Dict, std::move(items));
  }
  void build() { // what a dictionary has beside its keys says nothing of tensors
    pop();
    if (result.values[peek()].kind != Kind::Dict)
      fail("it changes an object that is no dictionary");
  }

  void step(uint8_t code);
  bool stepText(uint8_t code);
  bool stepStack(uint8_t code);

  std::string_view bytes;
  Pickle::Allowed allowed;
  Pickle result;
  size_t at = 0, copied = 0;
  std::vector<uint32_t> stack;
  std::vector<size_t> marks; // sizes of the stack
  std::unordered_map<uint64_t, uint32_t> memo;
  std::string problem;
  bool stopped = false;
};

// Texts, bytes and numbers.
bool PickleMachine::stepText(uint8_t code) {
  switch (code) {
  case 'N':
    push(make(Kind::None));
    return true;
  case 0x88:
  case 0x89:
    push(make(Kind::Bool, code == 0x88));
    return true;
  case 'J':
    push(make(Kind::Integer, number<int32_t>()));
    return true;
  case 'K':
    push(make(Kind::Integer, number<uint8_t>()));
    return true;
  case 'M':
    push(make(Kind::Integer, number<uint16_t>()));
    return true;
  case 0x8a:
    integer(take(number<uint8_t>()));
    return true;
  case 0x8b:
    integer(take(number<uint32_t>()));
    return true;
  case 'G':
    push(make(Kind::Float, number<int64_t>()));
    return true;
  case 'U': // texts of Python 2
  case 0x8c:
    push(make(Kind::Text, 0, take(number<uint8_t>())));
    return true;
  case 'T':
  case 'X':
    push(make(Kind::Text, 0, take(number<uint32_t>())));
    return true;
  case 0x8d:
    push(make(Kind::Text, 0, take(number<uint64_t>())));
    return true;
  case 'C':
    push(make(Kind::Bytes, 0, take(number<uint8_t>())));
    return true;
  case 'B':
    push(make(Kind::Bytes, 0, take(number<uint32_t>())));
    return true;
  case 0x8e:
    push(make(Kind::Bytes, 0, take(number<uint64_t>())));
    return true;
  default:
    return false;
  }
}

// The stack, the memo and what is collected from them.
bool PickleMachine::stepStack(uint8_t code) {
  switch (code) {
  case '(':
    marks.push_back(stack.size());
    return true;
  case '0':
    if (stack.size() == floor() && !marks.empty())
      marks.pop_back();
    else
      pop();
    return true;
  case '1':
    popMark();
    return true;
  case '2':
    push(peek());
    return true;
  case ')':
    collect(Kind::Tuple, {});
    return true;
  case 0x85:
  case 0x86:
  case 0x87: {
    std::vector<uint32_t> items(code - 0x84);
    for (size_t i = items.size(); i-- > 0;)
      items[i] = pop();
    collect(Kind::Tuple, std::move(items));
    return true;
  }
  case 't':
    collect(Kind::Tuple, popMark());
    return true;
  case ']':
    collect(Kind::List, {});
    return true;
  case 'l':
    collect(Kind::List, popMark());
    return true;
  case '}':
    collect(Kind::Dict, {});
    return true;
  case 'd':
    collect(Kind::Dict, popMark());
    return true;
  case 'a':
    append(Kind::List, {pop()});
    return true;
  case 'e':
    append(Kind::List, popMark());
    return true;
  case 's': {
    uint32_t value = pop(), key = pop();
    append(Kind::Dict, {key, value});
    return true;
  }
  case 'u':
    append(Kind::Dict, popMark());
    return true;
  case 'q':
    put(number<uint8_t>());
    return true;
  case 'r':
    put(number<uint32_t>());
    return true;
  case 0x94:
    put(memo.size());
    return true;
  case 'h':
    get(number<uint8_t>());
    return true;
  case 'j':
    get(number<uint32_t>());
    return true;
  default:
    return false;
  }
}

void PickleMachine::step(uint8_t code) {
  if (!problem.empty() || stepText(code) || stepStack(code))
    return;
  switch (code) {
  case 0x80:
    if (number<uint8_t>() > 5)
      fail("its protocol is newer than 5");
    return;
  case 0x95: // a frame: nothing but a size
    number<uint64_t>();
    return;
  case 'c': {
    std::string_view module = line(), name = line();
    return global(module, name);
  }
  case 0x93: {
    const PickleValue name = result.values[pop()], module = result.values[pop()];
    if (name.kind != Kind::Text || module.kind != Kind::Text)
      return fail("it calls what is no function");
    return global(module.text, name.text);
  }
  case 'R':
  case 0x81: // of a class: the same, as nothing is run
    return call();
  case 'b':
    return build();
  case 'Q':
    return collect(Kind::Persistent, {pop()});
  case '.':
    result.top = pop();
    stopped = true;
    return;
  default:
    return fail(format("it has the opcode {:#04x}, which no checkpoint needs; save the tensors alone, with "
                       "torch.save(model.state_dict(), ..)",
                       code));
  }
}

Expected<Pickle> Pickle::parse(std::string_view bytes, Allowed allowed) { return PickleMachine(bytes, allowed).run(); }

const PickleValue *Pickle::find(const PickleValue &dict, std::string_view key) const {
  if (dict.kind != PickleValue::Dict)
    return nullptr;
  for (size_t i = dict.items.size(); i >= 2; i -= 2) {
    const PickleValue &name = values[dict.items[i - 2]];
    if (name.kind == PickleValue::Text && name.text == key)
      return &values[dict.items[i - 1]];
  }
  return nullptr;
}

} // namespace xfer::rt
