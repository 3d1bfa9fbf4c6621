#pragma once

#include <ogg/ogg.h>

#include <cstdint>
#include <vector>

#include "recordings.h"

namespace timbre::test {

/// An Ogg file as pages that can be changed; bytes() signs them again.
struct OggFile {
  struct Page {
    Bytes bytes;

    std::int64_t granule() const {
      std::uint64_t value = 0;
      for (std::size_t i = 14; i-- > 6;) value = value << 8U | bytes[i];
      return static_cast<std::int64_t>(value);
    }
    void set_granule(std::int64_t value) {
      for (std::size_t i = 0; i < 8; ++i)
        bytes[6 + i] = static_cast<std::uint8_t>(static_cast<std::uint64_t>(value) >> (8 * i));
    }
    bool last() const { return (bytes[5] & 4) != 0; }
    /// Where its packets begin.
    std::size_t body() const { return 27 + bytes[26]; }
  };

  std::vector<Page> pages;

  explicit OggFile(const Bytes& file) {
    for (std::size_t at = 0; at + 27 < file.size();) {
      std::size_t length = 27 + static_cast<std::size_t>(file[at + 26]);
      for (std::size_t i = 0; i < file[at + 26]; ++i) length += file[at + 27 + i];
      const auto begin = file.begin() + static_cast<long>(at);
      pages.push_back({Bytes(begin, begin + static_cast<long>(length))});
      at += length;
    }
  }

  Bytes bytes() const {
    Bytes all;
    for (Page page : pages) {
      const std::size_t head = page.body();
      ogg_page signed_page{page.bytes.data(), static_cast<long>(head), page.bytes.data() + head,
                           static_cast<long>(page.bytes.size() - head)};
      ogg_page_checksum_set(&signed_page);
      all = joined(std::move(all), page.bytes);
    }
    return all;
  }
};

}  // namespace timbre::test
