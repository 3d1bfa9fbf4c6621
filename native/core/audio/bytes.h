#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "audio/input.h"

namespace timbre {

enum class Order { kLittle, kBig };

/// A stretch of an input, read at once; zeros where the input has ended.
class Stretch {
 public:
  Stretch(const Input& input, std::uint64_t offset, std::size_t count) : bytes_(count) {
    size_ = input.read(offset, bytes_);
  }

  /// Bytes that are there.
  std::size_t size() const { return size_; }
  std::uint8_t operator[](std::size_t at) const { return at < bytes_.size() ? bytes_[at] : 0; }

  bool has(std::size_t at, std::string_view what) const {
    return at + what.size() <= size_ &&
           std::equal(what.begin(), what.end(), bytes_.begin() + static_cast<long>(at),
                      [](char a, std::uint8_t b) { return static_cast<std::uint8_t>(a) == b; });
  }

  /// An unsigned number of at most eight bytes.
  std::uint64_t number(std::size_t at, std::size_t length, Order order) const {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < length; ++i) {
      value = value << 8 | (*this)[at + (order == Order::kBig ? i : length - 1 - i)];
    }
    return value;
  }

  std::string_view text() const { return {reinterpret_cast<const char*>(bytes_.data()), size_}; }
  const std::vector<std::uint8_t>& bytes() const { return bytes_; }

 private:
  std::vector<std::uint8_t> bytes_;
  std::size_t size_ = 0;
};

/// Reads an input byte by byte, a block at a time.
class Scanner {
 public:
  explicit Scanner(const Input& input) : input_(input) {}

  std::uint64_t size() const { return input_.size(); }

  /// 0 behind the end.
  std::uint8_t operator[](std::uint64_t at) {
    if (at < begin_ || at - begin_ >= filled_) {
      begin_ = at;
      filled_ = input_.read(at, block_);
      if (filled_ == 0) return 0;
    }
    return block_[static_cast<std::size_t>(at - begin_)];
  }

  bool has(std::uint64_t at, std::string_view what) {
    if (at + what.size() > size()) return false;
    for (std::size_t i = 0; i < what.size(); ++i) {
      if ((*this)[at + i] != static_cast<std::uint8_t>(what[i])) return false;
    }
    return true;
  }

  std::uint64_t number(std::uint64_t at, std::size_t length, Order order) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < length; ++i) {
      value = value << 8 | (*this)[at + (order == Order::kBig ? i : length - 1 - i)];
    }
    return value;
  }

 private:
  const Input& input_;
  std::vector<std::uint8_t> block_ = std::vector<std::uint8_t>(1 << 16);
  std::uint64_t begin_ = 0;
  std::size_t filled_ = 0;
};

/// Builds a header byte by byte.
class HeaderWriter {
 public:
  explicit HeaderWriter(Order order = Order::kLittle) : order_(order) {}

  HeaderWriter& text(std::string_view what) {
    bytes_.insert(bytes_.end(), what.begin(), what.end());
    return *this;
  }

  HeaderWriter& number(std::uint64_t value, std::size_t length) {
    for (std::size_t i = 0; i < length; ++i) {
      const std::size_t shift = 8 * (order_ == Order::kBig ? length - 1 - i : i);
      bytes_.push_back(static_cast<std::uint8_t>(value >> shift));
    }
    return *this;
  }

  HeaderWriter& raw(const std::vector<std::uint8_t>& bytes) {
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    return *this;
  }

  std::size_t size() const { return bytes_.size(); }
  std::vector<std::uint8_t> take() { return std::move(bytes_); }

 private:
  const Order order_;
  std::vector<std::uint8_t> bytes_;
};

}  // namespace timbre
