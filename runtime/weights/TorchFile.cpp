// The two containers of torch.save: a zip file, and what it wrote before.
#include "runtime/weights/TorchTensors.h"
#include <cstring>

namespace xfer::rt {

static Status refuse(const std::string &name, const Status &status) {
  return failure("'{}' is not a checkpoint that can be read: {}", name, status.message());
}

Expected<WeightContent> readTorchZip(const ZipFile &zip, const Bytes &file, const std::string &name) {
  constexpr std::string_view last = "data.pkl";
  const ZipMember *pickled = nullptr;
  for (const ZipMember &member : zip.members()) {
    size_t slash = member.name.rfind('/');
    std::string_view base = std::string_view(member.name).substr(slash == std::string::npos ? 0 : slash + 1);
    if (base == "constants.pkl")
      return refuse(name,
                    failure("it is a TorchScript program; save its weights: torch.save(module.state_dict(), ..)"));
    if (base == last)
      pickled = &member;
  }
  std::string folder = pickled->name.substr(0, pickled->name.size() - last.size());
  ZipContents contents(zip, file);
  if (const ZipMember *order = contents.find(folder + "byteorder"); order) {
    Expected<std::string> text = zip.beginning(*order, 16);
    if (!text || *text != "little")
      return refuse(name, failure("its numbers are not little-endian; save it again on another machine"));
  }
  Expected<Bytes> bytes = contents.content(*pickled);
  if (!bytes)
    return refuse(name, bytes.status());
  Expected<Pickle> pickle = Pickle::parse(bytes->text(), allowInCheckpoint);
  if (!pickle)
    return refuse(name, pickle.status());
  Expected<std::vector<TorchStorage>> storages = collectStorages(*pickle);
  if (!storages)
    return refuse(name, storages.status());
  for (TorchStorage &storage : *storages) {
    const ZipMember *member = contents.find(folder + "data/" + std::string(storage.key));
    if (!member || member->size != storage.byteCount())
      return refuse(name, failure("storage '{}' should have {} bytes, {}", shownText(storage.key), storage.byteCount(),
                                  member ? "it has " + std::to_string(member->size) : "it is not there"));
    Expected<Bytes> content = contents.content(*member);
    if (!content)
      return refuse(name, content.status());
    storage.bytes = *content;
  }
  Expected<WeightContent> content = collectTensors(*pickle, *storages, file.size);
  if (!content)
    return refuse(name, content.status());
  content->format = WeightFormat::Torch;
  return content;
}

static constexpr std::string_view magicNumber("\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19", 12);

// Behind the opcode of the protocol, and of a frame from protocol 4 on.
bool isTorchLegacy(const Bytes &file) {
  std::string_view text = file.text();
  return text.size() > 2 && text[0] == '\x80' &&
         (text.substr(2, magicNumber.size()) == magicNumber ||
          (text[2] == '\x95' && text.size() > 11 && text.substr(11, magicNumber.size()) == magicNumber));
}

namespace {

class LegacyReader {
public:
  explicit LegacyReader(const Bytes &file) : file(file) {}

  Expected<WeightContent> run() {
    for (const char *what : {"magic number", "protocol"})
      if (Expected<Pickle> pickle = next(what); !pickle)
        return pickle.status();
      else if (what[0] == 'p' && pickle->root().integer != 1001)
        return failure("its protocol is {}, this runtime knows 1001; save it with PyTorch 1.6 or newer",
                       pickle->root().integer);
    Expected<Pickle> system = next("facts about its system");
    if (!system)
      return system.status();
    if (const PickleValue *little = system->find(system->root(), "little_endian"); little && little->integer == 0)
      return failure("its numbers are not little-endian; save it again on another machine");
    Expected<Pickle> object = next("tensors");
    if (!object)
      return object.status();
    Expected<Pickle> keys = next("names of its storages");
    if (!keys)
      return keys.status();
    Expected<std::vector<TorchStorage>> storages = collectStorages(*object);
    if (!storages)
      return storages.status();
    if (Status status = readStorages(*keys, *storages); status.failed())
      return status;
    return collectTensors(*object, *storages, file.size);
  }

private:
  Expected<Pickle> next(std::string_view what) {
    Expected<Pickle> pickle = Pickle::parse(file.text().substr(at), allowInCheckpoint);
    if (!pickle)
      return failure("{} ({}, from byte {})", pickle.message(), what, at);
    at += pickle->length();
    return pickle;
  }

  // Each has its number of values before them.
  Status readStorages(const Pickle &keys, std::vector<TorchStorage> &storages) {
    std::map<std::string_view, TorchStorage *> storageOf;
    for (TorchStorage &storage : storages)
      storageOf.emplace(storage.key, &storage);
    for (uint32_t item : keys.root().items) {
      auto found = storageOf.find(keys[item].text);
      if (found == storageOf.end())
        return failure("it has a storage '{}' that nothing refers to", shownText(keys[item].text));
      TorchStorage &storage = *found->second;
      uint64_t count = 0, left = file.size - at;
      if (left >= 8)
        std::memcpy(&count, file.data + at, 8);
      if (left < 8 || count != storage.count || storage.byteCount() > left - 8)
        return failure("storage '{}' should have {} values of {} bytes at byte {}, {} follow", shownText(storage.key),
                       storage.count, sizeOf(storage.type), at, left < 8 ? "none" : std::to_string(count));
      storage.bytes = file.slice(at + 8, storage.byteCount());
      at += 8 + storage.byteCount();
      storageOf.erase(found);
    }
    if (!storageOf.empty())
      return failure("storage '{}' is not there", shownText(storageOf.begin()->first));
    return at == file.size ? Status::success() : failure("nothing is said of its last {} bytes", file.size - at);
  }

  const Bytes &file;
  uint64_t at = 0;
};

} // namespace

Expected<WeightContent> readTorchLegacy(const Bytes &file, const std::string &name) {
  Expected<WeightContent> content = LegacyReader(file).run();
  if (!content)
    return refuse(name, content.status());
  content->format = WeightFormat::TorchLegacy;
  return content;
}

} // namespace xfer::rt
