//===- Pictures.cpp - pictures that differ in size from sample to sample ------------------------------------------===//
//
// A field `u8[?, ?, 3]` is no tensor. What `sized(image, [h, w])` stands for is the field with these extents, which the
// reader brings each picture to; so the domain (or export) gets that type, and its reader the argument `resize`.
//
//===------------------------------------------------------------------------------------------------------------===//

#include "compiler/Elaborate/Emit.h"
#include "compiler/Elaborate/Pipeline.h"

using namespace mlir;
using llvm::Twine;

namespace xfer {

RankedTensorType sizedType(const DomainInfo::Field &field, std::pair<int64_t, int64_t> size) {
  SmallVector<int64_t> shape{size.first, size.second};
  llvm::append_range(shape, field.pixel.getShape());
  return RankedTensorType::get(shape, field.pixel.getElementType());
}

Value Pipeline::sized(const PictureField &pictures, int64_t height, int64_t width, dsl::SourceRange range) {
  const SourceInfo *found = current->findSource(pictures.source);
  if (!found)
    return error(range, "source-not-read", "the pictures '" + pictures.field + "' are no field of a source here");
  SourceInfo source = *found;
  if (source.sampler)
    for (const SamplerInfo::Part &part : source.sampler->parts())
      if (part.name == pictures.part)
        source.part = part;
  DomainInfo &domain = domains[source.domain];
  std::pair<int64_t, int64_t> size{height, width};
  auto [known, isNew] = domain.sizes.insert({pictures.field, size});
  if (!isNew && known->second != size)
    return error(range, "two-sizes",
                 "'" + pictures.field + "' of '" + domain.name + "' is brought to " + Twine(height) + " x " +
                     Twine(width) + " here and to " + Twine(known->second.first) + " x " + Twine(known->second.second) +
                     " elsewhere; the reader keeps one size, from which another is resized");
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
