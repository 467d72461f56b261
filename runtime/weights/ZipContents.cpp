#include "runtime/core/Gzip.h"
#include "runtime/weights/WeightContent.h"

namespace xfer::rt {

ZipContents::ZipContents(const ZipFile &zip, const Bytes &file)
    : zip(zip), stored(file.size), packed(UnpackedSize::plausible(file.size).limit) {
  for (const ZipMember &member : zip.members())
    members.emplace(member.name, &member);
}

const ZipMember *ZipContents::find(std::string_view name) const {
  auto found = members.find(name);
  return found == members.end() ? nullptr : found->second;
}

Expected<Bytes> ZipContents::content(const ZipMember &member) {
  uint64_t &room = member.method == 0 ? stored : packed;
  if (member.size > room)
    return member.method == 0 ? failure("its members overlap")
                              : failure("it unpacks to more bytes than are plausible for its size");
  room -= member.size;
  return zip.content(member);
}

} // namespace xfer::rt
