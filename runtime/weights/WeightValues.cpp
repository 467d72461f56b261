#include "xfer/rt/WeightValues.h"
#include "runtime/weights/Layout.h"

namespace xfer::rt {

Expected<std::vector<StoredValues>> readValues(const std::string &path, const std::vector<LoadVariable> &variables) {
  Expected<WeightFile> file = WeightFile::open(path);
  if (!file)
    return file.status();
  std::vector<StoredValues> result;
  for (const LoadVariable &variable : variables) {
    std::optional<ElementType> type = elementTypeOf(variable.type);
    std::optional<WeightLayout> layout = weightLayoutOf(variable.layout);
    const WeightTensor *stored = file->find(keyOf(variable.path));
    if (!stored)
      return failure("'{}' has no '{}'; take the weights of a run of this program", path, variable.path);
    std::optional<uint64_t> size = type && layout ? bytesOf(storedTypeOf(*type), variable.shape) : std::nullopt;
    if (!size)
      return failure("'{}' has the type '{}' and the layout '{}', which no weight file holds", variable.path,
                     variable.type, variable.layout);
    std::string values(*size, '\0');
    if (Status status = readTensor(*stored, *type, *layout, variable.shape, values.data()); status.failed())
      return status.within("'" + path + "'");
    WeightTensor tensor = toTensor(stored->name, *type, *layout, variable.shape, values.data());
    result.push_back({tensor.shape, std::string(tensor.bytes.text())});
  }
  return result;
}

} // namespace xfer::rt
