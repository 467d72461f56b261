//===- Follower.cpp - every call of a compiled program beside the reference -------------------------------------===//

#include "Follower.h"
#include "Derivatives.h"
#include "runtime/program/Call.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/xxhash.h"

using namespace mlir;
using namespace xfer::reference;
using xfer::pipeline::BindAttr;
using xfer::pipeline::BindKind;

namespace xfer::generated {

static BindAttr bindOf(Attribute attribute) { return cast<BindAttr>(attribute); }
static BindAttr argumentBind(func::FuncOp function, unsigned number) {
  return bindOf(function.getArgAttr(number, pipeline::kBindAttr));
}
static BindAttr resultBind(func::FuncOp function, unsigned number) {
  return bindOf(function.getResultAttr(number, pipeline::kBindAttr));
}

/// The same kind among those of the compiler.
static BindKind kindOf(rt::BindKind kind) {
  switch (kind) {
  case rt::BindKind::Param:
    return BindKind::Param;
  case rt::BindKind::State:
    return BindKind::State;
  case rt::BindKind::Batch:
    return BindKind::Batch;
  case rt::BindKind::Key:
    return BindKind::Key;
  case rt::BindKind::Index:
    return BindKind::Index;
  case rt::BindKind::StepKey:
    return BindKind::StepKey;
  case rt::BindKind::Option:
    return BindKind::Option;
  case rt::BindKind::Counter:
    return BindKind::Counter;
  case rt::BindKind::Extent:
    return BindKind::Extent;
  case rt::BindKind::Hoisted:
    return BindKind::Hoisted;
  case rt::BindKind::Whole:
    return BindKind::Whole;
  case rt::BindKind::Column:
    return BindKind::Column;
  case rt::BindKind::Input:
    return BindKind::Input;
  case rt::BindKind::Watch:
    return BindKind::Watch;
  case rt::BindKind::Check:
    return BindKind::Check;
  case rt::BindKind::Field:
    return BindKind::Field;
  case rt::BindKind::Output:
    return BindKind::Output;
  case rt::BindKind::Sum:
    return BindKind::Sum;
  }
  llvm_unreachable("unknown kind of binding");
}

static std::string nameOf(const rt::Binding &binding, const rt::Manifest &manifest) {
  if (binding.kind == rt::BindKind::Param || binding.kind == rt::BindKind::State)
    return manifest.variables[binding.target].path;
  if (binding.kind == rt::BindKind::Check)
    return std::to_string(binding.site);
  std::string name = binding.name;
  for (const std::string *more : {&binding.part, &binding.field})
    if (!more->empty())
      name += "." + *more;
  return name;
}

static std::string describe(BindAttr bind) {
  return llvm::formatv("{0} '{1}'", pipeline::stringifyBindKind(bind.getKind()), bind.getName());
}

static HostTensor numbersAt(const void *data, rt::ElementType type, Type element, const std::vector<int64_t> &shape) {
  HostTensor tensor(element, shape);
  const char *from = static_cast<const char *>(data);
  for (auto [number, value] : llvm::enumerate(tensor.values))
    value = rt::loadNumber(from + number * rt::sizeOf(type), type);
  return tensor;
}

HostTensor Follower::read(const rt::Binding &binding, const void *data, Type element) const {
  std::vector<int64_t> shape;
  for (const rt::Extent &extent : binding.shape)
    shape.push_back(extent.symbol.empty() ? extent.size : session->extents.at(extent.symbol));
  return numbersAt(data, binding.type, element, shape);
}

HostTensor Follower::readVariable(const std::string &path, Type element) const {
  for (auto [variable, buffer] : llvm::zip(session->manifest.variables, session->variables))
    if (variable.path == path)
      return numbersAt(buffer.data(), variable.type, element, variable.shape);
  return {};
}

std::vector<int64_t> Follower::shapeOf(Type type) const {
  std::vector<int64_t> shape;
  for (const nn::Extent &extent : nn::extentsOf(type)) {
    auto found = session->extents.find(extent.symbol);
    shape.push_back(!extent.isDynamic() ? extent.size : found == session->extents.end() ? 0 : found->second);
  }
  return shape;
}

/// What the reference is given for an argument. What the compiled function does not take matters to nothing that it
/// computes, and is zero.
HostTensor Follower::find(BindAttr bind, Type type) const {
  Type element = cast<RankedTensorType>(type).getElementType();
  Key key{bind.getKind(), bind.getName().str(), bind.getDraw()};
  auto found = arguments.find(key);
  if (found == arguments.end() && bind.getKind() == BindKind::Batch)
    found = arguments.find({BindKind::Column, bind.getName().str(), 0});
  if (found != arguments.end()) {
    HostTensor tensor = found->second;
    tensor.element = element;
    return tensor;
  }
  HostTensor zero(element, shapeOf(type));
  switch (bind.getKind()) {
  case BindKind::Param:
  case BindKind::State:
    return readVariable(bind.getName().str(), element);
  case BindKind::Extent:
    zero.values[0] = double(session->extents.at(bind.getName().str()));
    return zero;
  case BindKind::Option:
    for (auto [number, option] : llvm::enumerate(session->manifest.options))
      if (option.name == bind.getName())
        zero.values[0] = session->optionNumber(int(number));
    return zero;
  case BindKind::Counter: {
    auto last = counters.find(bind.getName().str());
    return last == counters.end() ? zero : last->second;
  }
  default:
    return zero;
  }
}

void Follower::remember(const std::string &path, const void *data, uint64_t size) {
  seen[path].insert(llvm::xxHash64(StringRef(static_cast<const char *>(data), size)));
}

void Follower::begin(rt::Session &opened) {
  session = &opened;
  const char *constants = static_cast<const char *>(session->program.constants);
  for (const rt::Variable &variable : session->manifest.variables)
    if (variable.constant != rt::none)
      remember(variable.path, constants + variable.constant, variable.bytes);
}

/// Parameters and states come from calls before.
void Follower::checkVariables(const rt::FunctionSpec &function, const xfer_buffer_t *buffers) {
  for (auto [number, binding] : llvm::enumerate(function.arguments)) {
    if (binding.kind != rt::BindKind::Param && binding.kind != rt::BindKind::State)
      continue;
    StringRef bytes(static_cast<const char *>(buffers[number].data), buffers[number].size);
    std::string path = nameOf(binding, session->manifest);
    bool isZero = llvm::all_of(bytes, [](char byte) { return byte == 0; });
    if (!isZero && !seen[path].count(llvm::xxHash64(bytes)))
      say(function.name + ": '" + path + "' is not what any call gave");
  }
}

/// Adds the samples of one batch to those that the function of the pass will be given. The last batch is padded.
void Follower::collectRows(const rt::FunctionSpec &function, const xfer_buffer_t *buffers) {
  std::string pass = function.name.substr(0, function.name.find(".rows."));
  if (complete.erase(pass))
    rows[pass].clear();
  for (auto [number, binding] : llvm::enumerate(function.arguments)) {
    BindKind kind = kindOf(binding.kind);
    if (kind != BindKind::Batch && kind != BindKind::Key && kind != BindKind::Index)
      continue;
    HostTensor batch = read(binding, buffers[number].data, IntegerType::get(expanded.getContext(), 32));
    HostTensor &all = rows[pass][{kind, nameOf(binding, session->manifest), binding.draw}];
    if (all.shape.empty()) {
      all = batch;
      continue;
    }
    all.shape[0] += batch.shape[0];
    all.values.insert(all.values.end(), batch.values.begin(), batch.values.end());
  }
}

void Follower::before(const rt::FunctionSpec &function, const xfer_buffer_t *buffers) {
  current = nullptr;
  arguments.clear();
  inputs.clear();
  checkVariables(function, buffers);
  if (function.name.find(".rows.") != std::string::npos)
    return collectRows(function, buffers);
  StringRef name = function.name;
  bool whole = name.consume_back(".whole");
  current = expanded.lookupSymbol<func::FuncOp>(name);
  if (!current)
    return; // computed ahead: the reference computes it where it is read
  // The interval of a gain is figures of samples that are drawn a thousand times: of rows that are there already, which
  // the reference does not have, or of columns, of which some are enough.
  bool drawnAgain = whole && complete.count(name.str()) && !rows[name.str()].empty();
  if (drawnAgain || (whole && ++followed[name.str()] > 32)) {
    current = nullptr;
    return;
  }
  for (auto [number, binding] : llvm::enumerate(function.arguments)) {
    Key key{kindOf(binding.kind), nameOf(binding, session->manifest), binding.draw};
    if (binding.kind == rt::BindKind::Whole || binding.kind == rt::BindKind::Sum ||
        binding.kind == rt::BindKind::Hoisted)
      continue;
    // The element type is that of the reference's argument, see find().
    arguments[key] = read(binding, buffers[number].data, Float32Type::get(expanded.getContext()));
    if (binding.kind == rt::BindKind::Counter)
      counters[binding.name] = arguments[key];
  }
  if (whole) {
    for (auto &[key, tensor] : rows[name.str()])
      arguments.insert({key, tensor});
    complete.insert(name.str());
  }
  for (auto [number, type] : llvm::enumerate(current.getArgumentTypes())) {
    HostTensor tensor = find(argumentBind(current, number), type);
    std::vector<int64_t> shape = shapeOf(type);
    // Rows come with the padding of their last batch.
    if (!shape.empty() && !tensor.shape.empty() && tensor.shape[0] > shape[0]) {
      int64_t row = tensor.shape[0] ? tensor.size() / tensor.shape[0] : 0;
      tensor.shape[0] = shape[0];
      tensor.values.resize(size_t(row * shape[0]));
    }
    inputs.push_back(std::move(tensor));
  }
}

void Follower::after(const rt::FunctionSpec &function, const xfer_buffer_t *buffers) {
  const xfer_buffer_t *results = buffers + function.arguments.size();
  // Several of one name: a clause that is repeated checks more than once.
  std::map<std::pair<BindKind, std::string>, std::vector<unsigned>> given;
  for (auto [number, binding] : llvm::enumerate(function.results)) {
    std::string name = nameOf(binding, session->manifest);
    given[{kindOf(binding.kind), name}].push_back(unsigned(number));
    if (binding.kind == rt::BindKind::Param || binding.kind == rt::BindKind::State)
      remember(name, results[number].data, results[number].size);
  }
  if (!current)
    return;
  std::vector<std::pair<unsigned, HostTensor>> computed;
  std::map<std::pair<BindKind, std::string>, size_t> taken;
  for (unsigned number = 0; number < current.getNumResults(); ++number) {
    BindAttr bind = resultBind(current, number);
    Type element = cast<RankedTensorType>(current.getResultTypes()[number]).getElementType();
    auto found = given.find({bind.getKind(), bind.getName().str()});
    if (found != given.end()) {
      size_t &next = taken[found->first];
      if (next < found->second.size()) {
        unsigned place = found->second[next++];
        computed.push_back({number, read(function.results[place], results[place].data, element)});
      }
      continue;
    }
    // The value may be a constant of the program, or what the argument was.
    if (bind.getKind() == BindKind::Param || bind.getKind() == BindKind::State) {
      computed.push_back({number, readVariable(bind.getName().str(), element)});
      for (auto [variable, buffer] : llvm::zip(session->manifest.variables, session->variables))
        if (variable.path == bind.getName())
          remember(variable.path, buffer.data(), buffer.size());
    } else if (bind.getKind() == BindKind::Output || bind.getKind() == BindKind::Watch) {
      say(function.name + ": the compiled program does not compute " + describe(bind));
    }
  }
  ++findings.calls;
  compare(current, computed);
  if (auto original = plain.lookupSymbol<func::FuncOp>(current.getName());
      original && differentiated.insert(current.getName().str()).second) {
    DerivativeFindings derivatives = checkGradients(original, inputs);
    findings.derivatives += derivatives.checked;
    findings.kinks += derivatives.kinks;
    for (std::string &mistake : derivatives.mistakes)
      say(std::move(mistake));
  }
}

namespace {

/// Values of one result by several evaluations.
struct Evaluations {
  HostTensor exact, rounded;
  std::vector<double> low, high;
  double scale = 0, rounding = 0;

