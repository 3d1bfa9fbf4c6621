#include "network/page_buffer.h"

#include <sys/mman.h>

#include <new>

namespace timbre::network {

namespace {

/// From here on pages of 2 MB are asked for: fewer of them to take, and fewer to look up.
constexpr std::size_t kLarge = std::size_t{4} << 20U;

}  // namespace

PageBuffer::PageBuffer(std::size_t bytes) : size_(bytes) {
  if (bytes == 0) return;
  void* const memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
#ifdef MADV_HUGEPAGE
  // Where the system has none, ordinary pages do.
  if (bytes >= kLarge) static_cast<void>(::madvise(memory, bytes, MADV_HUGEPAGE));
#endif
  data_ = static_cast<std::byte*>(memory);
}

PageBuffer::~PageBuffer() {
  if (data_) ::munmap(data_, size_);
}

}  // namespace timbre::network
