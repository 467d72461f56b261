// The initialisers of an ONNX model (onnx.proto3: ModelProto.graph.initializer): names, types, shapes and values. Nodes
// are passed over, nothing is computed. The numbers of the fields are those of that file.
#include "runtime/weights/Pickle.h"
#include "runtime/weights/ProtoReader.h"
#include "runtime/weights/StoredValue.h"
#include "runtime/weights/WeightContent.h"
#include "xfer/rt/TextFile.h"
#include <array>

namespace xfer::rt {

namespace {

enum ModelField { Graph = 7, MetadataProps = 14 };
enum GraphField { Initializer = 5, SparseInitializer = 15 };
enum TensorField {
  Dims = 1,
  DataType = 2,
  FloatData = 4,
  Int32Data = 5,
  Int64Data = 7,
  Name = 8,
  RawData = 9,
  DoubleData = 10,
  Uint64Data = 11,
  ExternalData = 13,
  DataLocation = 14
};

// TensorProto.DataType; `data` is the field that holds values which are not raw.
struct OnnxType {
  uint64_t number;
  StoredType type;
  TensorField data;
};
constexpr std::array<OnnxType, 13> types{{{1, StoredType::F32, FloatData},
                                          {2, StoredType::U8, Int32Data},
                                          {3, StoredType::I8, Int32Data},
                                          {4, StoredType::U16, Int32Data},
                                          {5, StoredType::I16, Int32Data},
                                          {6, StoredType::I32, Int32Data},
                                          {7, StoredType::I64, Int64Data},
                                          {9, StoredType::Bool, Int32Data},
                                          {10, StoredType::F16, Int32Data},
                                          {11, StoredType::F64, DoubleData},
                                          {12, StoredType::U32, Uint64Data},
                                          {13, StoredType::U64, Uint64Data},
                                          {16, StoredType::BF16, Int32Data}}};

class OnnxReader {
public:
  explicit OnnxReader(const Bytes &file) : tensors(/*most=*/8 * file.size + 64) {}

  Status readModel(const Bytes &file) {
    ProtoReader model(file);
    while (std::optional<ProtoField> field = model.next()) {
      if (field->wire != ProtoField::Text)
        continue;
      Status status;
      if (field->number == Graph)
        status = readGraph(field->text);
      else if (field->number == MetadataProps)
        status = readMetadata(field->text);
      if (status.failed())
        return status;
    }
    return model.damaged() ? failure("it ends, or is damaged, within the model") : Status::success();
  }

  WeightContent take() {
    content.format = WeightFormat::Onnx;
    content.tensors = tensors.take();
    return std::move(content);
  }

private:
  Status readGraph(const Bytes &message) {
    ProtoReader graph(message);
    while (std::optional<ProtoField> field = graph.next()) {
      if (field->wire != ProtoField::Text)
        continue;
      if (field->number == Initializer) {
        if (Status status = readTensor(field->text); status.failed())
          return status;
      } else if (field->number == SparseInitializer) {
        return failure("it has a sparse initialiser, which no weight is loaded from; save it dense");
      }
    }
    return graph.damaged() ? failure("it ends, or is damaged, within the graph") : Status::success();
  }

  Status readMetadata(const Bytes &message) {
    ProtoReader entry(message);
    std::string key, text;
    while (std::optional<ProtoField> field = entry.next())
      if (field->wire == ProtoField::Text && (field->number == 1 || field->number == 2))
        (field->number == 1 ? key : text) = std::string(field->text.text());
    if (entry.damaged() || !isUtf8(key) || !isUtf8(text))
      return failure("its metadata is damaged");
    for (const auto &[known, value] : content.metadata)
      if (known == key)
        return failure("its metadata has '{}' twice", shownText(key));
    content.metadata.emplace_back(std::move(key), std::move(text));
    return Status::success();
  }

  static bool isUtf8(std::string_view text) {
    while (!text.empty()) {
      bool valid;
      size_t length = characterAt(text, valid);
      if (!valid)
        return false;
      text.remove_prefix(length);
    }
    return true;
  }

