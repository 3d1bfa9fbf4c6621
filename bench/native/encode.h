#pragma once

#include <cstdint>
#include <vector>

namespace timbre::bench {

/// libsndfile's numbers of container and codec.
enum class Encoding { kWav, kFlac, kMp3 };

/// An encoded recording, its channels all the same; 16 bit, or a bit rate of the encoder's choice.
std::vector<std::uint8_t> encode(const std::vector<float>& mono, int rate, int channels, Encoding encoding);

}  // namespace timbre::bench
