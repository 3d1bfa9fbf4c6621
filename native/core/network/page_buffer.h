#pragma once

#include <cstddef>
#include <utility>

namespace timbre::network {

/// Memory on pages of its own, which go back to the system when it ends: activations of every length would leave
/// holes of every size in the host's heap. Zero until written; memory is taken page by page as it is written.
class PageBuffer {
 public:
  PageBuffer() = default;
  /// Throws std::bad_alloc.
  explicit PageBuffer(std::size_t bytes);
  PageBuffer(PageBuffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  PageBuffer& operator=(PageBuffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~PageBuffer();

  std::byte* data() const { return data_; }
  std::size_t size() const { return size_; }

 private:
  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace timbre::network
