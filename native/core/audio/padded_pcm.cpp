#include "audio/padded_pcm.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

namespace timbre {

namespace {

/// All bits of a sample, the upper ones as they are.
std::uint32_t whole(const std::uint8_t* bytes, const PaddedPcm& pcm) {
  std::uint32_t value = 0;
  for (int i = 0; i < pcm.bytes; ++i) value = value << 8U | bytes[pcm.big_endian ? i : pcm.bytes - 1 - i];
  return value;
}

class PaddedPcmReader final : public Reader {
 public:
  PaddedPcmReader(const Input& samples, const PaddedPcm& pcm, std::string format)
      : cursor_{samples}, pcm_(pcm), scale_(std::ldexp(1.0F, 1 - pcm.bits)) {
    const std::uint64_t frame = static_cast<std::uint64_t>(pcm.channels) * static_cast<std::uint64_t>(pcm.bytes);
    info_ = {pcm.sample_rate, pcm.channels, samples.size() / frame, std::move(format)};
  }

  const StreamInfo& info() const override { return info_; }

  Result<std::size_t> read(std::span<float> interleaved) override {
    const auto channels = static_cast<std::size_t>(pcm_.channels);
    const auto size = static_cast<std::size_t>(pcm_.bytes);
    bytes_.resize(interleaved.size() / channels * channels * size);
    const std::size_t frames = cursor_.read(bytes_) / (channels * size);
    const auto unused = static_cast<unsigned>(32 - pcm_.bits);
    for (std::size_t i = 0; i < frames * channels; ++i) {
      // The sign is the sample's own highest bit, whatever stands above it.
      const auto value = static_cast<std::int32_t>(whole(bytes_.data() + i * size, pcm_) << unused) >> unused;
      interleaved[i] = static_cast<float>(value) * scale_;
    }
    return frames;
  }

 private:
  Cursor cursor_;
  const PaddedPcm pcm_;
  const float scale_;
  StreamInfo info_;
  std::vector<std::uint8_t> bytes_;
};

}  // namespace

bool at_lower_end(const Input& samples, const PaddedPcm& pcm) {
  constexpr std::size_t kSamples = 1 << 20;
  const auto size = static_cast<std::size_t>(pcm.bytes);
  std::vector<std::uint8_t> bytes(
      static_cast<std::size_t>(std::min<std::uint64_t>(samples.size() / size, kSamples) * size));
  bytes.resize(samples.read(0, bytes) / size * size);
  const auto spare = static_cast<unsigned>(8 * pcm.bytes - pcm.bits);
  const std::uint32_t below = (1U << spare) - 1;
  bool low = false;
  for (std::size_t at = 0; at < bytes.size(); at += size) {
    const std::uint32_t value = whole(bytes.data() + at, pcm);
    const std::uint32_t above = value >> static_cast<unsigned>(pcm.bits);
    if (above != 0 && above != below) return false;  // neither a sign nor nothing: the sample reaches up to the top
    low = low || (value & below) != 0;
  }
  return low;
}

std::unique_ptr<Reader> open_padded_pcm(const Input& samples, const PaddedPcm& pcm, std::string format) {
  return std::make_unique<PaddedPcmReader>(samples, pcm, std::move(format));
}

}  // namespace timbre
