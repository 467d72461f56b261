// What a weight file of any format holds, and rewriting it as safetensors: for tools, by the code that `load` uses.
#ifndef XFER_RT_WEIGHTLIST_H
#define XFER_RT_WEIGHTLIST_H

#include "xfer/rt/Status.h"
#include <vector>

namespace xfer::rt {

struct ListedTensor {
  std::string key, type; // "f32"
  std::vector<int64_t> shape;
  uint64_t values = 0;
  double least = 0, greatest = 0; // of the finite values; both 0 if there is none
  uint64_t finite = 0, nan = 0;   // how many; the others are infinite
};

struct WeightListing {
  std::string format; // "safetensors", "npz", "PyTorch", "PyTorch before 1.6"
  uint64_t bytes = 0; // of the file
  std::vector<ListedTensor> tensors;
  std::vector<std::pair<std::string, std::string>> metadata;
  std::vector<std::string> others; // what it holds beside tensors
};

Expected<WeightListing> listWeights(const std::string &path);

// A tensor that somebody read otherwise: row by row, little-endian.
struct NewTensor {
  std::string key, type;
  std::vector<int64_t> shape;
  std::vector<uint8_t> bytes;
};

// Writes a safetensors file as a whole or not at all. Keys must differ and be names that a weight can have.
Status writeTensors(const std::string &path, std::vector<NewTensor> tensors,
                    const std::vector<std::pair<std::string, std::string>> &metadata);

// The same with the tensors of a weight file of another format, and its metadata.
Status convertWeights(const std::string &from, const std::string &to);

// Whether it is an HDF5 file, which needs another library.
Expected<bool> isHdf5File(const std::string &path);

} // namespace xfer::rt

#endif