  Evaluations(HostTensor exactly, HostTensor withRounding)
      : exact(std::move(exactly)), rounded(std::move(withRounding)), low(exact.values), high(exact.values) {
    include(rounded);
    for (auto [e, r] : llvm::zip(exact.values, rounded.values))
      if (std::isfinite(e) && std::isfinite(r)) {
        scale = std::max(scale, std::fabs(e));
        rounding = std::max(rounding, std::fabs(e - r));
      }
  }
  void include(const HostTensor &other) {
    for (auto [l, h, value] : llvm::zip(low, high, other.values)) {
      l = std::fmin(l, value);
      h = std::fmax(h, value);
    }
  }
  /// Sums in another order and fused multiply-adds err as the rounding after each operation does, but not alike.
  double allowed() const { return isa<FloatType>(exact.element) ? 16 * rounding + 0x1p-20 * scale + 1e-36 : 0; }
  bool usual(size_t i, double value) const {
    if (value == rounded.values[i] || (std::isnan(value) && std::isnan(rounded.values[i])))
      return true;
    return std::fabs(value - exact.values[i]) <= allowed();
  }
  bool possible(size_t i, double value) const {
    double margin = high[i] - low[i] + allowed();
    return value >= low[i] - margin && value <= high[i] + margin;
  }
};

} // namespace

void Follower::compare(func::FuncOp function, const std::vector<std::pair<unsigned, HostTensor>> &computed) {
  auto exact = evaluate(function, inputs, {/*doublePrecision=*/true});
  auto rounded = evaluate(function, inputs);
  if (failed(exact) || failed(rounded))
    return say((function.getName() + ": the reference cannot evaluate it").str());
  std::vector<Evaluations> evaluations;
  for (auto [e, r] : llvm::zip_equal(*exact, *rounded))
    evaluations.emplace_back(std::move(e), std::move(r));
  struct Suspect {
    unsigned result;
    size_t element;
    double value;
  };
  std::vector<Suspect> suspects;
  for (const auto &[number, tensor] : computed) {
    const Evaluations &expected = evaluations[number];
    std::string name = (function.getName() + ": " + describe(resultBind(function, number))).str();
    if (tensor.shape != expected.exact.shape) {
      say(name + " has another shape");
      continue;
    }
    for (auto [element, value] : llvm::enumerate(tensor.values)) {
      ++findings.values;
      if (!expected.usual(element, value))
        suspects.push_back({number, element, value});
    }
  }
  // Where the computation is sensitive (a difference of near equals, a comparison of them), random errors show it, in
  // one form or the other of what is the same without errors.
  auto other = rearranged.lookupSymbol<func::FuncOp>(function.getName());
  if (!suspects.empty()) {
    auto same = evaluate(other, inputs, {/*doublePrecision=*/true});
    if (failed(same))
      return say((function.getName() + ": the reference cannot evaluate it rearranged").str());
    for (auto [expected, tensor] : llvm::zip_equal(evaluations, *same))
      for (auto [e, value] : llvm::zip_equal(expected.exact.values, tensor.values))
        if (std::fabs(e - value) >
            expected.allowed() + 1e-12) // what one form cancels exactly, the other does to a double's end
          return say(llvm::formatv("{0}: rearranged it computes {1:e8} instead of {2:e8}", function.getName(), value, e)
                         .str());
  }
  for (uint64_t seed = 1; seed <= 256 && !suspects.empty(); ++seed) {
    Options options{/*doublePrecision=*/true};
    options.noise = 0x1p-22;
    options.noiseSeed = seed;
    auto noisy = evaluate(seed % 2 ? function : other, inputs, options);
    if (failed(noisy))
      return;
    for (auto [expected, tensor] : llvm::zip_equal(evaluations, *noisy))
      expected.include(tensor);
    findings.sensitive += suspects.size();
    llvm::erase_if(suspects, [&](const Suspect &suspect) {
      return evaluations[suspect.result].possible(suspect.element, suspect.value);
    });
    findings.sensitive -= suspects.size();
  }
  std::set<unsigned> told;
  for (const Suspect &suspect : suspects) {
    const Evaluations &expected = evaluations[suspect.result];
    if (told.insert(suspect.result).second)
      say(llvm::formatv("{0}: element {1} of {2} is {3:e8}, the reference gives {4:e8} ({5:e8} with rounding; allowed "
                        "{6:e2}, {7:e8} to {8:e8} with errors)",
                        function.getName(), suspect.element, describe(resultBind(function, suspect.result)),
                        suspect.value, expected.exact.values[suspect.element], expected.rounded.values[suspect.element],
                        expected.allowed(), expected.low[suspect.element], expected.high[suspect.element])
              .str());
  }
}

} // namespace xfer::generated
