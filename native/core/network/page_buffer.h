#pragma once

#include <array>
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

/// What a thread keeps for its next utterance.
template <std::size_t Count>
class KeptBuffers {
 public:
  /// Room for so many bytes of undefined content in the buffer with this number. Throws std::bad_alloc.
  std::byte* room(std::size_t number, std::size_t bytes) {
    PageBuffer& memory = buffers_[number];
    if (memory.size() < bytes) {
      memory = PageBuffer();  // both at once would be more than anybody counts on
      memory = PageBuffer(bytes);
    }
    return memory.data();
  }

  /// Gives back what only long utterances need.
  void trim() noexcept {
    // 7 s of three blocks of 1024 channels in fp32.
    constexpr std::size_t kKept = std::size_t{8} << 20U;
    for (PageBuffer& memory : buffers_) {
      if (memory.size() > kKept) memory = PageBuffer();
    }
  }

 private:
  std::array<PageBuffer, Count> buffers_;
};

}  // namespace timbre::network
