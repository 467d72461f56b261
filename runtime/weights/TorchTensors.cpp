#include "runtime/weights/TorchTensors.h"
#include <algorithm>

namespace xfer::rt {

namespace {

using Value = PickleValue;

struct NamedType {
  std::string_view torch, name; // name: of StoredType; empty: a type that this runtime does not know
};

} // namespace

static constexpr NamedType storageTypes[] = {
    {"torch.FloatStorage", "f32"},     {"torch.DoubleStorage", "f64"},    {"torch.HalfStorage", "f16"},
    {"torch.BFloat16Storage", "bf16"}, {"torch.LongStorage", "i64"},      {"torch.IntStorage", "i32"},
    {"torch.ShortStorage", "i16"},     {"torch.CharStorage", "i8"},       {"torch.ByteStorage", "u8"},
    {"torch.BoolStorage", "bool"},     {"torch.ComplexFloatStorage", ""}, {"torch.ComplexDoubleStorage", ""},
    {"torch.QInt8Storage", ""},        {"torch.QUInt8Storage", ""},       {"torch.QInt32Storage", ""}};
static constexpr NamedType elementTypes[] = {
    {"torch.float32", "f32"}, {"torch.float64", "f64"}, {"torch.float16", "f16"}, {"torch.bfloat16", "bf16"},
    {"torch.int64", "i64"},   {"torch.int32", "i32"},   {"torch.int16", "i16"},   {"torch.int8", "i8"},
    {"torch.uint8", "u8"},    {"torch.bool", "bool"},   {"torch.uint16", "u16"},  {"torch.uint32", "u32"},
    {"torch.uint64", "u64"},  {"torch.complex64", ""},  {"torch.complex128", ""}, {"torch.float8_e4m3fn", ""},
    {"torch.float8_e5m2", ""}};
static constexpr std::string_view untypedStorages[] = {"torch.UntypedStorage", "torch.storage.UntypedStorage"};
static constexpr std::string_view rebuilders[] = {"torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2",
                                                  "torch._utils._rebuild_tensor_v3"};
static constexpr std::string_view wrappers[] = {"torch._utils._rebuild_parameter",
                                                "torch._utils._rebuild_parameter_with_state"};
static constexpr std::string_view size = "torch.Size";
static constexpr std::string_view harmless[] = {"collections.OrderedDict", size, "torch.device"};

template <typename List> static std::string_view nameIn(const List &list, std::string_view name) {
  auto found = std::find(std::begin(list), std::end(list), name);
  return found == std::end(list) ? std::string_view() : *found;
}

template <typename List> static const NamedType *typeIn(const List &list, std::string_view name) {
  auto found =
      std::find_if(std::begin(list), std::end(list), [&](const NamedType &type) { return type.torch == name; });
  return found == std::end(list) ? nullptr : &*found;
}

std::string_view allowInCheckpoint(std::string_view module, std::string_view name) {
  if (module == "torch.cuda") // storages that were saved on a device
    module = "torch";
  std::string whole = std::string(module) + "." + std::string(name);
  for (std::string_view known :
       {nameIn(untypedStorages, whole), nameIn(rebuilders, whole), nameIn(wrappers, whole), nameIn(harmless, whole)})
    if (!known.empty())
      return known;
  for (const NamedType *type : {typeIn(storageTypes, whole), typeIn(elementTypes, whole)})
    if (type)
      return type->torch;
  return {};
}

static Expected<StoredType> storedTypeOfTorch(const NamedType *type, std::string_view name) {
  std::optional<StoredType> stored = type ? storedTypeOf(type->name) : std::nullopt;
  if (!stored)
    return failure("it has values of type '{}', which this runtime does not know; save them as float32 "
                   "(tensor.float())",
                   shownText(name));
  return *stored;
}

//===- Storages ---------------------------------------------------------------------------------------------------===//

static Status damaged(std::string_view what) { return failure("its pickle is damaged: {}", what); }

// ('storage', class, key, place, count), of old files with a view behind it.
static Expected<TorchStorage> readStorage(const Pickle &pickle, const Value &persistent) {
  const Value &id = pickle[persistent.items[0]];
  if (id.kind != Value::Tuple || id.items.size() < 5)
    return damaged("a persistent id is no storage");
  auto part = [&](size_t i) -> const Value & { return pickle[id.items[i]]; };
  const Value &kind = part(0), &type = part(1), &key = part(2), &count = part(4);
  if (kind.kind != Value::Text || kind.text != "storage" || type.kind != Value::Global || key.kind != Value::Text ||
      count.kind != Value::Integer || count.integer < 0)
    return damaged("a persistent id is no storage");
  TorchStorage storage;
  storage.key = key.text;
  storage.count = static_cast<uint64_t>(count.integer);
  if (nameIn(untypedStorages, type.text).empty()) {
    Expected<StoredType> stored = storedTypeOfTorch(typeIn(storageTypes, type.text), type.text);
    if (!stored)
      return stored.status();
    storage.type = *stored;
    storage.isTyped = true;
  }
  if (!bytesOf(storage.type, {count.integer}))
    return damaged(format("storage '{}' cannot have {} values", shownText(key.text), count.integer));
  return storage;
}

Expected<std::vector<TorchStorage>> collectStorages(const Pickle &pickle) {
  std::map<std::string_view, TorchStorage> found;
  for (uint32_t i = 0; i < pickle.size(); ++i) {
    if (pickle[i].kind != Value::Persistent)
      continue;
    Expected<TorchStorage> storage = readStorage(pickle, pickle[i]);
    if (!storage)
      return storage.status();
    auto [known, isNew] = found.emplace(storage->key, *storage);
    if (!isNew && (known->second.count != storage->count || known->second.type != storage->type ||
                   known->second.isTyped != storage->isTyped))
      return damaged(format("storage '{}' has two types or sizes", shownText(storage->key)));
  }
  std::vector<TorchStorage> storages;
  for (auto &[key, storage] : found)
    storages.push_back(std::move(storage));
  return storages;
}

//===- Tensors ----------------------------------------------------------------------------------------------------===//

namespace {

class TensorReader {
public:
  TensorReader(const Pickle &pickle, const std::vector<TorchStorage> &storages, uint64_t fileSize)
      : pickle(pickle), tensors(copiesFor(fileSize)) {
    for (const TorchStorage &storage : storages)
      storageOf.emplace(storage.key, &storage);
  }

