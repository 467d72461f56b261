// Small pictures inside of a page.
#ifndef XFER_RUNTIME_METRICS_PNG_H
#define XFER_RUNTIME_METRICS_PNG_H

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace xfer::rt {

// A PNG file of height x width x channels bytes; 1 channel is grey, 3 are red, green and blue.
std::string pngFile(const std::vector<uint8_t> &pixels, uint32_t width, uint32_t height, int channels);

std::string base64(std::string_view bytes);

} // namespace xfer::rt

#endif