  Status readTensor(const Bytes &message) {
    WeightTensor tensor;
    uint64_t type = 0;
    bool isExternal = false;
    std::optional<Bytes> raw;
    std::vector<ProtoField> values;
    ProtoReader reader(message);
    while (std::optional<ProtoField> field = reader.next()) {
      bool isText = field->wire == ProtoField::Text;
      if (field->number == Dims) {
        if (!readDims(*field, tensor.shape))
          return failure("an initialiser has a damaged shape");
      } else if (field->number == DataType && !isText) {
        type = field->value;
      } else if (field->number == Name && isText) {
        tensor.name = std::string(field->text.text());
      } else if (field->number == RawData && isText) {
        raw = field->text;
      } else if (field->number == ExternalData || (field->number == DataLocation && field->value == 1)) {
        isExternal = true;
      } else if (field->number == FloatData || field->number == Int32Data || field->number == Int64Data ||
                 field->number == DoubleData || field->number == Uint64Data) {
        values.push_back(*field);
      }
    }
    if (reader.damaged())
      return failure("it ends, or is damaged, within the initialiser '{}'", shownText(tensor.name));
    if (isExternal)
      return failure("the values of '{}' lie in a file beside it; save it in one file: onnx.save(onnx.load(f), g)",
                     shownText(tensor.name));
    const OnnxType *known = nullptr;
    for (const OnnxType &one : types)
      if (one.number == type)
        known = &one;
    if (!known) { // texts, complex numbers, eight bits and less
      content.others.push_back(shownText(tensor.name));
      return Status::success();
    }
    tensor.type = known->type;
    std::optional<uint64_t> bytes = bytesOf(tensor.type, tensor.shape);
    uint64_t found = 0;
    if (raw)
      tensor.bytes = *raw, found = raw->size;
    else if (!bytes || *bytes > 8 * message.size) // each value has a byte at least
      found = message.size;
    else if (Status status = unpack(*known, values, *bytes, message.data, tensor, found); status.failed())
      return status;
    if (!bytes || found != *bytes)
      return failure("the initialiser '{}' of type {} and shape {} cannot lie in {} bytes", shownText(tensor.name),
                     nameOf(tensor.type), shapeText(tensor.shape), found);
    return tensors.add(std::move(tensor));
  }

  // One extent a field, or all of them in one.
  static bool readDims(const ProtoField &field, std::vector<int64_t> &shape) {
    constexpr size_t most = 64;
    if (field.wire == ProtoField::Varint)
      shape.push_back(static_cast<int64_t>(field.value));
    ProtoReader packed(field.text);
    while (field.wire == ProtoField::Text && !packed.atEnd() && shape.size() <= most)
      if (std::optional<uint64_t> extent = packed.varint())
        shape.push_back(static_cast<int64_t>(*extent));
      else
        return false;
    for (int64_t extent : shape)
      if (extent < 0)
        return false;
    return shape.size() <= most;
  }

  // Values of a field of their own type; `found` are their bytes as they are stored.
  Status unpack(const OnnxType &type, const std::vector<ProtoField> &values, uint64_t bytes, const uint8_t *message,
                WeightTensor &tensor, uint64_t &found) {
    uint64_t size = sizeOf(type.type);
    Expected<std::shared_ptr<std::vector<uint8_t>>> memory = tensors.allocate(shownText(tensor.name), bytes);
    if (!memory)
      return memory.status();
    std::vector<uint8_t> &to = **memory;
    auto put = [&](const void *value) {
      if (found + size <= bytes)
        std::memcpy(to.data() + found, value, size);
      found += size;
    };
    bool isFixed = type.data == FloatData || type.data == DoubleData;
    for (const ProtoField &field : values) {
      if (field.number != static_cast<uint64_t>(type.data))
        return failure("the initialiser '{}' has values of another type than {}", shownText(tensor.name),
                       nameOf(type.type));
      if (field.wire != ProtoField::Text) {
        put(&field.value);
        continue;
      }
      if (isFixed) {
        for (uint64_t at = 0; at + size <= field.text.size; at += size)
          put(field.text.data + at);
        found += field.text.size % size; // half a value
        continue;
      }
      ProtoReader packed(field.text);
      while (!packed.atEnd()) {
        std::optional<uint64_t> value = packed.varint();
        if (!value)
          return failure("the initialiser '{}' has damaged values", shownText(tensor.name));
        put(&*value);
      }
    }
    if (type.type == StoredType::Bool)
      for (uint8_t &value : to)
        value = value != 0;
    tensor.bytes = {bytes ? to.data() : message, bytes, *memory}; // an empty tensor, too, lies somewhere
    return Status::success();
  }

  WeightContent content;
  TensorCollector tensors;
};

} // namespace

// A model begins with the version of the format, and goes on with its producer, a version, the graph or its operators.
bool isOnnx(const Bytes &file) {
  if (file.size < 4 || file.data[0] != 0x08 || file.data[1] == 0 || file.data[1] > 64)
    return false;
  uint8_t tag = file.data[2], number = tag >> 3;
  bool isField = (tag & 7) == (number == 5 ? 0 : 2) && ((number >= 2 && number <= 8) || number == 14);
  return isField && !(file.size > 8 && file.data[8] == '{' && file.data[7] == 0); // the length of a header
}

Expected<WeightContent> readOnnx(const Bytes &file, const std::string &name) {
  OnnxReader reader(file);
  if (Status status = reader.readModel(file); status.failed())
    return failure("'{}' is not an ONNX file to load from: {}", name, status.message());
  return reader.take();
}

} // namespace xfer::rt
