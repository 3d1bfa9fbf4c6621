#pragma once

#include <algorithm>
#include <vector>

#include "audio/reader.h"

namespace timbre {

/// A reader whose decoder gives audio in pieces of its own length.
class BufferedReader : public Reader {
 public:
  Result<std::size_t> read(std::span<float> interleaved) final {
    const auto channels = static_cast<std::size_t>(info().channels);
    const std::size_t wanted = interleaved.size() / channels * channels;
    std::size_t filled = 0;
    while (filled < wanted) {
      if (taken_ == pending_.size()) {
        pending_.clear();
        taken_ = 0;
        if (auto status = refill(); !status) return std::move(status).error();
        if (pending_.empty()) break;
      }
      const std::size_t count = std::min(wanted - filled, pending_.size() - taken_);
      std::copy_n(pending_.begin() + static_cast<long>(taken_), count, interleaved.begin() + static_cast<long>(filled));
      taken_ += count;
      filled += count;
    }
    return filled / channels;
  }

 protected:
  /// Puts the next piece into `pending_`, which is empty; leaves it so at the end. Errors: as of read().
  virtual Status refill() = 0;

  std::vector<float> pending_;  ///< interleaved

 private:
  std::size_t taken_ = 0;  ///< samples of `pending_` that were given away
};

}  // namespace timbre
