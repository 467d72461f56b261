//===- Pictures.cpp - pictures that differ in size from sample to sample ------------------------------------------===//
//
// A field `u8[?, ?, 3]` is no tensor. What `sized(image, [h, w])` stands for is the field with these extents, which the
// reader brings each picture to; so the domain (or export) gets that type, and its reader the argument `FIELD_resize`.
//
//===------------------------------------------------------------------------------------------------------------===//

#include "compiler/Elaborate/Emit.h"
#include "compiler/Elaborate/Pipeline.h"

using namespace mlir;
using llvm::Twine;

namespace xfer {

RankedTensorType sizedType(const DomainInfo::Field &field, const PictureSize &size) {
  SmallVector<int64_t> shape{size.height, size.width};
  llvm::append_range(shape, field.pixel.getShape());
  return RankedTensorType::get(shape, field.pixel.getElementType());
}

/// "16 x 24", with the method where it is `told`.
static std::string describeSize(const PictureSize &size, bool told) {
  std::string text = std::to_string(size.height) + " x " + std::to_string(size.width);
  return told ? text + " (" + size.method + ")" : text;
}

Value Pipeline::sized(const PictureField &pictures, const PictureSize &size, dsl::SourceRange range) {
  const SourceInfo *found = current->findSource(pictures.source);
  if (!found)
    return error(range, "source-not-read", "the pictures '" + pictures.field + "' are no field of a source here");
  SourceInfo source = *found;
  if (source.sampler)
    for (const SamplerInfo::Part &part : source.sampler->parts())
      if (part.name == pictures.part)
        source.part = part;
  DomainInfo &domain = domains[source.domain];
  auto [known, isNew] = domain.sizes.insert({pictures.field, size});
  if (!isNew && !(known->second == size)) {
    bool told = known->second.method != size.method;
    return error(range, "two-sizes",
                 "'" + pictures.field + "' of '" + domain.name + "' is brought to " + describeSize(size, told) +
                     " here and to " + describeSize(known->second, told) +
                     " elsewhere; the reader keeps one size, from which another is resized");
  }
  const DomainInfo::Field &field = *domain.find(pictures.field);
  RankedTensorType type = sizedType(field, size);
  if (source.isInput)
    current->inputs->fields.push_back(fieldOf(field.name, type, field.meaning));
  nn::TensorInfo info = nn::TensorInfo::of(type);
  info.meaning = field.meaning;
  info.meaning.hidden = domain.isHidden(field.name, source.split);
  Tensor tensor = perBatch(source, field.name, info);
  // Per-sample code gets the sample's part, of an element first where a sampler makes elements.
  SmallVector<SampleRegion *> regions;
  for (SampleRegion *region = sampleRegion; region; region = region->around)
    regions.push_back(region);
  for (SampleRegion *region : llvm::reverse(regions))
    tensor = sampleOf(*region, tensor, location(range));
  return Value(tensor);
}

} // namespace xfer
