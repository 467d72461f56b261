// A safetensors file as data: tensors whose first extent counts the samples.
#include "runtime/core/File.h"
#include "runtime/data/Format.h"
#include "runtime/weights/WeightContent.h"
#include <algorithm>

namespace xfer::rt {

Expected<FormatResult> readSafetensors(FormatRequest &request) {
  Expected<std::string> path = request.file();
  if (!path)
    return path.status();
  Expected<Bytes> content = mapFile(*path);
  if (!content)
    return content.status();
  Expected<WeightContent> file = readSafetensors(*content, *path);
  if (!file)
    return file.status();
  FormatResult result;
  result.files.push_back({*path, *content});
  for (const Field &field : request.fields()) {
    Expected<std::string> name = request.text(field.name, field.name);
    if (!name)
      return name.status();
    const std::vector<WeightTensor> &tensors = file->tensors;
    auto tensor = std::find_if(tensors.begin(), tensors.end(), [&](const WeightTensor &t) { return t.name == *name; });
    if (tensor == tensors.end()) {
      std::string known;
      for (const WeightTensor &t : tensors)
        known += (known.empty() ? "'" : ", '") + t.name + "'";
      return failure("there is no tensor '{}' in '{}'; it has {}", *name, *path, known.empty() ? "none" : known);
    }
    result.arrays.push_back({*path + ":" + *name, tensor->bytes, tensor->type, false, tensor->shape});
  }
  return result;
}

} // namespace xfer::rt
