#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

namespace timbre::fuzz {

/// Puts the right checksum into every page of Ogg that lies in the bytes as a whole. Format: RFC 3533, section 6.
inline void sign_ogg_pages(std::span<std::uint8_t> bytes) {
  static const auto table = [] {
    std::array<std::uint32_t, 256> made{};
    for (std::uint32_t i = 0; i < made.size(); ++i) {
      std::uint32_t crc = i << 24;
      for (int bit = 0; bit < 8; ++bit) crc = crc << 1 ^ ((crc & 0x80000000U) != 0 ? 0x04C11DB7U : 0U);
      made[i] = crc;
    }
    return made;
  }();
  constexpr std::array<std::uint8_t, 4> kCapture = {'O', 'g', 'g', 'S'};
  constexpr std::size_t kHeader = 27;
  constexpr std::size_t kChecksum = 22;
  if (bytes.size() < kHeader || !std::equal(kCapture.begin(), kCapture.end(), bytes.begin())) return;
  while (bytes.size() >= kHeader) {
    const auto at = std::search(bytes.begin(), bytes.end(), kCapture.begin(), kCapture.end());
    bytes = bytes.subspan(static_cast<std::size_t>(at - bytes.begin()));
    if (bytes.size() < kHeader) return;
    const std::size_t segments = bytes[kHeader - 1];
    std::size_t length = kHeader + segments;
    if (bytes.size() < length) return;
    for (std::size_t i = 0; i < segments; ++i) length += bytes[kHeader + i];
    if (bytes.size() < length) {
      bytes = bytes.subspan(kCapture.size());
      continue;
    }
    std::fill_n(bytes.begin() + kChecksum, 4, std::uint8_t{0});
    std::uint32_t crc = 0;
    for (const std::uint8_t byte : bytes.first(length)) crc = crc << 8 ^ table[crc >> 24 ^ byte];
    for (std::size_t i = 0; i < 4; ++i) bytes[kChecksum + i] = static_cast<std::uint8_t>(crc >> (8 * i));
    bytes = bytes.subspan(length);
  }
}

}  // namespace timbre::fuzz
