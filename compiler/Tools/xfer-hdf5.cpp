//===- xfer-hdf5.cpp - an HDF5 file becomes a safetensors file ----------------------------------------------------===//
//
//   xfer-hdf5 FROM TO
//
// `xferc convert` starts it: the library of HDF5 meets bytes that anybody may have written in a process of its own, so
// that whatever it does with them, nothing but the conversion fails. Datasets of numbers become tensors, in the order
// of their names, as they lie in the file; TO is written when the library is done. What would reach other files
// (external and virtual datasets, links, plugins of filters) is not followed.
//
// group/name is the key group.name. Of a model of Keras the weights alone are taken, conv/conv/kernel:0 as conv.kernel,
// and the file says that they are in Keras' layout.
//
//===------------------------------------------------------------------------------------------------------------===//

#include "xfer/rt/WeightList.h"
#include <cstdio>
#include <hdf5.h>
#include <string>
#include <sys/resource.h>
#include <sys/stat.h>
#include <vector>

using namespace xfer::rt;

namespace {

/// Closes what the library opened.
class Handle {
public:
  Handle(hid_t id, herr_t (*close)(hid_t)) : id(id), close(close) {}
  Handle(const Handle &) = delete;
  ~Handle() {
    if (id >= 0)
      close(id);
  }
  operator hid_t() const { return id; }

private:
  hid_t id;
  herr_t (*close)(hid_t);
};

class Hdf5File {
public:
  Status read(const std::string &path);

  std::vector<NewTensor> tensors;
  std::vector<std::string> left; ///< datasets that are no numbers
  bool isKeras = false;

private:
  static herr_t visit(hid_t file, const char *name, const H5O_info_t *info, void *self);
  Status add(hid_t file, const std::string &name);
  std::string keyOf(std::string name) const;

  Status problem;
  std::string root; ///< of what is taken: "model_weights/", or nothing
  uint64_t room = 0;
};

} // namespace

static bool hasAttribute(hid_t file, const char *object, const char *name) {
  return H5Lexists(file, object, H5P_DEFAULT) > 0 && H5Aexists_by_name(file, object, name, H5P_DEFAULT) > 0;
}

/// The element type of a dataset and the one to read it with, which is little-endian; none if it is no number.
static hid_t memoryType(hid_t type, std::string &name) {
  size_t size = H5Tget_size(type);
  const std::string bits = std::to_string(8 * size);
  switch (H5Tget_class(type)) {
  case H5T_ENUM: // h5py's bool
    name = "bool";
    return size == 1 ? H5Tcopy(type) : H5I_INVALID_HID;
  case H5T_INTEGER: {
    bool isSigned = H5Tget_sign(type) == H5T_SGN_2;
    name = (isSigned ? "i" : "u") + bits;
    switch (size) {
    case 1:
      return H5Tcopy(isSigned ? H5T_STD_I8LE : H5T_STD_U8LE);
    case 2:
      return H5Tcopy(isSigned ? H5T_STD_I16LE : H5T_STD_U16LE);
    case 4:
      return H5Tcopy(isSigned ? H5T_STD_I32LE : H5T_STD_U32LE);
    case 8:
      return H5Tcopy(isSigned ? H5T_STD_I64LE : H5T_STD_U64LE);
    default:
      return H5I_INVALID_HID;
    }
  }
  case H5T_FLOAT: {
    name = "f" + bits;
    if (size == 4 || size == 8)
      return H5Tcopy(size == 4 ? H5T_IEEE_F32LE : H5T_IEEE_F64LE);
    size_t sign, exponent, exponentBits, fraction, fractionBits;
    if (size != 2 || H5Tget_fields(type, &sign, &exponent, &exponentBits, &fraction, &fractionBits) < 0)
      return H5I_INVALID_HID;
    if (sign != 15 || fraction != 0 || exponent != fractionBits || (exponentBits != 5 && exponentBits != 8))
      return H5I_INVALID_HID;
    name = exponentBits == 5 ? "f16" : "bf16";
    hid_t made = H5Tcopy(type);
    H5Tset_order(made, H5T_ORDER_LE);
    return made;
  }
  default:
    return H5I_INVALID_HID;
  }
}

std::string Hdf5File::keyOf(std::string name) const {
  name.erase(0, root.size());
  if (isKeras) {
    if (name.size() > 2 && name.compare(name.size() - 2, 2, ":0") == 0)
      name.resize(name.size() - 2);
    size_t slash = name.find('/');
    if (slash != std::string::npos && name.compare(slash + 1, slash + 1, name, 0, slash + 1) == 0)
      name.erase(0, slash + 1);
  }
  for (char &letter : name)
    letter = letter == '/' ? '.' : letter;
  return name;
}