  Expected<WeightContent> run();

private:
  // Values that are no copies of others make at most the file; what is transposed is as large as its storage.
  static uint64_t copiesFor(uint64_t fileSize) { return (uint64_t(64) << 20) + 4 * fileSize; }

  Status visit(uint32_t number, const std::string &name, unsigned depth);
  Status visitDict(const Value &dict, const std::string &name, unsigned depth);
  bool isTensor(const Value &value) const;
  Status addTensor(const Value *call, const std::string &name);
  Expected<WeightTensor> readTensor(const Value &arguments, bool hasType, const std::string &name);
  Status locate(const Value &persistent, WeightTensor &tensor, uint64_t &offset, uint64_t &count, Bytes &bytes);
  std::optional<std::vector<int64_t>> extents(const Value &value) const;

  const Pickle &pickle;
  TensorCollector tensors;
  std::map<std::string_view, const TorchStorage *> storageOf;
  std::vector<std::string> others;
  size_t steps = 0;
};

} // namespace

std::optional<std::vector<int64_t>> TensorReader::extents(const Value &value) const {
  const Value *list = &value;
  if (list->kind == Value::Call && pickle[list->items[0]].text == size && pickle[list->items[1]].items.size() == 1)
    list = &pickle[pickle[list->items[1]].items[0]];
  constexpr size_t most = 64;
  if ((list->kind != Value::Tuple && list->kind != Value::List) || list->items.size() > most)
    return std::nullopt;
  std::vector<int64_t> numbers;
  for (uint32_t item : list->items) {
    if (pickle[item].kind != Value::Integer || pickle[item].integer < 0)
      return std::nullopt;
    numbers.push_back(pickle[item].integer);
  }
  return numbers;
}

// The storage's bytes from the first element that a tensor's offset counts from; old files have views of storages.
Status TensorReader::locate(const Value &persistent, WeightTensor &tensor, uint64_t &offset, uint64_t &count,
                            Bytes &bytes) {
  const Value &id = pickle[persistent.items[0]]; // collectStorages has looked at it
  const TorchStorage &storage = *storageOf.at(pickle[id.items[2]].text);
  bytes = storage.bytes;
  if (storage.isTyped)
    tensor.type = storage.type;
  count = bytes.size / sizeOf(tensor.type);
  if (id.items.size() < 6 || pickle[id.items[5]].kind == Value::None)
    return Status::success();
  const Value &view = pickle[id.items[5]];
  auto number = [&](size_t i) {
    return pickle[view.items[i]].kind == Value::Integer ? pickle[view.items[i]].integer : -1;
  };
  if (view.kind != Value::Tuple || view.items.size() != 3 || number(1) < 0 || number(2) < 0 ||
      static_cast<uint64_t>(number(1)) > count || static_cast<uint64_t>(number(2)) > count - number(1))
    return damaged("a storage is a view outside of another");
  offset += static_cast<uint64_t>(number(1));
  count = static_cast<uint64_t>(number(1) + number(2));
  return Status::success();
}

// (storage, offset, sizes, strides[, requires_grad, hooks[, dtype][, metadata]])
Expected<WeightTensor> TensorReader::readTensor(const Value &arguments, bool hasType, const std::string &name) {
  auto part = [&](size_t i) -> const Value & { return pickle[arguments.items[i]]; };
  size_t known = hasType ? 7 : 6;
  if (arguments.items.size() < (hasType ? 7u : 4u) || part(0).kind != Value::Persistent ||
      part(1).kind != Value::Integer || part(1).integer < 0)
    return damaged(format("tensor '{}' is not made of a storage", name));
  std::optional<std::vector<int64_t>> shape = extents(part(2)), strides = extents(part(3));
  if (!shape || !strides || shape->size() != strides->size())
    return damaged(format("tensor '{}' has no possible shape", name));
  if (arguments.items.size() > known && !part(known).items.empty())
    return failure("tensor '{}' is a conjugated or negated view; save a copy of it (tensor.resolve_neg())", name);
  WeightTensor tensor{name, StoredType::U8, *shape, {}};
  if (hasType) {
    Expected<StoredType> type = storedTypeOfTorch(typeIn(elementTypes, part(6).text), part(6).text);
    if (!type)
      return type.status();
    tensor.type = *type;
  }
  uint64_t first = static_cast<uint64_t>(part(1).integer), count = 0;
  Bytes storage;
  if (Status status = locate(part(0), tensor, first, count, storage); status.failed())
    return status;
  uint64_t step = sizeOf(tensor.type);
  std::optional<uint64_t> bytes = bytesOf(tensor.type, *shape);
  if (!bytes)
    return damaged(format("tensor '{}' cannot have the shape {}", name, shapeText(*shape)));
  if (*bytes == 0) {
    tensor.bytes = storage.slice(0, 0);
    return tensor;
  }
  unsigned __int128 last = first, expected = 1; // the furthest element; the stride if the values lie side by side
  bool isContiguous = true;
  for (size_t i = shape->size(); i-- > 0;) {
    if ((*shape)[i] == 1)
      continue;
    last += static_cast<unsigned __int128>((*shape)[i] - 1) * static_cast<uint64_t>((*strides)[i]);
    isContiguous &= expected == static_cast<uint64_t>((*strides)[i]);
    expected *= static_cast<uint64_t>((*shape)[i]);
    if (last >= count)
      break;
  }
  if (last >= count)
    return damaged(
        format("tensor '{}' of shape {} lies outside of its storage of {} values", name, shapeText(*shape), count));
  if (isContiguous) {
    tensor.bytes = storage.slice(first * step, *bytes);
    return tensor;
  }
  Expected<std::shared_ptr<std::vector<uint8_t>>> memory = tensors.allocate(name, *bytes);
  if (!memory)
    return memory.status();
  gatherElements(*shape, *strides, step, storage.data + first * step, (*memory)->data());
  tensor.bytes = {(*memory)->data(), *bytes, *memory};
  return tensor;
}

bool TensorReader::isTensor(const Value &value) const {
  if (value.kind != Value::Call)
    return false;
  std::string_view function = pickle[value.items[0]].text;
  return !nameIn(rebuilders, function).empty() || !nameIn(wrappers, function).empty();
}

Status TensorReader::addTensor(const Value *call, const std::string &name) {
  // A parameter is a call with a tensor; more than one around another is nothing that PyTorch writes.
  if (!nameIn(wrappers, pickle[call->items[0]].text).empty()) {
    const Value &arguments = pickle[call->items[1]];
    call = arguments.items.empty() ? nullptr : &pickle[arguments.items[0]];
    if (!call || call->kind != Value::Call || nameIn(rebuilders, pickle[call->items[0]].text).empty())
      return damaged(format("parameter '{}' has no tensor", name));
  }
  bool hasType = pickle[call->items[0]].text == rebuilders[2];
  Expected<WeightTensor> tensor = readTensor(pickle[call->items[1]], hasType, name);
  return tensor ? tensors.add(std::move(*tensor)) : tensor.status();
}

static std::string below(const std::string &name, std::string_view key) {
  return name.empty() ? std::string(key) : name + "." + std::string(key);
}

Status TensorReader::visitDict(const Value &dict, const std::string &name, unsigned depth) {
  for (size_t i = 0; i + 1 < dict.items.size(); i += 2) {
    const Value &key = pickle[dict.items[i]];
    constexpr size_t longest = 1024; // TensorCollector takes no longer name
    if (key.text.size() > longest || name.size() > longest)
      return failure("it has a key of {} characters, which is no name of a weight", key.text.size() + name.size());
    std::string text = key.kind == Value::Integer ? std::to_string(key.integer)
                       : key.kind == Value::Text  ? std::string(key.text)
                                                  : "?";
    if (Status status = visit(dict.items[i + 1], below(name, text), depth); status.failed())
      return status;
  }
  return Status::success();
}

Status TensorReader::visit(uint32_t number, const std::string &name, unsigned depth) {
  constexpr size_t mostSteps = 1 << 20;
  constexpr unsigned deepest = 32;
  const Value &value = pickle[number];
  if (++steps > mostSteps || depth > deepest)
    return damaged("its parts hold each other, or are far more than a checkpoint has");
  if (isTensor(value))
    return addTensor(&value, name);
  if (value.kind == Value::Dict)
    return visitDict(value, name, depth + 1);
  if (value.kind == Value::List || value.kind == Value::Tuple) {
    for (size_t i = 0; i < value.items.size(); ++i)
      if (Status status = visit(value.items[i], below(name, std::to_string(i)), depth + 1); status.failed())
        return status;
    return Status::success();
  }
  constexpr size_t mostOthers = 64;
  if (others.size() < mostOthers)
    others.push_back(name);
  return Status::success();
}

Expected<WeightContent> TensorReader::run() {
  const Value &root = pickle.root();
  const Value *part = nullptr;
  for (std::string_view key : {"state_dict", "model_state_dict"})
    if (const Value *found = part ? nullptr : pickle.find(root, key); found && found->kind == Value::Dict)
      part = found;
  if (part)
    for (size_t i = 0; i + 1 < root.items.size(); i += 2)
      if (&pickle[root.items[i + 1]] != part)
        others.emplace_back(shownText(pickle[root.items[i]].text));
  Status status = isTensor(root)
                      ? failure("it is a tensor without a name; save a dictionary: torch.save({{'w': w}}, ..)")
                  : part ? visitDict(*part, "", 0)
                         : visit(pickle.rootNumber(), "", 0);
  if (status.failed())
    return status;
  WeightContent content;
  content.tensors = tensors.take();
  content.others = std::move(others);
  if (content.tensors.empty())
    return failure("it holds no tensor; save the weights: torch.save(model.state_dict(), ..)");
  return content;
}

Expected<WeightContent> collectTensors(const Pickle &pickle, const std::vector<TorchStorage> &storages,
                                       uint64_t fileSize) {
  return TensorReader(pickle, storages, fileSize).run();
}

} // namespace xfer::rt
