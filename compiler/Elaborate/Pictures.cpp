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
  std::optional<SourceInfo> found = sourceOf(pictures, range);
  if (!found)
    return Value();
  const SourceInfo &source = *found;
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
  return inSample(tensor, range);
}

Attribute Pipeline::frameField(llvm::StringRef picture) {
  return pipeline::FieldAttr::get(&context, (picture + ":frame").str(), "i32", {4}, 0, StringAttr());
}

Value Pipeline::frameOf(const PictureField &pictures, dsl::SourceRange range) {
  std::optional<SourceInfo> source = sourceOf(pictures, range);
  if (!source)
    return Value();
  DomainInfo &domain = domains[source->domain];
  if (!domain.sizes.count(pictures.field))
    return error(range, "not-a-tensor",
                 "'" + pictures.field + "' of '" + domain.name + "' is brought to no size yet; 'sized' comes first");
  domain.frames.insert(pictures.field);
  if (source->isInput)
    current->inputs->fields.push_back(frameField(pictures.field));
  nn::TensorInfo info;
  info.element = builder.getI32Type();
  info.extents = {Extent(4)};
  info.meaning.domains = {domain.name};
  info.meaning.hidden = domain.isHidden(pictures.field, source->split);
  return inSample(perBatch(*source, pictures.field + ":frame", info), range);
}

/// The source that has the pictures, with the part of its elements that is meant; nothing after an error.
std::optional<SourceInfo> Pipeline::sourceOf(const PictureField &pictures, dsl::SourceRange range) {
  const SourceInfo *found = current->findSource(pictures.source);
  if (!found) {
    error(range, "source-not-read", "the pictures '" + pictures.field + "' are no field of a source here");
    return std::nullopt;
  }
  SourceInfo source = *found;
  if (source.sampler)
    for (const SamplerInfo::Part &part : source.sampler->parts())
      if (part.name == pictures.part)
        source.part = part;
  return source;
}

/// Per-sample code gets the sample's part, of an element first where a sampler makes elements.
Value Pipeline::inSample(Tensor tensor, dsl::SourceRange range) {
  SmallVector<SampleRegion *> regions;
  for (SampleRegion *region = sampleRegion; region; region = region->around)
    regions.push_back(region);
  for (SampleRegion *region : llvm::reverse(regions))
    tensor = sampleOf(*region, tensor, location(range));
  return Value(tensor);
}

} // namespace xfer
