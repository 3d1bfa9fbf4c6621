#pragma once

#include <string.h>  // explicit_bzero is no part of <cstring>

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

namespace timbre {

/// Overwrites values with zeros, in a way that no compiler leaves out as a write that nobody reads.
template <typename T>
void wipe(std::span<T> values) noexcept {
  explicit_bzero(values.data(), values.size_bytes());
}

/// Memory that is overwritten before it is given back.
template <typename T>
struct WipingAllocator {
  using value_type = T;

  WipingAllocator() = default;
  template <typename U>
  WipingAllocator(const WipingAllocator<U>&) noexcept {}

  T* allocate(std::size_t count) { return std::allocator<T>().allocate(count); }
  void deallocate(T* values, std::size_t count) noexcept {
    wipe(std::span(values, count));
    std::allocator<T>().deallocate(values, count);
  }

  friend bool operator==(const WipingAllocator&, const WipingAllocator&) noexcept { return true; }
};

/// A vector of a voice: nothing of it stays in memory that was freed.
using VoiceVector = std::vector<float, WipingAllocator<float>>;

}  // namespace timbre