Status Hdf5File::add(hid_t file, const std::string &name) {
  auto damaged = [&](const char *what) { return failure("dataset '{}' {}; copy the file again", name, what); };
  Handle dataset(H5Dopen2(file, name.c_str(), H5P_DEFAULT), H5Dclose);
  Handle type(H5Dget_type(dataset), H5Tclose), space(H5Dget_space(dataset), H5Sclose),
      creation(H5Dget_create_plist(dataset), H5Pclose);
  if (dataset < 0 || type < 0 || space < 0 || creation < 0)
    return damaged("cannot be opened");
  NewTensor tensor;
  tensor.key = keyOf(name);
  Handle memory(memoryType(type, tensor.type), H5Tclose);
  H5S_class_t extent = H5Sget_simple_extent_type(space);
  if (memory < 0 || extent == H5S_NULL) {
    left.push_back(name);
    return Status::success();
  }
  if (H5Pget_external_count(creation) > 0 || H5Pget_layout(creation) == H5D_VIRTUAL)
    return failure("dataset '{}' lies in another file; copy it into this one", name);
  hsize_t extents[H5S_MAX_RANK] = {};
  int rank = H5Sget_simple_extent_dims(space, extents, nullptr);
  if (rank < 0)
    return damaged("has no shape");
  unsigned __int128 bytes = H5Tget_size(memory);
  for (int i = 0; i < rank; ++i) {
    tensor.shape.push_back(static_cast<int64_t>(extents[i]));
    bytes = bytes >> 63 ? bytes : bytes * extents[i];
  }
  if (bytes > room)
    return failure("dataset '{}' announces more bytes than are plausible for the size of the file", name);
  room -= static_cast<uint64_t>(bytes);
  tensor.bytes.resize(static_cast<uint64_t>(bytes));
  if (!tensor.bytes.empty() && H5Dread(dataset, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, tensor.bytes.data()) < 0)
    return damaged("cannot be read: it is damaged, or packed in a way that the library does not know");
  tensors.push_back(std::move(tensor));
  return Status::success();
}

herr_t Hdf5File::visit(hid_t file, const char *name, const H5O_info_t *info, void *self) {
  auto &converter = *static_cast<Hdf5File *>(self);
  std::string path = name;
  if (info->type != H5O_TYPE_DATASET || path.compare(0, converter.root.size(), converter.root) != 0)
    return 0;
  converter.problem = converter.add(file, path);
  return converter.problem.failed() ? -1 : 0;
}

Status Hdf5File::read(const std::string &path) {
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  H5PLset_loading_state(0);
  struct stat info;
  // As much as a text may unpack to (runtime/core/Gzip.h).
  room = (uint64_t(64) << 20) + (stat(path.c_str(), &info) == 0 ? 200 * static_cast<uint64_t>(info.st_size) : 0);
  Handle file(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose);
  if (file < 0)
    return failure("it cannot be opened; copy the file again");
  isKeras = H5Aexists(file, "keras_version") > 0 || H5Aexists(file, "layer_names") > 0;
  if (hasAttribute(file, "model_weights", "layer_names")) {
    isKeras = true;
    root = "model_weights/";
  }
  isKeras |=
      H5Lexists(file, "layers", H5P_DEFAULT) > 0 && H5Lexists(file, "_layer_checkpoint_dependencies", H5P_DEFAULT) > 0;
  herr_t visited = H5Ovisit2(file, H5_INDEX_NAME, H5_ITER_INC, visit, this, H5O_INFO_BASIC);
  if (problem.failed())
    return problem;
  if (visited < 0)
    return failure("its groups are damaged; copy the file again");
  return tensors.empty() ? failure("it has no dataset of numbers") : Status::success();
}

int main(int argc, char **argv) {
  if (argc != 3) {
    std::fprintf(stderr, "xfer-hdf5 FROM TO is a part of 'xferc convert'\n");
    return 2;
  }
  // The library may run in circles over a damaged file, and its end is no news for a debugger.
  constexpr rlim_t longest = 3600;
  const rlimit time{longest, longest}, core{0, 0};
  setrlimit(RLIMIT_CPU, &time);
  setrlimit(RLIMIT_CORE, &core);
  Hdf5File file;
  Status status = file.read(argv[1]);
  if (status.failed()) {
    std::fprintf(stderr, "xferc: error: '%s' is not a good HDF5 file: %s\n", argv[1], status.message().c_str());
    return 1;
  }
  for (const std::string &name : file.left)
    std::fprintf(stderr, "xferc: warning: dataset '%s' of '%s' holds no numbers and is left out\n", name.c_str(),
                 argv[1]);
  std::vector<std::pair<std::string, std::string>> metadata;
  if (file.isKeras)
    metadata.emplace_back("layout", "keras");
  status = writeTensors(argv[2], std::move(file.tensors), metadata);
  if (status.failed())
    std::fprintf(stderr, "xferc: error: %s\n", status.message().c_str());
  return status.failed() ? 1 : 0;
}
